//! What stands between two programs, as a program, with peers in Python that are written as the tutorial's are.

#[path = "../../tests/certificates/mod.rs"]
mod certificates;
#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::io::{Read, Write};
use std::iter;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use certificates::{Files, words};
use common::{PATIENCE, Program, Server, accept, last_words, program, text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use socket2::SockRef;
use tempfile::TempDir;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

/// A client and a server with `socket`, `struct` and `json` alone: `peer.py server` says where it listens and answers each
/// request of each connection; `peer.py client PORT` sends requests and prints the answers. With a certificate the server
/// speaks TLS, and asks for one if there is an authority besides; the client does with an authority in `CA`.
const PEER: &str = r#"
import json, os, socket, ssl, struct, sys

def message(value, wrong=0):
    content = json.dumps(value, ensure_ascii=False).encode("utf-8")
    header = {"byteorder": sys.byteorder, "content-type": "text/json", "content-encoding": "utf-8",
              "content-length": len(content) - wrong}
    header = json.dumps(header, ensure_ascii=False).encode("utf-8")
    return struct.pack(">H", len(header)) + header + content

def exactly(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data

def receive(sock):
    length = exactly(sock, 2)
    if length is None:
        return None
    header = json.loads(exactly(sock, struct.unpack(">H", length)[0]))
    return json.loads(exactly(sock, header["content-length"]))

if sys.argv[1] == "server":
    if sys.argv[2].startswith("/"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[2])
        listener.listen()
        print("listening on 127.0.0.1:1", flush=True)
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    context = None
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
        if len(sys.argv) > 5:
            context.load_verify_locations(sys.argv[5])
            context.verify_mode = ssl.CERT_REQUIRED
    while True:
        sock, _ = listener.accept()
        with sock:
            try:
                if context:
                    sock = context.wrap_socket(sock, server_side=True)
                while (request := receive(sock)) is not None:
                    sock.sendall(message({"you said": request}))
                if context:
                    sock.unwrap()
            except OSError as error:
                print(error, flush=True)
else:
    where = sys.argv[2]
    if where.startswith("/"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(where)
    else:
        sock = socket.create_connection(("127.0.0.1", int(where)))
    if "CA" in os.environ:
        sock = ssl.create_default_context(cafile=os.environ["CA"]).wrap_socket(sock, server_hostname="localhost")
    for request in sys.argv[3:]:
        sock.sendall(message(request))
        print(json.dumps(receive(sock), ensure_ascii=False))
    if "CA" in os.environ:
        sock.unwrap()
        print("end")
    else:
        sock.shutdown(socket.SHUT_WR)
        print("end" if sock.recv(1) == b"" else "more")
"#;

/// The script in a file, in a folder that is there for as long as this.
struct Peers(TempDir);

impl Peers {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("peer.py"), PEER).unwrap();
        Self(folder)
    }

    fn script(&self) -> String {
        self.path("peer.py")
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn server(&self, more: &[&str]) -> Server {
        Server::spawn(Command::new("python3").args([&self.script(), "server"]).args(more))
    }

    /// What a client prints that sends these texts there.
    fn client(&self, place: &str, requests: &[&str]) -> String {
        Self::said(program("python3", &[&self.script(), "client", place]).args(requests))
    }

    /// The same over TLS, with whom this authority has certified.
    fn tls_client(&self, tap: &Server, ca: &str, requests: &[&str]) -> String {
        let place = tap.address.port().to_string();
        Self::said(program("python3", &[&self.script(), "client", &place]).args(requests).env("CA", ca))
    }

    fn said(client: &mut assert_cmd::Command) -> String {
        text(&client.assert().success().stderr("").get_output().stdout).to_owned()
    }
}

fn tap(to: &str, more: &[&str]) -> Server {
    Server::spawn(Command::new(JSONFRAME).args(["tap", "--listen", "127.0.0.1:0", "--to", to]).args(more))
}

/// A tap that writes JSON.
fn json_tap(to: &str, more: &[&str]) -> Server {
    let program = Program::spawn(
        Command::new(JSONFRAME).args(["tap", "--listen", "127.0.0.1:0", "--json", "--to", to]).args(more),
    );
    let first: Value = serde_json::from_str(&program.output.next()).unwrap();
    let line = format!("listening on {}", first["address"].as_str().unwrap());
    Server::announced_in(program, &line)
}

/// The next line that has this event.
fn event(tap: &Server, name: &str) -> Value {
    let line = tap.output.find(|line| line.contains(&format!("\"event\":\"{name}\"")));
    serde_json::from_str(&line).unwrap()
}

/// The line without the time it begins with, whose form is checked.
fn without_time(line: &str) -> &str {
    let (time, rest) = line.split_at(12);
    assert!(time.len() == 12 && time.as_bytes()[2] == b':' && time.as_bytes()[8] == b'.', "{line}");
    rest.trim_start()
}

fn has_python() -> bool {
    let is_there = Command::new("python3").arg("--version").output().is_ok();
    assert!(is_there || std::env::var_os("CI").is_none(), "python3 is missing");
    is_there
}

#[test]
fn every_message_of_both_directions_is_shown_and_kept() {
    if !has_python() {
        return;
    }
    let peers = Peers::new();
    let server = peers.server(&["0"]);
    let captures = peers.path("captures");
    let tap = tap(&server.address.to_string(), &["--write", &captures]);
    let said = peers.client(&tap.address.port().to_string(), &["ring", "🐶"]);
    assert_eq!(said, "{\"you said\": \"ring\"}\n{\"you said\": \"🐶\"}\nend\n");
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.contains("closed")) {
        lines.push(without_time(&tap.output.next()).to_owned());
    }
    assert!(lines[0].starts_with("#1 -- open: 127.0.0.1:"), "{lines:?}");
    let of = |arrow: &str| lines.iter().filter_map(|line| line.strip_prefix(arrow)).collect::<Vec<_>>();
    assert_eq!(
        of("#1 -> "),
        [
            "message 1: 104 + 6 bytes, text/json, utf-8",
            "  \"ring\"",
            "message 2: 104 + 6 bytes, text/json, utf-8",
            "  \"🐶\""
        ]
    );
    assert_eq!(
        of("#1 <- "),
        [
            "message 1: 105 + 20 bytes, text/json, utf-8",
            "  {\"you said\": \"ring\"}",
            "message 2: 105 + 20 bytes, text/json, utf-8",
            "  {\"you said\": \"🐶\"}"
        ]
    );
    assert_eq!(lines.last().unwrap(), "#1 -- closed: -> 2 messages, 220 bytes; <- 2 messages, 250 bytes");
    let mut names: Vec<_> =
        fs::read_dir(&captures).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names[0].ends_with("-0001-to-client.bin") && names[1].ends_with("-0001-to-server.bin"), "{names:?}");
    for (name, bytes) in names.iter().zip(["250", "220"]) {
        let path = Path::new(&captures).join(name);
        let run = program(JSONFRAME, &["inspect", path.to_str().unwrap()]).assert().success();
        let output = text(&run.get_output().stdout);
        assert!(output.ends_with(&format!("{bytes}  end of the stream, 2 messages\n")), "{output}");
    }
    #[cfg(unix)]
    if let Some(signal) = common::ending_signals().last() {
        let mut tap = tap;
        tap.signal(signal);
        assert_eq!(tap.output.rest(), ["connections: 1, whole messages: 4, faults: 0, bytes: 470"]);
        assert_eq!((tap.errors.rest(), tap.exit_code()), (vec![], Some(0)));
    }
}

#[test]
fn json_lines_are_those_of_inspect_with_time_connection_and_direction() {
    if !has_python() {
        return;
    }
    let peers = Peers::new();
    let server = peers.server(&["0"]);
    let captures = peers.path("captures");
    let tap = json_tap(&server.address.to_string(), &["--write", &captures]);
    peers.client(&tap.address.port().to_string(), &["ring"]);
    let mut events: Vec<Value> = Vec::new();
    while events.last().is_none_or(|event| event["event"] != "close") {
        events.push(serde_json::from_str(&tap.output.next()).unwrap());
    }
    for event in &mut events {
        let time = event["time"].as_str().unwrap();
        assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
        assert_eq!(event["connection"], 1);
        for member in ["time", "connection"] {
            event.as_object_mut().unwrap().remove(member);
        }
    }
    for direction in ["to-server", "to-client"] {
        let of_tap: Vec<Value> = events
            .iter()
            .filter(|event| event["direction"] == direction)
            .map(|event| {
                let mut event = event.clone();
                event.as_object_mut().unwrap().remove("direction");
                event
            })
            .collect();
        let file = fs::read_dir(&captures).unwrap().map(|entry| entry.unwrap().path());
        let file = file.into_iter().find(|path| path.to_str().unwrap().contains(direction)).unwrap();
        let run = program(JSONFRAME, &["inspect", "--json", file.to_str().unwrap()]).assert().success();
        let of_inspect: Vec<Value> =
            text(&run.get_output().stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(of_tap, of_inspect);
        assert_eq!(of_tap.len(), 3);
    }
    let close = events.last().unwrap();
    assert_eq!(close["to-server"], json!({"bytes": 110, "messages": 1, "unseen": 0}));
}

#[test]
fn the_server_may_speak_tls_and_both_ends_be_unix_sockets() {
    if !has_python() {
        return;
    }
    let (peers, files) = (Peers::new(), Files::new());
    let server = peers.server(&["0", &files.path("server.pem"), &files.path("server.key")]);
    let to = format!("localhost:{}", server.address.port());
    let ca = files.path("ca.pem");
    let over_tls = tap(&to, &["--tls-ca", &ca]);
    let long = "ü".repeat(60_000);
    let said = peers.client(&over_tls.address.port().to_string(), &["ring", &long]);
    assert_eq!(said, format!("{{\"you said\": \"ring\"}}\n{{\"you said\": \"{long}\"}}\nend\n"));
    over_tls.output.find(|line| line.ends_with("closed: -> 2 messages, 120221 bytes; <- 2 messages, 120250 bytes"));
    // Whom the tap does not trust it does not speak to, and it says why.
    let untrusted = tap(&to, &["--tls-ca", &files.path("other-ca.pem")]);
    assert_eq!(last_words(untrusted.connect()), b"");
    untrusted.output.find(|line| line.contains("reset: the server: invalid peer certificate: UnknownIssuer"));
    drop(server);

    #[cfg(unix)]
    {
        let (inner, outer) = (peers.path("inner.sock"), peers.path("outer.sock"));
        let _server = peers.server(&[&inner]);
        let listen = format!("unix:{outer}");
        let mut tap = Program::spawn(Command::new(JSONFRAME).args([
            "tap",
            "--listen",
            &listen,
            "--to",
            &format!("unix:{inner}"),
        ]));
        assert_eq!(tap.output.next(), format!("listening on {listen}"));
        assert_eq!(peers.client(&outer, &["ring"]), "{\"you said\": \"ring\"}\nend\n");
        tap.output.find(|line| line.ends_with("closed: -> 1 message, 110 bytes; <- 1 message, 125 bytes"));
        if let Some(signal) = common::ending_signals().last() {
            tap.signal(signal);
            assert_eq!(tap.exit_code(), Some(0));
            assert!(!Path::new(&outer).exists());
        }
    }
}

#[test]
fn the_client_may_speak_tls_and_what_it_says_is_seen() {
    if !has_python() {
        return;
    }
    let (peers, files) = (Peers::new(), Files::new());
    let (ca, own) = (files.path("ca.pem"), files.of_server());
    let long = "ü".repeat(60_000);
    let said = format!("{{\"you said\": \"ring\"}}\n{{\"you said\": \"{long}\"}}\nend\n");
    let closed = "closed: -> 2 messages, 120221 bytes; <- 2 messages, 120250 bytes";
    // The server does not, and a client that does not is refused.
    let server = peers.server(&["0"]);
    let plain_server = tap(&server.address.to_string(), &words(&own));
    assert_eq!(peers.tls_client(&plain_server, &ca, &["ring", &long]), said);
    plain_server.output.find(|line| line.contains("#1 ->   \"ring\""));
    plain_server.output.find(|line| line.ends_with(closed));
    let mut client = plain_server.connect();
    client.write_all(REQUEST).unwrap();
    last_words(client);
    plain_server.output.find(|line| line.contains("#2 -- reset: the client: received corrupt message"));
    drop(server);

    // The server does, and wants to know who the tap is.
    let server = peers.server(&["0", &files.path("server.pem"), &files.path("server.key"), &ca]);
    let to = format!("localhost:{}", server.address.port());
    let captures = peers.path("captures");
    let [certificate, key] = ["client.pem", "client.key"].map(|name| files.path(name));
    let options = ["--tls-ca", &ca, "--tls-to-cert", &certificate, "--tls-to-key", &key, "--write", &captures];
    let both = tap(&to, &[&words(&own)[..], &options].concat());
    assert_eq!(peers.tls_client(&both, &ca, &["ring", &long]), said);
    both.output.find(|line| line.ends_with(closed));
    // What is kept is not encrypted.
    for file in fs::read_dir(&captures).unwrap() {
        program(JSONFRAME, &["inspect", file.unwrap().path().to_str().unwrap()]).assert().success();
    }
    // Without a certificate it gets nowhere, and the client sees that.
    let unknown = tap(&to, &[&words(&own)[..], &["--tls-ca", &ca]].concat());
    let place = unknown.address.port().to_string();
    program("python3", &[&peers.script(), "client", &place, "ring"]).env("CA", &ca).assert().failure();
    unknown.output.find(|line| line.contains("reset: the server: received fatal alert"));
}

/// A server that the test plays, and a tap before it.
fn played(more: &[&str]) -> (TcpListener, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tap = json_tap(&listener.local_addr().unwrap().to_string(), more);
    (listener, tap)
}

/// Bytes of every value, which are no messages, in pieces of a megabyte.
fn noise() -> Vec<u8> {
    let mut state: u32 = 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    iter::repeat_with(next).take(1 << 20).collect()
}

/// The checksum of all that comes.
fn checksum_of(mut stream: TcpStream) -> thread::JoinHandle<(u64, Vec<u8>)> {
    thread::spawn(move || {
        let (mut hasher, mut count, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
        loop {
            match stream.read(&mut buffer).unwrap() {
                0 => return (count, hasher.finalize().to_vec()),
                length => {
                    hasher.update(&buffer[..length]);
                    count += length as u64;
                }
            }
        }
    })
}

const REQUEST: &[u8] = b"\x00\x67{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}{\"action\": \"search\", \"value\": \"needle\"}";

#[test]
fn faulty_bytes_pass_unchanged_in_constant_memory_and_are_said_once() {
    let (listener, tap) = played(&[]);
    let mut client = tap.connect();
    let sums = checksum_of(accept(&listener));
    let (noise, mut hasher) = (noise(), Sha256::new());
    client.write_all(REQUEST).unwrap();
    hasher.update(REQUEST);
    for _ in 0..20 {
        client.write_all(&noise).unwrap();
        hasher.update(&noise);
    }
    let error = event(&tap, "error");
    assert_eq!((&error["direction"], &error["offset"]), (&json!("to-server"), &json!(146)));
    let memory = tap.peak_memory();
    for _ in 0..180 {
        client.write_all(&noise).unwrap();
        hasher.update(&noise);
    }
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sums.join().unwrap(), ((200 << 20) + 144, hasher.finalize().to_vec()));
    if let (Some(before), Some(after)) = (memory, tap.peak_memory()) {
        assert!(after < before + 8 * 1024, "{before} KiB, then {after} KiB");
        assert!(after < 100 * 1024, "{after} KiB");
    }
    assert_eq!(last_words(client), b"");
    let close = tap.output.next();
    let close: Value = serde_json::from_str(&close).expect("nothing is said between the fault and the end");
    assert_eq!(close["to-server"]["bytes"], (200 << 20) + 144);
    assert_eq!(close["to-server"]["messages"], 1);
    assert!(close["to-server"]["unseen"].as_u64().unwrap() > 190 << 20);
}

#[test]
fn long_contents_at_full_speed_are_seen_and_a_fault_after_them_is_found() {
    let (listener, tap) = played(&[]);
    let mut client = tap.connect();
    let mut server = accept(&listener);
    let noise = noise();
    let header = |length: usize| {
        let header = format!(
            "{{\"byteorder\": \"little\", \"content-type\": \"x\", \"content-encoding\": \"binary\", \"content-length\": {length}}}"
        );
        [&u16::try_from(header.len()).unwrap().to_be_bytes()[..], header.as_bytes()].concat()
    };
    let long = header(500 * noise.len());
    let short = [&header(100_000)[..], &noise[..100_000]].concat();
    let expected = 500 * noise.len() + long.len() + 2000 * short.len();
    let whole = short.repeat(10);
    let sender = thread::spawn({
        let (noise, whole) = (noise.clone(), whole.clone());
        move || {
            client.write_all(&long).unwrap();
            (0..500).for_each(|_| client.write_all(&noise).unwrap());
            (0..200).for_each(|_| client.write_all(&whole).unwrap());
            client.write_all(b"\0\x02[]").unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            client
        }
    });
    let mut passed = vec![0; header(500 * noise.len()).len()];
    server.read_exact(&mut passed).unwrap();
    for (pieces, piece) in [(500, &noise), (200, &whole), (1, &b"\0\x02[]".to_vec())] {
        passed.resize(piece.len(), 0);
        for _ in 0..pieces {
            server.read_exact(&mut passed).unwrap();
            assert!(passed == *piece, "it is not changed");
        }
    }
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    drop((sender.join().unwrap(), server));
    let mut contents = Vec::new();
    let error = loop {
        let event: Value = serde_json::from_str(&tap.output.next()).unwrap();
        match event["event"].as_str().unwrap() {
            "content" => contents.push((event["length"].as_u64().unwrap(), event["hex"].clone())),
            "error" => break event,
            "open" | "header" | "end" | "waiting" => {}
            _ => panic!("{event}"),
        }
    };
    let beginning = hex::encode(&noise[..64]);
    assert_eq!(contents[0], (500 << 20, json!(beginning)));
    assert_eq!(contents[1..], vec![(100_000, json!(beginning)); 2000]);
    assert_eq!((&error["offset"], &error["kind"]), (&json!(expected + 2), &json!("not-an-object")));
    if let Some(memory) = tap.peak_memory() {
        assert!(memory < 100 * 1024, "{memory} KiB");
    }
    assert_eq!(event(&tap, "close")["to-server"]["messages"], 2001);
}

#[test]
fn the_likely_cause_of_a_fault_is_said() {
    let (listener, tap) = played(&[]);
    let mut client = tap.connect();
    // The length counts characters: the content is two bytes longer.
    let content = "{\"action\": \"search\", \"value\": \"🐶é\"}";
    let mut bytes = REQUEST[..105].to_vec();
    bytes[102..104].copy_from_slice(content.chars().count().to_string().as_bytes());
    bytes.extend(content.as_bytes());
    bytes.extend(REQUEST);
    client.write_all(&bytes).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut server = accept(&listener);
    let mut passed = Vec::new();
    server.read_to_end(&mut passed).unwrap();
    assert_eq!(passed, bytes);
    let hint = event(&tap, "error")["hint"].clone();
    assert!(hint.as_str().is_some_and(|hint| hint.contains("characters")), "{hint}");
}

#[test]
fn a_cause_is_said_once() {
    let (listener, tap) = played(&[]);
    let mut client = tap.connect();
    let mut server = accept(&listener);
    client.write_all(&[b"\0\0", REQUEST].concat()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    server.read_to_end(&mut Vec::new()).unwrap();
    drop(server);
    // With the fault, or by itself if not enough had come for it then.
    let lines = iter::repeat_with(|| tap.output.next()).take_while(|line| !line.contains("\"event\":\"close\""));
    assert_eq!(lines.filter(|line| line.contains("--dialect u32")).count(), 1);
}

#[test]
fn a_cause_that_was_said_while_nothing_came_is_not_said_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tap = tap(&listener.local_addr().unwrap().to_string(), &[]);
    let mut client = tap.connect();
    let mut server = accept(&listener);
    let little = [&REQUEST[..2].iter().rev().copied().collect::<Vec<_>>(), &REQUEST[2..]].concat();
    client.write_all(&little).unwrap();
    let hint = tap.output.find(|line| line.contains("hint: "));
    assert!(
        hint.ends_with(
            "-> hint: the header length is little-endian, and the protocol's is big-endian: struct.pack(\">H\", n) in \
                            Python; to accept it as it is: --dialect u16-le"
        ),
        "{hint}"
    );
    assert!(tap.output.next().contains(" -> waiting: of message 1 144 bytes have come"));
    client.shutdown(Shutdown::Write).unwrap();
    server.read_to_end(&mut Vec::new()).unwrap();
    drop(server);
    let lines: Vec<_> =
        iter::repeat_with(|| tap.output.next()).take_while(|line| !line.contains(" closed: ")).collect();
    assert!(lines.iter().any(|line| line.contains("truncated: ")) && !lines.concat().contains("hint"), "{lines:?}");
}

#[test]
fn a_message_of_which_nothing_more_comes_is_said_with_the_likely_cause() {
    let (listener, tap) = played(&[]);
    // One byte is left when the content seems to end, and both wait.
    let content = "{\"action\": \"search\", \"value\": \"é\"}";
    let mut bytes = REQUEST[..105].to_vec();
    bytes[102..104].copy_from_slice(content.chars().count().to_string().as_bytes());
    bytes.extend(content.as_bytes());
    let little = [&REQUEST[..2].iter().rev().copied().collect::<Vec<_>>(), &REQUEST[2..]].concat();
    let (characters, length) = (content.chars().count(), content.len());
    let counted = format!(
        "the content-length of message 1 looks like a number of characters: {characters} characters are {length} bytes, and \
         content-length counts bytes, not characters: len(text.encode(\"utf-8\")) in Python, not len(text)"
    );
    let little_endian = "the header length is little-endian, and the protocol's is big-endian: struct.pack(\">H\", n) in Python; \
                         to accept it as it is: --dialect u16-le";
    for (bytes, offset, received, missing, hint) in [
        (&bytes[..], 139, 1, Value::Null, json!(counted)),
        (&little, 0, 144, Value::Null, json!(little_endian)),
        (&REQUEST[..140], 0, 140, json!(4), Value::Null),
    ] {
        let mut client = tap.connect();
        let _server = accept(&listener);
        client.write_all(bytes).unwrap();
        let event = event(&tap, "waiting");
        assert_eq!(
            [&event["direction"], &event["offset"], &event["received"], &event["missing"], &event["hint"]],
            [&json!("to-server"), &json!(offset), &json!(received), &missing, &hint]
        );
    }
}

#[test]
fn messages_without_an_answer_are_said_once_in_silence_and_at_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tap = tap(&listener.local_addr().unwrap().to_string(), &[]);
    let mut client = tap.connect();
    let mut server = accept(&listener);
    client.write_all(&REQUEST.repeat(2)).unwrap();
    server.write_all(REQUEST).unwrap();
    let line = tap.output.find(|line| line.contains("waiting"));
    let said = "waiting: 2 messages from the client, 1 from the server, then nothing for 3 s: 1 without an answer, if each is to \
                have one";
    assert_eq!(without_time(&line), format!("#1 -- {said}"));
    // Not again, until the client sends more.
    thread::sleep(Duration::from_millis(3500));
    assert!(tap.output.so_far().is_empty());
    client.write_all(REQUEST).unwrap();
    tap.output.find(|line| line.contains("waiting: 3 messages from the client, 1 from the server"));
    client.shutdown(Shutdown::Write).unwrap();
    drop(server);
    let line = tap.output.find(|line| line.contains("closed"));
    let closed = "closed: -> 3 messages, 432 bytes; <- 1 message, 144 bytes; 2 messages without an answer";
    assert_eq!(without_time(&line), format!("#1 -- {closed}"));

    let (listener, tap) = played(&[]);
    let mut client = tap.connect();
    let server = accept(&listener);
    client.write_all(REQUEST).unwrap();
    let event = |name| event(&tap, name);
    let waiting = event("unanswered");
    assert_eq!([&waiting["to-server"], &waiting["to-client"], &waiting["unanswered"]], [1, 0, 1]);
    drop((client, server));
    assert_eq!(event("close")["unanswered"], 1);
}

#[cfg(unix)]
#[test]
fn messages_of_connections_that_are_open_are_counted_at_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tap = tap(&listener.local_addr().unwrap().to_string(), &[]);
    let mut client = tap.connect();
    let mut server = accept(&listener);
    client.write_all(&REQUEST.repeat(2)).unwrap();
    server.write_all(&REQUEST[..100]).unwrap();
    client.read_exact(&mut [0; 100]).unwrap();
    server.read_exact(&mut [0; 288]).unwrap();
    tap.output.find(|line| line.contains("message 2: "));
    let Some(signal) = common::ending_signals().last() else { return };
    tap.signal(signal);
    assert_eq!(tap.output.rest().last().unwrap(), "connections: 1, whole messages: 2, faults: 0, bytes: 388");
}

#[test]
fn lines_come_in_the_order_of_what_passed_and_of_their_times() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tap = tap(&listener.local_addr().unwrap().to_string(), &[]);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (mut client, mut server) = (tap.connect(), accept(&listener));
            thread::spawn(move || {
                for _ in 0..100 {
                    client.write_all(REQUEST).unwrap();
                    server.read_exact(&mut [0; 144]).unwrap();
                    server.write_all(REQUEST).unwrap();
                    client.read_exact(&mut [0; 144]).unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let mut lines = Vec::new();
    while lines.iter().filter(|line: &&String| line.contains("closed: ")).count() < 8 {
        lines.push(tap.output.next());
    }
    assert!(lines.is_sorted_by_key(|line| &line[..12]), "{lines:?}");
    for number in 1..=8 {
        let is_of = |line: &&String| line.contains(&format!(" #{number} ")) && line.contains(": 105 + 39 ");
        let arrows: Vec<_> = lines.iter().filter(is_of).map(|line| line.contains(" -> ")).collect();
        assert_eq!(arrows, [true, false].repeat(100), "{number}");
    }
}

#[test]
fn an_end_passes_as_an_end_and_the_other_direction_goes_on() {
    let (listener, tap) = played(&[]);
    for client_first in [true, false] {
        let mut client = tap.connect();
        let mut server = accept(&listener);
        let (first, second) = if client_first { (&mut client, &mut server) } else { (&mut server, &mut client) };
        first.write_all(b"last words").unwrap();
        first.shutdown(Shutdown::Write).unwrap();
        let mut words = String::new();
        second.read_to_string(&mut words).unwrap();
        assert_eq!(words, "last words");
        second.write_all(REQUEST).unwrap();
        let mut heard = [0; 144];
        first.read_exact(&mut heard).unwrap();
        assert_eq!(heard, *REQUEST);
        second.shutdown(Shutdown::Write).unwrap();
        assert_eq!(first.read(&mut heard).unwrap(), 0);
        event(&tap, "close");
    }
}

#[test]
fn a_reset_passes_as_a_reset() {
    let (listener, tap) = played(&[]);
    for (of_client, after_end) in [(true, false), (false, false), (true, true), (false, true)] {
        let client = tap.connect();
        let server = accept(&listener);
        let (first, mut second) = if of_client { (client, server) } else { (server, client) };
        if after_end {
            first.shutdown(Shutdown::Write).unwrap();
            assert_eq!(second.read(&mut [0]).unwrap(), 0);
        }
        SockRef::from(&first).set_linger(Some(Duration::ZERO)).unwrap();
        drop(first);
        event(&tap, "reset");
        event(&tap, "close");
        let deadline = Instant::now() + PATIENCE;
        let failure = loop {
            // After an end, only writing tells.
            match if after_end { second.write(&[0]) } else { second.read(&mut [0]) } {
                Err(error) => break error,
                Ok(_) => assert!(Instant::now() < deadline && after_end, "an end is no reset"),
            }
        };
        let kinds = [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::BrokenPipe];
        assert!(kinds.contains(&failure.kind()), "{failure}");
    }
    // Where there is no server, the client sees that as well.
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = tap.connect().read(&mut [0]).unwrap_err();
    assert_eq!(failure.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(event(&tap, "failure")["message"].as_str().unwrap().starts_with(&format!("cannot connect to {address}: ")));
}

#[test]
fn whoever_takes_nothing_is_not_read_for_and_memory_stays() {
    let (listener, tap) = played(&[]);
    let mut client = tap.connect();
    let server = accept(&listener);
    client.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let noise = noise();
    let mut written = 0_u64;
    while let Ok(count) = client.write(&noise) {
        written += count as u64;
        // The system's buffers are no larger.
        assert!(written < 256 << 20, "the tap reads for a server that does not");
    }
    if let Some(memory) = tap.peak_memory() {
        assert!(memory < 100 * 1024, "{memory} KiB");
    }
    let sums = checksum_of(server);
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sums.join().unwrap().0, written);
}

#[test]
fn nobody_waits_for_whoever_reads_the_output() {
    for is_gone in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap().to_string();
        let mut command = Command::new(JSONFRAME);
        let (mut program, line) =
            Program::unheard(command.args(["tap", "--listen", "127.0.0.1:0", "--to", &to]), false);
        if is_gone {
            program.stop_reading();
        }
        let tap = Server::announced_in(program, &line);
        let mut client = tap.connect();
        let sums = checksum_of(accept(&listener));
        let requests = REQUEST.repeat(1000);
        // Some thirty megabytes of lines.
        for _ in 0..200 {
            client.write_all(&requests).unwrap();
        }
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(sums.join().unwrap().0, 200 * 144_000);
    }
}

#[test]
fn no_text_of_a_peer_acts_on_the_terminal() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for options in [&["--json"][..], &[]] {
        let to = listener.local_addr().unwrap().to_string();
        let mut command = Command::new(JSONFRAME);
        let program = Program::spawn(command.args(["tap", "--listen", "127.0.0.1:0", "--to", &to]).args(options));
        let first = program.output.next();
        let address = first.split(['"', ' ']).find(|word| word.starts_with("127.0.0.1:")).unwrap().to_owned();
        let tap = Server::announced_in(program, &format!("listening on {address}"));
        let header = "{\"byteorder\": \"little\", \"content-type\": \"a\\u001b[2J\u{9b}A\u{202e}\", \"content-encoding\": \"utf-8\", \
                      \"content-length\": 6, \"x\u{7f}\\n\": \"\u{9b}A\"}";
        let mut bytes = u16::try_from(header.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(b"\x1b[2J\r\n\x1b]0;title\x07\x9b");
        let mut client = tap.connect();
        client.write_all(&bytes).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        drop(accept(&listener));
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.contains("close")) {
            lines.push(tap.output.next());
        }
        assert!(lines.len() > 3, "{lines:?}");
        for line in &lines {
            let acts = |character: char| character.is_control() || character == '\u{202e}';
            assert!(!line.contains(acts), "{line:?}");
        }
    }
}

#[test]
fn only_so_many_connections_are_served_at_a_time() {
    let (listener, tap) = played(&["--max-connections", "1"]);
    let first = tap.connect();
    let server = accept(&listener);
    let second = tap.connect();
    listener.set_nonblocking(true).unwrap();
    thread::sleep(Duration::from_millis(100));
    assert!(listener.accept().is_err());
    drop((first, server));
    let _server = accept(&listener);
    drop(second);
}

#[cfg(unix)]
#[test]
fn tls_over_a_unix_socket_is_refused_by_whoever_would_listen_there() {
    let (files, folder) = (Files::new(), tempfile::tempdir().unwrap());
    let (own, folder) = (files.of_server(), folder.path().to_str().unwrap());
    let address = format!("unix:{folder}/socket");
    let commands: [&[&str]; 3] = [
        &["tap", "--to", "127.0.0.1:1", "--listen", &address],
        &["listen", &address],
        &["transfer", "receive", folder, &address],
    ];
    for command in commands {
        let run = program(JSONFRAME, command).args(&own).assert().code(1).stdout("");
        assert_eq!(text(&run.get_output().stderr), "jsonframe: there is no TLS over a Unix socket\n", "{command:?}");
    }
}

#[test]
fn what_cannot_be_listened_on_or_written_to_is_said() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (more, reason) in [
        (&["--listen", &taken[..]][..], format!("jsonframe: cannot listen on {taken}: ")),
        (&["--listen", "127.0.0.1:0", "--write", path], format!("jsonframe: cannot write to {path}: ")),
        (&["--listen", "127.0.0.1:0", "--tls-ca", path], "jsonframe: cannot speak TLS: ".into()),
        (&["--listen", "127.0.0.1:0", "--tls-cert", path, "--tls-key", path], "jsonframe: cannot speak TLS: ".into()),
    ] {
        let run = program(JSONFRAME, &["tap", "--to", "127.0.0.1:1"]).args(more).assert().code(1).stdout("");
        let said = text(&run.get_output().stderr);
        assert!(said.starts_with(&reason) && said.lines().count() == 1, "{said}");
    }
    let wrong: [&[&str]; 4] = [
        &[],
        &["--listen", "127.0.0.1:0", "--tls-cert", "x"],
        &["--listen", "127.0.0.1:0", "--tls-ca", "x", "--tls-to-cert", "x"],
        &["--listen", "127.0.0.1:0", "--tls-to-cert", "x", "--tls-to-key", "x"],
    ];
    for more in wrong {
        program(JSONFRAME, &["tap", "--to", "127.0.0.1:1"]).args(more).assert().code(2).stdout("");
    }
    program(JSONFRAME, &["tap", "--help"]).assert().success();
}
