//! What the program says about itself.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::process::Command;

use common::{program, text};

const JSONFRAME: &str = env!("CARGO_BIN_EXE_jsonframe");

/// The words of every command that does something, and of every command that has others.
fn commands() -> Vec<Vec<String>> {
    fn add(command: &clap::Command, words: &[String], all: &mut Vec<Vec<String>>) {
        all.push(words.to_vec());
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            add(sub, &[words, &[sub.get_name().to_owned()]].concat(), all);
        }
    }
    let mut all = Vec::new();
    add(&jsonframe_cli::command(), &[], &mut all);
    assert!(all.len() > 5);
    all
}

fn said(arguments: &[&str]) -> String {
    let run = program(JSONFRAME, arguments).assert().success().stderr("");
    text(&run.get_output().stdout).to_owned()
}

#[test]
fn every_command_has_help_with_examples_and_a_version() {
    for words in commands() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for option in ["--help", "-h"] {
            let help = said(&[&words[..], &[option]].concat());
            assert!(help.contains("\nExamples:\n"), "{words:?} {option}: {help}");
            // What a command gives back, whoever asks for a command of it is told.
            assert!(words.is_empty() || help.contains("\nExit status:\n"), "{words:?} {option}");
            assert!(!help.contains('\x1B'));
        }
        assert!(said(&[&words[..], &["--version"]].concat()).ends_with(&format!(" {}\n", env!("CARGO_PKG_VERSION"))));
    }
}

#[test]
fn examples_are_of_the_command_that_they_are_for() {
    for words in commands().iter().filter(|words| !words.is_empty()) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = said(&[&words[..], &["--help"]].concat());
        let (_, examples) = help.split_once("\nExamples:\n").unwrap();
        let (examples, _) = examples.split_once("\n\n").unwrap();
        let command = format!("jsonframe {}", words.join(" "));
        assert!(examples.lines().all(|line| line.contains(&command)), "{command}: {examples}");
    }
}

#[test]
fn a_shell_takes_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&["completions", shell]);
        for word in ["call", "listen", "inspect", "--pipeline", "--reply-json"] {
            assert!(script.contains(word.trim_start_matches('-')), "{word} in {shell}");
        }
    }
    // What bash offers after the words.
    let completed = |words: &str| {
        let script = format!(
            "{}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _jsonframe jsonframe \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\"",
            said(&["completions", "bash"])
        );
        let run = Command::new("bash").args(["-c", &script]).output().unwrap();
        String::from_utf8(run.stdout).unwrap()
    };
    assert_eq!(completed("jsonframe lis"), "listen\n");
    assert_eq!(completed("jsonframe call --pipe"), "--pipeline\n");
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("man1");
    assert_eq!(said(&["man", to.to_str().unwrap()]), "");
    for words in commands() {
        let name = [&["jsonframe".to_owned()], &words[..]].concat().join("-");
        let page = fs::read_to_string(to.join(format!("{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(".SH NAME") && page.contains("Examples:"), "{name}");
    }
    assert_eq!(said(&["man"]), fs::read_to_string(to.join("jsonframe.1")).unwrap());
    let run = program(JSONFRAME, &["man", "/dev/null/x"]).assert().code(1).stdout("");
    assert!(text(&run.get_output().stderr).starts_with("jsonframe: cannot write the pages to /dev/null/x: "));
}

#[cfg(unix)]
#[test]
fn a_closed_output_ends_the_program_quietly() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::Stdio;

    for arguments in [&["completions", "bash"][..], &["man"]] {
        // Closed before the program starts: all that it writes would fit into a pipe.
        let (_, output) = UnixStream::pair().unwrap();
        let run = Command::new(JSONFRAME).args(arguments).stdout(Stdio::from(OwnedFd::from(output))).output().unwrap();
        assert_eq!((run.status.code(), text(&run.stderr)), (Some(141), ""));
    }
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for arguments in [&[][..], &["call"], &["nothing"], &["completions"], &["completions", "sh"], &["man", "a", "b"]] {
        program(JSONFRAME, arguments).assert().code(2).stdout("");
    }
}
