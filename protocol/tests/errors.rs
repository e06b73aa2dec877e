//! What the errors say, word for word, and what the encoder refuses.

mod common;

use common::{decode, framed};
use jsonframe::{EncodeError, Header, Member, Message, Value};

/// Returns a header of the required members, followed by this text.
fn with(extension: &str) -> String {
    format!(r#"{{"byteorder":"big","content-type":"","content-encoding":"","content-length":0{extension}"#)
}

#[track_caller]
fn assert_refused(header: &str, message: &str) {
    let error = decode(65_535, [framed(header.as_bytes()).as_slice()]).error.expect("refused");
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_header_of_no_bytes_is_refused_without_a_stream_too() {
    let error = Header::parse(&mut []).unwrap_err();
    assert_eq!(error.to_string(), "the header length is 0; a header is at least a JSON object (at byte 0)");
}

#[test]
fn every_error_says_what_is_wrong_where_and_what_was_expected() {
    for (header, message) in [
        ("", "the header length is 0; a header is at least a JSON object (at byte 0)"),
        ("\u{FEFF}{}", "the header begins with a byte order mark; expected `{` (at byte 2)"),
        (
            "[]",
            "the header begins with `[`; expected a JSON object, `{` (at byte 2); the stream begins with \"\\x00\\x02[\"",
        ),
        ("{", "unexpected end of the JSON; expected a member name or `}` (at byte 3)"),
        ("{,", "unexpected `,`; expected a member name or `}` (at byte 3)"),
        ("{'a'", "unexpected `'`; expected a member name or `}` (at byte 3)"),
        ("{\"a\"}", "unexpected `}`; expected `:` (at byte 6)"),
        ("{\"a\":}", "unexpected `}`; expected a value (at byte 7)"),
        ("{\"a\":1 2", "unexpected `2`; expected `,` or `}` (at byte 9)"),
        ("{\"a\":1,}", "unexpected `}`; expected a member name (at byte 9)"),
        ("{\"a\":[1 2", "unexpected `2`; expected `,` or `]` (at byte 10)"),
        ("{\"a\":[}", "unexpected `}`; expected a value (at byte 8)"),
        ("{\"a\":{]", "unexpected `]`; expected a member name or `}` (at byte 8)"),
        ("{\"a\":[1}", "unexpected `}`; expected `,` or `]` (at byte 9)"),
        ("{\"a\":{\"b\":1]", "unexpected `]`; expected `,` or `}` (at byte 13)"),
        ("{\"a\":-x", "unexpected `x`; expected a digit (at byte 8)"),
        ("{\"a\":nul\0", "unexpected 0x00; expected `true`, `false` or `null` (at byte 10)"),
        ("{\"a\":NaN}", "unexpected `N`; expected a value (at byte 7)"),
        ("{\"\n", "control character 0x0A in a string; expected it escaped (at byte 4)"),
        ("{\"\\x", "invalid escape in a string; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX (at byte 4)"),
        (
            "{\"\\udead\"",
            "lone surrogate in a string; expected a pair, \\uD800-\\uDBFF then \\uDC00-\\uDFFF (at byte 4)",
        ),
        ("{}", "the header has no member `byteorder` (at byte 3)"),
        ("{\"byteorder\":1", "`byteorder` is not a string (at byte 15)"),
        ("{\"byteorder\":\"BIG\"", "`byteorder` is neither \"little\" nor \"big\" (at byte 15)"),
        ("{\"content-length\":-1", "`content-length` is not a plain non-negative integer below 2^64 (at byte 20)"),
    ] {
        assert_refused(header, message);
    }
    assert_refused(&with("}}"), "unexpected `}` after the JSON; expected only white space (at byte 80)");
    assert_refused(&with(",\"byteorder\""), "the header has a second member `byteorder` (at byte 80)");
    assert_refused(
        &with(&format!(",\"x\":{}", "[".repeat(64))),
        "objects and arrays are nested more than 64 deep (at byte 147)",
    );

    let error = decode(0, [&b"\x00\x01"[..]]).error.unwrap();
    assert_eq!(error.to_string(), "the header is 1 byte long; this decoder takes at most 0 (at byte 0)");
    let error = decode(100, [&b"\x01\x00"[..]]).error.unwrap();
    assert_eq!(error.to_string(), "the header is 256 bytes long; this decoder takes at most 100 (at byte 0)");
    let error = decode(100, [&b"\x00\x02\xFF\xFF"[..]]).error.unwrap();
    assert_eq!(error.to_string(), "the header is not UTF-8 (at byte 2)");
    let error = decode(100, [&b"\x00\x02{"[..]]).error.unwrap();
    assert_eq!(error.to_string(), "the stream ends inside a message; bytes missing: at least 1 (at byte 3)");
    assert_eq!(error.kind().name(), "truncated");
}

#[test]
fn the_number_of_missing_bytes_of_content_is_exact() {
    let header = with("").replace("\"content-length\":0", "\"content-length\":5") + "}";
    for (content, missing) in [("", 5), ("1", 4), ("1234", 1)] {
        let error = decode(100, [framed(header.as_bytes()).as_slice(), content.as_bytes()]).error.unwrap();
        let at = 2 + header.len() + content.len();
        let text = format!("the stream ends inside a message; bytes missing: {missing} (at byte {at})");
        assert_eq!(error.to_string(), text);
        // The kind alone does not know that the number is exact.
        assert_eq!(
            error.kind().to_string(),
            format!("the stream ends inside a message; bytes missing: at least {missing}")
        );
    }
}

/// Checks that encoding fails and leaves nothing in the buffer that could be sent: it is unchanged, or announces 0 bytes.
#[track_caller]
fn assert_not_encoded(header: &Header<'_>, size: usize, error: EncodeError, message: &str) {
    let mut buffer = vec![0xAA; size];
    assert_eq!(header.encode(&mut buffer), Err(error));
    assert!(matches!(buffer[..], [0xAA, 0xAA, ..] | [0, 0, ..] | [0xAA] | []), "a header is announced");
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_header_that_cannot_be_sent_is_not_announced() {
    let header = Header::new("x", "y", 0);
    let needed = header.encoded_len();
    for available in 0..needed {
        let error = EncodeError::BufferTooSmall { needed, available };
        let bytes = if available == 1 { "byte" } else { "bytes" };
        let message = format!("the buffer holds {available} {bytes}; {needed} are needed");
        assert_not_encoded(&header, available, error, &message);
    }
    assert_eq!(header.encode(&mut vec![0; needed]).unwrap().len(), needed);

    for member in Member::ALL.iter().copied() {
        let extensions = [("a", Value::NULL), (member.as_str(), Value::NULL)];
        let message = format!("`{member}` cannot be an extension member");
        assert_not_encoded(&header.with_extensions(&extensions), 1000, EncodeError::ReservedName { member }, &message);
    }
}

#[test]
fn a_header_is_never_cut_to_the_length_that_can_be_announced() {
    let space = 65_535 - Header::new("", "y", 0).to_string().len();
    let longest = "x".repeat(space);
    let header = Header::new(&longest, "y", 0);
    assert_eq!(header.encoded_len(), 2 + 65_535);
    assert_eq!(&header.encode(&mut vec![0; 70_000]).unwrap()[..2], b"\xFF\xFF");

    let longer = "x".repeat(space + 1);
    assert_not_encoded(
        &Header::new(&longer, "y", 0),
        70_000,
        EncodeError::HeaderTooLong { length: 65_536, limit: 65_535 },
        "the header would be 65536 bytes long; at most 65535 can be announced",
    );
    // 65,535 bytes of text, most of which take six bytes each.
    let escaped = "\u{1}".repeat(space);
    assert!(matches!(Header::new(&escaped, "y", 0).encode(&mut []), Err(EncodeError::HeaderTooLong { .. })));
}

#[test]
fn an_error_in_a_json_value_has_the_offset_of_the_byte_at_fault() {
    for (text, offset) in
        [("", 0), ("[1, 2", 5), ("[1, 2,]", 6), ("  \"a\"", 2), ("1 2", 2), ("-", 1), ("\t[\"é\"}", 6)]
    {
        let error = Value::from_json(text).unwrap_err();
        assert_eq!(error.offset(), offset, "{text:?}");
        assert!(error.to_string().ends_with(&format!(" (at byte {offset})")), "{error}");
    }
}

#[test]
fn content_has_the_length_that_its_header_announces() {
    let error = Message::new(Header::for_json(3), b"{}").unwrap_err();
    assert_eq!(error, EncodeError::LengthMismatch { announced: 3, actual: 2 });
    assert_eq!(error.to_string(), "the header announces 3 bytes of content, and the content has 2 bytes");
    let error = Message::new(Header::for_json(1), b"").unwrap_err();
    assert_eq!(error.to_string(), "the header announces 1 byte of content, and the content has 0 bytes");
}
