//! Values of the program's types, in JSON.
#![cfg(feature = "json")]

use std::collections::BTreeMap;

use bytes::BytesMut;
use jsonframe::{
    ByteOrder, Codec, CodecError, DecodeErrorKind, Dialect, JsonCodec, JsonError, Member, to_json_message,
};
use serde::{Deserialize, Serialize};
use tokio_util::codec::{Decoder, Encoder};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Request {
    Search { value: String },
    Quit,
}

#[test]
fn values_go_both_ways() {
    let requests = [Request::Search { value: "é".into() }, Request::Quit];
    let (mut client, mut server) = (JsonCodec::<u64, Request>::new(), JsonCodec::<Request, u64>::default());
    let mut wire = BytesMut::new();
    for request in &requests {
        client.encode(request.clone(), &mut wire).unwrap();
    }
    assert_eq!(wire, requests.iter().flat_map(|request| to_json_message(request).unwrap()).collect::<Vec<_>>());
    for request in requests {
        assert_eq!(server.decode(&mut wire).unwrap(), Some(request));
    }
    assert_eq!(server.decode_eof(&mut wire).unwrap(), None);
    server.encode(u64::MAX, &mut wire).unwrap();
    assert_eq!(client.decode_eof(&mut wire).unwrap(), Some(u64::MAX));
}

#[test]
fn a_copy_of_a_codec_has_its_limits_and_begins_where_it_stands() {
    let whole = to_json_message(&123).unwrap();
    let (left, right) = whole.split_at(20);
    let mut codec = JsonCodec::<u8, ()>::from(Codec::new().with_max_content(3));
    let mut source = BytesMut::from(left);
    assert_eq!(codec.decode(&mut source).unwrap(), None);
    let mut copy = codec.clone();
    assert_eq!(format!("{copy:?}"), format!("{codec:?}"));
    assert!(format!("{copy:?}").starts_with("JsonCodec { codec: Codec { "), "{copy:?}");
    for (codec, mut source) in [(&mut codec, source.clone()), (&mut copy, source)] {
        source.extend_from_slice(right);
        assert_eq!(codec.decode(&mut source).unwrap(), Some(123));
        assert!(codec.decode(&mut BytesMut::from(&to_json_message(&1234).unwrap()[..])).is_err());
    }
}

#[test]
fn every_error_has_its_kind() {
    let receive = |bytes: &[u8]| {
        let codec = Codec::new().with_max_content(10);
        JsonCodec::<u8, ()>::from(codec).decode_eof(&mut BytesMut::from(bytes)).unwrap_err()
    };
    let error = receive(&to_json_message("x").unwrap());
    assert!(matches!(error, CodecError::Json(JsonError::Json(_))), "{error}");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidData);
    let error = receive(&to_json_message("longer than ten").unwrap());
    assert!(
        matches!(error, CodecError::Decode(error) if matches!(error.kind(), DecodeErrorKind::ContentTooLong { .. }))
    );
    let error = receive(&to_json_message(&1).unwrap()[..20]);
    assert!(matches!(error, CodecError::Decode(error) if matches!(error.kind(), DecodeErrorKind::Truncated { .. })));

    let mut sent = BytesMut::from(&b"before"[..]);
    let error = JsonCodec::<(), _>::new().encode(BTreeMap::from([((1, 2), 3)]), &mut sent).unwrap_err();
    assert!(matches!(error, CodecError::Json(JsonError::Json(_))), "{error}");
    assert_eq!(sent, b"before"[..]);
}

#[test]
fn each_direction_has_its_dialect() {
    const HERE: Dialect = Dialect::STANDARD
        .byte_order_or(ByteOrder::Big)
        .omit(Member::ByteOrder)
        .content_type_or("application/json")
        .omit(Member::ContentType);
    const THERE: Dialect = Dialect::STANDARD.with_underscores();

    let mut codec = JsonCodec::<u8, u8>::from(Codec::new().with_dialect(&THERE).with_sending_dialect(&HERE));
    let mut sent = BytesMut::new();
    codec.encode(7, &mut sent).unwrap();
    assert_eq!(&sent[2..], br#"{"content-encoding": "utf-8", "content-length": 1}7"#);
    let mut received = BytesMut::from(&THERE.to_json_message(&8, &[("id", 1.into())]).unwrap()[..]);
    assert_eq!(codec.decode(&mut received).unwrap(), Some(8));
}
