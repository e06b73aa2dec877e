//! A program that answers requests: one process a request, never through a shell.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jsonframe::Header;

use super::answer::Spool;
use crate::console::Console;
use crate::inspect::Extensions;
use crate::slots::Slots;
use crate::text::count_of_bytes;

/// How often a process is looked at: at first, and later.
const FIRST_LOOKS: Duration = Duration::from_millis(1);
const LATER_LOOKS: Duration = Duration::from_millis(10);

/// How much of what a process complains of is passed on, in bytes.
const COMPLAINTS: u64 = 64 * 1024;

/// Runs the program.
pub(super) struct Runner {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    /// How long a process may take.
    pub(super) time: Duration,
    /// How much it may write, to each of its outputs.
    pub(super) max_output: u64,
    /// For processes; closed when all are to end.
    pub(super) slots: Slots,
    pub(super) console: Console,
}

impl Runner {
    /// Has a process answer a request, and returns what it has written, from its beginning. Its standard streams are files, so
    /// that nobody waits for anybody.
    ///
    /// # Errors
    ///
    /// Why there is no answer, in words.
    pub(super) fn run(&self, header: &Header<'_>, content: Spool, peer: &str) -> Result<File, String> {
        let slot = self.slots.take().ok_or("the server ends")?;
        let name = self.program.display();
        let of_files = |error: io::Error| format!("cannot keep what {name} reads and writes: {error}");
        let mut input = content.into_file().map_err(of_files)?;
        input.seek(SeekFrom::Start(0)).map_err(of_files)?;
        let (mut output, mut errors) =
            (tempfile::tempfile().map_err(of_files)?, tempfile::tempfile().map_err(of_files)?);

        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env("JSONFRAME_BYTEORDER", header.byte_order().as_str())
            .env("JSONFRAME_CONTENT_TYPE", header.content_type())
            .env("JSONFRAME_CONTENT_ENCODING", header.content_encoding())
            .env("JSONFRAME_CONTENT_LENGTH", header.content_length().to_string())
            .env("JSONFRAME_EXTENSIONS", Extensions(header).to_string())
            .env("JSONFRAME_PEER", peer)
            .stdin(input)
            .stdout(output.try_clone().map_err(of_files)?)
            .stderr(Stdio::from(errors.try_clone().map_err(of_files)?));
        let mut process = Process::start(&mut command).map_err(|error| format!("cannot run {name}: {error}"))?;
        let outcome = self.wait(&mut process, &output, &errors);
        // Those that it has left behind write no more either.
        drop(process);
        self.complain(&mut errors);
        drop(slot);
        match outcome.map_err(|error| format!("cannot wait for {name}: {error}"))? {
            End::Exited(status) if status.success() => {
                output.seek(SeekFrom::Start(0)).map_err(of_files)?;
                Ok(output)
            }
            End::Exited(status) => Err(format!("{name} failed: {status}")),
            End::TooLate => Err(format!("{name} was killed: it took more than {} s", self.time.as_secs_f64())),
            End::TooMuch => Err(format!("{name} was killed: it wrote more than {}", count_of_bytes(self.max_output))),
            End::Closed => Err(format!("{name} was killed: the server ends")),
        }
    }

    fn wait(&self, process: &mut Process, output: &File, errors: &File) -> io::Result<End> {
        let start = Instant::now();
        loop {
            let exited = process.child.try_wait()?;
            let length = output.metadata()?.len().max(errors.metadata()?.len());
            let waited = start.elapsed();
            if length > self.max_output {
                return Ok(End::TooMuch);
            } else if let Some(status) = exited {
                return Ok(End::Exited(status));
            } else if self.slots.is_closed() {
                return Ok(End::Closed);
            } else if waited >= self.time {
                return Ok(End::TooLate);
            }
            thread::sleep(if waited < LATER_LOOKS { FIRST_LOOKS } else { LATER_LOOKS });
        }
    }

    /// Passes on what the process has complained of, a line each.
    fn complain(&self, errors: &mut File) {
        let mut complaints = Vec::new();
        let read = errors.seek(SeekFrom::Start(0)).and_then(|_| errors.take(COMPLAINTS).read_to_end(&mut complaints));
        if read.is_ok() {
            let name = self.program.display();
            let text = String::from_utf8_lossy(&complaints);
            text.lines().for_each(|line| self.console.complain(format_args!("{name}: {line}")));
        }
    }
}

/// How a process has ended.
enum End {
    Exited(ExitStatus),
    TooLate,
    TooMuch,
    Closed,
}

/// A process, which is killed with all that it has started when it is dropped.
struct Process {
    child: Child,
}

impl Process {
    fn start(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        command.spawn().map(|child| Self { child }).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => io::Error::new(error.kind(), "the header has a NUL in it"),
            _ => error,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whoever has ended already need not be killed.
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
