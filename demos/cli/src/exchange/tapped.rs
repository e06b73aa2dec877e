//! A stream whose bytes are shown and remembered.

use std::io::{self, IoSlice, Read, Write};

use super::Annotation;
use crate::dialect::DialectName;
use crate::hint::Cause;
use crate::inspect::{Followed, UnderWay};
use crate::watched::is_silence;

/// A stream, and what is to be known of the bytes that go over it.
pub(crate) struct Tapped<S> {
    stream: S,
    received: Option<Annotation>,
    sent: Option<Annotation>,
    /// How many of the bytes that are to be written next have been shown. An answer must not be shown before its request.
    announced: usize,
    followed: Followed<'static>,
    /// Called when nothing more comes of a message, with the likely cause, or when nothing has come at all.
    silence: Option<Box<OnSilence>>,
    /// The offset of the message of which it has been said why.
    explained: Option<u64>,
}

type OnSilence = dyn Fn(Option<&UnderWay>, Option<&Cause>);

impl<S> Tapped<S> {
    /// A stream of which each direction may be annotated.
    pub(crate) fn new(stream: S, dialect: DialectName, received: Option<Annotation>, sent: Option<Annotation>) -> Self {
        if let Some(annotation) = &sent {
            annotation.is_sent();
        }
        Self { stream, received, sent, announced: 0, followed: Followed::new(dialect), silence: None, explained: None }
    }

    /// What is known of what was received.
    pub(crate) const fn followed(&self) -> &Followed<'static> {
        &self.followed
    }

    /// Whether it has been said why nothing more comes of the message under way, or what is wrong with it.
    pub(crate) fn is_explained(&self) -> bool {
        self.explained == Some(self.followed.whole())
    }

    /// Calls `say` when nothing more comes of a message, and without one when nothing has come at all, if the stream
    /// [tells a silence](crate::watched::Watched).
    pub(crate) fn on_silence(&mut self, say: impl Fn(Option<&UnderWay>, Option<&Cause>) + 'static) {
        self.silence = Some(Box::new(say));
    }

    fn say_silence(&mut self) {
        let Some(say) = &self.silence else { return };
        if self.followed.is_empty() {
            say(None, None);
        }
        let Some(under_way) = self.followed.under_way() else { return };
        let cause = self.followed.cause().filter(|_| !self.is_explained());
        say(Some(&under_way), cause.as_ref());
        if cause.is_some() {
            self.explained = Some(under_way.start);
        }
    }

    pub(crate) const fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Shows what is to be written, but for what was shown when less was written.
    fn announce(&mut self, parts: &[IoSlice<'_>]) {
        let Some(annotation) = &self.sent else { return };
        let mut known = self.announced;
        for part in parts {
            let skipped = part.len().min(known);
            annotation.push(&part[skipped..]);
            known -= skipped;
        }
        self.announced = self.announced.max(parts.iter().map(|part| part.len()).sum());
    }

    fn wrote(&mut self, count: usize) -> usize {
        self.announced = self.announced.saturating_sub(count);
        count
    }
}

impl<S: Read> Read for Tapped<S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let count = loop {
            match self.stream.read(place) {
                Err(error) if is_silence(&error) => self.say_silence(),
                outcome => break outcome?,
            }
        };
        let bytes = &place[..count];
        self.followed.push(bytes);
        if let Some(annotation) = &self.received {
            if bytes.is_empty() && !place.is_empty() {
                annotation.has_ended();
            }
            annotation.push(bytes);
        }
        Ok(count)
    }
}

impl<S: Write> Write for Tapped<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.announce(&[IoSlice::new(bytes)]);
        self.stream.write(bytes).map(|count| self.wrote(count))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.announce(parts);
        self.stream.write_vectored(parts).map(|count| self.wrote(count))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A stream that takes a byte at a time.
    struct Narrow(Vec<u8>);

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.extend(&bytes[..1]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn of_what_was_never_sent_nothing_is_shown() {
        let shown = Arc::new(Mutex::new(String::new()));
        let annotation = || {
            let to = Arc::clone(&shown);
            let write = move |lines: &str| to.lock().unwrap().push_str(lines);
            Annotation::start(DialectName::STANDARD, false, write).unwrap()
        };
        drop(Tapped::new(Narrow(Vec::new()), DialectName::STANDARD, None, Some(annotation())));
        assert_eq!(*shown.lock().unwrap(), "");
        drop(Tapped::new(Narrow(Vec::new()), DialectName::STANDARD, Some(annotation()), None));
        assert_eq!(*shown.lock().unwrap(), "         0  nothing has come, 0 messages\n");
    }

    #[test]
    fn what_is_written_in_pieces_is_shown_once() {
        let shown = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&shown);
        let write = move |lines: &str| to.lock().unwrap().push_str(lines);
        let annotation = Annotation::start(DialectName::STANDARD, false, write).unwrap();
        let mut stream = Tapped::new(Narrow(Vec::new()), DialectName::STANDARD, None, Some(annotation));
        let message = b"\0\x61{\"byteorder\": \"little\", \"content-type\": \"text\", \"content-encoding\": \"utf-8\", \"content-length\": 2}hi";
        for _ in 0..2 {
            let mut rest = &message[..];
            while !rest.is_empty() {
                let (first, second) = rest.split_at(rest.len() / 2);
                let count = stream.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]).unwrap();
                rest = &rest[count..];
            }
        }
        assert_eq!(stream.stream.0, [&message[..], message].concat());
        drop(stream);
        assert!(shown.lock().unwrap().ends_with("end of the stream, 2 messages\n"), "{}", shown.lock().unwrap());
    }
}
