//! The application's servers on Unix sockets, behind proxies, and on sockets that they are started with.
#![cfg(unix)]

mod certificates;
mod common;
mod peer;

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use certificates::{Files, words};
use common::{AppServer, PATIENCE, Program, Server, client, ending_signals, last_words, on_each_server, program, text};
use peer::{PEER, ask, failure, has, replies};
use serde_json::json;
use tempfile::TempDir;

on_each_server! {
    a_unix_socket_is_served_beside_tcp,
    a_unix_socket_is_served_without_tls,
    the_file_of_a_unix_socket_goes_with_the_server,
    a_unix_socket_that_is_in_use_is_left_alone,
    sockets_that_the_server_is_started_with_are_served,
    the_address_is_that_of_the_proxy_header,
    a_proxy_speaks_for_itself_too,
    a_proxy_header_comes_before_tls,
    who_says_nothing_of_proxies_is_refused,
    curl_is_understood_as_far_as_its_proxy_header,
}

const FOUND: &str = "In the caves beneath the Misty Mountains. 💍";

/// A path for a socket.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> String {
        self.0.path().join("app.sock").to_str().unwrap().to_owned()
    }
}

/// A server on a free port and on a Unix socket.
fn start(on: AppServer, path: &str, more: &[&str]) -> Server {
    let server = on.start(&[&["--unix", path], more].concat());
    assert_eq!(server.output.next(), format!("listening on {path}"));
    server
}

/// Whether a client in Python is answered over a Unix socket.
fn is_served(path: &str) -> bool {
    let events = ask(&["--unix", path], &["search:ring", "binary:hello"]);
    let answered = json!(hex::encode("First 10 bytes of request: hello"));
    replies(&events) == [&json!({ "result": FOUND }), &answered] && failure(&events).is_none()
}

fn a_unix_socket_is_served_beside_tcp(on: AppServer) {
    let place = Place::new();
    let path = place.path();
    let server = start(on, &path, &[]);
    if has("python3") {
        assert!(is_served(&path));
        server.output.find(|line| line == "accepted connection from a Unix socket");
        server.output.find(|line| line == "closing connection to a Unix socket");
        let port = server.address.port().to_string();
        assert_eq!(failure(&ask(&["--port", &port], &["search:ring"])), None);
        server.output.find(|line| line.starts_with("closing connection to 127.0.0.1:"));
    }

    let run = client(&["--unix", &path, "search", "needle"]).assert().success().stderr("");
    let output = text(&run.get_output().stdout);
    assert!(output.starts_with(&format!("starting connection to {path}\nsending b\"\\x00")), "{output}");
    let end = format!(
        "received response {{\"result\": \"No match for \\\"needle\\\".\"}} from {path}\n\
         got result: No match for \"needle\".\nclosing connection to {path}\n"
    );
    assert!(output.ends_with(&end), "{output}");
    for requests in [&["search", "ring", "dance", "x"][..], &["-r", "search", "ring", "-r", "dance", "x"]] {
        for pipeline in [&[][..], &["--pipeline"]] {
            let run = client(&["--unix", &path]).args(requests).args(pipeline).assert().success();
            assert_eq!(text(&run.get_output().stdout).matches("\ngot ").count(), 2);
        }
    }
    assert_eq!(server.errors.so_far(), [""; 0]);
}

fn a_unix_socket_is_served_without_tls(on: AppServer) {
    let (place, files) = (Place::new(), Files::new());
    let path = place.path();
    let server = start(on, &path, &words(&files.of_server()));
    client(&["--unix", &path, "search", "ring"]).assert().success();
    server.client(&["search", "ring"]).assert().code(1);
    server.client(&["search", "ring", "--tls-name", "localhost", "--tls-ca", &files.path("ca.pem")]).assert().success();
}

fn the_file_of_a_unix_socket_goes_with_the_server(on: AppServer) {
    for signal in ending_signals() {
        let place = Place::new();
        let path = place.path();
        // What a server has left there that was killed is replaced.
        drop(UnixListener::bind(&path).unwrap());
        let mut server = start(on, &path, &[]);
        client(&["--unix", &path, "search", "ring"]).assert().success();
        server.signal(signal);
        assert_eq!(server.exit_code(), Some(0));
        assert!(!Path::new(&path).exists());
    }
}

fn a_unix_socket_that_is_in_use_is_left_alone(on: AppServer) {
    let place = Place::new();
    let path = place.path();
    let _server = start(on, &path, &[]);
    let file = place.0.path().join("file");
    std::fs::write(&file, "of somebody").unwrap();
    for taken in [path.as_str(), file.to_str().unwrap(), "/no/such/folder/app.sock"] {
        let run = program(on.path(), &["127.0.0.1", "0", "--unix", taken]).assert().code(1).stdout("");
        let complaint = text(&run.get_output().stderr);
        let (name, what) = complaint.split_once(": ").unwrap();
        assert!(on.path().ends_with(name) && what.starts_with(&format!("cannot listen on {taken}: ")), "{complaint}");
        assert_eq!(complaint.lines().count(), 1);
    }
    client(&["--unix", &path, "search", "ring"]).assert().success();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "of somebody");
}

#[test]
fn the_client_says_that_nobody_serves_a_path() {
    let place = Place::new();
    let path = place.path();
    for pipeline in [&[][..], &["--pipeline"]] {
        let run = client(&["--unix", &path, "search", "ring"]).args(pipeline).assert().code(1);
        let complaint = text(&run.get_output().stderr);
        assert!(complaint.starts_with(&format!("app-client: cannot connect to {path}: No such file")), "{complaint}");
    }
    for wrong in [&["search"][..], &["127.0.0.1", "1", "x"], &["search", "x", "-r", "search", "x"], &[]] {
        client(&["--unix", &path]).args(wrong).assert().code(2).stdout("");
    }
    client(&["--unix", &path, "--tls-ca", "x", "search", "ring"]).assert().code(2).stdout("");
    // Whoever listens need not accept, for others wait already.
    let listener = UnixListener::bind(&path).unwrap();
    let run = client(&["--unix", &path, "--timeout", "0.5", "search", "ring"]).assert().code(1);
    let why = format!("app-client: timed out after 0.5 s waiting for the answer from {path}\n");
    assert_eq!(text(&run.get_output().stderr), why);
    drop(listener);
}

#[test]
fn the_client_waits_for_a_path_to_be_served() {
    let place = Place::new();
    let path = place.path();
    let words = ["--retry", "60", "--unix", &path, "search", "ring"];
    let mut waiting = Program::spawn(Command::new(env!("CARGO_BIN_EXE_app-client")).args(words));
    assert_eq!(waiting.output.next(), format!("starting connection to {path}"));
    let _server = start(AppServer::Std, &path, &[]);
    waiting.output.find(|line| line == format!("got result: {FOUND}"));
    assert_eq!(waiting.exit_code(), Some(0));
}

/// A program in Python opens them, as systemd does, and becomes the server.
fn sockets_that_the_server_is_started_with_are_served(on: AppServer) {
    if !has("python3") {
        return;
    }
    let (place, files) = (Place::new(), Files::new());
    for (number, tls) in [vec![], files.of_server().to_vec()].iter().enumerate() {
        let path = format!("{}{number}", place.path());
        // The host and the port are not used then: nobody could listen there.
        let program = on.path();
        let words = [&[PEER, "start", &path, &program, "192.0.2.1", "1"], &words(tls)[..]].concat();
        let mut server = Server::spawn(Command::new("python3").args(words));
        assert_eq!(server.output.next(), "listening on a Unix socket");
        assert!(is_served(&path));
        let ca = files.path("ca.pem");
        let trust = if tls.is_empty() { vec![] } else { vec!["--tls-name", "localhost", "--tls-ca", &ca] };
        server.client(&["search", "ring"]).args(trust).assert().success();
        server.signal("TERM");
        assert_eq!(server.exit_code(), Some(0));
        assert_eq!(server.errors.rest(), [""; 0]);
        // It belongs to whoever has made it.
        assert!(Path::new(&path).exists());
    }
}

/// A proxy in Python passes on a client of this address.
fn ask_through_proxy(server: &Server, proxy: &[&str], more: &[&str]) -> Option<String> {
    let port = server.address.port().to_string();
    let events = ask(&[&["--port", &port, "--proxy"], proxy, more].concat(), &["search:ring", "binary:hello"]);
    assert_eq!((replies(&events).len(), failure(&events)), (2, None), "{events:?}");
    let accepted = server.output.find(|line| line.starts_with("accepted connection from "));
    accepted.strip_prefix("accepted connection from ").map(str::to_owned)
}

fn the_address_is_that_of_the_proxy_header(on: AppServer) {
    if !has("python3") {
        return;
    }
    let server = on.start(&["--proxy-protocol"]);
    for version in ["1", "2"] {
        for address in ["203.0.113.7:4711", "[2001:db8::7]:65535", "0.0.0.0:0"] {
            assert_eq!(ask_through_proxy(&server, &[version, address], &[]).as_deref(), Some(address));
            server.output.find(|line| {
                line == format!(r#"received request {{"action": "search", "value": "ring"}} from {address}"#)
            });
            server.output.find(|line| line == format!("closing connection to {address}"));
        }
    }
    // Complaints are of the client, too.
    let port = server.address.port().to_string();
    let events = ask(&["--port", &port, "--proxy", "2", "203.0.113.7:4711"], &["raw:0000"]);
    assert_eq!(
        *replies(&events)[0],
        json!({"error": "the header length is 0; a header is at least a JSON object (at byte 0)"})
    );
    let why = "error: the header length is 0; a header is at least a JSON object (at byte 0) from 203.0.113.7:4711";
    assert_eq!(server.errors.next(), why);
}

/// Such as a health check: the address is that of the proxy.
fn a_proxy_speaks_for_itself_too(on: AppServer) {
    if !has("python3") {
        return;
    }
    let server = on.start(&["--proxy-protocol"]);
    let address = ask_through_proxy(&server, &["2", "203.0.113.7:4711", "0"], &[]).unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert_eq!(server.errors.so_far(), [""; 0]);
}

fn a_proxy_header_comes_before_tls(on: AppServer) {
    if !has("python3") {
        return;
    }
    let files = Files::new();
    let server = on.start(&[&["--proxy-protocol"], &words(&files.of_server())[..]].concat());
    for version in ["1", "2"] {
        let address = ask_through_proxy(&server, &[version, "203.0.113.7:4711"], &["--ca", &files.path("ca.pem")]);
        assert_eq!(address.as_deref(), Some("203.0.113.7:4711"));
    }
    assert_eq!(server.errors.so_far(), [""; 0]);
    // What fails after it, fails for the client.
    let port = server.address.port().to_string();
    let events = ask(&["--port", &port, "--proxy", "1", "203.0.113.7:4711"], &["search:ring"]);
    assert!(replies(&events).is_empty());
    let complaint = server.errors.next();
    assert!(complaint.starts_with("error: expected TLS; the stream begins with "), "{complaint}");
    assert!(complaint.ends_with(", which looks like a message of jsonframe from 203.0.113.7:4711"), "{complaint}");
}

fn who_says_nothing_of_proxies_is_refused(on: AppServer) {
    let server = on.start(&["--proxy-protocol"]);
    server.client(&["search", "ring"]).assert().code(1);
    let complaint = server.errors.next();
    let why = "error: expected a PROXY header; the stream begins with \"";
    assert!(complaint.starts_with(why) && complaint.contains(" from 127.0.0.1:"), "{complaint}");
    // Nobody connects as somebody else with half a header.
    for (bytes, why) in [
        (
            &b"PROXY TCP4 203.0.113.7 203.0.113.7 4711"[..],
            "error: the stream ended inside the PROXY header from 127.0.0.1:",
        ),
        (
            b"PROXY TCP4 203.0.113.7 203.0.113.7 4711 99999\r\n",
            "error: the PROXY header is not valid: expected two addresses and two ports from 127.0.0.1:",
        ),
    ] {
        let mut stream = server.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        last_words(stream);
        let complaint = server.errors.next();
        assert!(complaint.starts_with(why), "{complaint}");
    }
    assert!(server.output.so_far().is_empty());
    server.connect_and_leave();
    if has("python3") {
        ask_through_proxy(&server, &["1", "203.0.113.7:4711"], &[]);
        assert_eq!(server.errors.so_far(), [""; 0], "who says nothing is no error");
    }

    // Without the option, a header is no message.
    let plain = on.start(&[]);
    let mut stream = plain.connect();
    stream.write_all(b"PROXY TCP4 203.0.113.7 203.0.113.7 4711 80\r\n").unwrap();
    assert!(plain.errors.next().contains("which looks like a PROXY header from 127.0.0.1:"));
}

/// After its header curl speaks HTTP, and is told so.
fn curl_is_understood_as_far_as_its_proxy_header(on: AppServer) {
    if !has("curl") {
        return;
    }
    let server = on.start(&["--proxy-protocol"]);
    let url = format!("http://{}/", server.address);
    let patience = PATIENCE.as_secs().to_string();
    // It shows the answer as it is, for it is none of HTTP.
    let words = [
        "--silent",
        "--noproxy",
        "*",
        "--http0.9",
        "--max-time",
        &patience,
        "--haproxy-protocol",
        "--output",
        "-",
        &url,
    ];
    let run = program("curl", &words).assert().success();
    let answer = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(answer.contains("which looks like HTTP\"}"), "{answer}");
    let accepted = server.output.next();
    let address = accepted.strip_prefix("accepted connection from ").expect(&accepted);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let complaint = server.errors.next();
    assert!(complaint.ends_with(&format!("which looks like HTTP from {address}")), "{complaint}");
}
