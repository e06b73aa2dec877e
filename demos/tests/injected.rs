//! The server process, with the system calls it makes failing under it.
#![cfg(target_os = "linux")]

mod common;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{AppServer, Program, Server, on_each_server};
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

/// Whether strace is there and may attach to a process that it has not started, as this user.
fn can_trace() -> bool {
    let is_there = Command::new("strace").arg("--version").output().is_ok_and(|output| output.status.success());
    let idle = Program::spawn(Command::new("sleep").arg("60"));
    let attach = || Program::spawn(Command::new("strace").args(["-o", "/dev/null", "-p"]).arg(idle.id().to_string()));
    let can = is_there && attach().errors.next().contains("attached");
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

/// What a run has shown: which clients were answered, what was complained of, and the calls of each thread.
struct Run {
    answered: Vec<bool>,
    errors: Vec<String>,
    traces: Vec<String>,
}

/// Has each thread of a server meet a fault, while one client after the other asks for a text of this length.
fn run(on: AppServer, threads: usize, length: usize, inject: &str, directory: &Path) -> Run {
    // When it is told that there is no room, a server waits to hear of some. Of the room that was there all the time it does
    // not hear, and tries again only when this time is over.
    let mut server = on.start(&["--quiet", "--workers", &threads.to_string(), "--write-timeout", "0.2"]);
    // With `-ff` the threads are followed, each with a trace and a count of calls of its own.
    let mut command = Command::new("strace");
    command.args(["-ff", "-e", &format!("trace={CALLS}"), "-e", &format!("inject={inject}")]);
    command.arg("-o").arg(directory.join("thread")).arg("-p").arg(server.id().to_string());
    let mut strace = Program::spawn(&mut command);
    strace.errors.find(|line| line.contains("attached"));
    // At worst each thread fails one of them; the last two are answered.
    let answered = (0..threads + 2).map(|_| search(&server, length).unwrap_or(false)).collect();
    assert!(server.is_running(), "{inject}");
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0), "{inject}");
    let errors = server.errors.rest();
    assert_eq!(strace.exit_code(), Some(0), "{inject}");
    let files = fs::read_dir(directory).unwrap();
    let traces = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    Run { answered, errors, traces }
}

/// What comes of a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing.
    None,
    /// Whoever runs the server is told that it cannot accept connections, and the client is answered later.
    Later,
    /// The connection is over, and whoever runs the server is told.
    Over,
}

/// A call, the error that it returns, which calls of a thread return it, and what comes of it.
type Case = (&'static str, &'static str, &'static str, Outcome);

const CASES: &[Case] = &[
    ("accept4", "EMFILE", "1..20", Outcome::Later),
    ("accept4", "ENFILE", "1..3", Outcome::Later),
    ("accept4", "ENOBUFS", "1..3", Outcome::Later),
    ("accept4", "ENOMEM", "2..4", Outcome::Later),
    ("accept4", "ECONNABORTED", "1..3", Outcome::Later),
    ("accept4", "EINTR", "1..5", Outcome::None),
    ("recvfrom", "EINTR", "1..5", Outcome::None),
    ("recvfrom", "ECONNRESET", "1", Outcome::Over),
    ("recvfrom", "ENOBUFS", "1", Outcome::Over),
    ("recvfrom", "ETIMEDOUT", "1", Outcome::Over),
    (SENDING, "EINTR", "1..5", Outcome::None),
    (SENDING, "EAGAIN", "1", Outcome::None),
    (SENDING, "EPIPE", "1", Outcome::Over),
    (SENDING, "ECONNRESET", "1", Outcome::Over),
    (SENDING, "ENOBUFS", "1", Outcome::Over),
    ("epoll_wait", "EINTR", "1..5", Outcome::None),
];

fn the_server_survives_whatever_its_system_calls_return(on: AppServer) {
    if !can_trace() {
        return;
    }
    for threads in on.thread_counts() {
        for case in CASES {
            let lengths = if case.0 == SENDING { &LENGTHS[..] } else { &LENGTHS[..1] };
            for length in lengths {
                check(on, threads, *length, *case);
            }
        }
    }
}

/// Has a server meet faults, and checks that there were some and that nothing worse came of them than is to be.
fn check(on: AppServer, threads: usize, length: usize, (call, error, when, outcome): Case) {
    let inject = format!("{call}:error={error}:when={when}");
    let directory = tempfile::tempdir().unwrap();
    let Run { answered, errors, traces } = run(on, threads, length, &inject, directory.path());
    let all = traces.join("\n");
    let is_fault = |line: &&str| line.contains("(INJECTED)");
    let faults: Vec<_> = all.lines().filter(is_fault).collect();
    let faulty = traces.iter().filter(|trace| trace.lines().any(|line| is_fault(&line))).count();
    let (count, calls) = (faults.len(), all.lines().count());
    let case = format!("{threads} threads, {inject}, {length} bytes");
    println!("{case}: {count} injected in {faulty} threads, {calls} calls, {answered:?}, {errors:?}");

    if call == SENDING {
        let name = if length > LENGTHS[0] { "writev(" } else { "sendto(" };
        assert!(faults.iter().any(|line| line.starts_with(name)), "{case}: {faults:?}");
    }
    // One thread accepts. Workers get the connections in turns, and threads of tokio as they are idle.
    match (on, call) {
        (_, "accept4") => assert_eq!(faulty, 1, "{case}\n{all}"),
        (AppServer::Std, _) => assert_eq!(faulty, threads, "{case}\n{all}"),
        (AppServer::Tokio, _) => assert!(faulty >= 1, "{case}\n{all}"),
    }
    let failed = answered.iter().filter(|is_answered| !**is_answered).count();
    let most_failed = match (outcome, error, on) {
        // One that is met where the end of the stream is read comes after the answer.
        (Outcome::Over, ..) => {
            assert!(!answered[0], "{case}: {errors:?}\n{all}");
            count
        }
        // A task may wait in one thread of tokio and try again in another one, whose first call it is. A connection that is
        // told so twice is one that takes nothing.
        (Outcome::None, "EAGAIN", AppServer::Tokio) => count / 2,
        _ => 0,
    };
    assert!(failed <= most_failed, "{case}: {answered:?}, {errors:?}\n{all}");
    assert!(calls <= MOST_CALLS, "{case}: {calls} calls\n{all}");
    match outcome {
        Outcome::None => assert_eq!(errors.len(), failed, "{case}: {errors:?}\n{all}"),
        Outcome::Later => assert!(errors[0].contains("cannot accept connections"), "{case}: {errors:?}\n{all}"),
        Outcome::Over => assert!(errors[0].contains("os error"), "{case}: {errors:?}\n{all}"),
    }
}
