//! What programs like the tutorial's print, with Python's bytes literals amid other text, read by `jsonframe inspect` and
//! `jsonframe convert`.

use std::io::{self, Read};

use jsonframe::{ByteOrder, Header, Message};
use jsonframe_cli::capture::Format;
use jsonframe_cli::inspect::{self, Options};
use serde_json::Value as Json;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

/// What the program makes of an input: its output, its error output and its exit code.
fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> (String, String, i32) {
    let mut command = assert_cmd::Command::new(JSONFRAME);
    let output = command.args(arguments).write_stdin(input.as_ref()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

/// The events of a log, and the exit code.
fn events(arguments: &[&str], log: &str) -> (Vec<Json>, i32) {
    let (lines, errors, code) = run(&[&["inspect", "--json"], arguments].concat(), log);
    assert_eq!(errors, "", "{lines}");
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), code)
}

fn message(content: &str) -> Vec<u8> {
    let header = Header::for_json(content.len() as u64).with_byte_order(ByteOrder::Little);
    Message::new(header, content.as_bytes()).unwrap().to_vec().unwrap()
}

fn literal(bytes: &[u8]) -> String {
    format!("b'{}'", bytes.escape_ascii())
}

/// What a server prints of two connections at a time, and of a third that comes from the address of the first.
fn server() -> String {
    let (one, two) = (message("1"), message("\"two\""));
    let lines = [
        "Listening on ('127.0.0.1', 65432)".into(),
        "Accepted connection from ('127.0.0.1', 50001)".into(),
        "Accepted connection from ('127.0.0.1', 50002)".into(),
        format!("Received {} from ('127.0.0.1', 50001)", literal(&one[..9])),
        format!("Received {} from ('127.0.0.1', 50002)", literal(&two[..40])),
        format!("Received {} from ('127.0.0.1', 50001)", literal(&one[9..])),
        format!("Received {} from ('127.0.0.1', 50002)", literal(&two[40..])),
        format!("Sending {} to ('127.0.0.1', 50001)", literal(&message("[1]"))),
        format!("Sending {} to ('127.0.0.1', 50002)", literal(&two[..two.len() - 1])),
        "Main: Error: Exception for ('127.0.0.1', 50002):".into(),
        "Traceback (most recent call last):".into(),
        "  File \"server.py\", line 1, in send".into(),
        "    sent = sock.send(b\"not what was sent\")".into(),
        "BrokenPipeError: [Errno 32] Broken pipe".into(),
        String::new(),
        "Closing connection to ('127.0.0.1', 50001)".into(),
        "Accepted connection from ('127.0.0.1', 50001)".into(),
        format!("Received {} from ('127.0.0.1', 50001)", literal(&message("3"))),
    ];
    lines.join("\n")
}

#[test]
fn the_lines_of_literals_and_those_of_other_text_are_said() {
    let log = format!("Connected\n{}\n\nTraceback (most recent call last):\n  no\nE: no\n", literal(&message("1")));
    let (text, errors, code) = run(&["inspect"], &log);
    assert!(text.ends_with("\nend of the log, 1 literal of line 2; 4 lines of other text passed over\n"), "{text}");
    assert_eq!((errors.as_str(), code), ("", 0));
    let (events, _) = events(&[], &log);
    let end = serde_json::json!(
        {"event": "log", "literals": 1, "first_line": 2, "last_line": 2, "other_lines": 4}
    );
    assert_eq!(events.last(), Some(&end));
    // Where nothing is passed over, there is nothing to say of it.
    assert!(!run(&["inspect"], literal(&message("1"))).0.contains("log"));
}

#[test]
fn a_fault_names_the_line_of_the_literal_that_holds_its_byte() {
    let line = |log: &str| {
        let (events, code) = events(&[], log);
        let fault = events.iter().find(|event| matches!(event["event"].as_str(), Some("error" | "truncated")));
        assert_eq!(code, 1, "{log}");
        fault.unwrap_or_else(|| panic!("{log}"))["line"].clone()
    };
    let good = message("[]");
    let in_lines = |bytes: &[u8], size: usize| {
        let lines: Vec<_> = bytes.chunks(size).map(|piece| format!("got {}\n", literal(piece))).collect();
        lines.concat()
    };
    let bad = |at: usize| [&good[..at], b"\x01", &good[at + 1..]].concat();
    // The byte is in the first lines of a header that is read in many, and far from the beginning of the log.
    assert_eq!(line(&in_lines(&bad(2), 1)), 3);
    assert_eq!(line(&in_lines(&bad(40), 10)), 5);
    let before = format!("Connected\n{}", in_lines(&good, 1).repeat(1000));
    let line_before = before.lines().count();
    assert_eq!(line(&format!("{before}and\n{}", in_lines(&bad(50), 10))), line_before + 1 + 6);
    assert_eq!(line(&format!("{before}{}\nbye\n", in_lines(&good[..30], 10))), line_before + 3);
    let (text, ..) = run(&["inspect"], in_lines(&bad(40), 10));
    assert!(text.contains("\n            line 5 of the log\n"), "{text}");
    // A literal may have several lines.
    let log = format!("b'''{}\\\n{}'''", good[..20].escape_ascii(), bad(40)[20..].escape_ascii());
    assert_eq!(line(&log), 2);
}

#[test]
fn text_without_bytes_is_said_to_be_text() {
    let traceback = "Traceback (most recent call last):\n  File \"x\", line 1\n    send(b\"none\")\nValueError: none\n";
    let server = "Listening on ('127.0.0.1', 65432)\nAccepted connection from ('127.0.0.1', 5)\n";
    for command in ["inspect", "convert"] {
        for text in [traceback, server, "Starting connection 1\n"] {
            let (output, errors, code) = run(&[command], text);
            assert_eq!((output.as_str(), code), ("", 2), "{text}");
            assert!(
                errors.starts_with("jsonframe: the input is text of a program without the bytes of a stream: "),
                "{errors}"
            );
            assert!(errors.contains("print(repr(data))") && errors.contains("jsonframe tap"), "{errors}");
        }
    }
    assert!(run(&["inspect", "--format", "python"], "ready\n").1.contains("without the bytes"));
    assert_eq!(run(&["inspect", "--format", "python"], "").2, 0);
    // Other text may be what has come over a connection.
    let (events, code) = events(&[], "hello world\nready\n");
    let hint = events[0]["hint"].as_str().unwrap();
    assert!(
        hint.starts_with(
            "this is text, not messages: \"hello world\\n\"; if a program has printed it, have it print all that it "
        ) && code == 1,
        "{hint}"
    );
    for other in ["220 smtp ready\r\n", "HTTP/1.1 200 OK\n\nconnection 1\n", "{\"connection 1\":\n2}"] {
        let (lines, ..) = run(&["inspect", "--json"], other);
        assert!(lines.contains("\"error\"") && !lines.contains("has printed it"), "{lines}");
    }
}

#[test]
fn literals_may_come_after_any_amount_of_other_text() {
    let text = "Accepted connection from ('127.0.0.1', 5)\n".repeat(3000);
    let (events, code) = events(&[], &format!("{text}{}\n", literal(&message("1"))));
    assert_eq!((events.len(), code), (4, 0));
    assert_eq!((&events[3]["first_line"], &events[3]["other_lines"]), (&3001.into(), &3000.into()));
}

#[test]
fn a_stream_that_begins_like_a_log_is_read_as_it_is() {
    for start in ["Traceback (most recent call last):\n", "connection 1\n", "ready for b'", "(', 1)"] {
        let stream = [start.as_bytes(), &message("1")].concat();
        let (lines, errors, code) = run(&["inspect", "--json"], &stream);
        assert_eq!((errors.as_str(), code), ("", 1));
        assert_eq!(lines, run(&["inspect", "--json", "--format", "raw"], &stream).0);
        let from = start.len().to_string();
        assert_eq!(run(&["inspect", "--from", &from], &stream).2, 0);
        assert_eq!(run(&["inspect", "--find"], &stream).2, 0);
        assert_eq!(run(&["inspect"], message(&format!("\"{}\"", start.trim().escape_default()))).2, 0);
    }
}

#[test]
fn connections_and_directions_that_a_log_names_are_kept_apart() {
    let (events, code) = events(&[], &server());
    let of = |number: u64, direction: &str| {
        let is_of = |event: &&Json| event["connection"] == number && event["direction"] == direction;
        let events = events.iter().filter(is_of);
        events.map(|event| event["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let whole = "stream header content end";
    assert_eq!([of(1, "received"), of(2, "received"), of(1, "sent"), of(3, "received")], [whole; 4], "{events:?}");
    assert_eq!(of(2, "sent"), "stream header truncated");
    assert_eq!(code, 1);
    let streams: Vec<_> = events.iter().filter(|event| event["event"] == "stream").collect();
    assert_eq!((&streams[0]["from"], &streams[0]["to"]), (&"127.0.0.1:50001".into(), &Json::Null));
    assert_eq!(streams[2]["to"], "127.0.0.1:50001");
    assert!(events.iter().any(|event| event["event"] == "truncated" && event["line"] == 9));
    let end = serde_json::json!({
        "event": "log", "connections": 3, "given_up": 0, "literals": 7, "first_line": 4, "last_line": 18, "other_lines": 10
    });
    assert_eq!(events.last(), Some(&end));
    let (text, ..) = run(&["inspect"], server());
    assert!(text.contains("\nmessage 1 of connection 2, sent to 127.0.0.1:50002\n"), "{text}");
    assert!(text.contains("message, of connection 3, received from 127.0.0.1:50001\n"), "{text}");
    assert!(text.ends_with(
        "\nend of the log, 3 connections; 7 literals of lines 4 to 18; 10 lines of other text passed over\n"
    ));
    let (text, _, code) = run(&["inspect", "--port", "50001"], server());
    assert!(text.contains("\nend of the log, 2 connections of port 50001; ") && code == 0, "{text}");
    let (text, ..) = run(&["inspect", "--guess"], server());
    assert_eq!(text.matches("--dialect standard\n").count(), 5, "{text}");
}

#[test]
fn a_stream_of_a_log_is_chosen_as_one_of_a_capture_is() {
    let chosen = ["--connection", "1", "--direction", "sent"];
    let (lines, _, code) = run(&["convert"], server());
    assert_eq!(code, 1, "{lines}");
    for (arguments, input) in [(&["--to", "bytes"][..], server()), (&[], lines)] {
        let (bytes, errors, code) = run(&[&["convert"], arguments, &chosen].concat(), &input);
        assert_eq!((bytes.as_bytes(), errors.as_str(), code), (&*message("[1]"), "", 0));
    }
    let (_, errors, code) = run(&["convert", "--to", "bytes"], server());
    assert!(errors.contains("connection 2, received comes after connection 1, received, and only one"), "{errors}");
    assert_eq!(code, 2);
}

#[test]
fn numbers_of_connections_are_those_of_the_log_and_what_it_does_not_name_is_by_itself() {
    let (one, two) = (message("1"), message("2"));
    let log = [
        format!("Sending {} to connection 2", literal(&one)),
        format!("Sending {} to connection 1", literal(&two)),
        format!("Got response: {}", literal(&one[..1])),
        format!("Received {} from connection 2", literal(&one)),
        format!("Received {} from ('::1', 5, 0, 0)", literal(&one)),
    ];
    let (text, _, code) = run(&["inspect"], log.join("\n"));
    for name in [
        "connection 2, sent",
        "connection 1, sent",
        "no named connection",
        "connection 2, received",
        "connection 3, received from [::1]:5",
    ] {
        assert!(text.contains(&format!("\nmessage 1 of {name}\n")), "{name}: {text}");
    }
    assert!(
        text.contains("line 3 of the log") && text.contains("end of the log, 3 connections;") && code == 1,
        "{text}"
    );
    // Where not even the first literal is named, all are one stream.
    let log = format!("Received {}\nReceived {} from connection 1\n", literal(&one[..9]), literal(&one[9..]));
    assert_eq!(events(&[], &log).1, 0);
}

#[test]
fn a_request_at_fault_is_shown_before_its_answer() {
    let counted = message("{\"é\": 1}");
    let counted = String::from_utf8(counted).unwrap().replace(": 9}", ": 8}").into_bytes();
    for answer in ["Got response", "Received"] {
        let (request, reply) = (literal(&counted), literal(&message("[1]")));
        let log = format!("Sending {request} to ('127.0.0.1', 65432)\n{answer} {reply} from ('127.0.0.1', 65432)\n");
        let log = if answer == "Received" { log } else { log.replace(" from ('127.0.0.1', 65432)", "") };
        let (text, _, code) = run(&["inspect"], log);
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
        assert!(at("hint: the content-length of message 1 looks like a number of characters") < at(" [\n"), "{text}");
        assert_eq!((text.matches("hint: ").count(), code), (1, 1), "{text}");
    }
}

#[test]
fn a_log_in_utf_16_is_read_as_powershell_writes_it() {
    let log = server().replace('\n', "\r\n");
    let expected = run(&["inspect"], &log);
    let little: Vec<u8> = format!("\u{feff}{log}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = format!("\u{feff}{log}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    for text in [&little, &big] {
        assert_eq!(run(&["inspect"], text), expected);
        assert_eq!(run(&["convert"], text), run(&["convert"], &log));
    }
    let hex: Vec<u8> = "\u{feff}00 02 5b 5d\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(run(&["inspect", "--json"], &hex).0.contains("not-an-object"));
    // The bytes of a stream are never taken for it, and what is wrong in it is said.
    assert!(run(&["inspect", "--json"], b"\xFF\xFE\0\0").0.contains("not-an-object"));
    let cut = [&little[..60], &[0, 0xDC], &little[60..]].concat();
    let (_, errors, code) = run(&["inspect"], cut);
    assert!(errors.contains("the input begins as text in UTF-16, and is not: ") && code == 2, "{errors}");
}

#[test]
fn the_connections_of_a_log_are_bounded_and_so_is_what_is_kept_of_a_line() {
    let line = |number: u64, bytes: &[u8]| format!("Sending {} to connection {number}\n", literal(bytes));
    let one = message("1");
    let log: Vec<_> = (1..=1030).map(|number| line(number, &one)).collect();
    let (text, _, code) = run(&["inspect"], log.concat());
    let end = "; 6 connections given up while idle, since no more than 1,024 are followed at a time\n";
    assert!(text.ends_with(end) && code == 0, "{}", &text[text.len() - 200..]);
    // The name that comes after this literal comes too late.
    let log = line(1, &one) + &line(1, &message(&" ".repeat(2 << 20)));
    let (text, ..) = run(&["inspect"], log);
    assert!(text.contains("message 1 of no named connection\n"), "{text}");
}

/// Gives out at most this many bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(place.len());
        self.0.read(&mut place[..length])
    }
}

#[test]
fn a_log_in_any_pieces_is_the_same() {
    let wrong = format!("{}b'\\x0g' to connection 1\n", server());
    let unnamed = format!("Connected\n{}\nbye\n", literal(&message("1")[..30]));
    for log in [server(), wrong, unnamed, server().replace('\n', "\r\n")] {
        for json in [false, true] {
            let shown = |size: usize| {
                let options = Options { format: Format::Auto, json, ..Options::default() };
                let mut output = Vec::new();
                let outcome = inspect::inspect(&mut Slow(log.as_bytes(), size), &mut output, &options);
                (String::from_utf8(output).unwrap(), outcome.map_err(|error| error.to_string()))
            };
            let expected = shown(usize::MAX);
            for size in [1, 2, 3, 7, 64, 1000] {
                assert_eq!(shown(size), expected, "{size}: {log}");
            }
        }
    }
}
