//! `jsonframe check` as a process: against our programs, against programs in Python that hold to the protocol or do not,
//! and against programs that hardly do anything.

#[path = "../../tests/certificates/mod.rs"]
mod certificates;
#[path = "../../tests/common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use certificates::{Files, words};
use common::{AppServer, PATIENCE, Program, Server, on_each_server, path_of, program, text};
use jsonframe::{Header, Message};
use serde_json::Value;
use socket2::SockRef;
use tempfile::TempDir;

const REQUEST: &str = r#"{"action": "search", "value": "needle"}"#;

/// The limits of our servers with which each rule that waits for them is soon over, and the longest header is accepted.
const LIMITS: [&str; 9] =
    ["--quiet", "--max-header", "65535", "--header-timeout", "1", "--idle-timeout", "1", "--rate-window", "1"];

on_each_server! {
    our_servers_hold_to_every_rule,
    our_servers_hold_to_every_rule_over_tls,
}

/// What came out of a run.
struct Outcome {
    report: Value,
    code: Option<i32>,
}

impl Outcome {
    /// The names of the rules of this verdict.
    fn of(&self, verdict: &str) -> BTreeSet<&str> {
        let rules = self.report["rules"].as_array().expect("there are rules").iter();
        rules.filter(|rule| rule["verdict"] == verdict).map(|rule| rule["rule"].as_str().expect("a name")).collect()
    }

    fn rule(&self, name: &str) -> &Value {
        let mut rules = self.report["rules"].as_array().expect("there are rules").iter();
        rules.find(|rule| rule["rule"] == name).expect("there is such a rule")
    }
}

fn jsonframe(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = program(path_of("jsonframe"), arguments);
    // A run has many rules.
    command.timeout(4 * PATIENCE);
    command
}

/// Checks the server there.
fn check(address: &str, options: &[&str]) -> Outcome {
    let run = jsonframe(&["check", address, "--json", REQUEST, "--report", "json"]).args(options).output().unwrap();
    assert!(!run.stdout.is_empty(), "{}", text(&run.stderr));
    Outcome { report: serde_json::from_slice(&run.stdout).expect("the report is JSON"), code: run.status.code() }
}

fn assert_holds(outcome: &Outcome) {
    let wrong: Vec<_> = ["fail", "warn", "skipped"].iter().flat_map(|verdict| outcome.of(verdict)).collect();
    let shown: Vec<_> = wrong.iter().map(|name| outcome.rule(name)).collect();
    assert!(wrong.is_empty(), "{shown:#?}");
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.of("pass").len() > 130);
}

/// The script in Python, or nothing where there is no Python.
fn python(name: &str) -> Option<Command> {
    if Command::new("python3").arg("--version").output().is_err() {
        assert!(env::var_os("CI").is_none(), "python3 is missing");
        println!("skipped, for python3 is missing");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name));
    Some(command)
}

fn our_servers_hold_to_every_rule(on: AppServer) {
    let server = on.start(&LIMITS);
    assert_holds(&check(&server.address.to_string(), &["--timeout", "4", "--deadline", "30", "--jobs", "8"]));
}

fn our_servers_hold_to_every_rule_over_tls(on: AppServer) {
    let files = Files::new();
    let options = files.of_server();
    let server = on.start(&[&LIMITS[..], &words(&options)].concat());
    let address = format!("localhost:{}", server.address.port());
    let ca = files.path("ca.pem");
    assert_holds(&check(&address, &["--tls-ca", &ca, "--timeout", "4", "--deadline", "30", "--jobs", "8"]));
}

#[cfg(unix)]
#[test]
fn a_server_on_a_unix_socket_holds_to_every_rule() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let path = path.to_str().unwrap();
    let _server = AppServer::Std.start(&[&LIMITS[..], &["--unix", path]].concat());
    assert_holds(&check(&format!("unix:{path}"), &["--timeout", "4", "--deadline", "30", "--jobs", "8"]));
}

#[test]
fn a_shorter_capacity_for_headers_is_a_warning() {
    let server = Server::start(&["--quiet"]);
    let only = ["--only", "long-header", "--only", "long-header-on-sight"];
    let outcome = check(&server.address.to_string(), &only);
    assert_eq!(outcome.of("warn"), BTreeSet::from(["long-header"]));
    assert_eq!((outcome.of("pass"), outcome.code), (BTreeSet::from(["long-header-on-sight"]), Some(0)));
}

#[test]
fn a_server_made_as_the_tutorial_s_fails_where_it_hangs_spins_and_loses() {
    let Some(mut command) = python("tutorial_server.py") else { return };
    let server = Server::spawn(&mut command);
    let outcome = check(&server.address.to_string(), &["--jobs", "8"]);
    let expected = BTreeSet::from([
        // One request is answered on each connection, and what else has come is lost.
        "two-in-one-write",
        "one-and-a-half",
        "one-after-the-other",
        // An empty request counts as none: it spins.
        "empty-content",
        "length-minus-zero",
        "length-false",
        // No content is ever long enough: it waits for ever, and keeps all that comes.
        "length-nan",
        "length-infinity",
        "length-huge-exponent",
        "length-30-digits",
        "length-wrapped",
        // What these are taken for is another message than the one that was sent.
        "length-negative",
        "length-true",
        // Accepted, for Python's JSON does.
        "nan",
        "infinity",
        "minus-infinity",
        "lone-high-surrogate",
        "lone-low-surrogate",
        "two-high-surrogates",
        "nesting-65",
        "nesting-65-objects",
        // The last one counts.
        "duplicate-byteorder",
        "duplicate-content-type",
        "duplicate-content-encoding",
        "duplicate-content-length",
        "duplicate-by-escape",
        // Nobody looks at it.
        "byteorder-number",
        "byteorder-null",
        "byteorder-unknown",
        "byteorder-case",
        "byteorder-empty",
    ]);
    assert_eq!(outcome.of("fail"), expected);
    assert_eq!(outcome.of("warn"), BTreeSet::from(["http-request", "no-object-on-sight", "refusal-without-reset"]));
    assert_eq!(outcome.code, Some(1));
    for hanging in ["empty-content", "length-nan", "length-false"] {
        assert_eq!(outcome.rule(hanging)["came"], "silence", "{hanging}");
    }
    assert_eq!(outcome.rule("refusal-without-reset")["came"], "reset");
    assert!(outcome.rule("two-in-one-write")["came"].as_str().unwrap().ends_with("; closed"));
}

/// Defines a test for each fault that can be planted: which rules then fail.
macro_rules! planted {
    ($($name:ident, $fault:literal: [$($rule:literal),*] $(, [$($warned:literal),*])?;)*) => {
        mod planted {
            $(
                #[test]
                fn $name() {
                    super::fails_exactly($fault, &[$($rule),*], &[$($($warned),*)?]);
                }
            )*
        }
    };
}

planted! {
    an_empty_header, "zero-length": ["empty-header"];
    a_byte_order_mark, "byte-order-mark": ["byte-order-mark"];
    other_bytes_than_utf8, "not-utf8":
        ["utf8-cut", "utf8-in-name", "utf8-lone-byte", "utf8-overlong", "utf8-surrogate", "utf8-too-large"];
    bytes_after_the_object, "trailing-bytes": ["trailing-bytes", "trailing-nul", "trailing-object"];
    numbers_that_json_has_not, "nan": ["infinity", "minus-infinity", "nan"];
    control_characters, "control-characters": ["raw-line-feed", "raw-nul", "raw-tab"];
    lone_surrogates, "lone-surrogates": ["lone-high-surrogate", "lone-low-surrogate", "two-high-surrogates"];
    deep_nesting, "deep-nesting": ["nesting-65", "nesting-65-objects"];
    a_missing_member, "missing-content-type": ["missing-content-type"];
    members_that_are_there_twice, "duplicates": [
        "duplicate-by-escape", "duplicate-byteorder", "duplicate-content-encoding", "duplicate-content-length",
        "duplicate-content-type"
    ];
    an_unknown_byteorder, "unknown-byteorder": ["byteorder-case", "byteorder-empty", "byteorder-unknown"];
    a_null_as_encoding, "null-content-encoding": ["content-encoding-null"];
    a_length_as_a_string, "length-as-string": ["length-string"];
    a_length_with_a_fraction, "length-as-float": ["length-exponent", "length-fraction"];
    a_length_that_wraps, "length-wrapped": ["length-30-digits", "length-wrapped"];
    content_that_is_cut, "cut-content": ["end-in-content", "greatest-length"];
    an_answer_in_another_form, "another-form": ["emitted-form"];
    an_answer_to_nothing, "answers-an-end": ["end-without-a-message"];
    a_fixed_order_of_members, "fixed-order": ["order-extensions-between", "order-length-first", "order-sorted"];
    a_request_lost_at_the_end_of_the_stream, "lost-at-the-end": ["half-close"];
    no_escapes, "no-escapes": ["escapes-in-names", "escapes-in-values"];
    no_extension_members, "no-extensions": [
        "characters", "escapes-in-values", "extension-array", "extension-empty-name", "extension-false",
        "extension-large-number", "extension-null", "extension-number", "extension-object", "extension-other-case",
        "extension-repeated", "extension-string", "extension-true", "extension-with-required-names", "nesting-64",
        "nesting-64-objects", "order-extensions-between", "request-id"
    ], ["long-value"];
    no_white_space_around_the_header, "no-white-space-around": ["pretty-printed", "white-space-everywhere"];
    a_long_header_refused_when_it_is_whole, "long-header-late": ["long-header-on-sight"], ["long-header"];
    one_connection_at_a_time, "one-at-a-time": [],
        ["others-during-content", "others-during-header", "others-during-silence"];
    empty_content_that_is_waited_for, "waits-for-content": ["empty-content", "empty-content-of-type"];
    an_empty_header_that_is_waited_for, "waits-for-header": ["empty-header-on-sight"];
    a_reply_to_another_request, "wrong-reply-to": ["request-id"];
    a_request_after_a_fault, "request-after-fault":
        ["length-false", "length-minus-zero", "length-null", "message-after-fault"];
}

#[test]
fn a_careful_server_in_python_holds_to_every_rule() {
    let Some(mut command) = python("planted_server.py") else { return };
    let server = Server::spawn(command.args(["--patience", "1"]));
    assert_holds(&check(&server.address.to_string(), &["--timeout", "4", "--jobs", "8", "--deadline", "30"]));
}

#[test]
fn a_server_without_deadlines_is_a_warning_for_each() {
    let Some(mut command) = python("planted_server.py") else { return };
    let server = Server::spawn(&mut command);
    let rules = ["deadline-for-header", "deadline-for-content", "deadline-for-silence"];
    let only: Vec<_> = rules.iter().flat_map(|rule| ["--only", rule]).collect();
    let outcome = check(&server.address.to_string(), &[&only[..], &["--jobs", "3", "--deadline", "0.5"]].concat());
    assert_eq!((outcome.of("warn"), outcome.code), (BTreeSet::from(rules), Some(0)));
}

/// Asserts that the server in Python with this fault fails at these rules, has those warnings, and no others.
fn fails_exactly(fault: &str, failed: &[&str], warned: &[&str]) {
    let Some(mut command) = python("planted_server.py") else { return };
    let server = Server::spawn(command.args(["--plant", fault]));
    // Where connections wait for each other, rules would too.
    let jobs = if fault == "one-at-a-time" { "1" } else { "8" };
    let outcome = check(&server.address.to_string(), &["--timeout", "4", "--jobs", jobs]);
    assert_eq!(outcome.of("fail"), failed.iter().copied().collect(), "{:#}", outcome.report);
    assert_eq!(outcome.of("warn"), warned.iter().copied().collect(), "{:#}", outcome.report);
    assert_eq!(outcome.code, Some(i32::from(!failed.is_empty())));
}

#[test]
fn a_server_that_reads_on_though_its_answers_are_not_read_is_a_warning() {
    let address = serve(|_| Some(answer(br#"{"result": 1}"#)), false).to_string();
    let outcome = check(&address, &["--only", "unread-answers"]);
    assert_eq!((outcome.of("warn"), outcome.code), (BTreeSet::from(["unread-answers"]), Some(0)));
}

#[test]
fn a_server_that_never_answers_is_given_up_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let outcome = check(&address, &["--timeout", "0.2"]);
    assert_eq!((outcome.of("fail"), outcome.of("pass").len()), (BTreeSet::from(["emitted-form"]), 0));
    assert_eq!(outcome.rule("nan")["reason"], "a good request is not answered; what came: silence");
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_server_that_dies_of_a_rule_fails_there_and_the_rest_is_skipped() {
    // It answers everything but an overlong form, of which it dies.
    let is_overlong = |request: &[u8]| request.windows(2).any(|bytes| bytes == [0xC0, 0xAF]);
    let address = serve(move |request| (!is_overlong(request)).then(|| answer(br#"{"result": 1}"#)), true);
    let outcome = check(&address.to_string(), &["--timeout", "0.5"]);
    let reason = "a good request on a new connection is not answered any more";
    assert_eq!(outcome.rule("utf8-overlong")["verdict"], "fail");
    assert!(outcome.rule("utf8-overlong")["reason"].as_str().unwrap().ends_with(reason));
    assert_eq!(outcome.rule("utf8-surrogate")["reason"], "the server does not answer a good request any more");
}

#[test]
fn a_reset_is_told_from_an_orderly_end() {
    for (is_reset, came) in [(true, "reset"), (false, "closed")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_some(&mut stream);
                if request.starts_with(&[0, 0]) {
                    if is_reset {
                        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                    }
                } else {
                    let _ = stream.write_all(&answer(br#"{"result": 1}"#));
                }
            }
        });
        let outcome = check(&address, &["--only", "empty-header-on-sight"]);
        assert_eq!(outcome.rule("empty-header-on-sight")["came"], came);
        assert_eq!(outcome.code, Some(0));
    }
}

#[test]
fn a_server_that_sends_no_messages_is_told_so() {
    let address = serve(|_| Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), false);
    let outcome = check(&address.to_string(), &["--only", "nan"]);
    let reason = outcome.rule("nan")["reason"].as_str().unwrap();
    assert!(reason.contains("bytes that are no message"), "{reason}");
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn no_text_of_a_server_acts_on_the_terminal_or_in_the_page() {
    let hostile = b"{\"result\": \"\x1b[2J</code><script>alert(1)</script>\xE2\x80\xAE\"}";
    // The same to everything: a fault is accepted.
    let address = serve(|_| Some(answer(hostile)), false).to_string();
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("page.html");
    let run = jsonframe(&["check", &address, "--json", REQUEST, "--only", "nan", "--html", page.to_str().unwrap()]);
    let run = { run }.assert().code(1);
    let table = text(&run.get_output().stdout);
    assert!(table.contains(r"\u{1b}[2J") && table.contains(r"\u{202e}"), "{table}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("&lt;script&gt;"));
    for output in [table, page.as_str()] {
        assert!(!output.contains(['\u{1B}', '\u{202E}']));
    }
    assert!(!page.contains("<script"));
}

#[test]
fn the_page_needs_nothing_else_and_has_the_figures_of_the_report() {
    let Some(mut command) = python("tutorial_server.py") else { return };
    let server = Server::spawn(&mut command);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("page.html");
    let path = path.to_str().unwrap();
    let options = ["--only", "nan", "--only", "array", "--only", "http-request", "--only", "deadline-for-header"];
    let address = server.address.to_string();
    let outcome = check(&address, &[&options[..], &["--timeout", "0.5", "--html", path]].concat());
    let page = fs::read_to_string(path).unwrap();
    for outside in ["<script", "http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let Some(dom) = in_chromium(path) else { return };
    for class in ["fail", "warn", "skipped", "pass"] {
        let count = outcome.report["summary"][class].as_u64().unwrap();
        assert_eq!(count, 1);
        assert!(dom.contains(&format!(r#"id="count-{class}">{count}<"#)), "{class}");
        assert_eq!(dom.matches(&format!(r#"<details class="rule {class}""#)).count(), 1, "{class}");
    }
    let places = ["<h2>Failed", "<h2>Warned", "<h2>Skipped", "<h2>Passed"].map(|heading| dom.find(heading).unwrap());
    assert!(places.is_sorted());
    // The bytes of the fault are shown.
    assert!(dom.contains("  112  61 4e 7d 7b"));
}

/// The page as Chromium has it after it has been loaded, or nothing where there is none.
fn in_chromium(path: &str) -> Option<String> {
    let profile = TempDir::new().unwrap();
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", profile.path().display())).arg(format!("file://{path}"));
    match command.output() {
        Ok(run) => Some(String::from_utf8(run.stdout).unwrap()),
        Err(error) => {
            assert!(env::var_os("CI").is_none(), "chromium cannot be run: {error}");
            println!("skipped, for chromium is missing");
            None
        }
    }
}

#[test]
fn the_table_has_a_line_for_each_rule_and_no_colours_in_a_pipe() {
    let server = Server::start(&["--quiet"]);
    let address = server.address.to_string();
    let run = jsonframe(&["check", &address, "--json", REQUEST, "--only", "nan", "--only", "long-header"]);
    let run = { run }.assert().success().stderr("");
    let table = text(&run.get_output().stdout);
    assert!(!table.contains('\u{1B}'));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines[0], "header");
    assert!(lines[1].starts_with("  warn    SHOULD 6.1   long-header  a header of 65,535 bytes"), "{table}");
    assert!(lines.contains(&"  pass    MUST   5.4.4 nan          NaN"), "{table}");
    let last = format!("server at {address}: 2 rules, 1 passed, 0 failed, 1 warned, 0 skipped");
    assert_eq!(*lines.last().unwrap(), last);
}

#[test]
fn a_request_of_a_file_is_sent_as_it_is() {
    let server = Server::start(&["--quiet"]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("request");
    let header = Header::new("binary/custom-client-binary-type", "binary", 5);
    fs::write(&path, Message::new(header, b"hello").unwrap().to_vec().unwrap()).unwrap();
    let path = path.to_str().unwrap();
    let run =
        jsonframe(&["check", &server.address.to_string(), "--request", path, "--report", "json"]).output().unwrap();
    let outcome = Outcome { report: serde_json::from_slice(&run.stdout).unwrap(), code: run.status.code() };
    assert_eq!((outcome.of("fail"), outcome.code), (BTreeSet::new(), Some(0)));
    let sent = outcome.rule("half-close")["sent"].as_str().unwrap();
    assert!(sent.ends_with("68656c6c6f"));

    for (bytes, reason) in [
        (&b"\0\x02{}"[..], "not a message: "),
        (b"\0\x67", "the message is not whole"),
        (b"", "the message is not whole"),
    ] {
        fs::write(path, bytes).unwrap();
        let run = jsonframe(&["check", "127.0.0.1:1", "--request", path]).assert().code(1);
        let errors = text(&run.get_output().stderr);
        assert!(errors.contains(reason), "{errors}");
    }
}

#[test]
fn an_unreachable_server_is_a_failure_in_one_line_and_a_wrong_command_line_another() {
    let run = jsonframe(&["check", "127.0.0.1:1", "--json", "{}"]).assert().code(1).stdout("");
    assert_eq!(text(&run.get_output().stderr).lines().count(), 1);
    for wrong in [
        &["check", "127.0.0.1:1"][..],
        &["check", "127.0.0.1:1", "--json", "{}", "--only", "no-such-rule"],
        &["check", "127.0.0.1:1", "--json", "{}", "--timeout", "0"],
        &["check", "127.0.0.1:1", "--json", "{}", "--request", "x"],
        &["check", "127.0.0.1:1", "--json", "{}", "--listen", "127.0.0.1:0"],
        &["check", "127.0.0.1:1", "--json", "{}", "--", "true"],
    ] {
        jsonframe(wrong).assert().code(2);
    }
    jsonframe(&["check", "127.0.0.1:1", "--json", "{"]).assert().code(1);
}

#[test]
fn the_list_names_each_rule_with_its_section_and_level() {
    let run = jsonframe(&["check", "--list"]).assert().success();
    let list = text(&run.get_output().stdout);
    assert!(list.lines().count() > 130);
    assert!(
        list.contains("byte-order-mark                header   MUST   5.3   a byte order mark before the object\n")
    );
}

#[test]
fn our_client_holds_to_every_rule() {
    let client = path_of("app-client");
    let outcome = check_client(
        &["--timeout", "4", "--deadline", "10"],
        &[&client, "{host}", "{port}", "search", "x", "--timeout", "4"],
    );
    assert_eq!((outcome.of("fail"), outcome.of("warn")), (BTreeSet::new(), BTreeSet::new()), "{:#}", outcome.report);
    assert_eq!((outcome.of("skipped").len(), outcome.code), (0, Some(0)));
    assert!(outcome.of("pass").len() > 110);
}

#[test]
fn a_naive_client_fails_where_an_answer_comes_in_pieces() {
    let Some(command) = python("naive_client.py") else { return };
    let script = command.get_args().next().unwrap().to_str().unwrap().to_owned();
    let fails = ["cut-in-proto-header", "cut-in-header", "cut-after-header", "nan", "duplicate-byteorder"];
    let passes =
        ["emitted-form", "pretty-printed", "end-in-header", "array", "missing-content-length", "length-string"];
    let only: Vec<_> = fails.iter().chain(&passes).flat_map(|rule| ["--only", rule]).collect();
    let outcome = check_client(&[&["--timeout", "4"], &only[..]].concat(), &["python3", &script, "{host}", "{port}"]);
    assert_eq!((outcome.of("fail"), outcome.of("pass")), (BTreeSet::from(fails), BTreeSet::from(passes)));
    assert_eq!(outcome.code, Some(1));
}

/// Checks a client that is run for each rule.
fn check_client(options: &[&str], client: &[&str]) -> Outcome {
    let listen = ["check", "--listen", "127.0.0.1:0", "--json", r#"{"result": "found"}"#, "--report", "json"];
    let run = jsonframe(&[&listen, options, &["--"], client].concat()).output().unwrap();
    assert!(!run.stdout.is_empty(), "{}", text(&run.stderr));
    Outcome { report: serde_json::from_slice(&run.stdout).unwrap(), code: run.status.code() }
}

#[test]
fn a_command_that_fails_with_a_good_answer_is_not_checked_further() {
    let listen = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--timeout", "0.2", "--", "false"];
    let run = jsonframe(&listen).assert().code(1).stdout("");
    let errors = text(&run.get_output().stderr);
    assert!(errors.contains("the command does not succeed with a good answer"), "{errors}");
}

#[test]
fn clients_that_are_started_by_hand_have_a_rule_each() {
    let arguments = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--report", "json", "--timeout", "0.5"];
    let rules = ["--only", "pretty-printed", "--only", "nan", "--only", "infinity"];
    let mut program = Program::spawn(Command::new(path_of("jsonframe")).args(arguments).args(rules));
    let line = program.errors.next();
    let address: SocketAddr = line.strip_prefix("listening on ").unwrap().parse().unwrap();
    // One that reads all and leaves; one that leaves at a fault; one that hangs.
    for (rule, is_hanging) in [("pretty-printed", false), ("nan", false), ("infinity", true)] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&Message::new(Header::for_json(2), b"{}").unwrap().to_vec().unwrap()).unwrap();
        assert!(!read_some(&mut stream).is_empty());
        if is_hanging {
            let _ = stream.read_to_end(&mut Vec::new());
        }
        drop(stream);
        let verdict = if is_hanging { "fail" } else { "pass" };
        assert_eq!(program.errors.next(), format!("{verdict} {rule}"));
    }
    assert_eq!(program.exit_code(), Some(1));
    let report: Value = serde_json::from_str(&program.output.rest().concat()).unwrap();
    assert_eq!(report["summary"]["pass"], 2);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_shows_what_was_found_until_then() {
    for signal in common::ending_signals() {
        let arguments = ["check", "--listen", "127.0.0.1:0", "--json", "{}", "--only", "nan"];
        let mut program = Program::spawn(Command::new(path_of("jsonframe")).args(arguments));
        program.errors.next();
        program.signal(signal);
        assert_eq!(program.exit_code(), Some(130));
        let output = program.output.rest().join("\n");
        assert!(output.contains("because  interrupted"), "{output}");
    }
}

/// A message with this content.
fn answer(content: &[u8]) -> Vec<u8> {
    Message::new(Header::for_json(content.len() as u64), content).unwrap().to_vec().unwrap()
}

/// What comes first, or nothing at the end.
fn read_some(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = [0; 4096];
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let count = stream.read(&mut buffer).unwrap_or(0);
    buffer[..count].to_vec()
}

/// Serves connections, each for what comes first on it, until there is no answer: then that connection ends, and if the
/// server is mortal, so does it.
fn serve(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static, is_mortal: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read_some(&mut stream);
            let Some(answer) = answer(&request) else {
                if is_mortal {
                    return;
                }
                continue;
            };
            let _ = stream.write_all(&answer).and_then(|()| stream.shutdown(Shutdown::Write));
            let _ = io::copy(&mut stream, &mut io::sink());
        }
    });
    address
}
