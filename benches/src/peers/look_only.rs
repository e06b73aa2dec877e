//! No decoder at all: what it costs only to look at content.

use std::hint::black_box;

use crate::ours::{self, chunk};
use crate::sink::Sink;
use crate::work::Work;

/// Looks at the length, the first byte and the last of so many chunks, all in the same buffer.
#[derive(Debug)]
pub struct Look {
    chunk: Vec<u8>,
    count: u64,
}

impl Look {
    /// So many chunks.
    #[must_use]
    pub fn new(count: u64) -> Self {
        Self { chunk: chunk(), count }
    }
}

impl Work for Look {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.count {
            sink.content(black_box(&self.chunk));
        }
    }
}

/// Adds up every byte of so many chunks, all in the same buffer.
#[derive(Debug)]
pub struct Sum(Look);

impl Sum {
    /// So many chunks.
    #[must_use]
    pub fn new(count: u64) -> Self {
        Self(Look::new(count))
    }
}

impl Work for Sum {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.0.count {
            sink.number(sum(black_box(&self.0.chunk)));
        }
    }
}

/// The same as [`Sum`], of what our decoder lends.
#[derive(Debug)]
pub struct SumOfOurs(ours::Chunks);

impl SumOfOurs {
    /// So many chunks.
    #[must_use]
    pub fn new(count: u64) -> Self {
        Self(ours::Chunks::new(count))
    }
}

impl Work for SumOfOurs {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.0.each(|piece| sink.number(sum(piece)));
    }
}

#[inline(never)]
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}
