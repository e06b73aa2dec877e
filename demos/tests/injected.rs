//! The server process, with the system calls it makes failing under it.
#![cfg(target_os = "linux")]

mod common;

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{AppServer, PATIENCE, Server, on_each_server};
use jsonframe::Header;
use jsonframe_std::{Connection, Error};

on_each_server! {
    the_server_survives_whatever_its_system_calls_return,
}

/// All calls of the server that a peer has a part in.
const CALLS: &str = "accept4,recvfrom,read,sendto,sendmsg,writev,epoll_wait";

/// Those of them that send.
const SENDING: &str = "sendto,sendmsg,writev";

/// The lengths of an answer that is small, and of one that is not: that is written from two places at once.
const LENGTHS: [usize; 2] = [6, 20_000];

/// Far more calls than a run takes, and far fewer than one that spins makes.
const MOST_CALLS: usize = 500;

fn can_trace() -> bool {
    let traces = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let can = traces.is_ok_and(|status| status.success());
    if !can {
        assert!(env::var_os("CI").is_none(), "strace is missing, or must not trace");
        eprintln!("SKIPPED: strace is missing, or must not trace");
    }
    can
}

/// One search for a text of this length, and whether it was answered.
fn search(server: &Server, length: usize) -> Result<bool, Error> {
    let text = "x".repeat(length);
    let content = format!("{{\"action\": \"search\", \"value\": \"{text}\"}}");
    let mut connection = Connection::new(server.connect());
    connection.send(&Header::for_json(content.len() as u64), content.as_bytes())?;
    let Some(mut answer) = connection.receive()? else {
        return Ok(false);
    };
    assert_eq!(answer.content()?, format!("{{\"result\": \"No match for \\\"{text}\\\".\"}}").as_bytes());
    Ok(true)
}

/// What a run has shown: whether the first client was answered, what was complained of, and the calls.
struct Run {
    first: bool,
    errors: Vec<String>,
    trace: String,
}

/// Has a server meet a fault when it is asked for a text of this length, then asks it twice more, and ends it.
fn run(on: AppServer, length: usize, inject: &str, trace: &Path) -> Run {
    // With `-D` the server is our child, and strace its. Of its threads the one that serves is traced, which is the first.
    let mut command = Command::new("strace");
    command.args(["-D", "-o"]).arg(trace).args(["-e", &format!("trace={CALLS}"), "-e", &format!("inject={inject}")]);
    // When it is told that there is no room, a server waits to hear of some. Of the room that was there all the time it does
    // not hear, and tries again only when this time is over.
    command.arg(on.path()).args(["127.0.0.1", "0", "--quiet", "--write-timeout", "1"]);
    let mut server = Server::spawn(&mut command);
    let first = search(&server, length).unwrap_or(false);
    for _ in 0..2 {
        assert!(search(&server, length).unwrap(), "{inject}: the next client is not served");
    }
    assert!(server.is_running(), "{inject}");
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0), "{inject}");
    let errors = server.errors.rest();
    // strace writes for a moment longer.
    let deadline = Instant::now() + PATIENCE;
    let trace = loop {
        let text = fs::read_to_string(trace).unwrap();
        if text.lines().last().is_some_and(|line| line.contains("+++ exited")) {
            break text;
        }
        assert!(Instant::now() < deadline, "{inject}: the trace does not end");
        thread::sleep(Duration::from_millis(10));
    };
    Run { first, errors, trace }
}

fn the_server_survives_whatever_its_system_calls_return(on: AppServer) {
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    // The call, the error, when, whether the client that meets it is answered, and what is said of it.
    let cases = [
        ("accept4", "EMFILE", "1..20", true, Some("cannot accept connections")),
        ("accept4", "ENFILE", "1..3", true, Some("cannot accept connections")),
        ("accept4", "ENOBUFS", "1..3", true, Some("cannot accept connections")),
        ("accept4", "ENOMEM", "2..4", true, Some("cannot accept connections")),
        ("accept4", "ECONNABORTED", "1..3", true, Some("cannot accept connections")),
        ("accept4", "EINTR", "1..5", true, None),
        ("recvfrom", "EINTR", "1..5", true, None),
        ("recvfrom", "ECONNRESET", "1", false, Some("error: ")),
        ("recvfrom", "ENOBUFS", "1", false, Some("error: ")),
        ("recvfrom", "ETIMEDOUT", "1", false, Some("error: ")),
        (SENDING, "EINTR", "1..5", true, None),
        (SENDING, "EAGAIN", "1", true, None),
        (SENDING, "EPIPE", "1", false, Some("error: ")),
        (SENDING, "ECONNRESET", "1", false, Some("error: ")),
        (SENDING, "ENOBUFS", "1", false, Some("error: ")),
        ("epoll_wait", "EINTR", "1..5", true, None),
    ];
    let cases = cases.into_iter().flat_map(|case| {
        let lengths = if case.0 == SENDING { &LENGTHS[..] } else { &LENGTHS[..1] };
        lengths.iter().map(move |length| (case, *length))
    });
    for (number, ((call, error, when, answered, complaint), length)) in cases.enumerate() {
        let inject = format!("{call}:error={error}:when={when}");
        let Run { first, errors, trace } = run(on, length, &inject, &directory.path().join(number.to_string()));
        let faults: Vec<_> = trace.lines().filter(|line| line.contains("(INJECTED)")).collect();
        if call == SENDING {
            let name = if length > LENGTHS[0] { "writev(" } else { "sendto(" };
            assert!(faults.iter().all(|line| line.starts_with(name)), "{inject}: {faults:?}");
        }
        let calls = trace.lines().count();
        println!("{inject}, {length} bytes: {} injected, {calls} calls, {errors:?}", faults.len());
        assert!(!faults.is_empty(), "{inject}: the server makes no such call\n{trace}");
        assert_eq!(first, answered, "{inject}: {errors:?}\n{trace}");
        assert!(calls <= MOST_CALLS, "{inject}: {calls} calls\n{trace}");
        match complaint {
            Some(words) => assert!(errors.iter().any(|line| line.contains(words)), "{inject}: {errors:?}\n{trace}"),
            None => assert!(errors.is_empty(), "{inject}: {errors:?}"),
        }
    }
}
