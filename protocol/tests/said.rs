//! What headers, values and decoders say of themselves, and to whom.

use std::fmt::{self, Write};

use jsonframe::{ByteOrder, Decoder, Header, Outgoing, Value};

/// Takes so many bytes, and fails.
struct Narrow(usize);

impl Write for Narrow {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// Each way in which a value is written.
fn values() -> [Value<'static>; 8] {
    let json = Value::from_json(r#"{"a": ["\n\u00e9", 1.5, null]}"#).unwrap();
    [Value::NULL, true.into(), false.into(), 7.into(), (-7).into(), u64::MAX.into(), "a\"\u{1}é".into(), json]
}

#[test]
fn who_fails_to_take_a_header_is_told_wherever_it_fails() {
    let extensions = values().map(|value| ("name\n", value));
    for header in [
        Header::for_json(39).with_byte_order(ByteOrder::Little).with_extensions(&extensions),
        Header::for_json(39).with_byte_order(ByteOrder::Big).with_extensions(&extensions),
        Header::new("text/\"plain\"", "utf-8", 123_456),
    ] {
        let length = header.to_string().len();
        for room in 0..length {
            assert!(write!(Narrow(room), "{header}").is_err(), "{room} bytes of {length}");
        }
        assert!(write!(Narrow(length), "{header}").is_ok());
    }
}

#[test]
fn a_value_is_shown_as_json() {
    let shown = values().map(|value| value.to_string());
    let json = r#"{"a": ["\né", 1.5, null]}"#;
    assert_eq!(shown, ["null", "true", "false", "7", "-7", "18446744073709551615", r#""a\"\u0001é""#, json]);
    assert_eq!(Value::from(u32::MAX), Value::from(u64::from(u32::MAX)));
}

#[test]
fn debugging_shows_what_is_said_and_not_the_memory_it_is_in() {
    let extensions = [("a", 1.into())];
    let header = Header::for_json(39).with_byte_order(ByteOrder::Big).with_extensions(&extensions);
    let said = "Header { byte_order: Big, content_type: \"text/json\", content_encoding: \"utf-8\", \
                content_length: 39, extensions: {\"a\": Value(Natural(1))} }";
    assert_eq!(format!("{header:?}"), said);
    #[cfg(feature = "alloc")]
    {
        let kept = jsonframe::OwnedHeader::new(&header, jsonframe::Growable::with_limit(1000)).unwrap();
        assert_eq!(format!("{kept:?}"), format!("OwnedHeader({said})"));
    }
    let decoder = format!("{:?}", Decoder::new([0xAA; 64]));
    assert!(decoder.starts_with("Decoder { state: ") && decoder.ends_with(", .. }"), "{decoder}");
    assert!(!decoder.contains("170"), "{decoder}");
}

#[test]
fn a_prefix_is_a_part_of_the_header_where_there_is_one() {
    let header = Header::for_json(39);
    let (one, other) = (header.with_prefix(b"\x01"), header.with_prefix(b"\x02"));
    assert!(one != header && one != other && one == header.with_prefix(b"\x01"));
    assert!(format!("{one:?}").starts_with("Header { prefix: [1], byte_order: "), "{one:?}");
    assert!(format!("{header:?}").starts_with("Header { byte_order: "), "{header:?}");
}

#[test]
fn a_message_is_sent_when_neither_part_is_left() {
    for (parts, length) in [([&b""[..], &b""[..]], 0), ([b"head", b""], 4), ([b"", b"content"], 7), ([b"a", b"b"], 2)] {
        let message = Outgoing::from_parts(parts);
        assert_eq!(message.parts(), parts);
        assert_eq!((message.len(), message.is_empty()), (length, length == 0));
    }
    let mut message = Outgoing::from_parts([b"head", b"content"]);
    message.advance(6);
    assert_eq!(message.parts(), [&b""[..], b"ntent"]);
    message.advance(usize::MAX);
    assert!(message.is_empty());
}

#[cfg(feature = "json")]
#[test]
fn a_value_becomes_a_whole_message() {
    let bytes = jsonframe::to_json_message(&["a", "b"]).unwrap();
    let mut decoder = Decoder::new([0; 256]);
    let mut input = bytes.as_slice();
    let Ok(Some(jsonframe::Event::Header(header))) = decoder.decode(&mut input) else { panic!("a header") };
    assert_eq!((header, input), (Header::for_json(10), &br#"["a", "b"]"#[..]));
}
