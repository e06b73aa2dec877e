//! A server in Python in which faults are planted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::common::Server;
use super::{check, python};

/// What is planted, and which rules then fail, and which warn. What takes longest comes first.
const FAULTS: &[(&str, &[&str], &[&str])] = &[
    ("one-at-a-time", &[], &["others-during-content", "others-during-header", "others-during-silence"]),
    ("zero-length", &["empty-header"], &[]),
    ("byte-order-mark", &["byte-order-mark"], &[]),
    (
        "not-utf8",
        &["utf8-cut", "utf8-in-name", "utf8-lone-byte", "utf8-overlong", "utf8-surrogate", "utf8-too-large"],
        &[],
    ),
    ("trailing-bytes", &["trailing-bytes", "trailing-nul", "trailing-object"], &[]),
    ("nan", &["infinity", "minus-infinity", "nan"], &[]),
    ("control-characters", &["raw-line-feed", "raw-nul", "raw-tab"], &[]),
    ("lone-surrogates", &["lone-high-surrogate", "lone-low-surrogate", "two-high-surrogates"], &[]),
    ("deep-nesting", &["nesting-65", "nesting-65-objects"], &[]),
    ("missing-content-type", &["missing-content-type"], &[]),
    (
        "duplicates",
        &[
            "duplicate-by-escape",
            "duplicate-byteorder",
            "duplicate-content-encoding",
            "duplicate-content-length",
            "duplicate-content-type",
        ],
        &[],
    ),
    ("unknown-byteorder", &["byteorder-case", "byteorder-empty", "byteorder-unknown"], &[]),
    ("null-content-encoding", &["content-encoding-null"], &[]),
    ("length-as-string", &["length-string"], &[]),
    ("length-as-float", &["length-exponent", "length-fraction"], &[]),
    ("length-wrapped", &["length-30-digits", "length-wrapped"], &[]),
    ("cut-content", &["end-in-content", "greatest-length"], &[]),
    ("another-form", &["emitted-form"], &[]),
    ("answers-an-end", &["end-without-a-message"], &[]),
    ("fixed-order", &["order-extensions-between", "order-length-first", "order-sorted"], &[]),
    ("lost-at-the-end", &["half-close"], &[]),
    ("no-escapes", &["escapes-in-names", "escapes-in-values"], &[]),
    (
        "no-extensions",
        &[
            "characters",
            "escapes-in-values",
            "extension-array",
            "extension-empty-name",
            "extension-false",
            "extension-large-number",
            "extension-null",
            "extension-number",
            "extension-object",
            "extension-other-case",
            "extension-repeated",
            "extension-string",
            "extension-true",
            "extension-with-required-names",
            "nesting-64",
            "nesting-64-objects",
            "order-extensions-between",
            "request-id",
        ],
        &["long-value"],
    ),
    ("no-white-space-around", &["pretty-printed", "white-space-everywhere"], &[]),
    ("long-header-late", &["long-header-on-sight"], &["long-header"]),
    ("waits-for-content", &["empty-content", "empty-content-of-type"], &[]),
    ("waits-for-header", &["empty-header-on-sight"], &[]),
    ("wrong-reply-to", &["request-id"], &[]),
    (
        "request-after-fault",
        &[
            "length-false",
            "length-minus-zero",
            "length-null",
            "message-after-fault",
            "missing-all",
            "missing-content-length",
        ],
        &[],
    ),
];

/// How many servers are checked side by side: most of the time goes into waiting.
const AT_A_TIME: usize = 8;

#[test]
fn each_planted_fault_breaks_exactly_the_rules_about_it() {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((fault, failed, warned)) = FAULTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_breaks(fault, failed, warned);
                }
            });
        }
    });
}

/// Asserts that the server with this fault fails at these rules, has those warnings, and no others.
fn assert_breaks(fault: &str, failed: &[&str], warned: &[&str]) {
    let Some(mut command) = python("planted_server.py") else { return };
    let server = Server::spawn(command.args(["--plant", fault]));
    // Where connections wait for each other, rules would too; one at a time, they need less patience.
    let (timeout, jobs) = if fault == "one-at-a-time" { ("2", "1") } else { ("4", "32") };
    let outcome = check(&server.address.to_string(), &["--timeout", timeout, "--jobs", jobs]);
    for (verdict, expected) in [("fail", failed), ("warn", warned)] {
        assert_eq!(outcome.of(verdict), expected.iter().copied().collect(), "{fault}: {:#?}", outcome.reasons(verdict));
    }
    assert_eq!(outcome.code, Some(i32::from(!failed.is_empty())), "{fault}");
}
