//! `jsonframe convert`: streams as JSON lines and back, to the byte.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use jsonframe::{ByteOrder, Header, Message};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::test_runner::Config;
use serde_json::Value as Json;

#[path = "../../tests/common/mod.rs"]
mod common;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

/// What the program makes of an input: its output, its error output and its exit code.
fn convert(arguments: &[&str], input: &[u8]) -> (Vec<u8>, String, i32) {
    let output =
        assert_cmd::Command::new(JSONFRAME).arg("convert").args(arguments).write_stdin(input).output().unwrap();
    (output.stdout, String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
}

fn message(content_type: &str, content: &[u8]) -> Vec<u8> {
    let header = Header::new(content_type, "utf-8", content.len() as u64).with_byte_order(ByteOrder::Little);
    Message::new(header, content).unwrap().to_vec().unwrap()
}

/// The lines of a stream, after they have been found to give it back, and whether it is whole.
fn round_trip(stream: &[u8], dialect: &str) -> (Vec<Json>, bool) {
    let (lines, errors, code) = convert(&["--to", "json-lines", "--format", "raw", "--dialect", dialect], stream);
    assert_eq!(errors, "");
    let parsed: Vec<Json> = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    if !lines.is_empty() {
        let (bytes, errors, back) = convert(&["--to", "bytes"], &lines);
        assert_eq!((errors.as_str(), back), ("", 0));
        assert!(bytes == stream, "{}\n{}", bytes.escape_ascii(), stream.escape_ascii());
    }
    (parsed, code == 0)
}

#[test]
fn the_lines_of_a_whole_stream_are_those_of_inspect() {
    let stream = [message("text/json", b"{}"), message("x", b"")].concat();
    let shown =
        assert_cmd::Command::new(JSONFRAME).args(["inspect", "--json"]).write_stdin(stream.clone()).output().unwrap();
    let (lines, errors, code) = convert(&[], &stream);
    // Content without bytes has no line.
    let expected: String = String::from_utf8(shown.stdout)
        .unwrap()
        .lines()
        .filter(|line| !line.contains("\"length\":0"))
        .fold(String::new(), |all, line| all + line + "\n");
    assert_eq!((String::from_utf8(lines).unwrap(), errors.as_str(), code), (expected, "", 0));
}

#[test]
fn a_stream_that_is_written_by_hand_needs_little() {
    let lines = br#"{"event":"header"}
{"event":"content","text":"{\"a\": \"\u00e9\"}"}

{"event":"header","byteorder":"big","content_type":"x","content_encoding":"y","content_length":3,"extensions":{"n":[1, 2]}}
{"event":"content","hex":"00ff"}
{"event":"raw","text":"!"}
"#;
    let (bytes, errors, code) = convert(&[], lines);
    let first = message("text/json", "{\"a\": \"é\"}".as_bytes());
    let second = b"\x00\x63{\"byteorder\": \"big\", \"content-type\": \"x\", \"content-encoding\": \"y\", \"content-length\": 3, \"n\": [1, 2]}\x00\xFF!";
    assert_eq!((errors.as_str(), code), ("", 0));
    let expected = [&first[..], second].concat();
    // The length is that of the header, whatever it is.
    assert_eq!(bytes[first.len() + 2..], expected[first.len() + 2..]);
    assert!(bytes.starts_with(&first));
    assert_eq!(usize::from(bytes[first.len() + 1]), second.len() - 2 - 3);
}

#[test]
fn a_fault_and_what_follows_it_are_kept_as_they_are() {
    let whole = message("text/json", b"{}");
    let spaced = b"\0\x65 {\"content-length\" : 2, \"byteorder\":\"big\",\"content-type\":\"\\u0078\" , \"content-encoding\":\"utf-8\", \"a\":1,\"a\":2 }{}";
    let spaced = [&[0, u8::try_from(spaced.len() - 4).unwrap()], &spaced[2..]].concat();
    for (stream, is_whole, events) in [
        (whole.clone(), true, "header content end"),
        (spaced.clone(), true, "header content end"),
        ([&whole[..], b"\0\x02[]rest"].concat(), false, "header content end error raw raw"),
        ([&whole[..], b"\0\0"].concat(), false, "header content end error raw"),
        (whole[..whole.len() - 1].to_vec(), false, "header content truncated"),
        (whole[..30].to_vec(), false, "truncated raw"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), false, "error raw raw"),
        (Vec::new(), true, ""),
    ] {
        let (lines, whole) = round_trip(&stream, "standard");
        let found: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!((found.join(" ").as_str(), whole), (events, is_whole), "{}", stream.escape_ascii());
    }
    let (lines, _) = round_trip(&spaced, "standard");
    assert!(lines[0]["head"].is_string() && lines[0]["extensions"]["a"] == 2);
    assert!(round_trip(&whole, "standard").0[0]["head"].is_null());
}

#[test]
fn every_capture_from_the_field_comes_back() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures");
    for (dialect, name) in [
        ("standard", "android-jsonobject.c2s"),
        ("standard,underscores", "chat-underscores.c2s"),
        ("standard,prefix=0001,underscores,no-byteorder,no-type", "chat-version-prefix.c2s"),
        ("u16-le,length=content-len,no-byteorder,no-type,no-encoding,no-length", "driver-assist.c2s"),
        ("u32-le,no-byteorder,no-type,no-encoding,no-length", "header-only-u32le.c2s"),
        ("standard", "length-in-characters.c2s"),
        ("standard", "node-256.c2s"),
        ("u32-le,prefix=9200000001000000ffff,raw-json", "opendtect-apply.c2s"),
        ("u8", "u8-signed.c2s"),
    ] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.hex"))).unwrap();
        let stream = hex::decode(text.replace('\n', "")).unwrap();
        let (lines, whole) = round_trip(&stream, dialect);
        assert_eq!(whole, !["node-256.c2s", "length-in-characters.c2s"].contains(&name), "{name}: {lines:?}");
    }
}

#[test]
fn other_forms_are_read_again() {
    let stream = [message("text/json", b"{\"it's\": \"\\\"\"}"), (0..=255).collect()].concat();
    for to in ["hex", "python"] {
        let (text, errors, code) = convert(&["--to", to, "--format", "raw"], &stream);
        assert_eq!((errors.as_str(), code), ("", 0));
        assert!(text.is_ascii());
        let (lines, ..) = convert(&["--to", "json-lines"], &text);
        let (bytes, errors, code) = convert(&["--to", "bytes"], &lines);
        assert!(bytes == stream && errors.is_empty() && code == 0, "{to}: {errors}");
    }
}

#[test]
fn what_is_wrong_with_lines_is_said() {
    for (lines, words) in [
        ("{\"event\":\"header\"", "line 1 is wrong: EOF while parsing an object"),
        ("{\"event\":\"\\u001b[2J\"}", "line 1 is wrong: `\\u{1b}[2J` is no event"),
        ("{\"event\":\"end\"}\n{\"event\":\"content\",\"hex\":\"0\"}", "line 2 is wrong: `hex`: Odd number of digits"),
        ("{\"event\":\"content\"}", "line 1 is wrong: expected either `hex` or `text`"),
        ("{\"event\":\"content\",\"length\":65,\"hex\":\"00\"}", "`hex` has 1 of 65 bytes"),
        ("{\"event\":\"header\",\"byteorder\":\"Big\"}", "`byteorder` is \"Big\"; expected little or big"),
        ("{\"event\":\"header\",\"extensions\":[]}", "`extensions` is no object"),
        ("{\"event\":\"header\",\"dialect\":\"x\"}", "`x` is not a dialect"),
        ("{\"event\":\"gap\",\"length\":9}", "there are no bytes for an event `gap`"),
    ] {
        let (_, errors, code) = convert(&[], lines.as_bytes());
        assert!(errors.starts_with("jsonframe: ") && errors.contains(words) && code == 2, "{errors}");
        assert_eq!(errors.matches(char::is_control).count(), 1, "{errors:?}");
    }
    let (_, errors, code) = convert(&["--to", "json-lines"], b"{\"event\":\"end\"}");
    assert!(errors.contains("JSON lines already") && code == 2);
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]
    #[test]
    fn any_stream_comes_back(
        contents in vec(("[a-z/é]{0,9}", vec(any::<u8>(), 0..200)), 0..4),
        damage in vec((0..600_usize, any::<u8>()), 0..3),
        cut in 0..30_usize,
    ) {
        let mut stream: Vec<u8> = contents.iter().flat_map(|(kind, content)| message(kind, content)).collect();
        let length = stream.len();
        for (at, byte) in damage {
            if at < length {
                stream[at] = byte;
            }
        }
        stream.truncate(length.saturating_sub(cut));
        round_trip(&stream, "standard");
    }
}

/// A message of this length, and a fault after it.
fn large(length: u64) -> impl Read + Send {
    let header = Header::for_json(length);
    let mut head = vec![0; header.encoded_len()];
    header.encode(&mut head).unwrap();
    io::Cursor::new(head)
        .chain(io::repeat(b'7').take(length))
        .chain(&b"\0\0"[..])
        .chain(io::repeat(b'x').take(length / 4))
}

/// The most memory a conversion has had, in KiB, of what comes to an end only when that has been looked at.
#[cfg(target_os = "linux")]
#[test]
fn a_long_stream_is_converted_and_back_in_little_memory() {
    const LENGTH: u64 = 32_000_000;
    let spawn = |input: Stdio| {
        let mut command = Command::new(JSONFRAME);
        command.args(["convert", "--dialect", "standard"]).stdin(input).stdout(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut there = spawn(Stdio::piped());
    let mut back = spawn(there.stdout.take().unwrap().into());
    let mut stdin = there.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        io::copy(&mut large(LENGTH), &mut stdin).unwrap();
        stdin
    });
    let mut output = back.stdout.take().unwrap();
    let mut expected = large(LENGTH);
    let (mut buffer, mut same) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut count = 0_u64;
    while count < LENGTH {
        let length = output.read(&mut buffer).unwrap();
        assert!(length > 0);
        expected.read_exact(&mut same[..length]).unwrap();
        assert!(buffer[..length] == same[..length], "after {count} bytes");
        count += length as u64;
    }
    for process in [&there, &back] {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
        assert!(peak.parse::<u64>().unwrap() < 16 * 1024, "{peak} KiB");
    }
    let rest = thread::spawn(move || {
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).unwrap();
        rest
    });
    let mut stdin = feeder.join().unwrap();
    stdin.flush().unwrap();
    drop(stdin);
    let mut left = Vec::new();
    expected.read_to_end(&mut left).unwrap();
    assert!(rest.join().unwrap() == left);
    assert_eq!((there.wait().unwrap().code(), back.wait().unwrap().code()), (Some(1), Some(0)));
}
