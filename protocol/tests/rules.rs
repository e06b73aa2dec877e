//! The rules of `SECURITY.md` that the protocol's core keeps, each by a short test that names it.
//!
//! Most have a fuller proof elsewhere, which `SECURITY.md` names; those of streams and servers are in `jsonframe-std`.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jsonframe::{DecodeError, DecodeErrorKind, Decoder, EncodeError, Event, Header, MAX_DEPTH, Member};

/// Returns a header with this content-length, and with `more` after the required members.
fn header(content_length: &str, more: &str) -> String {
    format!(r#"{{"byteorder":"big","content-type":"","content-encoding":"","content-length":{content_length}{more}}}"#)
}

fn framed(header: &str) -> Vec<u8> {
    [&u16::try_from(header.len()).unwrap().to_be_bytes(), header.as_bytes()].concat()
}

/// Returns the headers and contents of a stream in these pieces, each content with the position after it, and the error.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Option<DecodeError>) {
    let mut decoder = Decoder::new(vec![0; 65_535]);
    let mut events = Vec::new();
    let mut content = Vec::new();
    for mut input in pieces {
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Event::Header(header))) => events.push(header.to_string()),
                Ok(Some(Event::Content(piece))) => content.extend_from_slice(piece),
                Ok(Some(Event::End)) => {
                    events.push(format!("{:?} to {}", std::mem::take(&mut content), decoder.position()));
                }
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, decoder.finish().err())
}

fn refusal(header: &str) -> Option<DecodeErrorKind> {
    decode([framed(header).as_slice()]).1.map(|error| error.kind())
}

/// A header buffer whose first byte is wrong until the header is whole.
struct Disguised {
    bytes: Vec<u8>,
    whole: Rc<Cell<bool>>,
}

impl AsRef<[u8]> for Disguised {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsMut<[u8]> for Disguised {
    fn as_mut(&mut self) -> &mut [u8] {
        self.bytes[0] = if self.whole.get() { b'{' } else { b'!' };
        &mut self.bytes
    }
}

/// A decoder that looked at the header before it is whole would refuse it.
#[test]
fn r01_a_partial_header_is_never_parsed() {
    let whole = Rc::new(Cell::new(false));
    let mut decoder = Decoder::new(Disguised { bytes: vec![0; 1000], whole: Rc::clone(&whole) });
    let stream = framed(&header("0", ""));
    let (last, before) = stream.split_last().unwrap();
    for byte in before {
        assert_eq!(decoder.decode(&mut &[*byte][..]), Ok(None));
    }
    whole.set(true);
    assert!(matches!(decoder.decode(&mut &[*last][..]), Ok(Some(Event::Header(_)))));

    // The check works: a header that is still wrong at its end is refused.
    let mut decoder = Decoder::new(Disguised { bytes: vec![0; 1000], whole: Rc::default() });
    let mut input = before;
    assert_eq!(decoder.decode(&mut input), Ok(None));
    let error = decoder.decode(&mut &[*last][..]).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::NotAnObject { found: b'!' });
}

#[cfg(feature = "alloc")]
#[test]
fn r02_growth_follows_the_bytes_received_and_no_claim() {
    use jsonframe::{Assembler, Growable, Storage, StorageFull};

    /// Records its capacity after each append.
    struct Watched(Growable, Rc<Cell<usize>>);

    impl AsRef<[u8]> for Watched {
        fn as_ref(&self) -> &[u8] {
            self.0.as_ref()
        }
    }

    impl AsMut<[u8]> for Watched {
        fn as_mut(&mut self) -> &mut [u8] {
            self.0.as_mut()
        }
    }

    impl Storage for Watched {
        fn limit(&self) -> usize {
            self.0.limit()
        }

        fn clear(&mut self) {
            self.0.clear();
        }

        fn append(&mut self, bytes: &[u8]) -> Result<(), StorageFull> {
            let outcome = self.0.append(bytes);
            self.1.set(self.0.capacity());
            outcome
        }
    }

    let capacity = Rc::new(Cell::new(0));
    let storage = Watched(Growable::with_limit(usize::MAX), Rc::clone(&capacity));
    let mut assembler = Assembler::new([0; 256], storage);
    // The longest content that a `usize` can count.
    let claim = usize::MAX.to_string();
    assert_eq!(assembler.decode(&mut framed(&header(&claim, "")).as_slice()), Ok(None));
    assert_eq!(capacity.get(), 0);
    for received in 1..5_000 {
        assert_eq!(assembler.decode(&mut &b"x"[..]), Ok(None));
        assert!((received..=2 * received).contains(&capacity.get()), "{} for {received}", capacity.get());
    }
}

#[test]
fn r04_content_length_is_zero_or_plain_digits_that_fit_64_bits() {
    for accepted in ["0", "1", "9", "10", "1000000", "18446744073709551615"] {
        let (events, error) = decode([framed(&header(accepted, "")).as_slice()]);
        assert!(events[0].contains(&format!("\"content-length\": {accepted}}}")), "{events:?}");
        assert_eq!(error.is_none(), accepted == "0", "the content of {accepted} bytes is missing");
    }
    for refused in [
        "",
        "00",
        "01",
        "007",
        "-0",
        "-1",
        "+1",
        "1.0",
        "1.",
        ".5",
        "1e2",
        "1E0",
        "0x10",
        "\"3\"",
        "true",
        "null",
        "[]",
        "{}",
        "18446744073709551616",
        "99999999999999999999",
        "1000000000000000000000000000000",
    ] {
        assert_eq!(refusal(&header(refused, "")), Some(DecodeErrorKind::InvalidContentLength), "{refused}");
    }
}

#[test]
fn r05_lengths_at_the_edges_of_integers_are_exact() {
    for edge in [1_u64 << 16, 1 << 31, 1 << 32, 1 << 53, 1 << 63, u64::MAX - 1] {
        for length in [edge - 1, edge, edge + 1] {
            let mut decoder = Decoder::new([0; 256]);
            let stream = framed(&header(&length.to_string(), ""));
            let mut input = stream.as_slice();
            assert!(matches!(decoder.decode(&mut input), Ok(Some(Event::Header(_)))));
            assert_eq!(decoder.needs(), length);

            assert!(matches!(decoder.decode(&mut &b"x"[..]), Ok(Some(Event::Content(b"x")))));
            assert_eq!(decoder.needs(), length - 1);
            let missing = DecodeErrorKind::Truncated { missing: length - 1 };
            assert_eq!(decoder.finish().unwrap_err().kind(), missing);

            // No more than the rest of the content is counted, and then the next message is decoded.
            assert_eq!(decoder.content_bypassed(u64::MAX), length - 1);
            assert_eq!(decoder.decode(&mut &b""[..]), Ok(Some(Event::End)));
            assert_eq!(decoder.needs(), 2);
            let mut input = stream.as_slice();
            assert!(matches!(decoder.decode(&mut input), Ok(Some(Event::Header(_)))));
            assert_eq!(decoder.needs(), length);
        }
    }
}

#[test]
fn r06_a_second_framing_member_is_refused_after_unescaping() {
    for member in Member::ALL.iter().copied() {
        let name = member.to_string();
        let escaped = name.replacen('e', "\\u0065", 1);
        assert_ne!(name, escaped);
        for name in [name, escaped] {
            for value in ["0", "1", "\"big\"", "null"] {
                let twice = header("0", &format!(",\"{name}\":{value}"));
                assert_eq!(refusal(&twice), Some(DecodeErrorKind::DuplicateMember { member }), "{twice}");
            }
        }
    }
}

#[test]
fn r07_no_value_makes_the_encoder_emit_a_second_header() {
    let hostile = [
        "\"}",
        "\", \"content-length\": 9, \"x\": \"",
        "\0\x02{}",
        "a\r\nb\nc\u{2028}",
        "\\",
        "\\\"",
        "\\u0022",
        "\u{1}\u{1f}\u{7f}",
        "\u{10ffff}é",
    ];
    for text in hostile {
        let extensions = [(text, text.into()), ("list", text.into())];
        let sent = Header::new(text, text, 3).with_extensions(&extensions);
        let mut buffer = [0; 1000];
        let stream = [sent.encode(&mut buffer).unwrap(), b"abc"].concat();

        let mut decoder = Decoder::new([0; 1000]);
        let mut input = stream.as_slice();
        let Ok(Some(Event::Header(received))) = decoder.decode(&mut input) else { panic!("{text:?}") };
        assert_eq!((received.content_length(), input.len()), (3, 3));
        assert_eq!(received.content_type(), text);
        assert_eq!(received.content_encoding(), text);
        assert_eq!(received.extensions().count(), 2);
        assert_eq!(received.to_string(), sent.to_string());
        let (events, error) = decode([stream.as_slice()]);
        assert_eq!((events.len(), error), (2, None), "one message and nothing else");
    }
    for member in Member::ALL {
        let name = member.to_string();
        let extensions = [(name.as_str(), "9".into())];
        let header = Header::new("", "", 0).with_extensions(&extensions);
        assert!(matches!(header.encode(&mut [0; 1000]), Err(EncodeError::ReservedName { .. })), "{name}");
    }
}

#[test]
fn r08_nesting_is_capped_in_what_is_ignored_too() {
    let nested = |depth: usize, open: &str, close: &str| {
        header("0", &format!(",\"x\":{}0{}", open.repeat(depth), close.repeat(depth)))
    };
    let deepest = usize::from(MAX_DEPTH) - 1;
    let too_deep = Some(DecodeErrorKind::TooDeep { limit: MAX_DEPTH });
    for (open, close) in [("[", "]"), ("{\"\":", "}")] {
        assert_eq!(refusal(&nested(deepest, open, close)), None);
        assert_eq!(refusal(&nested(deepest + 1, open, close)), too_deep);
        assert_eq!(refusal(&nested(10_000, open, close)), too_deep);
    }
    assert_eq!(refusal(&header("0", &format!(",\"x\":{}", "[".repeat(65_000)))), too_deep);
}

/// All extensions of the same name are reported. `linear.rs` counts that the work for many names is linear.
#[test]
fn r09_names_are_not_compared_with_each_other() {
    let stream = framed(&header("0", &format!("{},\"x\":1", ",\"x\":0".repeat(10_000))));
    let mut decoder = Decoder::new(vec![0; 65_535]);
    let Ok(Some(Event::Header(header))) = decoder.decode(&mut stream.as_slice()) else { panic!("it is a header") };
    assert_eq!(header.extensions().count(), 10_001);
    assert_eq!(header.extension("x").unwrap().to_string(), "1");
}

/// Returns two valid messages and an invalid one.
fn stream() -> Vec<u8> {
    let message = |length: &str, content: &[u8]| [&framed(&header(length, ",\"é\":[1,\"\\n\"]")), content].concat();
    [message("3", b"abc"), message("0", b""), framed(&header("1e2", ""))].concat()
}

#[test]
fn r13_the_end_is_told_apart_at_every_offset() {
    let stream = stream();
    let first = framed(&header("3", ",\"é\":[1,\"\\n\"]")).len() + 3;
    let ends = [0, first, 2 * first - 3];
    for end in 0..stream.len() {
        let error = decode([&stream[..end]]).1;
        if ends.contains(&end) {
            assert_eq!(error, None, "clean at {end}");
        } else {
            let error = error.unwrap();
            assert!(matches!(error.kind(), DecodeErrorKind::Truncated { missing: 1.. }), "{error}");
            assert_eq!(error.offset(), end as u64);
        }
    }
}

#[test]
fn r14_results_do_not_depend_on_chunking() {
    let stream = stream();
    let whole = decode([stream.as_slice()]);
    assert_eq!((whole.0.len(), whole.1.unwrap().kind()), (4, DecodeErrorKind::InvalidContentLength));
    assert_eq!(decode(stream.chunks(1)), whole);
    for cut in 0..=stream.len() {
        let (before, after) = stream.split_at(cut);
        assert_eq!(decode([before, after]), whole, "cut at {cut}");
        assert_eq!(decode([before, &[], after]), whole, "cut at {cut}, with nothing between");
    }
}

/// Tries a message with each byte replaced by every other, and every stream of two bytes. At link time,
/// `protocol/tests/no-panic` proves that there is no panic path.
#[test]
fn r16_no_byte_of_a_peer_makes_it_panic() {
    let good = [&framed(&header("3", ",\"x\":[{\"é\":\"\\ud83d\\udc36\"},-1.5e+3,true]")), &b"abc"[..]].concat();
    let mut refused = 0;
    for place in 0..good.len() {
        for byte in 0..=u8::MAX {
            let mut stream = good.clone();
            stream[place] = byte;
            refused += usize::from(decode([stream.as_slice()]).1.is_some());
        }
    }
    assert!(refused > 10_000, "{refused}");
    for start in 0..=u16::MAX {
        let _ = decode([&start.to_be_bytes()[..]]);
    }
}

/// Packages that need unsafe code. None of them is a part of the library or used by its users.
const WITH_UNSAFE: [&str; 4] = [
    // Planted faults that the sanitizers must find, impossible in safe Rust.
    "fuzz/sanitizers.d",
    // Its own entry point, system calls and memory functions: there is no std and no libc.
    "protocol/tests/freestanding",
    // The registers of a serial line.
    "protocol/tests/targets/avr",
    // State and memory of a program without std.
    "protocol/tests/targets/wasm",
];

fn forbids_unsafe(manifest: &str) -> bool {
    let section = |name| manifest.split(name).nth(1).and_then(|rest| rest.split("\n[").next()).unwrap_or_default();
    section("[lints.rust]\n").lines().any(|line| line == "unsafe_code = \"forbid\"")
        || section("[workspace.lints.rust]\n").lines().any(|line| line == "unsafe_code = \"forbid\"")
}

/// Collects the directories of all packages below this one.
fn packages(directory: &Path, found: &mut Vec<PathBuf>) {
    if directory.join("Cargo.toml").exists() {
        found.push(directory.to_owned());
    }
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "corpus" {
            packages(&path, found);
        }
    }
}

/// Every package but those named has the workspace's lints, which forbid it, or forbids it on its own.
#[test]
fn r17_unsafe_code_is_forbidden_in_every_package() {
    for allowing in ["", "[lints.rust]\nmissing_docs = \"warn\"", "[lints.rust]\nunsafe_code = \"deny\""] {
        assert!(!forbids_unsafe(allowing), "{allowing}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(forbids_unsafe(&workspace));

    let mut found = Vec::new();
    packages(root, &mut found);
    let mut with_unsafe = Vec::new();
    let (mut members, mut alone) = (0, 0);
    for package in found.iter().filter(|package| *package != root) {
        let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
        if manifest.contains("[lints]\nworkspace = true") {
            members += 1;
        } else if forbids_unsafe(&manifest) {
            alone += 1;
        } else {
            with_unsafe.push(package.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
    with_unsafe.sort();
    assert_eq!(with_unsafe, WITH_UNSAFE);
    println!("{members} packages of the workspace and {alone} others forbid unsafe code");
    assert!(members >= 4 && alone >= 3);
}

/// Returns the resident memory of this program, in bytes.
#[cfg(all(feature = "text", target_os = "linux"))]
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A call that touched all spare memory of the string once made the work grow with the square of the text.
#[cfg(all(feature = "text", target_os = "linux"))]
#[test]
fn r18_text_is_decoded_without_touching_the_memory_that_a_string_has_spare() {
    use jsonframe::{Encoding, TextDecoder};

    const SPARE: usize = 256 << 20;
    for (label, content, text) in [
        ("utf-8", "é".as_bytes(), "é"),
        ("utf-16-le", b"\xE9\0", "é"),
        ("latin-1", b"\xE9", "é"),
        ("iso8859-9", b"\x80\xFDa\x9F", "\u{80}ıa\u{9F}"),
        ("cp1252", b"\x80", "€"),
        ("koi8-u", b"\xB4\xA4", "Єє"),
        ("cp932", b"\x82\xA0\x81\x60", "あ～"),
        ("big5", b"\xA4\xA4\xA2\x41", "中／"),
        ("euc_jp", b"\xA4\xA2\xA1\xC1", "あ〜"),
        ("shift_jis", b"\x82\xA0\x81\x60", "あ〜"),
        ("gb2312", b"\xC4\xE3\xA1\xA4", "你・"),
        ("euc_kr", b"\xB0\xA1", "가"),
    ] {
        let mut decoded = String::with_capacity(SPARE);
        let before = resident();
        let encoding = label.parse::<Encoding>().unwrap();
        for piece in [content.len(), 1] {
            let mut decoder = TextDecoder::new(encoding);
            content.chunks(piece).for_each(|piece| decoder.decode(piece, &mut decoded).unwrap());
        }
        assert_eq!(decoded, text.repeat(2), "{label}");
        let grown = resident().saturating_sub(before);
        assert!(grown < SPARE / 2, "{label}: {grown} bytes of memory have been touched");
    }
}
