use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    limits: LimitOptions,
}

fn limits(words: &[&str]) -> String {
    let line = Line::try_parse_from([&["server"], words].concat()).unwrap();
    format!("{:?}", Limits::from(line.limits))
}

#[test]
fn there_is_an_option_for_every_limit() {
    let default = limits(&[]);
    assert_eq!(default, format!("{:?}", default_limits()));
    let mut changed = 0;
    for (option, value, shown) in [
        ("--max-connections", "7", "max_connections: 7,"),
        ("--max-per-address", "7", "max_per_address: 7,"),
        ("--at-limit", "close-idle", "at_limit: CloseIdle,"),
        ("--backlog", "7", "backlog: 7,"),
        ("--max-header", "7", "max_header: 7,"),
        ("--max-content", "7", "max_content: 7,"),
        ("--max-collected", "7", "max_collected: 7,"),
        ("--max-unread-replies", "7", "max_unread_replies: 7,"),
        ("--max-queued", "7", "max_queued: 7,"),
        ("--max-queued-total", "7", "max_queued_total: 7,"),
        ("--handshake-timeout", "0.7", "handshake_timeout: 700ms,"),
        ("--header-timeout", "0.7", "header_timeout: 700ms,"),
        ("--min-rate", "7", "min_rate: 7,"),
        ("--rate-window", "0.7", "rate_window: 700ms,"),
        ("--idle-timeout", "0.7", "idle_timeout: 700ms,"),
        ("--write-timeout", "0.7", "write_timeout: 700ms,"),
        ("--min-write-rate", "7", "min_write_rate: 7,"),
        ("--linger", "0.7", "linger: 700ms,"),
        ("--linger-silence", "0.7", "linger_silence: 700ms,"),
        ("--linger-bytes", "7", "linger_bytes: 7 "),
    ] {
        let limits = limits(&[option, value]);
        assert!(limits.contains(shown) && !default.contains(shown), "{option}: {limits}");
        changed += 1;
    }
    // These programs answer at once, and never owe a reply.
    let others = ["max_pending_replies: 1024,"];
    assert!(others.iter().all(|limit| default.contains(limit)));
    let options = default.matches(": ").count() - others.len();
    assert_eq!(options, changed, "a limit is without an option, or without a test");
}

#[test]
fn a_number_of_nothing_is_refused_in_plain_words() {
    assert_eq!(at_least_one("0"), Err("must be at least 1".into()));
    assert_eq!(at_least_one("7"), Ok(limit(7)));
    assert!(at_least_one("-1").is_err() && at_least_one("x").is_err());
    assert_eq!(workers("1025"), Err("must be at most 1024".into()));
    assert_eq!(workers("0"), Err("must be at least 1".into()));
    assert_eq!(workers("1024"), Ok(limit(1024)));
}

#[test]
fn seconds_have_fractions_and_limits() {
    for (text, milliseconds) in [("10", 10_000), ("0.5", 500), ("1e-3", 1), ("315360000", 315_360_000_000)] {
        assert_eq!(text.parse(), Ok(Seconds(Duration::from_millis(milliseconds))), "{text}");
    }
    for (text, reason) in [
        ("", "not a number of seconds, such as 10 or 0.5"),
        ("1s", "not a number of seconds, such as 10 or 0.5"),
        ("0", "a time must be longer than 0 seconds"),
        ("-1", "a time must be longer than 0 seconds"),
        ("1e-30", "a time must be longer than 0 seconds"),
        ("NaN", "a time must be longer than 0 seconds"),
        ("inf", "longer than ten years"),
        ("1e300", "longer than ten years"),
        ("315360001", "longer than ten years"),
    ] {
        assert_eq!(text.parse::<Seconds>(), Err(reason), "{text}");
    }
    assert_eq!(Seconds(Duration::from_millis(1500)).to_string(), "1.5");
    assert_eq!(Seconds(Duration::from_mins(5)).to_string(), "300");
}
