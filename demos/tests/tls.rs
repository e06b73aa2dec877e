//! The application's programs over TLS, against OpenSSL: by itself, and in Python.

mod certificates;
mod common;
mod peer;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::process::Command;
use std::thread;

use certificates::{Files, words};
use common::{AppServer, Program, Server, accept, client, last_words, on_each_server, program, text};
use jsonframe::{Header, Message};
use peer::{PEER, ask, failure, has, replies};
use serde_json::{Value, json};

on_each_server! {
    a_client_in_python_is_answered,
    the_end_is_said_by_either_side,
    a_client_that_does_not_say_the_end_is_told_from_others,
    a_message_that_is_cut_off_is_not_taken_for_an_end,
    clients_are_known_by_their_certificates,
    a_client_that_does_not_trust_the_server_goes,
    older_versions_are_refused,
    another_protocol_is_not_served,
    sessions_are_resumed,
    what_is_not_tls_is_named_and_refused,
    a_handshake_that_is_cut_off_harms_nobody,
    a_handshake_may_not_take_for_ever,
    openssl_is_answered,
    the_client_is_answered,
    the_client_says_whom_it_does_not_trust,
    #[cfg(unix)] a_request_under_way_is_answered_before_the_server_ends,
}

const FOUND: &str = "In the caves beneath the Misty Mountains. 💍";

fn start(on: AppServer, files: &Files, more: &[&str]) -> Server {
    on.start(&[&words(&files.of_server())[..], more].concat())
}

/// A server that serves only whom the authority has certified.
fn start_for_known(on: AppServer, files: &Files) -> Server {
    start(on, files, &["--tls-client-ca", &files.path("ca.pem")])
}

/// What happens when a client in Python, that trusts the authority, sends these requests.
fn ask_over_tls(server: &Server, files: &Files, more: &[&str], requests: &[&str]) -> Vec<Value> {
    let port = server.address.port().to_string();
    ask(&[&["--port", &port, "--ca", &files.path("ca.pem")], more].concat(), requests)
}

/// The server still serves, and has not complained.
fn all_is_well(server: &Server, files: &Files) {
    let events = ask_over_tls(server, files, &[], &["search:ring"]);
    assert_eq!((replies(&events), failure(&events)), (vec![&json!({ "result": FOUND })], None));
    server.output.find(|line| line.starts_with("closing connection to "));
    assert_eq!(server.errors.so_far(), [""; 0]);
}

/// The server's next complaint, without the address in it.
fn complaint(server: &Server) -> String {
    let line = server.errors.next();
    let (why, address) = line.rsplit_once(" from ").expect(&line);
    assert!(address.starts_with("127.0.0.1:"), "{line}");
    why.strip_prefix("error: ").expect(&line).to_owned()
}

fn a_client_in_python_is_answered(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    let long = "ü".repeat(50_000);
    for split in ["0", "3", "1448"] {
        let requests = ["search:ring", &format!("search:{long}"), "binary:0123456789abc", "empty", "random:1000000"];
        // By threes, a megabyte is a third of a million records.
        let requests = if split == "3" { &requests[..1] } else { &requests };
        let events = ask_over_tls(&server, &files, &["--split", split], requests);
        assert_eq!(events[0], json!({"what": "tls", "version": "TLSv1.3", "alpn": "jsonframe", "reused": false}));
        let answered = |beginning: &[u8]| json!(hex::encode([b"First 10 bytes of request: ", beginning].concat()));
        let replies = replies(&events);
        assert_eq!(*replies[0], json!({ "result": FOUND }));
        if let [result, digits, empty, random] = replies[1..] {
            assert_eq!(*result, json!({"result": format!("No match for \"{long}\".")}));
            assert_eq!((digits, empty), (&answered(b"0123456789"), &answered(b"")));
            assert_eq!(random.as_str().map(str::len), Some(2 * 37));
        }
        assert_eq!((replies.len(), failure(&events)), (requests.len(), None));
    }
    all_is_well(&server, &files);
}

fn the_end_is_said_by_either_side(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &["--close-after-reply"]);
    // The server's first, and in all other tests the client's, which waits for the server's word too.
    let events = ask_over_tls(&server, &files, &["--to-the-end"], &["search:ring"]);
    assert_eq!((replies(&events).len(), failure(&events)), (1, None));
    all_is_well(&server, &files);
}

fn a_client_that_does_not_say_the_end_is_told_from_others(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    let events = ask_over_tls(&server, &files, &["--abrupt"], &["search:ring"]);
    assert_eq!((replies(&events).len(), failure(&events)), (1, None));
    assert_eq!(complaint(&server), "the stream was cut off: it ended without TLS's close_notify");
    all_is_well(&server, &files);
}

fn a_message_that_is_cut_off_is_not_taken_for_an_end(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    for cut in ["1", "2", "105", "120"] {
        ask_over_tls(&server, &files, &["--abrupt", "--cut", cut], &["search:ring"]);
        assert_eq!(complaint(&server), "the stream was cut off: it ended without TLS's close_notify", "{cut}");
        // One that says that this is all is told what is missing.
        ask_over_tls(&server, &files, &["--cut", cut], &["search:ring"]);
        let why = complaint(&server);
        assert!(why.starts_with("the stream ends inside a message; bytes missing: "), "{cut}: {why}");
    }
    all_is_well(&server, &files);
}

fn clients_are_known_by_their_certificates(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start_for_known(on, &files);
    let own = |name: &str| {
        ["--cert".to_owned(), files.path(&format!("{name}.pem")), "--key".into(), files.path(&format!("{name}.key"))]
    };
    for (options, why) in [
        (vec![], "the TLS handshake failed: peer sent no certificates"),
        (words(&own("stranger")), "the TLS handshake failed: invalid peer certificate: UnknownIssuer"),
    ] {
        let events = ask_over_tls(&server, &files, &options, &["search:ring"]);
        assert!(replies(&events).is_empty() && failure(&events).is_some(), "{events:?}");
        assert_eq!(complaint(&server), why);
    }
    let events = ask_over_tls(&server, &files, &words(&own("client")), &["search:ring"]);
    assert_eq!((replies(&events).len(), failure(&events)), (1, None));
    assert_eq!(server.errors.so_far(), [""; 0]);
    // Those who were refused are not said to have been accepted.
    server.signal("TERM");
    let accepted = server.output.rest().iter().filter(|line| line.starts_with("accepted")).count();
    assert_eq!(accepted, 1);
}

fn a_client_that_does_not_trust_the_server_goes(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    let port = server.address.port().to_string();
    let events = ask(&["--port", &port, "--ca", &files.path("other-ca.pem")], &["search:ring"]);
    assert_eq!(failure(&events), Some("certificate verify failed"));
    assert_eq!(complaint(&server), "the TLS handshake failed: received fatal alert: UnknownCA");
    let events = ask_over_tls(&server, &files, &["--name", "elsewhere"], &["search:ring"]);
    assert_eq!(failure(&events), Some("certificate verify failed"));
    let why = complaint(&server);
    assert!(why.starts_with("the TLS handshake failed: received fatal alert: "), "{why}");
    all_is_well(&server, &files);
}

fn older_versions_are_refused(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    for version in ["TLSv1", "TLSv1_1", "TLSv1_2"] {
        let events = ask_over_tls(&server, &files, &["--tls", version], &["search:ring"]);
        assert!(failure(&events).is_some_and(|why| why.contains(" alert ")), "{events:?}");
        let why = complaint(&server);
        assert!(why.starts_with("the TLS handshake failed: peer is incompatible: "), "{version}: {why}");
    }
    all_is_well(&server, &files);
}

fn another_protocol_is_not_served(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    let events = ask_over_tls(&server, &files, &["--alpn", "h2,http/1.1"], &["search:ring"]);
    assert!(failure(&events).is_some_and(|why| why.contains("alert no application protocol")), "{events:?}");
    assert_eq!(complaint(&server), "the TLS handshake failed: peer doesn't support any known protocol");
    // Who names none, and who names others too, are welcome.
    for (named, agreed) in [("", Value::Null), ("h2,jsonframe", json!("jsonframe"))] {
        let events = ask_over_tls(&server, &files, &["--alpn", named], &["search:ring"]);
        assert_eq!((&events[0]["alpn"], replies(&events).len(), failure(&events)), (&agreed, 1, None));
    }
    all_is_well(&server, &files);
}

fn sessions_are_resumed(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    let events = ask_over_tls(&server, &files, &["--times", "3"], &["search:ring"]);
    let reused: Vec<_> = events.iter().filter(|event| event["what"] == "tls").map(|event| &event["reused"]).collect();
    assert_eq!(reused, [false, true, true]);
    assert_eq!((replies(&events).len(), failure(&events)), (3, None));
    all_is_well(&server, &files);
}

fn what_is_not_tls_is_named_and_refused(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    let content = br#"{"action": "search", "value": "ring"}"#;
    let message = Message::new(Header::for_json(content.len() as u64), content).unwrap().to_vec().unwrap();
    for (bytes, why) in [
        (
            &message[..],
            r#"expected TLS; the stream begins with "\x00g{\"byte", which looks like a message of jsonframe"#,
        ),
        (b"GET / HTTP/1.1\r\n\r\n", r#"expected TLS; the stream begins with "GET / HT", which looks like HTTP"#),
        (&[0xFF; 100], r#"expected TLS; the stream begins with "\xff\xff\xff\xff\xff\xff\xff\xff""#),
    ] {
        let mut stream = server.connect();
        stream.write_all(bytes).unwrap();
        // No more than an alert of TLS.
        assert!(last_words(stream).len() <= 7);
        assert_eq!(complaint(&server), why);
    }
    all_is_well(&server, &files);
}

/// What OpenSSL begins a handshake with.
fn hello() -> Vec<u8> {
    let run = program("python3", &[PEER, "hello"]).assert().success();
    hex::decode(text(&run.get_output().stdout).trim()).unwrap()
}

fn a_handshake_that_is_cut_off_harms_nobody(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &[]);
    let hello = hello();
    for (cut, why) in [
        (1, "the stream ended inside the TLS handshake"),
        (5, "the stream ended inside the TLS handshake"),
        (hello.len() / 2, "the stream ended inside the TLS handshake"),
        (hello.len(), "the stream ended inside the TLS handshake"),
    ] {
        let mut stream = server.connect();
        stream.write_all(&hello[..cut]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        last_words(stream);
        assert_eq!(complaint(&server), why, "{cut} bytes");
    }
    server.connect_and_leave();
    all_is_well(&server, &files);
}

fn a_handshake_may_not_take_for_ever(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &["--handshake-timeout", "1"]);
    let hello = hello();
    for cut in [0, 1, hello.len()] {
        let mut stream = server.connect();
        stream.write_all(&hello[..cut]).unwrap();
        last_words(stream);
        assert_eq!(complaint(&server), "the handshake took too long", "{cut} bytes");
    }
}

fn openssl_is_answered(on: AppServer) {
    if !has("openssl") {
        return;
    }
    let files = Files::new();
    let server = start(on, &files, &["--close-after-reply"]);
    let (address, ca, session) = (server.address.to_string(), files.path("ca.pem"), files.path("session"));
    let content = br#"{"action": "search", "value": "needle"}"#;
    let message = Message::new(Header::for_json(content.len() as u64), content).unwrap().to_vec().unwrap();
    let common =
        ["s_client", "-connect", &address, "-CAfile", &ca, "-verify_return_error", "-verify_hostname", "localhost"];
    for (options, is_new) in [(["-sess_out", &session], true), (["-sess_in", &session], false)] {
        let options = [&common[..], &["-alpn", "jsonframe", "-ign_eof"], &options].concat();
        let run = program("openssl", &options).write_stdin(message.clone()).assert().success();
        let output = String::from_utf8_lossy(&run.get_output().stdout);
        assert!(output.contains("{\"result\": \"No match for \\\"needle\\\".\"}"), "{output}");
        assert!(output.contains("ALPN protocol: jsonframe"), "{output}");
        assert!(output.contains(if is_new { "New, TLSv1.3" } else { "Reused, TLSv1.3" }), "{output}");
        server.output.find(|line| line.starts_with("closing connection to "));
    }
    assert_eq!(server.errors.so_far(), [""; 0]);
    // It cannot be talked into anything older.
    for version in ["-tls1", "-tls1_1", "-tls1_2"] {
        program("openssl", &[&common[..], &[version, "-cipher", "ALL:@SECLEVEL=0"]].concat()).assert().failure();
        let why = complaint(&server);
        assert!(why.starts_with("the TLS handshake failed: peer is incompatible: "), "{version}: {why}");
    }
}

/// `app-client`, to talk to this server as one that has this certificate.
fn app_client(server: &Server, files: &Files, more: &[&str]) -> assert_cmd::Command {
    let mut command = server.client(&["search", "needle", "dance", "x"]);
    command.args(["--tls-ca", &files.path("ca.pem")]).args(more);
    command
}

fn the_client_is_answered(on: AppServer) {
    let files = Files::new();
    for (server, own) in [(start(on, &files, &[]), vec![]), (start_for_known(on, &files), words(&files.own("client")))]
    {
        for _ in 0..3 {
            let run =
                app_client(&server, &files, &["--tls-name", "localhost"]).args(&own).assert().success().stderr("");
            let output = text(&run.get_output().stdout);
            assert!(output.contains("\ngot result: No match for \"needle\".\n"), "{output}");
            assert!(output.contains("\ngot response: b\"First 10 bytes of request: dancex\"\n"), "{output}");
            // It says the end, as it should be.
            server.output.find(|line| line.starts_with("closing connection to "));
        }
        assert_eq!(server.errors.so_far(), [""; 0]);
        // By the name that it is reached with.
        let port = server.address.port().to_string();
        client(&["localhost", &port, "search", "needle", "--tls-ca", &files.path("ca.pem")])
            .args(&own)
            .assert()
            .success();
    }
}

fn the_client_says_whom_it_does_not_trust(on: AppServer) {
    let files = Files::new();
    let (server, plain) = (start(on, &files, &[]), on.start(&[]));
    let refuses = |mut command: assert_cmd::Command, why: &str| {
        let run = command.assert().code(1);
        let complaint = text(&run.get_output().stderr);
        assert!(complaint.starts_with(&format!("app-client: {why}")), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        // Nothing was sent.
        assert!(!text(&run.get_output().stdout).contains("sending"));
    };
    let no_tls = |server: &Server| format!("no TLS with {}: ", server.address);
    let trusting_another = ["--tls-ca", &files.path("other-ca.pem"), "--tls-name", "localhost"];
    refuses(
        server.client(&[&["search", "ring"][..], &trusting_another].concat()),
        &(no_tls(&server) + "invalid peer certificate: UnknownIssuer"),
    );
    let why = no_tls(&server) + "invalid peer certificate: certificate not valid for name \"127.0.0.1\"";
    refuses(app_client(&server, &files, &[]), &why);
    refuses(app_client(&server, &files, &["--tls-name", "two words"]), &(no_tls(&server) + "invalid dns name"));
    refuses(
        app_client(&plain, &files, &["--tls-name", "localhost"]),
        &(no_tls(&plain) + "received corrupt message of type InvalidContentType"),
    );
    assert!(plain.errors.next().contains("which looks like TLS"));

    // Who does not speak TLS is not answered, and learns it.
    let run = server.client(&["search", "ring"]).assert().code(1);
    assert!(text(&run.get_output().stderr).starts_with(&format!("app-client: no answer from {}: ", server.address)));
}

/// Asks with the client's own certificate left out.
#[test]
fn a_client_without_its_certificate_is_not_answered() {
    let files = Files::new();
    let server = start_for_known(AppServer::Std, &files);
    let run = app_client(&server, &files, &["--tls-name", "localhost"]).assert().code(1);
    assert!(text(&run.get_output().stderr).starts_with(&format!("app-client: no answer from {}: ", server.address)));
    assert_eq!(complaint(&server), "the TLS handshake failed: peer sent no certificates");
}

#[test]
fn a_server_that_is_silent_in_the_handshake_is_given_up() {
    let files = Files::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let silent = thread::spawn(move || {
        let mut stream = accept(&listener);
        // A byte of an answer, and then nothing until the client goes.
        stream.write_all(&[22]).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let words = [
        "127.0.0.1",
        &address.port().to_string(),
        "search",
        "ring",
        "--tls-ca",
        &files.path("ca.pem"),
        "--timeout",
        "0.5",
    ];
    let run = client(&words).assert().code(1);
    let why =
        format!("app-client: timed out after 0.5 s in the TLS handshake with {address}; 1 byte had come: b\"\\x16\"\n");
    assert_eq!(text(&run.get_output().stderr), why);
    silent.join().unwrap();
}

#[test]
fn what_cannot_be_used_is_said_in_one_line() {
    let files = Files::new();
    let path = |name: &str| files.path(name);
    let [certificate, key, ca, nothing] = ["server.pem", "server.key", "ca.pem", "nothing"].map(path);
    std::fs::write(files.path("empty"), "").unwrap();
    let empty = files.path("empty");
    for (words, why) in [
        ([&nothing, &key], format!("a certificate in {nothing}: I/O error: ")),
        ([&certificate, &nothing], format!("a private key in {nothing}: I/O error: ")),
        ([&empty, &key], format!("a certificate in {empty}: no items found")),
        ([&certificate, &ca], format!("a private key in {ca}: no items found")),
        ([&certificate, &path("client.key")], "keys may not be consistent: KeyMismatch".into()),
    ] {
        for on in [AppServer::Std, AppServer::Tokio] {
            let options = ["127.0.0.1", "0", "--tls-cert", words[0], "--tls-key", words[1]];
            let run = program(on.path(), &options).assert().code(1).stdout("");
            let complaint = text(&run.get_output().stderr);
            let (_, what) = complaint.split_once(": ").unwrap();
            assert!(what.starts_with(&format!("cannot speak TLS: {why}")), "{complaint}");
            assert_eq!(complaint.lines().count(), 1);
        }
        let run = client(&["search", "ring", "--tls-ca", &ca, "--tls-cert", words[0], "--tls-key", words[1]])
            .assert()
            .code(1);
        let complaint = text(&run.get_output().stderr);
        assert!(complaint.starts_with(&format!("app-client: cannot speak TLS: {why}")), "{complaint}");
    }
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    for on in [AppServer::Std, AppServer::Tokio] {
        for options in [&["--tls-cert", "x"][..], &["--tls-key", "x"], &["--tls-client-ca", "x"]] {
            program(on.path(), options).assert().code(2).stdout("");
        }
    }
    for options in [
        &["--tls-cert", "x", "--tls-key", "x"][..],
        &["--tls-ca", "x", "--tls-cert", "x"],
        &["--tls-ca", "x", "--tls-key", "x"],
        &["--tls-name", "x"],
        &["--tls-ca", "x", "--pipeline"],
    ] {
        client(&["search", "ring"]).args(options).assert().code(2).stdout("");
    }
}

/// A client has sent half of a request when the server is told to end, and sends the rest when it does not listen any more.
#[cfg(unix)]
fn a_request_under_way_is_answered_before_the_server_ends(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let mut server = start(on, &files, &[]);
    let (port, ca) = (server.address.port().to_string(), files.path("ca.pem"));
    let words = [PEER, "ask", "--port", &port, "--ca", &ca, "--half", "--to-the-end", "--", "search:ring"];
    let peer = Program::spawn(Command::new("python3").args(words));
    peer.output.find(|line| line.contains("half"));
    server.signal("TERM");
    let lines = peer.output.rest();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains(FOUND) && lines[1].contains("end"), "{lines:?}");
    assert_eq!(server.exit_code(), Some(0));
}
