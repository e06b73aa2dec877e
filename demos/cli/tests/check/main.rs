//! `jsonframe check` as a process: against our programs, against programs in Python that hold to the protocol or do not,
//! and against programs that hardly do anything.

#[path = "../../../tests/certificates/mod.rs"]
mod certificates;
mod clients;
#[path = "../../../tests/common/mod.rs"]
mod common;
mod output;
mod planted;
mod servers;

use std::collections::BTreeSet;
use std::env;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use common::{PATIENCE, path_of, program, text};
use jsonframe::{Header, Message};
use serde_json::Value;

const REQUEST: &str = r#"{"action": "search", "value": "needle"}"#;

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

    /// The rules of this verdict, and why it is theirs.
    fn reasons(&self, verdict: &str) -> Vec<String> {
        self.of(verdict).iter().map(|name| format!("{name}: {}", self.rule(name)["reason"])).collect()
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
