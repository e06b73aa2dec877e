//! A direction as it is read, and what is said when it stops in the middle of a message.

use std::time::Duration;

use serde_json::Value;

use super::flow::Direction;
use super::journal::{Journal, count_of_messages};
use super::queue::{Queue, Silence};
use crate::hint::Cause;
use crate::inspect::{Explained, Followed, Piece, UnderWay};
use crate::text::count_of_bytes;
use crate::watched::SILENCE;

/// How long to wait at a time where a silence says nothing.
const LONG: Duration = Duration::from_hours(1);

/// Reads a queue, and says once of each message that nothing more of it comes.
pub(super) struct Patient<'a> {
    queue: &'a Queue,
    explained: &'a Explained,
    journal: &'a Journal,
    direction: Direction,
    /// How much has been read.
    read: u64,
    /// Where the message begins of which it has been said.
    said_of: Option<u64>,
}

impl<'a> Patient<'a> {
    pub(super) const fn new(
        queue: &'a Queue,
        explained: &'a Explained,
        journal: &'a Journal,
        direction: Direction,
    ) -> Self {
        Self { queue, explained, journal, direction, read: 0, said_of: None }
    }

    fn say(&mut self, under_way: &UnderWay, hint: Option<&Cause>) {
        let UnderWay { start, received, missing, .. } = *under_way;
        self.said_of = Some(start);
        let mut members = vec![("offset", Value::from(start)), ("received", received.into())];
        members.extend(missing.map(|missing| ("missing", missing.into())));
        members.extend(hint.map(|hint| ("hint", hint.words.as_str().into())));
        if let Some(hint) = hint {
            self.explained.set(Some(start));
            self.journal.hint(self.direction, &hint.words);
        }
        self.journal.event(Some(self.direction), "waiting", &members, &under_way.to_string());
    }

    /// The next piece of a stream; `None` at the end. It says which messages are left out, and why nothing may come.
    pub(super) fn next(&mut self, stream: &Followed<'_>) -> Option<Piece> {
        let piece = loop {
            let under_way = stream.under_way().filter(|message| self.said_of != Some(message.start));
            match (self.queue.next_within(if under_way.is_some() { SILENCE } else { LONG }), under_way) {
                (Ok(piece), _) => break piece?,
                (Err(Silence), Some(under_way)) => self.say(&under_way, stream.cause().as_ref()),
                (Err(Silence), None) => {}
            }
        };
        if let Piece::Unseen { messages, bytes } = &piece {
            self.say_unseen(*messages, *bytes);
        }
        self.read += piece.len();
        Some(piece)
    }

    fn say_unseen(&self, messages: u64, bytes: u64) {
        let words =
            format!("{}, {}, passed unseen: they came too fast", count_of_messages(messages), count_of_bytes(bytes));
        let members = [("offset", Value::from(self.read)), ("messages", messages.into()), ("bytes", bytes.into())];
        self.journal.event(Some(self.direction), "unseen", &members, &words);
    }
}
