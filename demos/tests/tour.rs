//! The tour: what a newcomer runs first.

mod common;

use common::{NEEDLE, NO_MATCH, ends_quietly_unread, program, text};

const TOUR: &str = env!("CARGO_BIN_EXE_tour");

#[test]
fn the_tour_shows_both_sides_and_what_is_between_them() {
    let run = program(TOUR, &[]).assert().success().stderr("");
    let output = text(&run.get_output().stdout);
    let mut rest = output;
    for expected in [
        "client | Received b\"Hello,world\"",
        "server | Connected by: 127.0.0.1:",
        "client | starting connection 2 to 127.0.0.1:",
        "client | closing connection ",
        "server | listening on 127.0.0.1:",
        "server | echoing b\"Message 1 from client.",
        "server | closing connection to 127.0.0.1:",
        #[cfg(target_endian = "little")]
        &format!("client | sending {NEEDLE} to 127.0.0.1:"),
        "client | got result: No match for \"needle\".",
        "server | listening on 127.0.0.1:",
        "server | received request {\"action\": \"search\", \"value\": \"needle\"} from 127.0.0.1:",
        #[cfg(target_endian = "little")]
        &format!("server | sending {NO_MATCH} to 127.0.0.1:"),
        "server | closing connection to 127.0.0.1:",
        "client | message 1",
        "content-length    39",
        "server | message 1",
        "content-length    38",
        "client | got result: 🐾 Playing ball! 🏐",
        "server | received request {\"action\": \"search\", \"value\": \"🐶\"} from ",
        "client | received binary/custom-server-binary-type response from ",
        "client | got response: b\"First 10 bytes of request: dance on t\"",
        "server | received binary/custom-client-binary-type request from ",
        "content-type      \"binary/custom-client-binary-type\"",
        "content-type      \"binary/custom-server-binary-type\"",
        "cargo run --bin app-client",
    ] {
        let at = rest.find(expected).unwrap_or_else(|| panic!("{expected} is not in\n{rest}"));
        rest = &rest[at + expected.len()..];
    }
    assert!(!output.contains('\u{1B}'), "a file is not coloured");
}

#[test]
fn the_tour_may_be_left_early() {
    assert!(ends_quietly_unread(TOUR, &[]));
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    program(TOUR, &["somewhere"]).assert().code(2).stdout("");
    program(TOUR, &["--help"]).assert().success();
    program(TOUR, &["--version"]).assert().success();
}
