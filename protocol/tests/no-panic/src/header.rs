//! `Header` and what is in it, received or to be sent.

use jsonframe::{ByteOrder, DecodeError, EncodeError, Extensions, Header, Member, Value};

crate::prove::prove! {
    "",

    "Header::new"
    fn new<'a>(content_type: &'a str, content_encoding: &'a str, content_length: u64) -> Header<'a> {
        Header::new(content_type, content_encoding, content_length)
    }

    "Header::for_json"
    fn json(content_length: u64) -> Header<'static> {
        Header::for_json(content_length)
    }

    "Header::with_byte_order"
    fn with_byte_order<'a>(header: Header<'a>, byte_order: ByteOrder) -> Header<'a> {
        header.with_byte_order(byte_order)
    }

    "Header::with_extensions"
    fn with_extensions<'a>(header: Header<'a>, extensions: &'a [(&'a str, Value<'a>)]) -> Header<'a> {
        header.with_extensions(extensions)
    }

    "Header::with_prefix"
    fn with_prefix<'a>(header: Header<'a>, prefix: &'a [u8]) -> Header<'a> {
        header.with_prefix(prefix)
    }

    "Header::parse"
    fn parse<'a>(bytes: &'a mut [u8]) -> Result<Header<'a>, DecodeError> {
        Header::parse(bytes)
    }

    "Header::byte_order"
    fn byte_order(header: &Header<'_>) -> ByteOrder {
        header.byte_order()
    }

    "Header::content_type"
    fn content_type<'a>(header: &Header<'a>) -> &'a str {
        header.content_type()
    }

    "Header::content_encoding"
    fn content_encoding<'a>(header: &Header<'a>) -> &'a str {
        header.content_encoding()
    }

    "Header::content_length"
    fn content_length(header: &Header<'_>) -> u64 {
        header.content_length()
    }

    "Header::prefix"
    fn prefix<'a>(header: &Header<'a>) -> &'a [u8] {
        header.prefix()
    }

    "Header::extension"
    fn extension<'a>(header: &Header<'a>, name: &str) -> Option<Value<'a>> {
        header.extension(name)
    }

    "Header::extensions"
    fn extensions<'a>(header: &Header<'a>) -> Extensions<'a> {
        header.extensions()
    }

    "Header::encoded_len"
    fn encoded_len(header: &Header<'_>) -> usize {
        header.encoded_len()
    }

    "Header::encode"
    fn encode<'b>(header: &Header<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        header.encode(buffer)
    }

    "Iterator for Extensions"
    fn next<'a>(extensions: &mut Extensions<'a>) -> Option<(&'a str, Value<'a>)> {
        extensions.next()
    }

    "ByteOrder::as_str"
    fn byte_order_as_str(byte_order: ByteOrder) -> &'static str {
        byte_order.as_str()
    }

    "Member::as_str"
    fn member_as_str(member: Member) -> &'static str {
        member.as_str()
    }
}
