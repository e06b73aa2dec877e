//! Byte-order marks, byte orders, errors and borrowing: the rules that the examples of the documentation do not show.

use std::borrow::Cow;
use std::collections::HashSet;

use jsonframe::{ByteOrder, Encoding, Header, Message, TextDecoder, TextError};

use crate::{all, encoding};

fn decode(label: &str, order: ByteOrder, content: &[u8]) -> Result<String, TextError> {
    let header = Header::new("text/plain", label, content.len() as u64).with_byte_order(order);
    Message::new(header, content).unwrap().text().map(Cow::into_owned)
}

#[test]
fn utf_8_and_ascii_are_decoded_without_copying() {
    for (label, content, text) in [
        ("utf-8", &b"caf\xC3\xA9"[..], Some("café")),
        ("utf-8", b"caf\xE9", None),
        ("utf-8-sig", b"\xEF\xBB\xBFcaf\xC3\xA9", Some("café")),
        ("utf-8-sig", b"cafe", Some("cafe")),
        ("ascii", b"cafe", Some("cafe")),
        ("ascii", b"caf\xC3\xA9", None),
        ("latin-1", b"cafe", None),
        ("utf-16", b"a\0", None),
        ("cp1252", b"cafe", None),
    ] {
        assert_eq!(encoding(label).decode_borrowed(content), text, "{label} {content:?}");
    }
}

#[test]
fn the_header_gives_the_byte_order_unless_a_mark_does() {
    use ByteOrder::{Big, Little};
    for (label, order, content, text) in [
        ("utf-16", Little, &b"a\0\xE9\0"[..], "aé"),
        ("utf-16", Big, b"\0a\0\xE9", "aé"),
        ("utf-16", Big, b"\xFF\xFEa\0", "a"),
        ("UTF16", Little, b"\xFE\xFF\0a", "a"),
        // Only the first is a mark.
        ("u16", Little, b"\xFF\xFE\xFF\xFEa\0", "\u{FEFF}a"),
        ("utf-16-le", Big, b"a\0", "a"),
        ("utf-16-be", Little, b"\0a", "a"),
        ("utf-16-le", Big, b"\xFF\xFEa\0", "\u{FEFF}a"),
        ("utf-16-be", Big, b"\xFF\xFEa\0", "\u{FFFE}\u{6100}"),
        ("utf-32", Little, b"\x36\xF4\x01\0", "🐶"),
        ("utf-32", Big, b"\0\x01\xF4\x36", "🐶"),
        ("utf-32", Big, b"\xFF\xFE\0\0\x36\xF4\x01\0", "🐶"),
        ("utf-32", Little, b"\0\0\xFE\xFF\0\x01\xF4\x36", "🐶"),
        ("utf-32-be", Little, b"\0\0\xFE\xFF", "\u{FEFF}"),
        ("utf-8-sig", Little, b"\xEF\xBB\xBFa", "a"),
        ("utf-8-sig", Little, b"a\xEF\xBB\xBF", "a\u{FEFF}"),
        ("utf-8", Little, b"\xEF\xBB\xBFa", "\u{FEFF}a"),
        ("utf-16", Little, b"", ""),
        ("utf-16", Little, b"\xFE\xFF", ""),
        ("utf-8-sig", Little, b"\xEF\xBB\xBF", ""),
    ] {
        assert_eq!(decode(label, order, content).as_deref(), Ok(text), "{label} {content:02X?}");
    }
}

#[test]
fn the_error_points_to_the_first_malformed_character() {
    for (label, content, offset) in [
        ("utf-8", &b"ab\xC3("[..], 2),
        ("utf-8-sig", b"\xEF\xBB\xBFa\xE2\x82", 4),
        ("utf-8-sig", b"\xEF\xBB", 0),
        ("ascii", b"a\x80", 1),
        ("cp1252", b"\x80\x81", 1),
        ("utf-16", b"\xFF\xFEa", 2),
        ("utf-16-le", b"a\0\x3D\xD8a\0", 2),
        ("utf-16-le", b"\x36\xDC", 0),
        ("utf-16-be", b"\xD8\x3D", 0),
        ("utf-32-be", b"\0\0\0a\0\0\xD8\0", 4),
        ("utf-32-le", b"\0\0\x11\0", 0),
        ("utf-32", b"\0\0", 0),
        ("gbk", b"\xC4\xE3\xBA", 2),
        ("gbk", b"\xC4\xE3\x81\x30\x81\x30", 2),
        ("gb18030", b"a\x81\x30\x81", 1),
        ("euc_jp", b"\xA4\xA2\x8F\xA2", 2),
        ("shift_jis", b"\x82\xA0\x87\x40", 2),
    ] {
        let error = decode(label, ByteOrder::Little, content).unwrap_err();
        assert_eq!(
            error,
            TextError::Malformed { encoding: encoding(label).with_byte_order(ByteOrder::Little), offset }
        );
    }
}

#[test]
fn a_decoder_that_has_failed_stays_failed() {
    let mut decoder = TextDecoder::new(encoding("cp1252"));
    let mut text = String::new();
    let error = decoder.decode(b"caf\xE9 \x81x", &mut text).unwrap_err();
    assert_eq!(
        (text.as_str(), error.to_string().as_str()),
        ("café ", "the content is not text in cp1252 (at its byte 5)")
    );
    assert_eq!(decoder.decode(b"more", &mut text), Err(error.clone()));
    assert_eq!(decoder.decode(b"", &mut text), Err(error.clone()));
    assert_eq!((decoder.finish(), text.as_str()), (Err(error), "café "));
}

#[test]
fn the_position_stays_before_an_incomplete_character() {
    let header = Header::new("text/plain", "shift_jis", 4);
    let (mut decoder, mut text) = (TextDecoder::for_content(&header).unwrap(), String::new());
    for (byte, position) in [(b'a', 1), (0x82, 1), (0xA0, 3), (b'b', 4)] {
        decoder.decode(&[byte], &mut text).unwrap();
        assert_eq!(decoder.position(), position, "{text}");
    }
    assert_eq!((decoder.finish(), text.as_str()), (Ok(()), "aあb"));
    assert!(TextDecoder::for_content(&Header::new("text/plain", "base64", 4)).is_err());
}

#[test]
fn ascii_text_is_borrowed_both_ways() {
    for name in all() {
        let wide = name.starts_with("utf-16") || name.starts_with("utf-32");
        let encoding = encoding(name);
        if !wide {
            assert!(matches!(encoding.decode(b"plain"), Ok(Cow::Borrowed("plain"))), "{name}");
        }
        if !wide && name != "utf-8-sig" {
            assert!(matches!(encoding.encode("plain"), Ok(Cow::Borrowed(b"plain"))), "{name}");
        }
    }
    assert!(matches!(encoding("utf-8-sig").decode(b"\xEF\xBB\xBF\xC3\xA9"), Ok(Cow::Borrowed("é"))));
}

#[test]
fn a_name_is_a_label_and_only_some_have_a_byte_order() {
    for name in all() {
        let encoding = encoding(name);
        assert_eq!((encoding.name(), encoding.to_string().as_str()), (name, name));
        assert_eq!(encoding.to_string().parse(), Ok(encoding));
        let [little, big] = [ByteOrder::Little, ByteOrder::Big].map(|order| encoding.with_byte_order(order));
        assert_eq!(little != big, ["utf-16", "utf-32"].contains(&name), "{name}");
        assert_eq!(format!("{little:?}") != format!("{big:?}"), little != big, "{name}");
    }
    assert!(size_of::<Encoding>() <= 16);
    let distinct: HashSet<Encoding> = all().chain(all()).map(encoding).collect();
    assert_eq!(distinct.len(), all().count());
}

#[test]
fn a_character_that_the_encoding_lacks_is_named() {
    for (name, text, character, offset) in [
        ("ascii", "ab é€", 'é', 3),
        ("latin-1", "é€", '€', 2),
        ("cp1252", "€\u{81}", '\u{81}', 3),
        ("iso8859-9", "\u{80}€", '€', 2),
        ("koi8-u", "╝ў", 'ў', 3),
        ("shift_jis", "〜～", '～', 3),
        ("euc_kr", "가갂", '갂', 3),
        ("gb2312", "你們", '們', 3),
    ] {
        let encoding = encoding(name);
        assert_eq!(encoding.encode(text), Err(TextError::Unmappable { encoding, character, offset }), "{name}");
    }
}
