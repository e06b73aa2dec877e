//! A stream that does everything a stream may do: short reads and writes, interruptions, time-outs.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(unreachable_pub, reason = "a module of several test programs")]

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};

use jsonframe_std::protocol::{Header, Message};
use proptest::collection::vec;
use proptest::prelude::*;

/// What one call of the stream does: moves at most so many bytes, or fails.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Move(usize),
    Fail(ErrorKind),
}

/// A stream that follows a script; at its end it moves what it can.
#[derive(Debug, Default)]
pub struct Scripted {
    pub input: VecDeque<u8>,
    pub output: Vec<u8>,
    pub reads: VecDeque<Step>,
    pub writes: VecDeque<Step>,
    /// How often it has been called.
    pub calls: usize,
    pub flushes: usize,
}

impl Scripted {
    pub fn reading(input: &[u8]) -> Self {
        Self { input: input.iter().copied().collect(), ..Self::default() }
    }

    pub fn writing(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { writes: steps.into_iter().collect(), ..Self::default() }
    }
}

fn allowance(steps: &mut VecDeque<Step>) -> io::Result<usize> {
    match steps.pop_front() {
        Some(Step::Fail(kind)) => Err(kind.into()),
        Some(Step::Move(count)) => Ok(count),
        None => Ok(usize::MAX),
    }
}

impl Read for Scripted {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        // A read of nothing would mean the end.
        let count = allowance(&mut self.reads)?.max(1).min(place.len());
        self.input.read(&mut place[..count])
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        let count = allowance(&mut self.writes)?.min(bytes.len());
        self.output.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(&parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<_>>())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        Ok(())
    }
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let passing = prop::sample::select(vec![ErrorKind::Interrupted, ErrorKind::WouldBlock, ErrorKind::TimedOut]);
    vec(prop_oneof![3 => (1_usize..200).prop_map(Step::Move), 1 => passing.prop_map(Step::Fail)], 0..40)
}

pub fn contents() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(prop_oneof![Just(0), 1_usize..300, 8_000_usize..20_000].prop_map(|length| vec![b'x'; length]), 0..5)
}

pub fn message(content: &[u8]) -> Vec<u8> {
    Message::new(Header::new("text/plain", "utf-8", content.len() as u64), content).unwrap().to_vec().unwrap()
}

pub fn stream(contents: &[Vec<u8>]) -> Vec<u8> {
    contents.iter().flat_map(|content| message(content)).collect()
}
