//! The instructions that a test takes, counted by valgrind, under which the program runs itself: the same every time.
#![allow(unreachable_pub, dead_code, reason = "a module of several test programs")]

#[path = "../../../benches/src/instructions.rs"]
mod instructions;

use std::env;
use std::path::Path;

use instructions::{CountError, count, count_between_calls};

/// What is to be done to be counted, in the words that [`instructions`] was given; `None` in every other run.
pub fn workload() -> Option<String> {
    env::args().next_back().filter(|words| words.contains(' '))
}

/// The instructions that this test takes with a workload, start and end of the program included; `None` where there is no
/// valgrind, which is a failure in continuous integration.
pub fn instructions(test: &str, workload: &str) -> Option<u64> {
    unless_there_is_no_valgrind(count(&["--exact", test, "--test-threads=1", workload]))
}

/// The instructions that this test takes with a workload from each call of [`mark`] to the next.
pub fn instructions_between_marks(test: &str, workload: &str) -> Option<Vec<u64>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let arguments = ["--exact", test, "--test-threads=1", workload];
    let mut counts = unless_there_is_no_valgrind(count_between_calls("mark_of_counts", &arguments, folder))?;
    // From the last one to the end of the program.
    counts.pop();
    Some(counts)
}

/// Begins what is to be counted on its own, or ends it.
pub fn mark() {
    mark_of_counts();
}

#[inline(never)]
fn mark_of_counts() {
    std::hint::black_box(());
}

fn unless_there_is_no_valgrind<T>(counted: Result<T, CountError>) -> Option<T> {
    match counted {
        Ok(counted) => Some(counted),
        Err(error @ CountError::NoValgrind(_)) if env::var_os("CI").is_none() => {
            eprintln!("SKIPPED: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
