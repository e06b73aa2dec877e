//! A direction as it is read, and what is said when it stops in the middle of a message.

use std::time::Duration;

use serde_json::Value;

use super::flow::Direction;
use super::journal::Journal;
use super::queue::{Queue, Silence};
use crate::hint::Cause;
use crate::inspect::{Piece, Progress};
use crate::text::count_of_bytes;

/// After which silence in the middle of a message that is said.
const SILENCE: Duration = Duration::from_secs(2);

/// How long to wait at a time where a silence says nothing.
const LONG: Duration = Duration::from_hours(1);

/// Reads a queue, and says once of each message that nothing more of it comes.
pub(super) struct Patient<'a> {
    queue: &'a Queue,
    progress: &'a Progress,
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
        progress: &'a Progress,
        journal: &'a Journal,
        direction: Direction,
    ) -> Self {
        Self { queue, progress, journal, direction, read: 0, said_of: None }
    }

    /// Whether the middle of a message has been reached of which nothing has been said.
    fn is_within_message(&self) -> bool {
        let whole = self.progress.whole.get();
        self.read > whole && self.said_of != Some(whole)
    }

    fn say(&mut self, hint: Option<Cause>) {
        let Progress { messages, whole, end, explained } = self.progress;
        self.said_of = Some(whole.get());
        let received = self.read - whole.get();
        let missing = end.get().map(|end| end.saturating_sub(self.read));
        let number = messages.get() + 1;
        let come = if received == 1 { "has come" } else { "have come" };
        let mut words = format!("waiting: of message {number} {} {come}, ", count_of_bytes(received));
        let mut members = vec![("offset", Value::from(whole.get())), ("received", received.into())];
        if let Some(missing) = missing {
            words.push_str(&count_of_bytes(missing));
            words.push_str(" of its content are missing");
            members.push(("missing", missing.into()));
        } else {
            words.push_str("and its header is not whole");
        }
        members.extend(hint.as_ref().map(|hint| ("hint", hint.words.as_str().into())));
        if let Some(hint) = hint {
            explained.set(Some(whole.get()));
            self.journal.hint(self.direction, &hint.words);
        }
        self.journal.event(Some(self.direction), "waiting", &members, &words);
    }

    /// The next piece; `None` at the end. It says which messages are left out, and why nothing may come.
    pub(super) fn next(&mut self, cause: &dyn Fn() -> Option<Cause>) -> Option<Piece> {
        let piece = loop {
            let is_within_message = self.is_within_message();
            match self.queue.next_within(if is_within_message { SILENCE } else { LONG }) {
                Ok(piece) => break piece?,
                Err(Silence) if is_within_message => self.say(cause()),
                Err(Silence) => {}
            }
        };
        if let Piece::Unseen { messages, bytes } = &piece {
            self.say_unseen(*messages, *bytes);
        }
        self.read += piece.len();
        Some(piece)
    }

    fn say_unseen(&self, messages: u64, bytes: u64) {
        let plural = if messages == 1 { "" } else { "s" };
        let words = format!("{messages} message{plural}, {}, passed unseen: they came too fast", count_of_bytes(bytes));
        let members = [("offset", Value::from(self.read)), ("messages", messages.into()), ("bytes", bytes.into())];
        self.journal.event(Some(self.direction), "unseen", &members, &words);
    }
}
