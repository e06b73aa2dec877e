//! `jsonframe call`, as a process, against servers that are written in Python from the specification.

#[path = "../../tests/certificates/mod.rs"]
mod certificates;
#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/taken/mod.rs"]
mod taken;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::thread;

use certificates::Files;
use common::{Server, program, text};
use jsonframe::Header;
use serde_json::{Value, json};
use taken::taken;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

/// What every server begins with: reading and writing messages as the tutorial's programs do, over one connection.
const PRELUDE: &str = r#"
import json, os, socket, ssl, struct, sys, time
FORM = os.environ.get("FORM", ">H")
if "UNIX" in os.environ:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.environ["UNIX"])
    listener.listen()
    print("listening on 127.0.0.1:1", flush=True)
else:
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
sock, _ = listener.accept()
sock.settimeout(60)
if "CERT" in os.environ:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["CERT"], os.environ["KEY"])
    sock = context.wrap_socket(sock, server_side=True)

def exactly(count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            sys.exit("the client has gone")
        data += piece
    return data

def head():
    length, = struct.unpack(FORM, exactly(struct.calcsize(FORM)))
    return json.loads(exactly(length))

def receive():
    header = head()
    return header, exactly(header["content-length"])

def send_head(length, kind="text/json", encoding="utf-8", **more):
    header = {"byteorder": "little", "content-type": kind, "content-encoding": encoding, "content-length": length, **more}
    header = json.dumps(header, ensure_ascii=False).encode()
    sock.sendall(struct.pack(FORM, len(header)) + header)

def send(content, *kind, **more):
    send_head(len(content), *kind, **more)
    sock.sendall(content)
"#;

/// A server that goes on like this after it has accepted a connection.
fn serve(script: &str) -> Server {
    serve_with(script, &[])
}

fn serve_with(script: &str, environment: &[(&str, &str)]) -> Server {
    let script = format!("{PRELUDE}\n{script}");
    Server::spawn(Command::new("python3").args(["-c", &script]).envs(environment.iter().copied()))
}

fn call(server: &Server, options: &[&str]) -> assert_cmd::Command {
    program(JSONFRAME, &[&["call", &server.address.to_string()], options].concat())
}

/// What a call that fails says, which is one line that begins so.
fn fails(mut call: assert_cmd::Command, beginning: &str) -> String {
    let run = call.assert().code(1).stdout("");
    let complaint = text(&run.get_output().stderr).to_owned();
    assert!(complaint.starts_with(&format!("jsonframe: {beginning}")), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint
}

/// Runs the program on a terminal, for its exit code and what the terminal was sent.
fn on_terminal(arguments: &[&str]) -> (Option<i32>, Vec<u8>) {
    on_terminal_with(arguments, &[])
}

fn on_terminal_with(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, Vec<u8>) {
    const SCRIPT: &str = r"
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
";
    let mut run = program("python3", &["-c", SCRIPT, JSONFRAME]);
    let run =
        run.args(arguments).env_remove("NO_COLOR").env("TERM", "xterm").envs(environment.iter().copied()).assert();
    let output = run.get_output();
    (output.status.code(), output.stdout.clone())
}

#[test]
fn a_request_goes_out_as_pythons_does_and_the_answer_comes_as_it_is() {
    let server = serve(
        r#"
data = sock.recv(4096)
print(data.decode("latin-1"), flush=True)
send(b'{"a":  [1,\n2]}')
"#,
    );
    let request = r#"{"action": "search", "value": "needle"}"#;
    call(&server, &["--json", request]).assert().success().stdout("{\"a\":  [1,\n2]}").stderr("");
    let golden = "\0g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}";
    assert_eq!(server.output.next(), format!("{golden}{request}"));
}

#[test]
fn a_server_like_the_tutorials_answers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tutorial_server.py");
    let server = Server::spawn(Command::new("python3").arg(path));
    let request = r#"{"action": "search", "value": "ring"}"#;
    let answer = r#"{"result": "In the caves beneath the Misty Mountains."}"#;
    call(&server, &["--json", request]).assert().success().stdout(answer).stderr("");
    call(&server, &["--data", "binary or not"]).assert().success().stdout("It begins with binary or ").stderr("");
    // It serves one request on each connection, and ends it.
    let run = call(&server, &["--json", request, "--repeat", "2"]).assert().code(1).stdout(answer);
    assert!(text(&run.get_output().stderr).starts_with(&format!("jsonframe: no answer from {}: ", server.address)));
}

#[test]
fn a_header_has_what_the_options_say() {
    let server = serve("print(json.dumps(receive()[0]), flush=True); send(b'')");
    let options = [
        "--data",
        "caf\u{e9}",
        "--type",
        "text/x",
        "--encoding",
        "latin-1",
        "-H",
        "id=7",
        "-H",
        "who=bob",
        "-H",
        "deep={\"a\": [true, null]}",
    ];
    call(&server, &options).assert().success().stdout("");
    let header: Value = serde_json::from_str(&server.output.next()).unwrap();
    let expected = json!({
        "byteorder": if cfg!(target_endian = "little") { "little" } else { "big" }, "content-type": "text/x",
        "content-encoding": "latin-1", "content-length": 4, "id": 7, "who": "bob", "deep": {"a": [true, null]},
    });
    assert_eq!(header, expected);
}

#[test]
fn the_header_is_shown_with_its_extensions() {
    let server = serve(r#"receive(); send(b"hi", "text/plain", **{"reply-to": 7, "e\x1b[2J": "\x1b]0;x\x07"})"#);
    let shown = "byteorder: \"little\"\ncontent-type: \"text/plain\"\ncontent-encoding: \"utf-8\"\ncontent-length: 2\n\
                 reply-to: 7\n\"e\\u001b[2J\": \"\\u001b]0;x\\u0007\"\n\nhi\n";
    call(&server, &["--json", "1", "-i"]).assert().success().stdout(shown);
}

#[test]
fn without_pipelining_each_request_waits_for_the_answer_to_the_one_before() {
    let server = serve(
        r#"
for _ in range(4):
    _, content = receive()
    sock.settimeout(0.1)
    try:
        content += b" and " + sock.recv(1)
    except TimeoutError:
        pass
    sock.settimeout(60)
    send(content)
"#,
    );
    call(&server, &["--json", "1", "--json", "2", "--repeat", "2"]).assert().success().stdout("1212");
}

#[test]
fn with_pipelining_all_requests_come_before_an_answer() {
    let server = serve("for content in [receive()[1] for _ in range(6)]: send(content)");
    call(&server, &["--json", "1", "--json", "2", "--repeat", "3", "--pipeline"]).assert().success().stdout("121212");
}

#[test]
fn json_lines_have_header_and_content() {
    // With requests unread, the end of the server would reset the connection.
    let server = serve(
        r#"
for _ in range(4): receive()
send(b'{"a": 1e400,\n "b": "\xe2\x80\xae"}', id=[1])
send(b"caf\xe9", "text/plain", "latin-1")
send(b"\0\xff", "x", "binary")
send(b"{", "text/json")
"#,
    );
    // The last answer is cut short.
    let run = call(&server, &["--json", "1", "--repeat", "4", "--pipeline", "--json-lines"]).assert().code(1);
    let lines: Vec<&str> = text(&run.get_output().stdout).lines().collect();
    assert_eq!(
        lines[0],
        r#"{"byteorder":"little","content_type":"text/json","content_encoding":"utf-8","content_length":25,"extensions":{"id":[1]},"json":{"a":1e400,"b":"\u202e"}}"#
    );
    let contents: Vec<Value> = lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&contents[0]["text"], &contents[1]["hex"], &contents[2]["text"]),
        (&json!("café"), &json!("00ff"), &json!("{"))
    );
}

#[test]
fn every_byte_is_annotated_the_request_before_its_answer() {
    let server = serve("receive(); send(b'[2]'); sock.recv(1)");
    let run = call(&server, &["--json", "1", "-v"]).assert().success().stdout("[2]");
    let shown = text(&run.get_output().stderr).to_owned();
    assert!(shown.lines().all(|line| line.starts_with("> ") || line.starts_with("< ")), "{shown}");
    let at = |line: &str| shown.lines().position(|other| other == line).unwrap_or_else(|| panic!("{line} in {shown}"));
    assert!(at(">        104  content, 1 byte, JSON") < at("<        104  content, 3 bytes, JSON"));
}

#[test]
fn dialects_are_spoken() {
    let server = serve_with("receive(); send(b'[2]')", &[("FORM", "<I")]);
    call(&server, &["--json", "1", "--dialect", "u32-le"]).assert().success().stdout("[2]");
    let server = serve_with("FORM = '<H'; receive(); FORM = '>I'; send(b'[2]')", &[]);
    call(&server, &["--json", "1", "--send-dialect", "u16-le", "--dialect", "u32"]).assert().success().stdout("[2]");
}

#[test]
fn a_server_of_another_dialect_is_told_apart() {
    let server = serve("receive(); FORM = '>I'; send(b'[2]')");
    let complaint = fails(call(&server, &["--json", "1"]), &format!("no answer from {}: ", server.address));
    let cause = "the header length has four bytes, and the protocol's has two: struct.pack(\">H\", n) in Python; to accept it \
                 as it is: --dialect u32; the error was: the header length is 0; ";
    assert!(complaint.contains(&format!(": {cause}")), "{complaint}");
}

#[test]
fn a_length_that_counts_characters_is_recognised() {
    let server = serve(r#"receive(); send_head(11); sock.sendall('{"a": "é€"}'.encode()); receive()"#);
    let options = ["--json", "1", "--repeat", "2", "--timeout", "0.5"];
    let run = call(&server, &options).assert().code(1);
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.contains("content-length counts bytes, not characters"), "{complaint}");
}

#[test]
fn an_answer_whose_json_was_cut_is_shown_with_the_likely_cause() {
    let server = serve(r#"receive(); send_head(7); sock.sendall('{"é": 1}'.encode()[:7])"#);
    let hint = format!(
        "jsonframe: hint on the answer from {}: the JSON is cut short; content-length counts bytes, not characters: \
         len(text.encode(\"utf-8\")) in Python, not len(text)\n",
        server.address
    );
    call(&server, &["--json", "1"]).assert().code(1).stdout("{\"é\": ").stderr(hint);
}

#[test]
fn an_answer_that_is_no_json_is_shown_with_that_and_is_faulty() {
    for (content, words) in [
        (r#"{"value": "ring", "#, "the JSON is cut short: is content-length the number of bytes of this content, "),
        (r#"{"value": NaN}"#, "the content has NaN in it, which is no JSON: "),
        (r#"{"a": 1}{"a": 2}"#, "the JSON of the content ends after 8 bytes, and more JSON follows: "),
    ] {
        let server = serve(&format!("receive(); send(b'{content}')"));
        let run = call(&server, &["--json", "1"]).assert().code(1).stdout(content);
        let complaint = text(&run.get_output().stderr);
        let hint = format!("jsonframe: hint on the answer from {}: {words}", server.address);
        assert!(complaint.starts_with(&hint) && complaint.lines().count() == 1, "{complaint}");
    }
    // What is not like JSON may be meant.
    let server = serve("receive(); send(b'it is done')");
    call(&server, &["--json", "1"]).assert().success().stdout("it is done").stderr("");
}

#[test]
fn an_answer_that_ends_too_early_is_said_to_and_how_to_mend_it() {
    let server = serve("receive(); send_head(9); sock.sendall(b'[1, ')");
    let run = call(&server, &["--json", "1"]).assert().code(1).stdout("[1, ");
    let complaint = text(&run.get_output().stderr);
    let expected = format!(
        "jsonframe: no answer from {}: the peer ended its sending before the message was whole: does it send all of it \
         (sendall, not send), and are its lengths right, len(header) and len(content) in Python, of the encoded bytes?; the \
         error was: ",
        server.address
    );
    assert!(complaint.starts_with(&expected), "{complaint}");
}

#[test]
fn an_answer_in_another_encoding_than_its_header_says_is_shown_with_that() {
    let server = serve(r#"receive(); send_head(8); sock.sendall('"caf\u00e9 "'.encode('latin-1') + b' ')"#);
    let run = call(&server, &["--json", "1"]).assert().code(1);
    assert_eq!(run.get_output().stdout, b"\"caf\xE9 \" ");
    let complaint = text(&run.get_output().stderr);
    let hint = format!(
        "jsonframe: hint on the answer from {}: the content is not utf-8, as its header says: ",
        server.address
    );
    assert!(complaint.starts_with(&hint) && complaint.contains("byte e9 at offset 4 of it"), "{complaint}");
}

#[test]
fn what_comes_after_the_last_answer_is_said() {
    let said = |script: &str, options: &[&str]| {
        let server = serve(script);
        let run = call(&server, options).assert().success();
        let hint = format!("jsonframe: hint on the answer from {}: ", server.address);
        let stderr = text(&run.get_output().stderr);
        stderr.lines().map(|line| line.strip_prefix(&hint).unwrap_or(line).to_owned()).collect::<Vec<_>>()
    };
    let once = &["--json", "1"][..];
    let line_end = "after message 1, which is whole, comes a line end (0a) that belongs to no message: do not send b\"\\n\" after it";
    assert_eq!(said("receive(); send(b'1'); sock.sendall(b'\\n')", once), [line_end]);
    // It need not end its direction.
    assert_eq!(said("receive(); send(b'1'); sock.sendall(b'\\n'); time.sleep(60)", once), [line_end]);
    let another = "after it comes another message, which no request asked for: text/plain, utf-8, 2 bytes";
    assert_eq!(said("receive(); send(b'1'); send(b'22', 'text/plain')", once), [another]);
    let no_message = "after it comes what is no message, 3 bytes: b\"bye\"";
    assert_eq!(said("receive(); send(b'1'); sock.sendall(b'bye')", once), [no_message]);
    assert_eq!(said("receive(); send(b'1'); send(b'2')", &["--json", "1", "--json", "2", "--pipeline"]), [""; 0]);
    for script in ["receive(); send(b'1')", "receive(); send(b'1'); time.sleep(60)", "receive(); send(b'1'); receive()"]
    {
        assert_eq!(said(script, once), [""; 0], "{script}");
    }
    let files = Files::new();
    let environment = [("CERT", files.path("server.pem")), ("KEY", files.path("server.key"))];
    let environment = environment.each_ref().map(|(name, path)| (*name, &**path));
    let server =
        serve_with("receive(); send(b'1'); sock.sendall(b'\\n'); print(sock.recv(1), flush=True)", &environment);
    let mut over_tls = call(&server, &["--json", "1", "--tls-ca", &files.path("ca.pem"), "--tls-name", "localhost"]);
    let run = over_tls.assert().success();
    assert!(text(&run.get_output().stderr).ends_with(&format!("{line_end}\n")));
    assert_eq!(server.output.next(), "b''");
}

#[test]
fn a_time_out_after_an_answer_that_was_cut_is_said() {
    // Nothing comes after it.
    let script = r#"receive(); send_head(7); sock.sendall('{"é": 1}'.encode()[:7]); time.sleep(60)"#;
    let server = serve(script);
    let run = call(&server, &["--json", "1", "--repeat", "2", "--timeout", "0.3"]).assert().code(1);
    let complaint = text(&run.get_output().stderr).lines().last().unwrap().to_owned();
    let late = format!("timed out after 0.3 s waiting for the answer from {}", server.address);
    assert!(complaint.starts_with(&format!("jsonframe: {late}")), "{complaint}");
    // The rest of it does.
    let server = serve(r#"receive(); send_head(8); sock.sendall('{"é": 1}'.encode()); time.sleep(60)"#);
    let run = call(&server, &["--json", "1", "--repeat", "2", "--timeout", "0.3"]).assert().code(1);
    let complaint = text(&run.get_output().stderr).lines().last().unwrap().to_owned();
    let late = format!("timed out after 0.3 s waiting for the answer from {}", server.address);
    assert!(
        complaint.contains("this is the rest of a content that was cut short") && complaint.contains(&late),
        "{complaint}"
    );
}

#[test]
fn another_protocol_is_named() {
    for (script, name) in [
        ("sock.sendall(b'SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n'); time.sleep(60)", "SSH"),
        ("sock.sendall(b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n')", "HTTP"),
        ("sock.sendall(b'220 mail.example.org ESMTP\\r\\n'); time.sleep(60)", "SMTP or FTP"),
        ("sock.sendall(b'\\x15\\x03\\x01\\x00\\x02\\x02\\x46')", "TLS"),
    ] {
        let server = serve(script);
        let complaint = fails(call(&server, &["--json", "1"]), &format!("no answer from {}: ", server.address));
        assert!(complaint.contains(&format!("which looks like {name}")), "{complaint}");
        let is_text = complaint.contains(": this is text, not messages: \"");
        assert_eq!(is_text, name != "TLS", "{complaint}");
    }
}

#[test]
fn a_server_of_http_that_waits_for_the_end_of_a_line_is_heard() {
    const SERVER: &str = r#"
import http.server
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print("listening on 127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
"#;
    let server = Server::spawn(Command::new("python3").args(["-c", SERVER]));
    let beginning = format!("timed out after 0.3 s waiting for the answer from {}; ", server.address);
    let complaint = fails(call(&server, &["--json", "1", "--timeout", "0.3"]), &beginning);
    assert!(complaint.contains("HTTP"), "{complaint}");
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let server = serve("receive(); sock.sendall(b'\\0'); time.sleep(60)");
    let beginning = |server: &Server| format!("timed out after 0.3 s waiting for the answer from {}", server.address);
    let complaint = fails(call(&server, &["--json", "1", "--timeout", "0.3"]), &beginning(&server));
    assert!(complaint.contains("1 byte had come: b\"\\x00\""), "{complaint}");

    let server = serve("receive(); sock.sendall(b'\\0\\x60{\"byteorder\":'); time.sleep(60)");
    let complaint = fails(call(&server, &["--json", "1", "--timeout", "0.3"]), &beginning(&server));
    let header =
        "; 13 of the 96 bytes of the answer's header came in that time: does it send all of it (sendall, not send)?\n";
    assert!(complaint.ends_with(header), "{complaint}");

    let server = serve("receive(); send_head(5); sock.sendall(b'1'); time.sleep(60)");
    let run = call(&server, &["--json", "1", "--timeout", "0.3"]).assert().code(1).stdout("1");
    let complaint = text(&run.get_output().stderr);
    let expected = format!(
        "jsonframe: timed out after 0.3 s receiving the answer from {}; 1 of the 5 bytes of the answer's content came, then \
         nothing: does it send all of it (sendall, not send)?\n",
        server.address
    );
    assert_eq!(complaint, expected);

    let server = serve("time.sleep(60)");
    let zeros = vec![0; 32 << 20];
    let mut call = call(&server, &["--data", "-", "--timeout", "0.3"]);
    call.write_stdin(zeros);
    fails(call, &format!("timed out after 0.3 s sending a request to {}", server.address));
}

#[test]
fn an_answer_is_due_when_its_request_has_been_sent() {
    // The server takes longer for the request than an answer may take.
    let server = serve(
        "header = head()\nfor _ in range(8):\n    exactly(header['content-length'] // 8)\n    time.sleep(0.3)\nsend(b'1')",
    );
    let mut call = call(&server, &["--data", "-", "--timeout", "2"]);
    call.write_stdin(vec![0; 32 << 20]).assert().success().stdout("1");
}

#[test]
fn a_server_that_waits_for_the_end_is_told_apart() {
    let server = serve("data = sock.recv(4096)\nwhile piece := sock.recv(4096): data += piece\nsend(b'1')");
    let complaint = fails(call(&server, &["--json", "1", "--timeout", "0.3"]), "timed out after 0.3 s ");
    assert!(complaint.contains("does it wait for the end of the stream?"), "{complaint}");
    // Lines come to an end then too, and a content may end with one.
    assert!(complaint.contains("Or for that of a line (readline)"), "{complaint}");
    let server = serve("length = len(sock.makefile('rb').readline())\nsend(b'%d' % length)");
    call(&server, &["--data", "[1]\n", "--type", "text/json"]).assert().success();
}

#[test]
fn a_server_that_closes_after_an_answer_is_told_apart() {
    const SERVES_ONE: &str = "it may serve only one request per connection (no loop around recv)";
    for (times, why) in [(1, format!(": {SERVES_ONE}, or have failed at ")), (2, "; a server does that ".into())] {
        let server = serve(&format!("for _ in range({times}): receive(); send(b'1')\nsock.close()"));
        let run = call(&server, &["--json", "1", "--repeat", "3"]).assert().code(1);
        let said = text(&run.get_output().stderr);
        let expected = format!(
            "jsonframe: no answer from {}: it answered {times} of 3 requests and closed the connection{why}",
            server.address
        );
        assert!(said.starts_with(&expected), "{said}");
    }
    let server = serve("receive(); send(b'1')");
    let run = call(&server, &["--json", "1", "-v"]).assert().success();
    let said = text(&run.get_output().stderr);
    let note = "ended the connection by itself after its answer: ";
    assert!(said.contains(&format!("jsonframe: note: {} {note}{SERVES_ONE}\n", server.address)), "{said}");
    // One that goes on is not told so, nor is anything said without -v.
    for (script, options) in [("receive(); send(b'1'); sock.recv(1)", &["-v"][..]), ("receive(); send(b'1')", &[])] {
        let server = serve(script);
        let run = call(&server, &[&["--json", "1"], options].concat()).assert().success();
        assert!(!text(&run.get_output().stderr).contains("note: "), "{script}");
    }
}

#[test]
fn an_answer_that_stays_in_a_buffer_is_told_and_shown_after_the_end_of_the_requests() {
    // The buffer is written when the server ends.
    let server = serve(
        "receive(); plain, sock = sock, sock.makefile('wb'); sock.sendall = sock.write; send(b'1'); plain.recv(1); sock.close()",
    );
    let run = call(&server, &["--json", "1", "--timeout", "0.3", "-v"]).assert().code(1);
    let shown = text(&run.get_output().stderr);
    let complaint = shown.lines().last().unwrap();
    let flush = "; it answers only after the end of the requests: does it keep the answer in a buffer? Then flush it \
                 (wfile.flush() in Python). Or ";
    assert!(complaint.contains(flush), "{shown}");
    let at = |line: &str| shown.find(line).unwrap_or_else(|| panic!("{line} in {shown}"));
    assert!(at("  end of the stream, 1 message\n") < at("< message 1\n"), "{shown}");
    assert_eq!(shown.matches("> message 1\n").count(), 1, "{shown}");
}

#[test]
fn what_a_silent_server_does_when_nothing_more_is_sent_is_said() {
    for script in [
        // It reads the header length in the other byte order, and so waits for more.
        "exactly(2); exactly(int.from_bytes(b'g\\0', 'big'))",
        // It takes all that has come for the header, and waits for a content that it has had.
        "sock.recv(4096); exactly(1)",
    ] {
        let server = serve(script);
        let complaint = fails(call(&server, &["--json", "1", "--timeout", "0.3"]), "timed out after 0.3 s ");
        assert!(
            complaint.ends_with(
                "; it closed the connection after the end of the requests, so it was waiting for more: perhaps it drops what \
                 one recv takes beyond the header (keep that in a buffer), or reads the header length differently; try \
                 --dialect u16-le or --dialect u32\n"
            ),
            "{complaint}"
        );
    }

    let server = serve("time.sleep(60)");
    let complaint = fails(call(&server, &["--json", "1", "--timeout", "0.3"]), "timed out after 0.3 s ");
    assert!(
        complaint.ends_with(
            "; it has taken the connection, and neither answers nor closes it, not even after the end of the requests: it may \
             still wait for bytes and ignore that end, be busy, or never send its answer; put a print before its sendall\n"
        ),
        "{complaint}"
    );

    let server = serve("exactly(2); exactly(int.from_bytes(b'g\\0', 'big'))");
    let options = ["--json", "1", "--timeout", "0.3", "--send-dialect", "u16-le"];
    let complaint = fails(call(&server, &options), "timed out after 0.3 s ");
    assert!(complaint.ends_with(", or reads the header length differently\n"), "{complaint}");
}

#[test]
fn the_end_of_a_stream_is_shown_only_where_the_peer_ended_it() {
    for (script, end) in [
        ("time.sleep(60)", "<          0  nothing has come, 0 messages"),
        ("receive()", "<          0  end of the stream, 0 messages"),
        ("receive(); send(b'[2]'); time.sleep(60)", "  nothing more has come, 1 message"),
    ] {
        let server = serve(script);
        let run = call(&server, &["--json", "1", "--timeout", "0.3", "-v"]).assert();
        let shown = text(&run.get_output().stderr);
        let is_there = |mark: char, end: &str| shown.lines().any(|line| line.starts_with(mark) && line.ends_with(end));
        assert!(is_there('<', end) && is_there('>', "  end of the stream, 1 message"), "{shown}");
    }
}

#[test]
fn no_answer_and_no_server_are_failures_that_name_the_address() {
    let server = serve("receive(); sock.close()");
    let closed = format!("no answer from {}: it closed the connection without one; a server does that", server.address);
    fails(call(&server, &["--json", "1"]), &closed);

    // It is closed while there is something to read.
    let server = serve("sock.recv(1); sock.close()");
    let complaint = fails(call(&server, &["--json", "1"]), &format!("no answer from {}: ", server.address));
    assert!(
        complaint.ends_with(
            "; a server does that when it fails at a request, or never sends its answer: see what it prints, and if that is \
             no error, whether it reaches its sendall\n"
        ),
        "{complaint}"
    );

    let server = serve("receive(); send_head(3); sock.sendall(b'1')");
    let run = call(&server, &["--json", "1"]).assert().code(1);
    let complaint = text(&run.get_output().stderr);
    assert!(complaint.starts_with(&format!("jsonframe: no answer from {}: ", server.address)), "{complaint}");

    let (_kept, address) = taken();
    for options in [&[][..], &["-v"]] {
        let mut call = program(JSONFRAME, &["call", &address.to_string(), "--json", "1"]);
        call.args(options);
        let complaint = fails(call, &format!("cannot connect to {address}: "));
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn an_answer_that_comes_before_the_request_is_whole_is_an_answer() {
    let server = serve("head(); send(b'[\"too much\"]'); time.sleep(60)");
    let mut call = call(&server, &["--data", "-"]);
    call.write_stdin(vec![0; 32 << 20]).assert().success().stdout("[\"too much\"]");
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for options in [
        &["--json", "{"][..],
        &[],
        &["--json", "1", "--data", "1"],
        &["--json", "1", "-H", "id"],
        &["--json", "1", "-H", "content-length=3"],
        &["--json", "1", "-i", "--json-lines"],
        &["--json", "1", "--repeat", "0"],
        &["--json", "1", "--dialect", "u64"],
        &["--data", "@"],
    ] {
        program(JSONFRAME, &["call", "127.0.0.1:1"]).args(options).assert().code(2).stdout("");
    }
    let run = program(JSONFRAME, &["call", "127.0.0.1:1", "--data", "@/nonexistent"]).assert().code(1);
    assert!(text(&run.get_output().stderr).starts_with("jsonframe: /nonexistent: "));
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_reached() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket").to_str().unwrap().to_owned();
    let _server = serve_with("send(receive()[1])", &[("UNIX", &path)]);
    program(JSONFRAME, &["call", &format!("unix:{path}"), "--json", "[1]"]).assert().success().stdout("[1]");
}

/// Sends back what comes as it comes, so that a client that does not read while it sends gets nowhere.
const STREAMING_ECHO: &str = r#"
header = head()
left = header["content-length"]
send_head(left, header["content-type"], header["content-encoding"])
while left:
    piece = sock.recv(min(left, 1 << 20))
    sock.sendall(piece)
    left -= len(piece)
"#;

/// How long that content is, in bytes: more than the memory allowed.
const LONG: usize = 100 << 20;

/// Runs a program whose answers go to a file, and returns how much memory it took at the most, in KiB.
fn peak_memory(arguments: &[&str]) -> u64 {
    const SCRIPT: &str = r"
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
";
    let run = program("python3", &["-c", SCRIPT, JSONFRAME]).args(arguments).assert().success();
    text(&run.get_output().stdout).trim().parse().unwrap()
}

#[test]
fn long_content_streams_both_ways_in_constant_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name).to_str().unwrap().to_owned();
    let content: Vec<u8> = (0..LONG).map(|index| (index / 1021).to_le_bytes()[0]).collect();
    fs::write(path("sent"), &content).unwrap();
    let server = serve(STREAMING_ECHO);
    let address = server.address.to_string();
    let options = ["call", &address, "--data", &format!("@{}", path("sent")), "-o", &path("received")];
    let peak = peak_memory(&options);
    assert!(fs::read(path("received")).unwrap() == content);
    assert!(peak < 40 << 10, "{peak} KiB");
}

#[test]
fn over_tls_content_streams_both_ways_too() {
    let files = Files::new();
    let environment = [("CERT", &*files.path("server.pem")), ("KEY", &*files.path("server.key"))];
    let content: Vec<u8> = (0..16 << 20).map(|index: usize| (index / 1021).to_le_bytes()[0]).collect();
    let server = serve_with(&format!("{STREAMING_ECHO}\nprint('end', sock.recv(1))"), &environment);
    let ca = files.path("ca.pem");
    let tls = ["--tls-ca", &ca, "--tls-name", "localhost"];
    let mut sent = call(&server, &[&["--data", "-"], &tls[..]].concat());
    let run = sent.write_stdin(content.clone()).assert().success().stderr("");
    assert!(run.get_output().stdout == content);
    // That it was the end is said, too.
    assert_eq!(server.output.next(), "end b''");

    let server = serve_with("receive()", &environment);
    let other = files.path("other-ca.pem");
    let call = call(&server, &["--json", "1", "--tls-ca", &other, "--tls-name", "localhost"]);
    fails(call, &format!("no TLS with {}: ", server.address));
}

/// An answer of this content, and how to ask a server for it that was made by [`certificates`].
fn over_tls(files: &Files, content: &str) -> ([Vec<u8>; 2], impl Fn(SocketAddr) -> assert_cmd::Command + use<>) {
    let content = content.as_bytes().to_vec();
    let head = Header::for_json(content.len() as u64).encode(&mut [0; 1000]).unwrap().to_vec();
    let ca = files.path("ca.pem");
    let call = move |server: SocketAddr| {
        let words = ["--json", "1", "--timeout", "0.5", "--tls-ca", &ca, "--tls-name", "localhost"];
        program(JSONFRAME, &[&["call", &server.to_string()], &words[..]].concat())
    };
    ([head, content], call)
}

#[test]
fn a_server_that_sends_a_record_of_tls_byte_by_byte_is_too_late() {
    let files = Files::new();
    let ([head, content], call) = over_tls(&files, "[1]");
    let (server, drips) = certificates::dripping_server(&files, [Vec::new(), [head, content].concat()], 1);
    fails(call(server), &format!("timed out after 0.5 s waiting for the answer from {server}"));
    let (taken, of) = drips.join().unwrap();
    assert!(taken < of, "{taken} of {of} bytes");

    let (server, drips) = certificates::dripping_handshake();
    fails(call(server), &format!("no TLS with {server}: timed out after 0.5 s"));
    let (taken, of) = drips.join().unwrap();
    assert!(taken < of, "{taken} of {of} bytes");
}

#[test]
fn content_that_moves_is_not_too_late_though_its_record_of_tls_takes_longer() {
    let files = Files::new();
    let content = format!("{:?}", "x".repeat(2000));
    let (answer, call) = over_tls(&files, &content);
    let (server, drips) = certificates::dripping_server(&files, answer, 100);
    let run = call(server).assert().success().stderr("");
    assert_eq!(text(&run.get_output().stdout).trim_end(), content);
    let (taken, of) = drips.join().unwrap();
    assert_eq!(taken, of);
}

#[test]
fn what_a_peer_says_does_not_act_on_a_terminal() {
    let server = serve(r#"receive(); send(b'{"a": "\xe2\x80\xae\xc2\x9b2J", "b": 1}')"#);
    let (code, shown) = on_terminal(&["call", &server.address.to_string(), "--json", "1"]);
    assert_eq!(code, Some(0));
    assert_eq!(text(&shown), "{\r\n  \"a\": \"\\u{202e}\\u{9b}2J\",\r\n  \"b\": 1\r\n}\r\n");

    let server = serve(r#"receive(); send(b"one\n\x1b[2J\x1b]0;x\x07two\r\n", "text/\x1b[2J", id="\x1b[2J")"#);
    let (code, shown) = on_terminal(&["call", &server.address.to_string(), "--json", "1", "-i", "-v"]);
    assert_eq!(code, Some(0));
    // The program's own colours begin so, and clear nothing.
    let shown = text(&shown);
    assert!(shown.contains("one\r\n\\u{1b}[2J\\u{1b}]0;x\\u{7}two\\r\r\n"), "{shown:?}");
    assert!(!shown.contains("\x1b[2J") && !shown.contains("\x1b]") && !shown.contains('\x07'), "{shown:?}");
}

#[test]
fn a_line_of_stderr_does_not_go_on_with_one_of_content_on_a_terminal() {
    let server = serve(r#"receive(); send_head(7); sock.sendall('{"é": 1}'.encode()[:7])"#);
    let (code, shown) = on_terminal(&["call", &server.address.to_string(), "--json", "1", "-o", "-"]);
    assert_eq!(code, Some(1));
    assert!(text(&shown).starts_with("{\"é\": \r\njsonframe: hint on the answer "), "{}", text(&shown));

    let server = serve("receive(); send_head(5, 'text/plain'); sock.sendall(b'one'); time.sleep(60)");
    let words = ["call", &server.address.to_string(), "--json", "1", "--timeout", "0.3"];
    let (code, shown) = on_terminal(&words);
    assert_eq!(code, Some(1));
    assert!(text(&shown).starts_with("one\r\njsonframe: timed out "), "{}", text(&shown));
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    for (environment, expected) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let server = serve("receive(); send(b'2')");
        let (_, shown) = on_terminal_with(&["call", &server.address.to_string(), "--json", "1", "-v"], environment);
        assert_eq!(shown.contains(&0x1B), expected, "{}", shown.escape_ascii());
    }
}

#[test]
fn a_terminal_gets_no_binary_content_unless_it_is_told_to() {
    let binary = r#"receive(); send(b"\0\x1b[2J", "image/png", "binary")"#;
    let server = serve(binary);
    let (code, shown) = on_terminal(&["call", &server.address.to_string(), "--json", "1"]);
    assert_eq!(code, Some(1));
    let refused = "jsonframe: the answer is not text (5 bytes of image/png) and is not written to a terminal; to keep it, use \
                   --output FILE\r\n";
    assert_eq!(text(&shown), refused);

    let server = serve(r#"receive(); send(b'"caf\xe9"')"#);
    let (code, shown) = on_terminal(&["call", &server.address.to_string(), "--json", "1"]);
    assert_eq!(code, Some(1));
    let refused = "jsonframe: the content is not utf-8, as its header says: byte e9 at offset 4 of it; ";
    assert!(text(&shown).starts_with(refused), "{}", text(&shown));
    assert!(
        text(&shown).contains("; the answer (6 bytes of text/json) is not written to a terminal"),
        "{}",
        text(&shown)
    );

    let server = serve(binary);
    let (code, shown) = on_terminal(&["call", &server.address.to_string(), "--json", "1", "-o", "-"]);
    assert_eq!((code, &*shown), (Some(0), &b"\0\x1b[2J"[..]));

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("answer").to_str().unwrap().to_owned();
    let server = serve(binary);
    let (code, shown) = on_terminal(&["call", &server.address.to_string(), "--json", "1", "-o", &path]);
    assert_eq!((code, &*shown, fs::read(path).unwrap()), (Some(0), &b""[..], b"\0\x1b[2J".to_vec()));
}

#[test]
fn a_call_that_takes_long_shows_how_far_it_is() {
    const SCRIPT: &str = r#"
import os, pty, subprocess, sys
ours, its = pty.openpty()
program = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=its)
os.close(its)
shown = b""
try:
    while piece := os.read(ours, 4096):
        shown += piece
except OSError:
    pass
print(program.wait(), shown)
"#;
    let server = serve(
        "receive(); send_head(2000, 'x', 'binary')\nfor _ in range(20): sock.sendall(b'x' * 100); time.sleep(0.08)",
    );
    let mut run = program("python3", &["-c", SCRIPT, JSONFRAME, "call", &server.address.to_string(), "--json", "1"]);
    let run = run.assert().success();
    let shown = text(&run.get_output().stdout);
    assert!(shown.starts_with("0 b") && shown.contains("receiving [=") && shown.contains(" of 1.95 KiB"), "{shown}");
}

#[test]
fn a_file_is_left_alone_until_there_is_an_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("answer").to_str().unwrap().to_owned();
    fs::write(&path, "as it was").unwrap();
    let server = serve("receive()");
    call(&server, &["--json", "1", "-o", &path]).assert().code(1);
    assert_eq!(fs::read_to_string(&path).unwrap(), "as it was");
    let server = serve("receive(); send(b'2')");
    call(&server, &["--json", "1", "-o", &path]).assert().success().stdout("");
    assert_eq!(fs::read_to_string(&path).unwrap(), "2");

    let server = serve("receive(); send(b'2')");
    let nowhere = directory.path().join("none/answer").to_str().unwrap().to_owned();
    let failed = call(&server, &["--json", "1", "-o", &nowhere]).assert().code(1);
    assert!(text(&failed.get_output().stderr).contains(&nowhere));
}

#[test]
fn whoever_has_read_enough_is_left_quietly() {
    let server = serve("receive(); send(b'x' * (8 << 20), 'x', 'binary')");
    let words = ["call", &server.address.to_string(), "--json", "1"];
    let mut child = Command::new(JSONFRAME).args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 10]).unwrap();
    drop(output);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(141), ""));
}

#[cfg(unix)]
#[test]
fn an_interruption_ends_the_program_as_the_signal_does() {
    use std::os::unix::process::ExitStatusExt;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut child = Command::new(JSONFRAME).args(["call", &address, "--json", "1"]).spawn().unwrap();
    let mut stream = common::accept(&listener);
    stream.read_exact(&mut [0; 2]).unwrap();
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn nothing_is_sent_before_standard_input_has_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut child = Command::new(JSONFRAME)
        .args(["call", &address, "--data", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"first, ").unwrap();
    let writer = thread::spawn(move || input.write_all(b"second"));
    writer.join().unwrap().unwrap();
    let mut request = Vec::new();
    let mut stream = common::accept(&listener);
    while !request.ends_with(b"\"content-length\": 13}first, second") {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{}", request.escape_ascii());
        request.extend_from_slice(&piece[..count]);
    }
    drop(stream);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
