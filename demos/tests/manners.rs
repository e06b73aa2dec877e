//! What is expected of every program, whatever it does: help with an example, a version, exit codes, one line about a
//! failure, and a quiet end when it is interrupted, or nobody reads its output. A server goes on then.
//!
//! One table has all programs; a program that is not in it fails a test.

mod common;
mod taken;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use common::{Lines, Program, Server, accept, ending_signals, ignored_signals, path_of, program, text};
use jsonframe::{Header, Message};
use taken::taken;

/// A program, or a command of one.
struct Case {
    name: &'static str,
    path: String,
    /// The arguments that it always needs, but for an address.
    words: Vec<String>,
    role: Role,
}

/// How a program is brought to work, to fail and to wait.
enum Role {
    /// It takes an address, and then these words, and talks to this server.
    Client { more: &'static [&'static str], server: fn() -> Server },
    /// It takes an address, at which it listens, and says so in the first of these lines.
    Server { says: Says },
    /// It reads a file, or standard input.
    Reader,
    /// It needs nothing.
    Show,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Output,
    Errors,
}

impl Says {
    fn lines(self, program: &Program) -> &Lines {
        if self == Self::Errors { &program.errors } else { &program.output }
    }
}

macro_rules! case {
    ($name:literal, $words:expr, $role:expr) => {
        Case { name: $name, path: path_of($name), words: $words.into_iter().map(String::from).collect(), role: $role }
    };
}

/// Where files are sent from and received to: the same in every run, as nothing drops what is static.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("manners");
    fs::create_dir_all(directory.join("received")).unwrap();
    let message = Message::new(Header::for_json(2), b"{}").unwrap();
    fs::write(directory.join("file"), message.to_vec().unwrap()).unwrap();
    directory
});

fn in_directory(name: &str) -> String {
    DIRECTORY.join(name).to_str().expect("the path is UTF-8").into()
}

fn cases() -> Vec<Case> {
    let none: [&str; 0] = [];
    let (file, received) = (in_directory("file"), in_directory("received"));
    vec![
        case!("app-client", none, Role::Client { more: &["search", "ring"], server: app_server }),
        case!("app-server", none, Role::Server { says: Says::Output }),
        case!("echo-client", none, Role::Client { more: &[], server: echo_server }),
        case!("echo-server", none, Role::Server { says: Says::Errors }),
        case!("jsonframe", ["call", "--json", "{}"], Role::Client { more: &[], server: app_server }),
        case!("jsonframe", ["convert"], Role::Reader),
        case!("jsonframe", ["inspect"], Role::Reader),
        case!("jsonframe", ["listen"], Role::Server { says: Says::Output }),
        case!("jsonframe", ["load", "--duration", "0.2"], Role::Client { more: &[], server: app_server }),
        case!("multiconn-client", none, Role::Client { more: &["2"], server: multiconn_server }),
        case!("multiconn-server", none, Role::Server { says: Says::Output }),
        case!("tokio-server", none, Role::Server { says: Says::Output }),
        case!("tour", none, Role::Show),
        case!("jsonframe", ["transfer", "send", &file], Role::Client { more: &[], server: transfer_server }),
        case!("jsonframe", ["transfer", "receive", &received], Role::Server { says: Says::Output }),
    ]
}

fn app_server() -> Server {
    Server::start(&[])
}

fn echo_server() -> Server {
    let program = Program::spawn(Command::new(env!("CARGO_BIN_EXE_echo-server")).args(["127.0.0.1", "0"]));
    Server::announced(program, |program| &program.errors)
}

fn multiconn_server() -> Server {
    Server::spawn(Command::new(env!("CARGO_BIN_EXE_multiconn-server")).args(["127.0.0.1", "0"]))
}

fn transfer_server() -> Server {
    let mut command = Command::new(path_of("jsonframe"));
    let directory = in_directory("received");
    Server::spawn(command.args(["transfer", "receive", &directory, "127.0.0.1:0", "--overwrite"]))
}

impl Case {
    fn arguments(&self, more: &[&str]) -> Vec<String> {
        self.words.iter().map(String::as_str).chain(more.iter().copied()).map(String::from).collect()
    }

    /// The arguments for a client or a server at this address.
    fn at(&self, address: SocketAddr) -> Vec<String> {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let both = format!("{host}:{port}");
        let place: &[&str] = if self.name == "jsonframe" { &[&both] } else { &[&host, &port] };
        let more = if let Role::Client { more, .. } = self.role { more } else { &[] };
        self.arguments(&[place, more].concat())
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments).env("RUST_BACKTRACE", "1");
        command
    }

    /// Runs it to its end.
    fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        program(&self.path, arguments).env("RUST_BACKTRACE", "1").assert()
    }

    /// What it is, for messages.
    fn title(&self) -> String {
        [&[self.name.to_owned()], &self.words[..]].concat().join(" ")
    }
}

#[test]
fn every_program_is_in_the_table() {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin")).unwrap();
    let programs: BTreeSet<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let cases = cases();
    let (tool, demos): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.name == "jsonframe");
    assert_eq!(programs, demos.iter().map(|case| case.name.to_owned()).collect());
    let command = jsonframe_cli::command();
    let commands: BTreeSet<_> = command.get_subcommands().map(clap::Command::get_name).collect();
    // The others have their own way with addresses, or none: demos/cli/tests.
    let others = ["check", "completions", "man", "tap"];
    assert_eq!(commands, tool.iter().map(|case| &*case.words[0]).chain(others).collect());
}

#[test]
fn help_has_an_example_and_the_version_is_told() {
    for case in cases() {
        // Commands come before their options; what else they need, they do not need for help.
        let is_command = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
        let commands: Vec<&str> = case.words.iter().map(String::as_str).take_while(is_command).collect();
        for depth in 0..=commands.len() {
            let commands = &commands[..depth];
            for option in ["--help", "-h"] {
                let run = case.run(&[commands, &[option]].concat()).success().stderr("");
                let help = text(&run.get_output().stdout);
                let examples = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{}: {help}", case.title())).1;
                let wanted = [&[case.name], commands].concat().join(" ");
                assert!(examples.lines().any(|line| line.contains(&wanted)), "{wanted}: {examples}");
                assert!(help.contains("\nUsage:"), "{help}");
            }
            let run = case.run(&[commands, &["--version"]].concat()).success().stderr("");
            let version = text(&run.get_output().stdout);
            let expected = format!("{} {}\n", [&[case.name], commands].concat().join("-"), env!("CARGO_PKG_VERSION"));
            assert_eq!(version, expected);
        }
    }
}

#[test]
fn a_wrong_command_line_is_told_from_a_failure() {
    for case in cases() {
        let run = case.run(&["--no-such-option"]).code(2).stdout("");
        let complaint = text(&run.get_output().stderr);
        assert!(complaint.starts_with("error: ") && complaint.contains("--no-such-option"), "{complaint}");
        assert!(!complaint.contains("panicked"), "{complaint}");
    }
}

#[test]
fn a_failure_is_one_line_and_exit_code_1() {
    let (_kept, address) = taken();
    for case in cases() {
        let run = match case.role {
            // Nobody is there, or somebody else is.
            Role::Client { .. } | Role::Server { .. } => {
                case.run(&case.at(address).iter().map(String::as_str).collect::<Vec<_>>())
            }
            Role::Reader => {
                case.run(&case.arguments(&[&in_directory("missing")]).iter().map(String::as_str).collect::<Vec<_>>())
            }
            // A program that cannot have a socket.
            Role::Show => {
                let script = "ulimit -n 4 && exec \"$0\"";
                program("sh", &["-c", script, &case.path]).env("RUST_BACKTRACE", "1").assert()
            }
        };
        let run = run.code(1);
        let complaint = text(&run.get_output().stderr);
        assert!(complaint.starts_with(&format!("{}: ", case.name)), "{}: {complaint}", case.title());
        assert_eq!(complaint.matches('\n').count(), 1, "{}: {complaint}", case.title());
        assert!(complaint.ends_with('\n') && !complaint.contains("panicked"), "{}: {complaint}", case.title());
    }
}

#[test]
fn a_program_whose_output_nobody_reads_ends_quietly() {
    for case in cases() {
        let (arguments, _server) = match case.role {
            Role::Client { server, .. } => {
                let server = server();
                (case.at(server.address), Some(server))
            }
            Role::Server { .. } => continue,
            Role::Reader => (case.arguments(&[&in_directory("file")]), None),
            Role::Show => (Vec::new(), None),
        };
        let mut program = Program::unread(&mut case.command(&arguments));
        let rest = program.errors.rest();
        assert!(rest.is_empty(), "{}: {rest:?}", case.title());
        // Success would mean that all of the input has been found to be right.
        // Whose output is what they are for, those end as if by SIGPIPE.
        let is_lost = matches!(case.role, Role::Reader) || case.words.first().is_some_and(|word| word == "call");
        let code = if is_lost { 141 } else { 0 };
        assert_eq!(program.exit_code(), Some(code), "{}", case.title());
    }
}

#[test]
fn a_client_that_fails_says_so_though_nobody_reads_its_output() {
    for case in cases().iter().filter(|case| matches!(case.role, Role::Client { .. })) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // Every connection is closed, and nothing answered.
        std::thread::spawn(move || listener.incoming().for_each(drop));
        let mut program = Program::unread(&mut case.command(&case.at(address)));
        assert_ne!(program.errors.rest(), [""; 0], "{}", case.title());
        assert_eq!(program.exit_code(), Some(1), "{}", case.title());
    }
}

/// The servers, each started on a free port, with nobody to read its lines but the first.
fn unheard_servers() -> impl Iterator<Item = (Case, Server)> {
    cases().into_iter().filter_map(|case| {
        let Role::Server { says } = case.role else { return None };
        let mut command = case.command(&case.at(SocketAddr::from(([127, 0, 0, 1], 0))));
        let (program, line) = Program::unheard(&mut command, says == Says::Errors);
        Some((case, Server::announced_in(program, &line)))
    })
}

/// Sends what no server takes for a message, and reads to the end.
fn bother(server: &Server) -> io::Result<()> {
    let mut stream = server.connect();
    stream.write_all(b"\0\0")?;
    stream.shutdown(Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

#[test]
fn a_server_goes_on_when_whoever_reads_its_lines_has_left() {
    for (case, mut server) in unheard_servers() {
        server.stop_reading();
        if case.name == "echo-server" {
            bother(&server).unwrap();
            assert_eq!(server.exit_code(), Some(0), "it serves one client");
            continue;
        }
        // Each makes the server write lines.
        for _ in 0..20 {
            bother(&server).unwrap_or_else(|error| panic!("{}: {error}", case.title()));
        }
        assert!(server.is_running(), "{}", case.title());
        server.signal("TERM");
        assert!(matches!(server.exit_code(), None | Some(0)), "{}", case.title());
    }
}

/// The pipes to the readers are full long before the last client has come.
#[test]
fn a_server_whose_lines_are_not_read_serves_and_ends_all_the_same() {
    const CLIENTS: usize = 1500;
    // What receives files writes few lines.
    for (case, mut server) in unheard_servers().filter(|(case, _)| case.name != "transfer") {
        for _ in 0..if case.name == "echo-server" { 1 } else { CLIENTS } {
            bother(&server).unwrap_or_else(|error| panic!("{}: {error}", case.title()));
        }
        if case.name != "echo-server" {
            assert!(server.is_running(), "{}", case.title());
            server.signal("TERM");
        }
        assert!(matches!(server.exit_code(), None | Some(0)), "{}", case.title());
    }
}

/// As `nohup` starts a program, and a shell one in the background.
#[cfg(target_os = "linux")]
#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    const HANGUP: u64 = 1 << (1 - 1);
    const INTERRUPT: u64 = 1 << (2 - 1);

    for case in cases() {
        let Role::Server { says } = case.role else { continue };
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP INT; exec \"$0\" \"$@\"", &case.path]);
        command.args(case.at(SocketAddr::from(([127, 0, 0, 1], 0))));
        let mut server = Server::announced(Program::spawn(&mut command), |program| says.lines(program));
        // It may prepare for signals after it has said where it listens.
        bother(&server).unwrap();
        if case.name != "echo-server" {
            server.signal("HUP");
            server.signal("INT");
            let ignored = ignored_signals(&server.proc("status").unwrap());
            assert_eq!(ignored & (HANGUP | INTERRUPT), HANGUP | INTERRUPT, "{}", case.title());
            bother(&server).unwrap();
            assert!(server.is_running(), "{}", case.title());
            // This one was not ignored.
            server.signal("TERM");
        }
        assert!(matches!(server.exit_code(), None | Some(0)), "{}", case.title());
        assert!(!server.errors.rest().iter().any(|line| line.contains("signal")), "{}", case.title());
    }
}

#[test]
fn no_time_and_no_number_of_things_are_refused_in_plain_words() {
    let servers = |name: &str| cases().into_iter().find(|case| case.name == name).unwrap();
    for (name, option, value, reason) in [
        ("app-server", "--idle-timeout", "0", "a time must be longer than 0 seconds"),
        ("app-server", "--shutdown-timeout", "soon", "not a number of seconds, such as 10 or 0.5"),
        ("tokio-server", "--write-timeout", "0", "a time must be longer than 0 seconds"),
        ("app-server", "--workers", "0", "must be at least 1"),
        ("tokio-server", "--workers", "2000", "must be at most 1024"),
        ("app-server", "--max-connections", "0", "must be at least 1"),
        ("tokio-server", "--max-connections", "0", "must be at least 1"),
    ] {
        let run = servers(name).run(&["127.0.0.1", "0", option, value]).code(2).stdout("");
        let complaint = text(&run.get_output().stderr);
        assert!(complaint.lines().next().unwrap().ends_with(reason), "{complaint}");
    }
    let idle = servers("multiconn-server").run(&["127.0.0.1", "0", "--idle-timeout", "0"]).code(2);
    assert!(text(&idle.get_output().stderr).contains("a time must be longer than 0 seconds"));
}

#[test]
fn a_name_without_an_address_is_named() {
    for case in cases() {
        if let Role::Server { .. } = case.role {
            let place: &[&str] =
                if case.name == "jsonframe" { &["no-such-host.invalid:0"] } else { &["no-such-host.invalid", "0"] };
            let run = case.run(&case.arguments(place).iter().map(|word| &**word).collect::<Vec<_>>());
            let complaint = run.code(1);
            let complaint = text(&complaint.get_output().stderr);
            assert!(complaint.contains("no-such-host.invalid") && complaint.lines().count() == 1, "{complaint}");
        }
    }
}

/// Either the program ends by the signal itself, as those do that have nothing to put in order, or with what a shell makes
/// of that, or it has succeeded.
#[test]
fn a_program_that_is_interrupted_ends_quietly() {
    for case in cases() {
        for signal in ending_signals() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut waiting = Vec::new();
            let program = match case.role {
                // A server that never answers.
                Role::Client { .. } => {
                    let program = Program::spawn(&mut case.command(&case.at(listener.local_addr().unwrap())));
                    waiting.push(accept(&listener));
                    program
                }
                Role::Server { says } => {
                    let command = &mut case.command(&case.at(SocketAddr::from(([127, 0, 0, 1], 0))));
                    let program = Program::spawn(command);
                    let line = says.lines(&program).next();
                    assert!(line.starts_with("listening on "), "{line}");
                    program
                }
                Role::Show => {
                    let program = Program::spawn(&mut case.command(&[]));
                    program.output.next();
                    program
                }
                Role::Reader => {
                    interrupt_reader(&case, signal);
                    continue;
                }
            };
            program.signal(signal);
            expect_quiet_end(&case, program);
        }
    }
}

fn expect_quiet_end(case: &Case, mut program: Program) {
    let code = program.exit_code();
    let errors = program.errors.rest();
    assert!(matches!(code, None | Some(0 | 130 | 143)), "{}: {code:?}, {errors:?}", case.title());
    assert_eq!(errors, [""; 0], "{}", case.title());
}

/// Interrupts a program in the middle of its standard input.
fn interrupt_reader(case: &Case, signal: &str) {
    let mut command = case.command(&case.arguments(&[]));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&fs::read(in_directory("file")).unwrap()).unwrap();
    stdin.flush().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty());
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(sent.expect("there is a `kill`").success());
    let output = child.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), None | Some(0 | 130 | 143)), "{}", output.status);
    assert_eq!(text(&output.stderr), "");
}
