//! The other end in Python, which knows nothing of this code: `peer.py`.

use std::env;
use std::process::Command;

use serde_json::Value;

use crate::common::{program, text};

/// Whether there is such a program; where everything is to be tested, there must be.
pub(crate) fn has(tool: &str) -> bool {
    let is_there = Command::new(tool).arg("--version").output().is_ok();
    if !is_there {
        assert!(env::var_os("CI").is_none(), "{tool} is missing");
        println!("skipped, for {tool} is missing");
    }
    is_there
}

/// The script, for `python3`.
pub(crate) const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/peer.py");

/// What happens when a client in Python, with these options, sends these requests.
pub(crate) fn ask(options: &[&str], requests: &[&str]) -> Vec<Value> {
    let words = [&[PEER, "ask"], options, &["--"], requests].concat();
    let run = program("python3", &words).assert().success().stderr("");
    text(&run.get_output().stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The replies among that.
pub(crate) fn replies(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| event["what"] == "reply").map(|event| &event["content"]).collect()
}

/// How it went at last: nothing if the connection has ended as it should, otherwise what was wrong.
pub(crate) fn failure(events: &[Value]) -> Option<&str> {
    let last = events.last().expect("something happens");
    match last["what"].as_str() {
        Some("end") => None,
        Some("failed") => last["why"].as_str(),
        other => panic!("{other:?} is no end"),
    }
}
