//! Which dialects the directions of a capture or of a log are in.

use std::io::{self, Read, Write};

use super::super::Options;
use super::super::json::last_members;
use super::super::streams::summary;
use super::{BEGINNING, judge};
use crate::capture::Several;
use crate::capture::packets::{Direction, Streams};
use crate::dialect::DialectName;

/// Says it for each direction: true if there is a dialect for all.
pub(super) fn guess(several: Several<'_>, output: &mut dyn Write, options: &Options) -> io::Result<bool> {
    let directions = Directions { output, options, is_clear: true };
    let (Directions { output, is_clear, .. }, ended) = several.visit(options.port, directions)?;
    summary(output, options, &ended)?;
    Ok(is_clear && ended.connections > 0)
}

struct Directions<'o> {
    output: &'o mut dyn Write,
    options: &'o Options,
    is_clear: bool,
}

impl Directions<'_> {
    /// Gives the verdict about a stream, of which this may be all.
    fn say(&mut self, stream: &mut Option<(Direction, Vec<u8>)>, is_all: bool) -> io::Result<()> {
        let Some((direction, beginning)) = stream.take() else { return Ok(()) };
        let limit = beginning.len() as u64 + u64::from(is_all);
        let Some(verdict) = judge(&mut Read::take(&*beginning, limit))? else { return Ok(()) };
        self.is_clear &= verdict.is_clear();
        if self.options.json {
            let mut line = serde_json::to_string(&verdict)?;
            line.truncate(line.len() - 1);
            return writeln!(self.output, "{line}{}}}", last_members(DialectName::STANDARD, Some(&direction)));
        }
        let joined = if direction.is_joined { "; its beginning was not captured" } else { "" };
        write!(self.output, "\n{direction}{joined}\n{verdict}")
    }
}

impl Streams for Directions<'_> {
    /// Its beginning, until the verdict has been given.
    type Stream = Option<(Direction, Vec<u8>)>;

    fn begin(&mut self, direction: Direction) -> io::Result<Self::Stream> {
        Ok(Some((direction, Vec::new())))
    }

    fn bytes(&mut self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()> {
        let Some((_, beginning)) = stream else { return Ok(()) };
        beginning.extend_from_slice(&bytes[..bytes.len().min(BEGINNING - beginning.len())]);
        if beginning.len() == BEGINNING { self.say(stream, false) } else { Ok(()) }
    }

    fn gap(&mut self, stream: &mut Self::Stream, _: u64) -> io::Result<()> {
        self.say(stream, false)
    }

    fn end(&mut self, mut stream: Self::Stream, _: bool) -> io::Result<()> {
        self.say(&mut stream, true)
    }

    fn wait(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
