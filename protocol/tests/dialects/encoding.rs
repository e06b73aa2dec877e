//! What is sent in a dialect, and that it is received as it was sent.

use jsonframe::{ByteOrder, Decoder, Dialect, EncodeError, Event, Header, Member, ProtoHeader, Value};
use proptest::prelude::*;

use crate::common::cut;
use crate::common::random::{cuts, message};
use crate::stream::decode;
use crate::{DIALECTS, STANDARD, U32, dialect, framed};

const UNDERSCORES: &Dialect = &STANDARD.with_underscores();

fn encoded(dialect: &Dialect, header: &Header<'_>) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = vec![0xAA; dialect.encoded_len(header)];
    let head = dialect.encode(header, &mut buffer)?.to_vec();
    assert_eq!(head.len(), buffer.len(), "the length is known beforehand");
    Ok(head)
}

#[test]
fn the_first_bytes_of_a_proto_header_tell_how_long_the_header_is_at_most() {
    use ByteOrder::{Big, Little};
    for (proto_header, first, longest) in [
        (ProtoHeader::U8, &[][..], 255),
        (ProtoHeader::U8, &[7], 7),
        (ProtoHeader::U16(Big), &[], 0xFFFF),
        (ProtoHeader::U16(Big), &[1], 0x01FF),
        (ProtoHeader::U16(Big), &[1, 2], 0x0102),
        (ProtoHeader::U16(Little), &[1], 0xFF01),
        (ProtoHeader::U16(Little), &[1, 2], 0x0201),
        (ProtoHeader::U32(Big), &[0, 0, 1], 0x01FF),
        (ProtoHeader::U32(Big), &[0, 1], 0xFFFF),
        (ProtoHeader::U32(Little), &[1, 2, 0], 0xFFFF),
        (ProtoHeader::U32(Little), &[1, 2, 0, 0], 0x0201),
    ] {
        let dialect = STANDARD.with_proto_header(proto_header);
        assert_eq!(dialect.longest_header(first), longest, "{proto_header:?} {first:?}");
        let prefixed = dialect.with_prefix(b"ab");
        assert_eq!(prefixed.longest_header(&[b"xy", first].concat()), longest + 2, "{proto_header:?} {first:?}");
    }
}

#[test]
fn heads_are_these_to_the_byte() {
    let header = Header::for_json(39).with_byte_order(ByteOrder::Little);
    for (name, head) in [
        (
            "u16-le",
            &b"g\0{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}"[..],
        ),
        (
            "u32,no-byteorder",
            b"\0\0\0P{\"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}",
        ),
        ("u8,no-byteorder,no-type,no-encoding", b"\x16{\"content-length\": 39}"),
        (
            "u32-le,underscores,no-byteorder",
            b"P\0\0\0{\"content_type\": \"text/json\", \"content_encoding\": \"utf-8\", \"content_length\": 39}",
        ),
        (
            "standard,prefix=0001,underscores,no-byteorder,no-type",
            b"\0\x01\x003{\"content_encoding\": \"utf-8\", \"content_length\": 39}",
        ),
        ("u16-le,length=content-len,no-byteorder,no-type,no-encoding,no-length", b"\x13\0{\"content-len\": 39}"),
        (
            "standard,maybe-byteorder,no-type,no-encoding",
            b"\0-{\"byteorder\": \"little\", \"content-length\": 39}",
        ),
    ] {
        assert_eq!(encoded(dialect(name), &header).unwrap(), head, "{name}");
    }
    // What is not what stands in for it is there.
    let header = Header::new("x", "y", 0).with_byte_order(ByteOrder::Big);
    assert_eq!(
        encoded(dialect("u8,no-byteorder,no-type,no-encoding"), &header).unwrap(),
        b"\x57{\"byteorder\": \"big\", \"content-type\": \"x\", \"content-encoding\": \"y\", \"content-length\": 0}"
    );
}

/// A gateway between dialects passes on what was received with a prefix.
#[test]
fn a_prefix_is_sent_where_the_dialect_has_one_and_nowhere_else() {
    let header = Header::for_json(2).with_prefix(b"0123456789");
    for (name, dialect) in DIALECTS.iter().copied() {
        let plain = encoded(dialect, &Header::for_json(2)).unwrap();
        assert!(plain.starts_with(dialect.prefix()));
        let (expected, actual) = (dialect.prefix().len(), 10);
        let sent = match expected {
            10 => Ok([b"0123456789", &plain[10..]].concat()),
            0 => Ok(plain),
            _ => Err(EncodeError::PrefixMismatch { expected, actual }),
        };
        assert_eq!(encoded(dialect, &header), sent, "{name}");
    }
}

#[test]
fn a_header_is_no_longer_than_can_be_announced() {
    let bare = encoded(&STANDARD, &Header::new("", "utf-8", 0)).unwrap().len() - 2;
    for (dialect, limit) in [(dialect("u8"), 255), (&STANDARD, 65_535), (dialect("u16-le"), 65_535), (&U32, 65_535)] {
        let text = "x".repeat(limit - bare + 1);
        let longest = Header::new(&text[1..], "utf-8", 0);
        let head = encoded(dialect, &longest).unwrap();
        let (messages, error) = decode(dialect, 65_535, [head.as_slice()]);
        assert_eq!((messages.len(), error), (1, None));

        let too_long = Header::new(&text, "utf-8", 0);
        let limit = u16::try_from(limit).unwrap();
        let error = EncodeError::HeaderTooLong { length: usize::from(limit) + 1, limit };
        assert_eq!(encoded(dialect, &too_long), Err(error));
    }
    let error = encoded(dialect("u8"), &Header::new(&"x".repeat(255), "utf-8", 0)).unwrap_err();
    assert!(error.to_string().ends_with("; at most 255 can be announced"), "{error}");
}

#[test]
fn a_buffer_that_is_too_small_is_refused() {
    for (_, dialect) in DIALECTS.iter() {
        let header = Header::for_json(5);
        let needed = dialect.encoded_len(&header);
        for available in 0..needed {
            let error = dialect.encode(&header, &mut vec![0; available]).unwrap_err();
            assert_eq!(error, EncodeError::BufferTooSmall { needed, available });
        }
    }
}

#[test]
fn names_of_required_members_are_reserved() {
    for (name, member, in_standard) in [
        ("byteorder", Member::ByteOrder, true),
        ("content-type", Member::ContentType, true),
        ("content-length", Member::ContentLength, true),
        ("content_type", Member::ContentType, false),
        ("content_encoding", Member::ContentEncoding, false),
        ("content_length", Member::ContentLength, false),
    ] {
        let extensions = [("other", Value::NULL), (name, Value::from(1))];
        let header = Header::for_json(0).with_extensions(&extensions);
        let refused = Err(EncodeError::ReservedName { member });
        assert_eq!(encoded(UNDERSCORES, &header), refused);
        assert_eq!(encoded(&STANDARD, &header).is_err(), in_standard, "{name}");
        assert_eq!(
            encoded(&U32.content_type_or("x").omit(Member::ContentType), &header).is_err(),
            in_standard,
            "{name}"
        );
    }
}

/// A gateway would have let a peer say two content lengths, of which the next hop takes one or the other.
#[test]
fn a_received_extension_that_is_an_alias_elsewhere_is_not_sent_on() {
    let wire = framed(
        &STANDARD,
        r#"{"byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 0, "content_length": 9}"#,
    );
    let mut decoder = Decoder::new([0; 256]);
    let mut input = wire.as_slice();
    let Ok(Some(Event::Header(header))) = decoder.decode(&mut input) else { panic!("the header is valid") };
    assert_eq!(header.extension("content_length").map(|value| value.to_string()).as_deref(), Some("9"));
    assert_eq!(encoded(UNDERSCORES, &header), Err(EncodeError::ReservedName { member: Member::ContentLength }));
    assert_eq!(encoded(&STANDARD, &header).unwrap(), wire);
}

#[test]
fn the_standard_dialect_sends_what_a_header_sends() {
    let extensions = [("a", Value::from(1))];
    let header = Header::new("text/plain", "latin-1", 7).with_extensions(&extensions);
    assert_eq!(encoded(&STANDARD, &header).unwrap(), header.encode(&mut [0; 256]).unwrap());
    assert_eq!(STANDARD.encoded_len(&header), header.encoded_len());
}

#[test]
fn a_dialect_is_the_standard_only_if_all_of_it_is() {
    for (dialect, is_standard) in [(STANDARD, true), (*UNDERSCORES, false), (STANDARD.with_prefix(b"v"), false)] {
        assert_eq!(dialect.with_proto_header(ProtoHeader::STANDARD).is_standard(), is_standard, "{dialect:?}");
        assert_eq!(dialect.with_prefix(dialect.prefix()).is_standard(), is_standard, "{dialect:?}");
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_received(messages in prop::collection::vec(message(), 1..4), which in 0..DIALECTS.len(), cuts in cuts()) {
        let (name, dialect) = DIALECTS[which];
        let (mut wire, mut sent) = (Vec::new(), Vec::new());
        for message in &messages {
            let extensions = message.extensions();
            let header = message.header(&extensions);
            match encoded(dialect, &header) {
                Ok(head) => wire.extend_from_slice(&head),
                Err(EncodeError::HeaderTooLong { limit: 255, .. }) => continue,
                Err(error) => panic!("{name}: {error}"),
            }
            wire.extend_from_slice(&message.content);
            sent.push((message, header.to_string()));
        }
        let (received, error) = decode(dialect, 66_000, cut(&wire, &cuts));
        prop_assert_eq!(error, None);
        prop_assert_eq!(received.len(), sent.len());
        for (received, (message, _)) in received.iter().zip(&sent) {
            prop_assert_eq!(&received["content"], &hex::encode(&message.content));
        }

        let mut decoder = Decoder::new(vec![0; 66_000]).with_dialect(dialect);
        let (mut input, mut headers) = (wire.as_slice(), sent.iter());
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            if let Event::Header(header) = event {
                prop_assert_eq!(&header.to_string(), &headers.next().unwrap().1);
            }
        }
    }
}
