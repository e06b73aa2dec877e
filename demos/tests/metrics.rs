//! What Prometheus is told of the application's servers, as curl and Python get it.

mod common;
#[allow(dead_code, reason = "no requests are sent from Python")]
mod peer;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use common::{AppServer, PATIENCE, Server, last_words, on_each_server, program, text};
use peer::has;

on_each_server! {
    figures_are_those_of_what_has_happened,
    curl_and_python_get_the_figures,
    other_paths_and_methods_are_refused,
    an_address_that_is_in_use_is_named,
    who_only_connects_stops_nobody,
}

/// A server, and where its figures are.
fn start(on: AppServer, more: &[&str]) -> (Server, SocketAddr) {
    let server = on.start(&[&["--metrics", "127.0.0.1:0"], more].concat());
    let line = server.output.next();
    let address = line.strip_prefix("listening on http://").and_then(|url| url.strip_suffix("/metrics"));
    let address = address.and_then(|address| address.parse().ok()).expect(&line);
    (server, address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The head of a response in lower case, and its body.
fn request(address: SocketAddr, request_line: &str) -> (String, String) {
    let mut stream = connect(address);
    write!(stream, "{request_line} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").expect(&response);
    (head.to_lowercase(), body.to_owned())
}

/// The figures on a page, each by its name and labels.
fn figures(page: &str) -> BTreeMap<&str, f64> {
    let lines = page.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').expect(line)).map(|(name, value)| (name, value.parse().unwrap())).collect()
}

/// Asks until a page has these figures: what has happened is told a moment later.
fn wait_for(address: SocketAddr, expected: &[(&str, f64)]) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (head, page) = request(address, "GET /metrics");
        assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
        let all = figures(&page);
        let found: Vec<_> = expected.iter().map(|(name, _)| (*name, all.get(name).copied())).collect();
        if expected.iter().zip(&found).all(|((_, expected), (_, found))| Some(*expected) == *found) {
            return page;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn figures_are_those_of_what_has_happened(on: AppServer) {
    let (server, address) = start(on, &["--max-connections", "1", "--at-limit", "refuse"]);
    let page = wait_for(address, &[("jsonframe_accepted_total", 0.0), ("jsonframe_connections", 0.0)]);
    for (name, kind) in [
        ("jsonframe_accepted_total", "counter"),
        ("jsonframe_closed_total", "counter"),
        ("jsonframe_not_accepted_total", "counter"),
        ("jsonframe_messages_received_total", "counter"),
        ("jsonframe_received_bytes_total", "counter"),
        ("jsonframe_connections", "gauge"),
        ("jsonframe_queued_bytes", "gauge"),
        ("jsonframe_answer_seconds", "histogram"),
    ] {
        let line = format!("# TYPE {name} {kind}");
        assert_eq!(page.lines().filter(|other| **other == line).count(), 1, "{line} in {page}");
        assert!(page.contains(&format!("# HELP {name} ")), "{page}");
    }

    // Two requests of 144 bytes, and answers of 143.
    server.client(&["search", "needle", "search", "needle"]).assert().success();
    server.output.find(|line| line.starts_with("closing connection to "));
    wait_for(address, &[("jsonframe_connections", 0.0)]);

    let only = server.connect();
    server.output.find(|line| line.starts_with("accepted connection from "));
    wait_for(address, &[("jsonframe_connections", 1.0)]);
    assert_eq!(last_words(server.connect()), b"");
    assert!(server.errors.next().contains("refused"));
    only.shutdown(Shutdown::Write).unwrap();
    last_words(only);
    wait_for(address, &[("jsonframe_connections", 0.0)]);

    let mut wrong = server.connect();
    wrong.write_all(&[0, 0]).unwrap();
    #[allow(clippy::cast_precision_loss, reason = "it is short")]
    let complaint = last_words(wrong).len() as f64;
    assert!(complaint > 0.0);
    wait_for(
        address,
        &[
            ("jsonframe_accepted_total", 3.0),
            ("jsonframe_connections", 0.0),
            ("jsonframe_closed_total{reason=\"ended\"}", 2.0),
            ("jsonframe_closed_total{reason=\"protocol\"}", 1.0),
            ("jsonframe_closed_total{reason=\"io\"}", 0.0),
            ("jsonframe_not_accepted_total{reason=\"at_limit\"}", 1.0),
            ("jsonframe_not_accepted_total{reason=\"io\"}", 0.0),
            ("jsonframe_messages_received_total", 2.0),
            ("jsonframe_messages_sent_total", 3.0),
            ("jsonframe_received_bytes_total", 2.0f64.mul_add(144.0, 2.0)),
            ("jsonframe_sent_bytes_total", 2.0f64.mul_add(143.0, complaint)),
            ("jsonframe_panics_total", 0.0),
            ("jsonframe_queued_bytes", 0.0),
            ("jsonframe_collected_bytes", 0.0),
            ("jsonframe_answer_seconds_count", 2.0),
            ("jsonframe_answer_seconds_bucket{le=\"+Inf\"}", 2.0),
        ],
    );
}

fn curl_and_python_get_the_figures(on: AppServer) {
    let (server, address) = start(on, &["--quiet"]);
    server.client(&["search", "ring"]).assert().success();
    wait_for(address, &[("jsonframe_accepted_total", 1.0)]);
    let url = format!("http://{address}/metrics");
    if has("curl") {
        let run = program("curl", &["-sSf", "--noproxy", "*", "-w", "%{content_type}", &url]).assert().success();
        let (page, content_type) = text(&run.get_output().stdout).rsplit_once('\n').unwrap();
        assert_eq!(content_type, "text/plain; version=0.0.4");
        assert!(page.contains("\njsonframe_accepted_total 1\n"), "{page}");
    }
    if has("python3") {
        let script = "import sys, urllib.request as r\n\
                      with r.build_opener(r.ProxyHandler({})).open(sys.argv[1]) as answer:\n    \
                      print(answer.status, answer.headers['content-type'])\n    print(answer.read().decode())";
        let run = program("python3", &["-c", script, &url]).assert().success();
        let (first, page) = text(&run.get_output().stdout).split_once('\n').unwrap();
        assert_eq!(first.trim_end(), "200 text/plain; version=0.0.4");
        assert!(page.contains("\njsonframe_accepted_total 1\n"), "{page}");
    }
}

fn other_paths_and_methods_are_refused(on: AppServer) {
    let (_server, address) = start(on, &[]);
    for path in ["/", "/metrics/", "/metric", "//metrics"] {
        let (head, body) = request(address, &format!("GET {path}"));
        assert!(head.starts_with("http/1.1 404 "), "{path}: {head}");
        assert!(!body.contains("jsonframe_"), "{body}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let (head, body) = request(address, &format!("{method} /metrics"));
        assert!(head.starts_with("http/1.1 405 ") && head.contains("\r\nallow: get, head"), "{method}: {head}");
        assert_eq!(body, "");
    }
    let (head, body) = request(address, "HEAD /metrics");
    assert!(head.starts_with("http/1.1 200 ") && body.is_empty(), "{head}");
    let (head, _) = request(address, "GET /metrics?name=x");
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    // What is no HTTP, and what is too long.
    for wrong in [&b"\0\x67{\"byteorder\"\r\n\r\n"[..], &[b'x'; 1 << 16]] {
        let mut stream = connect(address);
        // The server may have closed it before all is sent.
        let _ = stream.write_all(wrong);
        let answer = String::from_utf8_lossy(&last_words(stream)).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    wait_for(address, &[("jsonframe_accepted_total", 0.0)]);
}

fn an_address_that_is_in_use_is_named(on: AppServer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let run = program(on.path(), &["127.0.0.1", "0", "--metrics", &taken]).assert().code(1).stdout("");
    let complaint = text(&run.get_output().stderr);
    let (_, what) = complaint.split_once(": ").unwrap();
    assert!(what.starts_with(&format!("cannot serve metrics on {taken}: ")), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    for wrong in ["", "127.0.0.1", ":9100", "127.0.0.1:", "127.0.0.1:65536", "localhost:http"] {
        let run = program(on.path(), &["127.0.0.1", "0", "--metrics", wrong]).assert().code(2).stdout("");
        let complaint = text(&run.get_output().stderr);
        assert!(complaint.contains("HOST:PORT"), "{complaint}");
    }
}

fn who_only_connects_stops_nobody(on: AppServer) {
    let (server, address) = start(on, &[]);
    // More than are accepted at a time; some of them say a little.
    let idle: Vec<_> = (0..20).map(|_| connect(address)).collect();
    for mut stream in idle.iter().step_by(2) {
        stream.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    }
    server.client(&["search", "ring"]).assert().success();
    wait_for(address, &[("jsonframe_accepted_total", 1.0), ("jsonframe_connections", 0.0)]);
    for stream in idle {
        assert!(!String::from_utf8_lossy(&last_words(stream)).contains("200 OK"));
    }
    // None is left that could be full.
    wait_for(address, &[("jsonframe_accepted_total", 1.0)]);
}
