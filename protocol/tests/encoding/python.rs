//! Questions to Python.

use std::io::Write;
use std::process::{Command, Stdio};

/// Python's answers to these requests, or `None` where there is no Python. In continuous integration that is a failure.
pub(crate) fn ask(requests: &[String]) -> Option<Vec<String>> {
    if requests.is_empty() {
        return Some(Vec::new());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/encoding/python_codecs.py");
    let spawned = Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if std::env::var_os("CI").is_some() => panic!("python3 is needed: {error}"),
        Err(error) => {
            eprintln!("SKIPPED, python3 is needed: {error}");
            return None;
        }
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = requests.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "Python failed: {}", output.status);
    let answers: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect();
    assert_eq!(answers.len(), requests.len());
    Some(answers)
}

/// The text of an answer in hex.
pub(crate) fn text(answer: &str) -> String {
    String::from_utf8(hex::decode(answer).unwrap()).unwrap()
}
