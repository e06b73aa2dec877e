//! The program `compare`: what others read of it, and that all sides do the same work.

use assert_cmd::Command;
use serde::Deserialize;

/// The figures that the project is measured by.
const AIMS: [&str; 10] = [
    "decode/serde_json",
    "decode/httparse",
    "decode-any-order/serde_json",
    "stream-equal/length-delimited",
    "stream-varied/length-delimited",
    "stream-equal/length-delimited+serde_json",
    "encode/serde_json",
    "content-1GiB/look-only",
    "stream-equal/python",
    "codec-equal/length-delimited",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    figure: String,
    ours_ns: f64,
    peer_ns: f64,
    ratio: f64,
}

fn compare(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("compare").unwrap();
    command.args(arguments);
    command
}

/// The standard output of a run that succeeds.
fn output(mut command: Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

#[test]
fn every_figure_is_an_object_on_a_line_of_its_own() {
    let output = output(compare(&["--json", "--rounds", "1"]));
    let lines: Vec<Line> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let has_python = std::process::Command::new("python3").arg("--version").output().is_ok();
    for name in AIMS {
        let line = lines.iter().find(|line| line.figure == name);
        assert_eq!(line.is_some(), has_python || name != "stream-equal/python", "{name}");
    }
    for Line { figure, ours_ns, peer_ns, ratio } in lines {
        assert!(ours_ns > 0.0 && peer_ns > 0.0, "{figure}");
        assert!((peer_ns / ours_ns / ratio - 1.0).abs() < 0.05, "{figure}: {peer_ns} / {ours_ns} is not {ratio}");
    }
}

#[test]
fn figures_are_found_by_a_part_of_their_names() {
    let output = output(compare(&["--list", "--filter", "httparse", "--filter", "sonic"]));
    let names: Vec<&str> = output.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        names,
        ["decode/httparse", "decode/sonic-rs", "decode-any-order/sonic-rs", "decode-extensions/sonic-rs"]
    );
}

#[test]
fn a_name_that_no_figure_has_is_an_error() {
    let assert = compare(&["--filter", "nonesuch"]).assert().code(1);
    assert.stderr("compare: no figure has such a name; --list shows them all\n");
}

#[test]
fn a_peer_that_is_not_there_is_named() {
    let mut command = compare(&["--json", "--rounds", "1", "--filter", "stream-equal/p"]);
    let assert = command.env("PATH", "/nonexistent").assert().success();
    let (output, errors) = (&assert.get_output().stdout, &assert.get_output().stderr);
    assert!(output.starts_with(b"{\"figure\":\"stream-equal/postcard-cobs\","));
    let errors = String::from_utf8_lossy(errors);
    let named =
        ["stream-equal/python", "stream-equal/python-peer"].map(|name| format!("compare: {name} is not measured: "));
    assert!(errors.lines().zip(named).all(|(line, named)| line.starts_with(&named)), "{errors}");
    assert_eq!(errors.lines().count(), 2, "{errors}");
}
