//! Messages are sent byte for byte as specified.

use bytes::BytesMut;
use futures_util::{FutureExt, SinkExt, StreamExt};
use jsonframe::{
    ByteOrder, Codec, CodecError, Dialect, EncodeError, Header, Member, Message, OwnedMessage, ProtoHeader,
};
use tokio_util::codec::{Encoder, FramedRead, FramedWrite};

use crate::pieces::receive;
use crate::wire;

fn message(content: Vec<u8>) -> OwnedMessage {
    OwnedMessage::new(&Header::new("x/y", "binary", content.len() as u64), content).unwrap()
}

fn framed(header: &str) -> Vec<u8> {
    [&u16::try_from(header.len()).unwrap().to_be_bytes(), header.as_bytes()].concat()
}

#[test]
fn the_golden_message_is_sent() {
    let content = br#"{"action": "search", "value": "needle"}"#;
    let header = Header::for_json(39).with_byte_order(ByteOrder::Little);
    let golden = b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}{\"action\": \"search\", \"value\": \"needle\"}";
    let mut sent = FramedWrite::new(Vec::new(), Codec::new());
    sent.feed(OwnedMessage::new(&header, &content[..]).unwrap()).now_or_never().unwrap().unwrap();
    sent.feed(OwnedMessage::new(&header, content.to_vec()).unwrap()).now_or_never().unwrap().unwrap();
    sent.close().now_or_never().unwrap().unwrap();
    assert_eq!(sent.into_inner(), [&golden[..], golden].concat());
}

#[cfg(feature = "json")]
#[test]
fn a_value_is_sent_as_json() {
    let message = OwnedMessage::from_json(&("é", [1, 2])).unwrap();
    assert_eq!((message.header().is_json(), message.content()), (true, "[\"é\", [1, 2]]".as_bytes()));
    assert!(OwnedMessage::from_json(&std::collections::BTreeMap::from([((1, 2), 3)])).is_err());
}

#[test]
fn received_messages_can_be_sent_on() {
    let extensions =
        [("filename", "a.txt".into()), ("café", jsonframe::Value::from_json(r#"[1, {"a": null}]"#).unwrap())];
    let header = Header::new("te\"xt", "🐶", 3).with_extensions(&extensions);
    let stream = [Message::new(header, b"abc").unwrap().to_vec().unwrap(), wire(&vec![0; 100_000]), wire(b"")].concat();
    let (messages, error) = receive(Codec::new(), stream.chunks(999));
    assert!(error.is_none());
    let mut sent = BytesMut::new();
    for message in messages {
        Codec::new().encode(message, &mut sent).unwrap();
    }
    let (again, error) = receive(Codec::new(), [sent.as_ref()]);
    assert!(error.is_none());
    assert_eq!((again[0].header(), again[0].content()), (header, &b"abc"[..]));
    assert_eq!(again.len(), 3);
}

#[test]
fn a_dialect_is_spoken_both_ways() {
    const DIALECT: Dialect = Dialect::STANDARD
        .with_proto_header(ProtoHeader::U32(ByteOrder::Little))
        .with_underscores()
        .content_type_or("x/y")
        .omit(Member::ContentType);

    let mut sent = BytesMut::new();
    let mut codec = Codec::new().with_dialect(&DIALECT);
    let header = Header::new("x/y", "binary", 3).with_byte_order(ByteOrder::Big);
    for _ in 0..2 {
        codec.encode(OwnedMessage::new(&header, "abc").unwrap(), &mut sent).unwrap();
    }
    let once = b"G\0\0\0{\"byteorder\": \"big\", \"content_encoding\": \"binary\", \"content_length\": 3}abc";
    assert_eq!(sent.as_ref(), [&once[..], once].concat());
    let (received, error) = receive(Codec::new().with_dialect(&DIALECT), sent.chunks(9));
    assert!(error.is_none());
    assert_eq!(received.iter().map(OwnedMessage::header).collect::<Vec<_>>(), [header, header]);
}

/// A prefix takes nothing away from the headers that a codec takes, and comes and goes with each message.
#[test]
fn a_prefix_comes_with_a_message_however_long_its_header() {
    const DIALECT: Dialect = Dialect::STANDARD.with_prefix(b"\0\0\0\0").with_name(Member::ContentLength, "len");

    fn header(kind: &str) -> Header<'_> {
        Header::new(kind, "binary", 1).with_byte_order(ByteOrder::Big).with_prefix(b"\0{\"\xFF")
    }

    let codec = || Codec::new().with_max_header(200).with_dialect(&DIALECT);
    let mut sent = BytesMut::new();
    let mut sending = Codec::new().with_sending_dialect(&DIALECT);
    let shortest = DIALECT.encoded_len(&header("")) - 6;
    for length in [0, 100, 200 - shortest] {
        let (kind, start) = ("x".repeat(length), sent.len());
        sending.encode(OwnedMessage::new(&header(&kind), "y").unwrap(), &mut sent).unwrap();
        let (received, error) = receive(codec(), sent[start..].chunks(7));
        assert!(error.is_none(), "{error:?}");
        assert_eq!(received[0].header(), header(&kind));
    }
    let (received, error) = receive(codec(), [sent.as_ref()]);
    assert!(error.is_none() && received.len() == 3);
    // What has a prefix of another length is refused, and what has none gets that of the dialect.
    let other = Header::for_json(0).with_prefix(b"ab");
    let refused = sending.encode(OwnedMessage::new(&other, "").unwrap(), &mut sent).unwrap_err();
    assert!(matches!(refused, CodecError::Encode(EncodeError::PrefixMismatch { expected: 4, actual: 2 })), "{refused}");
    sent.clear();
    sending.encode(OwnedMessage::new(&Header::for_json(0), "").unwrap(), &mut sent).unwrap();
    assert!(sent.starts_with(b"\0\0\0\0\0"));
}

/// Most such messages cannot be created. A received one may be longer when it is sent: here by the spaces of the canonical
/// form.
#[test]
fn a_message_that_cannot_be_encoded_leaves_the_buffer_unchanged() {
    let numbers = "0,".repeat(32_000);
    let header =
        format!(r#"{{"byteorder":"big","content-type":"","content-encoding":"","content-length":0,"x":[{numbers}0]}}"#);
    let (received, error) = receive(Codec::new().with_max_header(u16::MAX), [framed(&header).as_slice()]);
    assert!(error.is_none());
    let [too_long] = received.try_into().unwrap();

    let mut sent = BytesMut::from(&b"before"[..]);
    let error = Codec::new().encode(too_long, &mut sent).unwrap_err();
    assert!(matches!(error, CodecError::Encode(EncodeError::HeaderTooLong { length: 96_000.., .. })), "{error}");
    assert_eq!(sent.as_ref(), b"before");
    Codec::new().encode(message(vec![1]), &mut sent).unwrap();
    assert_eq!(sent.as_ref(), [b"before", wire(&[1]).as_slice()].concat());

    let extensions = [("content-type", 1.into())];
    let error = OwnedMessage::new(&Header::for_json(0).with_extensions(&extensions), "").unwrap_err();
    assert_eq!(error, EncodeError::ReservedName { member: Member::ContentType });
}

/// The pipe holds few bytes, so that neither side can wait for the other to finish.
#[test]
fn a_client_sends_while_the_server_answers() {
    const MESSAGES: usize = 200;
    let (here, there) = tokio::io::duplex(100);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (reader, writer) = tokio::io::split(there);
        let (stream, sink) = (FramedRead::new(reader, Codec::new()), FramedWrite::new(writer, Codec::new()));
        let echo = tokio::spawn(stream.forward(sink));
        let (reader, writer) = tokio::io::split(here);
        let (stream, mut sink) = (FramedRead::new(reader, Codec::new()), FramedWrite::new(writer, Codec::new()));
        let sending = tokio::spawn(async move {
            for number in 0..MESSAGES {
                let content = vec![7; number * 7];
                sink.send(message(content)).await?;
            }
            sink.close().await
        });
        let received: Vec<_> = stream.map(|message| message.unwrap().content().len()).collect().await;
        assert_eq!(received, (0..MESSAGES).map(|number| number * 7).collect::<Vec<_>>());
        sending.await.unwrap().unwrap();
        echo.await.unwrap().unwrap();
    });
}
