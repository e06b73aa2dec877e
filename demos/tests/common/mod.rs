//! Programs that run while a test talks to them.
#![allow(dead_code, reason = "each test program uses what it needs")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

/// How long a test waits for what is to happen. Only a test that fails waits as long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The two messages that the specification gives to the byte: a search, and its answer.
pub(crate) const NEEDLE: &str = r#"b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 39}{\"action\": \"search\", \"value\": \"needle\"}""#;
pub(crate) const NO_MATCH: &str = r#"b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": 38}{\"result\": \"No match for \\\"needle\\\".\"}""#;

/// A program that runs until it ends or is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) output: Lines,
    pub(crate) errors: Lines,
    /// What nobody reads, though the program cannot know.
    unheard: Option<(ChildStdout, ChildStderr)>,
}

impl Program {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut program = Self::with_output(Stdio::piped(), command);
        program.output = Lines::of(program.child.stdout.take().expect("stdout is piped"));
        program
    }

    /// A program whose output nobody reads.
    pub(crate) fn unread(command: &mut Command) -> Self {
        let (reader, writer) = io::pipe().expect("there are pipes");
        drop(reader);
        Self::with_output(writer.into(), command)
    }

    fn with_output(output: Stdio, command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(output).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let errors = Lines::of(child.stderr.take().expect("stderr is piped"));
        Self { child, output: Lines::of(io::empty()), errors, unheard: None }
    }

    /// A program of which the first line is read, from its errors or from its output, and then nothing, of neither.
    pub(crate) fn unheard(command: &mut Command, from_errors: bool) -> (Self, String) {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut output = child.stdout.take().expect("stdout is piped");
        let mut errors = child.stderr.take().expect("stderr is piped");
        let stream: &mut dyn Read = if from_errors { &mut errors } else { &mut output };
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            stream.read_exact(&mut byte).expect("there is a line");
            line.extend(byte);
        }
        line.pop();
        let line = String::from_utf8(line).expect("programs write UTF-8");
        let nothing = || Lines::of(io::empty());
        (Self { child, output: nothing(), errors: nothing(), unheard: Some((output, errors)) }, line)
    }

    /// Leaves the program without readers of its output and of its errors.
    pub(crate) fn stop_reading(&mut self) {
        self.unheard = None;
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the program is our child").is_none()
    }

    /// Waits until it has ended, for its exit code.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait().expect("the program is our child") {
                Some(status) => return status.code(),
                None => assert!(Instant::now() < deadline, "the program does not end"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("there is a `kill`").success());
    }

    /// What the system says about it: the file of this name in its directory in `/proc`, if there is such a thing.
    pub(crate) fn proc(&self, name: &str) -> Option<String> {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).ok()
    }

    /// The most memory it has had until now, in KiB, where the system tells.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse().expect("a number"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that runs until it ends or is dropped.
pub(crate) struct Server {
    program: Program,
    pub(crate) address: SocketAddr,
}

impl Deref for Server {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// A program that serves the application of the tutorial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppServer {
    /// `app-server`, on a poller.
    Std,
    /// `tokio-server`.
    Tokio,
}

impl AppServer {
    pub(crate) fn path(self) -> String {
        path_of(match self {
            Self::Std => "app-server",
            Self::Tokio => "tokio-server",
        })
    }

    /// With how many threads the server is tested: one, and several.
    pub(crate) const fn thread_counts(self) -> [usize; 2] {
        match self {
            Self::Std => [1, 3],
            Self::Tokio => [1, 2],
        }
    }

    /// The server with one thread, and with several.
    pub(crate) fn start_with_threads(self, options: &[&str]) -> [Server; 2] {
        self.thread_counts().map(|threads| self.start(&[&["--workers", &threads.to_string()], options].concat()))
    }

    /// The server on a free port, with these options.
    pub(crate) fn start(self, options: &[&str]) -> Server {
        Server::spawn(Command::new(self.path()).args(["127.0.0.1", "0"]).args(options))
    }
}

/// Makes two tests of each of these functions, which take an [`AppServer`].
#[allow(unused_macros, reason = "each test program uses what it needs")]
macro_rules! on_each_server {
    ($($(#[$attribute:meta])* $test:ident,)*) => {
        mod app_server {
            $($(#[$attribute])* #[test] fn $test() { super::$test(super::common::AppServer::Std); })*
        }
        mod tokio_server {
            $($(#[$attribute])* #[test] fn $test() { super::$test(super::common::AppServer::Tokio); })*
        }
    };
}
#[allow(unused_imports, reason = "each test program uses what it needs")]
pub(crate) use on_each_server;

impl Server {
    /// `app-server` on a free port, with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        AppServer::Std.start(options)
    }

    /// Any server whose first line says where it listens.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::announced(Program::spawn(command), |program| &program.output)
    }

    /// A server that has said where it listens in this line.
    pub(crate) fn announced_in(program: Program, line: &str) -> Self {
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        Self { program, address: address.expect(line) }
    }

    /// A server that says where it listens in the first of these lines.
    pub(crate) fn announced(program: Program, lines: impl FnOnce(&Program) -> &Lines) -> Self {
        let first = lines(&program).next();
        Self::announced_in(program, &first)
    }

    /// The host and the port, as arguments of a client.
    pub(crate) fn host_and_port(&self) -> [String; 2] {
        [self.address.ip().to_string(), self.address.port().to_string()]
    }

    /// A stream to the server, on which no test waits for ever.
    pub(crate) fn connect(&self) -> TcpStream {
        prepared(TcpStream::connect(self.address).expect("the server listens"))
    }

    /// Connects and leaves without a byte, as health checks do: by an end, and by a reset.
    pub(crate) fn connect_and_leave(&self) {
        last_words({
            let stream = self.connect();
            stream.shutdown(Shutdown::Write).expect("it is connected");
            stream
        });
        let stream = self.connect();
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("it is connected");
    }

    /// `app-client`, to talk to the server.
    pub(crate) fn client(&self, words: &[&str]) -> assert_cmd::Command {
        let mut command = client(&self.host_and_port().each_ref().map(String::as_str));
        command.args(words);
        command
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

    /// All lines up to the end of the program.
    pub(crate) fn rest(&self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.0.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => return rest,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end"),
            }
        }
    }

    /// The lines that have come until now.
    pub(crate) fn so_far(&self) -> Vec<String> {
        self.0.try_iter().collect()
    }
}

/// The next connection to a listener, on which no test waits for ever.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let deadline = Instant::now() + PATIENCE;
    listener.set_nonblocking(true).expect("a listener need not block");
    let stream = loop {
        match listener.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                assert!(Instant::now() < deadline, "nobody connects");
                thread::sleep(Duration::from_millis(1));
            }
            accepted => break accepted.expect("there are connections").0,
        }
    };
    stream.set_nonblocking(false).expect("a stream can block");
    prepared(stream)
}

/// A stream on which no test waits for ever, and that sends at once.
fn prepared(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream.set_nodelay(true).expect("delay can be turned off");
    stream
}

/// Reads until the end or a reset, which comes where the server has not read all.
pub(crate) fn last_words(mut stream: TcpStream) -> Vec<u8> {
    let mut words = Vec::new();
    if let Err(error) = stream.read_to_end(&mut words) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
    words
}

/// The path of a program of the workspace, of whichever package. It is built if only the package under test has been.
pub(crate) fn path_of(name: &str) -> String {
    let test = env::current_exe().expect("a test has a path");
    let directory = test.ancestors().nth(2).expect("tests are in `deps` beside the programs");
    let path = directory.join(name).with_extension(env::consts::EXE_EXTENSION);
    if !path.exists() {
        let package = if name == "jsonframe" { "jsonframe-cli" } else { "jsonframe-demos" };
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--package", package, "--bin", name, "--profile", profile]);
        assert!(build.status().expect("there is a cargo").success(), "{name} can be built");
    }
    path.into_os_string().into_string().expect("the path is UTF-8")
}

/// `app-client` with these arguments.
pub(crate) fn client(arguments: &[&str]) -> assert_cmd::Command {
    program(path_of("app-client"), arguments)
}

/// A program that is killed when it takes too long.
pub(crate) fn program(path: impl AsRef<OsStr>, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(path);
    command.args(arguments).timeout(PATIENCE);
    command
}

/// Whether a program succeeds without a complaint although nobody reads its output.
pub(crate) fn ends_quietly_unread(path: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    let mut program = Program::unread(Command::new(path).args(arguments));
    program.errors.rest().is_empty() && program.exit_code() == Some(0)
}

/// The signals that end a program. Who runs the tests in the background of a shell has them ignore SIGINT, and so do the
/// programs, which inherit that.
pub(crate) fn ending_signals() -> impl Iterator<Item = &'static str> {
    let ignored = ignored_signals(&fs::read_to_string("/proc/self/status").unwrap_or_default());
    [("HUP", 1), ("INT", 2), ("TERM", 15)].into_iter().filter_map(move |(name, number)| {
        let is_ignored = ignored >> (number - 1) & 1 == 1;
        if is_ignored {
            eprintln!("not tried, for whoever runs the tests has them ignore it: SIG{name}");
        }
        (!is_ignored).then_some(name)
    })
}

/// The signals that a process ignores, a bit each, from its `status` in `/proc`.
pub(crate) fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).expect("a mask"))
}

/// What a program has written.
pub(crate) fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("programs write UTF-8")
}
