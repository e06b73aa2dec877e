//! From the bytes of a stream to lines.

use std::io::{self, Write};

use jsonframe::{DecodeError, Decoder, Event};

use super::assemble::head_of;
use crate::dialect::DialectName;
use crate::inspect::json::{fault_line, header_line, quoted};
use crate::inspect::message::{Framing, Message};

/// How many bytes a line has, at most.
const PIECE: usize = 32 * 1024;

/// Writes the lines of a stream whose bytes are passed in as they come. Memory is bounded.
pub(super) struct Lines<W> {
    output: W,
    dialect: DialectName,
    decoder: Decoder<Vec<u8>>,
    message: Message,
    /// The last members of every line.
    last: String,
    /// Whether the stream is at fault: all the rest is passed on as it is, from this offset on.
    raw: Option<u64>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(output: W, dialect: DialectName) -> Self {
        let known = dialect.leak();
        let decoder = Decoder::new(vec![0; known.prefix().len() + usize::from(u16::MAX)]).with_dialect(known);
        let last =
            if dialect == DialectName::STANDARD { String::new() } else { format!(r#","dialect":{}"#, quoted(dialect)) };
        Self { output, dialect, decoder, message: Message::first(Framing::of(known)), last, raw: None }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while self.raw.is_none() && !bytes.is_empty() {
            let before = bytes;
            let event = self.decoder.decode(&mut bytes);
            let taken = &before[..before.len() - bytes.len()];
            if !matches!(event, Ok(Some(Event::Content(_)))) {
                self.message.receive_head(taken);
            }
            match event {
                Err(error) => self.fault(error)?,
                Ok(None) => return Ok(()),
                Ok(Some(Event::Header(header))) => {
                    let line = header_line(&self.message, &header, &self.last);
                    // What is written of these members may differ from what came.
                    let is_same = head_of(&line, self.dialect).is_ok_and(|head| head == self.message.head());
                    if is_same {
                        writeln!(self.output, "{line}")?;
                    } else {
                        let head = hex::encode(self.message.head());
                        let last = format!(r#","head":"{head}"{}"#, self.last);
                        writeln!(self.output, "{}", header_line(&self.message, &header, &last))?;
                    }
                    self.end_of_empty()?;
                }
                Ok(Some(Event::Content(_))) => {
                    for piece in taken.chunks(PIECE) {
                        let offset = self.message.end();
                        self.write("content", offset, piece)?;
                        self.message.content.received += piece.len() as u64;
                    }
                    self.end_of_empty()?;
                }
                Ok(Some(Event::End)) => self.end()?,
            }
        }
        self.write_raw(bytes)
    }

    /// The end of a message is reported without another byte.
    fn end_of_empty(&mut self) -> io::Result<()> {
        let is_end = matches!(self.decoder.decode(&mut &[][..]), Ok(Some(Event::End)));
        if is_end { self.end() } else { Ok(()) }
    }

    fn end(&mut self) -> io::Result<()> {
        writeln!(self.output, r#"{{"event":"end","offset":{}{}}}"#, self.message.end(), self.last)?;
        self.message.advance();
        Ok(())
    }

    fn fault(&mut self, error: DecodeError) -> io::Result<()> {
        writeln!(self.output, "{}", fault_line(error.kind(), error.offset(), &error.to_string(), &self.last))?;
        // Of a message whose header has been written there is nothing left.
        let is_written = self.decoder.header().is_some();
        self.raw = Some(if is_written { self.message.end() } else { self.message.start });
        if is_written {
            Ok(())
        } else {
            {
                let head = self.message.head().to_vec();
                self.write_raw(&head)
            }
        }
    }

    fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(mut offset) = self.raw else { return Ok(()) };
        for piece in bytes.chunks(PIECE) {
            self.write("raw", offset, piece)?;
            offset += piece.len() as u64;
        }
        self.raw = Some(offset);
        Ok(())
    }

    fn write(&mut self, event: &str, offset: u64, piece: &[u8]) -> io::Result<()> {
        let (length, digits, last) = (piece.len(), hex::encode(piece), &self.last);
        writeln!(self.output, r#"{{"event":"{event}","offset":{offset},"length":{length},"hex":"{digits}"{last}}}"#)
    }

    /// Makes everything visible that has been written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// The end of the stream: true if it was nothing but whole messages.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        if self.raw.is_none()
            && let Err(error) = self.decoder.finish()
        {
            self.fault(error)?;
        }
        self.output.flush()?;
        Ok(self.raw.is_none())
    }
}
