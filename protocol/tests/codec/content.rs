//! Content arrives unchanged, and stays where it was received.

use bytes::{Bytes, BytesMut};
use jsonframe::{Codec, Dialect, Header, OwnedMessage};
use tokio_util::codec::{Decoder, FramedRead};

use crate::pieces::{Pieces, next, receive};
use crate::{head, wire};

#[test]
fn content_is_split_off_the_buffer() {
    let large = vec![3; 200_000];
    let contents = [&b"one"[..], &[2; 5000], &large, b"four"];
    let stream: Vec<u8> = contents.iter().flat_map(|content| wire(content)).collect();
    let mut source = BytesMut::from(stream.as_slice());
    let mut codec = Codec::new();
    for content in contents {
        let begins = source.as_ptr().wrapping_add(head(content.len() as u64).len());
        let message = codec.decode(&mut source).unwrap().unwrap();
        assert_eq!(message.content(), content);
        assert_eq!(message.content().as_ptr(), begins);
        // Neither a clone nor `into_bytes` copies it.
        assert_eq!(message.clone().content().as_ptr(), begins);
        assert_eq!(message.into_bytes().as_ptr(), begins);
    }
    assert!(source.is_empty());
}

#[test]
fn content_stays_where_it_was_read_to() {
    let content = vec![7; 1 << 20];
    let stream = wire(&content);
    let reader = Pieces::new(stream.chunks(10_000));
    // Enough capacity for all of it, so that the buffer need not grow.
    let mut framed = FramedRead::with_capacity(reader, Codec::new(), 2 << 20);
    let message = next(&mut framed).unwrap().unwrap();
    let first = framed.get_ref().reads[0].0;
    assert_eq!(message.content().as_ptr(), first.wrapping_add(stream.len() - content.len()));
    assert_eq!(framed.get_ref().reads.iter().map(|read| read.1).sum::<usize>(), stream.len());
    assert_eq!(message.content(), content);
}

#[test]
fn a_header_is_available_while_its_content_is_received() {
    let stream = wire(b"12345");
    let mut codec = Codec::new();
    let mut source = BytesMut::new();
    for (at, byte) in stream.iter().enumerate() {
        let (is_header, is_between) = (codec.header().is_some(), codec.finish().is_ok());
        assert_eq!(is_header, at >= stream.len() - 5);
        let needs = if at >= stream.len() - 5 { stream.len() - at } else { 2_usize.saturating_sub(at) };
        assert!(codec.needs() == needs as u64 || (2..stream.len() - 5).contains(&at));
        assert_eq!(is_between, at == 0);
        if let Some(header) = codec.header() {
            assert_eq!((header.content_type(), header.content_length()), ("x/y", 5));
        }
        source.extend_from_slice(&[*byte]);
        assert_eq!(codec.decode(&mut source).unwrap().is_some(), at == stream.len() - 1);
    }
    assert!(codec.header().is_none());
    assert_eq!(codec.finish(), Ok(()));
}

/// The codec has no decoder before the first byte.
#[test]
fn a_prefix_is_needed_from_the_first_byte_on() {
    const DIALECT: Dialect = Dialect::STANDARD.with_prefix(b"abc");

    let mut codec = Codec::new().with_dialect(&DIALECT);
    assert_eq!(codec.needs(), 3 + 2);
    assert!(codec.decode(&mut BytesMut::from(&b"a"[..])).unwrap().is_none());
    assert_eq!(codec.needs(), 2 + 2);
}

#[test]
fn shared_content_is_not_copied() {
    let content = Bytes::from(vec![7; 1000]);
    let message = OwnedMessage::new_shared(&Header::new("x", "y", 1000), content.clone()).unwrap();
    assert_eq!(message.clone().into_bytes().as_ptr(), content.as_ptr());
    assert_eq!(message.into_content(), content);
    assert!(OwnedMessage::new_shared(&Header::new("x", "y", 999), content).is_err());
}

/// The header stays in the message's bytes, where its escapes are resolved and its extensions can be read.
#[test]
fn a_message_keeps_its_header_however_the_stream_is_cut() {
    let header =
        br#" {"content-length": 3, "n\u0061me": "\ud83d\udc36", "content-typ\u0065": "t\u0065xt", "byteorder":"big",
        "list": [1, "\u0031"], "content-encoding": "caf\u00e9"}"#;
    let head = [&u16::try_from(header.len()).unwrap().to_be_bytes(), &header[..]].concat();
    let stream = [&head[..], b"abc", &wire(b"de"), &head, b"fgh"].concat();
    for piece in 1..=stream.len() {
        let (messages, error) = receive(Codec::new(), stream.chunks(piece));
        assert!(error.is_none() && messages.len() == 3, "{piece} at a time");
        for (message, content) in [(&messages[0], b"abc"), (&messages[2], b"fgh")] {
            let header = message.header();
            assert_eq!(
                (header.content_type(), header.content_encoding(), header.content_length()),
                ("text", "café", 3)
            );
            assert_eq!(header.extension("name").unwrap().as_str(), Some("🐶"));
            assert_eq!(header.extension("list").unwrap().as_json(), Some(r#"[1, "\u0031"]"#));
            assert_eq!(message.content(), content);
        }
        assert_eq!((messages[1].header().content_type(), messages[1].content()), ("x/y", &b"de"[..]));
    }
}

#[test]
fn a_long_default_of_the_content_type_does_not_shorten_the_encoding() {
    let stand_in: &'static str = "x".repeat(65_533).leak();
    let dialect: &'static Dialect =
        Box::leak(Box::new(Dialect::STANDARD.content_type_or(stand_in).omit(jsonframe::Member::ContentType)));
    let header = br#"{"byteorder":"big","content-encoding":"utf-16","content-length":0}"#;
    let mut wire =
        BytesMut::from([&u16::try_from(header.len()).unwrap().to_be_bytes(), &header[..]].concat().as_slice());
    let message = Codec::new().with_dialect(dialect).decode(&mut wire).unwrap().unwrap();
    assert_eq!((message.header().content_type(), message.header().content_encoding()), (stand_in, "utf-16"));
}
