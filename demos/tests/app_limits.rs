//! What the server of the tutorial grants its peers, seen from outside.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use common::Server;
use jsonframe::{Header, Message};
use jsonframe_std::Connection;
use serde_json::{Value, json};

/// A time that no test waits for.
const NEVER: &str = "3600";

/// Deadlines that no test waits for, but for one.
fn with_deadline(option: &str, seconds: &str) -> Server {
    let options = ["--header-timeout", "--idle-timeout", "--write-timeout", "--rate-window"];
    let others = options.into_iter().filter(|other| *other != option).flat_map(|other| [other, NEVER]);
    let words: Vec<_> = others.chain([option, seconds]).collect();
    Server::start(&words)
}

fn is_left(server: &Server, stream: &mut TcpStream, why: &str) {
    let peer = stream.local_addr().unwrap();
    assert_eq!(server.errors.next(), format!("error: {why} from {peer}"));
    assert_eq!(stream.read(&mut [0; 100]).unwrap(), 0);
    server.output.find(|line| line == format!("closing connection to {peer}"));
}

fn frame(content: &[u8]) -> Vec<u8> {
    Message::new(Header::json(content.len() as u64), content).unwrap().to_vec().unwrap()
}

fn ask(connection: &mut Connection<TcpStream>) -> Value {
    connection.send_json(&json!({"action": "search", "value": "ring"})).unwrap();
    connection.receive().unwrap().expect("an answer comes").json().unwrap()
}

fn is_answered(stream: TcpStream) -> bool {
    ask(&mut Connection::new(stream)) == json!({"result": "In the caves beneath the Misty Mountains. 💍"})
}

#[test]
fn a_header_may_not_take_for_ever() {
    let server = with_deadline("--header-timeout", "0.5");
    let mut stream = server.connect();
    // That bytes come does not help.
    for byte in &frame(b"{}")[..5] {
        stream.write_all(&[*byte]).unwrap();
        thread::sleep(Duration::from_millis(10));
    }
    is_left(&server, &mut stream, "the header took too long");
}

#[test]
fn a_peer_may_not_be_silent_for_ever() {
    let server = with_deadline("--idle-timeout", "0.5");
    let mut silent = server.connect();
    is_left(&server, &mut silent, "nothing happened for too long");
    let mut once = server.connect();
    assert!(is_answered(once.try_clone().unwrap()));
    is_left(&server, &mut once, "nothing happened for too long");
}

#[test]
fn content_may_not_come_for_ever() {
    let server = with_deadline("--rate-window", "0.5");
    let mut stream = server.connect();
    let request = frame(&[b' '; 10_000]);
    stream.write_all(&request[..200]).unwrap();
    is_left(&server, &mut stream, "the content came too slowly");
}

/// Sends long requests, and does not read the answers, until the server has enough.
#[test]
fn a_peer_may_not_leave_its_answers_for_ever() {
    let server = with_deadline("--write-timeout", "0.5");
    let stream = server.connect();
    let peer = stream.local_addr().unwrap();
    let content = json!({"action": "search", "value": "x".repeat(1 << 20)}).to_string();
    let request = frame(content.as_bytes());
    let sending = thread::spawn(move || {
        let mut stream = stream;
        let failure = (0..1000).find_map(|_| stream.write_all(&request).err());
        (stream, failure)
    });
    let complaint = format!("error: the peer took nothing of what was sent to it for too long from {peer}");
    assert_eq!(server.errors.next(), complaint);
    let (_stream, failure) = sending.join().unwrap();
    assert!(matches!(failure.map(|error| error.kind()), Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)));
    assert!(is_answered(server.connect()));
}

#[test]
fn a_header_may_not_be_too_long() {
    let server = Server::start(&["--max-header", "103"]);
    assert!(is_answered(server.connect()));
    let mut connection = Connection::new(server.connect());
    connection.get_mut().write_all(&[0, 104]).unwrap();
    let answer: Value = connection.receive().unwrap().unwrap().json().unwrap();
    assert_eq!(answer, json!({"error": "the header is 104 bytes long; this decoder takes at most 103 (at byte 0)"}));
    assert!(connection.receive().unwrap().is_none());
}

#[test]
fn content_may_not_be_too_long() {
    let server = Server::start(&["--max-content", "37"]);
    assert!(is_answered(server.connect()));
    for header in [Header::json(38), Header::new("x/y", "binary", 38)] {
        let mut connection = Connection::new(server.connect());
        connection.send_stream(&header, &mut std::io::repeat(b' ')).unwrap();
        let answer: Value = connection.receive().unwrap().unwrap().json().unwrap();
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with("the content is 38 bytes long; this receiver takes at most 37 "), "{error}");
        assert!(connection.receive().unwrap().is_none());
    }
}

#[test]
fn not_too_much_is_collected() {
    let server = Server::start(&["--max-collected", "1000"]);
    let mut stream = server.connect();
    stream.write_all(&frame(&[b' '; 5000])[..3000]).unwrap();
    is_left(&server, &mut stream, "too much content is being collected");
    // Binary content is not collected.
    let mut connection = Connection::new(server.connect());
    connection.send_stream(&Header::new("x/y", "", 5_000_000), &mut std::io::repeat(b'x')).unwrap();
    assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"First 10 bytes of request: xxxxxxxxxx");
}

#[test]
fn connections_beyond_the_limit_may_be_refused() {
    let server = Server::start(&["--max-connections", "1", "--at-limit", "refuse"]);
    let mut first = Connection::new(server.connect());
    ask(&mut first);
    let mut second = server.connect();
    assert_eq!(second.read(&mut [0]).unwrap(), 0);
    assert_eq!(server.errors.next(), "error: connections refused in the last second: 1");
    ask(&mut first);
    let peer = first.get_ref().local_addr().unwrap();
    drop(first);
    server.output.find(|line| line == format!("closing connection to {peer}"));
    // The line comes a moment before there is a place.
    let deadline = std::time::Instant::now() + common::PATIENCE;
    loop {
        let mut next = Connection::new(server.connect());
        let sent = next.send_json(&json!({"action": "search", "value": "ring"}));
        if sent.is_ok() && matches!(next.receive(), Ok(Some(_))) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "there is a place");
    }
}
