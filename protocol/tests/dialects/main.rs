//! Dialects: against captures of a Python peer, against committed vectors, and against a naive reference.
#![cfg(feature = "alloc")]

mod captures;
#[path = "../common/mod.rs"]
mod common;
mod encoding;
mod kept;
mod naive;
mod stream;

use jsonframe::{ByteOrder, Dialect, ProtoHeader};

/// By the texts that `inspect --dialect` takes: each way in which a dialect differs, and some of them together.
const DIALECTS: [(&str, &Dialect); 10] = [
    ("standard", &STANDARD),
    ("u16-le", &STANDARD.with_proto_header(ProtoHeader::U16(ByteOrder::Little))),
    ("u32", &U32),
    ("u32-le", &STANDARD.with_proto_header(ProtoHeader::U32(ByteOrder::Little))),
    ("u8", &STANDARD.with_proto_header(ProtoHeader::U8)),
    ("standard,underscores", &STANDARD.with_underscores()),
    ("u32,no-byteorder", &U32.byte_order_or(ByteOrder::Little).omit(jsonframe::Member::ByteOrder)),
    (
        "u16-le,no-encoding",
        &STANDARD
            .with_proto_header(ProtoHeader::U16(ByteOrder::Little))
            .content_encoding_or("utf-8")
            .omit(jsonframe::Member::ContentEncoding),
    ),
    (
        "u8,no-byteorder,no-type,no-encoding",
        &STANDARD
            .with_proto_header(ProtoHeader::U8)
            .byte_order_or(ByteOrder::Little)
            .omit(jsonframe::Member::ByteOrder)
            .content_type_or("text/json")
            .omit(jsonframe::Member::ContentType)
            .content_encoding_or("utf-8")
            .omit(jsonframe::Member::ContentEncoding),
    ),
    (
        "u32-le,underscores,no-byteorder",
        &STANDARD
            .with_proto_header(ProtoHeader::U32(ByteOrder::Little))
            .with_underscores()
            .byte_order_or(ByteOrder::Little)
            .omit(jsonframe::Member::ByteOrder),
    ),
];

const STANDARD: Dialect = Dialect::STANDARD;
const U32: Dialect = STANDARD.with_proto_header(ProtoHeader::U32(ByteOrder::Big));

fn dialect(name: &str) -> &'static Dialect {
    DIALECTS.iter().find_map(|(known, dialect)| (*known == name).then_some(*dialect)).expect(name)
}

/// A header behind the proto-header of a dialect.
fn framed(dialect: &Dialect, header: impl AsRef<[u8]>) -> Vec<u8> {
    let header = header.as_ref();
    let length = u32::try_from(header.len()).unwrap();
    let proto_header = match dialect.proto_header() {
        ProtoHeader::U8 => vec![u8::try_from(length).unwrap()],
        ProtoHeader::U16(ByteOrder::Big) => u16::try_from(length).unwrap().to_be_bytes().into(),
        ProtoHeader::U16(ByteOrder::Little) => u16::try_from(length).unwrap().to_le_bytes().into(),
        ProtoHeader::U32(ByteOrder::Big) => length.to_be_bytes().into(),
        ProtoHeader::U32(ByteOrder::Little) => length.to_le_bytes().into(),
    };
    [proto_header.as_slice(), header].concat()
}
