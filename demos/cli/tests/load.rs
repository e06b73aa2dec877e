//! The load generator, as a program.

#[path = "../../tests/certificates/mod.rs"]
mod certificates;
#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/taken/mod.rs"]
mod taken;

use std::env;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use certificates::{Files, words};
use common::{Server, program, text};
use jsonframe_std::Connection;
use serde_json::{Value, json};
use taken::taken;

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

fn quiet_server(options: &[&str]) -> Server {
    Server::start(&[&["--quiet"], options].concat())
}

/// What `load` says about a server at this port of the loopback interface.
fn figures(port: u16, options: &[&str]) -> Value {
    figures_of(&format!("127.0.0.1:{port}"), options)
}

/// What `load` says about a server at this address.
fn figures_of(address: &str, options: &[&str]) -> Value {
    let run = program(JSONFRAME, &["load", address, "--report", "json"]).args(options).assert().success().stderr("");
    serde_json::from_str(text(&run.get_output().stdout)).expect("it is JSON")
}

fn number(figures: &Value, pointer: &str) -> f64 {
    figures.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} in {figures}"))
}

#[test]
fn a_closed_loop_gives_figures() {
    let server = quiet_server(&[]);
    let options =
        ["--connections", "5", "--pipeline", "3", "--content-size", "5000", "--duration", "0.5", "--idle", "7"];
    let figures = figures(server.address.port(), &options);
    for (member, expected) in [
        ("connections", json!(5)),
        ("pipeline", json!(3)),
        ("content_size", json!(5000)),
        ("request_size", json!(2 + 105 + 5000)),
        ("rate", Value::Null),
        ("idle", json!(7)),
        ("idle_lost", json!(0)),
        ("opened", json!(5)),
        ("unsent", json!(0)),
        ("errors", json!({})),
    ] {
        assert_eq!(figures[member], expected, "{member}");
    }
    assert!(number(&figures, "/answered") >= 15.0);
    assert_eq!(figures["answered"], figures["sent"]);
    assert!(number(&figures, "/requests_per_second") > 0.0);
    let latencies =
        ["min", "p50", "p90", "p99", "p99_9", "max"].map(|name| number(&figures["latency_us"], &format!("/{name}")));
    assert!(latencies.is_sorted() && latencies[0] > 0.0, "{latencies:?}");
    assert!(number(&figures, "/seconds") >= 0.5);
    assert!(figures.get("raw").is_none() && figures.get("ratio").is_none());
    assert!(server.errors.so_far().is_empty());
}

#[test]
fn at_a_rate_so_many_are_sent() {
    let server = quiet_server(&[]);
    let figures = figures(server.address.port(), &["-c", "3", "-r", "200", "-d", "1"]);
    let count = |member| figures[member].as_u64().unwrap();
    assert_eq!(count("sent") + count("unsent"), 200);
    assert_eq!(figures["answered"], figures["sent"]);
    assert_eq!(figures["errors"], json!({}));
}

#[test]
fn an_echo_of_the_same_bytes_is_measured_beside() {
    let server = quiet_server(&[]);
    for options in [&["-p", "2"][..], &["--content-size", "300000"], &["--per-connection", "1"]] {
        let figures = figures(server.address.port(), &[&["--raw", "-d", "0.4", "-c", "2"], options].concat());
        let ratio = number(&figures, "/requests_per_second") / number(&figures, "/raw/requests_per_second");
        assert!((ratio - number(&figures, "/ratio")).abs() < 1e-6);
        assert_eq!(figures["errors"], json!({}));
        let run = program(JSONFRAME, &["load", "--raw", "-d", "0.2", &server.address.to_string()]).assert().success();
        let output = text(&run.get_output().stdout);
        for beginning in
            ["load ", "requests ", "answered ", "throughput ", "latency ", "errors        no errors", "ratio "]
        {
            assert!(output.lines().any(|line| line.starts_with(beginning)), "{beginning} in {output}");
        }
    }
}

#[test]
fn connections_are_replaced() {
    let server = quiet_server(&[]);
    let figures = figures(server.address.port(), &["--per-connection", "2", "-d", "0.5", "-c", "2"]);
    let (opened, answered) = (number(&figures, "/opened"), number(&figures, "/answered"));
    assert!(opened >= answered / 2.0 && opened <= answered / 2.0 + 2.0, "{opened} for {answered}");
    assert_eq!(figures["errors"], json!({}));
}

#[test]
fn idle_connections_that_the_server_ended_are_counted() {
    let server = quiet_server(&["--idle-timeout", "0.3"]);
    let figures = figures(server.address.port(), &["--idle", "5", "-d", "1.5"]);
    assert_eq!(figures["idle_lost"], 5);
}

/// A server that answers every request on one connection after the other, but waits once.
fn stalling_server(stall: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        // The first connection only asks whether there is a server.
        let streams = listener.incoming().skip(1).map_while(Result::ok);
        streams.for_each(|stream| {
            let mut connection = Connection::new(stream);
            let mut number = 0;
            while let Ok(Some(_)) = connection.receive() {
                number += 1;
                if number == 10 {
                    thread::sleep(stall);
                }
                let _ = connection.send_json(&json!({"result": ""}));
            }
        });
    });
    port
}

/// When a server does not answer for a while, all those are late that were due in it.
#[test]
fn omission_is_not_coordinated() {
    let stall = Duration::from_millis(800);
    let at_rate = figures(stalling_server(stall), &["-r", "100", "-d", "1.5"]);
    // Of 150 requests 80 were due in that time, and were late by 400 ms at the median.
    assert!(number(&at_rate, "/latency_us/p90") > 400_000.0, "{at_rate}");
    // Who waits for each answer has one late request.
    let closed = figures(stalling_server(stall), &["-d", "1.5"]);
    assert!(number(&closed, "/latency_us/max") >= 800_000.0, "{closed}");
    assert!(number(&closed, "/latency_us/p50") < 400_000.0, "{closed}");
}

#[test]
fn failures_are_told_by_kind() {
    let fails = |port: u16, options: &[&str], reason: &str| {
        let words = ["load", &format!("127.0.0.1:{port}"), "-d", "0.3", "--timeout", "0.5"];
        let run = program(JSONFRAME, &words).args(options).assert().code(1).stdout("");
        let complaint = text(&run.get_output().stderr);
        let reason = reason.replace("nothing was answered", &format!("nothing was answered by 127.0.0.1:{port}"));
        assert!(complaint.starts_with(&format!("jsonframe: {reason}")), "{complaint}");
        assert_eq!(complaint.lines().count(), 1);
        complaint.to_owned()
    };
    let server = quiet_server(&["--max-content", "50"]);
    fails(server.address.port(), &["--content-size", "60"], "nothing was answered; errors: answer ");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    fails(port, &["-c", "2", "-p", "3"], "nothing was answered; errors: timeout 6");

    // Each peer that is accepted is told something that is no message, or nothing.
    let nonsense = |serve: fn(&TcpStream)| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = stream.peek(&mut [0]);
                serve(&stream);
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = std::io::copy(&mut &stream, &mut std::io::sink());
            }
        });
        port
    };
    fails(nonsense(|_| {}), &[], "nothing was answered; errors: closed ");
    let speaks = |mut stream: &TcpStream| drop(std::io::Write::write(&mut stream, b"HTTP/1.1 400 Bad Request\r\n"));
    let errors = fails(nonsense(speaks), &[], "nothing was answered; errors: protocol ");
    assert!(errors.contains("\"HTT\", which looks like HTTP"), "{errors}");
    let speaks = |mut stream: &TcpStream| drop(std::io::Write::write(&mut stream, &[0; 10]));
    fails(nonsense(speaks), &[], "nothing was answered; errors: protocol ");

    let (_kept, address) = taken();
    fails(address.port(), &[], &format!("cannot connect to {address}: "));
}

/// Starts to measure for a minute, and interrupts it when so many requests have been received.
#[cfg(unix)]
fn interrupted(options: &[&str], answers: bool) -> common::Program {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let words = ["load", &address, "--duration", "60", "--timeout", "60"];
    let program = common::Program::spawn(Command::new(JSONFRAME).args(words).args(options));
    // The first connection only asks whether there is a server.
    let _asking = common::accept(&listener);
    let mut connection = Connection::new(common::accept(&listener));
    for _ in 0..10 {
        connection.receive().unwrap().unwrap().content().unwrap();
        if !answers {
            break;
        }
        connection.send_json(&json!({"result": ""})).unwrap();
    }
    if answers {
        // Another one comes only after the tenth answer, to which there is none.
        connection.receive().unwrap().unwrap();
    }
    program.signal("TERM");
    // It is open until the program has ended.
    assert!(connection.receive().unwrap_or(None).is_none());
    program
}

#[cfg(unix)]
#[test]
fn the_figures_until_an_interruption_are_not_lost() {
    let mut program = interrupted(&["--report", "json"], true);
    assert_eq!(program.exit_code(), Some(130));
    assert!(program.errors.rest().is_empty());
    let figures: Value = serde_json::from_str(&program.output.rest().join("\n")).unwrap();
    assert_eq!((&figures["answered"], &figures["sent"]), (&json!(10), &json!(11)));
    assert_eq!(figures["errors"], json!({}));
    assert!(number(&figures, "/seconds") < 60.0);

    let mut program = interrupted(&[], true);
    assert_eq!(program.exit_code(), Some(130));
    let lines = program.output.rest();
    assert!(lines.iter().any(|line| line.starts_with("answered      10 of 11 in ")), "{lines:?}");

    // Without an answer there are none.
    let mut program = interrupted(&[], false);
    assert_eq!(program.exit_code(), Some(130));
    assert!(program.output.rest().is_empty() && program.errors.rest().is_empty());
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for arguments in [
        &["-c", "0"][..],
        &["-r", "0"],
        &["-r", "-1"],
        &["-r", "nan"],
        &["-p", "0"],
        &["--content-size", "32"],
        &["-d", "0"],
        &["--per-connection", "0"],
        &["127.0.0.1:http"],
    ] {
        program(JSONFRAME, &["load"]).args(arguments).assert().code(2).stdout("");
    }
    let help = program(JSONFRAME, &["load", "--help"]).assert().success();
    assert!(text(&help.get_output().stdout).contains("\nExamples:\n"));
    program(JSONFRAME, &["load", "--version"]).assert().success();
}

#[test]
fn a_program_whose_output_nobody_reads_ends_quietly() {
    let server = quiet_server(&[]);
    let address = server.address.to_string();
    assert!(common::ends_quietly_unread(JSONFRAME, &["load", &address, "-d", "0.1"]));
}

/// All requests are answered.
fn assert_answered(figures: &Value) {
    assert!(number(figures, "/answered") > 0.0);
    assert_eq!((&figures["answered"], &figures["errors"]), (&figures["sent"], &json!({})));
}

#[test]
fn servers_are_asked_over_tls() {
    let files = Files::new();
    let server = quiet_server(&words(&files.of_server()));
    let (address, ca) = (format!("localhost:{}", server.address.port()), files.path("ca.pem"));
    for options in
        [&["-c", "5", "-p", "3", "--idle", "2"][..], &["--content-size", "300000"], &["--per-connection", "2"]]
    {
        let figures = figures_of(&address, &[&["--tls-ca", &ca, "-d", "0.5"], options].concat());
        assert_answered(&figures);
        assert_eq!(figures["idle_lost"], 0);
    }
    let other = files.path("other-ca.pem");
    let run = program(JSONFRAME, &["load", &address, "--tls-ca", &other]).assert().code(1).stdout("");
    let said = text(&run.get_output().stderr);
    assert!(
        said.contains(&format!("no TLS with {}: invalid peer certificate: UnknownIssuer", server.address)),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn servers_are_asked_over_unix_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let server = quiet_server(&["--unix", path.to_str().unwrap()]);
    server.output.find(|line| line.contains("app.sock"));
    let figures = figures_of(&format!("unix:{}", path.display()), &["-c", "5", "-p", "2", "--idle", "3", "-d", "0.5"]);
    assert_answered(&figures);
    assert_eq!((&figures["opened"], &figures["idle_lost"]), (&json!(5), &json!(0)));
}

/// A server that answers with what the request is, as an error; with an argument in a dialect, of which the length has four
/// bytes and the byte order is absent.
const SERVER: &str = r#"
import json, socket, struct, sys, threading

LENGTH, OTHER = (">I", {}) if sys.argv[1:] else (">H", {"byteorder": "little"})

def exactly(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data

def serve(sock):
    try:
        while True:
            header = json.loads(exactly(sock, struct.unpack(LENGTH, exactly(sock, struct.calcsize(LENGTH)))[0]))
            content = exactly(sock, header["content-length"])
            known = {name: header.pop(name) for name in list(OTHER) + ["content-type", "content-encoding", "content-length"]}
            answer = json.dumps({"error": [known["content-type"], known["content-encoding"], content.decode("latin-1")]
                                 + [header] * (header != {})}).encode()
            header = json.dumps({**OTHER, "content-type": "text/json", "content-encoding": "utf-8",
                                 "content-length": len(answer)}).encode()
            sock.sendall(struct.pack(LENGTH, len(header)) + header + answer)
            print(answer.decode() + "\n", end="", flush=True)
    except (EOFError, OSError):
        pass

listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;

fn has(tool: &str) -> bool {
    let is_there = Command::new(tool).arg("--version").output().is_ok();
    assert!(is_there || env::var_os("CI").is_none(), "{tool} is missing");
    is_there
}

#[test]
fn any_server_is_asked_what_is_wanted_and_not_judged_by_its_words() {
    if !has("python3") {
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"\x00\xff").unwrap();
    let data = format!("@{}", file.path().display());
    for (options, answer) in [
        (&["--json", "{\"x\": [1]}"][..], r#"{"error": ["text/json", "utf-8", "{\"x\": [1]}"]}"#),
        (&["--data", "plain"], r#"{"error": ["text/plain", "utf-8", "plain"]}"#),
        (&["--data", "\u{e9}", "--encoding", "latin-1"], r#"{"error": ["text/plain", "latin-1", "\u00e9"]}"#),
        (&["--data", &data], r#"{"error": ["application/octet-stream", "binary", "\u0000\u00ff"]}"#),
        (
            &["--json", "1", "-H", "a=b", "-H", "n=[1]"],
            r#"{"error": ["text/json", "utf-8", "1", {"a": "b", "n": [1]}]}"#,
        ),
        (&["--data", &data, "--type", "a/b", "--encoding", "c"], r#"{"error": ["a/b", "c", "\u0000\u00ff"]}"#),
        (&["--data", ""], r#"{"error": ["text/plain", "utf-8", ""]}"#),
    ] {
        let server = Server::spawn(Command::new("python3").args(["-c", SERVER]));
        assert_answered(&figures(server.address.port(), &[&["-d", "0.2"], options].concat()));
        assert_eq!(server.output.next(), answer);
    }
    for wrong in [&["--json", "{"][..], &["--json", "1", "--data", "1"], &["--json", "1", "--content-size", "40"]] {
        program(JSONFRAME, &["load"]).args(wrong).assert().code(2).stdout("");
    }
    for wrong in [&["--data", "@/nowhere"][..], &["--type", "a"], &["-H", "content-length=1"]] {
        program(JSONFRAME, &["load"]).args(wrong).assert().code(1).stdout("");
    }
}

#[test]
fn servers_that_speak_a_dialect_are_asked_in_it() {
    if has("python3") {
        let server = Server::spawn(Command::new("python3").args(["-c", SERVER, "dialect"]));
        let options = ["-d", "0.2", "-c", "2", "-p", "3", "--json", "1", "-H", "a=b", "--dialect", "u32,no-byteorder"];
        assert_answered(&figures(server.address.port(), &options));
        assert_eq!(server.output.next(), r#"{"error": ["text/json", "utf-8", "1", {"a": "b"}]}"#);
        program(JSONFRAME, &["load", &server.address.to_string(), "-d", "0.2", "--timeout", "0.5"]).assert().code(1);
    }
    // A search too, and one direction in another dialect than the other.
    let dialects = [
        (
            &["--dialect", "u16-le,prefix=0102,underscores,no-type"][..],
            &["--dialect", "u16-le,prefix=0102,underscores,no-type"][..],
        ),
        (&["--dialect", "u8", "--send-dialect", "u32"], &["--dialect", "u32", "--send-dialect", "u8"]),
    ];
    for (of_server, of_client) in dialects {
        let words = [&["listen", "127.0.0.1:0"], of_server].concat();
        let server = Server::spawn(Command::new(JSONFRAME).args(words));
        assert_answered(&figures(server.address.port(), &[&["-d", "0.2", "--raw", "-p", "2"], of_client].concat()));
    }
}

/// What Chromium makes of a page.
fn dom(page: &Path) -> String {
    let profile = tempfile::tempdir().unwrap();
    let profile = format!("--user-data-dir={}", profile.path().display());
    let options = ["--headless", "--no-sandbox", "--disable-gpu", &profile, "--dump-dom"];
    let url = format!("file://{}", page.display());
    let run = program("chromium", &options).arg(url).assert().success();
    text(&run.get_output().stdout).to_owned()
}

#[test]
fn the_page_shows_the_figures_of_the_report_and_needs_nothing_else() {
    let server = quiet_server(&[]);
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("load.html");
    let figures = figures(server.address.port(), &["-d", "1", "-c", "3", "--html", page.to_str().unwrap()]);
    let source = std::fs::read_to_string(&page).unwrap();
    for outside in ["src=", "href=", "url(", "<script", "@import"] {
        assert!(!source.contains(outside), "{outside}");
    }
    let timeline: Vec<_> =
        figures["timeline"]["answered"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    assert_eq!(timeline.iter().sum::<u64>(), figures["answered"].as_u64().unwrap());
    assert!((10..=60).contains(&timeline.len()), "{timeline:?}");
    if !has("chromium") {
        return;
    }
    let dom = dom(&page);
    let cell =
        |id: &str| dom.split(&format!("<td id=\"{id}\">")).nth(1).and_then(|rest| rest.split('<').next()).expect(id);
    for id in ["connections", "sent", "answered", "unsent"] {
        assert_eq!(cell(id), figures[id].to_string());
    }
    assert_eq!(cell("requests-per-second"), format!("{:.1}", number(&figures, "/requests_per_second")));
    for (id, name) in [("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99.9", "p99_9"), ("max", "max")] {
        let microseconds = number(&figures["latency_us"], &format!("/{name}"));
        assert_eq!(cell(id), format!("{:.3} ms", microseconds / 1000.0));
    }
    // Two pictures, each with a line, and the words at their axes.
    assert_eq!(dom.matches("<svg").count(), 2);
    assert!(dom.matches("<polyline").count() >= 2 && dom.contains("answers per second"), "{dom}");
}
