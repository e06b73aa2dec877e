//! How the bytes of a stream are written.

use std::io::{self, Write};

use clap::ValueEnum;

/// What an input is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum To {
    /// An event a line, as `inspect --json` shows it, with all of the content
    JsonLines,
    /// The bytes of the stream
    Bytes,
    /// Hex digits, 32 bytes a line
    Hex,
    /// Python's bytes literals, one a line
    Python,
}

/// How many bytes a line stands for.
const HEX_LINE: usize = 32;
const PYTHON_LINE: usize = 64;

/// Writes bytes as text.
pub(super) struct Written<W: Write> {
    output: W,
    pub(super) to: To,
    /// What does not fill a line yet.
    line: Vec<u8>,
}

impl<W: Write> Written<W> {
    pub(super) const fn new(output: W, to: To) -> Self {
        Self { output, to, line: Vec::new() }
    }

    fn write_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        match self.to {
            To::Hex => writeln!(self.output, "{}", hex::encode(&line)),
            _ => writeln!(self.output, "b\"{}\"", line.escape_ascii().to_string().replace("\\'", "'")),
        }
    }

    /// Writes what does not fill a line.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            self.write_line()?;
        }
        self.output.flush()
    }
}

impl<W: Write> Write for Written<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = match self.to {
            To::Hex => HEX_LINE,
            To::Python => PYTHON_LINE,
            To::Bytes | To::JsonLines => return self.output.write(bytes),
        };
        let count = bytes.len().min(length - self.line.len());
        self.line.extend_from_slice(&bytes[..count]);
        if self.line.len() == length {
            self.write_line()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
