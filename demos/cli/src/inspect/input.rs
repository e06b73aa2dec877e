//! The input, read in pieces.

use std::io::{self, ErrorKind, Read};
use std::num::NonZeroUsize;

/// How much is read at a time, in bytes.
pub(super) const BUFFER: NonZeroUsize = NonZeroUsize::new(64 * 1024).expect("it is not zero");

/// An input, and what was read of it last.
pub(super) struct Input<'a> {
    reader: &'a mut dyn Read,
    buffer: Vec<u8>,
    pending: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(reader: &'a mut dyn Read) -> Self {
        Self { reader, buffer: vec![0; BUFFER.get()], pending: 0 }
    }

    /// Reads once, in place of what was read before: false at the end of the input.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        self.pending = 0;
        loop {
            match self.reader.read(&mut self.buffer) {
                Ok(length) => {
                    self.pending = length;
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(named(error)),
            }
        }
    }

    /// The bytes that were read last.
    pub(super) fn pending(&self) -> &[u8] {
        &self.buffer[..self.pending]
    }
}

/// Reads text that stands for bytes to its end, for the error if it does not throughout: then what its first bytes stand for says
/// nothing about a stream.
pub(super) fn check_rest(text: &mut dyn Read) -> io::Result<()> {
    io::copy(text, &mut io::sink()).map(drop).map_err(named)
}

/// The error of the input, unless it is wrong text or no capture, which says so itself.
pub(super) fn named(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::BrokenPipe => error,
        kind => io::Error::new(kind, format!("cannot read the input: {error}")),
    }
}
