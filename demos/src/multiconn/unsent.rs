//! Bytes on their way to a stream that takes them when it can.

use std::io::{self, ErrorKind, Write};

/// What a stream has not taken yet. Holds no memory when that is nothing.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    bytes: Vec<u8>,
    sent: usize,
}

impl Unsent {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes until nothing is left, which is true then, or until the stream blocks.
    pub(super) fn flush(&mut self, stream: &mut impl Write) -> io::Result<bool> {
        while self.sent < self.bytes.len() {
            match stream.write(&self.bytes[self.sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        *self = Self::default();
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that does what it is told, and keeps what it took.
    struct Script(Vec<Result<usize, ErrorKind>>, Vec<u8>);

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = self.0.remove(0)?.min(bytes.len());
            self.1.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            panic!("sockets hold nothing back")
        }
    }

    #[test]
    fn a_partial_write_is_resumed_where_it_was() {
        let blocked = Err(ErrorKind::WouldBlock);
        let script = vec![Ok(1), blocked, Ok(2), Err(ErrorKind::Interrupted), Ok(1), blocked, Ok(9)];
        let mut stream = Script(script, Vec::new());
        let mut unsent = Unsent::default();
        unsent.push(b"abc");
        assert!(!unsent.flush(&mut stream).unwrap());
        unsent.push(b"de");
        assert!(!unsent.flush(&mut stream).unwrap());
        assert_eq!(stream.1, b"abcd");
        assert!(unsent.flush(&mut stream).unwrap());
        assert_eq!(stream.1, b"abcde");
        assert!(unsent.flush(&mut stream).unwrap());
    }

    #[test]
    fn a_stream_that_takes_nothing_has_failed() {
        let mut unsent = Unsent::default();
        unsent.push(b"abc");
        let error = unsent.flush(&mut Script(vec![Ok(0)], Vec::new())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    }
}
