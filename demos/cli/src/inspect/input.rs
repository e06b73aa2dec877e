//! The input, read in pieces.

use std::io::{self, ErrorKind, Read};
use std::num::NonZeroUsize;
use std::ops::Range;

/// How much is read at a time, in bytes.
pub(super) const BUFFER: NonZeroUsize = NonZeroUsize::new(64 * 1024).expect("it is not zero");

/// An input, and what of it has been read and not yet been taken.
pub(super) struct Input<'a> {
    reader: &'a mut dyn Read,
    buffer: Vec<u8>,
    pending: Range<usize>,
}

impl<'a> Input<'a> {
    pub(super) fn new(reader: &'a mut dyn Read) -> Self {
        Self { reader, buffer: vec![0; BUFFER.get()], pending: 0..0 }
    }

    /// Reads once, in place of what was pending: false at the end of the input.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        self.pending = 0..0;
        loop {
            match self.reader.read(&mut self.buffer) {
                Ok(length) => {
                    self.pending = 0..length;
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(named(error)),
            }
        }
    }

    /// The bytes that have been read and not been taken.
    pub(super) fn pending(&self) -> &[u8] {
        &self.buffer[self.pending.clone()]
    }

    /// Takes this many of the pending bytes.
    pub(super) fn take(&mut self, count: usize) {
        self.pending.start = self.pending.end.min(self.pending.start + count);
    }
}

/// Reads hex text to its end, for the error if it is not hex text throughout: then what its first bytes stand for says
/// nothing about a stream.
pub(super) fn check_rest(text: &mut dyn Read) -> io::Result<()> {
    io::copy(text, &mut io::sink()).map(drop).map_err(named)
}

/// The error of the input, unless it is wrong hex text, which says so itself.
fn named(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::InvalidData => error,
        kind => io::Error::new(kind, format!("cannot read the input: {error}")),
    }
}
