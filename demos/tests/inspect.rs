//! What `inspect` shows of every stream that the protocol's test vectors know, and how it behaves as a program.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use jsonframe::{ByteOrder, Header, Message};
use jsonframe_demos::inspect::{Options, inspect};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};
use serde::Deserialize;
use serde_json::Value as Json;

const INSPECT: &str = env!("CARGO_BIN_EXE_inspect");

const REQUEST: &[u8] = b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
    \"content-encoding\": \"utf-8\", \"content-length\": 39}{\"action\": \"search\", \"value\": \"needle\"}";
const REPLY: &[u8] = b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
    \"content-encoding\": \"utf-8\", \"content-length\": 38}{\"result\": \"No match for \\\"needle\\\".\"}";

/// The four required members, for headers of whatever else.
const FOUR: &str = r#""byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 0"#;

/// A header behind its proto-header.
fn framed(header: impl AsRef<[u8]>) -> Vec<u8> {
    let header = header.as_ref();
    [&u16::try_from(header.len()).unwrap().to_be_bytes(), header].concat()
}

/// A message of this type and encoding.
fn message(content_type: &str, encoding: &str, content: &[u8]) -> Vec<u8> {
    let header = Header::new(content_type, encoding, content.len() as u64).with_byte_order(ByteOrder::Little);
    Message::new(header, content).unwrap().to_vec().unwrap()
}

/// What the library makes of a stream.
fn shown(mut stream: &[u8], options: &Options) -> (String, bool) {
    let mut output = Vec::new();
    let whole = inspect(&mut stream, &mut output, options).unwrap();
    (String::from_utf8(output).unwrap(), whole)
}

fn json(chunk: usize) -> Options {
    Options { json: true, ..person(chunk) }
}

fn person(chunk: usize) -> Options {
    Options { chunk: chunk.try_into().unwrap(), ..Options::default() }
}

/// What the program makes of an input: its output, its error output and its exit code.
fn run(arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let output = Command::new(INSPECT).args(arguments).write_stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    bytes: String,
    header_capacity: Option<u16>,
    content_limit: Option<u64>,
    events: Vec<Json>,
}

impl Vector {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/vectors");
        let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        let vectors =
            files.map(|path| serde_json::from_slice::<Vectors>(&std::fs::read(path).unwrap()).unwrap().vectors);
        let vectors: Vec<Self> = vectors.flatten().collect();
        assert!(vectors.len() >= 150, "only {} vectors", vectors.len());
        vectors
    }

    fn bytes(&self) -> Vec<u8> {
        hex::decode(&self.bytes).unwrap()
    }

    fn options(&self, chunk: usize) -> Options {
        Options {
            max_header: self.header_capacity.unwrap_or(u16::MAX),
            max_content: self.content_limit.unwrap_or(u64::MAX),
            ..person(chunk)
        }
    }

    fn arguments(&self) -> Vec<String> {
        let header = self.header_capacity.map(|bytes| format!("--max-header={bytes}"));
        let content = self.content_limit.map(|bytes| format!("--max-content={bytes}"));
        header.into_iter().chain(content).collect()
    }

    fn is_whole(&self) -> bool {
        let fault = |event: &Json| event["event"] == "error" || event["event"] == "truncated";
        !self.events.iter().any(fault)
    }

    /// Compares JSON lines with the events, which have no messages for people.
    fn assert_lines(&self, lines: &str) {
        let events = lines.lines().map(|line| {
            let mut event: Json = serde_json::from_str(line).unwrap();
            let message = event.as_object_mut().unwrap().remove("message");
            assert_eq!(message.is_some(), event["event"] == "error", "{}", self.name);
            event
        });
        assert_eq!(events.collect::<Vec<_>>(), self.events, "{}", self.name);
    }
}

#[test]
fn every_vector_is_reported_as_it_says_in_chunks_of_any_size() {
    for vector in Vector::all() {
        let bytes = vector.bytes();
        let report = |chunk| shown(&bytes, &Options { json: true, ..vector.options(chunk) });
        let (lines, whole) = report(bytes.len() + 1);
        vector.assert_lines(&lines);
        assert_eq!(whole, vector.is_whole(), "{}", vector.name);
        for chunk in [1, 2, 3, 7, 64, 1000] {
            assert_eq!(report(chunk), (lines.clone(), whole), "{} in chunks of {chunk}", vector.name);
        }
    }
}

#[test]
fn every_vector_is_shown_to_a_person_in_full_and_in_harmless_characters() {
    for vector in Vector::all() {
        let bytes = vector.bytes();
        let (text, whole) = shown(&bytes, &vector.options(bytes.len() + 1));
        assert_eq!(whole, vector.is_whole(), "{}", vector.name);
        assert_harmless(&text);
        for event in &vector.events {
            let offset = &event["offset"];
            let line = match event["event"].as_str().unwrap() {
                "header" => format!("{offset:>10}  proto-header "),
                "content" => format!("{offset:>10}  content, {} byte", event["length"]),
                "end" => format!("{offset:>10}  end\n"),
                "error" => format!("{offset:>10}  {}: ", event["kind"].as_str().unwrap()),
                kind => format!("{offset:>10}  {kind}: "),
            };
            assert!(text.contains(&line), "{} does not show {line:?} in\n{text}", vector.name);
        }
        for chunk in [1, 7] {
            assert_eq!(shown(&bytes, &vector.options(chunk)), (text.clone(), whole), "{}", vector.name);
        }
    }
}

#[test]
fn some_vectors_as_a_program_in_hex_and_in_bytes() {
    for vector in Vector::all().iter().step_by(40) {
        let arguments = vector.arguments();
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        arguments.push("--json");
        let (lines, errors, code) = run(&arguments, &vector.bytes());
        vector.assert_lines(&lines);
        assert_eq!((errors.as_str(), code), ("", i32::from(!vector.is_whole())), "{}", vector.name);

        arguments.extend(["--hex", "--chunk", "1"]);
        assert_eq!(run(&arguments, vector.bytes.as_bytes()), (lines, errors, code), "{}", vector.name);
    }
}

#[test]
fn the_lines_are_these_to_the_byte() {
    let extended = format!(
        r#"{{ "a": [1,{}2.50], "ü\u0001": "\"é\t", "a": {{}}, "content-length":1, "byteorder": "big", "content-type": "🐶", "content-encoding": ""}}"#,
        "\r\n"
    );
    let stream = [REQUEST, &framed(extended), b"\x80\x00\x02{}"].concat();
    let lines = r#"{"event":"header","offset":0,"header_length":103,"byteorder":"little","content_type":"text/json","content_encoding":"utf-8","content_length":39,"extensions":{}}
{"event":"content","offset":105,"length":39,"hex":"7b22616374696f6e223a2022736561726368222c202276616c7565223a20226e6565646c65227d"}
{"event":"end","offset":144}
{"event":"header","offset":144,"header_length":137,"byteorder":"big","content_type":"🐶","content_encoding":"","content_length":1,"extensions":{"ü\u0001":"\"é\t","a":{}}}
{"event":"content","offset":283,"length":1,"hex":"80"}
{"event":"end","offset":284}
{"event":"error","kind":"missing-member","member":"byteorder","offset":287,"message":"the header has no member `byteorder` (at byte 287)"}
"#;
    assert_eq!(shown(&stream, &json(1)), (lines.into(), false));

    let nested = framed(format!("{{{FOUR}, \"x\": [1,\r\n {{\"a\" : 2.50}}]}}"));
    assert!(shown(&nested, &json(1)).0.ends_with(concat!(
        r#""extensions":{"x":[1, {"a": 2.50}]}}"#,
        "\n{\"event\":\"content\",\"offset\":115,\"length\":0,\"hex\":\"\"}\n{\"event\":\"end\",\"offset\":115}\n"
    )));

    let long = message("x", "y", &[b'a'; 100]);
    let content = format!(
        "{{\"event\":\"content\",\"offset\":{},\"length\":100,\"hex\":\"{}\"}}\n",
        long.len() - 100,
        "61".repeat(64)
    );
    assert!(shown(&long, &json(1)).0.contains(&content));

    let fault = |stream: &[u8], options: &Options| shown(stream, options).0.lines().last().unwrap().to_owned();
    assert_eq!(
        fault(REQUEST, &Options { max_header: 102, ..json(1) }),
        r#"{"event":"error","kind":"header-too-long","length":103,"capacity":102,"offset":0,"message":"the header is 103 bytes long; this decoder takes at most 102 (at byte 0)"}"#
    );
    assert_eq!(
        fault(REQUEST, &Options { max_content: 38, ..json(1) }),
        r#"{"event":"error","kind":"content-too-long","length":39,"limit":38,"offset":105,"message":"the content is 39 bytes long; this receiver takes at most 38 (at byte 105)"}"#
    );
    assert_eq!(
        fault(&framed(format!("{{\"x\": {}", "[".repeat(64))), &json(1)),
        r#"{"event":"error","kind":"too-deep","limit":64,"offset":71,"message":"objects and arrays are nested more than 64 deep (at byte 71)"}"#
    );
    assert_eq!(fault(&REQUEST[..143], &json(1)), r#"{"event":"truncated","offset":143,"missing":1}"#);
}

#[test]
fn the_golden_conversation_for_a_person() {
    let expected = r#"message 1
         0  proto-header 00 67, 103 bytes of header
         2  header
              byteorder         "little"
              content-type      "text/json"
              content-encoding  "utf-8"
              content-length    39
       105  content, 39 bytes, JSON
              {
                "action": "search",
                "value": "needle"
              }
       144  end

message 2
       144  proto-header 00 67, 103 bytes of header
       146  header
              byteorder         "little"
              content-type      "text/json"
              content-encoding  "utf-8"
              content-length    38
       249  content, 38 bytes, JSON
              {
                "result": "No match for \"needle\"."
              }
       287  end

       287  end of the stream, 2 messages
"#;
    assert_eq!(run(&[], &[REQUEST, REPLY].concat()), (expected.into(), String::new(), 0));
}

#[test]
fn a_fault_in_a_header_for_a_person() {
    let expected = "message 1
         0  proto-header 00 14, 20 bytes of header
         2  header
              {\"byteorder\": \"big\",
                                  ^
        22  unexpected-end: unexpected end of the JSON; expected a member name (at byte 22)
";
    assert_eq!(run(&[], &framed(r#"{"byteorder": "big","#)), (expected.into(), String::new(), 1));

    let expected = "message 1
         0  proto-header 00 22, 34 bytes of header
         2  header
              {\"\\u{e9}\\u202E\": 1, \"byteorder\": true}
                                               ^
        31  wrong-type: `byteorder` is not a string (at byte 31)
";
    assert_eq!(shown(&framed(r#"{"é\u202E": 1, "byteorder": true}"#), &person(1)), (expected.into(), false));
}

#[test]
fn a_fault_in_a_long_header_for_a_person() {
    let header = format!("{{{FOUR}, \"x\": \"{}\x07{}\"}}", "a".repeat(2000), "ü".repeat(2000));
    let expected = format!(
        "message 1
         0  proto-header 17 d1, 6097 bytes of header
         2  header
              ...{}\\x07{}...
              {:51}^
      2096  control-character: control character 0x07 in a string; expected it escaped (at byte 2096)
",
        "a".repeat(48),
        "\\u{fc}".repeat(4),
        ""
    );
    assert_eq!(shown(&framed(header), &person(100)), (expected, false));
}

#[test]
fn a_stream_that_ends_too_early_for_a_person() {
    let ends = |length: usize| {
        let (text, whole) = shown(&REQUEST[..length], &person(10));
        assert!(!whole);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(4)..].join("\n")
    };
    assert_eq!(
        ends(1),
        "message 1
         0  proto-header 00
         1  truncated: the stream ends inside a message; bytes missing: at least 1 (at byte 1)"
    );
    assert_eq!(
        ends(10),
        "         2  header, 8 of 103 bytes
              {\"byteor
                      ^
        10  truncated: the stream ends inside a message; bytes missing: at least 95 (at byte 10)"
    );
    assert_eq!(
        ends(115),
        "              content-length    39
       105  content, 10 of 39 bytes, text
              {\"action\":
       115  truncated: the stream ends inside a message; bytes missing: at least 29 (at byte 115)"
    );
}

#[test]
fn faults_of_a_proto_header_for_a_person() {
    let expected = "message 1
         0  proto-header 00 00, 0 bytes of header
                         ^^^^^
         0  empty-header: the header length is 0; a header is at least a JSON object (at byte 0)
";
    assert_eq!(shown(b"\0\0", &person(1)), (expected.into(), false));

    let expected = "message 1
         0  proto-header 00 67, 103 bytes of header
                         ^^^^^
         0  header-too-long: the header is 103 bytes long; this decoder takes at most 102 (at byte 0)
";
    assert_eq!(shown(REQUEST, &Options { max_header: 102, ..person(1) }), (expected.into(), false));
}

#[test]
fn content_for_a_person() {
    let content = |message: &[u8]| {
        let (text, whole) = shown(message, &person(1000));
        assert!(whole);
        let lines = text.lines().skip_while(|line| !line.contains("  content, "));
        let lines: Vec<&str> = lines.take_while(|line| !line.ends_with("  end")).collect();
        lines.join("\n")
    };
    let text = message("text/plain", "ascii", b"one\r\n\n\ttwo\n");
    assert_eq!(
        content(&text),
        "       106  content, 11 bytes, text\n              one\\r\n              \n              \\ttwo"
    );

    let binary = message("image/png", "binary", b"\x89PNG\r\n\x1a\n 0123456789");
    assert_eq!(
        content(&binary),
        "       106  content, 19 bytes, binary
       106    89 50 4e 47 0d 0a 1a 0a 20 30 31 32 33 34 35 36  .PNG.... 0123456
       122    37 38 39                                         789"
    );

    let not_json = message("application/json", "utf-8", b"{'a': 1}");
    assert_eq!(
        content(&not_json),
        "       111  content, 8 bytes, not JSON: key must be a string at line 1 column 2\n              {'a': 1}"
    );

    assert_eq!(content(&message("x", "y", b"")), "        92  content, 0 bytes");

    let long = content(&message("text/json", "utf-8", " ".repeat(65_537).as_bytes()));
    assert!(long.starts_with("       108  content, 65537 bytes, text\n"));
    assert!(long.ends_with("\n              … and 64513 more bytes"));
}

/// The rows of the design's table about what is accepted.
#[test]
fn what_the_design_accepts() {
    for header in [
        "{@}",
        r#"{"content-length": 0, "content-encoding": "", "content-type": "", "byteorder": "little"}"#,
        "\t\r\n {@\n}\n",
        r#"{"byte\u006frder": "b\u0069g", "content\u002dtype": "x", "content-encoding": "y", "content-length": 0}"#,
        r#"{@, "a": null, "b": [true, {"c": -1.5e3}], "d": "é\ud83d\udc36", "a": 2}"#,
    ] {
        let (lines, errors, code) = run(&["--json"], &framed(header.replace('@', FOUR)));
        assert_eq!((lines.lines().count(), errors.as_str(), code), (3, "", 0), "{header}");
    }
    assert_eq!(run(&["--json"], b""), (String::new(), String::new(), 0));
}

/// The rows of the design's table about headers that are refused: `@` stands for the four members, `¦` before the byte at
/// fault.
#[test]
fn what_the_design_refuses() {
    for (header, kind, member) in [
        ("¦[]", "not-an-object", None),
        ("¦\u{FEFF}{@}", "byte-order-mark", None),
        ("{@} ¦x", "trailing-data", None),
        ("{@,¦}", "unexpected-byte", None),
        ("{@, ¦/**/ \"x\": 1}", "unexpected-byte", None),
        ("{@, \"x\": ¦NaN}", "unexpected-byte", None),
        ("{@, \"x\": -¦Infinity}", "unexpected-byte", None),
        ("{@, \"x\": \"¦\n\"}", "control-character", None),
        (r#"{@, "x": "¦\q"}"#, "invalid-escape", None),
        (r#"{@, "x": "¦\ud83d!"}"#, "lone-surrogate", None),
        ("{@¦", "unexpected-end", None),
        ("{¦}", "missing-member", Some("byteorder")),
        (
            r#"{"byteorder": "big", "content-type": "x", "content-length": 0¦}"#,
            "missing-member",
            Some("content-encoding"),
        ),
        (r#"{@, ¦"byteorder": "big"}"#, "duplicate-member", Some("byteorder")),
        (r#"{@, ¦"content\u002dlength": 0}"#, "duplicate-member", Some("content-length")),
        (r#"{"byteorder": ¦"Big"}"#, "invalid-byteorder", Some("byteorder")),
        (r#"{"byteorder": ¦"big "}"#, "invalid-byteorder", Some("byteorder")),
        (r#"{"byteorder": ¦1}"#, "wrong-type", Some("byteorder")),
        (r#"{"content-type": ¦null}"#, "wrong-type", Some("content-type")),
        (r#"{"content-encoding": ¦["utf-8"]}"#, "wrong-type", Some("content-encoding")),
    ] {
        let header = header.replace('@', FOUR);
        let offset = 2 + header.find('¦').unwrap();
        assert_refused(&framed(header.replace('¦', "")), kind, member, offset);
    }

    let too_deep = format!("{{{FOUR}, \"x\": {}", "[".repeat(64));
    assert_refused(&framed(&too_deep), "too-deep", None, 2 + too_deep.len() - 1);
    assert_refused(&framed(b"{\"x\": \"\xC3\x28\"}"), "not-utf8", None, 2 + 7);

    for length in ["-1", "-0", "3.0", "1e2", "true", "\"3\"", "null", "007", "18446744073709551616", &"9".repeat(31)] {
        let header = format!("{{\"content-length\": {length}}}");
        assert_refused(&framed(header), "invalid-content-length", Some("content-length"), 2 + 19);
    }

    // From the two bytes alone.
    assert_refused(b"\0\0", "empty-header", None, 0);
    let (lines, _, code) = run(&["--json", "--max-header", "255"], b"\x01\0");
    assert!(lines.starts_with(r#"{"event":"error","kind":"header-too-long","length":256,"capacity":255,"offset":0,"#));
    assert_eq!(code, 1);
}

fn assert_refused(stream: &[u8], kind: &str, member: Option<&str>, offset: usize) {
    let (lines, errors, code) = run(&["--json"], stream);
    let member = member.map(|name| format!(r#","member":"{name}""#)).unwrap_or_default();
    let limit = if kind == "too-deep" { r#","limit":64"# } else { "" };
    let start = format!(r#"{{"event":"error","kind":"{kind}"{member}{limit},"offset":{offset},"message":""#);
    assert!(lines.starts_with(&start) && lines.lines().count() == 1, "{lines}instead of {start}");
    assert_eq!((errors.as_str(), code), ("", 1));
}

/// The row of the design's table about where a stream ends.
#[test]
fn a_stream_may_end_between_messages_only() {
    let stream = [REQUEST, REPLY].concat();
    for (length, offset, missing) in
        [(1, 1, 1), (2, 2, 103), (104, 104, 1), (105, 105, 39), (143, 143, 1), (145, 145, 1)]
    {
        let (lines, errors, code) = run(&["--json"], &stream[..length]);
        let last = format!(r#"{{"event":"truncated","offset":{offset},"missing":{missing}}}"#);
        assert_eq!(lines.lines().last(), Some(last.as_str()));
        assert!(!lines.contains("content\"") || length > 144, "nothing is said of content that is cut off");
        assert_eq!((errors.as_str(), code), ("", 1));
    }
    for length in [0, 144, 287] {
        assert_eq!(run(&["--json"], &stream[..length]).2, 0);
    }
}

#[test]
fn exit_codes_and_errors_of_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture\x1b.bin");
    std::fs::write(&path, REQUEST).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(run(&["--json", path], b"not read").2, 0);
    assert_eq!(run(&["--json", "-"], &REQUEST[1..]).2, 1);

    let (output, errors, code) = run(&[&path.replace("capture", "nothing")], b"");
    assert_eq!((output.as_str(), code), ("", 1));
    assert!(errors.starts_with("inspect: ") && errors.contains("nothing\\u{1b}.bin: "), "{errors}");
    assert_eq!(errors.matches(char::is_control).count(), 1);

    if cfg!(unix) {
        let (output, errors, code) = run(&["--json", folder.path().to_str().unwrap()], b"");
        assert_eq!((output.as_str(), code), ("", 1));
        assert!(errors.starts_with("inspect: cannot read the input: "), "{errors}");
    }
    for arguments in [&["--chunk", "0"][..], &["--max-header", "65536"], &["--nonsense"], &["a", "b"]] {
        let (output, errors, code) = run(arguments, b"");
        assert_eq!((output.as_str(), code), ("", 2), "{errors}");
    }
    for arguments in [&["--help"], &["--version"]] {
        let (output, errors, code) = run(arguments, b"");
        assert!(output.contains("inspect"));
        assert_eq!((errors.as_str(), code), ("", 0));
    }
}

#[test]
fn hex_text_is_read_as_bytes() {
    let digits = hex::encode(REQUEST);
    let lines = digits.as_bytes().chunks(7).map(|line| str::from_utf8(line).unwrap());
    let pairs = || digits.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    let expected = run(&["--json"], REQUEST);
    for text in [
        digits.to_uppercase(),
        format!("0x{digits}\n"),
        lines.collect::<Vec<_>>().join("\r\n"),
        pairs().fold(String::new(), |text, pair| text + "\\x" + pair),
        pairs().fold(String::new(), |text, pair| text + "0x" + pair + " "),
    ] {
        assert_eq!(run(&["--json", "--hex"], text.as_bytes()), expected, "{text}");
    }

    let (output, errors, code) = run(&["--json", "--hex"], format!("{digits}\n00 6g").as_bytes());
    assert_eq!(output, expected.0, "what came before is shown");
    assert_eq!(errors, "inspect: cannot read the input: `g` in hex text at line 2, column 5\n");
    assert_eq!(code, 2);

    let (_, errors, code) = run(&["--hex"], b"0");
    assert_eq!(errors, "inspect: cannot read the input: the hex text ends inside a byte at line 1, column 2\n");
    assert_eq!(code, 2);
}

#[test]
fn nothing_that_a_peer_sends_can_act_on_a_terminal() {
    let hostile: String = ('\0'..='\u{FF}').chain("\u{202E}\u{2066}\u{200F}\u{061C}\u{2028}".chars()).collect();
    let escaped: String = hostile.chars().fold(String::new(), |text, character| match character {
        ' '.. if !matches!(character, '"' | '\\') => text + &character.to_string(),
        _ => text + &format!("\\u{:04x}", u32::from(character)),
    });
    let json = format!("{{\"{escaped}\": \"{escaped}\"}}");
    let members = format!("\"content-type\": \"{escaped}\", \"content-encoding\": \"utf-8\", \"byteorder\": \"big\"");
    for (content_type, content) in [("x", hostile.as_str()), ("text/json", &json), ("text/json", &hostile)] {
        assert_harmless(&shown(&message(content_type, "utf-8", content.as_bytes()), &person(9)).0);
    }
    let length = json.len();
    let extended =
        framed(format!("{{{members}, \"content-length\": {length}, \"{escaped}\": [{json},\n\"{escaped}\"]}}"));
    let (text, whole) = shown(&[&extended, json.as_bytes()].concat(), &person(9));
    assert!(whole);
    assert_harmless(&text);

    // Headers at fault, and content that is no text.
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    for at in 0..hostile.len() {
        let (before, after) = hostile.as_bytes().split_at(at);
        assert_harmless(&shown(&framed([b"{\"", after, b"\": 1 ", before].concat()), &person(9)).0);
    }
    assert_harmless(&shown(&message("\u{9B}2J", "\u{202E}", &bytes), &person(9)).0);
    assert_harmless(&shown(&framed(&bytes), &person(9)).0);
}

proptest! {
    /// Streams that are nearly right take every way through the program.
    #[test]
    fn a_damaged_stream_is_shown_the_same_in_chunks_of_any_size(
        damage in vec((0..287_usize, any::<u8>()), 0..4),
        length in 0..=287_usize,
        chunk in 1..300_usize,
    ) {
        let mut stream = [REQUEST, REPLY].concat();
        for (at, byte) in damage {
            stream[at] = byte;
        }
        stream.truncate(length);
        for json in [true, false] {
            let whole = shown(&stream, &Options { json, ..person(300) });
            assert_harmless(&whole.0);
            prop_assert_eq!(shown(&stream, &Options { json, ..person(chunk) }), whole);
        }
    }
}

#[test]
fn a_delete_character_does_not_reach_a_terminal_in_json() {
    let hostile = "\u{7F}ext/json\u{9B}2J\u{202E}é";
    let output = shown(&message(hostile, "utf-8", b""), &Options { json: true, ..person(300) }).0;
    assert_harmless(&output);
    let header: serde_json::Value = serde_json::from_str(output.lines().next().unwrap()).unwrap();
    assert_eq!(header["content_type"], hostile);
}

fn assert_harmless(text: &str) {
    let harmful = |character: char| match character {
        '\n' => false,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    };
    assert!(!text.contains(harmful), "{text:?}");
}

#[test]
fn colours_are_for_terminals() {
    let stream = [REQUEST, b"\0\x02{}"].concat();
    let output = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Command::new(INSPECT);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(variables.iter().copied()).args(arguments);
        String::from_utf8(command.write_stdin(stream.clone()).output().unwrap().stdout).unwrap()
    };
    let plain = output(&[], &[]);
    assert_harmless(&plain);
    let coloured = output(&[("CLICOLOR_FORCE", "1")], &[]);
    assert!(coloured.contains("\x1b[1m\x1b[31mmissing-member\x1b[0m: the header has no member"), "{coloured:?}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    assert_eq!(output(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]), plain);
    assert_harmless(&output(&[("CLICOLOR_FORCE", "1")], &["--json"]));
}

/// A child with pipes, which is killed if the test fails.
struct Pipes(Child);

impl Pipes {
    fn new(arguments: &[&str]) -> Self {
        let mut command = std::process::Command::new(INSPECT);
        let pipes = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(pipes.spawn().unwrap())
    }

    /// The exit code, and what was written to stderr.
    fn wait(mut self) -> (i32, String) {
        drop(self.0.stdin.take());
        let mut errors = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.0.wait().unwrap().code().unwrap(), errors)
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_has_come_is_shown_before_more_is_waited_for() {
    let mut pipes = Pipes::new(&["--json"]);
    let mut stdin = pipes.0.stdin.take().unwrap();
    let mut lines = BufReader::new(pipes.0.stdout.take().unwrap()).lines();
    for round in 0..3 {
        stdin.write_all(REQUEST).unwrap();
        for event in ["header", "content", "end"] {
            let line = lines.next().unwrap().unwrap();
            assert!(line.starts_with(&format!("{{\"event\":\"{event}\"")), "{line} in round {round}");
        }
    }
    drop(stdin);
    assert_eq!(pipes.wait(), (0, String::new()));
}

#[test]
fn a_closed_output_is_no_failure() {
    for arguments in [&["--json"][..], &[]] {
        let mut pipes = Pipes::new(arguments);
        let mut stdin = pipes.0.stdin.take().unwrap();
        let mut first = String::new();
        stdin.write_all(REQUEST).unwrap();
        BufReader::new(pipes.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        // From here on nobody reads the output; sooner or later the program notices, and nobody reads its input either.
        while stdin.write_all(REQUEST).is_ok() {}
        assert_eq!(pipes.wait(), (0, String::new()));
    }
}

/// A message of 200 MB, nearly 3,000 times as long as what is kept of it.
fn large_message() -> impl Read {
    const LENGTH: u64 = 200_000_000;
    let header = Header::json(LENGTH);
    let mut head = vec![0; header.encoded_len()];
    header.encode(&mut head).unwrap();
    io::Cursor::new(head).chain(io::repeat(b'7').take(LENGTH))
}

#[test]
fn a_large_message_passes_in_little_time() {
    let start = Instant::now();
    for options in [json(100_000), json(1000), person(100_000)] {
        let mut output = Vec::new();
        assert!(inspect(&mut large_message(), &mut output, &options).unwrap());
        assert!(output.len() < 4096);
    }
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_message_passes_in_little_memory() {
    for arguments in [&["--json"][..], &[]] {
        let mut pipes = Pipes::new(arguments);
        let mut stdin = pipes.0.stdin.take().unwrap();
        io::copy(&mut large_message(), &mut stdin).unwrap();
        // The message is not taken before the program has read what the pipe holds.
        let mut stdout = BufReader::new(pipes.0.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("content") || line.contains("content_") || line.contains("content-") {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0);
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", pipes.0.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
        let peak: u64 = peak.parse().unwrap();
        assert!(peak < 16 * 1024, "{peak} KiB");
        drop(stdin);
        assert_eq!(pipes.wait(), (0, String::new()));
    }
}
