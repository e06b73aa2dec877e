//! The streams of a capture of packets or of a log, converted.

use std::io::{self, Write};

use super::choice::{Choice, Which};
use super::lines::Lines;
use super::written::{To, Written};
use crate::capture::packets::{Direction, Streams};
use crate::capture::{Several, invalid};
use crate::dialect::DialectName;
use crate::inspect::json::ended_line;
use crate::text::count_of_bytes;

/// Writes all streams of a capture as lines, or the bytes of one: true if all are nothing but whole messages, as far as they
/// were captured, or there is no need to know.
pub(super) fn convert<W: Write>(
    several: Several<'_>,
    port: Option<u16>,
    output: &mut Written<W>,
    choice: Choice,
    dialect: Option<DialectName>,
) -> io::Result<bool> {
    let streams = Converted { output, choice, dialect, is_whole: true };
    let (Converted { output, choice, is_whole, .. }, ended) = several.visit(port, streams)?;
    if output.to == To::JsonLines {
        writeln!(output, "{}", ended_line(&ended))?;
    }
    choice.finish()?;
    Ok(is_whole && ended.connections > 0)
}

struct Converted<'o, W: Write> {
    output: &'o mut Written<W>,
    choice: Choice,
    dialect: Option<DialectName>,
    is_whole: bool,
}

/// A stream of a capture.
enum Stream {
    Lines(Box<Lines>),
    Bytes(Direction),
    /// It has not been chosen.
    Other,
}

impl<W: Write> Streams for Converted<'_, W> {
    type Stream = Stream;

    fn begin(&mut self, direction: Direction) -> io::Result<Stream> {
        let which = Which { connection: Some(direction.connection), direction: Some(direction.towards) };
        let is_taken = self.choice.takes(which).map_err(invalid)?;
        Ok(match self.output.to {
            _ if !is_taken => Stream::Other,
            To::JsonLines => Stream::Lines(Lines::new(self.dialect, Some(direction)).into()),
            _ => Stream::Bytes(direction),
        })
    }

    fn bytes(&mut self, stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Lines(lines) => lines.feed(bytes, self.output),
            Stream::Bytes(_) => self.output.write_all(bytes),
            Stream::Other => Ok(()),
        }
    }

    fn gap(&mut self, stream: &mut Stream, length: u64) -> io::Result<()> {
        match stream {
            Stream::Lines(lines) => lines.gap(length, self.output),
            Stream::Bytes(direction) => {
                let words = format!(
                    "{direction}: {} not captured, so that what follows cannot be written",
                    count_of_bytes(length)
                );
                Err(io::Error::other(words))
            }
            Stream::Other => Ok(()),
        }
    }

    fn end(&mut self, stream: Stream, _: bool) -> io::Result<()> {
        if let Stream::Lines(lines) = stream {
            self.is_whole &= lines.finish(self.output)?;
        }
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
