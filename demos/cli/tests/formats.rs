//! Every form in which people have a stream: as written by the programs that they use, and read by `jsonframe inspect`.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use jsonframe_cli::capture::Format;
use jsonframe_cli::inspect::{self, Options};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::sample::select;
use serde_json::Value as Json;

#[path = "../../tests/common/mod.rs"]
mod common;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

/// What the program makes of an input: its output, its error output and its exit code.
fn inspect(arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let mut command = assert_cmd::Command::new(JSONFRAME);
    let output = command.arg("inspect").args(arguments).write_stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

/// Whether there is this program. If not, what needs it is skipped, or fails where tests are to be complete.
fn is_there(program: &'static str) -> bool {
    static KNOWN: Mutex<BTreeMap<&str, bool>> = Mutex::new(BTreeMap::new());
    *KNOWN.lock().unwrap().entry(program).or_insert_with(|| starts(program))
}

fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    let ran = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = ran.is_ok();
    if !is_there {
        assert!(env::var_os("CI").is_none(), "{program} is missing");
        eprintln!("SKIPPED: {program} is missing");
    }
    is_there
}

/// What a program of others writes for this input.
fn written(program: &'static str, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    if !is_there(program) {
        return None;
    }
    let output = assert_cmd::Command::new(program).args(arguments).write_stdin(input).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// The captures from the field: their names and bytes.
fn captures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures");
    let mut captures: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "hex"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().into(), hex::decode(text.replace('\n', "")).unwrap())
        })
        .collect();
    captures.sort();
    assert!(captures.len() >= 15);
    captures
}

/// A stream as text in every form that there is a program for, and with these in mind.
fn texts(stream: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut texts: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, text: Option<Vec<u8>>| texts.extend(text.map(|text| (name.to_owned(), text)));
    for options in [&[][..], &["-p"], &["-i"], &["-g1"], &["-c", "32"], &["-u", "-g", "4"], &["-c", "7"]] {
        add(&format!("xxd {options:?}"), written("xxd", options, stream));
    }
    for options in [&["-C"][..], &["-v", "-C"], &[]] {
        add(&format!("hexdump {options:?}"), written("hexdump", options, stream));
    }
    for options in [&["-A", "x", "-t", "x1z", "-v"][..], &["-t", "x1"], &["-A", "d", "-t", "x1"], &["-x"]] {
        add(&format!("od {options:?}"), written("od", options, stream));
    }
    add("base64", written("base64", &[], stream));
    let python = |program: &str| {
        written("python3", &["-c", &format!("import sys; data = sys.stdin.buffer.read()\n{program}")], stream)
    };
    add("repr", python("print(repr(data))"));
    add(
        "two",
        python("print('read', repr(data[:9]), 'of', ('127.0.0.1', 61354))\nprint(f'Sending {data[9:]!r} to x')"),
    );
    add("bytearray", python("print([bytearray(data)])"));
    add("colons", python("print(data.hex(':'))"));
    add("spaces", python("print(data.hex(' ').upper())"));
    add(
        "0x",
        python("print(', '.join(map(hex, data)) if min(data) > 15 else ' '.join(f'0x{byte:02x}' for byte in data))"),
    );
    add("escapes", python("print(''.join(f'\\\\x{byte:02x}' for byte in data))"));
    add("numbers", python("print(list(data))"));
    add("urlsafe", python("import base64; print(base64.urlsafe_b64encode(data).decode().rstrip('='))"));
    texts
}

#[test]
fn every_capture_from_the_field_is_read_in_every_form_of_text() {
    for (name, stream) in captures() {
        let dialect = dialect_of(&name);
        let expected = shown(Format::Raw, dialect, &stream);
        assert!(!expected.is_empty(), "{name}");
        for (form, text) in texts(&stream) {
            let named = match form.as_str() {
                form if form.contains("base64") || form.contains("urlsafe") => Format::Base64,
                "repr" | "two" | "bytearray" => Format::Python,
                _ => Format::Hex,
            };
            // A word of `hexdump` and `od` has two bytes, and the last may be filled up.
            let is_padded = (form == "hexdump []" || form.starts_with("od [\"-x")) && stream.len() % 2 == 1;
            if is_padded {
                continue;
            }
            // A fault in a log is said with its line.
            let shown = |format| {
                let read = shown(format, dialect, &text);
                let has_line =
                    [r#","line":1"#, r#","line":2"#].map(|line| (read.replacen(line, "", 1), read.contains(line)));
                let found = has_line.into_iter().find(|(_, is_there)| *is_there);
                let is_faulty =
                    ["error", "truncated"].iter().any(|event| expected.contains(&format!(r#""event":"{event}""#)));
                assert_eq!(found.is_some(), is_faulty && named == Format::Python, "{name}, {form}: {read}");
                found.map_or(read, |(without, _)| without)
            };
            let read = shown(named);
            assert_eq!(read, expected, "{name}, {form}:\n{}", String::from_utf8_lossy(&text));
            let read = shown(Format::Auto);
            assert_eq!(read, expected, "{name}, {form}, recognised:\n{}", String::from_utf8_lossy(&text));
        }
        // The bytes themselves are never taken for text.
        assert_eq!(inspect(&["--json", "--dialect", dialect], &stream).0, expected, "{name}");
        assert_eq!(inspect(&["--json"], &stream), inspect(&["--json", "--format", "raw"], &stream), "{name}");
    }
}

/// The lines of an input in this format.
fn shown(format: Format, dialect: &str, mut input: &[u8]) -> String {
    let options = Options { format, dialect: dialect.parse().unwrap(), json: true, ..Options::default() };
    let mut output = Vec::new();
    match inspect::inspect(&mut input, &mut output, &options) {
        Ok(_) => String::from_utf8(output).unwrap(),
        Err(error) => error.to_string(),
    }
}

/// The dialect in which a capture is nothing but whole messages, or the one its fault is looked for in.
fn dialect_of(name: &str) -> &'static str {
    match name {
        "chat-underscores.c2s" => "standard,underscores",
        "chat-version-prefix.c2s" | "chat-version-prefix.s2c" => {
            "standard,prefix=0001,underscores,no-byteorder,no-type"
        }
        "driver-assist.c2s" | "driver-assist.s2c" => {
            "u16-le,length=content-len,no-byteorder,no-type,no-encoding,no-length"
        }
        "header-only-u32le.c2s" => "u32-le,no-byteorder,no-type,no-encoding,no-length",
        "opendtect-apply.c2s" => "u32-le,prefix=9200000001000000ffff,raw-json",
        "u8-signed.c2s" => "u8",
        _ => "standard",
    }
}

/// What is said of each capture that is no stream of the standard.
const HINTS: [(&str, &str); 15] = [
    ("android-jsonobject.c2s", ""),
    ("chat-underscores.c2s", "--dialect underscores"),
    ("chat-version-prefix.c2s", "--dialect prefix=0001,underscores,no-byteorder,no-type"),
    ("chat-version-prefix.s2c", "--dialect prefix=0001,underscores,no-byteorder,no-type"),
    ("content-len-be.c2s", "--dialect byteorder=bytesorder,length=content-len"),
    ("content_length-only.c2s", "--dialect underscores,no-byteorder,no-type,no-encoding"),
    ("driver-assist.c2s", "--dialect u16-le,length=content-len,no-byteorder,no-type,no-encoding,no-length"),
    ("driver-assist.s2c", "--dialect u16-le,length=content-len,no-byteorder,no-type,no-encoding,no-length"),
    ("header-only-u32le.c2s", "--dialect u32-le,no-byteorder,no-type,no-encoding,no-length"),
    (
        "length-in-characters.c2s",
        "looks like a number of characters: 39 characters are 43 bytes, and content-length counts bytes, not characters: \
         len(text.encode(\"utf-8\")) in Python, not len(text)",
    ),
    ("node-256.c2s", "the header looks 256 bytes long: of that number only the lowest byte, 0, was written"),
    ("opendtect-apply.c2s", "--dialect u32-le,prefix=9200000001000000ffff,raw-json"),
    ("pickle-sent-ts.c2s", "--dialect no-type,no-encoding"),
    ("pico.c2s", "--dialect no-type,no-encoding"),
    ("u8-signed.c2s", "--dialect u8"),
];

#[test]
fn each_faulty_capture_from_the_field_gets_the_right_hint() {
    let captures = captures();
    assert_eq!(captures.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), HINTS.map(|(name, _)| name));
    for ((name, stream), (_, expected)) in captures.iter().zip(HINTS) {
        let (lines, _, code) = inspect(&["--json"], stream);
        let last: Json = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        let hint = last["hint"].as_str().unwrap_or_default();
        assert!(hint.ends_with(expected) && (expected.is_empty() == hint.is_empty()), "{name}: {hint}\n{lines}");
        assert_eq!(code, i32::from(!expected.is_empty()), "{name}");
        let (text, ..) = inspect(&[], stream);
        let said: Vec<_> = text.lines().filter(|line| line.contains("hint: ")).collect();
        assert_eq!(said.len(), usize::from(!hint.is_empty()), "{name}: {text}");
        assert!(said.iter().all(|said| said.ends_with(&format!("hint: {hint}"))), "{name}: {text}");
        // The dialect of the hint is right: it is that of all of the stream.
        if let Some((_, dialect)) = hint.split_once("--dialect ") {
            let dialect = dialect.split(' ').next().unwrap();
            let (lines, _, code) = inspect(&["--json", "--dialect", dialect], stream);
            let may_differ = name.starts_with("opendtect");
            assert!(code == 0 || may_differ, "{name} in {dialect}: {lines}");
        }
    }
    let pickle = &captures[12].1;
    let (text, ..) = inspect(&["--dialect", "standard,no-type=x,no-encoding=binary"], pickle);
    assert!(text.contains("binary, which looks like a Python pickle"), "{text}");
}

#[test]
fn what_else_a_stream_may_be_is_said() {
    let hint = |stream: &[u8]| {
        let (lines, _, code) = inspect(&["--json", "--format", "raw"], stream);
        let last: Json = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!(code, 1);
        last["hint"].as_str().unwrap_or_default().to_owned()
    };
    assert!(hint(b"00000000: 0067 7b22 6279 7465 6f72 6465 7222 3a20  .g{\"byteorder\": ").ends_with("--format hex"));
    assert!(hint(b"00677b2262797465").ends_with("--format hex"));
    assert!(hint(br#"received b'\x00g{"byteorder' from x"#).ends_with("--format python"));
    assert!(hint(b"AGd7ImJ5dGVvcmRlciI6ICJsaXR0bGUi").ends_with("--format base64"));
    assert!(hint(b"\xd4\xc3\xb2\xa1\x02\0\x04\0").ends_with("--format pcap"));
    assert!(hint(b"\x80\x04\x95\x05\0\0\0\0\0\0\0K\x01.").contains("Python pickle"));
    assert!(hint(b"{\"action\": \"search\"}").contains("begins with JSON"));
    assert!(hint(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").ends_with(", which looks like HTTP"));
    let text = r#"this is text, not messages: "ERROR unknown command\r\n"; a message begins with "#;
    assert!(hint(b"ERROR unknown command\r\nbye\r\n").starts_with(text));
    assert_eq!(hint(b"<!DOCTYPE html>\n<p>"), "this looks like HTML, as servers of HTTP send it");
    // A length that is sent by itself.
    assert!(hint(b"\0\0\0\x67").ends_with("--dialect u32"));
    // What is nearly text in a form is taken for the bytes, and the hint says which form.
    let (lines, _, code) = inspect(&["--json"], b"00 67 7b 22 62 zz\n");
    assert!(lines.contains("--format hex") && code == 1, "{lines}");
}

#[test]
fn a_stream_that_looks_like_text_is_not_taken_for_it() {
    let header = r#"{"byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 9}"#;
    let pad = " ".repeat(0x2030 - header.len());
    let padded = header.replacen(' ', &format!("{pad} "), 1);
    let stream = [b" 0", padded.as_bytes(), b"b'abc' 00"].concat();
    assert_eq!(inspect(&["--json"], &stream).2, 0);
    // In another dialect.
    let stream = [&[u8::try_from(header.len()).unwrap()], header.as_bytes(), b"b'abc' 00"].concat();
    assert_eq!(inspect(&["--json", "--dialect", "u8"], &stream).2, 0);
    for (format, words) in [
        ("pcap", "not a capture file"),
        ("hex", "the hex text is wrong at line 1, column 1"),
        ("base64", "the base64 text is wrong at line 1, column 2"),
    ] {
        let (output, errors, code) = inspect(&["--format", format], &stream);
        assert!(errors.contains(words) && output.is_empty() && code == 2, "{format}: {errors}");
    }
}

#[test]
fn a_stream_is_read_from_any_byte_and_the_next_message_is_found() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name == "android-jsonobject.c2s").unwrap();
    let two = stream.repeat(2);
    let length = stream.len().to_string();
    let (lines, errors, code) = inspect(&["--json", "--from", &length], &two);
    assert!(lines.starts_with(&format!("{{\"event\":\"header\",\"offset\":{length},")), "{lines}");
    assert_eq!((lines.lines().count(), errors.as_str(), code), (3, "", 0));

    let (lines, _, code) = inspect(&["--json", "--find"], &two[5..]);
    let at = stream.len() - 5;
    assert!(lines.starts_with(&format!("{{\"event\":\"skipped\",\"offset\":0,\"length\":{at},\"found\":true}}\n{{\"event\":\"header\",\"offset\":{at},")), "{lines}");
    assert_eq!(code, 0);
    let (text, ..) = inspect(&["--find"], &two[5..]);
    assert!(
        text.contains(&format!(
            "         0  {at} bytes passed over: a message seems to begin after them, which is a guess"
        )),
        "{text}"
    );

    let (lines, _, code) = inspect(&["--json", "--find", "--from", "5"], &stream);
    assert!(lines.ends_with(",\"found\":false}\n") && code == 1, "{lines}");
    let (_, errors, code) = inspect(&["--from", "1000000"], &stream);
    assert!(errors.contains("there is nothing from byte 1000000 on: the stream has") && code == 1, "{errors}");
    // A fault after what was found is at its place in the stream.
    let cut = [&two[5..], b"\0\0"].concat();
    let (lines, ..) = inspect(&["--json", "--find"], &cut);
    let end = cut.len() - 2;
    assert!(lines.contains(&format!("\"offset\":{end},\"message\":\"the header length is 0; a header is at least a JSON object (at byte {end})\"")), "{lines}");
}

/// The rows of a dump of `tcpdump -X` of these packets.
fn tcpdump(packets: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for packet in packets {
        text +=
            "12:00:00.000001 IP 127.0.0.1.50000 > 127.0.0.1.65432: Flags [P.], seq 1:100, ack 1, win 512, length 99\n";
        for (index, row) in packet.chunks(16).enumerate() {
            let groups: Vec<String> = row.chunks(2).map(hex::encode).collect();
            let shown = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
            let characters: String = row.iter().map(shown).collect();
            writeln!(text, "\t0x{:04x}:  {:<39}  {characters}", index * 16, groups.join(" ")).unwrap();
        }
    }
    text
}

#[test]
fn the_packets_of_a_dump_of_tcpdump_are_put_together() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name == "android-jsonobject.c2s").unwrap();
    let ip = |number: u32, bytes: &[u8]| {
        let length = u16::try_from(40 + bytes.len()).unwrap();
        let head = [&[0x45, 0][..], &length.to_be_bytes(), &[0, 0, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]];
        let ports = [50_000_u16, 65_432].map(u16::to_be_bytes).concat();
        [&head.concat()[..], &ports, &number.to_be_bytes(), &[0; 4], &[0x50, 0x18, 2, 0, 0, 0, 0, 0], bytes].concat()
    };
    let packets = [ip(7, &stream[..100]), ip(107, &stream[100..])];
    let framed = packets.clone().map(|packet| [&[0; 12][..], &[8, 0], &packet].concat());
    for text in [tcpdump(&packets), tcpdump(&framed)] {
        let (lines, errors, code) = inspect(&["--json"], text.as_bytes());
        let kinds: Vec<Json> =
            lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["event"].clone()).collect();
        assert_eq!(kinds, ["stream", "header", "content", "end", "capture"], "{lines}");
        assert!(lines.contains("to-server"), "{lines}");
        assert_eq!((errors.as_str(), code), ("", 0));
        // A row that is missing is no gap, but a dump that is wrong.
        let cut: String = text
            .lines()
            .enumerate()
            .filter(|(index, _)| *index != 3)
            .fold(String::new(), |text, (_, line)| text + line + "\n");
        let (_, errors, code) = inspect(&["--json", "--format", "hex"], cut.as_bytes());
        assert!(errors.contains("is wrong at line 4") && code == 2, "{errors}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn long_text_is_read_in_little_memory() {
    use std::io::Write;
    const LENGTH: usize = 24_000_000;
    let header = jsonframe::Header::new("text/plain", "utf-8", LENGTH as u64);
    let mut head = vec![0; header.encoded_len()];
    header.encode(&mut head).unwrap();
    let literal = |bytes: &[u8]| format!("received b\"{}\" from x\n", bytes.escape_ascii()).into_bytes();
    let rows = "37".repeat(1000) + "\n";
    for (first, rest, count) in [
        ([hex::encode(&head).as_bytes(), b"\n"].concat(), rows.into_bytes(), 1000),
        (literal(&head), literal(&[b'7'; 1000]), 1000),
    ] {
        let mut command = Command::new(JSONFRAME);
        let command = command.args(["inspect", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&first).unwrap();
        for _ in 0..LENGTH / count {
            stdin.write_all(&rest).unwrap();
        }
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
        assert!(peak.parse::<u64>().unwrap() < 16 * 1024, "{peak} KiB");
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// What the beginnings, middles and ends of inputs look like.
const PIECES: [&[u8]; 24] = [
    b"00000000: 0067 7b22  .g{\"\n",
    b"00000004  7b",
    b"00000000  00 67  |.g|\n",
    b"*\n",
    b"000fffff\n",
    b"b'\\x00g{\"'",
    b"b'''",
    b"rb\"\\",
    b"\\x",
    b"{0x00, 0x67",
    b"/* ",
    b"};\n",
    b"AGd7Im==",
    b"00:67:7b\n",
    b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x65\0\0\0",
    b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0",
    b"\0\0\0\0\0\0\0\0\x28\0\0\0\x28\0\0\0",
    b"\x45\0\0\x28\0\0\x40\0\x40\x06\0\0\x7f\0\0\x01\x7f\0\0\x01\x01\0\x02\0\0\0\0\x09\0\0\0\0\x50\x02\0\0\0\0\0\0",
    b"\0g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 2}[]",
    b"\0\x02{}",
    b"\x80\x04\x95",
    b"\x1b[2J",
    b" ",
    b"\n",
];

proptest! {
    #[test]
    fn any_input_in_any_format_ends_and_acts_on_no_terminal(
        pieces in vec((select(&PIECES[..]), any::<u8>(), 0..40_usize), 0..12),
        find in any::<bool>(),
        json in any::<bool>(),
        from in 0..4_u64,
    ) {
        let mut input = Vec::new();
        for (piece, byte, at) in pieces {
            let start = input.len();
            input.extend_from_slice(piece);
            // Many of the pieces are damaged somewhere.
            if let Some(place) = input.get_mut(start + 2 * at) {
                *place = byte;
            }
        }
        for format in [Format::Auto, Format::Raw, Format::Hex, Format::Python, Format::Base64, Format::Pcap] {
            let options = Options { format, find, json, from, ..Options::default() };
            let mut output = Vec::new();
            let outcome = inspect::inspect(&mut input.as_slice(), &mut output, &options);
            let text = String::from_utf8(output).unwrap();
            let acts = |character: char| character != '\n' && character.is_control();
            assert!(!text.contains(acts), "{text:?}");
            if let Err(error) = outcome {
                assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }
    }
}
