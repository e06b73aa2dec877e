//! Streams of other protocols: how they are refused, and how the error names them.

mod common;

use common::{decode, framed};
use jsonframe::{ByteOrder, DecodeErrorKind, Decoder, Dialect, ProtoHeader};

const HEADER: &[u8] =
    br#"{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 2}"#;

/// Returns the first bytes of other protocols, and their names.
fn others() -> Vec<(Vec<u8>, &'static str)> {
    let mut others: Vec<(&[u8], &str)> = vec![
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", "TLS"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "TLS"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "a PROXY header"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x01\xC0\0\x02\x02\xDC\x04\x01\xBB", "a PROXY header"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        (b"220 mail.example.com ESMTP Postfix\r\n", "SMTP or FTP"),
        (b"-ERR unknown command\r\n", "Redis"),
        (b"-DENIED Redis is running in protected mode\r\n", "Redis"),
        (b"-NOAUTH Authentication required.\r\n", "Redis"),
        (b"+PONG\r\n", "Redis"),
        (b"+OK\r\n", "Redis or POP3"),
    ];
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] {
        others.push((method.as_bytes(), "HTTP"));
    }
    others.into_iter().map(|(bytes, name)| (bytes.to_vec(), name)).collect()
}

/// Returns the text of the error, and checks that it is the same however the stream is cut.
fn said(capacity: usize, stream: &[u8]) -> String {
    let whole = decode(capacity, [stream]).error;
    assert_eq!(decode(capacity, stream.chunks(1)).error, whole);
    for at in 0..stream.len() {
        assert_eq!(decode(capacity, [&stream[..at], &stream[at..]]).error, whole, "cut at {at}");
    }
    whole.unwrap().to_string()
}

#[test]
fn a_stream_of_another_protocol_is_named_by_its_first_bytes() {
    for (stream, name) in others() {
        let shown = |known: usize| {
            format!("; the stream begins with \"{}\", which looks like {name}", stream[..known].escape_ascii())
        };
        // White space may begin a header, so that only the two bytes of the length are known.
        let known = if stream[2] == b'\r' { 2 } else { 3 };
        let text = said(65_535, &stream);
        assert!(text.starts_with("the header begins with ") && text.ends_with(&shown(known)), "{text}");
        let text = said(1000, &stream);
        assert!(text.starts_with("the header is ") && text.ends_with(&shown(2)), "{text}");
    }
}

#[test]
fn other_framings_are_named_by_their_first_bytes() {
    let json = [HEADER, b"{}"].concat();
    let of_one_byte = [&[u8::try_from(HEADER.len()).unwrap()], HEADER].concat();
    let little_endian = [&u32::try_from(HEADER.len()).unwrap().to_le_bytes(), HEADER].concat();
    for (stream, name) in [
        (json.as_slice(), "JSON without a header length"),
        (&of_one_byte, "a header length of one byte"),
        (&little_endian, "MySQL or a little-endian length"),
        (b"\x4A\0\0\0\x0A8.0.36\0", "MySQL or a little-endian length"),
    ] {
        let ending = format!("\"{}\", which looks like {name}", stream[..3].escape_ascii());
        let text = said(65_535, stream);
        assert!(text.ends_with(&ending), "{text}");
    }
    assert!(said(4096, &json).ends_with("begins with \"{\\\"\", which looks like JSON without a header length"));
    assert!(said(4096, b"\x80\x04\x95\x1C").ends_with("begins with \"\\x80\\x04\", which looks like pickle"));
}

#[test]
fn the_first_bytes_of_an_unknown_protocol_are_shown() {
    let text = "the header begins with 0x04; expected a JSON object, `{` (at byte 2); the stream begins with \"\\x10\\x19\\x04\"";
    assert_eq!(said(65_535, b"\x10\x19\x04MQTT"), text);
    // Two bytes that no protocol begins with are not shown.
    assert_eq!(said(8, b"\0\x09{"), "the header is 9 bytes long; this decoder takes at most 8 (at byte 0)");
}

#[test]
fn a_first_byte_that_cannot_begin_an_object_is_refused_before_the_header_is_whole() {
    for byte in 0..=u8::MAX {
        for (before, messages) in [(&[][..], 0), (&[framed(HEADER), b"{}".to_vec()].concat()[..], 1)] {
            for blank in [&b""[..], b" ", b"\r\n\t "] {
                let stream = [before, b"\xFF\xFF", blank, &[byte]].concat();
                let log = decode(65_535, [stream.as_slice()]);
                assert_eq!(decode(65_535, stream.chunks(1)), log);
                assert_eq!(log.messages.len(), messages);
                let error = log.error.unwrap();
                let missing = 65_534 - blank.len() as u64;
                let (kind, offset) = if byte < 0x80 && !b"{ \t\n\r".contains(&byte) {
                    (DecodeErrorKind::NotAnObject { found: byte }, stream.len() - 1)
                } else {
                    (DecodeErrorKind::Truncated { missing }, stream.len())
                };
                assert_eq!((error.kind(), error.offset()), (kind, offset as u64));
            }
        }
    }
}

#[test]
fn bytes_after_the_first_of_a_header_do_not_change_its_error() {
    for rest in [&b""[..], b"\xFF", b"\xC3\x28", b"\xEF\xBB\xBF", b"{}", b"\0\0\0"] {
        let whole = framed(&[b"x", rest].concat());
        let part = [b"\x01\x00x", rest].concat();
        for stream in [whole, part] {
            let error = decode(65_535, [stream.as_slice()]).error.unwrap();
            assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::NotAnObject { found: b'x' }, 2));
            assert_eq!(decode(65_535, stream.chunks(1)).error, Some(error));
        }
    }
}

#[test]
fn another_protocol_is_recognised_only_at_the_start_of_a_standard_stream() {
    const LITTLE: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U16(ByteOrder::Little));
    // The second message.
    let stream = [&framed(HEADER), &b"{}GET / HTTP/1.1\r\n"[..]].concat();
    for (capacity, kind) in [(65_535, "not-an-object"), (1000, "header-too-long")] {
        let error = decode(capacity, [stream.as_slice()]).error.unwrap();
        assert_eq!(error.kind().name(), kind);
        assert!(error.to_string().ends_with(')'), "{error}");
    }
    // Another dialect, in which the bytes are another length.
    for capacity in [65_535, 1000] {
        let error =
            Decoder::new(vec![0; capacity]).with_dialect(&LITTLE).decode(&mut &b"GET / HTTP/1.1\r\n"[..]).unwrap_err();
        assert!(error.to_string().ends_with(')'), "{error}");
    }
}

#[test]
fn a_first_byte_that_cannot_begin_an_object_is_refused_early_in_every_dialect() {
    const LITTLE: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U32(ByteOrder::Little));
    const ONE: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U8);
    for (dialect, length) in [(&LITTLE, &b"\x67\0\0\0"[..]), (&ONE, b"\x67")] {
        let mut decoder = Decoder::new([0; 256]).with_dialect(dialect);
        assert_eq!(decoder.decode(&mut &length[..]), Ok(None));
        assert_eq!(decoder.needs(), 0x67);
        let error = decoder.decode(&mut &b"x"[..]).unwrap_err();
        assert_eq!((error.kind().name(), error.offset()), ("not-an-object", length.len() as u64));
    }
}
