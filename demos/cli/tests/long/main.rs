//! Each command with streams of 24 MiB, in constant memory. `run.py` says how to have it done with 4 GiB.

use std::process::Command;

#[test]
fn memory_does_not_grow_with_the_length_of_a_stream() {
    let is_there = Command::new("python3").arg("--version").output().is_ok();
    assert!(is_there || std::env::var_os("CI").is_none(), "python3 is missing");
    // The peaks of processes are read from there.
    if !is_there || !std::path::Path::new("/proc/self/status").exists() {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/long/run.py");
    let run = Command::new("python3").args([script, env!("CARGO_BIN_EXE_jsonframe")]).output().unwrap();
    let said = [run.stdout, run.stderr].concat();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&said));
}
