//! Everything that a decoder reports of a stream in a dialect.

use jsonframe::{DecodeError, Decoder, Dialect, Event, Header};
use serde_json::{Value as Json, json};

use crate::common::cut;

/// What was reported: messages as JSON, and the error.
pub(crate) type Reported = (Vec<Json>, Option<DecodeError>);

fn reported(header: &Header<'_>) -> Json {
    let extensions = header.extensions().map(|(name, value)| json!([name, value.to_string()]));
    json!({
        "byteorder": header.byte_order().as_str(),
        "content-type": header.content_type(),
        "content-encoding": header.content_encoding(),
        "content-length": header.content_length(),
        "extensions": extensions.collect::<Vec<_>>(),
        "content": "",
    })
}

/// Decodes a stream that comes in these pieces.
pub(crate) fn decode<'a>(
    dialect: &'static Dialect,
    capacity: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Reported {
    let mut decoder = Decoder::new(vec![0xAA; capacity]).with_dialect(dialect);
    let mut messages: Vec<Json> = Vec::new();
    let mut content: Vec<u8> = Vec::new();
    for mut input in pieces {
        loop {
            let needs = decoder.needs();
            match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(Event::Header(header))) => messages.push(reported(&header)),
                Ok(Some(Event::Content(piece))) => {
                    assert!(piece.len() as u64 <= needs && !piece.is_empty());
                    content.extend_from_slice(piece);
                }
                Ok(Some(Event::End)) => {
                    assert_eq!(needs, 0);
                    messages.last_mut().unwrap()["content"] = hex::encode(std::mem::take(&mut content)).into();
                }
                Err(error) => {
                    assert_eq!(decoder.decode(&mut &b"\0\0\0\0"[..]), Err(error), "errors are sticky");
                    assert_eq!(decoder.finish(), Err(error));
                    return (messages, Some(error));
                }
            }
        }
        assert!(input.is_empty());
    }
    (messages, decoder.finish().err())
}

/// Decodes a stream in one piece, and checks that nothing else comes of it in other pieces.
pub(crate) fn decode_anyhow(dialect: &'static Dialect, capacity: usize, stream: &[u8]) -> Reported {
    let whole = decode(dialect, capacity, [stream]);
    for size in [1, 2, 3, 7, 64, 1000] {
        assert_eq!(decode(dialect, capacity, cut(stream, &[size])), whole, "{dialect:?} in pieces of {size}");
    }
    whole
}
