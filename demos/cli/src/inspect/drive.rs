//! From the input, through the decoder, to a report.

mod fault;

use std::collections::VecDeque;
use std::io::{self, Read};

use jsonframe::{DecodeError, Decoder, Event, Member};

use self::fault::Faulty;
use super::Options;
use super::input::{self, Input};
use super::message::{Framing, Message};
use super::report::Report;
use super::search::Search;
use super::spelling::spellings;
use crate::capture::Resembled;
use crate::capture::log::Places;
use crate::encoded::Encoded;

/// How many lines of a log are known at a time, at most, and for how many bytes that are older than a header.
const LINES: usize = 8 * 1024;
const KEPT: u64 = 1024;

/// Reports the whole input: true if it is nothing but whole messages, and each content is in its encoding.
pub(super) fn drive<'r>(
    reader: &mut dyn Read,
    report: Box<dyn Report + 'r>,
    options: &Options,
    (is_text, resembles, places): (bool, Option<Resembled>, Option<&Places>),
) -> io::Result<bool> {
    let mut stream = Stream::new(report, options, options.find);
    stream.resembles = resembles;
    let mut input = Input::new(reader);
    let mut is_over = false;
    while stream.wants() && !is_over {
        stream.flush()?;
        is_over = !input.read()?;
        let Some(places) = places else {
            stream.feed(input.pending())?;
            continue;
        };
        for (part, piece) in places.parts(input.pending()) {
            stream.at_line(part.line);
            stream.feed(piece)?;
        }
    }
    if stream.is_faulty() && is_text {
        input::check_rest(reader)?;
    }
    stream.finish()
}

/// A stream whose bytes are passed in as they come.
pub(super) struct Stream<'r> {
    options: Options,
    dialect: &'static jsonframe::Dialect,
    decoder: Decoder<Vec<u8>>,
    message: Message,
    report: Box<dyn Report + 'r>,
    state: State,
    /// The offset in the stream at which the decoder began.
    base: u64,
    /// Whether nothing is missing, and no content is in another encoding than its header says.
    is_whole: bool,
    /// How many bytes have come, and on which lines of a log the last of them began: the offset and the line.
    pub(super) received: u64,
    lines: VecDeque<(u64, u64)>,
    /// Whether it may be found out in which dialect it is, which is some work.
    pub(super) may_guess: bool,
    resembles: Option<Resembled>,
}

enum State {
    /// `rest` bytes are yet to be passed over; then the next message is looked for, or is there.
    Skipping {
        rest: u64,
        find: bool,
    },
    Searching {
        from: u64,
        search: Box<Search>,
    },
    Decoding,
    Faulty(Box<Faulty>),
}

impl<'r> Stream<'r> {
    /// A stream of which nothing has come. With `find` its next message is looked for.
    pub(super) fn new(report: Box<dyn Report + 'r>, options: &Options, find: bool) -> Self {
        let dialect = options.dialect.leak();
        let framing = Framing::of(dialect);
        let mut stream = Self {
            dialect,
            decoder: decoder(dialect, options),
            message: Message::first(framing),
            report,
            state: State::Skipping { rest: options.from, find },
            base: 0,
            is_whole: true,
            received: 0,
            lines: VecDeque::new(),
            may_guess: true,
            resembles: None,
            options: options.clone(),
        };
        if options.from == 0 {
            stream.begin(0, find);
        }
        stream
    }

    /// Whether more of it is to be passed in.
    pub(super) fn wants(&self) -> bool {
        let State::Faulty(faulty) = &self.state else { return true };
        faulty.wants(&self.message)
    }

    /// The offset after the last whole message.
    pub(super) const fn whole(&self) -> u64 {
        self.message.start
    }

    pub(super) const fn is_faulty(&self) -> bool {
        matches!(self.state, State::Faulty(_))
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.report.flush()
    }

    fn begin(&mut self, offset: u64, find: bool) {
        if find {
            let search = Box::new(Search::new(self.dialect, self.options.max_header, offset));
            self.state = State::Searching { from: offset, search };
        } else {
            self.state = State::Decoding;
            self.base = offset;
            self.decoder = decoder(self.dialect, &self.options);
            self.message.restart(offset);
        }
    }

    /// Notes that what comes next is on this line of a log.
    pub(super) fn at_line(&mut self, line: u64) {
        if self.lines.back().is_some_and(|(_, last)| *last == line) || self.is_faulty() {
            return;
        }
        // What may be at fault is no longer than a header.
        let is_old = |next: &(u64, u64)| next.0 + u64::from(u16::MAX) + KEPT < self.received;
        while self.lines.len() == LINES || self.lines.get(1).is_some_and(is_old) {
            self.lines.pop_front();
        }
        self.lines.push_back((self.received, line));
    }

    /// The line of a log on which this byte of the stream is, or the last one before the end.
    fn line_of(&self, offset: u64) -> Option<u64> {
        self.lines.iter().rev().find(|(start, _)| *start <= offset && *start < self.received).map(|(_, line)| *line)
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.received += bytes.len() as u64;
        self.take(bytes)
    }

    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        match &mut self.state {
            State::Skipping { rest, find } => {
                let passed = usize::try_from(*rest).unwrap_or(usize::MAX).min(bytes.len());
                *rest -= passed as u64;
                if *rest == 0 {
                    let find = *find;
                    self.begin(self.options.from, find);
                    return self.take(&bytes[passed..]);
                }
            }
            State::Searching { search, .. } => {
                if search.push(bytes) {
                    return self.found();
                }
            }
            State::Decoding => {
                while let Some(piece) = bytes.get(..bytes.len().min(self.options.chunk.get()))
                    && !piece.is_empty()
                {
                    let mut rest = piece;
                    let outcome = self.decode(&mut rest)?;
                    bytes = &bytes[piece.len() - rest.len()..];
                    if let Err(error) = outcome {
                        self.fail(error, bytes);
                        break;
                    }
                }
            }
            State::Faulty(faulty) => faulty.push(bytes),
        }
        Ok(())
    }

    fn found(&mut self) -> io::Result<()> {
        let State::Searching { from, search } = std::mem::replace(&mut self.state, State::Decoding) else {
            return Ok(());
        };
        let at = search.position();
        if at > from {
            self.report.skipped(from, at - from, true)?;
        }
        self.begin(at, false);
        self.take(&search.found().1)
    }

    /// Takes note that these bytes of the stream are not there: it goes on with the next message.
    pub(super) fn gap(&mut self, length: u64) -> io::Result<()> {
        match &mut self.state {
            State::Skipping { rest, .. } => *rest = rest.saturating_sub(length),
            State::Searching { search, .. } => {
                let offset = search.end();
                search.pass(length);
                self.is_whole = false;
                self.report.gap(offset, length)?;
            }
            State::Decoding => {
                let offset = self.message.end();
                self.is_whole = false;
                self.report.gap(offset, length)?;
                self.begin(offset + length, true);
            }
            State::Faulty(_) => {}
        }
        Ok(())
    }

    /// Goes past a part of a content whose bytes are not at hand, after which this is known of its text.
    pub(super) fn pass_content(&mut self, count: u64, encoded: Encoded) -> io::Result<()> {
        if let State::Decoding = self.state {
            let passed = self.decoder.content_bypassed(count);
            self.message.content.pass(passed, encoded);
            // It may be the end of a message.
            if let Err(error) = self.decode(&mut &[][..])? {
                self.fail(error, &[]);
            }
        }
        Ok(())
    }

    /// Goes past whole messages whose bytes are not at hand, after a whole one.
    pub(super) fn pass_messages(&mut self, count: u64, bytes: u64) {
        self.message.number += count;
        self.begin(self.message.end() + bytes, false);
    }

    /// Decodes a piece. A fault of the stream is the inner error.
    fn decode(&mut self, input: &mut &[u8]) -> io::Result<Result<(), DecodeError>> {
        loop {
            let before = *input;
            let event = self.decoder.decode(input);
            if !matches!(event, Ok(Some(Event::Content(_)))) {
                // The decoder keeps the header it fails on to itself.
                let taken = before.len() - input.len();
                self.message.receive_head(&before[..taken]);
            }
            match event {
                Err(error) => return Ok(Err(error)),
                Ok(None) => return Ok(Ok(())),
                Ok(Some(Event::Header(header))) => {
                    self.message.content.expect(&header);
                    let dialect = &self.options.dialect;
                    if dialect.departure(Member::ContentEncoding).absent.is_some() {
                        let [_, _, encoding, _] = spellings(self.message.header(), dialect);
                        self.message.content.encoded.is_assumed = encoding.is_none();
                    }
                    self.report.header(&self.message, &header)?;
                    if let Err(error) = self.decoder.limit_content(self.options.max_content) {
                        return Ok(Err(error));
                    }
                }
                Ok(Some(Event::Content(piece))) => self.message.content.receive(piece),
                Ok(Some(Event::End)) => {
                    self.is_whole &= self.message.content.encoded.is_right();
                    if let Some(header) = self.decoder.header() {
                        self.report.end(&self.message, &header)?;
                    }
                    self.message.advance();
                }
            }
        }
    }

    /// Nothing more comes: true if it was nothing but whole messages, and each content in its encoding.
    pub(super) fn finish(&mut self) -> io::Result<bool> {
        if let State::Searching { from, search } = &mut self.state {
            if search.finish() {
                self.found()?;
            } else {
                let (from, end) = (*from, search.end());
                self.report.skipped(from, end - from, false)?;
                self.report.flush()?;
                return Ok(false);
            }
        }
        if let State::Decoding = self.state
            && let Err(error) = self.decoder.finish()
        {
            self.fail(error, &[]);
        }
        match &self.state {
            State::Skipping { rest, .. } => {
                let (from, length) = (self.options.from, self.options.from - rest);
                let words = format!("there is nothing from byte {from} on: the stream has {length} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
            }
            State::Faulty(_) => self.report_fault()?,
            _ => self.report.finish(&self.message)?,
        }
        self.report.flush()?;
        Ok(self.is_whole && !self.is_faulty())
    }
}

fn decoder(dialect: &'static jsonframe::Dialect, options: &Options) -> Decoder<Vec<u8>> {
    Decoder::new(vec![0; dialect.prefix().len() + usize::from(options.max_header)]).with_dialect(dialect)
}
