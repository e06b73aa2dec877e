//! `jsonframe listen`, as a process, against clients that are written in Python from the specification.

#[path = "../../tests/certificates/mod.rs"]
mod certificates;
#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use certificates::Files;
use common::{Program, Server, last_words, program, text};
use serde_json::{Value, json};

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

/// What every client begins with: writing and reading messages as the tutorial's programs do.
const PRELUDE: &str = r#"
import json, os, socket, ssl, struct, sys
FORM = os.environ.get("FORM", ">H")
if "UNIX" in os.environ:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(os.environ["UNIX"])
else:
    host, port = sys.argv[1].split(":")
    sock = socket.create_connection((host, int(port)))
sock.settimeout(60)
if "CA" in os.environ:
    context = ssl.create_default_context(cafile=os.environ["CA"])
    sock = context.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False)

def send(content, kind="text/json", encoding="utf-8", length=None, **more):
    length = len(content) if length is None else length
    header = {"byteorder": "little", "content-type": kind, "content-encoding": encoding, "content-length": length, **more}
    header = json.dumps(header, ensure_ascii=False).encode()
    sock.sendall(struct.pack(FORM, len(header)) + header + content)

def exactly(count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            sys.exit("the server has gone")
        data += piece
    return data

def receive():
    length, = struct.unpack(FORM, exactly(struct.calcsize(FORM)))
    header = json.loads(exactly(length))
    return header, exactly(header["content-length"])
"#;

fn listen(options: &[&str]) -> Server {
    Server::spawn(Command::new(JSONFRAME).args(["listen", "127.0.0.1:0"]).args(options))
}

/// What a client prints that goes on like this after it has connected.
fn client(server: &Server, script: &str) -> String {
    client_with(&server.address.to_string(), script, &[])
}

fn client_with(address: &str, script: &str, environment: &[(&str, &str)]) -> String {
    let script = format!("{PRELUDE}\n{script}");
    let mut run = program("python3", &["-c", &script, address]);
    let run = run.envs(environment.iter().copied()).assert().success();
    text(&run.get_output().stdout).to_owned()
}

/// Sends bytes, and nothing after them, and returns the complaint about them.
fn complaint_about(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.connect();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    last_words(stream);
    server.errors.next()
}

fn message(content: &[u8], length: usize) -> Vec<u8> {
    let header = format!(
        r#"{{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": {length}}}"#
    );
    [&u16::try_from(header.len()).unwrap().to_be_bytes()[..], header.as_bytes(), content].concat()
}

#[test]
fn each_message_is_shown_and_sent_back() {
    let server = listen(&[]);
    let script = r#"
send(b'{"action": "search"}', **{"request-id": 7, "who": "bob"})
send(b"\0\xff", "x", "binary")
print(receive(), receive())
"#;
    let echoed = client(&server, script);
    assert!(echoed.contains(r"'request-id': 7, 'who': 'bob', 'reply-to': 7}, b'{"), "{echoed}");
    assert!(
        echoed.contains(r"'content-type': 'x', 'content-encoding': 'binary', 'content-length': 2}, b'\x00\xff')"),
        "{echoed}"
    );
    assert!(server.output.next().starts_with("[1] connected: 127.0.0.1:"));
    assert_eq!(
        server.output.next(),
        r#"[1] text/json, utf-8, 20 bytes, request-id=7, who="bob": {"action": "search"}"#
    );
    assert_eq!(server.output.next(), r#"[1] x, binary, 2 bytes: b"\x00\xff""#);
    assert_eq!(server.output.next(), "[1] the peer has ended the connection");
    assert!(server.errors.so_far().is_empty());
}

#[test]
fn a_first_client_gets_its_answer() {
    let server = listen(&["--reply-json", r#"{"result": "found"}"#]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/naive_client.py");
    let [host, port] = server.host_and_port();
    program("python3", &[path, &host, &port]).assert().success().stdout("found\n");
    server.output.find(|line| line.ends_with(r#"39 bytes: {"action": "search", "value": "needle"}"#));
}

#[test]
fn a_fixed_reply_is_sent_in_the_servers_dialect() {
    let server = listen(&["--reply-json", r#"{"result": "é"}"#, "--dialect", "u32-le"]);
    let answer = client_with(&server.address.to_string(), "send(b'1'); print(receive())", &[("FORM", "<I")]);
    assert!(
        answer
            .contains(r#"'text/json', 'content-encoding': 'utf-8', 'content-length': 16}, b'{"result": "\xc3\xa9"}'"#),
        "{answer}"
    );
}

#[test]
fn messages_are_lines_of_json() {
    let server = listen(&["--json"]);
    client(
        &server,
        r#"send(b'{"a":\n 1}', id="x"); send(b"hi", "text/plain"); send(b"\xff" * 70000, "x"); receive(); receive(); receive()"#,
    );
    let lines: Vec<Value> = (0..3).map(|_| serde_json::from_str(&server.output.next()).unwrap()).collect();
    assert_eq!((&lines[0]["json"], &lines[0]["extensions"]), (&json!({"a": 1}), &json!({"id": "x"})));
    assert_eq!(
        (&lines[1]["text"], &lines[1]["content_type"], &lines[1]["connection"]),
        (&json!("hi"), &json!("text/plain"), &json!(1))
    );
    assert_eq!(lines[2]["left_out"], json!(70000 - 65536));
    assert_eq!(lines[2]["hex"].as_str().unwrap().len(), 2 * 65536);
    assert!(lines[0]["time"].as_f64().unwrap() > 1e9 && lines[0]["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
}

#[test]
fn every_byte_of_both_directions_is_annotated() {
    let server = listen(&["-v"]);
    client(&server, "send(b'[1]'); receive()");
    server.output.find(|line| line == "[1] <        104  content, 3 bytes, JSON");
    server.output.find(|line| line == "[1] text/json, utf-8, 3 bytes: [1]");
    server.output.find(|line| line == "[1] >        104  content, 3 bytes, JSON");
    server.output.find(|line| line == "[1] the peer has ended the connection");
}

#[cfg(unix)]
#[test]
fn a_program_answers_each_request_without_a_shell() {
    let script = "import os, sys; print(sys.argv[1:], os.environ['JSONFRAME_CONTENT_TYPE'], os.environ['JSONFRAME_EXTENSIONS'], \
                  sys.stdin.read(), end=''); print('\\x1b[2Jcomplaint', file=sys.stderr)";
    let server = listen(&["--exec", "--", "python3", "-c", script, "$(touch /tmp/never); *", "b"]);
    let output = client(&server, "for n in (b'1', b'2'): send(n, '$(x)', id='`y`'); print(receive()[1].decode())");
    let expected = |n| format!("['$(touch /tmp/never); *', 'b'] $(x) {{\"id\":\"`y`\"}} {n}\n");
    assert_eq!(output, expected(1) + &expected(2));
    assert_eq!(server.errors.next(), r"python3: \u{1b}[2Jcomplaint");
}

#[cfg(unix)]
#[test]
fn a_program_that_fails_closes_the_connection() {
    let server = listen(&["--exec", "--", "sh", "-c", "echo half; exit 3"]);
    let closed = client(&server, "send(b'1'); print(sock.recv(100))");
    assert_eq!(closed, "b''\n");
    assert_eq!(server.errors.next(), "[1] error: not answered: sh failed: exit status: 3");
    // A header can hold what an environment cannot.
    client(&server, "send(b'1', 'a\\0b'); sock.recv(100)");
    assert_eq!(server.errors.next(), "[2] error: not answered: cannot run sh: the header has a NUL in it");

    let server = listen(&["--exec", "--", "/nonexistent"]);
    client(&server, "send(b'1'); sock.recv(100)");
    assert!(server.errors.next().starts_with("[1] error: not answered: cannot run /nonexistent: "));
}

#[cfg(unix)]
#[test]
fn a_program_that_takes_too_long_or_writes_too_much_is_killed_with_all_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid").to_str().unwrap().to_owned();
    let script = format!("sleep 60 & echo $! > {path}; wait");
    let server = listen(&["--exec-timeout", "0.5", "--exec", "--", "sh", "-c", &script]);
    client(&server, "send(b'1'); sock.recv(100)");
    assert_eq!(server.errors.next(), "[1] error: not answered: sh was killed: it took more than 0.5 s");
    assert!(is_gone(&fs::read_to_string(path).unwrap()));

    let server = listen(&["--max-output", "1000", "--exec", "--", "yes"]);
    client(&server, "send(b'1'); sock.recv(100)");
    assert_eq!(server.errors.next(), "[1] error: not answered: yes was killed: it wrote more than 1000 bytes");
}

/// Whether a process has ended, or does soon.
#[cfg(unix)]
fn is_gone(id: &str) -> bool {
    let status = format!("/proc/{}/stat", id.trim());
    for _ in 0..1000 {
        // Where nobody else has waited for it, it is there as a zombie.
        if fs::read_to_string(&status).map_or(true, |status| status.contains(") Z ")) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

#[cfg(unix)]
#[test]
fn processes_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap().to_owned();
    // Fails if another one is there at the same time.
    let script = format!("mkdir {path}/lock && sleep 0.05 && rmdir {path}/lock && echo alone");
    let server = listen(&["--max-processes", "1", "--exec", "--", "sh", "-c", &script]);
    let script = r#"
import threading
def ask():
    sock = socket.create_connection((host, int(port)))
    header = json.dumps({"byteorder": "little", "content-type": "x", "content-encoding": "x", "content-length": 0}).encode()
    sock.sendall(struct.pack(">H", len(header)) + header)
    data = b""
    while not data.endswith(b"alone\n"):
        piece = sock.recv(100)
        if not piece:
            print("two at a time")
            return
        data += piece
threads = [threading.Thread(target=ask) for _ in range(5)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"#;
    assert_eq!(client(&server, script), "");
}

#[test]
fn what_is_wrong_is_said_with_its_likely_cause() {
    let server = listen(&[]);
    let counted = "{\"value\": \"café é\"}";
    let complaint = complaint_about(&server, &message(counted.as_bytes(), counted.chars().count()));
    assert!(complaint.contains("content-length counts bytes, not characters"), "{complaint}");

    let mut u32_form = vec![0, 0];
    u32_form.extend(message(b"1", 1));
    let complaint = complaint_about(&server, &u32_form);
    let cause = "error: the header length has four bytes, and the protocol's has two: struct.pack(\">H\", n) in Python; to accept it \
                 as it is: --dialect u32; the error was: the header length is 0; ";
    assert!(complaint.contains(cause), "{complaint}");

    let complaint = complaint_about(&server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(complaint.contains("which looks like HTTP"), "{complaint}");
    let complaint = complaint_about(&server, b"\x16\x03\x01\x02\x00\x01");
    assert!(complaint.contains("which looks like TLS"), "{complaint}");
    let complaint = complaint_about(&server, &message(b"1", 1)[..50]);
    assert!(complaint.starts_with("[5] error: ") && complaint.contains("bytes missing: at least 54"), "{complaint}");
}

#[test]
fn a_line_end_after_whole_json_is_not_taken_for_characters_that_were_counted() {
    let server = listen(&[]);
    let whole = message("{\"value\": \"café é\"}".as_bytes(), "{\"value\": \"café é\"}".len());
    let complaint = complaint_about(&server, &[&whole[..], b"\n"].concat());
    let expected = "[1] error: after message 1, which is whole, comes a line end (0a) that belongs to no message: do not send \
                    b\"\\n\" after it; the error was: ";
    assert!(complaint.starts_with(expected), "{complaint}");
    let complaint = complaint_about(&server, &[&whole[..], b"\xFF\xFFx"].concat());
    assert!(!complaint.contains("characters"), "{complaint}");
}

#[test]
fn the_rest_of_a_cut_content_is_not_said_to_be_a_header() {
    let server = listen(&[]);
    let counted = "{\"value\": \"é🐶é\"}";
    let complaint = complaint_about(&server, &message(counted.as_bytes(), counted.chars().count()));
    let expected =
        "[1] error: this is the rest of a content that was cut short: content-length counts bytes, not characters";
    assert_eq!(complaint, expected);
}

#[test]
fn members_and_lengths_that_are_wrong_are_set_right() {
    let server = listen(&[]);
    let header = r#"{"byteorder": "big", "content-type": "x", "content-encoding": "y", "content-length": 0}"#;
    let framed = |header: &str| [&u16::try_from(header.len()).unwrap().to_be_bytes(), header.as_bytes()].concat();
    let long = [&[0, u8::try_from(header.len() + 2).unwrap()], header.as_bytes(), b"{}"].concat();
    for (bytes, cause) in [
        (long, "the header's JSON ends after "),
        (framed(&header.replace(": 0", ": \"0\"")), "must be a number, 0, without quotes"),
        (framed(&header.replace("\"x\"", "null")), "content-type is null and must be a string"),
        (framed(&header.replace("\"byteorder\": \"big\", ", "")), "\"byteorder\": sys.byteorder in Python"),
    ] {
        let complaint = complaint_about(&server, &bytes);
        assert!(complaint.contains(cause), "{complaint}");
    }
}

#[test]
fn what_is_written_as_text_or_not_all_there_is_said_with_how_to_mend_it() {
    let server = listen(&[]);
    let whole = message(b"{}", 2);
    let digits = hex::encode(&whole);
    let literal = format!("b'{}'", whole.escape_ascii().to_string().replace("\\\"", "\""));
    for (bytes, cause) in [
        (digits.as_bytes(), "this looks like a message in hex digits: send the bytes themselves: "),
        (literal.as_bytes(), "this looks like a message as Python prints its bytes: send the bytes themselves: "),
        (b"AGd7ImJ5dGVvcmRlciI6ICJsaXR0bGUiLCAiY29udGVudC10eXBlIjogInRleHQv", "this looks like a message in base64: "),
        (b"\0", "the peer ended its sending before the message was whole: "),
        (&whole[..50], "the peer ended its sending before the message was whole: "),
        (&whole[..whole.len() - 1], "the peer ended its sending before the message was whole: "),
        (&whole.repeat(2)[..200], "the peer ended its sending before the message was whole: "),
    ] {
        let complaint = complaint_about(&server, bytes);
        assert!(complaint.contains(&format!(" error: {cause}")), "{complaint}");
    }
}

#[test]
#[cfg(unix)]
fn lines_of_both_kinds_are_in_their_order_in_one_pipe() {
    use std::io::{BufRead, BufReader};

    let (reader, writer) = std::io::pipe().unwrap();
    let mut server = Command::new(JSONFRAME)
        .args(["listen", "127.0.0.1:0"])
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
    let address = lines.next().unwrap().strip_prefix("listening on ").unwrap().to_owned();
    let mut stream = None;
    for number in 1..=15 {
        let mut next = std::net::TcpStream::connect(&address).unwrap();
        next.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        drop(stream.replace(next));
        for what in ["connected: ", "error: ", "closed by the server"] {
            let expected = format!("[{number}] {what}");
            let is_it = |line: &String| line.starts_with(&format!("[{number}] "));
            let line = lines.find(is_it).unwrap();
            assert!(line.starts_with(&expected), "{line}");
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn with_every_byte_shown_a_fault_is_said_once() {
    let server = listen(&["-v"]);
    let complaint = complaint_about(&server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let expected = "[1] error: this is text, not messages: \"GET / HTTP/1.1\\r\\n\", which looks like HTTP";
    assert_eq!(complaint, expected);
    let lines = std::iter::repeat_with(|| server.output.next()).take_while(|line| !line.starts_with("[1] closed"));
    let shown = lines.collect::<Vec<_>>().join("\n");
    assert!(shown.contains("proto-header 47 45"), "{shown}");
    assert!(!shown.contains("hint") && !shown.contains("not-an-object"), "{shown}");
}

#[test]
fn json_that_was_counted_in_characters_is_recognised_when_it_comes() {
    let server = listen(&["--idle-timeout", "60"]);
    let mut stream = server.connect();
    // The rest stays in the client.
    stream.write_all(&message("{\"é\": 1".as_bytes(), 8)).unwrap();
    let hint = "[1] hint: the JSON is cut short; content-length counts bytes, not characters: len(text.encode(\"utf-8\")) in \
                Python, not len(text)";
    server.output.find(|line| line == hint);
}

#[test]
fn a_client_of_which_nothing_more_comes_is_told_what_is_missing_and_why() {
    let object: &[u8] = b"{\"value\": [1, 2]}";
    for (options, content) in [(&[][..], object), (&["-v"], object), (&["-v"], b"\"needle\"")] {
        let server = listen(&[&["--rate-window", "4"], options].concat());
        let length = content.len();
        let mut stream = server.connect();
        stream.write_all(&message(content, length + 3)).unwrap();
        let hint = server.output.find(|line| line.contains("] hint: "));
        let wrong = format!("it is {}, and the JSON ends after {length} bytes: it is 3 too large", length + 3);
        assert_eq!(hint, format!("[1] hint: the content-length of message 1 looks wrong: {wrong}"));
        let waiting = format!("of message 1 {} bytes have come, 3 bytes of its content are missing", 105 + length);
        assert_eq!(server.output.next(), format!("[1] waiting: {waiting}"));
        // That has been said, and is not said again.
        assert_eq!(server.errors.next(), "[1] error: timed out after 4 s receiving the content of a message");
        server.output.find(|line| line == "[1] closed by the server");
    }
}

#[test]
fn a_length_by_sys_getsizeof_is_recognised() {
    let server = listen(&[]);
    for (more, end) in
        [(33, "33 too large; sys.getsizeof counts Python's own bytes, and len(content) does not"), (32, "32 too large")]
    {
        let complaint = complaint_about(&server, &message(b"{}", 2 + more));
        assert!(complaint.contains(&format!(": it is {end}; the error was: ")), "{complaint}");
    }
}

#[test]
fn a_large_content_that_does_not_go_on_may_have_been_sent_in_part() {
    for (length, advice) in [(1 << 20, "; does it send all of it (sendall, not send)?"), (1000, "")] {
        let server = listen(&[]);
        let mut stream = server.connect();
        let whole = message(&vec![b'1'; length], length);
        stream.write_all(&whole[..whole.len() - 7]).unwrap();
        let line = server.output.find(|line| line.contains("waiting: "));
        assert!(line.ends_with(&format!(", 7 bytes of its content are missing{advice}")), "{line}");
    }
}

#[test]
fn a_client_that_closes_long_after_its_answer_may_have_waited_for_more() {
    let server = listen(&[]);
    let note = |script: &str| {
        client(&server, script);
        let line = server.output.find(|line| line.contains(" note: ") || line.contains(" ended the connection"));
        line.contains(" note: ").then(|| {
            server.output.find(|line| line.contains(" ended the connection"));
            line
        })
    };
    let waited = note("import time; send(b'1'); receive(); time.sleep(2.5)").unwrap();
    let words = " note: the client had its whole answer and closed 2 s later: did it wait for the end of the connection? A \
                 message ends after content-length bytes";
    assert!(waited.ends_with(words), "{waited}");
    // Whoever asks again knows where an answer ends.
    for script in [
        "send(b'1'); receive()",
        "import time; send(b'1'); receive(); send(b'2'); receive(); time.sleep(2.5)",
        "import time; time.sleep(2.5)",
    ] {
        assert_eq!(note(script), None, "{script}");
    }
}

#[test]
fn what_is_missing_is_said_once_for_each_silence() {
    let server = listen(&[]);
    let mut stream = server.connect();
    let bytes = message(b"12", 2);
    for (from, to, missing) in [
        (0, 1, "1 byte has come, and its header is not whole"),
        (1, 2, "2 bytes have come, 102 bytes of its header are missing"),
        (2, 103, "103 bytes have come, 1 byte of its header is missing"),
        (103, 105, "105 bytes have come, 1 byte of its content is missing"),
    ] {
        stream.write_all(&bytes[from..to]).unwrap();
        let line = server.output.find(|line| line.contains("waiting"));
        assert_eq!(line, format!("[1] waiting: of message 1 {missing}"));
    }
    stream.write_all(&bytes[105..]).unwrap();
    server.output.find(|line| line == "[1] text/json, utf-8, 2 bytes: 12");
    // Whoever waits between messages waits for nothing.
    std::thread::sleep(Duration::from_millis(2500));
    assert!(server.output.so_far().is_empty());
    let json = listen(&["--json"]);
    json.connect().write_all(&bytes[..50]).unwrap();
    let mut stream = json.connect();
    stream.write_all(&bytes[..50]).unwrap();
    json.errors.find(|line| line == "[2] waiting: of message 1 50 bytes have come, 54 bytes of its header are missing");
}

#[test]
fn a_client_that_sends_nothing_is_told_once_what_that_may_be() {
    let server = listen(&[]);
    let mut stream = server.connect();
    let line = server.output.find(|line| line.contains("waiting"));
    let words = "[1] waiting: nothing has come: has the client sent anything, and flushed it (wfile.flush() in Python)? Or does it \
                 wait for the server to speak first? This server answers messages and sends no greeting";
    assert_eq!(line, words);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(server.output.so_far().is_empty());
    stream.write_all(&message(b"12", 2)).unwrap();
    server.output.find(|line| line == "[1] text/json, utf-8, 2 bytes: 12");
}

#[test]
fn a_line_end_before_a_content_is_named() {
    let server = listen(&[]);
    let mut stream = server.connect();
    let (head, content) = (message(b"", 9), b"\r\n[1, 2, 3]");
    stream.write_all(&[&head[..], content].concat()).unwrap();
    let hint = server.output.find(|line| line.contains("] hint: "));
    let words =
        "[1] hint: the JSON is cut short, and b\"\\r\\n\" comes before it: do not send that between header and content";
    assert_eq!(hint, words);
    // With what comes after it, that is known for sure.
    let hint = server.output.find(|line| line.contains("] hint: "));
    let words = "[1] hint: white space comes before the content of message 1 that its content-length, 9, does not count: do not \
                 send b\"\\r\\n\" between header and content";
    assert_eq!(hint, words);
}

#[test]
fn whoever_sends_nothing_after_text_is_not_said_to_have_cut_it() {
    let server = listen(&["--idle-timeout", "0.3", "--header-timeout", "0.3"]);
    let text = message("\"é\"".as_bytes(), 4);
    let plain = String::from_utf8(text.clone()).unwrap().replace("text/json", "text/text").into_bytes();
    for (number, bytes) in [text, plain, message("{\"é\"".as_bytes(), 5)].iter().enumerate() {
        let mut stream = server.connect();
        stream.write_all(bytes).unwrap();
        let complaint = server.errors.next();
        assert_eq!(complaint, format!("[{}] error: timed out after 0.3 s waiting for a message", number + 1));
    }
    // The rest of it is one, and that the time is over is said too.
    let mut stream = server.connect();
    stream.write_all(&message("{\"é\": 1}".as_bytes(), 8)).unwrap();
    let complaint = server.errors.next();
    let expected = "[4] error: this is the rest of a content that was cut short: content-length counts bytes, not characters; the \
                    error was: timed out after 0.3 s waiting for ";
    assert!(complaint.starts_with(expected), "{complaint}");
}

#[test]
fn what_is_wrong_after_much_that_is_right_is_explained() {
    let server = listen(&[]);
    let long = message(&vec![b' '; 100_000], 100_000);
    let mut stream = server.connect();
    stream.write_all(&[&long[..], &message(b"1", 1), b"\n"].concat()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    last_words(stream);
    let complaint = server.errors.next();
    assert!(complaint.starts_with("[1] error: after message 2, which is whole, comes a line end (0a) "), "{complaint}");
}

#[test]
fn an_echo_is_not_said_to_be_at_fault_for_what_came() {
    let wrong = message(b"\"caf\xE9 \"", 7);
    for (options, is_said) in [(&["-v"][..], false), (&["-v", "--exec", "--", "cat"], true)] {
        let server = listen(options);
        let mut stream = server.connect();
        stream.write_all(&wrong).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        last_words(stream);
        let lines = std::iter::repeat_with(|| server.output.next()).take_while(|line| !line.contains("has ended"));
        let hints: Vec<_> = lines.filter(|line| line.contains("hint: ")).collect();
        assert!(hints.iter().any(|line| line.starts_with("[1] < ")), "{hints:?}");
        assert_eq!(hints.iter().any(|line| line.starts_with("[1] > ")), is_said, "{hints:?}");
    }
}

#[test]
fn content_in_another_encoding_than_its_header_says_is_shown_with_that() {
    let server = listen(&[]);
    server.connect().write_all(&message(b"\"caf\xE9 \"", 7)).unwrap();
    let hint = "[1] hint: the content is not utf-8, as its header says: byte e9 at offset 4 of it; ";
    server.output.find(|line| line.starts_with(hint));
}

#[test]
fn what_a_peer_says_does_not_act_on_the_terminal() {
    for options in [&[][..], &["-v"], &["--json"]] {
        let server = listen(options);
        client(
            &server,
            r#"
send(b"\x1b[2J\x07\n\xe2\x80\xae", "\x1b]0;x\x07", "utf-8", **{"\x1b[2J": "\x9b\x1b[2J"})
receive()
sock.sendall(b"\x1b[2J")
sock.shutdown(socket.SHUT_WR)
sock.recv(100)
"#,
        );
        let (first, complaint) = (server.output.next(), server.errors.next());
        let lines = [vec![first, complaint], server.output.so_far(), server.errors.so_far()].concat();
        let acts = |character: char| character != '\t' && (character.is_control() || character == '\u{202e}');
        assert!(!lines.iter().any(|line| line.contains(acts)), "{lines:?}");
    }
}

#[test]
fn slow_peers_are_ended() {
    // Each time alone, so that a busy machine cannot have another one come first.
    let complaint = |option: &str, bytes: &[u8]| {
        let server = listen(&[option, "0.3"]);
        let mut stream = server.connect();
        stream.write_all(bytes).unwrap();
        let complaint = server.errors.next();
        drop(stream);
        complaint
    };
    let idle = complaint("--idle-timeout", b"");
    assert_eq!(idle, "[1] error: timed out after 0.3 s waiting for a message");
    let header = complaint("--header-timeout", &message(b"1", 1)[..30]);
    assert!(header.starts_with("[1] error: timed out after 0.3 s waiting for the rest of the header"), "{header}");
    let content = complaint("--rate-window", &message(b"1", 2));
    assert!(content.starts_with("[1] error: timed out after 0.3 s receiving the content of a message"), "{content}");
    // Whoever does not read the answer.
    let answer = complaint("--write-timeout", &message(&vec![b' '; 32 << 20], 32 << 20));
    assert!(answer.starts_with("[1] error: timed out after 0.3 s sending an answer"), "{answer}");
}

#[test]
fn limits_are_kept() {
    let server = listen(&["--max-content", "10", "--max-header", "200", "--max-connections", "1"]);
    let complaint = complaint_about(&server, &message(b"", 11));
    assert!(complaint.ends_with("takes at most 10 (at byte 105); --max-content is 10 bytes"), "{complaint}");
    assert!(complaint_about(&server, &[1, 0, b'{']).contains("takes at most 200"));
    let first = server.connect();
    let mut second = server.connect();
    second.write_all(&message(b"1", 1)).unwrap();
    second.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(second.read(&mut [0]).is_err(), "two are served at a time");
    drop(first);
    second.set_read_timeout(Some(common::PATIENCE)).unwrap();
    second.read_exact(&mut [0]).unwrap();
}

#[test]
fn long_content_takes_no_memory() {
    const LENGTH: u64 = 100 << 20;
    let server = listen(&["--max-content", &LENGTH.to_string()]);
    let script = format!(
        "send(b'', 'x', 'binary', {LENGTH})\nfor _ in range(100): sock.sendall(b'x' * (1 << 20))\n\
         length, = struct.unpack('>H', exactly(2))\nleft = json.loads(exactly(length))['content-length']\n\
         while left: left -= len(sock.recv(min(left, 1 << 20)))\nprint('all')"
    );
    assert_eq!(client(&server, &script), "all\n");
    if let Some(peak) = server.peak_memory() {
        assert!(peak < 40 << 10, "{peak} KiB");
    }
}

#[test]
fn tls_is_spoken() {
    let files = Files::new();
    let server = listen(&certificates::words(&files.of_server()));
    let ca = files.path("ca.pem");
    let script =
        "send(b'x' * 1000000, 'x'); print(len(receive()[1])); sock = sock.unwrap(); print('end', sock.recv(1))";
    assert_eq!(client_with(&server.address.to_string(), script, &[("CA", &ca)]), "1000000\nend b''\n");
    assert!(server.errors.so_far().is_empty());
    let complaint = complaint_about(&server, &message(b"1", 1));
    assert!(complaint.ends_with("; the peer does not speak TLS"), "{complaint}");
}

#[test]
fn a_peer_is_too_late_over_tls_too() {
    let files = Files::new();
    let server = listen(&[&certificates::words(&files.of_server())[..], &["--header-timeout", "0.5"]].concat());
    let (taken, of) = certificates::drip(server.address, &files.path("ca.pem"), &[b'x'; 100]);
    assert!(taken < of, "{taken} of {of} bytes");
    let line = server.errors.next();
    assert!(line.contains("error: timed out after 0.5 s waiting for the rest of the header; "), "{line}");
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_listened_on_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let shown = path.to_str().unwrap();
    // What a server that was killed has left.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut program = Program::spawn(Command::new(JSONFRAME).args(["listen", &format!("unix:{shown}")]));
    assert_eq!(program.output.next(), format!("listening on unix:{shown}"));
    assert_eq!(client_with("", "send(b'[1]'); print(receive()[1])", &[("UNIX", shown)]), "b'[1]'\n");
    // A server that is there is not put aside.
    let taken = common::program(JSONFRAME, &["listen", &format!("unix:{shown}")]).assert().code(1);
    assert!(text(&taken.get_output().stderr).starts_with(&format!("jsonframe: cannot listen on unix:{shown}: ")));
    program.signal("TERM");
    assert_eq!(program.exit_code(), Some(0));
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_cleanly_with_its_processes() {
    for signal in common::ending_signals() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid").to_str().unwrap().to_owned();
        let script = format!("echo $$ > {path}.part; mv {path}.part {path}; sleep 60");
        let mut server = listen(&["--exec", "--", "sh", "-c", &script]);
        let mut stream = server.connect();
        stream.write_all(&message(b"1", 1)).unwrap();
        while fs::metadata(&path).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        server.signal(signal);
        assert_eq!(server.exit_code(), Some(0));
        assert!(is_gone(&fs::read_to_string(path).unwrap()));
    }
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for options in [
        &["--exec"][..],
        &["--", "cat"],
        &["--reply-json", "{"],
        &["--reply-json", "1", "--exec", "--", "cat"],
        &["-v", "--json"],
        &["--max-connections", "0"],
        &["--tls-cert", "x"],
        &["here"],
    ] {
        program(JSONFRAME, &["listen"]).args(options).assert().code(2).stdout("");
    }
    let server = listen(&[]);
    let run = program(JSONFRAME, &["listen", &server.address.to_string()]).assert().code(1).stdout("");
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.starts_with(&format!("jsonframe: cannot listen on {}: ", server.address)), "{complaint}");
}

#[test]
fn it_serves_although_nobody_reads_its_lines() {
    let (mut server, line) = Program::unheard(Command::new(JSONFRAME).args(["listen", "127.0.0.1:0"]), false);
    server.stop_reading();
    let address = line.strip_prefix("listening on ").unwrap();
    assert_eq!(client_with(address, "send(b'[1]'); print(receive()[1])", &[]), "b'[1]'\n");
    assert!(server.is_running());
}
