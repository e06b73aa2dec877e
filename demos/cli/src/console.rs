//! Where a program's lines go.

mod background;
mod seldom;

use std::fmt::Display;
use std::io::{self, Write};
use std::panic;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::text::Printable;
use background::Background;

/// How a program ends whose output is not read to its end, as if SIGPIPE had ended it: 128 and the number of the signal.
pub(crate) const READER_GONE: u8 = 141;

/// How long a server waits at its end for its last lines to be read.
const FAREWELL: Duration = Duration::from_secs(1);

/// A program's output and its error output, for any number of threads.
///
/// To write a line never fails: who converses with a peer has nothing better to do when nobody reads what it prints. The
/// first failure of the output is kept, and ends the program when it is asked for. A [server's](Self::for_server) goes on
/// without its lines.
#[derive(Clone)]
pub struct Console {
    streams: Streams,
    is_quiet: bool,
}

#[derive(Clone)]
enum Streams {
    Direct(Arc<Mutex<Direct>>),
    /// The output, and the error output.
    Background(Background, Background),
}

struct Direct {
    output: Box<dyn Write + Send>,
    errors: Box<dyn Write + Send>,
    failure: Option<io::Error>,
}

/// What a server complains of because of its peers, each as often as they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A connection cannot be accepted.
    NotAccepted,
    /// There are too many connections.
    Refused,
    /// Something else was sent than a message that is understood.
    NotUnderstood,
    /// A peer took too long, or too much.
    OverLimit,
    /// A connection failed.
    Failed,
    /// The program is at fault.
    Panicked,
}

impl Kind {
    /// How many lines of this kind may be written at once. Where one cause goes on for long, each tells the same.
    const fn burst(self) -> u32 {
        match self {
            Self::NotAccepted | Self::Refused => 1,
            Self::NotUnderstood | Self::OverLimit | Self::Failed | Self::Panicked => 20,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::NotAccepted => "connections not accepted",
            Self::Refused => "connections refused",
            Self::NotUnderstood => "requests not understood",
            Self::OverLimit => "peers over a limit",
            Self::Failed => "connections that failed",
            Self::Panicked => "panics",
        }
    }
}

impl Console {
    /// Stdout and stderr.
    pub fn standard() -> Self {
        Self::new(io::stdout(), io::stderr())
    }

    /// Stdout and stderr of a server, for which it never waits. Lines that nobody reads in time are left out, and counted.
    ///
    /// What a panic says goes there too.
    pub fn for_server() -> Self {
        Self::in_background(background::in_words)
    }

    /// As [`for_server`](Self::for_server), for output in JSON lines: how many were left out is one of them.
    pub(crate) fn for_json_server() -> Self {
        Self::in_background(|missed| format!("{{\"event\":\"left_out\",\"lines\":{missed}}}\n"))
    }

    fn in_background(left_out: fn(u64) -> String) -> Self {
        let output = Background::new(io::stdout(), left_out);
        // What goes to one place is in one order.
        let errors = if is_one_place() { output.clone() } else { Background::new(io::stderr(), background::in_words) };
        let streams = Streams::Background(output, errors);
        let console = Self { streams, is_quiet: false };
        let errors = console.clone();
        panic::set_hook(Box::new(move |panic| errors.complain_of(Kind::Panicked, panic)));
        console
    }

    /// A console that writes its lines there, each in one piece.
    pub fn new(output: impl Write + Send + 'static, errors: impl Write + Send + 'static) -> Self {
        let streams = Direct { output: Box::new(output), errors: Box::new(errors), failure: None };
        Self { streams: Streams::Direct(Arc::new(Mutex::new(streams))), is_quiet: false }
    }

    /// The same console, but for the lines to its output, which are not written, and not even put into words.
    #[must_use]
    pub fn quiet(&self) -> Self {
        Self { streams: self.streams.clone(), is_quiet: true }
    }

    /// Writes a line to the output, for a reader to see at once.
    pub fn say(&self, line: impl Display) {
        if self.is_quiet {
            return;
        }
        let line = format!("{line}\n");
        match &self.streams {
            Streams::Direct(streams) => {
                let mut streams = lock(streams);
                if let Err(error) = write(&mut streams.output, line.as_bytes()) {
                    streams.failure.get_or_insert(error);
                }
            }
            Streams::Background(output, _) => output.push(line.as_bytes()),
        }
    }

    /// Writes a line to the error output.
    pub fn complain(&self, line: impl Display) {
        self.write_errors(printable(line).as_bytes());
    }

    /// Writes a line about what peers can cause to the error output. A [server](Self::for_server) writes few of a kind, and
    /// says how many it has left out.
    pub fn complain_of(&self, kind: Kind, line: impl Display) {
        match &self.streams {
            Streams::Direct(_) => self.complain(line),
            Streams::Background(_, errors) => errors.push_of(kind, line),
        }
    }

    /// Where to write whole lines to the error output.
    pub fn error_writer(&self) -> ErrorWriter {
        ErrorWriter(self.clone())
    }

    fn write_errors(&self, lines: &[u8]) {
        match &self.streams {
            // Nowhere is left to report that this fails.
            Streams::Direct(streams) => drop(write(&mut lock(streams).errors, lines)),
            Streams::Background(_, errors) => errors.push(lines),
        }
    }

    /// Whether a line could not be written to the output. Not so for a [quiet](Self::quiet) one, which writes none, and for
    /// a [server's](Self::for_server).
    pub fn has_failed(&self) -> bool {
        match &self.streams {
            Streams::Direct(streams) => !self.is_quiet && lock(streams).failure.is_some(),
            Streams::Background(..) => false,
        }
    }

    /// How a program of this name ends: with its failure in one line, and quietly when whoever reads its output has gone.
    pub fn finish(&self, program: &str, outcome: Result<(), String>) -> ExitCode {
        let failed = match &self.streams {
            Streams::Direct(streams) => lock(streams).failure.take(),
            Streams::Background(..) => None,
        };
        let failure = match failed {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Some(format!("cannot write the output: {error}"))
            }
            _ => outcome.err(),
        };
        let code = failure.map_or(ExitCode::SUCCESS, |failure| {
            self.complain(format_args!("{program}: {failure}"));
            ExitCode::FAILURE
        });
        if let Streams::Background(output, errors) = &self.streams {
            output.finish(FAREWELL);
            errors.finish(FAREWELL);
        }
        code
    }
}

/// Whether stdout and stderr are the same terminal, pipe or file.
#[cfg(unix)]
fn is_one_place() -> bool {
    let [output, errors] = [rustix::fs::fstat(io::stdout()), rustix::fs::fstat(io::stderr())];
    matches!((output, errors), (Ok(output), Ok(errors)) if (output.st_dev, output.st_ino) == (errors.st_dev, errors.st_ino))
}

/// Always false: this system is not asked.
#[cfg(not(unix))]
const fn is_one_place() -> bool {
    false
}

/// Writes whole lines to the error output of a [`Console`]. It never fails.
#[derive(Clone)]
pub struct ErrorWriter(Console);

impl Write for ErrorWriter {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.write_errors(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn printable(line: impl Display) -> String {
    format!("{}\n", Printable(&line.to_string()))
}

fn lock(streams: &Mutex<Direct>) -> MutexGuard<'_, Direct> {
    // A line that panicked half-way does no harm to the next.
    streams.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(stream: &mut impl Write, lines: &[u8]) -> io::Result<()> {
    stream.write_all(lines)?;
    stream.flush()
}
