//! A log with Python's bytes literals: where they stand, and to which connection and direction they belong.

mod connections;
mod names;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::mem;
use std::rc::Rc;

use self::names::{Connection, LITERAL, Names};
use super::decode::{Decoded, Notation};
use super::python::Python;
use super::{Several, Source, invalid};

pub(crate) use self::connections::Log;

/// How much of what the literals of a line stand for is kept until the end of the line, which may name their connection.
const HELD: usize = 1024 * 1024;

/// How much of the text of a line is looked at for names, in bytes.
const LOOKED_AT: usize = 4096;

/// How many ends of connections wait to be told, at most.
const ENDS: usize = 4096;

/// What gives the bytes that are not in a text.
pub(crate) const PRINT_BYTES: &str = "have it print all that it sends and receives, with print(repr(data)) in Python, or see \
    that with jsonframe tap or jsonframe listen";

/// The beginning of a Python traceback, whose lines of source text hold no bytes that were sent or received.
const TRACEBACK: &[u8] = b"Traceback (most recent call last):";

/// How much of a log was read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub literals: u64,
    /// The lines of the first literal and of the last.
    pub lines: Option<[u64; 2]>,
    /// How many lines have text and no literal.
    pub other_lines: u64,
    /// How many connections were given up because there were too many.
    pub given_up: u64,
}

/// Some bytes that follow each other in the stream, all of one literal and one line; or none, where a connection ends.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    length: usize,
    pub line: u64,
    /// Whose they are, and whether they were sent, if the line says both.
    of: Option<(Rc<Connection>, bool)>,
    is_end: bool,
}

/// Where in a log its bytes stand, and how much of it was read.
#[derive(Clone, Default)]
pub(crate) struct Places(Rc<RefCell<Known>>);

#[derive(Default)]
struct Known {
    /// The parts of the bytes that have not been read yet, and of those that were read last.
    ahead: VecDeque<Part>,
    read: Vec<Part>,
    ends: usize,
    counts: Counts,
}

impl Places {
    pub(crate) fn counts(&self) -> Counts {
        self.0.borrow().counts
    }

    /// The bytes that were read last, by their parts.
    pub(crate) fn parts<'b>(&self, mut bytes: &'b [u8]) -> Vec<(Part, &'b [u8])> {
        let parts = mem::take(&mut self.0.borrow_mut().read);
        let cut = |part: Part| {
            let (piece, rest) = bytes.split_at(part.length.min(bytes.len()));
            bytes = rest;
            (part, piece)
        };
        parts.into_iter().map(cut).collect()
    }
}

/// Reads literals, and line by line what the text around them says.
#[derive(Default)]
pub(super) struct Lines {
    python: Python,
    places: Places,
    counts: Counts,
    /// The line under way, counted from 0.
    line: u64,
    /// What its text is, as far as it is looked at, and how many literals there are in it.
    text: Vec<u8>,
    literals: usize,
    /// What its literals stand for, and the parts of that, each with the number of its literal.
    held: Vec<u8>,
    parts: Vec<(usize, Part)>,
    is_too_long: bool,
    has_text: bool,
    has_literal: bool,
    traceback: Traceback,
}

/// Where in a traceback a line is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Traceback {
    #[default]
    Outside,
    Inside,
    /// In an indented line, which may be source text.
    Source,
}

impl Lines {
    fn take_character(&mut self, character: u8) -> Result<(), String> {
        let was_in_text = self.python.is_in_text();
        if was_in_text && self.text.is_empty() && self.traceback != Traceback::Outside {
            let is_indented = matches!(character, b' ' | b'\t');
            self.traceback = if is_indented { Traceback::Source } else { Traceback::Inside };
        }
        if self.traceback != Traceback::Source {
            let before = self.held.len();
            self.python.take(character, &mut self.held)?;
            self.note(self.held.len() - before);
        }
        let is_in_text = self.python.is_in_text();
        self.has_text |= !character.is_ascii_whitespace();
        if was_in_text && !is_in_text {
            self.begin_literal();
        } else if is_in_text && character != b'\n' {
            self.look_at(character);
        }
        Ok(())
    }

    fn begin_literal(&mut self) {
        self.counts.literals += 1;
        self.literals += 1;
        self.has_literal = true;
        let line = self.line + 1;
        self.counts.lines.get_or_insert([line, line]);
        self.look_at(LITERAL);
    }

    fn look_at(&mut self, character: u8) {
        if self.text.len() < LOOKED_AT {
            self.text.push(character);
        }
    }

    /// Notes that `length` more bytes are held.
    fn note(&mut self, length: usize) {
        let (literal, line) = (self.literals.saturating_sub(1), self.line + 1);
        match self.parts.last_mut() {
            _ if length == 0 => {}
            Some((of, part)) if *of == literal && part.line == line => part.length += length,
            _ => self.parts.push((literal, Part { length, line, of: None, is_end: false })),
        }
    }

    fn end_line(&mut self, bytes: &mut Vec<u8>) {
        self.counts.other_lines += u64::from(self.has_text && !self.has_literal);
        if self.has_literal
            && let Some([_, last]) = &mut self.counts.lines
        {
            *last = self.line + 1;
        }
        if self.python.is_in_text() {
            if self.text.starts_with(TRACEBACK) {
                self.traceback = Traceback::Inside;
            } else if self.traceback == Traceback::Inside {
                self.traceback = Traceback::Outside;
            }
            self.release(bytes, true);
            self.text.clear();
            (self.literals, self.has_literal, self.is_too_long) = (0, false, false);
        }
        self.has_text = false;
        self.line += 1;
    }

    /// Lets go of what is held, at the end of a line or because it is too much.
    fn release(&mut self, bytes: &mut Vec<u8>, is_whole: bool) {
        self.is_too_long |= !is_whole;
        let mut known = self.places.0.borrow_mut();
        known.counts = self.counts;
        if self.traceback == Traceback::Source {
            return;
        }
        let names = if self.is_too_long { Names::default() } else { Names::of(&self.text) };
        let connection = names.connection.map(Rc::new);
        if self.literals == 0
            && names.is_end
            && known.ends < ENDS
            && let Some(connection) = &connection
        {
            known.ends += 1;
            let of = Some((Rc::clone(connection), false));
            known.ahead.push_back(Part { length: 0, line: self.line + 1, of, is_end: true });
        }
        for (literal, mut part) in self.parts.drain(..) {
            part.of = connection.clone().zip(names.sent.get(literal).copied().flatten());
            known.ahead.push_back(part);
        }
        bytes.append(&mut self.held);
    }
}

impl Notation for Lines {
    const NAME: &'static str = Python::NAME;

    fn take(&mut self, character: u8, bytes: &mut Vec<u8>) -> Result<(), String> {
        let outcome = self.take_character(character);
        if outcome.is_err() || self.held.len() + 64 * self.parts.len() >= HELD {
            self.release(bytes, false);
        }
        if character == b'\n' {
            self.end_line(bytes);
        }
        outcome
    }

    fn end(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let outcome = self.python.end(&mut self.held);
        self.end_line(bytes);
        self.release(bytes, outcome.is_ok());
        outcome
    }

    fn give(&mut self, mut count: usize) {
        let Known { ahead, read, ends, .. } = &mut *self.places.0.borrow_mut();
        read.clear();
        while let Some(part) = ahead.front_mut().filter(|part| count > 0 || part.is_end) {
            let length = part.length.min(count);
            count -= length;
            read.push(Part { length, ..part.clone() });
            part.length -= length;
            if part.length == 0 {
                *ends -= usize::from(part.is_end);
                ahead.pop_front();
            }
        }
    }
}

/// Opens a log: one stream, or those of the connections that its lines name if its first literal's does.
///
/// # Errors
///
/// Those of the input; and text without a literal.
pub(super) fn open<'a>(input: impl Read + 'a) -> io::Result<Source<'a>> {
    let places = Places::default();
    let mut bytes = Decoded::new(input, Lines { places: places.clone(), ..Lines::default() });
    bytes.fill()?;
    let known = places.0.borrow();
    let Counts { literals, other_lines, .. } = known.counts;
    if literals == 0 && other_lines > 0 {
        return Err(invalid(format!(
            "the input is text of a program without the bytes of a stream: {PRINT_BYTES}; --format raw takes the text itself for the stream"
        )));
    }
    let is_named = known.ahead.iter().find(|part| part.length > 0).is_some_and(|part| part.of.is_some());
    drop(known);
    let bytes: Box<dyn Read + 'a> = Box::new(bytes);
    Ok(if is_named {
        Source::Several(Several::Log(Log::new(bytes, places)))
    } else {
        Source::Stream { bytes, is_text: true, resembles: None, places: Some(places) }
    })
}

/// Whether it has a whole line that is one of a log: of a traceback, or with the name of a connection.
pub(super) fn is_one(sample: &[u8]) -> bool {
    let mut lines = sample.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    lines.any(|line| line.starts_with(TRACEBACK) || Names::of(&line[..line.len().min(LOOKED_AT)]).connection.is_some())
}
