//! PROXY headers, whole, cut and wrong.

use std::io::ErrorKind;
use std::net::SocketAddr;

use proptest::prelude::*;

use crate::stream::Stream;
use crate::stream::wire::{Half, Wire};

/// What follows the headers, which nobody may read.
const REST: &[u8] = b"\0\x67{rest";

/// A header of version 2.
fn version_2(command: u8, family: u8, addresses: &[u8], more: &[u8]) -> Vec<u8> {
    let length = u16::try_from(addresses.len() + more.len()).unwrap();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length.to_be_bytes(), addresses, more].concat()
}

const IPV4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x1f, 0x4a];
const IPV6: [u8; 36] = [
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, //
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, //
    0xdc, 0x04, 0x1f, 0x4a,
];

fn valid() -> Vec<(Vec<u8>, Option<&'static str>)> {
    let v4 = Some("192.0.2.1:56324");
    let v6 = Some("[2001:db8::1]:56324");
    let longest =
        format!("PROXY UNKNOWN {} 65535 65535\r\n", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ".repeat(2).trim());
    assert_eq!(longest.len(), 107);
    vec![
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 8010\r\n".to_vec(), v4),
        (b"PROXY TCP4 0.0.0.0 1.1.1.1 0 1\r\n".to_vec(), Some("0.0.0.0:0")),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 8010\r\n".to_vec(), v6),
        (b"PROXY UNKNOWN\r\n".to_vec(), None),
        (b"PROXY UNKNOWN whatever it is\r\n".to_vec(), None),
        (longest.into_bytes(), None),
        (version_2(0x21, 0x11, &IPV4, b""), v4),
        (version_2(0x21, 0x21, &IPV6, b""), v6),
        (version_2(0x21, 0x11, &IPV4, b"\x01\0\x09jsonframe\x04\0\0"), v4),
        (version_2(0x21, 0x21, &IPV6, &[7; 3_000]), v6),
        (version_2(0x21, 0x11, &IPV4, &[7; 65_535 - 12]), v4),
        // Local: whatever family it says.
        (version_2(0x20, 0, b"", b""), None),
        (version_2(0x20, 0x11, &IPV4, b""), None),
        (version_2(0x20, 0x11, b"", b"\x04\0\0"), None),
        (version_2(0x20, 0xff, b"xyz", b""), None),
        // Unspecified, datagrams, Unix sockets.
        (version_2(0x21, 0, b"", b"\x04\0\0"), None),
        (version_2(0x21, 0x12, &IPV4, b""), None),
        (version_2(0x21, 0x31, &[1; 216], b""), None),
    ]
}

fn over(bytes: &[u8]) -> Stream<Wire> {
    Stream::new(Wire::of(bytes)).with_proxy_header()
}

fn outcome(stream: &mut Stream<Wire>) -> Result<Option<SocketAddr>, ErrorKind> {
    stream.open().map(|()| stream.client_address()).map_err(|error| error.kind())
}

fn address(text: Option<&str>) -> Option<SocketAddr> {
    text.map(|text| text.parse().unwrap())
}

#[test]
fn header_is_read_to_its_last_byte_and_no_further() {
    for (header, expected) in valid() {
        let mut stream = over(&[&header, REST].concat());
        assert_eq!(outcome(&mut stream), Ok(address(expected)), "{}", header.escape_ascii());
        assert_eq!(stream.get_ref().incoming, REST, "{}", header.escape_ascii());
    }
}

#[test]
fn header_cut_at_every_byte_gives_the_same_address() {
    for (header, expected) in valid() {
        for cut in 0..header.len().min(400) {
            let mut stream = over(&header[..cut]);
            assert_eq!(outcome(&mut stream), Err(ErrorKind::WouldBlock), "{cut}");
            assert_eq!(stream.client_address(), None);
            stream.get_mut().incoming.extend([&header[cut..], REST].concat());
            assert_eq!(outcome(&mut stream), Ok(address(expected)), "{cut}");
            assert_eq!(stream.get_ref().incoming, REST, "{cut}");
        }
        let mut stream = over(&[&header, REST].concat());
        (stream.get_mut().at_once, stream.get_mut().balks) = (1, true);
        while stream.open().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {}
        assert_eq!(outcome(&mut stream), Ok(address(expected)));
        assert_eq!(stream.get_ref().incoming, REST);
    }
}

#[test]
fn header_that_ends_early_is_an_error_that_says_so() {
    for (header, _) in valid() {
        for cut in 0..header.len().min(400) {
            let mut stream = over(&header[..cut]);
            stream.get_mut().ends = true;
            let error = stream.open().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{cut}");
            let expected = if cut == 0 { "before" } else { "inside" };
            assert_eq!(error.to_string(), format!("the stream ended {expected} the PROXY header"), "{cut}");
        }
    }
}

/// The error's words, however the stream is cut.
fn refusal(bytes: &[u8]) -> String {
    let refusal = |at_once| {
        let mut stream = over(bytes);
        stream.get_mut().at_once = at_once;
        let error = stream.open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        error.to_string()
    };
    let (whole, bytewise) = (refusal(usize::MAX), refusal(1));
    let ahead = |words: &str| words.split(';').next().map(str::to_owned);
    assert_eq!(ahead(&whole), ahead(&bytewise));
    whole
}

#[test]
fn invalid_header_is_refused_by_name() {
    let too_long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(92));
    assert_eq!(too_long.len(), 108);
    let line = "expected a line of ASCII characters";
    let addresses = "expected two addresses and two ports";
    let family = "it is neither of TCP4 nor of TCP6, nor UNKNOWN";
    for (header, expected) in [
        (&b"PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n"[..], addresses),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 8010 1\r\n", addresses),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 80100\r\n", addresses),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 08010\r\n", addresses),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 +56324 8010\r\n", addresses),
        (b"PROXY TCP4 192.0.2.01 198.51.100.2 56324 8010\r\n", addresses),
        (b"PROXY TCP4  192.0.2.1 198.51.100.2 56324 8010\r\n", addresses),
        (b"PROXY TCP4 2001:db8::1 2001:db8::2 56324 8010\r\n", addresses),
        (b"PROXY TCP6 192.0.2.1 198.51.100.2 56324 8010\r\n", addresses),
        (b"PROXY UDP4 192.0.2.1 198.51.100.2 56324 8010\r\n", family),
        (b"PROXY unknown\r\n", family),
        (b"PROXY TCP4 192.0.2.1\rx", line),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 8010\n\0", line),
        (b"PROXY UNKNOWN \xc3\xa4\r\n", line),
        (&version_2(0x11, 0x11, &IPV4, b""), "its version or its command is unknown"),
        (&version_2(0x22, 0x11, &IPV4, b""), "its version or its command is unknown"),
        (&version_2(0x21, 0x41, &IPV4, b""), "its address family is unknown"),
        (&version_2(0x21, 0x13, &IPV4, b""), "its address family is unknown"),
        (&version_2(0x21, 0x11, &IPV4[..11], b""), "it is too short for its addresses"),
        (&version_2(0x21, 0x21, &IPV6[..35], b""), "it is too short for its addresses"),
    ] {
        let expected = format!("the PROXY header is not valid: {expected}");
        assert_eq!(refusal(header), expected, "{}", header.escape_ascii());
    }
    assert_eq!(refusal(too_long.as_bytes()), "a PROXY header of version 1 is longer than 107 bytes");
}

#[test]
fn other_protocols_are_refused_by_name() {
    for (bytes, expected) in [
        (
            &b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 and more"[..],
            r"\x16\x03\x01\x02\x00\x01\x00\x01, which looks like TLS",
        ),
        (b"GET / HTTP/1.1\r\n", "GET / HT, which looks like HTTP"),
        (b"SSH-2.0-x\r\n and more", "SSH-2.0-, which looks like SSH"),
        (b"\0\x67{\"byteorder\": \"little\"", r"\x00g{\x22byte, which looks like a message of jsonframe"),
        (b"PROXIES and more than that", "PROXIES "),
        (b"\r\n\r\n\0\r\nQUIT\r\r\n", r"\r\n\r\n\x00\r\nQ, which looks like a PROXY header"),
    ] {
        let (start, protocol) = expected.split_at(expected.find(", which").unwrap_or(expected.len()));
        let expected = format!("expected a PROXY header; the stream begins with \"{start}\"{protocol}");
        assert_eq!(refusal(bytes), expected.replace(r"\x22", "\\\""));
    }
}

#[test]
fn stream_passes_everything_on_after_the_header() {
    use std::io::{Read, Write};

    let mut stream = over(&[b"PROXY UNKNOWN\r\n", REST].concat());
    stream.open().unwrap();
    stream.open().unwrap();
    let mut space = [0; 64];
    let count = stream.read(&mut space).unwrap();
    assert_eq!(&space[..count], REST);
    stream.write_all(b"answer").unwrap();
    assert!(stream.is_drained() && !stream.wants_write());
    stream.shut_down_sending().unwrap();
    assert_eq!(stream.get_ref().half, Half::Closed);
    assert_eq!(stream.get_ref().outgoing, b"answer");
}

proptest! {
    #[test]
    fn changed_header_has_one_outcome_however_the_stream_is_cut(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte: u8,
        at_once in 1..20_usize,
    ) {
        let (mut bytes, _) = which.get(&valid()).clone();
        bytes.truncate(400);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let run = |at_once| {
            let mut stream = over(&[&bytes, REST].concat());
            stream.get_mut().at_once = at_once;
            let outcome = outcome(&mut stream);
            // What an error leaves unread is nobody's.
            (outcome, outcome.is_ok().then(|| stream.get_ref().incoming.clone()))
        };
        prop_assert_eq!(run(at_once), run(usize::MAX));
    }
}
