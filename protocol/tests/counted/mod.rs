//! The instructions that a test takes, counted by valgrind, under which the program runs itself: the same every time.
#![allow(unreachable_pub, reason = "a module of several test programs")]

#[path = "../../../benches/src/instructions.rs"]
mod instructions;

use std::env;

use instructions::{CountError, count};

/// What is to be done to be counted, in the words that [`instructions`] was given; `None` in every other run.
pub fn workload() -> Option<String> {
    env::args().next_back().filter(|words| words.contains(' '))
}

/// The instructions that this test takes with a workload, start and end of the program included; `None` where there is no
/// valgrind, which is a failure in continuous integration.
pub fn instructions(test: &str, workload: &str) -> Option<u64> {
    match count(&["--exact", test, "--test-threads=1", workload]) {
        Ok(count) => Some(count),
        Err(error @ CountError::NoValgrind(_)) if env::var_os("CI").is_none() => {
            eprintln!("SKIPPED: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
