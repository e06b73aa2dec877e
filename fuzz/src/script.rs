//! What the calls of a transport do, one after the other, as an input says; and a count of what they did.

use std::io::{self, ErrorKind};

use crate::input::Input;

/// What one call does.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Moves at most so many bytes.
    Move(usize),
    Fail(ErrorKind),
}

/// The steps to come. Once they are used up, every call moves all it can.
#[derive(Debug)]
pub struct Script<'a> {
    input: Input<'a>,
    pub calls: Calls,
}

/// How many calls there have been, by what they did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    /// Moved a byte at least, or flushed.
    pub useful: usize,
    /// Were interrupted by a signal, and are to be made again at once.
    pub interrupted: usize,
    /// Had nothing to move, or failed: no reason to call again before something has changed.
    pub useless: usize,
}

impl<'a> Script<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self { input: Input::new(data), calls: Calls::default() }
    }

    pub fn is_over(&self) -> bool {
        self.input.is_empty()
    }

    /// A choice that is not that of a call.
    pub fn byte(&mut self) -> u8 {
        self.input.byte()
    }

    /// The next call's allowance.
    pub fn allowance(&mut self) -> io::Result<usize> {
        if self.is_over() {
            return Ok(usize::MAX);
        }
        match step(self.input.byte()) {
            Step::Move(count) => Ok(count),
            Step::Fail(kind) => Err(self.failed(kind)),
        }
    }

    /// Counts a call that moved so many bytes.
    pub fn moved(&mut self, count: usize) -> usize {
        if count > 0 {
            self.calls.useful += 1;
        } else {
            self.calls.useless += 1;
        }
        count
    }

    /// Counts a call that failed.
    pub fn failed(&mut self, kind: ErrorKind) -> io::Error {
        if kind == ErrorKind::Interrupted {
            self.calls.interrupted += 1;
        } else {
            self.calls.useless += 1;
        }
        kind.into()
    }
}

fn step(byte: u8) -> Step {
    match byte {
        0..96 => Step::Move(1 + usize::from(byte)),
        96..160 => Step::Move(1 + usize::from(byte - 96) * 64),
        160..192 => Step::Move(usize::MAX),
        192..224 => Step::Fail(ErrorKind::WouldBlock),
        224..248 => Step::Fail(ErrorKind::Interrupted),
        248..252 => Step::Move(0),
        252..=255 => Step::Fail(ErrorKind::TimedOut),
    }
}
