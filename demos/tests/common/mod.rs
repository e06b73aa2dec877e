//! Programs that run while a test talks to them.
#![allow(dead_code, reason = "each test program uses what it needs")]

use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long a test waits for what is to happen. Only a test that fails waits as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The two messages that the specification gives to the byte: a search, and its answer.
pub(crate) const NEEDLE: &str = r#"b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}{\"action\": \"search\", \"value\": \"needle\"}""#;
pub(crate) const NO_MATCH: &str = r#"b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 38}{\"result\": \"No match for \\\"needle\\\".\"}""#;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) output: Lines,
    pub(crate) errors: Lines,
}

impl Server {
    /// `app-server` on a free port, with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_app-server")).args(["127.0.0.1", "0"]).args(options))
    }

    /// Any server whose first line says where it listens.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let output = Lines::of(child.stdout.take().expect("stdout is piped"));
        let errors = Lines::of(child.stderr.take().expect("stderr is piped"));
        let first = output.next();
        let address = first.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        Self { child, address: address.expect(&first), output, errors }
    }

    /// A stream to the server, on which no test waits for ever.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("delay can be turned off");
        stream
    }

    /// `app-client`, to talk to the server.
    pub(crate) fn client(&self, words: &[&str]) -> assert_cmd::Command {
        let mut command = client(&[&self.address.ip().to_string(), &self.address.port().to_string()]);
        command.args(words);
        command
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the server is our child").is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines that a program writes, read as they come.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self(receiver)
    }

    pub(crate) fn next(&self) -> String {
        self.0.recv_timeout(PATIENCE).expect("there is a line")
    }

    /// Skips lines up to one like this.
    pub(crate) fn find(&self, is_it: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.next();
            if is_it(&line) {
                return line;
            }
        }
    }

    /// The lines that have come until now.
    pub(crate) fn so_far(&self) -> Vec<String> {
        self.0.try_iter().collect()
    }
}

/// `app-client` with these arguments.
pub(crate) fn client(arguments: &[&str]) -> assert_cmd::Command {
    program(env!("CARGO_BIN_EXE_app-client"), arguments)
}

/// A program that is killed when it takes too long.
pub(crate) fn program(path: &str, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(path);
    command.args(arguments).timeout(PATIENCE);
    command
}

/// Whether a program succeeds without a complaint although nobody reads its output.
pub(crate) fn ends_quietly_unread(path: &str, arguments: &[&str]) -> bool {
    let (reader, writer) = io::pipe().expect("there are pipes");
    drop(reader);
    let mut command = Command::new(path);
    let mut child = command.args(arguments).stdout(writer).stderr(Stdio::piped()).spawn().expect("the program starts");
    // The end of its complaints is its own end, and is waited for no longer than any other line.
    let complaints = Lines::of(child.stderr.take().expect("stderr is piped"));
    let complaint = complaints.0.recv_timeout(PATIENCE);
    // Whoever ends has ended by now; all others must.
    let _ = child.kill();
    complaint == Err(RecvTimeoutError::Disconnected) && child.wait().expect("it is our child").success()
}

/// What a program has written.
pub(crate) fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("programs write UTF-8")
}
