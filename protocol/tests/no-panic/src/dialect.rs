//! `Dialect` and `ProtoHeader`.

use jsonframe::{ByteOrder, Dialect, EncodeError, Header, Member, Outgoing, ProtoHeader};

crate::prove::prove! {
    "",

    "ProtoHeader::len"
    fn len(proto_header: ProtoHeader) -> u8 {
        proto_header.len()
    }

    "Dialect::longest_header"
    fn longest_header(dialect: &Dialect, first: &[u8]) -> usize {
        dialect.longest_header(first)
    }

    "Dialect::with_proto_header"
    fn with_proto_header(dialect: Dialect, proto_header: ProtoHeader) -> Dialect {
        dialect.with_proto_header(proto_header)
    }

    "Dialect::with_prefix"
    fn with_prefix(dialect: Dialect, prefix: &'static [u8]) -> Dialect {
        dialect.with_prefix(prefix)
    }

    "Dialect::with_name"
    fn with_name(dialect: Dialect, member: Member, name: &'static str) -> Dialect {
        dialect.with_name(member, name)
    }

    "Dialect::with_underscores"
    fn with_underscores(dialect: Dialect) -> Dialect {
        dialect.with_underscores()
    }

    "Dialect::byte_order_or"
    fn byte_order_or(dialect: Dialect, byte_order: ByteOrder) -> Dialect {
        dialect.byte_order_or(byte_order)
    }

    "Dialect::content_type_or"
    fn content_type_or(dialect: Dialect, content_type: &'static str) -> Dialect {
        dialect.content_type_or(content_type)
    }

    "Dialect::content_encoding_or"
    fn content_encoding_or(dialect: Dialect, content_encoding: &'static str) -> Dialect {
        dialect.content_encoding_or(content_encoding)
    }

    "Dialect::content_length_or_zero"
    fn content_length_or_zero(dialect: Dialect) -> Dialect {
        dialect.content_length_or_zero()
    }

    "Dialect::omit"
    fn omit(dialect: Dialect, member: Member) -> Dialect {
        dialect.omit(member)
    }

    "Dialect::with_raw_json"
    fn with_raw_json(dialect: Dialect) -> Dialect {
        dialect.with_raw_json()
    }

    "Dialect::prefix"
    fn prefix(dialect: &Dialect) -> &'static [u8] {
        dialect.prefix()
    }

    "Dialect::proto_header"
    fn proto_header(dialect: &Dialect) -> ProtoHeader {
        dialect.proto_header()
    }

    "Dialect::is_standard"
    fn is_standard(dialect: &Dialect) -> bool {
        dialect.is_standard()
    }

    "Dialect::encoded_len"
    fn encoded_len(dialect: &Dialect, header: &Header<'_>) -> usize {
        dialect.encoded_len(header)
    }

    "Dialect::encode"
    fn encode<'b>(dialect: &Dialect, header: &Header<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        dialect.encode(header, buffer)
    }

    "Dialect::outgoing"
    fn outgoing<'a>(
        dialect: &Dialect,
        header: &Header<'_>,
        content: &'a [u8],
        buffer: &'a mut [u8],
    ) -> Result<Outgoing<'a>, EncodeError> {
        dialect.outgoing(header, content, buffer)
    }

    "Dialect::json_header"
    fn json_header(dialect: &Dialect, content_length: u64) -> Header<'static> {
        dialect.json_header(content_length)
    }

    "Default for Dialect"
    fn default() -> Dialect {
        Dialect::default()
    }
}
