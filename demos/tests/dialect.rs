//! Dialects: what `inspect` shows of them and guesses, and `app-client` and `app-server` with a peer in Python.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{PATIENCE, Program, Server, client, path_of, program, text};
use jsonframe::{ByteOrder, Header};
use jsonframe_cli::dialect::DialectName;
use jsonframe_cli::inspect::{Options, guess, inspect};
use jsonframe_cli::text::ByteString;
use proptest::prelude::{any, prop_assert, proptest};
use serde_json::{Value as Json, json};

const APP_SERVER: &str = env!("CARGO_BIN_EXE_app-server");

/// Those that the peer in Python speaks.
const DIALECTS: &str = include_str!("../../protocol/tests/dialects/names.txt");

/// The peer in Python, where there is one. In continuous integration a missing Python is a failure.
fn peer(arguments: &[&str]) -> Option<Command> {
    let found = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if let Err(error) = found {
        assert!(std::env::var_os("CI").is_none(), "python3 is needed: {error}");
        eprintln!("SKIPPED, python3 is needed: {error}");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/peer/dialects.py")).args(arguments);
    command.env("PYTHONIOENCODING", "utf-8");
    Some(command)
}

/// Seven messages in a dialect, from Python.
fn capture(dialect: &str) -> Option<Vec<u8>> {
    let output = peer(&["capture", dialect])?.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success());
    Some(output.stdout)
}

fn shown(mut stream: &[u8], options: &Options) -> (String, bool) {
    let mut output = Vec::new();
    let whole = inspect(&mut stream, &mut output, options).unwrap();
    (String::from_utf8(output).unwrap(), whole)
}

/// What is guessed about a capture, as JSON.
fn guessed(mut stream: &[u8]) -> Json {
    let mut output = Vec::new();
    let fits = guess(&mut stream, &mut output, &Options { json: true, ..Options::default() }).unwrap();
    let verdict: Json = serde_json::from_slice(&output).unwrap();
    assert_eq!(fits, verdict["dialect"].is_string());
    verdict
}

/// What `inspect` makes of an input: its output, its error output and its exit code.
fn run(arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let output = program(path_of("jsonframe"), &["inspect"]).args(arguments).write_stdin(input).output().unwrap();
    (text(&output.stdout).into(), text(&output.stderr).into(), output.status.code().unwrap())
}

/// A header behind a length of these bytes.
fn framed(length: &[u8], header: &str) -> Vec<u8> {
    [length, header.as_bytes()].concat()
}

#[test]
fn captures_are_shown_in_their_dialect_as_python_decodes_them() {
    for name in DIALECTS.lines() {
        let Some(capture) = capture(name) else { return };
        let mut child = peer(&["decode", name]).unwrap().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, bytes) = (child.stdin.take().unwrap(), capture.clone());
        let writer = std::thread::spawn(move || stdin.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        let theirs: Vec<Json> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();

        let (lines, errors, code) = run(&["--json", "--dialect", name], &capture);
        assert_eq!((errors.as_str(), code), ("", 0), "{name}");
        let events: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((events.len(), theirs.len()), (21, 7));
        let dialect = if name == "standard" { Json::Null } else { name.into() };
        for (event, theirs) in events.chunks(3).zip(&theirs) {
            let [header, content, end] = event else { panic!("three events a message") };
            assert_eq!(header["byteorder"], theirs["byteorder"]);
            assert_eq!(header["content_type"], theirs["content-type"]);
            assert_eq!(header["content_encoding"], theirs["content-encoding"]);
            assert_eq!(header["content_length"], theirs["content-length"]);
            let hex = theirs["content"].as_str().unwrap();
            assert_eq!(content["hex"], hex[..hex.len().min(128)]);
            assert_eq!(end["event"], "end");
            assert!(event.iter().all(|event| event["dialect"] == dialect));
        }
        let options = Options { dialect: name.parse().unwrap(), ..Options::default() };
        let (annotated, whole) = shown(&capture, &options);
        assert!(whole && annotated.ends_with("end of the stream, 7 messages\n"), "{name}");
        for chunk in [1, 3, 100] {
            let options = Options { chunk: chunk.try_into().unwrap(), ..options.clone() };
            assert!(shown(&capture, &options) == (annotated.clone(), true), "{name} in chunks of {chunk}");
        }
    }
}

#[test]
fn a_dialect_for_a_person() {
    let header = r#"{"content_type": "text/json", "content\u005flength": 2, "x": 1}"#;
    let stream = framed(b"\x3F\0\0\0", header);
    let expected = r#"message 1
         0  proto-header 3f 00 00 00, 63 bytes of header
         4  header
              byteorder         "big" (absent)
              content_type      "text/json"
              content-encoding  "utf-8" (absent)
              content_length    2
              x                 1
        67  content, 2 bytes, JSON
              {}
        69  end

        69  end of the stream, 1 message
"#;
    let dialect = "u32-le,underscores,no-byteorder=big,no-encoding";
    assert_eq!(run(&["--dialect", dialect], &[&stream, &b"{}"[..]].concat()), (expected.into(), String::new(), 0));

    let expected = "message 1
         0  proto-header 00 01 00 00, 65536 bytes of header
                         ^^^^^^^^^^^
         0  header-too-long: the header is 65536 bytes long; this decoder takes at most 65535 (at byte 0)
";
    assert_eq!(run(&["--dialect", "u32"], b"\0\x01\0\0"), (expected.into(), String::new(), 1));

    let expected = "message 1
         0  proto-header 00, 0 bytes of header
                         ^^
         0  empty-header: the header length is 0; a header is at least a JSON object (at byte 0)
";
    assert_eq!(run(&["--dialect", "u8"], b"\0"), (expected.into(), String::new(), 1));

    let expected = "message 1
         0  proto-header 00 00 00
         3  truncated: the stream ends inside the proto-header, 1 byte before its end (at byte 3)
";
    assert_eq!(run(&["--dialect", "u32"], b"\0\0\0"), (expected.into(), String::new(), 1));

    let expected = "message 1
         0  proto-header 02, 2 bytes of header
         1  header
              {}
               ^
         2  missing-member: the header has no member `byteorder` (at byte 2)
";
    assert_eq!(run(&["--dialect", "u8"], b"\x02{}"), (expected.into(), String::new(), 1));
}

#[test]
fn the_lines_of_a_dialect_name_it() {
    let stream = [framed(b"\x15", r#"{"content-length": 0}"#), b"\x02{}".to_vec()].concat();
    let lines = r#"{"event":"header","offset":0,"header_length":21,"byteorder":"little","content_type":"a","content_encoding":"utf-8","content_length":0,"extensions":{},"dialect":"u8,no-byteorder,no-type=a,no-encoding"}
{"event":"content","offset":22,"length":0,"hex":"","dialect":"u8,no-byteorder,no-type=a,no-encoding"}
{"event":"end","offset":22,"dialect":"u8,no-byteorder,no-type=a,no-encoding"}
{"event":"error","kind":"missing-member","member":"content-length","offset":24,"message":"the header has no member `content-length` (at byte 24)","dialect":"u8,no-byteorder,no-type=a,no-encoding"}
"#;
    let arguments = ["--json", "--dialect", "u8,no-encoding,no-byteorder=little,no-type=a"];
    assert_eq!(run(&arguments, &stream), (lines.into(), String::new(), 1));
    assert_eq!(
        run(&["--json", "--dialect", "u16-le"], b"\x01"),
        ("{\"event\":\"truncated\",\"offset\":1,\"missing\":1,\"dialect\":\"u16-le\"}\n".into(), String::new(), 1)
    );
}

#[test]
fn captures_are_guessed_whole_and_cut_anywhere_after_the_first_header() {
    for name in DIALECTS.lines() {
        let Some(capture) = capture(name) else { return };
        let verdict = guessed(&capture);
        let length = capture.len();
        // What is there in all headers need not be.
        assert_eq!(verdict["dialect"], name.replace(",maybe-byteorder", ""));
        assert_eq!((&verdict["messages"], &verdict["bytes"]), (&json!(7), &json!(length)));
        assert_eq!((&verdict["also"], &verdict["fault"], &verdict["missing"]), (&json!([]), &Json::Null, &json!(0)));
        let prefix = name.parse::<DialectName>().unwrap().dialect().prefix().len();
        assert_eq!(verdict["rejected"].as_array().unwrap().len(), if prefix > 0 { 5 } else { 4 });
        // What is wrong behind the first messages does not keep anyone from guessing.
        let spoilt = [&capture, &vec![0; prefix + 4][..]].concat();
        let verdict = guessed(&spoilt);
        assert_eq!(verdict["dialect"], name.replace(",maybe-byteorder", ""));
        assert_eq!(verdict["fault"]["offset"], length + prefix);

        // What only later headers show cannot be told from the first.
        if ["no-length", "raw-json", "maybe-"].iter().any(|part| name.contains(part)) {
            continue;
        }
        let first = capture.iter().position(|byte| *byte == b'}').unwrap() + 1;
        for end in (0..first + 40).chain([300, 1000, length - 1]) {
            let verdict = guessed(&capture[..end]);
            let expected = if end < first { Json::Null } else { name.into() };
            assert_eq!(verdict["dialect"], expected, "{name} cut at {end}");
            if end >= first && end < first + 39 {
                assert_eq!(verdict["missing"], first + 39 - end);
                assert_eq!((&verdict["headers"], &verdict["messages"]), (&json!(1), &json!(0)));
            }
        }
    }
}

#[test]
fn a_guess_for_a_person() {
    let header = r#"{"content_type": "text/json", "content_encoding": "utf-8", "content_length": 2}"#;
    let message = [&framed(b"\0\0\0\x4F", header), &b"{}"[..]].concat();
    let expected = "--dialect u32,underscores,no-byteorder
  decoded: 2 headers, 1 whole message; 169 of 169 bytes
  then: the capture ends inside the content, 1 byte before its end
  proto-header: 4 bytes, most significant first
  names: content-type is content_type in 2 headers
  names: content-encoding is content_encoding in 2 headers
  names: content-length is content_length in 2 headers
  absent: byteorder, from 2 headers; little is assumed, unless no-byteorder=big is given
  not standard: the header length is 0; a header is at least a JSON object (at byte 0)
  not u16-le: the header length is 0; a header is at least a JSON object (at byte 0)
  not u32-le: the header is 1325400064 bytes long; this decoder takes at most 65535 (at byte 0)
  not u8: the header length is 0; a header is at least a JSON object (at byte 0)
";
    let stream = message.repeat(2);
    let cut = &stream[..stream.len() - 1];
    assert_eq!(run(&["--guess"], cut), (expected.into(), String::new(), 0));
    assert_eq!(run(&["--guess", "--format", "hex"], hex::encode(cut).as_bytes()), (expected.into(), String::new(), 0));

    let (verdict, errors, code) = run(&["--guess"], b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
    assert!(
        verdict.starts_with(
            "no dialect fits: in none does the capture begin with a valid header\n  \
             hint: this is text, not messages: \"GET / HTTP/1.1\\r\\n\", which looks like HTTP\n  \
             first bytes: \"GET / HTTP/1.1\\r\\nHost: example.or\"\n  not "
        ),
        "{verdict}"
    );
    assert_eq!((errors.as_str(), code, verdict.lines().count()), ("", 1, 8));
    assert!(verdict.contains("  not standard: ") && verdict.contains("which looks like HTTP\n"), "{verdict}");
    assert_eq!(
        run(&["--guess"], b""),
        ("the capture is empty: no dialect can be told from it\n".into(), String::new(), 1)
    );
}

#[test]
fn of_dialects_that_fit_alike_the_simplest_is_guessed() {
    let header = |length: usize| {
        let header = r#"{"byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 0}"#;
        format!("{header:length$}")
    };
    // 257 is the same from both ends.
    let verdict = guessed(&framed(b"\x01\x01", &header(257)));
    assert_eq!((&verdict["dialect"], &verdict["also"]), (&json!("standard"), &json!(["u16-le"])));
    // One more message decides.
    let stream = [framed(b"\x01\x01", &header(257)), framed(b"\x58\0", &header(88))].concat();
    let verdict = guessed(&stream);
    assert_eq!((&verdict["dialect"], &verdict["also"]), (&json!("u16-le"), &json!([])));
    assert_eq!(
        (&verdict["rejected"][0]["dialect"], &verdict["rejected"][0]["messages"]),
        (&json!("standard"), &json!(1))
    );
}

#[test]
fn names_in_both_spellings_and_extensions_do_not_mislead() {
    // All members by their own names: what looks like an alias is an extension.
    let header = r#"{"byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 0, "content_length": 1}"#;
    let length = u16::try_from(header.len()).unwrap();
    assert_eq!(guessed(&framed(&length.to_be_bytes(), header))["dialect"], "standard");
    // A header in one spelling, a header in the other.
    let own = framed(b"\x29", r#"{"content-length": 0, "byteorder": "big"}"#);
    let other: Vec<u8> = String::from_utf8(own.clone()).unwrap().replace("t-l", "t_l").into();
    let verdict = guessed(&[own, other].concat());
    assert_eq!(verdict["dialect"], "u8,underscores,no-type,no-encoding");
    let renamed = json!([{"member": "content-length", "name": "content_length", "headers": 1}]);
    assert_eq!((&verdict["renamed"], &verdict["headers"]), (&renamed, &json!(2)));
    // `byteorder` is there in some.
    assert_eq!(
        verdict["absent"],
        json!([{"member": "content-type", "headers": 2}, {"member": "content-encoding", "headers": 2}])
    );
}

/// A capture of what programs in the field send.
fn from_the_field(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures").join(format!("{name}.hex"));
    hex::decode(std::fs::read_to_string(path).unwrap().replace('\n', "")).unwrap()
}

#[test]
fn captures_from_the_field_are_guessed_and_shown_whole_in_what_is_guessed() {
    const ONLY_LENGTH: &str = "no-byteorder,no-type,no-encoding";
    for (name, dialect, messages) in [
        ("android-jsonobject.c2s", "standard", 1),
        ("chat-underscores.c2s", "standard,underscores", 2),
        ("chat-version-prefix.c2s", "standard,prefix=0001,underscores,no-byteorder,no-type", 2),
        ("chat-version-prefix.s2c", "standard,prefix=0001,underscores,no-byteorder,no-type", 1),
        ("content-len-be.c2s", "standard,byteorder=bytesorder,length=content-len", 1),
        ("content_length-only.c2s", &format!("standard,underscores,{ONLY_LENGTH}"), 2),
        ("driver-assist.c2s", &format!("u16-le,length=content-len,{ONLY_LENGTH},no-length"), 3),
        ("driver-assist.s2c", &format!("u16-le,length=content-len,{ONLY_LENGTH},no-length"), 2),
        ("header-only-u32le.c2s", &format!("u32-le,{ONLY_LENGTH},no-length"), 2),
        ("opendtect-apply.c2s", "u32-le,prefix=9200000001000000ffff,raw-json", 2),
        ("pickle-sent-ts.c2s", "standard,no-type,no-encoding", 2),
        ("pico.c2s", "standard,no-type,no-encoding", 2),
        ("u8-signed.c2s", "u8", 1),
    ] {
        let capture = from_the_field(name);
        let verdict = guessed(&capture);
        assert_eq!((&verdict["dialect"], &verdict["messages"]), (&dialect.into(), &messages.into()), "{name}");
        assert_eq!((&verdict["bytes"], &verdict["fault"]), (&capture.len().into(), &Json::Null), "{name}");
        assert!(verdict["first_object"].is_null() && verdict["first_bytes"].is_null());
        assert_eq!(verdict["also"], json!([]), "{name}");

        let (shown, errors, code) = run(&["--dialect", dialect], &capture);
        let end = format!("end of the stream, {messages} message{}\n", if messages == 1 { "" } else { "s" });
        assert!(shown.ends_with(&end), "{shown}");
        assert_eq!((errors.as_str(), code), ("", 0), "{name}");
    }
}

/// Its receiver would do without `byteorder`, and sends it, for its peer would not.
#[test]
fn a_capture_in_which_a_member_is_there_decodes_where_it_may_be_absent() {
    let (shown, _, code) = run(&["--dialect", "maybe-byteorder,no-type,no-encoding"], &from_the_field("pico.c2s"));
    assert_eq!((shown.matches("byteorder         \"little\"\n").count(), code), (2, 0), "{shown}");
}

#[test]
fn what_a_dialect_has_before_its_headers_is_shown() {
    let expected = r#"message 1
         0  prefix 92 00 00 00 01 00 00 00 ff ff
        10  proto-header 67 00 00 00, 103 bytes of header
        14  header
              byteorder         "little"
              content-type      "text/json"
              content-encoding  "utf-8"
              content-length    39
       117  content, 39 bytes, not JSON: "#;
    let capture = from_the_field("opendtect-apply.c2s");
    let dialect = ["--dialect", "u32-le,prefix=00000000000000000000,raw-json"];
    let (shown, _, code) = run(&dialect, &capture);
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.contains("content-encoding  \"[\\\"float32\\\"]\"\n"), "{shown}");
    assert_eq!(code, 0);
    let (lines, _, _) = run(&[&dialect[..], &["--json"]].concat(), &capture);
    let event: Json = serde_json::from_str(lines.lines().nth(3).unwrap()).unwrap();
    assert_eq!(event["prefix"], "be00000001000000ffff");
    assert_eq!((&event["offset"], &event["content_encoding"]), (&json!(156), &json!("[\"float32\"]")));

    let expected = "message 1
         0  prefix 92 00
         2  truncated: the stream ends inside the prefix, 12 bytes before its end (at byte 2)
";
    assert_eq!(run(&dialect, &capture[..2]), (expected.into(), String::new(), 1));
    let expected = "message 1
         0  prefix 92 00 00 00 01 00 00 00 ff ff
        10  proto-header 00 00 00 00, 0 bytes of header
                         ^^^^^^^^^^^
        10  empty-header: the header length is 0; a header is at least a JSON object (at byte 10)
";
    assert_eq!(run(&dialect, &[&capture[..10], &[0; 4]].concat()), (expected.into(), String::new(), 1));
}

#[test]
fn a_guess_of_more_for_a_person() {
    let (verdict, _, code) = run(&["--guess"], &from_the_field("opendtect-apply.c2s"));
    let expected = "--dialect u32-le,prefix=9200000001000000ffff,raw-json
  decoded: 2 headers, 2 whole messages; 356 of 356 bytes
  prefix: 10 bytes, which are 92 00 00 00 01 00 00 00 ff ff before the first message
  proto-header: 4 bytes, least significant first
  raw JSON: a type or an encoding that is no string, in 1 header
  not standard: ";
    assert!(verdict.starts_with(expected), "{verdict}");
    assert_eq!((code, verdict.matches("\n  not ").count()), (0, 5));

    let (verdict, _, _) = run(&["--guess"], &from_the_field("driver-assist.c2s"));
    let expected = "--dialect u16-le,length=content-len,no-byteorder,no-type,no-encoding,no-length
  decoded: 3 headers, 3 whole messages; 517 of 517 bytes
  proto-header: 2 bytes, least significant first
  names: content-length is content-len in 2 headers
  absent: byteorder, from 3 headers; little is assumed, unless no-byteorder=big is given
  absent: content-type, from 3 headers; text/json is assumed, unless no-type=TYPE is given
  absent: content-encoding, from 3 headers; utf-8 is assumed, unless no-encoding=ENCODING is given
  absent: content-length, from 1 header; the header is the message
  not standard: ";
    assert!(verdict.starts_with(expected), "{verdict}");
}

/// The first message need not be one that has content.
#[test]
fn the_length_is_found_in_whichever_header_it_is() {
    let update = framed(b"\x0C\0", r#"{"update": 0}"#[..12].as_ref());
    assert!(guessed(&update)["dialect"].is_null(), "which is no JSON");
    let update = framed(b"\x0D\0", r#"{"update": 0}"#);
    let detect = [&framed(b"\x13\0", r#"{"a": 3, "size": 5}"#), &b"12345"[..]].concat();
    let verdict = guessed(&[&update, &detect, &update, &detect].map(Vec::as_slice).concat());
    assert_eq!(verdict["dialect"], "u16-le,length=size,no-byteorder,no-type,no-encoding,no-length");
    assert_eq!(verdict["messages"], 4);
}

#[test]
fn a_header_without_a_length_counts_only_if_a_message_or_nothing_comes_after_it() {
    let header = r#"{"type": "x", "size": "5"}"#;
    let message = [&framed(b"\x1A\0\0\0", header), &b"12345"[..]].concat();
    let verdict = guessed(&message);
    assert!(verdict["dialect"].is_null());
    let nearest = &verdict["rejected"][0];
    assert_eq!((&nearest["dialect"], &nearest["fault"]["kind"]), (&json!("u32-le"), &json!("missing-member")));
    assert_eq!(nearest["fault"]["offset"], 29);
    assert_eq!(
        (&nearest["fault"]["has"], &nearest["fault"]["lacks"]),
        (&json!(["type", "size"]), &json!(["content-length"]))
    );
    let (text, _, code) = run(&["--guess"], &message);
    let expected = r#"no dialect fits: in none does the capture begin with a valid header
  hint: these are not messages: the stream begins with "\x1a\x00\x00\x00{\"type\": \"x\", \"size\": \"5\"}12", which looks like MySQL or a little-endian length
  not u32-le: the header has no member `content-length`, and no message comes after it (at byte 29)
    has: type, size; lacks: content-length
"#;
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(code, 1);
    // What may be a header that has not come whole does not begin like one.
    let verdict = guessed(&[&message[..30], b"\xFF\xD8\0\0\xFF\xE0"].concat());
    assert_eq!(verdict["rejected"][0]["fault"]["kind"], "missing-member");
    // Alone, the header is the message.
    let verdict = guessed(&message[..30]);
    assert_eq!(verdict["dialect"], "u32-le,no-byteorder,no-type,no-encoding,no-length");
}

#[test]
fn what_stands_before_the_first_object_is_shown_when_no_dialect_fits() {
    let capture = from_the_field("node-256.c2s");
    let verdict = guessed(&capture);
    assert!(verdict["dialect"].is_null());
    let has = ["byteorder", "content-type", "content-encoding", "content-length", "x"];
    assert_eq!(verdict["first_object"], json!({"offset": 2, "length": 256, "before": "00 00", "has": has}));
    let text = run(&["--guess"], &capture).0;
    let lines =
        format!("\n  the first JSON object is at byte 2, 256 bytes long, after: 00 00\n    has: {}\n", has.join(", "));
    assert!(text.contains(&lines), "{text}");
}

#[test]
fn a_header_of_whose_length_only_the_lowest_byte_was_written_is_pointed_out() {
    let hint = |length, byte| {
        format!("hint: the header looks {length} bytes long: of that number only the lowest byte, {byte}, was written")
    };
    let capture = from_the_field("node-256.c2s");
    // The last line is the error.
    let before_error = |text: &str| text.trim_end().rsplit_once('\n').unwrap().0.to_owned();
    let (text, _, code) = run(&[], &capture);
    assert!(text.contains("empty-header: ") && before_error(&text).ends_with(&hint(256, 0)), "{text}");
    assert_eq!(code, 1);
    let header = format!("{{\"byteorder\": \"big\", \"x\": \"{}\"}}", "y".repeat(300));
    let byte = header.len().to_le_bytes()[0];
    for (length, dialect) in [([0, byte], "standard"), ([byte, 0], "u16-le")] {
        let (text, _, _) = run(&["--dialect", dialect], &framed(&length, &header));
        assert!(before_error(&text).ends_with(&hint(header.len(), byte)), "{text}");
    }
    // One that is as long as it says, and at fault, has another fault.
    assert!(!run(&[], &framed(b"\x00\x02", "{}")).0.contains("hint"));
}

/// Its strings have control characters as they are, which Python's decoder takes if it is not strict.
#[test]
fn a_header_with_a_control_character_is_refused_at_that() {
    let first = r#"{"type": "handshake", "r": 12345}"#;
    let second = "{\"type\": \"data\", \"Message\": \"line one\nline two\"}";
    let stream = [framed(b"\x21\0\0\0", first), framed(b"\x30\0\0\0", second)].concat();
    let dialect = "u32-le,no-byteorder,no-type,no-encoding,no-length";
    let (text, _, code) = run(&["--dialect", dialect], &stream);
    assert!(text.contains("\nmessage 2\n") && code == 1, "{text}");
    let fault = "        78  control-character: control character 0x0A in a string; expected it escaped (at byte 78)\n";
    assert!(text.ends_with(fault), "{text}");
    let verdict = guessed(&stream);
    assert_eq!((&verdict["dialect"], &verdict["headers"]), (&dialect.into(), &json!(1)));
    assert_eq!(verdict["fault"]["kind"], "control-character");
}

#[test]
fn of_many_names_the_first_are_shown_and_none_acts_on_a_terminal() {
    let names: Vec<String> = (0..20).map(|number| format!("\"\\u001b{number}\": 1")).collect();
    let header = format!("{{{}}}", names.join(", "));
    let followed = |length: &[u8], header: &str| [framed(length, header), b"no message".to_vec()].concat();
    let text = run(&["--guess"], &followed(&u16::try_from(header.len()).unwrap().to_be_bytes(), &header)).0;
    let shown: Vec<String> = (0..16).map(|number| format!("\\u{{1b}}{number}")).collect();
    assert!(text.contains(&format!("    has: {} and 4 more; lacks: content-length\n", shown.join(", "))), "{text}");
    assert!(guessed(&followed(b"\0\x02", "{}"))["rejected"][0]["fault"]["has"] == json!([]));
    let text = run(&["--guess"], &followed(b"\0\x02", "{}")).0;
    assert!(text.contains("    has: nothing; lacks: content-length\n"));
}

proptest! {
    #[test]
    fn noise_is_nothing(noise in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(guessed(&noise)["dialect"].is_null());
    }

    #[test]
    fn what_is_guessed_decodes_it(which in 0..DIALECTS.lines().count(), big in any::<bool>(), lengths in proptest::collection::vec(0_u64..500, 1..6)) {
        let dialect = DIALECTS.lines().nth(which).unwrap().parse::<DialectName>().unwrap().dialect();
        let mut stream = Vec::new();
        for length in lengths {
            let order = if big { ByteOrder::Big } else { ByteOrder::Little };
            let header = Header::new("a/b", "utf-8", length).with_byte_order(order);
            stream.extend_from_slice(dialect.encode(&header, &mut [0; 200]).unwrap());
            stream.resize(stream.len() + usize::try_from(length).unwrap(), b'}');
        }
        let name = guessed(&stream)["dialect"].as_str().unwrap().parse().unwrap();
        let (_, whole) = shown(&stream, &Options { dialect: name, json: true, ..Options::default() });
        prop_assert!(whole, "{name}");
    }
}

#[test]
fn a_long_capture_is_looked_at_in_part() {
    // Content of 100 MiB that is never held, and a fault behind it that is never seen.
    let header = br#"{"byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 104857600}"#;
    let head = [&[0, u8::try_from(header.len()).unwrap()], &header[..]].concat();
    let mut stream = std::io::Read::chain(head.as_slice(), std::io::Read::take(std::io::repeat(0), 200 << 20));
    let mut output = Vec::new();
    assert!(guess(&mut stream, &mut output, &Options { json: true, ..Options::default() }).unwrap());
    let verdict: Json = serde_json::from_slice(&output).unwrap();
    assert_eq!((&verdict["dialect"], &verdict["looked_at"]), (&json!("standard"), &json!(64 << 20)));
    assert_eq!((&verdict["all"], &verdict["fault"]), (&json!(false), &Json::Null));
}

#[test]
fn app_client_asks_a_server_in_python() {
    for name in DIALECTS.lines() {
        let Some(mut command) = peer(&["serve", name]) else { return };
        let server = Server::spawn(&mut command);
        let asked = server
            .client(&["--dialect", name, "search", "needle", "search", "ring", "dance", "on the table"])
            .assert()
            .success();
        let output = text(&asked.get_output().stdout);
        assert!(output.contains("\ngot result: No match for \"needle\".\n"), "{name}: {output}");
        assert!(output.contains("\ngot result: In the caves beneath the Misty Mountains. 💍\n"), "{name}: {output}");
        assert!(output.contains("First 10 bytes of request: danceon th"), "{name}: {output}");
        let words = ["--dialect", name, "--pipeline", "-r", "search", "ring", "-r", "search", "morpheus"];
        let asked = server.client(&words).assert().success();
        assert!(text(&asked.get_output().stdout).contains("\ngot result: Follow the white rabbit. 🐰\n"), "{name}");
    }
}

#[test]
fn app_server_answers_a_client_in_python() {
    for name in DIALECTS.lines() {
        let server = Server::start(&["--dialect", name]);
        let [host, port] = server.host_and_port();
        let words = ["ask", name, &host, &port, "search", "needle", "search", "morpheus", "dance", "on the table"];
        let Some(mut command) = peer(&words) else { return };
        let mut client = Program::spawn(&mut command);
        let answers = [
            "No match for \"needle\".",
            "Follow the white rabbit. \u{1F430}",
            "b'First 10 bytes of request: danceon th'",
        ];
        assert_eq!(client.output.rest(), answers, "{name}: {:?}", client.errors.so_far());
        assert_eq!(client.exit_code(), Some(0));
        // What is printed as sent is what is sent.
        let sent = server.output.find(|line| line.starts_with("sending "));
        let mut buffer = [0; 200];
        let head = name.parse::<DialectName>().unwrap().dialect().encode(&Header::for_json(38), &mut buffer).unwrap();
        let head = format!("sending {}", ByteString(head));
        assert!(sent.starts_with(head.strip_suffix('"').unwrap()), "{name}: {sent}");
    }
}

#[test]
fn a_peer_in_another_dialect_is_told_what_is_wrong() {
    let server = Server::start(&["--dialect", "u32"]);
    let [host, port] = server.host_and_port();
    let mut command = client(&[&host, &port, "search", "ring"]);
    let output = command.timeout(PATIENCE).assert().code(1);
    assert!(!text(&output.get_output().stderr).is_empty());
    server.errors.find(|line| line.starts_with("error: the header is 6781730 bytes long; this decoder takes at most"));
}

#[test]
fn what_is_no_dialect_is_a_usage_error() {
    let (jsonframe, client) = (path_of("jsonframe"), path_of("app-client"));
    for (path, words) in [(&*jsonframe, &["inspect"][..]), (APP_SERVER, &[]), (&client, &[])] {
        let output = program(path, words).args(["--dialect", "u64"]).assert().code(2).stdout("");
        let errors = text(&output.get_output().stderr);
        assert!(
            errors.contains("`u64` is not a dialect: a dialect begins with one of standard, u16-le, u32, u32-le, u8"),
            "{errors}"
        );
        let help = program(path, words).arg("--help").assert().success();
        assert!(
            text(&help.get_output().stdout)
                .contains("- `no-byteorder`, `no-type`, `no-encoding`, `no-length`: the member may be absent")
        );
    }
    program(path_of("jsonframe"), &["inspect", "--dialect", "u8", "--guess"]).assert().code(2).stdout("");
}
