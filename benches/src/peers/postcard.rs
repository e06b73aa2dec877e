//! [postcard](https://docs.rs/postcard)'s accumulator: the same values and the same content in a binary form of half the
//! length, framed by COBS, which ends each frame by a zero byte and so has to look at every byte, and to copy it.

use std::hint::black_box;

use postcard::accumulator::{CobsAccumulator, FeedResult};
use serde::{Deserialize, Serialize};

use super::shape::Order;
use crate::sink::{Head, Sink};
use crate::work::Work;

#[derive(Deserialize, Serialize)]
struct Message<'a> {
    byteorder: Order,
    content_type: &'a str,
    content_encoding: &'a str,
    content: &'a [u8],
}

/// Decodes so many messages with this content.
pub struct Stream {
    stream: Vec<u8>,
    accumulator: CobsAccumulator<512>,
}

impl Stream {
    /// So many messages.
    #[must_use]
    pub fn new(content: &[u8], count: usize) -> Self {
        let message =
            Message { byteorder: Order::Little, content_type: "text/json", content_encoding: "utf-8", content };
        let mut buffer = [0; 512];
        let frame = postcard::to_slice_cobs(&message, &mut buffer).expect("a short message");
        Self { stream: frame.repeat(count), accumulator: CobsAccumulator::new() }
    }
}

impl Work for Stream {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let mut input = black_box(self.stream.as_slice());
        while !input.is_empty() {
            input = match self.accumulator.feed_ref::<Message<'_>>(input) {
                FeedResult::Success { data, remaining } => {
                    sink.head(&Head {
                        byte_order: data.byteorder.into(),
                        content_type: data.content_type,
                        content_encoding: data.content_encoding,
                        content_length: data.content.len() as u64,
                    });
                    sink.content(data.content);
                    sink.end();
                    remaining
                }
                _ => panic!("a valid stream"),
            };
        }
    }
}
