//! The programs and the library against a peer in Python, which was written from the specification alone.

mod common;

use std::env;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use common::{AppServer, PATIENCE, Server, client, on_each_server, program, text};
use jsonframe::{Header, JsonError};
use jsonframe_demos::application::{Draft, JSON, answer_binary, answer_json};
use jsonframe_std::{Backoff, Connection, Error};
use serde_json::{Value, json};

on_each_server! {
    a_client_in_python_is_answered,
    a_client_in_python_hears_what_was_wrong,
}

/// Sizes of the pieces in which the peer sends: whole, byte by byte, and such that a head or a segment ends inside.
const SPLITS: [&str; 6] = ["0", "1", "3", "103", "105", "1448"];

/// The size of a large content. By bytes and threes, what is large is sent long before it has so many.
fn large(split: &str) -> usize {
    if split == "1" || split == "3" { 1 << 16 } else { 1 << 20 }
}

/// The command line of the peer's client or server, or nothing where there is no Python.
fn peer(command: &str, split: &str) -> Option<Vec<String>> {
    if Command::new("python3").arg("--version").output().is_err() {
        assert!(env::var_os("CI").is_none(), "python3 is missing");
        println!("skipped, for python3 is missing");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/peer/jsonframe_peer.py");
    let script = script.to_str().expect("the path is UTF-8");
    let mut words = vec![script, command];
    if split != "0" {
        words.extend(["--split", split]);
    }
    Some(words.into_iter().map(String::from).collect())
}

/// What the peer's client prints of the replies to its requests.
fn replies(server: &Server, split: &str, requests: &[&str]) -> Option<Vec<Value>> {
    replies_from(server.address, split, requests)
}

fn replies_from(server: SocketAddr, split: &str, requests: &[&str]) -> Option<Vec<Value>> {
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    let words = peer("client", split)?;
    let words: Vec<_> = words.iter().map(String::as_str).chain([host.as_str(), port.as_str()]).collect();
    let run = program("python3", &words).args(requests).assert().success();
    Some(text(&run.get_output().stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn a_client_in_python_is_answered(on: AppServer) {
    let server = on.start(&[]);
    let long = "ü".repeat(50_000);
    let search_long = format!("search:{long}");
    for split in SPLITS {
        let requests = [
            "search:needle",
            "search:🐶",
            &search_long,
            "json:dance:x",
            "binary:hello",
            "binary:0123456789abc",
            "empty",
            &format!("random:{}", large(split)),
            "search:morpheus",
        ];
        let Some(replies) = replies(&server, split, &requests) else { return };
        let json: Vec<_> = replies.iter().filter_map(|reply| reply.get("json")).collect();
        assert_eq!(
            json,
            [
                &json!({"result": "No match for \"needle\"."}),
                &json!({"result": "🐾 Playing ball! 🏐"}),
                &json!({"result": format!("No match for \"{long}\".")}),
                &json!({"result": "Error: invalid action \"dance\"."}),
                &json!({"result": "Follow the white rabbit. 🐰"}),
            ],
            "split {split}"
        );

        let binary: Vec<_> = replies.iter().filter_map(|reply| reply.get("hex")?.as_str()).collect();
        let beginning = hex::encode("First 10 bytes of request: ");
        for (reply, request) in binary.iter().zip([&b"hello"[..], b"0123456789", b""]) {
            assert_eq!(*reply, beginning.clone() + &hex::encode(request), "split {split}");
        }
        assert_eq!((binary.len(), binary[3].len()), (4, beginning.len() + 2 * 10));
        assert_eq!(replies[4]["content_type"], "binary/custom-server-binary-type");
        assert_eq!(replies[4]["content_encoding"], "binary");
    }
}

fn a_client_in_python_hears_what_was_wrong(on: AppServer) {
    let server = on.start(&[]);
    for (request, reason) in [
        ("raw:0000", "the header length is 0; a header is at least a JSON object (at byte 0)"),
        ("raw:0003efbbbf", "the header begins with a byte order mark; expected `{` (at byte 2)"),
        ("raw:00", "the stream ends inside a message; bytes missing: at least 1 (at byte 1)"),
    ] {
        for split in ["0", "1"] {
            let Some(replies) = replies(&server, split, &[request]) else { return };
            assert_eq!(replies.len(), 1);
            assert_eq!(replies[0]["json"], json!({"error": reason}));
        }
    }
}

#[test]
fn the_client_is_answered_by_a_server_in_python() {
    for split in SPLITS {
        let Some(words) = peer("server", split) else { return };
        let server = Server::spawn(Command::new("python3").args(words));
        for (words, result) in [
            (["search", "needle"], "got result: No match for \"needle\"."),
            (["search", "🐶"], "got result: 🐾 Playing ball! 🏐"),
            (["dance", "hereandthere"], r#"got response: b"First 10 bytes of request: danceherea""#),
            (["", ""], r#"got response: b"First 10 bytes of request: ""#),
        ] {
            let run = server.client(&words).assert().success();
            let output = text(&run.get_output().stdout);
            assert!(output.contains(&format!("\n{result}\n")), "split {split}: {output}");
        }
    }
}

#[test]
fn a_server_in_python_takes_what_a_connection_sends() {
    for split in SPLITS {
        let Some(words) = peer("server", split) else { return };
        let server = Server::spawn(Command::new("python3").args(words));
        let mut connection = Connection::new(server.connect());
        for length in [0, 1, 10, large(split)] {
            let content = vec![0xF0; length];
            connection.send(&Header::new("x/y", "binary", length as u64), &content).unwrap();
            let answer = connection.receive().unwrap().unwrap().content().unwrap();
            assert_eq!(answer, [b"First 10 bytes of request: ", &content[..length.min(10)]].concat());
        }
        for length in [0, 1, 10, large(split)] {
            // With the answer as long as the request, either side must be able to wait for the other.
            let value = "x".repeat(length);
            connection.send_json(&json!({"action": "search", "value": value})).unwrap();
            let answer: Value = connection.receive().unwrap().unwrap().json().unwrap();
            assert_eq!(answer, json!({"result": format!("No match for \"{value}\".")}));
        }
        connection.get_ref().shutdown(Shutdown::Write).unwrap();
        assert!(connection.receive().unwrap().is_none());
    }
}

/// The application behind blocking connections, a thread for each.
fn blocking_server() -> SocketAddr {
    fn serve(stream: TcpStream) -> Result<(), Error> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut connection = Connection::new(stream);
        while let Some(mut request) = connection.receive()? {
            let request = request.message()?;
            let answer = if request.header().content_type() == JSON {
                Draft::json(&answer_json(&request.text().map_err(JsonError::from)?)?)?
            } else {
                answer_binary(&request.content()[..request.content().len().min(10)])
            };
            connection.send(&answer.header, &answer.content)?;
        }
        Ok(())
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || serve(stream.unwrap()).unwrap());
        }
    });
    address
}

/// Runs a test against each server of ours: on a poller and under tokio, with one thread and with several, and blocking.
fn with_every_server(test: impl Fn(&str, SocketAddr)) {
    for (on, workers) in
        [(AppServer::Std, "1"), (AppServer::Std, "2"), (AppServer::Tokio, "1"), (AppServer::Tokio, "2")]
    {
        let server = on.start(&["--workers", workers]);
        test(&format!("{on:?} with {workers} workers"), server.address);
        assert!(server.errors.so_far().is_empty());
    }
    test("a blocking server", blocking_server());
}

const RING: &str = "In the caves beneath the Misty Mountains. 💍";

/// As the clients of the tutorial do: one request, one reply, and the client closes.
#[test]
fn clients_that_ask_once_are_answered_by_every_server() {
    with_every_server(|name, server| {
        let (host, port) = (server.ip().to_string(), server.port().to_string());
        for _ in 0..5 {
            if let Some(replies) = replies_from(server, "0", &["search:ring"]) {
                assert_eq!(replies.len(), 1, "{name}");
                assert_eq!(replies[0]["json"], json!({"result": RING}), "{name}");
            }
            let run = client(&[&host, &port, "search", "ring"]).assert().success().stderr("");
            assert!(text(&run.get_output().stdout).contains(&format!("\ngot result: {RING}\n")), "{name}");
        }
    });
}

#[test]
fn clients_that_ask_a_thousand_times_are_answered_by_every_server() {
    const REQUESTS: usize = 1000;
    with_every_server(|name, server| {
        let requests: Vec<_> = (0..REQUESTS).map(|number| format!("search:{number}")).collect();
        let requests: Vec<_> = requests.iter().map(String::as_str).collect();
        if let Some(replies) = replies_from(server, "0", &requests) {
            let expected: Vec<_> = (0..REQUESTS).map(|number| format!("No match for \"{number}\".")).collect();
            let replies: Vec<_> = replies.iter().map(|reply| reply["json"]["result"].as_str().unwrap()).collect();
            assert_eq!(replies, expected, "{name}");
        }
        let (host, port) = (server.ip().to_string(), server.port().to_string());
        for options in [&[][..], &["--pipeline"]] {
            let requests = (0..REQUESTS).flat_map(|number| ["search".to_owned(), number.to_string()]);
            let run = client(options).args([&host, &port]).args(requests).assert().success().stderr("");
            let output = text(&run.get_output().stdout);
            assert_eq!(output.matches("starting connection to").count(), 1, "{name}");
            let results = output.lines().filter_map(|line| line.strip_prefix("got result: No match for \""));
            assert!(results.eq((0..REQUESTS).map(|number| format!("{number}\"."))), "{name}");
        }
    });
}

/// The servers of the tutorial close the connection after one reply. That is a clean end, and the next request wants a new
/// connection.
#[test]
fn a_server_in_python_that_closes_after_one_reply_is_no_trouble() {
    let Some(mut words) = peer("server", "0") else { return };
    words.push("--close-after-reply".into());
    let server = Server::spawn(Command::new("python3").args(words));

    for (request, result) in [
        (["search", "ring"], format!("got result: {RING}")),
        (["dance", "hereandthere"], r#"got response: b"First 10 bytes of request: danceherea""#.into()),
    ] {
        let run = server.client(&request).assert().success().stderr("");
        assert!(text(&run.get_output().stdout).contains(&format!("\n{result}\n")));
    }

    // Those who ask for more over one connection get the one reply, and are told.
    for options in [&[][..], &["--pipeline"]] {
        let run = server.client(options).args(["search", "ring", "search", "morpheus"]).assert().code(1);
        assert_eq!(text(&run.get_output().stdout).matches("\ngot result: In the caves").count(), 1);
        let complaint = text(&run.get_output().stderr);
        assert_eq!(complaint, "app-client: the server closed the connection without an answer\n");
    }

    let backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(100)).with_total(PATIENCE);
    for _ in 0..5 {
        let connection = backoff.clone().retry(|| Connection::connect_timeout(server.address, PATIENCE)).unwrap();
        let mut connection = connection.with_timeouts(Some(PATIENCE), Some(PATIENCE)).unwrap();
        connection.send_json(&json!({"action": "search", "value": "ring"})).unwrap();
        let answer: Value = connection.receive().unwrap().unwrap().json().unwrap();
        assert_eq!(answer, json!({"result": RING}));
        assert!(connection.receive().unwrap().is_none());
    }
}
