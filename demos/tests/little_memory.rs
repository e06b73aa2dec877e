//! Servers that have little memory: what does not fit is refused, and they go on.
#![cfg(target_os = "linux")]

mod common;

use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::thread;

use common::{AppServer, Server, on_each_server};
use jsonframe_std::Connection;
use serde_json::{Value, json};

on_each_server! {
    an_answer_for_which_there_is_no_memory_is_an_error_and_the_server_goes_on,
    peers_that_send_more_together_than_there_is_memory_end_no_server,
    answers_that_nobody_reads_end_no_server,
}

/// The server with 64 MiB of address space.
fn start(on: AppServer) -> Server {
    let limited = "ulimit -v 65536 && exec \"$0\" --quiet 127.0.0.1 0";
    Server::spawn(Command::new("sh").args(["-c", limited, &on.path()]))
}

/// What comes of a search for a text of this length.
fn search(stream: TcpStream, length: usize) -> Option<Value> {
    let mut connection = Connection::new(stream);
    // The server may refuse it before it has come whole.
    let _ = connection.send_json(&json!({"action": "search", "value": "x".repeat(length)}));
    let _ = connection.get_ref().shutdown(Shutdown::Write);
    connection.receive().ok()??.json().ok()
}

fn is_answered(server: &Server, length: usize) -> bool {
    search(server.connect(), length).is_some_and(|answer| answer.get("result").is_some())
}

fn an_answer_for_which_there_is_no_memory_is_an_error_and_the_server_goes_on(on: AppServer) {
    let server = start(on);
    assert!(is_answered(&server, 1_000_000));
    // The request fits, and an answer of the same length does not fit beside it.
    let refused = search(server.connect(), 16_000_000);
    assert_eq!(refused, Some(json!({"error": "the content does not fit: out of memory"})));
    assert!(is_answered(&server, 1_000_000));
}

fn peers_that_send_more_together_than_there_is_memory_end_no_server(on: AppServer) {
    let server = start(on);
    thread::scope(|scope| {
        for _ in 0..12 {
            let stream = server.connect();
            scope.spawn(|| search(stream, 6_000_000));
        }
    });
    assert!(is_answered(&server, 1_000_000));
}

fn answers_that_nobody_reads_end_no_server(on: AppServer) {
    let server = start(on);
    let mut deaf = Vec::new();
    for _ in 0..8 {
        let mut connection = Connection::new(server.connect());
        let _ = connection.send_json(&json!({"action": "search", "value": "x".repeat(6_000_000)}));
        deaf.push(connection);
        assert!(is_answered(&server, 10));
    }
}
