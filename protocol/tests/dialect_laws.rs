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

/// What a dialect may do besides, each or not.
mod way {
    pub(crate) const UNDERSCORES: u16 = 1;
    pub(crate) const LACKS_BYTE_ORDER: u16 = 2;
    pub(crate) const LACKS_TYPE: u16 = 4;
    pub(crate) const LACKS_ENCODING: u16 = 8;
    pub(crate) const LACKS_LENGTH: u16 = 16;
    pub(crate) const OMITS: u16 = 32;
    pub(crate) const PREFIX: u16 = 64;
    pub(crate) const RAW_JSON: u16 = 128;
    pub(crate) const OTHER_NAMES: u16 = 256;
    pub(crate) const ALL: std::ops::Range<u16> = 0..512;
}

/// A dialect, and what it does.
struct Sample {
    ways: u16,
    dialect: Dialect,
}

impl Sample {
    const fn does(&self, way: u16) -> bool {
        self.ways & way != 0
    }

    /// How many bytes come before a header.
    fn before(&self) -> usize {
        self.dialect.prefix().len() + usize::from(self.dialect.proto_header().len())
    }

    /// What each required member is called.
    const fn names(&self) -> [&'static str; 4] {
        match (self.does(way::UNDERSCORES), self.does(way::OTHER_NAMES)) {
            (false, false) => ["byteorder", "content-type", "content-encoding", "content-length"],
            (true, false) => ["byteorder", "content_type", "content_encoding", "content_length"],
            (false, true) => [ORDER, "content-type", "content-encoding", LENGTH],
            (true, true) => [ORDER, "content_type", "content_encoding", LENGTH],
        }
    }
}

/// Names that are longer and shorter than a member's own, of which one has to be escaped.
const ORDER: &str = "order of \"the\" bytes";
const LENGTH: &str = "lé";

const PREFIX: &[u8] = b"\x00{\"";

/// All of them: five proto-headers, and each combination of ways.
static DIALECTS: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let mut samples = Vec::new();
    for proto_header in PROTO_HEADERS {
        for ways in way::ALL {
            let does = |way| ways & way != 0;
            let mut dialect = Dialect::STANDARD.with_proto_header(proto_header);
            if does(way::UNDERSCORES) {
                dialect = dialect.with_underscores();
            }
            if does(way::OTHER_NAMES) {
                dialect = dialect.with_name(Member::ByteOrder, ORDER).with_name(Member::ContentLength, LENGTH);
            }
            if does(way::LACKS_BYTE_ORDER) {
                dialect = dialect.byte_order_or(ByteOrder::Big);
            }
            if does(way::LACKS_TYPE) {
                dialect = dialect.content_type_or("text/json");
            }
            if does(way::LACKS_ENCODING) {
                dialect = dialect.content_encoding_or("utf-8");
            }
            if does(way::LACKS_LENGTH) {
                dialect = dialect.content_length_or_zero();
            }
            if does(way::OMITS) {
                dialect = Member::ALL.iter().copied().fold(dialect, Dialect::omit);
            }
            if does(way::PREFIX) {
                dialect = dialect.with_prefix(PREFIX);
            }
            if does(way::RAW_JSON) {
                dialect = dialect.with_raw_json();
            }
            samples.push(Sample { ways, dialect });
        }
    }
    samples
});

fn encoded(dialect: &Dialect, header: &Header<'_>) -> Vec<u8> {
    let mut buffer = vec![0; dialect.encoded_len(header)];
    let length = buffer.len();
    assert_eq!(dialect.encode(header, &mut buffer).unwrap().len(), length);
    buffer
}

/// This JSON after the prefix and a proto-header of the dialect.
fn framed(dialect: &Dialect, json: &str) -> Vec<u8> {
    let length = u32::try_from(json.len()).unwrap();
    let proto_header = match dialect.proto_header() {
        ProtoHeader::U8 => vec![u8::try_from(length).unwrap()],
        ProtoHeader::U16(ByteOrder::Little) => u16::try_from(length).unwrap().to_le_bytes().to_vec(),
        ProtoHeader::U16(ByteOrder::Big) => u16::try_from(length).unwrap().to_be_bytes().to_vec(),
        ProtoHeader::U32(ByteOrder::Little) => length.to_le_bytes().to_vec(),
        ProtoHeader::U32(ByteOrder::Big) => length.to_be_bytes().to_vec(),
    };
    [dialect.prefix(), &proto_header, json.as_bytes()].concat()
}

fn refusal(dialect: &'static Dialect, json: &str) -> Option<(DecodeErrorKind, u64)> {
    let mut decoder = Decoder::new([0; 300]).with_dialect(dialect);
    decoder.decode(&mut framed(dialect, json).as_slice()).err().map(|error| (error.kind(), error.offset()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is encoded decodes to itself, however it is cut, and twice in a row.
    #[test]
    fn headers_come_back_as_they_were_in_every_dialect(
        message in message(),
        sizes in cuts(),
        prefix in prop::option::of(any::<[u8; PREFIX.len()]>()),
        samples in prop::collection::vec(any::<prop::sample::Index>(), 80),
    ) {
        let extensions = message.extensions();
        for Sample { dialect, .. } in samples.iter().map(|index| index.get(DIALECTS.as_slice())) {
            let mut header = message.header(&extensions);
            if let Some(prefix) = &prefix {
                header = header.with_prefix(prefix);
            }
            let head = match dialect.encode(&header, &mut vec![0; dialect.encoded_len(&header)]) {
                Ok(head) => head.to_vec(),
                Err(EncodeError::HeaderTooLong { length, limit: 0xFF }) if dialect.proto_header() == ProtoHeader::U8 => {
                    prop_assert_eq!(dialect.prefix().len() + 1 + length, dialect.encoded_len(&header));
                    prop_assert!(length > 255);
                    continue;
                }
                // An extension may bear a name that is reserved in this dialect.
                Err(EncodeError::ReservedName { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            // A message without a prefix has the dialect's, and what the dialect has none for is not sent.
            let header = match (dialect.prefix(), &prefix) {
                (expected, Some(prefix)) if expected.len() == prefix.len() => header.with_prefix(prefix),
                (expected, _) => header.with_prefix(expected),
            };
            let stream = [&head, message.content.as_slice()].concat().repeat(2);
            let mut decoder = Decoder::new(vec![0; PREFIX.len() + 65_535]).with_dialect(dialect);
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
fn what_a_dialect_has_a_value_for_is_left_out_if_it_is_that_and_if_the_dialect_says_so() {
    for sample in DIALECTS.iter() {
        let dialect = &sample.dialect;
        for (byte_order, content_type, content_encoding, content_length) in [
            (ByteOrder::Big, "text/json", "utf-8", 0),
            (ByteOrder::Little, "text/json", "utf-8", 0),
            (ByteOrder::Big, "x", "utf-8", 0),
            (ByteOrder::Big, "text/json", "y", 0),
            (ByteOrder::Big, "text/json", "utf-8", 7),
        ] {
            let header = Header::new(content_type, content_encoding, content_length).with_byte_order(byte_order);
            let head = encoded(dialect, &header);
            let mut decoder = Decoder::new([0; 300]).with_dialect(dialect);
            let received = header.with_prefix(dialect.prefix());
            assert_eq!(decoder.decode(&mut head.as_slice()), Ok(Some(Event::Header(received))));
            assert_eq!(decoder.header(), Some(received));
            let json: serde_json::Map<_, _> = serde_json::from_slice(&head[sample.before()..]).unwrap();
            let stand_ins = [
                (way::LACKS_BYTE_ORDER, byte_order == ByteOrder::Big),
                (way::LACKS_TYPE, content_type == "text/json"),
                (way::LACKS_ENCODING, content_encoding == "utf-8"),
                (way::LACKS_LENGTH, content_length == 0),
            ];
            for (name, (lacks, stands_in)) in sample.names().into_iter().zip(stand_ins) {
                let is_left_out = sample.does(lacks) && sample.does(way::OMITS) && stands_in;
                assert_eq!(json.contains_key(name), !is_left_out, "{name} in {dialect:?}");
            }
        }
    }
}

/// R6 of `SECURITY.md`: two members are one member twice, whatever their names are.
#[test]
fn both_names_of_a_member_are_that_member_twice() {
    let own = ["byteorder", "content-type", "content-encoding", "content-length"];
    let values = ["\"big\"", "\"x\"", "\"y\"", "1"];
    let escaped = |name: &str| -> String {
        let units: Vec<String> = name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{}\"", units.concat())
    };
    let quoted = |name: &str| serde_json::to_string(name).unwrap();
    for sample in DIALECTS.iter() {
        for (index, (own, other)) in own.into_iter().zip(sample.names()).enumerate() {
            let member = Member::ALL[index];
            for [first, second] in [
                [quoted(own), quoted(other)],
                [quoted(other), quoted(own)],
                [quoted(other), escaped(other)],
                [escaped(own), escaped(other)],
            ] {
                let before = format!("{{{first}:{0},\"x\":1,", values[index]);
                let json = format!("{before}{second}:{}}}", values[index]);
                let duplicate = (DecodeErrorKind::DuplicateMember { member }, (sample.before() + before.len()) as u64);
                assert_eq!(refusal(&sample.dialect, &json), Some(duplicate), "{json}");
            }
            // Neither can be an extension.
            for name in [own, other] {
                let extensions = [(name, Value::NULL)];
                let header = Header::new("x", "y", 0).with_extensions(&extensions);
                let reserved = Err(EncodeError::ReservedName { member });
                assert_eq!(sample.dialect.encode(&header, &mut [0; 300]), reserved, "{name}");
            }
        }
    }
    // Elsewhere such a name is an extension's.
    let dialect: &'static Dialect = &const { Dialect::STANDARD.with_proto_header(ProtoHeader::U8) };
    let json = r#"{"byteorder":"big","content-type":"","content-encoding":"","content-length":0,"content_length":1,"l\u00e9":2}"#;
    assert_eq!(refusal(dialect, json), None);
}

#[test]
fn what_a_dialect_has_no_value_for_is_missed() {
    for sample in DIALECTS.iter() {
        let present = [
            (Member::ByteOrder, r#""byteorder":"big""#, way::LACKS_BYTE_ORDER),
            (Member::ContentType, r#""content-type":"x""#, way::LACKS_TYPE),
            (Member::ContentEncoding, r#""content-encoding":"y""#, way::LACKS_ENCODING),
            (Member::ContentLength, r#""content-length":0"#, way::LACKS_LENGTH),
        ];
        for (member, _, lacks) in present {
            let others: Vec<_> = present.iter().filter(|each| each.0 != member).map(|each| each.1).collect();
            let json = format!("{{{}}}", others.join(","));
            let end = sample.before() + json.len() - 1;
            let missed = (DecodeErrorKind::MissingMember { member }, end as u64);
            assert_eq!(refusal(&sample.dialect, &json), (!sample.does(lacks)).then_some(missed), "{json}");
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
        let dialect = &DIALECTS.iter().find(|sample| sample.dialect == wanted).unwrap().dialect;
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

/// A prefix that comes in pieces, and ends in each of them.
#[test]
fn a_prefix_is_no_part_of_the_header_and_may_be_cut_anywhere() {
    for sample in DIALECTS.iter().filter(|sample| sample.does(way::PREFIX)) {
        let json = r#"{"byteorder":"big","content-type":"x","content-encoding":"y","content-length":0}"#;
        let stream = framed(&sample.dialect, json);
        // The capacity is for the header and its prefix.
        let mut decoder = Decoder::new(vec![0; PREFIX.len() + json.len()]).with_dialect(&sample.dialect);
        for (taken, byte) in stream.iter().enumerate().take(sample.before()) {
            assert_eq!(decoder.needs(), (sample.before() - taken) as u64);
            assert_eq!(decoder.decode(&mut &[*byte][..]), Ok(None));
            let left = (sample.before() - taken - 1) as u64;
            let missing = if left == 0 { json.len() as u64 } else { left };
            assert_eq!(decoder.finish().unwrap_err().kind(), DecodeErrorKind::Truncated { missing });
        }
        let Ok(Some(Event::Header(header))) = decoder.decode(&mut &stream[sample.before()..]) else {
            panic!("no header")
        };
        assert_eq!((header.prefix(), header.content_type()), (PREFIX, "x"));

        let mut decoder = Decoder::new(vec![0; PREFIX.len() + json.len() - 1]).with_dialect(&sample.dialect);
        let error = decoder.decode(&mut stream.as_slice()).unwrap_err();
        let (length, capacity) = (u32::try_from(json.len()).unwrap(), u32::try_from(json.len() - 1).unwrap());
        assert_eq!(error.kind(), DecodeErrorKind::HeaderTooLong { length, capacity });
        assert_eq!(error.offset(), PREFIX.len() as u64);
    }
}

/// What is no string is kept as its JSON, and sent again as that if it is an array or an object.
#[test]
fn texts_of_other_types_come_back_where_the_dialect_says_so() {
    for sample in DIALECTS.iter() {
        let json = r#"{"byteorder":"big","content-type":[1, "\u0061"],"content-encoding":{},"content-length":0}"#;
        let wrong = (DecodeErrorKind::WrongType { member: Member::ContentType }, sample.before() as u64 + 34);
        assert_eq!(refusal(&sample.dialect, json), (!sample.does(way::RAW_JSON)).then_some(wrong));

        let header = Header::new("[1,\"a\"]", "null", 0).with_byte_order(ByteOrder::Big);
        let head = encoded(&sample.dialect, &header);
        let json: serde_json::Value = serde_json::from_slice(&head[sample.before()..]).unwrap();
        let [_, content_type, content_encoding, _] = sample.names();
        assert_eq!(json[content_type].is_array(), sample.does(way::RAW_JSON));
        assert_eq!(json[content_encoding], "null");
        let mut decoder = Decoder::new([0; 300]).with_dialect(&sample.dialect);
        let Ok(Some(Event::Header(header))) = decoder.decode(&mut head.as_slice()) else { panic!("no header") };
        let spaced = if sample.does(way::RAW_JSON) { "[1, \"a\"]" } else { "[1,\"a\"]" };
        assert_eq!((header.content_type(), header.content_encoding()), (spaced, "null"));
    }
}

#[test]
fn the_standard_is_a_dialect_like_others() {
    assert_eq!(Dialect::default(), Dialect::STANDARD);
    assert!(
        DIALECTS
            .iter()
            .map(|sample| sample.dialect)
            .all(|dialect| dialect.is_standard() == (dialect == Dialect::STANDARD))
    );
    let header = Header::for_json(39).with_byte_order(ByteOrder::Little);
    assert_eq!(encoded(&Dialect::STANDARD, &header), header.encode(&mut [0; 300]).unwrap());
    let mut decoder = Decoder::new([0; 300]).with_dialect(&Dialect::STANDARD);
    assert_eq!(decoder.decode(&mut encoded(&Dialect::STANDARD, &header).as_slice()), Ok(Some(Event::Header(header))));
}

#[test]
fn a_buffer_that_is_too_small_gets_no_proto_header() {
    for Sample { dialect, .. } in DIALECTS.iter().step_by(7) {
        let header = Header::new("x", "y", 0);
        let needed = dialect.encoded_len(&header);
        for available in 0..needed {
            let error = EncodeError::BufferTooSmall { needed, available };
            assert_eq!(dialect.encode(&header, &mut vec![0; available]), Err(error));
        }
        assert_eq!(encoded(dialect, &header).len(), needed);
    }
}
