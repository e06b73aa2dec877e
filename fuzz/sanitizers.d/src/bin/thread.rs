//! A data race: two threads add to one number.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

static mut NUMBER: u64 = 0;

fn main() {
    // Both are there before either begins, so that nothing puts one of them after the other.
    let start = Barrier::new(2);
    let add = || {
        start.wait();
        for _ in 0..1_000 {
            let number = black_box(&raw mut NUMBER);
            // SAFETY: there is none, for the other thread does the same. That is what is to be found.
            unsafe { *number += 1 };
        }
    };
    thread::scope(|scope| {
        scope.spawn(add);
        scope.spawn(add);
    });
}
