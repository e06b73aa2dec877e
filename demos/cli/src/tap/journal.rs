//! What is said about a connection: lines for a person, or JSON.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{Timestamp, ZonedDateTime};
use serde_json::Value;

use super::flow::Direction;
use crate::console::Console;
use crate::text::Printable;

/// Where everything about one connection is said.
#[derive(Clone)]
pub(super) struct Journal {
    console: Console,
    is_json: bool,
    connection: u64,
    clock: Clock,
}

/// Has lines come in the order of their times: of those of all connections one at a time is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock(Arc<Mutex<()>>);

impl Journal {
    pub(super) const fn new(console: Console, is_json: bool, connection: u64, clock: Clock) -> Self {
        Self { console, is_json, connection, clock }
    }

    /// Says what has happened: in words for a person, in JSON as an event with these members.
    pub(super) fn event(&self, direction: Option<Direction>, event: &str, members: &[(&str, Value)], words: &str) {
        if self.is_json {
            let mut line = format!("{{\"event\":{}", Value::from(event));
            for (name, value) in members {
                // A string takes everything.
                let _ = write!(line, ",{}:{value}", Value::from(*name));
            }
            self.line(direction, &(line + "}"));
        } else {
            self.line(direction, &Printable(words).to_string());
        }
    }

    /// Says what has failed on this side.
    pub(super) fn failure(&self, direction: Option<Direction>, reason: &str) {
        let reason = Printable(reason).to_string();
        self.event(direction, "failure", &[("message", reason.as_str().into())], &format!("error: {reason}"));
    }

    /// Says what may be the cause of what was said, to a person: in JSON it is part of that.
    pub(super) fn hint(&self, direction: Direction, hint: &str) {
        if !self.is_json {
            self.line(Some(direction), &format!("hint: {}", Printable(hint)));
        }
    }

    /// Says a line of a report: JSON that begins with a brace, or text, in which nothing acts on a terminal.
    fn line(&self, direction: Option<Direction>, line: &str) {
        let connection = self.connection;
        let _in_order = self.clock.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_json {
            let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
            let direction =
                direction.map_or(String::new(), |direction| format!("\"direction\":\"{}\",", direction.name()));
            let members = line.strip_prefix('{').unwrap_or(line);
            self.console.say(format_args!("{{\"time\":\"{time}\",\"connection\":{connection},{direction}{members}"));
        } else {
            let time = ZonedDateTime::now().strftime("%H:%M:%S.%3f");
            let arrow = direction.map_or("--", Direction::arrow);
            self.console.say(format_args!("{time} #{connection} {arrow} {line}"));
        }
    }

    /// Where to write the report on one direction.
    pub(super) fn report(&self, direction: Direction) -> Lines<'_> {
        Lines { journal: self, direction, line: Vec::new() }
    }
}

/// A count of messages with its noun, such as `2 messages`.
pub(super) fn count_of_messages(count: u64) -> String {
    if count == 1 { "1 message".into() } else { format!("{count} messages") }
}

/// Takes a report in pieces, and says each line of it when it is whole.
pub(super) struct Lines<'a> {
    journal: &'a Journal,
    direction: Direction,
    line: Vec<u8>,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.pop_if(|last| *last == b'\n').is_some() {
                self.journal.line(Some(self.direction), &String::from_utf8_lossy(&self.line));
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
