//! [serde-json-core](https://docs.rs/serde-json-core): serde's JSON without an allocator.

use super::shape::{Borrowed, Wire};
use crate::sink::Sink;
use crate::work::Work;

/// Decodes a header into a struct that borrows its texts.
#[derive(Debug)]
pub struct IntoBorrowed(pub Wire);

impl Work for IntoBorrowed {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.0.each(|json| {
            let (header, _) = serde_json_core::from_slice::<Borrowed<'_>>(json).expect("a valid header");
            sink.head(&header.head());
        });
    }
}
