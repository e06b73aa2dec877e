//! How a command that reads a file, and no peer, begins and ends.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::console::READER_GONE;
use crate::text::Printable;

/// Has a command read this file, or standard input if there is none or it is `-`.
pub(crate) fn read(file: Option<&Path>, command: impl FnOnce(&mut dyn Read) -> io::Result<bool>) -> ExitCode {
    end(match file {
        Some(path) if path.as_os_str() != "-" => {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            File::open(path).map_err(named).and_then(|mut file| command(&mut file))
        }
        _ => command(&mut io::stdin().lock()),
    })
}

/// How a command ends that says whether all is well: an error of kind [`ErrorKind::InvalidData`] is the fault of whoever has
/// called it.
pub(crate) fn end(outcome: io::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever reads the output has seen enough, but what comes after it has not been judged.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(READER_GONE),
        Err(error) => {
            // Nowhere is left to report that this fails.
            let _ = writeln!(io::stderr(), "jsonframe: {}", Printable(&error.to_string()));
            ExitCode::from(if error.kind() == ErrorKind::InvalidData { 2 } else { 1 })
        }
    }
}
