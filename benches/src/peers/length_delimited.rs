//! tokio-util's [`LengthDelimitedCodec`], with a length of two bytes as ours.
//!
//! The bytes are in the codec's buffer before the time is taken: to get them there is a copy that a reader makes straight
//! from the socket.

use bytes::BytesMut;
use tokio_util::codec::Decoder as _;
use tokio_util::codec::length_delimited::LengthDelimitedCodec;

use super::shape::Borrowed;
use crate::sink::Sink;
use crate::streams::Message;
use crate::work::Work;

/// The codec and its buffer, which holds the whole stream before each run.
#[derive(Debug)]
struct Framed {
    stream: Vec<u8>,
    buffer: BytesMut,
    codec: LengthDelimitedCodec,
}

impl Framed {
    fn new(stream: Vec<u8>) -> Self {
        let codec = LengthDelimitedCodec::builder().length_field_type::<u16>().new_codec();
        Self { stream, buffer: BytesMut::new(), codec }
    }

    fn refill(&mut self) {
        self.buffer.clear();
        self.buffer.reserve(self.stream.len());
        self.buffer.extend_from_slice(&self.stream);
    }

    #[inline]
    fn next(&mut self) -> Option<BytesMut> {
        self.codec.decode(&mut self.buffer).expect("a valid stream")
    }
}

/// Frames messages and looks at nothing in them. Each frame is a whole message of ours, header and content, so that it
/// is as long as ours on the wire; its two bytes announce the whole.
#[derive(Debug)]
pub struct FrameOnly(Framed);

impl FrameOnly {
    /// These messages.
    #[must_use]
    pub fn new(messages: &[Message]) -> Self {
        let mut stream = Vec::new();
        for Message { header, content } in messages {
            let length = u16::try_from(header.len() + content.len()).expect("a short message");
            stream.extend_from_slice(&length.to_be_bytes());
            stream.extend_from_slice(header);
            stream.extend_from_slice(content);
        }
        Self(Framed::new(stream))
    }
}

impl Work for FrameOnly {
    fn prepare(&mut self) {
        self.0.refill();
    }

    fn run<S: Sink>(&mut self, sink: &mut S) {
        while let Some(frame) = self.0.next() {
            sink.frame(&frame);
        }
    }
}

/// Decodes our own bytes: the codec frames the header, `serde_json` reads it, and the content is split off the buffer.
#[derive(Debug)]
pub struct FrameAndParse(Framed);

impl FrameAndParse {
    /// This stream.
    #[must_use]
    pub fn new(stream: Vec<u8>) -> Self {
        Self(Framed::new(stream))
    }
}

impl Work for FrameAndParse {
    fn prepare(&mut self) {
        self.0.refill();
    }

    fn run<S: Sink>(&mut self, sink: &mut S) {
        while let Some(frame) = self.0.next() {
            let header: Borrowed<'_> = serde_json::from_slice(&frame).expect("a valid header");
            sink.head(&header.head());
            let length = usize::try_from(header.content_length).expect("a short message");
            sink.content(&self.0.buffer.split_to(length));
            sink.end();
        }
    }
}
