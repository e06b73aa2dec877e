//! What is asked for on the command line, and how the outcome is shown.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::process::Command;

use jsonframe::{Header, Message};
use tempfile::TempDir;

use super::common::{Server, text};
use super::{Outcome, REQUEST, answer, check, jsonframe, python, serve};

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
    let run = jsonframe(&["check", &server.address.to_string(), "--request", path, "--report", "json", "--jobs", "32"])
        .output()
        .unwrap();
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
        &["check", "127.0.0.1:1", "--json", "{}", "--tls-cert", "x", "--tls-key", "x"],
        &["check", "--listen", "127.0.0.1:0", "--json", "{}", "--tls-cert", "x"],
        &["check", "--listen", "127.0.0.1:0", "--json", "{}", "--tls-key", "x"],
        &["check", "--listen", "127.0.0.1:0", "--json", "{}", "--tls-ca", "x"],
        &["check", "--listen", "127.0.0.1:0", "--json", "{}", "--tls-name", "x"],
    ] {
        jsonframe(wrong).assert().code(2);
    }
    jsonframe(&["check", "127.0.0.1:1", "--json", "{"]).assert().code(1);
    let certificate = ["--tls-cert", "no-such-file", "--tls-key", "no-such-file"];
    let run = jsonframe(&[&["check", "--listen", "127.0.0.1:0", "--json", "{}"], &certificate[..]].concat()).assert();
    assert!(text(&run.code(1).stdout("").get_output().stderr).starts_with("jsonframe: cannot speak TLS: "));
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
