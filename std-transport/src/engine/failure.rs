//! The errors of a stream: which pass, and how the others are returned again.

use std::io::{self, ErrorKind};

/// Why nothing more can be read from a stream, or written to it, once that is so.
///
/// A stream that has failed may report its end at the next call, as one that was reset does, so it is not asked again.
#[derive(Debug)]
pub(crate) struct Failure(Option<io::Error>);

impl Failure {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Returns the error again, if there has been one.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |error| Err(again(error)))
    }

    /// Remembers an error, unless it passes, and returns it.
    pub(crate) fn note(&mut self, error: io::Error) -> io::Error {
        if error.kind() != ErrorKind::Interrupted && !is_timeout(&error) {
            self.0 = Some(again(&error));
        }
        error
    }

    pub(crate) const fn is_set(&self) -> bool {
        self.0.is_some()
    }
}

/// An error like this one, which cannot be cloned.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Whether the time for a call is over. Systems differ in the kind.
///
/// On Unix the system's own "timed out" is another thing: it has given the connection up.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    match error.kind() {
        ErrorKind::WouldBlock => true,
        ErrorKind::TimedOut => !cfg!(unix) || error.raw_os_error().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_returned_again_unless_it_passes() {
        for (kind, lasts) in [
            (ErrorKind::ConnectionReset, true),
            (ErrorKind::UnexpectedEof, true),
            (ErrorKind::WouldBlock, false),
            (ErrorKind::TimedOut, false),
            (ErrorKind::Interrupted, false),
        ] {
            let mut failure = Failure::new();
            assert!(failure.check().is_ok() && !failure.is_set());
            let error = failure.note(io::Error::new(kind, "why"));
            assert_eq!((error.kind(), error.to_string()), (kind, "why".to_owned()));
            assert_eq!(failure.is_set(), lasts, "{kind}");
            for _ in 0..2 {
                let again = failure.check().map_err(|error| (error.kind(), error.to_string()));
                assert_eq!(again, if lasts { Err((kind, "why".to_owned())) } else { Ok(()) });
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_error_of_the_system_keeps_its_number_and_its_time_out_lasts() {
        const ETIMEDOUT: i32 = 110;
        let mut failure = Failure::new();
        let error = failure.note(io::Error::from_raw_os_error(ETIMEDOUT));
        assert!(error.kind() == ErrorKind::TimedOut && !is_timeout(&error));
        assert_eq!(failure.check().unwrap_err().raw_os_error(), Some(ETIMEDOUT));
    }
}
