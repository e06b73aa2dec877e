//! What the behaviour tests share: a log of everything a decoder reports, and random streams to decode.
#![allow(dead_code, reason = "each test crate uses a part")]

pub(crate) mod random;
pub(crate) mod script;

use jsonframe::{DecodeError, Decoder, Event, Header};

/// Everything that a decoder reports of one stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Log {
    pub(crate) messages: Vec<Received>,
    /// The error, if the stream is at fault or ends inside a message.
    pub(crate) error: Option<DecodeError>,
}

/// A message as far as it was received.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    /// The header as it would be sent again, with its extensions.
    pub(crate) header: String,
    pub(crate) content_length: u64,
    pub(crate) content: Vec<u8>,
    /// The offset at which the end was reported.
    pub(crate) end: Option<u64>,
}

/// Decodes a stream that comes in these pieces, and checks on the way what holds for every stream.
pub(crate) fn decode<'a>(capacity: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Log {
    let mut decoder = Decoder::new(vec![0xAA; capacity]);
    let mut log = Log::default();
    let mut given = 0;
    for piece in pieces {
        given += piece.len() as u64;
        let mut input = piece;
        if let Err(error) = decode_piece(&mut decoder, &mut input, &mut log) {
            assert!(error.offset() <= given, "{error} is beyond the {given} bytes given");
            assert_sticky(&mut decoder, error);
            log.error = Some(error);
            return log;
        }
        assert!(input.is_empty(), "None must mean that the input is used up");
        assert_eq!(decoder.position(), given);
    }
    log.error = decoder.finish().err();
    log
}

fn decode_piece(decoder: &mut Decoder<Vec<u8>>, input: &mut &[u8], log: &mut Log) -> Result<(), DecodeError> {
    loop {
        let needs = decoder.needs();
        let before = input.len();
        let Some(event) = decoder.decode(input)? else {
            return Ok(());
        };
        let end_is_due = needs == 0;
        match event {
            Event::Header(header) => log.messages.push(Received::of(&header)),
            Event::Content(piece) => {
                assert!(!piece.is_empty());
                log.messages.last_mut().unwrap().content.extend_from_slice(piece);
            }
            Event::End => {
                assert!(end_is_due && input.len() == before, "an end takes no input");
                let position = decoder.position();
                let message = log.messages.last_mut().unwrap();
                assert_eq!(message.content.len() as u64, message.content_length);
                message.end = Some(position);
            }
        }
    }
}

fn assert_sticky(decoder: &mut Decoder<Vec<u8>>, error: DecodeError) {
    let position = decoder.position();
    for mut input in [&b""[..], &b"\x00\x02{}"[..]] {
        let given = input.len();
        assert_eq!(decoder.decode(&mut input), Err(error));
        assert_eq!(input.len(), given, "a failed decoder takes no input");
    }
    assert_eq!(decoder.finish(), Err(error));
    assert_eq!(decoder.limit_content(u64::MAX), Err(error));
    assert_eq!(decoder.content_bypassed(1), 0);
    assert_eq!((decoder.needs(), decoder.position()), (0, position));
}

impl Received {
    fn of(header: &Header<'_>) -> Self {
        Self { header: header.to_string(), content_length: header.content_length(), content: Vec::new(), end: None }
    }
}

/// A header of these bytes behind their proto-header.
pub(crate) fn framed(header: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).expect("a header of at most 65,535 bytes");
    [&length.to_be_bytes(), header].concat()
}

/// The stream cut after so many bytes, again and again; the last size serves for the rest.
pub(crate) fn cut<'a>(mut stream: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut sizes = sizes.iter();
    let mut size = stream.len();
    while !stream.is_empty() {
        size = *sizes.next().unwrap_or(&size);
        let (piece, rest) = stream.split_at(size.min(stream.len()));
        pieces.push(piece);
        stream = rest;
        if size == 0 && sizes.len() == 0 {
            size = stream.len();
        }
    }
    pieces
}

/// Runs Python on the reference peer with these arguments and this input: its output, or `None` where there is no Python.
///
/// In continuous integration a missing Python is a failure.
pub(crate) fn python(arguments: &[&str], input: String) -> Option<String> {
    let peer = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/jsonframe_peer.py");
    let output = script::output(&[&[peer], arguments].concat(), input)?;
    Some(String::from_utf8(output).unwrap())
}
