//! Dialects: against captures of a Python peer, against committed vectors, and against a naive reference.
#![cfg(feature = "alloc")]

mod captures;
#[path = "../common/mod.rs"]
mod common;
mod encoding;
mod kept;
mod naive;
#[allow(dead_code, unreachable_pub, reason = "shared with the demos")]
#[path = "../../../demos/cli/src/dialect/name.rs"]
mod name;
mod stream;

use std::sync::LazyLock;

use jsonframe::{ByteOrder, Dialect, ProtoHeader};
use name::DialectName;

/// Each way in which a dialect differs, and some of them together: those that the peer in Python speaks.
static DIALECTS: LazyLock<Vec<(&str, &Dialect)>> = LazyLock::new(|| {
    include_str!("names.txt").lines().map(|name| (name, name.parse::<DialectName>().unwrap().leak())).collect()
});

const STANDARD: Dialect = Dialect::STANDARD;
const U32: Dialect = STANDARD.with_proto_header(ProtoHeader::U32(ByteOrder::Big));

fn dialect(name: &str) -> &'static Dialect {
    DIALECTS.iter().find_map(|(known, dialect)| (*known == name).then_some(*dialect)).expect(name)
}

/// A header after the prefix and the proto-header of a dialect.
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
    [dialect.prefix(), &proto_header, header].concat()
}
