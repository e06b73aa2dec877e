//! A raw stream in memory, for tests.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use super::Raw;

/// A stream that is as cut as it is told. What is put into `incoming` can be read; what is written is in `outgoing`.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) incoming: VecDeque<u8>,
    pub(crate) outgoing: Vec<u8>,
    /// Whether the stream ends after what is incoming.
    pub(crate) ends: bool,
    /// How it fails after what is incoming, if it does.
    pub(crate) fails: Option<ErrorKind>,
    /// Whether it says that each read has got more than there was space for.
    pub(crate) lies: bool,
    /// How many bytes a read gets and a write takes at most; with none, a write calls that a success.
    pub(crate) at_once: usize,
    /// Whether every other call blocks, and every third is interrupted.
    pub(crate) balks: bool,
    /// How many bytes can be written until the stream blocks for good.
    pub(crate) capacity: usize,
    pub(crate) half: Half,
    calls: usize,
}

/// What has become of the sending direction.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Half {
    #[default]
    Open,
    Closed,
    /// It is blocked, once.
    Blocked,
    /// It cannot be closed.
    Broken,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            incoming: VecDeque::new(),
            outgoing: Vec::new(),
            ends: false,
            fails: None,
            lies: false,
            at_once: usize::MAX,
            balks: false,
            capacity: usize::MAX,
            half: Half::Open,
            calls: 0,
        }
    }
}

impl Wire {
    pub(crate) fn of(incoming: &[u8]) -> Self {
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
            return Err(self.fails.unwrap_or(ErrorKind::WouldBlock).into());
        }
        let count = self.at_once.min(space.len());
        let count = self.incoming.read(&mut space[..count])?;
        Ok(if self.lies { usize::MAX } else { count })
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
        assert_ne!(self.half, Half::Closed, "nothing is written after the end");
        self.outgoing.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Raw for Wire {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        let (next, outcome) = match self.half {
            Half::Open | Half::Closed => (Half::Closed, Ok(())),
            Half::Blocked => (Half::Open, Err(ErrorKind::WouldBlock.into())),
            Half::Broken => (Half::Broken, Err(ErrorKind::NotConnected.into())),
        };
        self.half = next;
        outcome
    }
}
