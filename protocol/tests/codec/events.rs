//! Messages as events, whose content need not fit into memory.

use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, SinkExt, StreamExt};
use jsonframe::{
    ByteOrder, Codec, CodecError, DecodeError, DecodeErrorKind, Dialect, EncodeError, EventCodec, Header, OwnedEvent,
    OwnedHeader, ProtoHeader,
};
use tokio_util::codec::{Decoder, Encoder, Framed, FramedRead};

use crate::pieces::Pieces;
use crate::{head, wire};

fn header(content_length: u64) -> OwnedEvent {
    OwnedEvent::Header(OwnedHeader::try_from(&Header::new("x/y", "binary", content_length)).unwrap())
}

fn content(piece: &'static [u8]) -> OwnedEvent {
    OwnedEvent::Content(Bytes::from_static(piece))
}

/// Returns the events of a stream in these pieces, adjacent pieces of content joined, and the error at its end.
fn events<'a>(codec: EventCodec, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<OwnedEvent>, Option<DecodeError>) {
    let mut stream = FramedRead::new(Pieces::new(pieces), codec);
    let mut events = Vec::new();
    loop {
        match (stream.next().now_or_never().expect("the pieces are there"), events.last_mut()) {
            (Some(Ok(OwnedEvent::Content(piece))), Some(OwnedEvent::Content(before))) => {
                assert!(!piece.is_empty());
                *before = [&before[..], &piece].concat().into();
            }
            (Some(Ok(event)), _) => events.push(event),
            (Some(Err(CodecError::Decode(error))), _) => return (events, Some(error)),
            (Some(Err(error)), _) => panic!("{error}"),
            (None, _) => return (events, None),
        }
    }
}

#[test]
fn the_events_are_the_same_however_the_stream_is_cut() {
    let stream = [wire(b"one"), wire(b""), wire(b"three")].concat();
    let expected = [
        header(3),
        content(b"one"),
        OwnedEvent::End,
        header(0),
        OwnedEvent::End,
        header(5),
        content(b"three"),
        OwnedEvent::End,
    ];
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        assert_eq!(events(EventCodec::new(), [left, right]), (expected.to_vec(), None), "cut at {at}");
    }
    for piece in 1..=stream.len() {
        assert_eq!(events(EventCodec::new(), stream.chunks(piece)), (expected.to_vec(), None), "{piece} at a time");
    }
}

#[test]
fn a_stream_that_ends_inside_a_message_is_truncated() {
    let stream = wire(b"hello");
    for end in 1..stream.len() {
        let (_, error) = events(EventCodec::new(), [&stream[..end]]);
        let kind = error.unwrap().kind();
        assert!(matches!(kind, DecodeErrorKind::Truncated { .. }), "to {end}: {kind:?}");
    }
}

#[test]
fn an_error_comes_after_all_events_before_it_and_stays() {
    let stream = [&wire(b"one")[..], b"\0\0", &wire(b"two")].concat();
    let mut codec = EventCodec::new();
    let mut source = BytesMut::from(&stream[..]);
    for expected in [header(3), content(b"one"), OwnedEvent::End] {
        assert_eq!(codec.decode(&mut source).unwrap(), Some(expected));
    }
    for _ in 0..3 {
        let error = codec.decode(&mut source).unwrap_err();
        assert!(matches!(error, CodecError::Decode(error) if error.kind() == DecodeErrorKind::EmptyHeader));
        source.extend_from_slice(&wire(b"more"));
    }
    assert!(codec.decode_eof(&mut source).is_err());
}

#[test]
fn limits_and_dialects_are_adopted_from_a_codec() {
    const DIALECT: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U32(ByteOrder::Little));

    let codec = || Codec::new().with_max_content(4).with_max_header(100);
    assert_eq!(events(codec().into(), [&wire(b"four")[..]]).1, None);
    let error = events(codec().into(), [&wire(b"five!")[..]]).1.unwrap();
    assert_eq!(error.kind(), DecodeErrorKind::ContentTooLong { length: 5, limit: 4 });
    let error = events(codec().with_max_header(9).into(), [&wire(b"")[..]]).1.unwrap();
    assert!(matches!(error.kind(), DecodeErrorKind::HeaderTooLong { capacity: 9, .. }));
    assert_eq!(events(EventCodec::new(), [&head(u64::MAX)[..]]).0, [header(u64::MAX)]);

    let mut sent = BytesMut::new();
    let mut codec = EventCodec::from(Codec::new().with_dialect(&DIALECT));
    codec.encode(header(0), &mut sent).unwrap();
    assert_eq!(&sent[2..4], [0, 0]);
    assert_eq!(codec.decode(&mut sent).unwrap(), Some(header(0)));
    assert_eq!(codec.decode(&mut sent).unwrap(), Some(OwnedEvent::End));
}

#[test]
fn events_that_are_left_when_the_stream_ends_come_before_its_end() {
    let mut codec = EventCodec::default();
    let mut source = BytesMut::from(&wire(b"ab")[..]);
    for event in [Some(header(2)), Some(content(b"ab")), Some(OwnedEvent::End), None] {
        assert_eq!(codec.decode_eof(&mut source).unwrap(), event);
    }
}

#[test]
fn only_whole_messages_are_sent() {
    let mut codec = EventCodec::new();
    let mut sent = BytesMut::new();
    for out_of_order in [content(b"x"), content(b""), OwnedEvent::End] {
        assert!(matches!(codec.encode(out_of_order, &mut sent), Err(CodecError::OutOfOrder)));
    }
    codec.encode(header(5), &mut sent).unwrap();
    assert!(matches!(codec.encode(header(5), &mut sent), Err(CodecError::OutOfOrder)));
    codec.encode(content(b"123"), &mut sent).unwrap();
    let mismatch = |outcome, length| match outcome {
        Err(CodecError::Encode(error)) => {
            assert_eq!(error, EncodeError::LengthMismatch { announced: 5, actual: length });
        }
        other => panic!("{other:?}"),
    };
    mismatch(codec.encode(content(b"456"), &mut sent), 6);
    mismatch(codec.encode(OwnedEvent::End, &mut sent), 3);
    codec.encode(content(b"45"), &mut sent).unwrap();
    mismatch(codec.encode(content(b"6"), &mut sent), 6);
    codec.encode(OwnedEvent::End, &mut sent).unwrap();
    assert!(matches!(codec.encode(OwnedEvent::End, &mut sent), Err(CodecError::OutOfOrder)));
    assert_eq!(sent, wire(b"12345"));
    codec.encode(header(0), &mut sent).unwrap();
    codec.encode(OwnedEvent::End, &mut sent).unwrap();
    assert_eq!(sent, [wire(b"12345"), wire(b"")].concat());
}

/// A hundred megabytes pass between two small messages, and the buffers do not grow.
#[test]
fn content_larger_than_memory_goes_through_in_constant_memory() {
    const PIECE: &[u8] = &[7; 256 * 1024];
    const PIECES: u64 = 400;

    let (here, there) = tokio::io::duplex(64 * 1024);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let sending = async move {
            let mut sink = Framed::new(here, EventCodec::new());
            for (length, pieces) in [(3, 0), (PIECES * PIECE.len() as u64, PIECES), (3, 0)] {
                sink.feed(header(length)).await.unwrap();
                if pieces == 0 {
                    sink.feed(content(b"abc")).await.unwrap();
                }
                for _ in 0..pieces {
                    sink.feed(content(PIECE)).await.unwrap();
                    let capacity = sink.write_buffer().capacity();
                    assert!(capacity <= 4 * PIECE.len(), "{capacity} bytes to be sent");
                }
                sink.send(OwnedEvent::End).await.unwrap();
            }
        };
        let receiving = async move {
            let mut stream = Framed::new(there, EventCodec::new());
            let (mut lengths, mut length) = (Vec::new(), 0);
            while let Some(event) = stream.next().await {
                match event.unwrap() {
                    OwnedEvent::Header(header) => {
                        lengths.push(header.header().content_length());
                        length = 0;
                    }
                    OwnedEvent::Content(piece) => length += piece.len() as u64,
                    OwnedEvent::End => assert_eq!(lengths.last(), Some(&length)),
                }
                let capacity = stream.read_buffer().capacity();
                assert!(capacity <= 64 * 1024, "{capacity} bytes received");
            }
            lengths
        };
        let ((), lengths) = tokio::join!(sending, receiving);
        assert_eq!(lengths, [3, PIECES * PIECE.len() as u64, 3]);
    });
}

#[test]
fn a_stream_of_messages_can_go_on_as_events_at_any_byte() {
    let stream = [wire(b"small"), wire(&[7; 300])].concat();
    for at in 0..=stream.len() {
        let mut codec = Codec::new();
        let mut source = BytesMut::from(&stream[..at]);
        let before = codec.decode(&mut source).unwrap();
        assert_eq!(before.is_some(), at >= wire(b"small").len());
        if before.is_some() {
            assert_eq!(codec.decode(&mut source).unwrap().is_some(), at == stream.len());
        }
        let mut codec = EventCodec::from(codec);
        source.extend_from_slice(&stream[at..]);
        let (mut headers, mut length, mut ends) = (0, 0, 0);
        while let Some(event) = codec.decode(&mut source).unwrap() {
            match event {
                OwnedEvent::Header(_) => headers += 1,
                OwnedEvent::Content(piece) => length += piece.len(),
                OwnedEvent::End => ends += 1,
            }
        }
        let expected = match (before, at == stream.len()) {
            (None, _) => (2, 305, 2),
            (Some(_), false) => (1, 300, 1),
            (Some(_), true) => (0, 0, 0),
        };
        assert_eq!((headers, length, ends), expected, "from byte {at} on");
    }
}
