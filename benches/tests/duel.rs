//! The programs `duel` and `growth`: that every server answers rightly, that a wrong answer is found out, and what others read
//! of it.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::{fs, process};

use assert_cmd::Command;
use serde::Deserialize;

const WORKS: [&str; 6] = [
    "1 connection",
    "100 connections",
    "1 connection, 16 at a time",
    "100 connections, 16 at a time",
    "JSON content of 100 kB, 10 connections",
    "a connection for each request, 50 at a time",
];

const SERVERS: [&str; 6] = ["app-server", "tokio-server", "hand-written", "length-delimited", "echo", "python"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    work: String,
    server: String,
    workers: usize,
    answers: u64,
    requests_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    processor_us: f64,
    ratio: f64,
    middle_half: [f64; 2],
    /// In so short a turn, a server may have taken no processor time that is known yet.
    processor_ratio: Option<f64>,
    aim: Option<f64>,
}

static BUILT: Once = Once::new();

fn duel(arguments: &[&str]) -> Command {
    program(assert_cmd::cargo::cargo_bin!("duel"), arguments)
}

/// One of the programs, with our servers beside it, to be brief.
fn program(path: &Path, arguments: &[&str]) -> Command {
    BUILT.call_once(|| build_servers(path.parent().unwrap()));
    let mut command = Command::new(path);
    command.args(["--rounds", "1", "--seconds", "0.02"]).args(arguments);
    command
}

/// Builds our servers unless they are there, as they are when all of the workspace is tested.
fn build_servers(directory: &Path) {
    if ["app-server", "tokio-server"].iter().all(|name| directory.join(name).exists()) {
        return;
    }
    let mut cargo = process::Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--package", "jsonframe-demos", "--bin", "app-server", "--bin", "tokio-server"]);
    cargo.arg("--target-dir").arg(directory.parent().unwrap());
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success());
}

fn lines(arguments: &[&str]) -> Vec<Line> {
    let output = duel(arguments).arg("--json").assert().success().get_output().stdout.clone();
    let output = String::from_utf8(output).unwrap();
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_server_answers_rightly_at_every_work() {
    let has_python = process::Command::new("python3").arg("--version").output().is_ok();
    let mut lines = lines(&[]).into_iter();
    for work in WORKS {
        for server in SERVERS.into_iter().filter(|server| has_python || *server != "python") {
            let line = lines.next().unwrap();
            assert_eq!((line.work.as_str(), line.server.as_str(), line.workers), (work, server, 1));
            assert!(line.answers > 0 && line.requests_per_second > 0.0, "{work}, {server}");
            assert!(line.p50_us > 0.0 && line.p50_us <= line.p99_us, "{work}, {server}");
            assert!(line.processor_us >= 0.0 && line.ratio > 0.0, "{work}, {server}");
            let of_one_round = line.middle_half.iter().all(|quartile| (quartile - line.ratio).abs() < 1e-9);
            assert!(of_one_round && line.processor_ratio.is_none_or(|ratio| ratio >= 0.0), "{work}, {server}");
            assert_eq!(line.aim.is_some(), ["app-server", "tokio-server"].contains(&server), "{work}, {server}");
            if server == "hand-written" {
                assert!((line.ratio - 1.0).abs() < 1e-9, "{work}");
            }
        }
    }
    assert!(lines.next().is_none());
}

#[test]
fn servers_of_two_workers_answer_rightly() {
    let work = ["--workers", "2", "--filter", "100 connections, 16", "--filter", "a connection for each"];
    let lines = lines(&work);
    assert_eq!(lines.len(), 2 * (SERVERS.len() - 1));
    assert!(lines.iter().all(|line| line.workers == 2 && line.answers > 0 && line.server != "python"));
    duel(&work)
        .args(["--server", "python"])
        .assert()
        .success()
        .stderr("duel: python is not measured: it has one thread\n");
}

#[test]
fn a_table_is_printed_below_where_all_ran() {
    let assert = duel(&["--filter", "1 connection", "--server", "echo"]).assert().success();
    let output = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].starts_with("server on processors [") && lines[1].is_empty(), "{output}");
    assert!(lines[2].starts_with("| work ") && lines[3].starts_with("|---"), "{output}");
    assert!(lines[4].starts_with("| 1 connection               | `hand-written` "), "{output}");
    assert!(lines[5].starts_with("|                            | `echo` "), "{output}");
    assert!(lines[6].starts_with("| 1 connection, 16 at a time | `hand-written` "), "{output}");
    assert_eq!(lines.len(), 8, "{output}");
}

#[test]
fn a_server_that_answers_wrongly_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let program: PathBuf = directory.path().join("app-server");
    let duel_itself = assert_cmd::cargo::cargo_bin!("duel");
    fs::write(&program, format!("#!/bin/sh\nexec '{}' --be echo\n", duel_itself.display())).unwrap();
    let set = process::Command::new("chmod").arg("+x").arg(&program).status().unwrap();
    assert!(set.success());
    let mut command = duel(&["--filter", "100 connections", "--server", "app-server"]);
    let assert = command.arg("--programs").arg(directory.path()).assert().code(1);
    assert.stdout("").stderr(
        "duel: app-server, 100 connections: a wrong answer: the content is {\"action\": \"search\", \"value\": \"needla\"}\n",
    );
}

#[test]
fn names_that_are_not_there_are_errors() {
    let assert = duel(&["--filter", "nonesuch"]).assert().code(1);
    assert.stderr(format!("duel: no work has such a name; there are: {}\n", WORKS.join("; ")));
    let assert = duel(&["--server", "nonesuch"]).assert().code(1);
    assert.stderr(format!("duel: there is no server nonesuch; there are: {}\n", SERVERS.join(", ")));
}

#[test]
fn a_python_that_is_not_there_is_named() {
    let mut command = duel(&["--filter", "1 connection,", "--server", "python"]);
    let assert = command.env("PATH", "/nonexistent").assert().success();
    assert.stderr("duel: python is not measured: python3 cannot be run\n");
}

#[test]
fn growth_is_shown_for_each_server_and_step() {
    let directory = tempfile::tempdir().unwrap();
    let svg = directory.path().join("growth.svg");
    let mut command = program(assert_cmd::cargo::cargo_bin!("growth"), &["--most", "10", "--svg"]);
    let output = command.arg(&svg).assert().success().get_output().stdout.clone();
    let output = String::from_utf8(output).unwrap();
    // 1 and 10 connections, 0 to 100 kB, and 0 and 10 idle ones, of two servers with one and two threads.
    assert_eq!(output.lines().count(), 2 + (2 + 5 + 2) * 4, "{output}");
    for what in ["connections", "bytes of content, 1 connection", "idle connections beside 10"] {
        assert_eq!(output.lines().filter(|line| line.contains(&format!("| {what} "))).count(), 4, "{output}");
    }
    assert!(output.contains(" 100 kB ") && !output.contains(" 1 MB "), "{output}");
    // The rate and the time of each.
    assert_eq!(fs::read_to_string(svg).unwrap().matches("<polyline ").count(), 2 * 3 * 4);
}
