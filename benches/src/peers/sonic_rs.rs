//! [sonic-rs](https://docs.rs/sonic-rs): JSON by SIMD, built for the same processor as all else here. It says that it
//! wants `-C target-cpu=native` to be at its best.

use super::shape::{Borrowed, Escaped, Wire};
use crate::sink::Sink;
use crate::work::Work;

/// Decodes a header into a struct that borrows its texts.
#[derive(Debug)]
pub struct IntoBorrowed(pub Wire);

impl Work for IntoBorrowed {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.0.each(|json| {
            let header: Borrowed<'_> = sonic_rs::from_slice(json).expect("a valid header");
            sink.head(&header.head());
        });
    }
}

/// Decodes a header that may hold escapes into a struct that borrows where it can.
#[derive(Debug)]
pub struct IntoEscaped(pub Wire);

impl Work for IntoEscaped {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.0.each(|json| {
            let header: Escaped<'_> = sonic_rs::from_slice(json).expect("a valid header");
            sink.head(&header.head());
        });
    }
}
