use jsonframe::{ByteOrder, Dialect, Member, ProtoHeader};

use super::DialectName;

const BIG: ByteOrder = ByteOrder::Big;
const LITTLE: ByteOrder = ByteOrder::Little;

fn parsed(text: &str) -> Dialect {
    text.parse::<DialectName>().unwrap().dialect()
}

#[test]
fn a_text_stands_for_a_dialect() {
    use Member::{ByteOrder, ContentEncoding, ContentLength, ContentType};
    let standard = Dialect::STANDARD;
    for (text, dialect) in [
        ("standard", standard),
        ("u8", standard.with_proto_header(ProtoHeader::U8)),
        ("u16-le", standard.with_proto_header(ProtoHeader::U16(LITTLE))),
        ("u32", standard.with_proto_header(ProtoHeader::U32(BIG))),
        ("u32-le", standard.with_proto_header(ProtoHeader::U32(LITTLE))),
        ("standard,prefix=0001", standard.with_prefix(b"\x00\x01")),
        ("standard,underscores", standard.with_underscores()),
        ("standard,length=content-len", standard.with_name(ContentLength, "content-len")),
        ("standard,underscores,byteorder=byte_order", standard.with_underscores().with_name(ByteOrder, "byte_order")),
        (
            "standard,type=kind,encoding=é,length=content_length",
            standard
                .with_name(ContentType, "kind")
                .with_name(ContentEncoding, "é")
                .with_name(ContentLength, "content_length"),
        ),
        ("standard,no-byteorder", standard.byte_order_or(LITTLE).omit(ByteOrder)),
        ("standard,maybe-byteorder=big", standard.byte_order_or(BIG)),
        ("standard,no-length", standard.content_length_or_zero().omit(ContentLength)),
        ("standard,maybe-type,maybe-length", standard.content_type_or("text/json").content_length_or_zero()),
        ("standard,maybe-encoding=[1]", standard.content_encoding_or("[1]")),
        ("standard,raw-json", standard.with_raw_json()),
        (
            "standard,no-type,no-encoding",
            standard.content_type_or("text/json").omit(ContentType).content_encoding_or("utf-8").omit(ContentEncoding),
        ),
        (
            "u8,prefix=ff00,underscores,no-byteorder=big,no-type=a/b;c=d,no-encoding=latin-1,raw-json",
            standard
                .with_proto_header(ProtoHeader::U8)
                .with_prefix(b"\xff\x00")
                .with_underscores()
                .byte_order_or(BIG)
                .omit(ByteOrder)
                .content_type_or("a/b;c=d")
                .omit(ContentType)
                .content_encoding_or("latin-1")
                .omit(ContentEncoding)
                .with_raw_json(),
        ),
    ] {
        assert_eq!(parsed(text), dialect, "{text}");
        assert_eq!(text.parse::<DialectName>().unwrap().to_string(), text);
    }
    assert_eq!(DialectName::default().leak(), &Dialect::STANDARD);
}

#[test]
fn there_are_several_texts_for_a_dialect() {
    for (text, given_back) in [
        ("u16", "standard"),
        ("u16-be", "standard"),
        ("u32-be", "u32"),
        ("underscores", "standard,underscores"),
        ("prefix=FF", "standard,prefix=ff"),
        ("raw-json,prefix=00", "standard,prefix=00,raw-json"),
        ("no-encoding,no-byteorder=little", "standard,no-byteorder,no-encoding"),
        ("u8,no-type=text/json,maybe-encoding=utf-8", "u8,no-type,maybe-encoding"),
        ("length=content_length,type=content_type,encoding=content_encoding", "standard,underscores"),
        ("length=len,underscores", "standard,type=content_type,encoding=content_encoding,length=len"),
        ("underscores,length=len", "standard,type=content_type,encoding=content_encoding,length=len"),
    ] {
        let name: DialectName = text.parse().unwrap();
        assert_eq!(name.to_string(), given_back);
        assert_eq!(given_back.parse(), Ok(name));
    }
}

#[test]
fn what_is_no_dialect_is_refused_in_words() {
    for (text, reason) in [
        (
            "",
            "`` is not a dialect: a dialect begins with one of standard, u16-le, u32, u32-le, u8, or with one of prefix, ",
        ),
        ("u64", "`u64` is not a dialect"),
        ("u8,u16", "the form of the proto-header, `u16`, must come first"),
        (
            "u8,",
            "`` is not part of a dialect; the parts are prefix, underscores, byteorder, type, encoding, length, no-",
        ),
        ("u8,no-lengths", "`no-lengths` is not part of a dialect"),
        ("no-lengths", "`no-lengths` is not a dialect"),
        ("underscores,underscores", "`underscores` is there twice"),
        ("no-type=a,no-type", "`no-type` is there twice"),
        ("no-type,maybe-type=a", "`maybe-type=a`: it has been said already what an absent one means"),
        ("length=a,length=b", "`length` is there twice"),
        ("underscores=yes", "`underscores=yes`: it takes no value"),
        ("no-length=1", "`no-length=1`: it takes no value"),
        ("raw-json=yes", "`raw-json=yes`: it takes no value"),
        ("no-encoding=", "a value is missing after `no-encoding=`"),
        ("length", "`length`: a value is missing"),
        ("prefix", "`prefix`: a value is missing"),
        ("prefix=1", "`prefix=1`: `1` is not bytes, of two hex digits each"),
        ("prefix=two", "`prefix=two`: `two` is not bytes"),
        ("u8,no-byteorder=middle", "`no-byteorder=middle`: `middle` is not a byte order: little or big"),
        ("byteorder=big", "`byteorder=big`: it would be a name; what stands in is said by `no-byteorder=big`"),
        ("length=content-length", "`length=content-length`: `content-length` is its name anyway"),
        ("length=content-type", "`content-type` would be the name of both `content-type` and `content-length`"),
        ("type=x,encoding=x", "`x` would be the name of both `content-type` and `content-encoding`"),
    ] {
        let error = text.parse::<DialectName>().unwrap_err();
        assert!(error.starts_with(reason), "{text}: {error}");
    }
}
