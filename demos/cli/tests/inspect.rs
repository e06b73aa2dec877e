//! What `inspect` shows of every stream that the protocol's test vectors know, and how it behaves as a program.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use jsonframe::{ByteOrder, Encoding, Header, Message};
use jsonframe_cli::inspect::{Options, inspect};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};
use serde::Deserialize;
use serde_json::Value as Json;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

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
    let output = Command::new(JSONFRAME).arg("inspect").args(arguments).write_stdin(input).output().unwrap();
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
    #[serde(default = "standard")]
    dialect: String,
    bytes: String,
    header_capacity: Option<u16>,
    content_limit: Option<u64>,
    events: Vec<Json>,
}

fn standard() -> String {
    "standard".into()
}

impl Vector {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol/tests/vectors");
        let folders = [folder.join("dialects"), folder];
        let entries = folders.iter().flat_map(|folder| folder.read_dir().unwrap());
        let files = entries.map(|entry| entry.unwrap().path());
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
            dialect: self.dialect.parse().unwrap(),
            max_header: self.header_capacity.unwrap_or(u16::MAX),
            max_content: self.content_limit.unwrap_or(u64::MAX),
            ..person(chunk)
        }
    }

    fn arguments(&self) -> Vec<String> {
        let header = self.header_capacity.map(|bytes| format!("--max-header={bytes}"));
        let content = self.content_limit.map(|bytes| format!("--max-content={bytes}"));
        header.into_iter().chain(content).chain([format!("--dialect={}", self.dialect)]).collect()
    }

    fn is_whole(&self) -> bool {
        let fault = |event: &Json| event["event"] == "error" || event["event"] == "truncated";
        !self.events.iter().any(fault) && self.is_in_its_encodings()
    }

    /// Whether each content is in the encoding that its header names.
    fn is_in_its_encodings(&self) -> bool {
        let bytes = self.bytes();
        let number = |event: &Json, name: &str| usize::try_from(event[name].as_u64().unwrap()).unwrap();
        self.events.windows(2).filter(|pair| pair[1]["event"] == "content").all(|pair| {
            let [header, content] = pair else { unreachable!() };
            let start = number(content, "offset");
            let names_it = bytes[number(header, "offset")..start].windows(8).any(|part| part == b"encoding");
            let order = if header["byteorder"] == "big" { ByteOrder::Big } else { ByteOrder::Little };
            let encoding = header["content_encoding"].as_str().unwrap().parse::<Encoding>();
            let content = &bytes[start..start + number(content, "length")];
            !names_it || encoding.map_or(true, |encoding| encoding.with_byte_order(order).decode(content).is_ok())
        })
    }

    /// Compares JSON lines with the events, which have nothing for people.
    fn assert_lines(&self, lines: &str) {
        let events = lines.lines().map(|line| {
            let mut event: Json = serde_json::from_str(line).unwrap();
            let members = event.as_object_mut().unwrap();
            let [message, dialect, ..] = ["message", "dialect", "hint", "first_bytes"].map(|name| members.remove(name));
            assert_eq!(dialect.unwrap_or_else(|| "standard".into()), self.dialect.as_str(), "{}", self.name);
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
                "header" if !event["prefix"].is_null() => format!("{offset:>10}  prefix "),
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

        arguments.extend(["--format", "hex", "--chunk", "1"]);
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
            hint: byteorder is true and must be a string, such as \"little\"
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
         1  truncated: the stream ends inside the proto-header, 1 byte before its end (at byte 1)"
    );
    assert_eq!(
        ends(10),
        "         2  header, 8 of 103 bytes
              {\"byteor
                      ^
        10  truncated: the stream ends inside the header, 95 bytes before its end (at byte 10)"
    );
    assert_eq!(
        ends(115),
        "              content-length    39
       105  content, 10 of 39 bytes, text
              {\"action\":
       115  truncated: the stream ends inside the content, 29 bytes before its end (at byte 115)"
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
        "       111  content, 8 bytes, not JSON: key must be a string at line 1 column 2
              {'a': 1}
            hint: the content looks like a dict as Python prints it, which is no JSON: json.dumps(content) in Python, not str(content)"
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

/// A message of JSON, or of other text in UTF-8, whose content length says this.
fn misnumbered(content_type: &str, length: usize, content: &str) -> Vec<u8> {
    let header = Header::new(content_type, "utf-8", length as u64);
    let mut head = vec![0; header.encoded_len()];
    header.encode(&mut head).unwrap();
    [&head, content.as_bytes()].concat()
}

/// The hint about a stream, which is the same however it comes and however it is shown.
fn hint(stream: &[u8]) -> Option<String> {
    let (lines, _) = shown(stream, &json(stream.len() + 1));
    let hint = lines.lines().last().and_then(|line| {
        let line: Json = serde_json::from_str(line).unwrap();
        Some(line["hint"].as_str()?.to_owned())
    });
    for chunk in [1, 7, 1000] {
        assert_eq!(shown(stream, &json(chunk)).0, lines, "in chunks of {chunk}");
        let text = shown(stream, &person(chunk)).0;
        // It is said once, before what the decoder says.
        let mut last = text.lines().rev().skip_while(|line| line.starts_with("            first bytes: "));
        assert!(last.next().is_some_and(|error| error.as_bytes()[9].is_ascii_digit()), "{text}");
        assert_eq!(last.next().unwrap().strip_prefix("            hint: "), hint.as_deref(), "{text}");
        assert!(hint.as_ref().is_none_or(|hint| text.matches(hint).count() == 1), "{text}");
    }
    hint
}

fn counts(message: u64, units: &str, length: usize, bytes: usize) -> String {
    format!(
        "the content-length of message {message} looks like a number of {units}: {length} {units} are {bytes} bytes, \
         and content-length counts bytes, not characters: len(text.encode(\"utf-8\")) in Python, not len(text)"
    )
}

fn is_wrong(message: u64, length: usize, bytes: usize) -> String {
    format!(
        "the content-length of message {message} looks wrong: it is {length}, and the JSON ends after {bytes} bytes: it is {} too {}",
        length.abs_diff(bytes),
        if length > bytes { "large" } else { "small" }
    )
}

#[test]
fn a_content_length_that_counts_characters_is_recognised_in_a_capture() {
    let capture =
        hex::decode(include_str!("../../tests/captures/length-in-characters.c2s.hex").replace('\n', "")).unwrap();
    assert_eq!(hint(&capture), Some(counts(1, "characters", 39, 43)));
}

#[test]
fn a_content_length_that_counts_characters_or_utf16_units_is_recognised() {
    for content in [
        r#"{"value": "🐶 café"}"#,
        r#"{"value": "é"}"#,
        r#"{"value": "ééééééééééééééééééééééééééé🐶🐶🐶"}"#,
        r#"[["🐶"]]"#,
    ] {
        let (characters, units) = (content.chars().count(), content.encode_utf16().count());
        for content_type in ["text/json", "text/plain"] {
            for (after, before) in [(&b""[..], &b""[..]), (REPLY, b""), (REPLY, REQUEST), (b"", REQUEST)] {
                let stream = |length| [before, &misnumbered(content_type, length, content), after].concat();
                let number = if before.is_empty() { 1 } else { 2 };
                assert_eq!(hint(&stream(characters)), Some(counts(number, "characters", characters, content.len())));
                let name = if units == characters { "characters" } else { "UTF-16 code units" };
                assert_eq!(hint(&stream(units)), Some(counts(number, name, units, content.len())), "{content}");
            }
        }
    }
}

#[test]
fn a_length_in_characters_of_long_content_is_recognised_in_any_pieces() {
    let content = format!("{}{}", "é🐶".repeat(5000), "a".repeat(200_000));
    let stream = [&misnumbered("text/plain", 210_000, &content), REPLY, REPLY].concat();
    let expected = counts(1, "characters", 210_000, 230_000);
    let (lines, _) = shown(&stream, &json(1000));
    assert!(lines.contains(&expected.replace('"', "\\\"")), "{lines}");
    // As much is looked ahead as it takes, and no more is waited for.
    for size in [1, 1000] {
        let mut pieces = Pieces { stream: &stream, size };
        let mut output = Vec::new();
        assert!(!inspect(&mut pieces, &mut output, &json(1000)).unwrap());
        assert_eq!(String::from_utf8(output).unwrap(), lines);
        assert!(pieces.stream.len() + size >= 2 * REPLY.len());
    }
}

#[test]
fn content_that_is_not_in_its_encoding_is_no_whole_stream_wherever_its_first_wrong_byte_is() {
    for at in [3, 64 * 1024, 200_000] {
        for (encoding, good, bad) in
            [("utf-8", &b"a"[..], &b"\xE9 "[..]), ("ascii", b"a", b"\xFF"), ("utf-16-le", b"a\0", b"\0\xDCb\0")]
        {
            let content = [&good.repeat(at), bad, &good.repeat(10)].concat();
            let stream = [REQUEST, &message("text/plain", encoding, &content), REPLY].concat();
            let offset = good.len() * at;
            let expected = format!(
                "the content is not {encoding}, as its header says: byte {:02x} at offset {offset} of it; ",
                bad[0]
            );
            for chunk in [7, 4096] {
                for options in [json(chunk), person(chunk)] {
                    let (output, whole) = shown(&stream, &options);
                    assert!(!whole && output.matches(&expected).count() == 1, "{encoding} {at}");
                }
            }
            let (_, errors, code) = run(&[], &stream);
            assert_eq!((errors.as_str(), code), ("", 1), "{encoding} {at}");
        }
    }
}

#[test]
fn content_that_looks_like_another_encoding_is_said_to_and_is_not_right() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let json = "{\"value\": \"café\"}";
    for (encoding, content, name) in [
        ("latin-1", json.as_bytes().to_vec(), "UTF-8"),
        ("utf-8", utf16("{\"value\": 1}"), "UTF-16"),
        ("utf-8", utf16(json), "UTF-16"),
        ("latin-1", utf16("\u{feff}[1]"), "UTF-16"),
        ("utf-8", b"{\"value\": \"caf\xE9\"}".to_vec(), "Latin-1"),
        ("utf-8", b"it\x92s".to_vec(), "Windows-1252 (cp1252)"),
    ] {
        let (text, errors, code) = run(&[], &message("text/json", encoding, &content));
        let hint = text.lines().find(|line| line.contains("hint: ")).unwrap_or_else(|| panic!("{text}"));
        assert!(hint.contains(&format!("looks like {name}")), "{text}");
        assert_eq!((errors.as_str(), code), ("", 1), "{text}");
    }
    assert_eq!(run(&[], &message("text/plain", "latin-1", b"caf\xE9")).2, 0);
}

#[test]
fn a_missing_member_is_said_how_to_write_wherever_it_is() {
    let header =
        "{\"byteorder\": \"big\", \"content-type\": \"x\", \"content-encoding\": \"y\", \"content-length\": 0}";
    let missing =
        "the header has no content-length, which every header must have: \"content-length\": len(content) in Python";
    let without = header.replace(", \"content-length\": 0", "");
    // A header that is not the first is in no dialect.
    assert_eq!(hint(&[REQUEST, &framed(&without)].concat()).as_deref(), Some(missing));
    let other = |name: &str| hint(&[REQUEST, &framed(header.replace("content-length", name))].concat()).unwrap();
    assert_eq!(other("length"), missing);
    for name in ["Content-Length", "content_length", "contentLength"] {
        let expected = format!(
            "the header has \"{name}\" and no \"content-length\": the name of a member must be the same in every letter"
        );
        assert_eq!(other(name), expected);
    }
    let first = hint(&framed(header.replace("content-length", "content-len"))).unwrap();
    assert!(first.starts_with(missing) && first.contains("--dialect "), "{first}");
}

#[test]
fn a_header_in_another_encoding_is_said_to_be() {
    let header = "{\"byteorder\": \"big\", \"content-type\": \"x\", \"name\": \"café\", \"content-encoding\": \"y\", \"content-length\": 0}";
    let latin1: Vec<u8> = header.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
    let [little, big] =
        [u16::to_le_bytes, u16::to_be_bytes].map(|bytes| header.encode_utf16().flat_map(bytes).collect());
    for (header, name) in [(latin1, "Latin-1"), (little, "UTF-16"), (big, "UTF-16")] {
        let expected =
            format!("the header looks like {name} and must be UTF-8: json.dumps(header).encode(\"utf-8\") in Python");
        assert_eq!(hint(&framed(&header)).as_ref(), Some(&expected));
        assert_eq!(hint(&[REQUEST, &framed(&header)].concat()), Some(expected));
    }
}

#[test]
fn a_header_that_says_ascii_of_utf8_is_said_to_be_wrong() {
    let (text, whole) = shown(&message("text/plain", "ascii", "café".as_bytes()), &person(9));
    let expected = "hint: the content is not ascii, as its header says: byte c3 at offset 3 of it; it is UTF-8, and the header \
                    should say utf-8\n";
    assert!(text.contains(expected) && !whole, "{text}");
}

#[test]
fn names_with_underscores_are_named_as_the_fault_names_them() {
    let header = |wrong: &str| FOUR.replace(wrong, &wrong.replace('-', "_"));
    for member in ["content-type", "content-encoding", "content-length"] {
        let expected = format!("hyphens: {member}, not {}; to accept", member.replace('-', "_"));
        let hint = hint(&framed(format!("{{{}}}", header(member)))).unwrap();
        assert!(hint.contains(&expected), "{hint}");
    }
}

#[test]
fn json_alone_is_shown() {
    let hint = hint(b"{\"action\": \"search\", \"value\": \"\x1b[2J ring\"}").unwrap();
    assert!(
        hint.contains(r#""value\": \"\x1b""#) && hint.ends_with(", which looks like JSON without a header length"),
        "{hint}"
    );
    let hint = self::hint("{\"action\": \"search\", \"value\": \"\u{202e}ring\"}".as_bytes()).unwrap();
    assert!(hint.ends_with(r#"; it is {"action": "search", "value": "\u{202e}ring"}"#), "{hint}");
    assert!(hint.contains("without a length and a header before it: sock.sendall(struct.pack("), "{hint}");
    let literal = self::hint(b"b'{\"action\": \"\\xf0\"}'\n").unwrap();
    assert!(literal.ends_with(r#"; it is b'{"action": "\xf0"}'"#), "{literal}");
    let hint = self::hint(format!("{{{FOUR}}}").as_bytes()).unwrap();
    assert!(hint.contains("a header, without its length before it: struct.pack("), "{hint}");
}

#[test]
fn a_guess_says_what_is_wrong_with_a_length_too() {
    let content = r#"{"value": "🐶 café"}"#;
    let stream = [misnumbered("text/json", content.chars().count(), content), REPLY.to_vec()].concat();
    let expected = counts(1, "characters", content.chars().count(), content.len());
    let (text, ..) = run(&["--guess"], &stream);
    assert!(text.starts_with(&format!("--dialect standard\n  hint: {expected}\n")), "{text}");
    let (line, ..) = run(&["--guess", "--json"], &stream);
    let line: Json = serde_json::from_str(&line).unwrap();
    assert_eq!(line["hint"], expected);
    let (text, ..) = run(&["--guess"], b"no such message\r\n");
    assert!(
        text.contains("\n  hint: this is text, not messages: \"no such message\\r\\n\"; a message begins with "),
        "{text}"
    );
}

#[test]
fn a_line_end_after_a_whole_message_is_said_to_belong_to_no_message() {
    let wide = message("text/json", "utf-8", r#"{"value": "🐶 café"}"#.as_bytes());
    for (after, said) in [
        (&b"\n"[..], r#"a line end (0a) that belongs to no message: do not send b"\n" after it"#),
        (b"\r\n", r#"a line end (0d 0a) that belongs to no message: do not send b"\r\n" after it"#),
        (b"  ", r#"white space (20 20) that belongs to no message: do not send b"  " after it"#),
        (&[b"\n", REPLY].concat(), r#"a line end (0a) that belongs to no message: do not send b"\n" after it"#),
    ] {
        let expected = format!("after message 1, which is whole, comes {said}");
        assert_eq!(hint(&[&wide, after].concat()), Some(expected));
    }
    assert_eq!(hint(b"\n"), None);
}

#[test]
fn a_header_length_that_is_not_that_of_the_header_is_set_right() {
    let with_length = |length: u16| [&length.to_be_bytes()[..], &REQUEST[2..]].concat();
    let mend = "struct.pack(\">H\", len(header)) in Python, of the encoded bytes";
    let content = "; it seems to count the content too";
    for (length, counted) in
        [(104, ""), (105, "; it seems to count itself too"), (120, ""), (142, content), (144, content), (1000, "")]
    {
        let expected =
            format!("the header length is {length}, but the header's JSON ends after 103 bytes{counted}: {mend}");
        assert_eq!(hint(&with_length(length)), Some(expected));
        let second = [REPLY, &with_length(length)].concat();
        assert!(hint(&second).unwrap().starts_with(&format!("the header length is {length}, ")));
    }
    for (length, counted) in [(102, ""), (101, ""), (60, ""), (4, "; it seems to be the number of the members")] {
        let expected = format!(
            "the header length is {length}, but the header's JSON goes on after that, and is 103 bytes long{counted}: {mend}"
        );
        assert_eq!(hint(&with_length(length)), Some(expected));
    }
    // The length is that of the header before its last members were added.
    let (before, added) = (format!("{{{FOUR}}}"), format!("{{{FOUR}, \"seq\": 1, \"sent\": 2}}"));
    let length = u16::try_from(before.len()).unwrap();
    let early = hint(&[&length.to_be_bytes()[..], added.as_bytes(), b"x"].concat()).unwrap();
    let measured = "; it may have been taken before members were added, so encode the header once, then measure it: ";
    assert!(early.contains(measured), "{early}");
    for padding in [1, 2, 57] {
        let hint = hint(&framed([&REQUEST[2..105], &vec![0; padding]].concat())).unwrap();
        let padded =
            "the header's JSON ends after 103 bytes; it is padded with null bytes, and JSON may be padded with spaces";
        assert!(hint.contains(padded), "{hint}");
    }
    let wide = FOUR.replace("\"x\"", "\"é\"");
    let characters = u8::try_from(wide.chars().count() + 2).unwrap();
    let hint_of_wide = hint(&[&[0, characters], format!("{{{wide}}}").as_bytes()].concat()).unwrap();
    assert!(hint_of_wide.contains("; it seems to count characters: "), "{hint_of_wide}");
    // This is no header of a message.
    assert_eq!(hint(&[REQUEST, b"\0\x0A{\"a\": 1}[2]"].concat()), None);
}

#[test]
fn a_content_length_that_is_no_whole_number_is_shown_with_what_it_must_be() {
    for (value, said) in [
        (
            "\"43\"",
            "the string \"43\" and must be a number, 43, without quotes: len(content) in Python, not str(len(content))",
        ),
        ("\"long\"", "the string \"long\" and must be a number: len(content) in Python"),
        ("43.0", "43.0 and must be a whole number, not below 0 and without a point: len(content) in Python"),
        (
            "null",
            "null and must be a whole number, not below 0 and without a point: len(content) in Python (None in Python \
             becomes null in JSON)",
        ),
    ] {
        let header = FOUR.replace("\"content-length\": 0", &format!("\"content-length\": {value}"));
        assert_eq!(hint(&framed(format!("{{{header}}}"))), Some(format!("content-length is {said}")));
    }
}

#[test]
fn a_member_that_is_no_text_is_shown_before_the_dialect_that_accepts_it() {
    for (value, said) in [("null", " (None in Python becomes null in JSON)"), ("7", ""), ("true", "")] {
        let header = FOUR.replace("\"x\"", value);
        let expected = format!(
            "content-type is {value} and must be a string, such as \"text/json\"{said}; to accept it as it is: --dialect \
             raw-json"
        );
        assert_eq!(hint(&framed(format!("{{{header}}}"))), Some(expected));
    }
}

#[test]
fn a_member_that_is_missing_is_shown_as_python_writes_it() {
    for (member, name, value) in [
        (r#""byteorder": "big", "#, "byteorder", "sys.byteorder"),
        (r#""content-type": "x", "#, "content-type", "\"text/json\""),
        (r#""content-encoding": "y", "#, "content-encoding", "\"utf-8\""),
        (r#", "content-length": 0"#, "content-length", "len(content)"),
    ] {
        let hint = hint(&framed(format!("{{{}}}", FOUR.replace(member, "")))).unwrap();
        let expected =
            format!("the header has no {name}, which every header must have: \"{name}\": {value} in Python; to accept");
        assert!(hint.starts_with(&expected), "{hint}");
    }
}

#[test]
fn a_header_that_is_no_json_is_recognised_by_how_it_is_written() {
    let header = |more: &str| format!("{{{FOUR}{more}}}");
    let standard = header("");
    let utf16 = |header: &str| header.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
    let latin1 = |header: &str| header.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect::<Vec<_>>();
    let cases: [(Vec<u8>, &str); 16] = [
        (standard.replace('"', "'").into(), "the header looks like a dict as Python prints it, "),
        (header(", \"a\": None").into(), "the header looks like a dict as Python prints it, "),
        (header(", \"a\": True").into(), "the header looks like a dict as Python prints it, "),
        (header(", \"a\": NaN").into(), "the header has NaN in it, which is no JSON: leave it out, or send null "),
        (header(", \"a\": -Infinity").into(), "the header has Infinity in it, "),
        (header(", ").into(), "the header has a comma before a closing bracket, "),
        (header(", /* a */ \"b\": 1").into(), "the header has a comment, "),
        (header(", a: 1").into(), "the header has the name a without quotes, "),
        (format!("\u{FEFF}{standard}").into(), "the header begins with a byte order mark, "),
        (utf16(&standard), "the header looks like UTF-16 and must be UTF-8: "),
        (latin1(&header(", \"a\": \"café\"")), "the header looks like Latin-1 and must be UTF-8: "),
        (Json::from(standard.as_str()).to_string().into(), "the header is a string that holds JSON: "),
        (header(", \"byteorder\": \"big\"").into(), "the header has byteorder twice: "),
        (
            standard.replace("\"big\"", "\"big-endian\"").into(),
            "byteorder is \"big-endian\" and must be \"little\" or \"big\": sys.byteorder in Python",
        ),
        (standard.replace("\"big\"", "1").into(), "byteorder is 1 and must be a string, such as \"little\""),
        (
            standard.replace("content-length", "length").into(),
            "the header has no content-length, which every header must have: ",
        ),
    ];
    for (header, beginning) in cases {
        // In whichever message it is.
        for stream in [framed(&header), [REQUEST, &framed(&header)].concat()] {
            let hint = hint(&stream);
            assert!(
                hint.as_ref().is_some_and(|hint| hint.starts_with(beginning)),
                "{}: {hint:?}",
                header.escape_ascii()
            );
        }
    }
    let hint = hint(&[REQUEST, &framed(standard.replace("content-l", "Content-L"))].concat());
    let expected = "the header has \"Content-Length\" and no \"content-length\": the name of a member must be the same in every letter";
    assert_eq!(hint.as_deref(), Some(expected));
}

/// What streams may begin with instead of a message, and what is said of it.
fn no_messages() -> Vec<(Vec<u8>, &'static str)> {
    let (head, content) = REQUEST.split_at(105);
    let header = &head[2..];
    let with = |before: &[u8], rest: &[u8]| [before, rest].concat();
    let pickle = b"\x80\x04\x95\x05\0\0\0\0\0\0\0K\x01.";
    vec![
        (with(b"0103", &REQUEST[2..]), "the header length is written in decimal digits, \"0103\", "),
        (with(b"103\r\n", &REQUEST[2..]), "the header length is written in decimal digits, \"103\\r\\n\", "),
        (
            with(b"39 ", content),
            "the stream begins with JSON after its length in decimal digits, \"39 \", without a header: ",
        ),
        (
            [b"39:", content, b","].concat(),
            "the stream begins with JSON after its length in decimal digits, as in a netstring, ",
        ),
        (with(&[0, 39], content), "the stream is JSON after its length in 2 bytes (>H), without a header: "),
        (with(&[0, 0, 0, 39], content), "the stream is JSON after its length in 4 bytes (>I), without a header: "),
        (with(&[39, 0, 0, 0], content), "the stream is JSON after its length in 4 bytes (<I), without a header: "),
        ([&head[..2], content, header].concat(), "the content comes before the header, "),
        ([&[0, 39], content, header].concat(), "the content comes before the header, "),
        (with(content, head), "the content comes before the header, "),
        (pickle.to_vec(), "the stream begins like a Python pickle, without a length and a header before it: "),
        (with(&[0, 0, 0, 15], pickle), "4 bytes that may be a length come before what looks like a Python pickle, "),
        (
            with(&[15, 0, 0, 0, 0, 0, 0, 0], pickle),
            "8 bytes that may be a length come before what looks like a Python pickle, ",
        ),
        (b"\x82\xA6action\xA6search\xA5value\xA4ring".to_vec(), "the stream begins like MessagePack, "),
        (b"\xA2factionfsearchevaluedring".to_vec(), "the stream begins like CBOR, "),
        (
            with(content, b"\n"),
            "the stream begins with JSON, without a length and a header before it, and with a line end after it, but this \
             protocol has no lines: sock.sendall(",
        ),
        (
            [b"b'\\x00g'", header, content].concat(),
            "the header length is sent as Python prints bytes, b'\\x00g': add bytes to bytes, struct.pack(\">H\", n) + \
             header.encode() in Python, not an f-string or str()",
        ),
        ([b"b\"\\x00'\"b'", header, b"'"].concat(), "the header length is sent as Python prints bytes, b\"\\x00'\": "),
        (with(b"ready\r\n", REQUEST), "a line of text comes before the first message, \"ready\\r\\n\": leave it out, "),
        ("größe\r\n".into(), "this is text, not messages: \"größe\\r\\n\"; a message begins with "),
        (
            with(b"Content-Length: 39\r\n\r\n", content),
            "this is text, not messages: \"Content-Length: 39\\r\\n\"; HTTP and ",
        ),
        (with(&[0; 6], REQUEST), "the header length has eight bytes, and the protocol's has two: "),
        (
            with(&head[..2], REQUEST),
            "the header length is there twice (00 67 00 67): send it once; to accept it as it is: --dialect prefix=0067",
        ),
        (
            with(b"JF01", REQUEST),
            "4 bytes (4a 46 30 31) come before the header length, and a message begins with that: leave them out; ",
        ),
    ]
}

#[test]
fn what_begins_like_no_message_is_said_with_how_to_mend_it() {
    for (stream, beginning) in no_messages() {
        let hint = hint(&stream);
        assert!(hint.as_ref().is_some_and(|hint| hint.starts_with(beginning)), "{}: {hint:?}", stream.escape_ascii());
    }
    let all = "--dialect u32,no-byteorder,no-type,no-encoding,no-length";
    let bare = [&[0, 0, 0, 39], &REQUEST[105..]].concat();
    assert!(hint(&bare).unwrap().ends_with(&format!("; to accept it as it is: {all}")));
    let options = Options { dialect: all[10..].parse().unwrap(), ..person(9) };
    assert!(shown(&bare, &options).1);
}

#[test]
fn each_departure_of_a_dialect_is_said() {
    let header = FOUR.replace("\"byteorder\": \"big\", ", "").replace("\"content-type\": \"x\", ", "");
    let header = format!("{{{header}}}");
    let stream = [&u32::try_from(header.len()).unwrap().to_le_bytes(), header.as_bytes()].concat();
    let expected = "the header length has four bytes, and the protocol's has two: struct.pack(\">H\", n) in Python; the header has no \
                    byteorder and no content-type, which every header must have: \"byteorder\": sys.byteorder, \"content-type\": \
                    \"text/json\" in Python; to accept it as it is: --dialect u32-le,no-byteorder,no-type";
    assert_eq!(hint(&stream).as_deref(), Some(expected));
}

#[test]
fn a_length_of_data_before_its_compression_is_recognised() {
    // Of 100 letters x.
    let gzip = b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x02\x03\xAB\xA8\xA0\x3D\x00\x00\x8F\x5D\x0E\x5E\x64\x00\x00\x00";
    let stream = |length| {
        let header = Header::new("application/gzip", "binary", length);
        let mut head = vec![0; header.encoded_len()];
        header.encode(&mut head).unwrap();
        [&head[..], gzip].concat()
    };
    let expected = "content-length looks like the length before compression: it is 100, and 24 bytes of gzip data have come: \
                    len(content) of what is sent, in Python";
    assert_eq!(hint(&stream(100)).as_deref(), Some(expected));
    assert_eq!(hint(&stream(101)), None);
    assert_eq!(hint(&stream(24)), None);
}

#[test]
fn a_null_byte_between_messages_belongs_to_none() {
    for (nulls, words) in [(1, "comes a null byte (00) that"), (3, "comes null bytes (00 00 00) that")] {
        let hint = hint(&[REQUEST, &vec![0; nulls], REPLY].concat()).unwrap();
        assert!(hint.contains(words) && hint.ends_with(" after it"), "{hint}");
    }
}

/// A stream of which no more is read at once.
struct Pieces<'a> {
    stream: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.size.min(buffer.len());
        self.stream.read(&mut buffer[..length])
    }
}

#[test]
fn a_length_of_json_that_is_wrong_otherwise_is_set_right() {
    let content = r#"{"action": "search", "value": "needle"}"#;
    for length in [2, 30, 38, 40, 41, 100] {
        let message = misnumbered("text/json", length, content);
        for stream in [&message, &[&message, REPLY].concat(), &[&message, &REPLY[..40]].concat()] {
            assert_eq!(hint(stream), Some(is_wrong(1, length, 39)), "{length}");
        }
    }
    // The length may take in all that is left.
    assert_eq!(hint(&[REQUEST, &misnumbered("text/json", 9999, content), REPLY].concat()), Some(is_wrong(2, 9999, 39)));
}

#[test]
fn there_is_no_hint_about_a_length_that_is_right_or_that_nothing_speaks_against() {
    let wide = message("text/json", "utf-8", r#"{"value": "🐶 café"}"#.as_bytes());
    let text = message("text/plain", "utf-8", "🐶 café".as_bytes());
    for stream in [
        [&wide, &b"\0\x02{}"[..]].concat(),
        [&wide, &b"\0\0"[..]].concat(),
        [&wide, &wide[..60]].concat(),
        [&wide, &wide[..4]].concat(),
        [&text, &b"\0\x02[]"[..]].concat(),
        [&text, &wide[..60]].concat(),
        [&message("text/json", "utf-8", "{\"é\": 1} \n".as_bytes()), &b"\0\x02[]"[..]].concat(),
        [&text[..], &framed("\n{\n}")].concat(),
        [&text, "x".repeat(200_000).as_bytes()].concat(),
        wide[..wide.len() - 3].to_vec(),
        text[..text.len() - 1].to_vec(),
        [REQUEST, b"\0"].concat(),
        [&message("text/plain", "latin-1", "🐶".as_bytes()), &b"abc"[..]].concat(),
        [&message("x", "utf-8", b"\xFF\xC3\xA9"), &b"a"[..]].concat(),
        misnumbered("text/json", 20, r#"{"value": "#),
        b"\0\0".to_vec(),
    ] {
        assert_eq!(hint(&stream), None, "{}", stream.escape_ascii());
    }
}

#[test]
fn there_is_no_hint_about_a_good_stream_wherever_it_ends() {
    let request = std::str::from_utf8(REQUEST).unwrap();
    for dialect in
        ["standard", "u16-le", "u32", "u32-le", "u8", "prefix=0001,no-byteorder", "u32,underscores", "raw-json"]
    {
        let options = Options { dialect: dialect.parse().unwrap(), ..json(1000) };
        let name = options.dialect.dialect();
        let mut stream = Vec::new();
        for content in [&request[105..], "[]", "", "{\"a\":\n[{}]}"] {
            let header = name.json_header(content.len() as u64).with_prefix(&[0, 1][..name.prefix().len()]);
            let mut head = vec![0; name.encoded_len(&header)];
            name.encode(&header, &mut head).unwrap();
            stream.extend([&head, content.as_bytes()].concat());
        }
        for end in 0..=stream.len() {
            let (lines, _) = shown(&stream[..end], &options);
            assert!(!lines.contains("\"hint\""), "{dialect}, {end}: {lines}");
        }
        assert!(shown(&stream, &options).1, "{dialect}");
    }
}

#[test]
fn content_that_ends_inside_a_character_is_said_to() {
    let stream = misnumbered("text/json", 12, r#"{"value": "é"}"#);
    let cut = &stream[..stream.len() - 3];
    let (lines, whole) = shown(cut, &json(5));
    let hint = r#","hex":"7b2276616c7565223a2022c3","hint":"the content ends inside a character of utf-8; content-length counts bytes, "#;
    assert!(!whole && lines.contains(hint), "{lines}");
    let (text, whole) = shown(cut, &person(5));
    assert!(!whole && text.contains("content, 12 bytes, text that ends inside a character\n"), "{text}");
    assert!(text.contains("              {\"value\": \"\n              … and 1 more byte\n"), "{text}");
}

proptest! {
    #[test]
    fn a_length_in_characters_is_recognised_whatever_the_text(text in "[ -~é🐶あ]{0,40}", utf16 in any::<bool>(), more in 0..3_usize) {
        let content = serde_json::to_string(&[text]).unwrap();
        let characters = content.chars().count();
        let length = if utf16 { content.encode_utf16().count() } else { characters };
        let stream = [misnumbered("text/json", length, &content), REPLY.repeat(more)].concat();
        let expected = if content.is_ascii() {
            None
        } else if length > characters {
            Some(counts(1, "UTF-16 code units", length, content.len()))
        } else {
            Some(counts(1, "characters", length, content.len()))
        };
        prop_assert_eq!(hint(&stream), expected);
    }
}

/// What other protocols begin with, what they are called, and how it is shown.
const OTHERS: [(&[u8], &str, &str); 6] = [
    (b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03\xD9", "TLS", r"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xd9"),
    (b"GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n", "HTTP", r"GET / HTTP/1.1\r\nHost: example.or"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP", r"HTTP/1.1 400 Bad Request\r\n\r\n"),
    (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH", r"SSH-2.0-OpenSSH_9.2p1\r\n"),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n", "a PROXY header", "PROXY TCP4 192.0.2.1 192.0.2.2 5"),
    (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x01",
        "a PROXY header",
        r"\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x0c\xc0\x00\x02\x01",
    ),
];

#[test]
fn another_protocol_is_named_and_its_first_bytes_are_shown() {
    for (stream, name, first_bytes) in OTHERS {
        for chunk in [1, 2, 3, 100] {
            let (lines, whole) = shown(stream, &json(chunk));
            let line: Json = serde_json::from_str(&lines).unwrap();
            assert!(line["hint"].as_str().unwrap().ends_with(&format!(", which looks like {name}")), "{lines}");
            assert_eq!(lines.matches("looks like").count(), 1, "{lines}");
            assert!(line["message"].as_str().unwrap().ends_with(&format!(" (at byte {})", line["offset"])), "{lines}");
            assert_eq!((&line["first_bytes"], whole), (&first_bytes.into(), false));
            let (text, whole) = shown(stream, &person(chunk));
            let hint = text.lines().find_map(|line| line.strip_prefix("            hint: ")).unwrap();
            let (begins, end) = hint.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')).unwrap();
            // Of text its first line, and of anything else its first bytes.
            let line = first_bytes.split_inclusive("\\n").next().unwrap();
            assert!(begins == first_bytes || begins.starts_with(line), "{text}");
            assert_eq!(end, format!(", which looks like {name}"), "{text}");
            assert!(!whole && !text.contains("first bytes:"), "{text}");
            assert_eq!(text.matches("looks like").count(), 1, "{text}");
            assert_eq!(text, shown(stream, &person(1000)).0);
        }
    }
    let (text, errors, code) = run(&[], OTHERS[1].0);
    let expected = r#"message 1
         0  proto-header 47 45, 18245 bytes of header
         2  header
              T / HTTP/1.1\x0d\x0aHost: ex...
              ^
            hint: this is text, not messages: "GET / HTTP/1.1\r\n", which looks like HTTP
         2  not-an-object: no header of a message (at byte 2)
"#;
    assert_eq!((text.as_str(), errors.as_str(), code), (expected, "", 1));
}

#[test]
fn first_bytes_are_shown_only_where_no_header_begins() {
    for (stream, are_shown) in [
        (&b"\xFF\xFEx"[..], true),
        (b"\0\x02[]", true),
        (b"\0\x03 {}", false),
        (b"\0\x02", false),
        (&REQUEST[..50], false),
        (&REQUEST[1..], true),
        (&[REQUEST, &REQUEST[1..]].concat(), false),
    ] {
        let (lines, _) = shown(stream, &json(1));
        assert_eq!(lines.contains("\"first_bytes\":"), are_shown, "{lines}");
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
    assert!(errors.starts_with("jsonframe: ") && errors.contains("nothing\\u{1b}.bin: "), "{errors}");
    assert_eq!(errors.matches(char::is_control).count(), 1);

    if cfg!(unix) {
        let (output, errors, code) = run(&["--json", folder.path().to_str().unwrap()], b"");
        assert_eq!((output.as_str(), code), ("", 1));
        assert!(errors.starts_with("jsonframe: cannot read the input: "), "{errors}");
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
        assert_eq!(run(&["--json", "--format", "hex"], text.as_bytes()), expected, "{text}");
    }

    let (output, errors, code) = run(&["--json", "--format", "hex"], format!("{digits}\n00 6g").as_bytes());
    assert_eq!(output, expected.0, "what came before is shown");
    let error = "the hex text is wrong at line 2, column 5: `g`; expected the second hex digit of a byte";
    assert_eq!((errors, code), (format!("jsonframe: {error}\n"), 2));
}

#[test]
fn wrong_hex_text_is_no_fault_of_the_stream_that_comes_before_it() {
    // What comes before what is wrong is not a message, nor the beginning of one.
    let long = format!("00 00{}\n0", "\n".repeat(200_000));
    for (text, place) in [
        ("00 00 zz", "line 1, column 7: `z`; expected two hex digits, `0x`, `\\x` or what may be between bytes"),
        ("0067 5b5d\n00\n 0", "line 3, column 3: its end; expected the second hex digit of a byte"),
        (&long, "line 200002, column 2: its end; expected the second hex digit of a byte"),
        ("00 02 7b7d 0xx", "line 1, column 14: `x`; expected two hex digits"),
    ] {
        for more in [&[][..], &["--json"], &["--guess"], &["--chunk", "1"]] {
            let arguments = [&["--format", "hex"], more].concat();
            let error = format!("jsonframe: the hex text is wrong at {place}\n");
            assert_eq!(run(&arguments, text.as_bytes()), (String::new(), error, 2), "{arguments:?}: {text:.40}");
        }
    }
    let (output, errors, code) = run(&["--format", "hex"], b"00 00");
    assert!(output.contains("  empty-header: "), "{output}");
    assert_eq!((errors.as_str(), code), ("", 1));
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

#[test]
fn a_value_that_a_hint_quotes_does_not_act_on_a_terminal() {
    let hostile = "\u{7F}little\u{9B}2J\u{202E}";
    for header in [
        format!(r#"{{"byteorder": "{hostile}", "content-type": "", "content-encoding": "", "content-length": 0}}"#),
        format!(r#"{{"byteorder": "big", "content-type": "", "content-encoding": "", "content-length": "{hostile}"}}"#),
        format!(
            r#"{{"byteorder": "big", "content-type": "", "content-encoding": "", "content-length": ["{hostile}"]}}"#
        ),
    ] {
        let stream = framed(header.as_bytes());
        assert!(hint(&stream).is_some_and(|hint| hint.contains("little")));
        for json in [true, false] {
            assert_harmless(&shown(&stream, &Options { json, ..person(300) }).0);
        }
    }
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
        let mut command = Command::new(JSONFRAME);
        command.arg("inspect");
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
        let mut command = std::process::Command::new(JSONFRAME);
        command.arg("inspect");
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
fn a_fault_and_its_hint_are_shown_while_the_peer_stays() {
    let content = r#"{"value": "🐶 café"}"#;
    let characters = content.chars().count();
    let miscounted = misnumbered("text/json", characters, content);
    let expected = counts(1, "characters", characters, content.len());
    for (stream, last) in [(&b"\0\0"[..], "empty-header"), (OTHERS[1].0, "first_bytes"), (&miscounted, &expected)] {
        let mut pipes = Pipes::new(&["--json"]);
        let mut stdin = pipes.0.stdin.take().unwrap();
        stdin.write_all(stream).unwrap();
        // The program does not wait for more, and ends.
        let lines: Vec<String> =
            BufReader::new(pipes.0.stdout.take().unwrap()).lines().map(|line| line.unwrap()).collect();
        assert!(lines.last().unwrap().contains(&last.replace('"', "\\\"")), "{lines:?}");
        assert_eq!(pipes.wait(), (1, String::new()));
        drop(stdin);
    }
}

#[test]
fn a_closed_output_is_no_verdict() {
    for arguments in [&["--json"][..], &[]] {
        let mut pipes = Pipes::new(arguments);
        let mut stdin = pipes.0.stdin.take().unwrap();
        let mut first = String::new();
        stdin.write_all(REQUEST).unwrap();
        BufReader::new(pipes.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        // From here on nobody reads the output; sooner or later the program notices, and nobody reads its input either.
        while stdin.write_all(REQUEST).is_ok() {}
        assert_eq!(pipes.wait(), (141, String::new()));
    }
}

#[test]
fn a_stream_at_fault_is_not_said_to_be_whole_when_the_output_is_closed() {
    let faults = [&[REQUEST, REPLY].concat().repeat(2000), &b"\0\0"[..]].concat();
    for arguments in [&["--json"][..], &[], &["--guess"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = std::process::Command::new(JSONFRAME);
        command.arg("inspect");
        let pipes = command.args(arguments).stdin(Stdio::piped()).stdout(writer).stderr(Stdio::piped());
        let mut pipes = Pipes(pipes.spawn().unwrap());
        drop(command);
        let _ = pipes.0.stdin.take().unwrap().write_all(&faults);
        assert_eq!(pipes.wait(), (141, String::new()), "{arguments:?}");
    }
    assert!(run(&["--help"], b"").0.contains("\n  141  whoever reads the output left before its end"));
}

/// A message of 200 MB, nearly 3,000 times as long as what is kept of it.
fn large_message() -> impl Read {
    const LENGTH: u64 = 200_000_000;
    let header = Header::for_json(LENGTH);
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
