//! A stream whose bytes are shown and remembered.

use std::io::{self, IoSlice, Read, Write};

use super::{Annotation, Start};

/// A stream, and what is to be known of the bytes that go over it.
pub(crate) struct Tapped<S> {
    stream: S,
    received: Option<Annotation>,
    sent: Option<Annotation>,
    start: Start,
}

impl<S> Tapped<S> {
    /// A stream of which each direction may be annotated.
    pub(crate) const fn new(stream: S, received: Option<Annotation>, sent: Option<Annotation>) -> Self {
        Self { stream, received, sent, start: Start::new() }
    }

    /// What was received first.
    pub(crate) const fn start(&self) -> &Start {
        &self.start
    }

    fn note_sent(&self, bytes: &[u8]) {
        if let Some(annotation) = &self.sent {
            annotation.push(bytes);
        }
    }
}

impl<S: Read> Read for Tapped<S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(place)?;
        let bytes = &place[..count];
        self.start.push(bytes);
        if let Some(annotation) = &self.received {
            annotation.push(bytes);
        }
        Ok(count)
    }
}

impl<S: Write> Write for Tapped<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.stream.write(bytes)?;
        self.note_sent(&bytes[..count]);
        Ok(count)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = self.stream.write_vectored(parts)?;
        let mut left = count;
        for part in parts {
            let written = part.len().min(left);
            self.note_sent(&part[..written]);
            left -= written;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
