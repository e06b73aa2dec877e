//! Small scopes, exhausted: every short text, every cutting of every short vector, every header length, and every content
//! length around the powers of two that matter.
//!
//! `cargo test --release -p jsonframe --test exhaustive -- --nocapture` goes through all of them, and says how many they
//! are. Without optimisation the scopes are smaller.

mod cuttings;
mod lengths;
#[path = "../../../fuzz/src/refusal.rs"]
#[allow(unreachable_pub, reason = "shared with the fuzz targets")]
mod refusal;
#[path = "../../../fuzz/src/rules.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with the fuzz targets")]
mod rules;
mod texts;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Whether the scopes are the small ones of a build without optimisation.
const REDUCED: bool = cfg!(debug_assertions);

/// A header with nothing in it but the four members, in an arbitrary spelling: all of it but the closing brace.
const OPEN: &str = r#"{"byteorder":"big","content-type":"","content-encoding":"","content-length":0"#;

fn framed(header: &str) -> Vec<u8> {
    [&u16::try_from(header.len()).unwrap().to_be_bytes(), header.as_bytes()].concat()
}

/// Runs the jobs on the processors that there are.
fn in_parallel<T: Sync>(jobs: &[T], run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run(job);
                }
            });
        }
    });
}
