//! Where a program's lines go.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::text::Printable;

/// A program's output and its error output, for any number of threads.
///
/// To write a line never fails: who converses with a peer has nothing better to do when nobody reads what it prints. The
/// first failure of the output is kept, and ends the program when it is asked for.
#[derive(Clone)]
pub struct Console {
    streams: Arc<Mutex<Streams>>,
    is_quiet: bool,
}

struct Streams {
    output: Box<dyn Write + Send>,
    errors: Box<dyn Write + Send>,
    failure: Option<io::Error>,
}

impl Console {
    /// Stdout and stderr.
    pub fn standard() -> Self {
        Self::new(io::stdout(), io::stderr())
    }

    /// A console that writes its lines there, each in one piece.
    pub fn new(output: impl Write + Send + 'static, errors: impl Write + Send + 'static) -> Self {
        let streams = Streams { output: Box::new(output), errors: Box::new(errors), failure: None };
        Self { streams: Arc::new(Mutex::new(streams)), is_quiet: false }
    }

    /// The same console, but for the lines to its output, which are not written, and not even put into words.
    #[must_use]
    pub fn quiet(&self) -> Self {
        Self { streams: Arc::clone(&self.streams), is_quiet: true }
    }

    /// Writes a line to the output, for a reader to see at once.
    pub fn say(&self, line: impl Display) {
        if self.is_quiet {
            return;
        }
        let line = format!("{line}\n");
        let mut streams = self.streams();
        if let Err(error) = write_line(&mut streams.output, &line) {
            streams.failure.get_or_insert(error);
        }
    }

    /// Writes a line to the error output.
    pub fn complain(&self, line: impl Display) {
        let line = format!("{}\n", Printable(&line.to_string()));
        // Nowhere is left to report that this fails.
        let _ = write_line(&mut self.streams().errors, &line);
    }

    /// Whether a line could not be written to the output. Not so for a [quiet](Self::quiet) one, which writes none.
    pub fn has_failed(&self) -> bool {
        !self.is_quiet && self.streams().failure.is_some()
    }

    /// How a program of this name ends: with its failure in one line. That whoever reads its output has gone is none.
    pub fn finish(&self, program: &str, outcome: Result<(), String>) -> ExitCode {
        let failure = match self.streams().failure.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Some(format!("cannot write the output: {error}"))
            }
            _ => outcome.err(),
        };
        failure.map_or(ExitCode::SUCCESS, |failure| {
            self.complain(format_args!("{program}: {failure}"));
            ExitCode::FAILURE
        })
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        // A line that panicked half-way does no harm to the next.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_line(stream: &mut impl Write, line: &str) -> io::Result<()> {
    stream.write_all(line.as_bytes())?;
    stream.flush()
}
