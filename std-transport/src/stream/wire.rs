//! A raw stream in memory, for tests.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use super::{Raw, Sink};

/// A stream that is as cut as it is told. What is put into `incoming` can be read; what is written is in `outgoing`.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) incoming: VecDeque<u8>,
    pub(super) outgoing: Vec<u8>,
    /// Whether the stream ends after what is incoming.
    pub(super) ends: bool,
    /// How many bytes a read gets and a write takes at most; with none, a write calls that a success.
    pub(super) at_once: usize,
    /// Whether every other call blocks, and every third is interrupted.
    pub(super) balks: bool,
    /// How many bytes can be written until the stream blocks for good.
    pub(super) capacity: usize,
    pub(super) has_shut_down: bool,
    calls: usize,
}

impl Default for Wire {
    fn default() -> Self {
        let (incoming, outgoing) = Default::default();
        let (at_once, capacity) = (usize::MAX, usize::MAX);
        let (ends, balks, has_shut_down) = (false, false, false);
        Self { incoming, outgoing, ends, at_once, balks, capacity, has_shut_down, calls: 0 }
    }
}

impl Wire {
    pub(super) fn of(incoming: &[u8]) -> Self {
        Self { incoming: incoming.to_vec().into(), ..Self::default() }
    }

    fn balk(&mut self) -> io::Result<()> {
        self.calls += 1;
        match self.calls % 4 {
            1 if self.balks => Err(ErrorKind::WouldBlock.into()),
            2 if self.balks => Err(ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.balk()?;
        if self.incoming.is_empty() && !self.ends {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.at_once.min(space.len());
        self.incoming.read(&mut space[..count])
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.balk()?;
        if self.at_once == 0 {
            return Ok(0);
        }
        let count = bytes.len().min(self.at_once).min(self.capacity - self.outgoing.len().min(self.capacity));
        if count == 0 && !bytes.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        assert!(!self.has_shut_down, "nothing is written after the end");
        self.outgoing.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Wire {}

impl Raw for Wire {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        self.has_shut_down = true;
        Ok(())
    }
}
