//! Clients: ours, one in Python, and some that are started by hand.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use jsonframe::{Header, Message};
use serde_json::Value;

use super::certificates::{Files, words};
use super::common::{self, Program, path_of, text};
use super::{Outcome, jsonframe, python, read_some};

#[test]
fn our_client_holds_to_every_rule() {
    let client = path_of("app-client");
    let outcome = check_client(
        &["--timeout", "4", "--deadline", "10"],
        &[&client, "{host}", "{port}", "search", "x", "--timeout", "4"],
    );
    assert_eq!((outcome.of("fail"), outcome.of("warn")), (BTreeSet::new(), BTreeSet::new()), "{:#}", outcome.report);
    assert_eq!((outcome.of("skipped").len(), outcome.code), (0, Some(0)));
    assert!(outcome.of("pass").len() > 110);
}

#[test]
fn our_client_holds_to_every_rule_over_tls() {
    let files = Files::new();
    let (client, ca, options) = (path_of("app-client"), files.path("ca.pem"), files.of_server());
    let trusting = [&client, "--tls-ca", &ca, "--tls-name", "localhost", "{host}", "{port}", "search", "x"];
    let outcome = check_client(&[&["--timeout", "4"][..], &words(&options)].concat(), &trusting);
    assert_eq!((outcome.of("fail"), outcome.of("warn")), (BTreeSet::new(), BTreeSet::new()), "{:#}", outcome.report);
    // Deadlines are those of a connection without TLS.
    let deadlines = BTreeSet::from(["deadline-for-content", "deadline-for-header", "deadline-for-silence"]);
    assert_eq!((outcome.of("skipped"), outcome.code), (deadlines, Some(0)));
    assert!(outcome.of("pass").len() > 110);
}

#[test]
fn a_client_in_python_over_tls_is_judged_as_one_without() {
    let Some(command) = python("naive_client.py") else { return };
    let script = command.get_args().next().unwrap().to_str().unwrap().to_owned();
    let files = Files::new();
    let (ca, options) = (files.path("ca.pem"), files.of_server());
    let only = ["--only", "pretty-printed", "--only", "end-in-header", "--only", "nan"];
    let outcome = check_client(
        &[&["--timeout", "4"][..], &only, &words(&options)].concat(),
        &["python3", &script, "{host}", "{port}", &ca],
    );
    assert_eq!(outcome.of("pass"), BTreeSet::from(["pretty-printed", "end-in-header"]), "{:#}", outcome.report);
    assert_eq!(outcome.of("fail"), BTreeSet::from(["nan"]));
}

#[test]
fn a_client_that_does_not_speak_tls_or_does_not_trust_the_server_is_told_so() {
    let files = Files::new();
    let (client, other, options) = (path_of("app-client"), files.path("other-ca.pem"), files.of_server());
    let plain = [&client, "{host}", "{port}", "search", "x"];
    let distrustful = [&client, "--tls-ca", &other, "--tls-name", "localhost", "{host}", "{port}", "search", "x"];
    for (command, reason) in
        [(&plain[..], "; the peer does not speak TLS"), (&distrustful, "no TLS: received fatal alert: UnknownCA")]
    {
        let listen = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--timeout", "4"];
        let run = jsonframe(&[&listen, &words(&options)[..], &["--"], command].concat()).assert().code(1).stdout("");
        let errors = text(&run.get_output().stderr);
        assert!(errors.contains(reason), "{errors}");
    }
    let listen = ["check", "--listen", "unix:no-such-socket", "--json", "{}"];
    let run = jsonframe(&[&listen, &words(&options)[..]].concat()).assert().code(1).stdout("");
    assert_eq!(text(&run.get_output().stderr), "jsonframe: there is no TLS over a Unix socket\n");
}

#[test]
fn a_naive_client_fails_where_an_answer_comes_in_pieces() {
    let Some(command) = python("naive_client.py") else { return };
    let script = command.get_args().next().unwrap().to_str().unwrap().to_owned();
    let fails = ["cut-in-proto-header", "cut-in-header", "cut-after-header", "nan", "duplicate-byteorder"];
    let passes =
        ["emitted-form", "pretty-printed", "end-in-header", "array", "missing-content-length", "length-string"];
    let only: Vec<_> = fails.iter().chain(&passes).flat_map(|rule| ["--only", rule]).collect();
    let outcome = check_client(&[&["--timeout", "4"], &only[..]].concat(), &["python3", &script, "{host}", "{port}"]);
    assert_eq!((outcome.of("fail"), outcome.of("pass")), (BTreeSet::from(fails), BTreeSet::from(passes)));
    assert_eq!(outcome.code, Some(1));
}

/// Checks a client that is run for each rule.
fn check_client(options: &[&str], client: &[&str]) -> Outcome {
    let listen = ["check", "--listen", "127.0.0.1:0", "--json", r#"{"result": "found"}"#, "--report", "json"];
    let run = jsonframe(&[&listen, options, &["--"], client].concat()).output().unwrap();
    assert!(!run.stdout.is_empty(), "{}", text(&run.stderr));
    Outcome { report: serde_json::from_slice(&run.stdout).unwrap(), code: run.status.code() }
}

#[test]
fn a_command_that_fails_with_a_good_answer_is_not_checked_further() {
    let listen = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--timeout", "0.2", "--", "false"];
    let run = jsonframe(&listen).assert().code(1).stdout("");
    let errors = text(&run.get_output().stderr);
    assert!(errors.contains("the command does not succeed with a good answer"), "{errors}");
}

#[test]
fn clients_that_are_started_by_hand_have_a_rule_each() {
    let arguments = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--report", "json", "--timeout", "0.5"];
    let rules = ["--only", "pretty-printed", "--only", "nan", "--only", "infinity"];
    let mut program = Program::spawn(Command::new(path_of("jsonframe")).args(arguments).args(rules));
    let line = program.errors.next();
    let address: SocketAddr = line.strip_prefix("listening on ").unwrap().parse().unwrap();
    // One that reads all and leaves; one that leaves at a fault; one that hangs.
    for (rule, is_hanging) in [("pretty-printed", false), ("nan", false), ("infinity", true)] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&Message::new(Header::for_json(2), b"{}").unwrap().to_vec().unwrap()).unwrap();
        assert!(!read_some(&mut stream).is_empty());
        if is_hanging {
            let _ = stream.read_to_end(&mut Vec::new());
        }
        drop(stream);
        let verdict = if is_hanging { "fail" } else { "pass" };
        assert_eq!(program.errors.next(), format!("{verdict} {rule}"));
    }
    assert_eq!(program.exit_code(), Some(1));
    let report: Value = serde_json::from_str(&program.output.rest().concat()).unwrap();
    assert_eq!(report["summary"]["pass"], 2);
}

#[test]
fn a_client_started_by_hand_whose_request_is_too_long_is_no_silent_one() {
    let arguments = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--report", "json", "--timeout", "20"];
    let rules = ["--only", "pretty-printed", "--only", "nan"];
    let mut program = Program::spawn(Command::new(path_of("jsonframe")).args(arguments).args(rules));
    let line = program.errors.next();
    let address: SocketAddr = line.strip_prefix("listening on ").unwrap().parse().unwrap();
    for rule in ["pretty-printed", "nan"] {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut head = vec![0; 1024];
        let length = Header::for_json(1 << 30).encode(&mut head).unwrap().len();
        stream.write_all(&head[..length]).unwrap();
        // It is closed before all of this has been read.
        let piece = vec![b' '; 1 << 20];
        while stream.write_all(&piece).is_ok() {}
        assert_eq!(program.errors.next(), format!("fail {rule}"));
    }
    assert_eq!(program.exit_code(), Some(1));
    let report = program.output.rest().concat();
    let reason = "the request is longer than the 64 MiB that are read of one";
    assert_eq!(report.matches(reason).count(), 2, "{report}");
    assert!(report.contains("a request of more than is read"), "{report}");
}

#[test]
fn a_client_started_by_hand_that_stops_inside_its_request_is_judged() {
    let arguments = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--report", "json", "--timeout", "0.5"];
    let mut program = Program::spawn(Command::new(path_of("jsonframe")).args(arguments).args(["--only", "nan"]));
    let line = program.errors.next();
    let address: SocketAddr = line.strip_prefix("listening on ").unwrap().parse().unwrap();
    // Whoever sends nothing is no client, and is waited for another.
    let silent = TcpStream::connect(address).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let message = Message::new(Header::for_json(2), b"{}").unwrap().to_vec().unwrap();
    stream.write_all(&message[..message.len() - 1]).unwrap();
    assert_eq!(program.errors.next(), "fail nan");
    assert_eq!(program.exit_code(), Some(1));
    let report = program.output.rest().concat();
    let reason = "the request is no message: it is not whole, and nothing more of it comes: at least 1 byte missing";
    assert!(report.contains(reason), "{report}");
    drop((silent, stream));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_shows_what_was_found_until_then() {
    for signal in common::ending_signals() {
        let arguments = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--only", "nan"];
        let mut program = Program::spawn(Command::new(path_of("jsonframe")).args(arguments));
        program.errors.next();
        program.signal(signal);
        assert_eq!(program.exit_code(), Some(130));
        let output = program.output.rest().join("\n");
        assert!(output.contains("because  interrupted"), "{output}");
    }
}
