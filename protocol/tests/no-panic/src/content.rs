//! `ContentType`, `ByteOrder`, and `Encoding` without an allocator.

use jsonframe::{
    ByteOrder, ContentType, Encoding, Header, InvalidByteOrder, InvalidContentType, ParameterValue, Parameters,
    UnknownEncoding,
};

crate::prove::prove! {
    "",

    "ContentType::parse"
    fn parse<'a>(text: &'a str) -> Result<ContentType<'a>, InvalidContentType> {
        ContentType::parse(text)
    }

    "ContentType::main_type"
    fn main_type<'a>(content_type: &ContentType<'a>) -> &'a str {
        content_type.main_type()
    }

    "ContentType::subtype"
    fn subtype<'a>(content_type: &ContentType<'a>) -> &'a str {
        content_type.subtype()
    }

    "ContentType::suffix"
    fn suffix<'a>(content_type: &ContentType<'a>) -> Option<&'a str> {
        content_type.suffix()
    }

    "ContentType::essence"
    fn essence<'a>(content_type: &ContentType<'a>) -> &'a str {
        content_type.essence()
    }

    "ContentType::is"
    fn is(content_type: &ContentType<'_>, essence: &str) -> bool {
        content_type.is(essence)
    }

    "ContentType::is_json"
    fn is_json(content_type: &ContentType<'_>) -> bool {
        content_type.is_json()
    }

    "ContentType::is_text"
    fn is_text(content_type: &ContentType<'_>) -> bool {
        content_type.is_text()
    }

    "ContentType::parameters"
    fn parameters<'a>(content_type: &ContentType<'a>) -> Parameters<'a> {
        content_type.parameters()
    }

    "ContentType::parameter"
    fn parameter<'a>(content_type: &ContentType<'a>, name: &str) -> Option<ParameterValue<'a>> {
        content_type.parameter(name)
    }

    "Iterator for Parameters"
    fn next<'a>(parameters: &mut Parameters<'a>) -> Option<(&'a str, ParameterValue<'a>)> {
        parameters.next()
    }

    "ParameterValue::as_str"
    fn as_str<'a>(value: &ParameterValue<'a>) -> Option<&'a str> {
        value.as_str()
    }

    "ParameterValue::chars"
    fn chars(value: &ParameterValue<'_>) -> u32 {
        value.chars().map(u32::from).fold(0, u32::wrapping_add)
    }

    "PartialEq for ParameterValue"
    fn values(left: &ParameterValue<'_>, right: &ParameterValue<'_>) -> bool {
        left == right
    }

    "PartialEq<str> for ParameterValue"
    fn value(left: &ParameterValue<'_>, right: &str) -> bool {
        left == right
    }

    "PartialEq<&str> for ParameterValue"
    fn value_of_reference(left: &ParameterValue<'_>, right: &str) -> bool {
        *left == right
    }

    "PartialEq for ContentType"
    fn content_types(left: &ContentType<'_>, right: &ContentType<'_>) -> bool {
        left == right
    }

    "Clone for ParameterValue"
    fn clone_value<'a>(value: &ParameterValue<'a>) -> ParameterValue<'a> {
        Clone::clone(value)
    }

    "Clone for ContentType"
    fn clone<'a>(content_type: &ContentType<'a>) -> ContentType<'a> {
        Clone::clone(content_type)
    }

    "Clone for Parameters"
    fn clone_parameters<'a>(parameters: &Parameters<'a>) -> Parameters<'a> {
        parameters.clone()
    }

    "InvalidContentType::offset"
    fn offset(error: InvalidContentType) -> usize {
        error.offset()
    }

    "Header::is_json"
    fn header_is_json(header: &Header<'_>) -> bool {
        header.is_json()
    }

    "Header::encoding"
    fn encoding(header: &Header<'_>) -> Option<Encoding> {
        header.encoding()
    }

    "FromStr for Encoding"
    fn parse_label(label: &str) -> Result<Encoding, UnknownEncoding> {
        label.parse()
    }

    "FromStr for ByteOrder"
    fn parse_order(name: &str) -> Result<ByteOrder, InvalidByteOrder> {
        name.parse()
    }

    "Encoding::name"
    fn name(encoding: Encoding) -> &'static str {
        encoding.name()
    }

    "Encoding::with_byte_order"
    fn with_byte_order(encoding: Encoding, order: ByteOrder) -> Encoding {
        encoding.with_byte_order(order)
    }

    "Encoding::decode_borrowed"
    fn text<'a>(encoding: Encoding, bytes: &'a [u8]) -> Option<&'a str> {
        encoding.decode_borrowed(bytes)
    }
}
