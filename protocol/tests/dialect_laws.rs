//! What holds in every dialect: every combination of what a dialect can differ in.

mod common;

use std::sync::LazyLock;

use common::cut;
use common::random::{cuts, message};
use jsonframe::{ByteOrder, DecodeErrorKind, Decoder, Dialect, EncodeError, Event, Header, Member, ProtoHeader, Value};
use proptest::prelude::*;

const PROTO_HEADERS: [ProtoHeader; 5] = [
    ProtoHeader::U8,
    ProtoHeader::U16(ByteOrder::Little),
    ProtoHeader::U16(ByteOrder::Big),
    ProtoHeader::U32(ByteOrder::Little),
    ProtoHeader::U32(ByteOrder::Big),
];

/// All of them: five proto-headers, and sixteen ways to write what comes behind.
static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let mut dialects = Vec::new();
    for proto_header in PROTO_HEADERS {
        for choice in 0..16 {
            let mut dialect = Dialect::STANDARD.with_proto_header(proto_header);
            if choice & 1 != 0 {
                dialect = dialect.with_underscores();
            }
            if choice & 2 != 0 {
                dialect = dialect.byte_order_or(ByteOrder::Big).omit(Member::ByteOrder);
            }
            if choice & 4 != 0 {
                dialect = dialect.content_type_or("text/json").omit(Member::ContentType);
            }
            if choice & 8 != 0 {
                dialect = dialect.content_encoding_or("utf-8").omit(Member::ContentEncoding);
            }
            dialects.push(dialect);
        }
    }
    dialects
});

fn encoded(dialect: &Dialect, header: &Header<'_>) -> Vec<u8> {
    let mut buffer = vec![0; dialect.encoded_len(header)];
    let length = buffer.len();
    assert_eq!(dialect.encode(header, &mut buffer).unwrap().len(), length);
    buffer
}

/// This JSON behind a proto-header of the dialect.
fn framed(dialect: &Dialect, json: &str) -> Vec<u8> {
    let length = u32::try_from(json.len()).unwrap();
    let proto_header = match dialect.proto_header() {
        ProtoHeader::U8 => vec![u8::try_from(length).unwrap()],
        ProtoHeader::U16(ByteOrder::Little) => u16::try_from(length).unwrap().to_le_bytes().to_vec(),
        ProtoHeader::U16(ByteOrder::Big) => u16::try_from(length).unwrap().to_be_bytes().to_vec(),
        ProtoHeader::U32(ByteOrder::Little) => length.to_le_bytes().to_vec(),
        ProtoHeader::U32(ByteOrder::Big) => length.to_be_bytes().to_vec(),
    };
    [proto_header.as_slice(), json.as_bytes()].concat()
}

fn refusal(dialect: &'static Dialect, json: &str) -> Option<(DecodeErrorKind, u64)> {
    let mut decoder = Decoder::new([0; 300]).with_dialect(dialect);
    decoder.decode(&mut framed(dialect, json).as_slice()).err().map(|error| (error.kind(), error.offset()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is encoded decodes to itself, however it is cut, and twice in a row.
    #[test]
    fn headers_come_back_as_they_were_in_every_dialect(message in message(), sizes in cuts()) {
        let extensions = message.extensions();
        let header = message.header(&extensions);
        for dialect in DIALECTS.iter() {
            let head = match dialect.encode(&header, &mut vec![0; dialect.encoded_len(&header)]) {
                Ok(head) => head.to_vec(),
                Err(EncodeError::HeaderTooLong { length, limit: 0xFF }) if dialect.proto_header() == ProtoHeader::U8 => {
                    prop_assert_eq!(length + 1, dialect.encoded_len(&header));
                    prop_assert!(length > 255);
                    continue;
                }
                // An extension may bear a name that is reserved in this dialect.
                Err(EncodeError::ReservedName { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            let stream = [&head, message.content.as_slice()].concat().repeat(2);
            let mut decoder = Decoder::new([0; 65_535]).with_dialect(dialect);
            let (mut headers, mut content, mut ends) = (0, Vec::new(), 0);
            for mut piece in cut(&stream, &sizes) {
                while let Some(event) = decoder.decode(&mut piece)? {
                    match event {
                        Event::Header(received) => {
                            prop_assert_eq!(received, header);
                            headers += 1;
                        }
                        Event::Content(piece) => content.extend_from_slice(piece),
                        Event::End => ends += 1,
                    }
                }
                prop_assert!(piece.is_empty());
            }
            prop_assert_eq!(decoder.finish(), Ok(()));
            prop_assert_eq!((headers, ends), (2, 2));
            prop_assert_eq!(content, message.content.repeat(2));
        }
    }
}

#[test]
fn what_a_dialect_has_a_value_for_is_left_out_if_it_is_that() {
    for dialect in DIALECTS.iter() {
        for (byte_order, content_type, content_encoding) in [
            (ByteOrder::Big, "text/json", "utf-8"),
            (ByteOrder::Little, "text/json", "utf-8"),
            (ByteOrder::Big, "x", "utf-8"),
            (ByteOrder::Big, "text/json", "y"),
        ] {
            let header = Header::new(content_type, content_encoding, 7).with_byte_order(byte_order);
            let head = encoded(dialect, &header);
            let mut decoder = Decoder::new([0; 300]).with_dialect(dialect);
            assert_eq!(decoder.decode(&mut head.as_slice()), Ok(Some(Event::Header(header))));
            assert_eq!(decoder.header(), Some(header));
            let json = String::from_utf8(head[usize::from(dialect.proto_header().len())..].to_vec());
            let json: serde_json::Map<_, _> = serde_json::from_str(&json.unwrap()).unwrap();
            let may_lack_order = *dialect == dialect.byte_order_or(ByteOrder::Big).omit(Member::ByteOrder);
            let may_lack_type = *dialect == dialect.content_type_or("text/json").omit(Member::ContentType);
            let may_lack_encoding = *dialect == dialect.content_encoding_or("utf-8").omit(Member::ContentEncoding);
            let separator = if *dialect == dialect.with_underscores() { '_' } else { '-' };
            assert_eq!(json.contains_key("byteorder"), !(may_lack_order && byte_order == ByteOrder::Big));
            let is_there = |name| json.contains_key(&format!("content{separator}{name}"));
            assert_eq!(is_there("type"), !(may_lack_type && content_type == "text/json"));
            assert_eq!(is_there("encoding"), !(may_lack_encoding && content_encoding == "utf-8"));
            assert!(is_there("length"));
        }
    }
}

/// R6 of `SECURITY.md`: two members are one member twice, whatever their names are.
#[test]
fn both_names_of_a_member_are_that_member_twice() {
    let [order, kind, encoding, length] =
        [r#""byteorder": "big""#, r#""content_type": "x""#, r#""content_encoding": "y""#, r#""content_length": 1"#];
    let with_hyphen = |member: &str| member.replace('_', "-");
    for dialect in DIALECTS.iter().filter(|dialect| **dialect == dialect.with_underscores()) {
        for (members, member) in [
            ([kind, encoding, length, &with_hyphen(length)], Member::ContentLength),
            ([kind, encoding, &with_hyphen(length), length], Member::ContentLength),
            ([kind, encoding, length, r#""content\u005flength": 1"#], Member::ContentLength),
            ([kind, &with_hyphen(kind), encoding, length], Member::ContentType),
            ([&with_hyphen(encoding), kind, encoding, length], Member::ContentEncoding),
        ] {
            let json = format!("{{{order}, {}}}", members.join(", "));
            let (kind, offset) = refusal(dialect, &json).expect("refused");
            assert_eq!(kind, DecodeErrorKind::DuplicateMember { member }, "{json}");
            let second = members.iter().rev().find(|text| text.contains(&member.as_str()[9..])).unwrap();
            let place = usize::from(dialect.proto_header().len()) + json.rfind(second).unwrap();
            assert_eq!(offset, place as u64, "{json}");
        }
        // Neither can be an extension.
        for name in ["content_length", "content-length", "byteorder"] {
            let extensions = [(name, Value::NULL)];
            let header = Header::new("x", "y", 0).with_extensions(&extensions);
            assert!(matches!(dialect.encode(&header, &mut [0; 300]), Err(EncodeError::ReservedName { .. })), "{name}");
        }
    }
    // Elsewhere a name with an underscore is an extension's.
    let dialect: &'static Dialect = &const { Dialect::STANDARD.with_proto_header(ProtoHeader::U8) };
    let json =
        format!("{{{order}, {}, {}, {}, {length}}}", with_hyphen(kind), with_hyphen(encoding), with_hyphen(length));
    assert_eq!(refusal(dialect, &json), None);
}

#[test]
fn what_no_dialect_has_a_value_for_is_missed() {
    for dialect in DIALECTS.iter() {
        let present = [
            (
                Member::ByteOrder,
                r#""byteorder":"big""#,
                *dialect == dialect.byte_order_or(ByteOrder::Big).omit(Member::ByteOrder),
            ),
            (
                Member::ContentType,
                r#""content-type":"x""#,
                *dialect == dialect.content_type_or("text/json").omit(Member::ContentType),
            ),
            (
                Member::ContentEncoding,
                r#""content-encoding":"y""#,
                *dialect == dialect.content_encoding_or("utf-8").omit(Member::ContentEncoding),
            ),
            (Member::ContentLength, r#""content-length":0"#, false),
        ];
        for (member, _, may_lack) in present {
            let others: Vec<_> = present.iter().filter(|each| each.0 != member).map(|each| each.1).collect();
            let json = format!("{{{}}}", others.join(","));
            let end = usize::from(dialect.proto_header().len()) + json.len() - 1;
            let missed = (DecodeErrorKind::MissingMember { member }, end as u64);
            assert_eq!(refusal(dialect, &json), (!may_lack).then_some(missed), "{json}");
        }
    }
}

#[test]
fn a_length_that_is_too_long_is_known_from_the_proto_header_alone() {
    for (proto_header, bytes, length) in [
        (ProtoHeader::U8, &[0xFF][..], 0xFF),
        (ProtoHeader::U16(ByteOrder::Little), &[0x02, 0x01], 0x0102),
        (ProtoHeader::U16(ByteOrder::Big), &[0x01, 0x02], 0x0102),
        (ProtoHeader::U32(ByteOrder::Little), &[0x04, 0x03, 0x02, 0x01], 0x0102_0304),
        (ProtoHeader::U32(ByteOrder::Big), &[0x01, 0x02, 0x03, 0x04], 0x0102_0304),
        // What would be short if only two bytes of four were looked at.
        (ProtoHeader::U32(ByteOrder::Big), &[0x01, 0x00, 0x00, 0x04], 0x0100_0004),
    ] {
        let wanted = Dialect::STANDARD.with_proto_header(proto_header);
        let dialect = DIALECTS.iter().find(|dialect| **dialect == wanted).unwrap();
        let mut decoder = Decoder::new([0; 200]).with_dialect(dialect);
        let (last, before) = bytes.split_last().unwrap();
        for (taken, byte) in before.iter().enumerate() {
            assert_eq!(decoder.needs(), (bytes.len() - taken) as u64);
            assert_eq!(decoder.decode(&mut &[*byte][..]), Ok(None));
            let missing = (bytes.len() - taken - 1) as u64;
            assert_eq!(decoder.finish().unwrap_err().kind(), DecodeErrorKind::Truncated { missing });
        }
        let error = decoder.decode(&mut &[*last][..]).unwrap_err();
        assert_eq!(error.kind(), DecodeErrorKind::HeaderTooLong { length, capacity: 200 });
        assert_eq!(error.offset(), 0);

        let mut decoder = Decoder::new([0; 200]).with_dialect(dialect);
        let zeros = vec![0; bytes.len()];
        assert_eq!(decoder.decode(&mut zeros.as_slice()).unwrap_err().kind(), DecodeErrorKind::EmptyHeader);
    }
}

#[test]
fn the_standard_is_a_dialect_like_others() {
    assert_eq!(Dialect::default(), Dialect::STANDARD);
    assert!(DIALECTS.iter().all(|dialect| dialect.is_standard() == (*dialect == Dialect::STANDARD)));
    let header = Header::for_json(39).with_byte_order(ByteOrder::Little);
    assert_eq!(encoded(&Dialect::STANDARD, &header), header.encode(&mut [0; 300]).unwrap());
    let mut decoder = Decoder::new([0; 300]).with_dialect(&Dialect::STANDARD);
    assert_eq!(decoder.decode(&mut encoded(&Dialect::STANDARD, &header).as_slice()), Ok(Some(Event::Header(header))));
}

#[test]
fn a_buffer_that_is_too_small_gets_no_proto_header() {
    for dialect in DIALECTS.iter() {
        let header = Header::new("x", "y", 0);
        let needed = dialect.encoded_len(&header);
        for available in 0..needed {
            let error = EncodeError::BufferTooSmall { needed, available };
            assert_eq!(dialect.encode(&header, &mut vec![0; available]), Err(error));
        }
        assert_eq!(encoded(dialect, &header).len(), needed);
    }
}
