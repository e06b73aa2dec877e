//! From the bytes of a stream to lines.

use std::io::{self, Write};

use jsonframe::{DecodeError, Decoder, Dialect, Event};

use super::assemble::head_of;
use crate::capture::packets::Direction;
use crate::dialect::DialectName;
use crate::inspect::guess::{BEGINNING, likely};
use crate::inspect::json::{begin, end_line, fault_line, gap_line, header_line, last_members};
use crate::inspect::message::{Framing, Message, located};
use crate::inspect::search::Search;

/// How many bytes a line has, at most.
const PIECE: usize = 32 * 1024;

/// Makes lines of a stream whose bytes are passed in as they come. Memory is bounded.
pub(super) struct Lines {
    /// Which stream of several it is.
    direction: Option<Direction>,
    dialect: DialectName,
    state: State,
    decoder: Decoder<Vec<u8>>,
    /// The offset in the stream at which the decoder began.
    base: u64,
    message: Message,
    /// From which offset on bytes are passed on as they are, where they are.
    raw: u64,
    /// The last members of every line.
    last: String,
    is_whole: bool,
}

enum State {
    /// Nothing is written yet. Without a dialect these bytes are to tell it.
    Starting(Option<DialectName>, Vec<u8>),
    /// The next message is looked for.
    Searching(Box<Search>),
    Decoding,
    /// The stream is at fault: all the rest is passed on as it is.
    Raw,
}

impl Lines {
    /// A stream in this dialect, or in the one that its beginning looks like.
    pub(super) fn new(dialect: Option<DialectName>, direction: Option<Direction>) -> Self {
        Self {
            direction,
            dialect: DialectName::STANDARD,
            state: State::Starting(dialect, Vec::new()),
            decoder: Decoder::new(Vec::new()),
            base: 0,
            message: Message::first(Framing::of(&Dialect::STANDARD)),
            raw: 0,
            last: String::new(),
            is_whole: true,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], output: &mut dyn Write) -> io::Result<()> {
        match &mut self.state {
            State::Starting(dialect, beginning) => {
                beginning.extend_from_slice(bytes);
                if dialect.is_some() || beginning.len() >= BEGINNING { self.start(output) } else { Ok(()) }
            }
            State::Searching(search) => {
                let passed = search.take_passed();
                let is_found = search.push(bytes);
                self.write_raw(&passed, output)?;
                if is_found { self.found(output) } else { Ok(()) }
            }
            State::Decoding => self.decode(bytes, output),
            State::Raw => self.write_raw(bytes, output),
        }
    }

    /// Takes note that these bytes of the stream are not there: it goes on with the next message.
    pub(super) fn gap(&mut self, length: u64, output: &mut dyn Write) -> io::Result<()> {
        self.start(output)?;
        self.is_whole = false;
        match &mut self.state {
            State::Searching(search) => {
                let passed = search.pass(length);
                self.write_raw(&passed, output)?;
            }
            State::Decoding => {
                self.leave(output)?;
                self.search(self.raw + length);
            }
            State::Starting(..) | State::Raw => {}
        }
        writeln!(output, "{}", gap_line(self.raw, length, &self.last))?;
        self.raw += length;
        Ok(())
    }

    /// The end of the stream: true if it was nothing but whole messages, after the first where it begins anywhere.
    pub(super) fn finish(mut self, output: &mut dyn Write) -> io::Result<bool> {
        self.start(output)?;
        if let State::Searching(search) = &mut self.state {
            self.is_whole &= search.finish();
            self.found(output)?;
        }
        if let State::Decoding = self.state
            && let Err(error) = self.decoder.finish()
        {
            self.fault(error, output)?;
        }
        Ok(self.is_whole)
    }

    /// Begins with what has come, if that has not been done.
    fn start(&mut self, output: &mut dyn Write) -> io::Result<()> {
        let State::Starting(dialect, beginning) = &mut self.state else { return Ok(()) };
        let beginning = std::mem::take(beginning);
        let guess = || likely(&beginning, DialectName::STANDARD).unwrap_or_default();
        self.dialect = dialect.unwrap_or_else(guess);
        self.last = last_members(self.dialect, self.direction.as_ref());
        begin(output, self.direction.as_ref(), &self.last)?;
        self.message = Message::first(Framing::of(self.dialect.leak()));
        if self.direction.as_ref().is_some_and(|direction| direction.is_joined) {
            self.search(0);
        } else {
            self.decode_from(0);
        }
        self.feed(&beginning, output)
    }

    fn search(&mut self, offset: u64) {
        self.state = State::Searching(Search::new(self.dialect.leak(), u16::MAX, offset).into());
    }

    /// Begins with the message that has been found, if there is one, and passes on what comes before.
    fn found(&mut self, output: &mut dyn Write) -> io::Result<()> {
        let State::Searching(search) = std::mem::replace(&mut self.state, State::Raw) else { return Ok(()) };
        let offset = search.position();
        let (passed, message) = search.found();
        self.write_raw(&passed, output)?;
        self.decode_from(offset);
        self.feed(&message, output)
    }

    fn decode_from(&mut self, offset: u64) {
        let dialect = self.dialect.leak();
        self.decoder = Decoder::new(vec![0; dialect.prefix().len() + usize::from(u16::MAX)]).with_dialect(dialect);
        self.base = offset;
        self.message.restart(offset);
        self.state = State::Decoding;
    }

    fn decode(&mut self, mut bytes: &[u8], output: &mut dyn Write) -> io::Result<()> {
        loop {
            let before = bytes;
            let event = self.decoder.decode(&mut bytes);
            let taken = &before[..before.len() - bytes.len()];
            if !matches!(event, Ok(Some(Event::Content(_)))) {
                self.message.receive_head(taken);
            }
            match event {
                Err(error) => {
                    self.fault(error, output)?;
                    return self.write_raw(bytes, output);
                }
                Ok(None) => return Ok(()),
                Ok(Some(Event::Header(header))) => {
                    let line = header_line(&self.message, &header, &self.last);
                    // What is written of these members may differ from what came.
                    let is_same = head_of(&line, self.dialect).is_ok_and(|head| head == self.message.head());
                    if is_same {
                        writeln!(output, "{line}")?;
                    } else {
                        let head = hex::encode(self.message.head());
                        let last = format!(r#","head":"{head}"{}"#, self.last);
                        writeln!(output, "{}", header_line(&self.message, &header, &last))?;
                    }
                }
                Ok(Some(Event::Content(_))) => {
                    for piece in taken.chunks(PIECE) {
                        self.write("content", self.message.end(), piece, output)?;
                        self.message.content.received += piece.len() as u64;
                    }
                }
                Ok(Some(Event::End)) => {
                    writeln!(output, "{}", end_line(&self.message, &self.last))?;
                    self.message.advance();
                }
            }
        }
    }

    fn fault(&mut self, error: DecodeError, output: &mut dyn Write) -> io::Result<()> {
        let (offset, words) = located(&error, self.base);
        writeln!(output, "{}", fault_line(error.kind(), offset, &words, &self.last))?;
        self.is_whole = false;
        self.leave(output)
    }

    /// Passes everything on as it is from now on, and before that what has come of a header that was not written.
    fn leave(&mut self, output: &mut dyn Write) -> io::Result<()> {
        self.state = State::Raw;
        if self.decoder.header().is_some() {
            self.raw = self.message.end();
            return Ok(());
        }
        self.raw = self.message.start;
        let head = self.message.head().to_vec();
        self.write_raw(&head, output)
    }

    fn write_raw(&mut self, bytes: &[u8], output: &mut dyn Write) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.write("raw", self.raw, piece, output)?;
            self.raw += piece.len() as u64;
        }
        Ok(())
    }

    fn write(&self, event: &str, offset: u64, piece: &[u8], output: &mut dyn Write) -> io::Result<()> {
        let (length, digits, last) = (piece.len(), hex::encode(piece), &self.last);
        writeln!(output, r#"{{"event":"{event}","offset":{offset},"length":{length},"hex":"{digits}"{last}}}"#)
    }
}
