//! Messages and headers that own their contents.
#![cfg(feature = "alloc")]

use std::collections::HashSet;

use jsonframe::{
    Assembler, ByteOrder, Dialect, EncodeError, Growable, Header, Member, Message, OwnedHeader, OwnedMessage, Value,
};

fn message(content_type: &str, content: &str) -> OwnedMessage {
    OwnedMessage::new(&Header::new(content_type, "utf-8", content.len() as u64), content).unwrap()
}

#[test]
fn messages_that_differ_in_any_part_are_not_equal() {
    assert_eq!(message("x", "one"), message("x", "one"));
    assert_ne!(message("x", "one"), message("y", "one"));
    assert_ne!(message("x", "one"), message("x", "two"));
    let extended = message("x", "one").with_extensions(&[("a", 1.into())]).unwrap();
    assert_ne!(extended, message("x", "one"));
    assert_eq!(extended.clone().with_extensions(&[]).unwrap(), message("x", "one"));
    let different = HashSet::from([message("x", "one"), message("x", "one"), message("x", "two"), extended]);
    assert_eq!(different.len(), 3);
}

#[test]
fn any_content_that_converts_to_bytes_is_accepted() {
    let header = Header::new("x", "y", 3);
    let expected = OwnedMessage::try_from(Message::new(header, b"abc").unwrap()).unwrap();
    assert_eq!(OwnedMessage::new(&header, "abc").unwrap(), expected);
    assert_eq!(OwnedMessage::new(&header, String::from("abc")).unwrap(), expected);
    assert_eq!(OwnedMessage::new(&header, *b"abc").unwrap(), expected);
    assert_eq!(OwnedMessage::new(&header, vec![b'a', b'b', b'c']).unwrap().into_content(), b"abc");
    assert_eq!(OwnedMessage::new(&header, "ab").unwrap_err(), EncodeError::LengthMismatch { announced: 3, actual: 2 });
}

#[test]
fn extensions_are_set_or_refused_by_name() {
    let list = Value::from_json("[1, 2]").unwrap();
    let message = message("x", "one").with_extensions(&[("é", "ü\n".into()), ("list", list)]).unwrap();
    let names: Vec<_> = message.header().extensions().map(|(name, _)| name).collect();
    assert_eq!((names, message.header().extension("é").unwrap().as_str()), (vec!["é", "list"], Some("ü\n")));
    assert_eq!(message.content(), b"one");
    assert!(matches!(
        message.with_extensions(&[("byteorder", 1.into())]).unwrap_err(),
        EncodeError::ReservedName { .. }
    ));
}

#[test]
fn a_received_message_can_be_kept() {
    let wire = message("x", "one").with_extensions(&[("a", true.into())]).unwrap().message().to_vec().unwrap();
    let mut assembler = Assembler::new([0; 256], Growable::with_limit(100));
    let kept = OwnedMessage::try_from(assembler.decode(&mut &wire[..]).unwrap().unwrap()).unwrap();
    assert_eq!(kept.message().to_vec().unwrap(), wire);
}

#[test]
fn a_copied_message_is_that_which_was_copied_and_gives_its_content_back() {
    let extensions = [("a", 1.into())];
    for header in [Header::new("x", "utf-8", 3), Header::new("x", "utf-8", 3).with_extensions(&extensions)] {
        let copied = OwnedMessage::try_from(Message::new(header, b"one").unwrap()).unwrap();
        assert_eq!((copied.header(), copied.content()), (header, &b"one"[..]));
        assert_eq!(copied.clone().with_extensions(&[]).unwrap(), message("x", "one"));
        assert_eq!(copied.clone().into_content(), b"one");
    }
}

#[test]
fn owned_headers_compare_and_hash_as_their_headers() {
    let extensions = [("a", 1.into())];
    let header = Header::new("x", "y", 3).with_extensions(&extensions);
    let kept = OwnedHeader::try_from(&header).unwrap();
    assert_eq!(kept, OwnedHeader::new(&header, Growable::with_limit(1000)).unwrap());
    assert_ne!(kept, OwnedHeader::try_from(&header.with_byte_order(ByteOrder::Big).with_extensions(&[])).unwrap());
    let one = HashSet::from([kept.clone(), OwnedHeader::try_from(&kept.header()).unwrap()]);
    assert_eq!(one.len(), 1);
}

#[test]
fn a_message_is_shown_by_its_header_and_content() {
    let message = message("x", "one");
    let shown = format!("OwnedMessage {{ header: {:?}, content: {:?} }}", message.header(), b"one");
    assert_eq!(format!("{message:?}"), shown);
}

#[test]
fn a_storage_is_used_for_one_header_after_the_other() {
    let (first, second) = (Header::new("text/plain", "latin-1", 3), Header::new("x", "y", 4));
    let kept = OwnedHeader::new(&first, Growable::with_limit(20)).unwrap();
    let storage = kept.into_storage();
    assert_eq!(storage.as_ref(), b"text/plainlatin-1");
    assert_eq!(OwnedHeader::new(&second, storage).unwrap().header(), second);
}

#[test]
fn a_head_is_appended_whole_or_not_at_all() {
    let long = "x".repeat(1000);
    let mut bytes = b"before".to_vec();
    for header in [Header::for_json(7), Header::new(&long, "", 0)] {
        let (before, length) = (bytes.len(), Dialect::STANDARD.append_to(&header, &mut bytes).unwrap());
        assert_eq!(bytes[before..], *header.encode(&mut [0; 2000]).unwrap());
        assert_eq!(bytes.len(), before + length);
    }
    let before = bytes.clone();
    let longer = "x".repeat(70_000);
    assert!(Dialect::STANDARD.append_to(&Header::new(&longer, "", 0), &mut bytes).is_err());
    assert_eq!(bytes, before);
}

#[test]
fn every_way_to_send_speaks_the_dialect() {
    const DIALECT: Dialect = Dialect::STANDARD.with_underscores().byte_order_or(ByteOrder::Big).omit(Member::ByteOrder);

    let header = Header::new("x", "y", 2).with_byte_order(ByteOrder::Big);
    let wire = b"\0C{\"content_type\": \"x\", \"content_encoding\": \"y\", \"content_length\": 2}ab";
    assert_eq!(DIALECT.to_vec(&Message::new(header, b"ab").unwrap()).unwrap(), wire);
    let mut buffer = [0; 128];
    assert_eq!(DIALECT.outgoing(&header, b"ab", &mut buffer).unwrap().parts().concat(), wire);
    let mut bytes = Vec::new();
    DIALECT.append_to(&header, &mut bytes).unwrap();
    assert_eq!([&bytes[..], b"ab"].concat(), wire);
    assert!(DIALECT.outgoing(&header, b"abc", &mut [0; 128]).is_err());
    assert!(DIALECT.outgoing(&header, b"ab", &mut [0; 10]).is_err());
}

#[cfg(feature = "json")]
#[test]
fn json_is_serialised_and_deserialised() {
    let message = OwnedMessage::from_json(&("é", [1, 2])).unwrap();
    assert_eq!((message.header().is_json(), message.content()), (true, "[\"é\", [1, 2]]".as_bytes()));
    assert_eq!(message.json::<(&str, [u8; 2])>().unwrap(), ("é", [1, 2]));
    assert_eq!(message.json_owned::<(String, [u8; 2])>().unwrap().0, "é");
    assert!(OwnedMessage::from_json(&std::collections::BTreeMap::from([((1, 2), 3)])).is_err());
    assert_eq!(jsonframe::from_json::<(&str, [u8; 2])>(message.content()).unwrap(), ("é", [1, 2]));
    assert_eq!(
        jsonframe::from_json::<serde::de::IgnoredAny>(b"[\"\xFF\"]").unwrap_err().to_string(),
        "the content is not text in utf-8 (at its byte 2)"
    );
}

#[cfg(feature = "text")]
#[test]
fn text_is_decoded_by_its_encoding() {
    let message = OwnedMessage::new(&Header::new("text/plain", "latin-1", 4), *b"caf\xE9").unwrap();
    assert_eq!(message.text().unwrap(), "café");
}
