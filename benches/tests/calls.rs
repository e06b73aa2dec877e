//! How many system calls a server makes for a small request.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;

/// How many exchanges a run is.
const EXCHANGES: u64 = 1000;

fn strace_is_there() -> bool {
    let is_there =
        Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success());
    assert!(is_there || env::var_os("CI").is_none(), "strace is missing, or must not trace");
    if !is_there {
        eprintln!("SKIPPED: strace is missing, or must not trace");
    }
    is_there
}

/// How often each system call is made in these runs of a workload, by the server and its client.
fn calls(workload: &str, runs: &str) -> BTreeMap<String, u64> {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary");
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-o"]).arg(&summary).arg(env!("CARGO_BIN_EXE_budgets"));
    assert!(command.args(["--workload", workload, "--runs", runs]).status().unwrap().success());
    let summary = fs::read_to_string(summary).unwrap();
    let counted = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        Some((words.last()?.to_string(), words.get(3)?.parse().ok()?))
    };
    summary.lines().filter_map(counted).filter(|(name, _)| name != "total").collect()
}

/// The calls of an exchange, of which those of the client are one `sendto` and one `recvfrom`.
fn calls_of_exchange(workload: &str) -> BTreeMap<String, u64> {
    let [once, twice] = ["1", "2"].map(|runs| calls(workload, runs));
    let more = twice.into_iter().map(|(name, count)| {
        let more = count.saturating_sub(once.get(&name).copied().unwrap_or(0));
        // It may happen now and then that somebody waits.
        (name, (more + EXCHANGES / 20) / EXCHANGES)
    });
    more.filter(|(_, calls)| *calls > 0).collect()
}

fn expected(calls: &[(&str, u64)]) -> BTreeMap<String, u64> {
    calls.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn a_server_waits_reads_and_writes_once_for_a_request_as_one_of_bare_tcp_does() {
    if strace_is_there() {
        for workload in ["server-message", "tokio-server-message"] {
            let calls = calls_of_exchange(workload);
            assert_eq!(calls, expected(&[("epoll_wait", 1), ("recvfrom", 1 + 1), ("sendto", 1 + 1)]), "{workload}");
        }
    }
}
