//! Servers: ours, those in Python, and some that hardly do anything.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use tempfile::TempDir;

use super::certificates::{Files, words};
use super::common::{self, AppServer, Server, on_each_server};
use super::{answer, assert_holds, check, jsonframe, python, read_some, serve};

/// The limits of our servers with which each rule that waits for them is soon over, and the longest header is accepted.
const LIMITS: [&str; 9] =
    ["--quiet", "--max-header", "65535", "--header-timeout", "1", "--idle-timeout", "1", "--rate-window", "1"];

on_each_server! {
    our_servers_hold_to_every_rule,
    our_servers_hold_to_every_rule_over_tls,
}

fn our_servers_hold_to_every_rule(on: AppServer) {
    let server = on.start(&LIMITS);
    assert_holds(&check(&server.address.to_string(), &["--timeout", "4", "--deadline", "30", "--jobs", "32"]));
}

fn our_servers_hold_to_every_rule_over_tls(on: AppServer) {
    let files = Files::new();
    let options = files.of_server();
    let server = on.start(&[&LIMITS[..], &words(&options)].concat());
    let address = format!("localhost:{}", server.address.port());
    let ca = files.path("ca.pem");
    assert_holds(&check(&address, &["--tls-ca", &ca, "--timeout", "4", "--deadline", "30", "--jobs", "32"]));
}

#[cfg(unix)]
#[test]
fn a_server_on_a_unix_socket_holds_to_every_rule() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let path = path.to_str().unwrap();
    let _server = AppServer::Std.start(&[&LIMITS[..], &["--unix", path]].concat());
    assert_holds(&check(&format!("unix:{path}"), &["--timeout", "4", "--deadline", "30", "--jobs", "32"]));
}

#[test]
fn a_shorter_capacity_for_headers_is_a_warning() {
    let server = Server::start(&["--quiet"]);
    let only = ["--only", "long-header", "--only", "long-header-on-sight"];
    let outcome = check(&server.address.to_string(), &only);
    assert_eq!(outcome.of("warn"), BTreeSet::from(["long-header"]));
    assert_eq!((outcome.of("pass"), outcome.code), (BTreeSet::from(["long-header-on-sight"]), Some(0)));
}

#[test]
fn a_server_made_as_the_tutorial_s_fails_where_it_hangs_spins_and_loses() {
    let Some(mut command) = python("tutorial_server.py") else { return };
    let server = Server::spawn(&mut command);
    let outcome = check(&server.address.to_string(), &["--timeout", "4", "--jobs", "32"]);
    let expected = BTreeSet::from([
        // One request is answered on each connection, and what else has come is lost.
        "two-in-one-write",
        "one-and-a-half",
        "one-after-the-other",
        // An empty request counts as none: it spins.
        "empty-content",
        "length-minus-zero",
        "length-false",
        // No content is ever long enough: it waits for ever, and keeps all that comes.
        "length-nan",
        "length-infinity",
        "length-huge-exponent",
        "length-30-digits",
        "length-wrapped",
        // What these are taken for is another message than the one that was sent.
        "length-negative",
        "length-true",
        // Accepted, for Python's JSON does.
        "nan",
        "infinity",
        "minus-infinity",
        "lone-high-surrogate",
        "lone-low-surrogate",
        "two-high-surrogates",
        "nesting-65",
        "nesting-65-objects",
        // The last one counts.
        "duplicate-byteorder",
        "duplicate-content-type",
        "duplicate-content-encoding",
        "duplicate-content-length",
        "duplicate-by-escape",
        // Nobody looks at it.
        "byteorder-number",
        "byteorder-null",
        "byteorder-unknown",
        "byteorder-case",
        "byteorder-empty",
    ]);
    assert_eq!(outcome.of("fail"), expected);
    assert_eq!(outcome.of("warn"), BTreeSet::from(["http-request", "no-object-on-sight", "refusal-without-reset"]));
    assert_eq!(outcome.code, Some(1));
    for hanging in ["empty-content", "length-nan", "length-false"] {
        assert_eq!(outcome.rule(hanging)["came"], "silence", "{hanging}");
    }
    assert_eq!(outcome.rule("refusal-without-reset")["came"], "reset");
    assert!(outcome.rule("two-in-one-write")["came"].as_str().unwrap().ends_with("; closed"));
}

#[test]
fn a_careful_server_in_python_holds_to_every_rule() {
    let Some(mut command) = python("planted_server.py") else { return };
    let server = Server::spawn(command.args(["--patience", "1"]));
    assert_holds(&check(&server.address.to_string(), &["--timeout", "4", "--jobs", "32", "--deadline", "30"]));
}

#[test]
fn a_server_without_deadlines_is_a_warning_for_each() {
    let Some(mut command) = python("planted_server.py") else { return };
    let server = Server::spawn(&mut command);
    let rules = ["deadline-for-header", "deadline-for-content", "deadline-for-silence"];
    let only: Vec<_> = rules.iter().flat_map(|rule| ["--only", rule]).collect();
    let outcome = check(&server.address.to_string(), &[&only[..], &["--jobs", "3", "--deadline", "0.5"]].concat());
    assert_eq!((outcome.of("warn"), outcome.code), (BTreeSet::from(rules), Some(0)));
}

#[test]
fn a_server_that_reads_on_though_its_answers_are_not_read_is_a_warning() {
    let address = serve(|_| Some(answer(br#"{"result": 1}"#)), false).to_string();
    let outcome = check(&address, &["--only", "unread-answers"]);
    assert_eq!((outcome.of("warn"), outcome.code), (BTreeSet::from(["unread-answers"]), Some(0)));
}

#[test]
fn a_server_that_never_answers_is_given_up_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let outcome = check(&address, &["--timeout", "0.2"]);
    assert_eq!((outcome.of("fail"), outcome.of("pass").len()), (BTreeSet::from(["emitted-form"]), 0));
    let reason = "a good request is not answered; what came: silence; `jsonframe call` says more of it";
    assert_eq!(outcome.rule("nan")["reason"], reason);
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_server_that_ends_at_a_connection_without_a_request_is_sent_one_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || listener.accept().unwrap().0.read(&mut [0; 100]).unwrap());
    let output = jsonframe(&["check", &address, "--json", "{}", "--timeout", "0.2"]).output().unwrap();
    assert!(server.join().unwrap() > 2);
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(table.matches("a good request is not answered").count(), 2, "{table}");
    assert!(table.contains(" more, which are skipped for the same reason\n"), "{table}");
}

#[test]
fn a_server_that_dies_of_a_rule_fails_there_and_the_rest_is_skipped() {
    // It answers everything but an overlong form, of which it dies.
    let is_overlong = |request: &[u8]| request.windows(2).any(|bytes| bytes == [0xC0, 0xAF]);
    let address = serve(move |request| (!is_overlong(request)).then(|| answer(br#"{"result": 1}"#)), true);
    let outcome = check(&address.to_string(), &["--timeout", "0.5"]);
    let reason = "a good request on a new connection is not answered any more";
    assert_eq!(outcome.rule("utf8-overlong")["verdict"], "fail");
    assert!(outcome.rule("utf8-overlong")["reason"].as_str().unwrap().ends_with(reason));
    assert_eq!(outcome.rule("utf8-surrogate")["reason"], "the server does not answer a good request any more");
}

#[test]
fn a_reset_is_told_from_an_orderly_end() {
    for (is_reset, came) in [(true, "reset"), (false, "closed")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_some(&mut stream);
                if request.starts_with(&[0, 0]) {
                    if is_reset {
                        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                    }
                } else {
                    let _ = stream.write_all(&answer(br#"{"result": 1}"#));
                }
            }
        });
        let outcome = check(&address, &["--only", "empty-header-on-sight"]);
        assert_eq!(outcome.rule("empty-header-on-sight")["came"], came);
        assert_eq!(outcome.code, Some(0));
    }
}

#[test]
fn a_server_that_sends_no_messages_is_told_so() {
    let address = serve(|_| Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), false);
    let outcome = check(&address.to_string(), &["--only", "nan"]);
    let reason = outcome.rule("nan")["reason"].as_str().unwrap();
    assert!(reason.contains("bytes that are no message"), "{reason}");
    assert_eq!(outcome.code, Some(1));
}
