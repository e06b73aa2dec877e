//! The work done by jsonframe, through its public interface.

use std::hint::black_box;

use bytes::BytesMut;
use jsonframe::{ByteOrder, Codec, Decoder, Event, Header};
use tokio_util::codec::Decoder as _;

use crate::headers::{LONGEST, wire};
use crate::sink::{Head, Sink};
use crate::work::Work;

/// The size of the pieces in which [`Chunks`] come.
pub const CHUNK: usize = 64 * 1024;

/// A header's four required members, read through its getters.
#[must_use]
pub fn head<'a>(header: &Header<'a>) -> Head<'a> {
    Head {
        byte_order: header.byte_order(),
        content_type: header.content_type(),
        content_encoding: header.content_encoding(),
        content_length: header.content_length(),
    }
}

/// Room for the longest header there can be.
#[must_use]
pub fn room() -> Box<[u8]> {
    vec![0; LONGEST].into_boxed_slice()
}

/// Decodes one header, a number of times, each time with a new decoder, so that nothing is remembered. The room is used
/// again; from run to run it begins elsewhere, for what takes 29 ns takes 33 where the header comes to lie across one more
/// cache line.
#[derive(Debug)]
pub struct Headers {
    wire: Vec<u8>,
    room: Vec<u8>,
    runs: usize,
    repetitions: u64,
    piece: usize,
    extensions: bool,
}

impl Headers {
    /// This header, so many times, each in one piece.
    #[must_use]
    pub fn new(header: &str, repetitions: u64) -> Self {
        let room = vec![0; LONGEST + 64];
        Self { wire: wire(header), room, runs: 0, repetitions, piece: usize::MAX, extensions: false }
    }

    /// The same in pieces of this many bytes.
    #[must_use]
    pub fn in_pieces(self, piece: usize) -> Self {
        Self { piece, ..self }
    }

    /// The same, and all extensions read as well.
    #[must_use]
    pub fn and_extensions(self) -> Self {
        Self { extensions: true, ..self }
    }
}

impl Work for Headers {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.runs += 1;
        let room = &mut self.room[self.runs / 8 % 4 * 16..];
        for _ in 0..self.repetitions {
            let mut decoder = Decoder::new(&mut *room);
            for mut piece in black_box(self.wire.as_slice()).chunks(self.piece) {
                match decoder.decode(&mut piece).expect("a valid header") {
                    Some(Event::Header(header)) => {
                        sink.head(&head(&header));
                        if self.extensions {
                            for (name, value) in header.extensions() {
                                sink.extension(name, value.as_str(), value.as_u64());
                            }
                        }
                    }
                    None => {}
                    Some(event) => panic!("a header was expected: {event:?}"),
                }
            }
        }
    }
}

/// Decodes a stream of messages with one decoder, which has seen the stream before.
#[derive(Debug)]
pub struct Stream {
    wire: Vec<u8>,
    decoder: Decoder<Box<[u8]>>,
    piece: usize,
}

impl Stream {
    /// This stream in one piece.
    #[must_use]
    pub fn new(wire: Vec<u8>) -> Self {
        Self { wire, decoder: Decoder::new(room()), piece: usize::MAX }
    }

    /// The same in pieces of this many bytes.
    #[must_use]
    pub fn in_pieces(self, piece: usize) -> Self {
        Self { piece, ..self }
    }
}

impl Work for Stream {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for piece in black_box(self.wire.as_slice()).chunks(self.piece) {
            decode(&mut self.decoder, piece, sink);
        }
    }
}

/// Decodes whole messages out of the buffer that tokio-util reads into, which holds the whole stream before each run.
#[derive(Debug)]
pub struct Messages {
    stream: Vec<u8>,
    buffer: BytesMut,
    codec: Codec,
}

impl Messages {
    /// This stream.
    #[must_use]
    pub fn new(stream: Vec<u8>) -> Self {
        Self { stream, buffer: BytesMut::new(), codec: Codec::new() }
    }
}

impl Work for Messages {
    fn prepare(&mut self) {
        self.buffer.clear();
        self.buffer.reserve(self.stream.len());
        self.buffer.extend_from_slice(&self.stream);
    }

    fn run<S: Sink>(&mut self, sink: &mut S) {
        while let Some(message) = self.codec.decode(&mut self.buffer).expect("a valid stream") {
            sink.head(&head(&message.header()));
            sink.content(message.content());
            sink.end();
        }
    }
}

/// Decodes all of the input.
#[inline]
fn decode<S: Sink>(decoder: &mut Decoder<Box<[u8]>>, mut input: &[u8], sink: &mut S) {
    while let Some(event) = decoder.decode(&mut input).expect("a valid stream") {
        match event {
            Event::Header(header) => sink.head(&head(&header)),
            Event::Content(piece) => sink.content(piece),
            Event::End => sink.end(),
        }
    }
}

/// Encodes a header, a number of times, into one buffer.
#[derive(Debug)]
pub struct Encode {
    header: Header<'static>,
    buffer: [u8; 256],
    repetitions: u64,
}

impl Encode {
    /// The golden request's, so many times.
    #[must_use]
    pub fn new(repetitions: u64) -> Self {
        Self { header: Header::for_json(39).with_byte_order(ByteOrder::Little), buffer: [0; 256], repetitions }
    }

    /// [`OTHER_TEXTS`](crate::headers::OTHER_TEXTS), so many times.
    #[must_use]
    pub fn other_texts(repetitions: u64) -> Self {
        let header = Header::new("image/svg+xml", "iso-8859-1", 1024).with_byte_order(ByteOrder::Big);
        Self { header, ..Self::new(repetitions) }
    }
}

impl Work for Encode {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.repetitions {
            let header = black_box(&self.header);
            sink.encoded(header.encode(&mut self.buffer).expect("a header that can be sent"));
        }
    }
}

/// Decodes one message whose content comes in chunks of 64 KiB, all in the same buffer, as from a socket.
#[derive(Debug)]
pub struct Chunks {
    head: Vec<u8>,
    chunk: Vec<u8>,
    count: u64,
    decoder: Decoder<Box<[u8]>>,
}

impl Chunks {
    /// So many chunks.
    #[must_use]
    pub fn new(count: u64) -> Self {
        let length = count * CHUNK as u64;
        let header = Header::new("binary/custom-client-binary-type", "binary", length);
        let mut head = vec![0; header.encoded_len()];
        header.encode(&mut head).expect("a header that can be sent");
        Self { head, chunk: chunk(), count, decoder: Decoder::new(room()) }
    }

    /// Decodes the message; `look` gets the content, chunk by chunk.
    #[inline]
    pub fn each(&mut self, mut look: impl FnMut(&[u8])) {
        let head = self.decoder.decode(&mut self.head.as_slice());
        assert!(matches!(head, Ok(Some(Event::Header(_)))), "the header has come");
        let mut ends = 0;
        for _ in 0..self.count {
            let mut input = black_box(self.chunk.as_slice());
            while let Some(event) = self.decoder.decode(&mut input).expect("a valid stream") {
                match event {
                    Event::Content(piece) => look(piece),
                    Event::End => ends += 1,
                    Event::Header(_) => panic!("there is one message only"),
                }
            }
        }
        assert_eq!(ends, 1, "the message is whole");
    }
}

impl Work for Chunks {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.each(|piece| sink.content(piece));
    }
}

/// A chunk of content.
#[must_use]
pub fn chunk() -> Vec<u8> {
    (0..=250).cycle().take(CHUNK).collect()
}
