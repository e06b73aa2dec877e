//! Scripts in Python.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

/// What Python prints that is given these arguments, the first of which say what to run, and this input; `None` where there
/// is no Python.
///
/// In continuous integration a missing Python is a failure.
pub(crate) fn output(arguments: &[&str], input: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
    let input = input.into();
    let spawned = Command::new("python3")
        .args(arguments)
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if env::var_os("CI").is_some() => panic!("python3 is needed: {error}"),
        Err(error) => {
            eprintln!("SKIPPED, python3 is needed: {error}");
            return None;
        }
    };
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "Python failed: {}", output.status);
    Some(output.stdout)
}
