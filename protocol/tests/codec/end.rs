//! Where a stream may end, and what happens after an error.

use bytes::BytesMut;
use futures_util::{FutureExt, StreamExt};
use jsonframe::{Codec, CodecError, DecodeErrorKind, Header, OwnedMessage};
use tokio::io::AsyncWriteExt;
use tokio_util::codec::{Decoder, Framed, FramedRead};

use crate::pieces::{Pieces, receive};
use crate::{head, wire};

fn kind(error: Option<CodecError>) -> Option<DecodeErrorKind> {
    error.map(|error| match error {
        CodecError::Decode(error) => error.kind(),
        other => panic!("{other}"),
    })
}

/// Directly after a length, tokio-util's own codec reports a clean end.
#[test]
fn a_stream_may_end_only_between_messages() {
    let messages = [wire(b""), wire(b"one"), wire(&[7; 300])];
    let stream = messages.concat();
    let ends: Vec<usize> = (0..=messages.len()).map(|count| messages[..count].concat().len()).collect();
    for end in 0..=stream.len() {
        for piece in [1, 50, 1000] {
            let (received, error) = receive(Codec::new(), stream[..end].chunks(piece));
            assert_eq!(received.len(), ends.iter().filter(|whole| **whole <= end).count() - 1, "to {end}");
            assert_eq!(error.is_none(), ends.contains(&end), "to {end}");
            let kind = kind(error);
            assert!(matches!(kind, None | Some(DecodeErrorKind::Truncated { .. })), "to {end}: {kind:?}");
        }
    }
    let (_, error) = receive(Codec::new(), [&messages[1][..2]]);
    let length = (messages[1].len() - 2 - 3) as u64;
    assert_eq!(kind(error), Some(DecodeErrorKind::Truncated { missing: length }));
}

#[test]
fn remaining_messages_are_decoded_before_the_end() {
    let mut codec = Codec::new();
    let mut source = BytesMut::from([wire(b"one"), wire(b"two"), wire(b"")[..5].to_vec()].concat().as_slice());
    for content in [b"one", b"two"] {
        assert_eq!(codec.decode_eof(&mut source).unwrap().unwrap().content(), content);
    }
    let kind = kind(codec.decode_eof(&mut source).err());
    assert!(matches!(kind, Some(DecodeErrorKind::Truncated { .. })), "{kind:?}");
    assert_eq!(Codec::new().decode_eof(&mut BytesMut::new()).unwrap(), None);
}

#[test]
fn the_end_of_a_connection_is_told_apart_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let message = wire(b"hello");
    for end in 0..=message.len() {
        let (mut here, there) = tokio::io::duplex(16);
        let sent = message[..end].to_vec();
        let outcome = runtime.block_on(async {
            let sending = tokio::spawn(async move { here.write_all(&sent).await });
            let mut stream = Framed::new(there, Codec::new());
            let outcome = (stream.next().await, stream.next().await.is_none());
            sending.await.unwrap().unwrap();
            outcome
        });
        match outcome {
            (None, true) => assert_eq!(end, 0),
            (Some(Ok(received)), true) => {
                assert_eq!((received.content(), end), (&b"hello"[..], message.len()));
            }
            (Some(Err(error)), true) => {
                assert!(matches!(kind(Some(error)), Some(DecodeErrorKind::Truncated { .. })));
                assert!(0 < end && end < message.len());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_error_stays_and_later_bytes_are_dropped() {
    for (bytes, offset) in [(&b"\0\0"[..], 0), (b"\0\x02{}", 3), (&head(1001), head(1001).len() as u64)] {
        let stream = [wire(b"before").as_slice(), bytes, &wire(b"after")].concat();
        let offset = offset + wire(b"before").len() as u64;
        let mut codec = Codec::new().with_max_content(1000);
        let mut source = BytesMut::from(stream.as_slice());
        assert_eq!(codec.decode(&mut source).unwrap().unwrap().content(), b"before");
        for _ in 0..3 {
            let Err(CodecError::Decode(error)) = codec.decode(&mut source) else { panic!("there is an error") };
            assert_eq!(error.offset(), offset, "{error}");
            assert!(source.is_empty());
            assert_eq!(codec.finish(), Err(error));
            assert!(codec.header().is_none());
            source.extend_from_slice(&wire(b"more"));
        }
        assert!(codec.decode_eof(&mut source).is_err());
    }
}

#[test]
fn a_truncated_stream_does_not_go_on() {
    for end in 1..wire(b"hello").len() {
        let (first, rest) = (&wire(b"hello")[..end], &wire(b"hello")[end..]);
        let mut codec = Codec::new();
        let mut source = BytesMut::from(first);
        let Err(CodecError::Decode(error)) = codec.decode_eof(&mut source) else { panic!("it is truncated") };
        assert_eq!(error.offset(), end as u64);
        source.extend_from_slice(rest);
        let Err(CodecError::Decode(again)) = codec.decode(&mut source) else { panic!("it is truncated") };
        assert_eq!(again, error);
    }
}

#[test]
fn errors_become_errors_of_io() {
    use std::io::{Error, ErrorKind};

    let truncated = receive(Codec::new(), [&b"\0"[..]]).1.unwrap();
    let text = truncated.to_string();
    let error = Error::from(truncated);
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::UnexpectedEof, text));
    assert!(error.get_ref().unwrap().is::<jsonframe::DecodeError>());
    assert_eq!(Error::from(receive(Codec::new(), [&b"\0\0"[..]]).1.unwrap()).kind(), ErrorKind::InvalidData);
    let refused = OwnedMessage::new(&Header::for_json(1), "").unwrap_err();
    assert_eq!(Error::from(CodecError::from(refused)).kind(), ErrorKind::InvalidInput);
    assert_eq!(Error::from(CodecError::OutOfOrder).kind(), ErrorKind::InvalidInput);
    assert_eq!(Error::from(CodecError::from(Error::from(ErrorKind::TimedOut))).kind(), ErrorKind::TimedOut);
}

/// The stream changes to another protocol after a message.
#[test]
fn bytes_after_a_message_stay_in_the_read_buffer() {
    let stream = [wire(b"upgrade").as_slice(), b"GET / HTTP/1.1"].concat();
    let mut framed = FramedRead::new(Pieces::new([stream.as_slice()]), Codec::new());
    let message = framed.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(message.content(), b"upgrade");
    assert_eq!(framed.decoder().finish(), Ok(()));
    assert_eq!(framed.read_buffer().as_ref(), b"GET / HTTP/1.1");
}
