//! A direction as it is read, and what is said when it stops in the middle of a message.

use std::time::Duration;

use serde_json::Value;

use super::flow::Direction;
use super::journal::Journal;
use super::queue::{Queue, Silence};
use crate::dialect::DialectName;
use crate::hint::COUNTS_BYTES;
use crate::inspect::{self, Piece, Progress, guess};
use crate::text::count_of_bytes;

/// After which silence in the middle of a message that is said.
const SILENCE: Duration = Duration::from_secs(2);

/// How long to wait at a time where a silence says nothing.
const LONG: Duration = Duration::from_hours(1);

/// How much of the beginning is kept, to find out which dialect it is in.
const KEPT: usize = 64 * 1024;

/// Reads a queue, and says once of each message that nothing more of it comes.
pub(super) struct Patient<'a> {
    queue: &'a Queue,
    progress: &'a Progress,
    journal: &'a Journal,
    direction: Direction,
    /// What it is read in.
    dialect: DialectName,
    /// How much has been read.
    read: u64,
    /// The beginning of the stream, until a message is whole.
    beginning: Vec<u8>,
    /// Where the message begins of which it has been said.
    said_of: Option<u64>,
}

impl<'a> Patient<'a> {
    pub(super) const fn new(
        queue: &'a Queue,
        progress: &'a Progress,
        journal: &'a Journal,
        direction: Direction,
        dialect: DialectName,
    ) -> Self {
        Self { queue, progress, journal, direction, dialect, read: 0, beginning: Vec::new(), said_of: None }
    }

    /// Which other dialect the stream seems to be in, if no message of it has been understood.
    pub(super) fn other_dialect(&self) -> Option<String> {
        if self.progress.messages.get() > 0 {
            return None;
        }
        let mut verdict = Vec::new();
        let is_clear = guess(&mut &*self.beginning, &mut verdict, &inspect::Options::default());
        let verdict = String::from_utf8_lossy(&verdict);
        let dialect: DialectName = verdict.lines().next()?.strip_prefix("--dialect ")?.parse().ok()?;
        (is_clear.is_ok_and(|is_clear| is_clear) && dialect != self.dialect).then(|| inspect::of_dialect(dialect))?
    }

    /// Whether the middle of a message has been reached of which nothing has been said.
    fn is_within_message(&self) -> bool {
        let whole = self.progress.whole.get();
        self.read > whole && self.said_of != Some(whole)
    }

    fn say(&mut self) {
        let Progress { messages, whole, end, is_cut, .. } = self.progress;
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
        let is_cut = is_cut.get() && missing.is_none();
        let hint = if is_cut { Some(COUNTS_BYTES.to_owned()) } else { self.other_dialect() };
        members.extend(hint.as_deref().map(|hint| ("hint", hint.into())));
        self.journal.event(Some(self.direction), "waiting", &members, &words);
        if let Some(hint) = hint {
            self.journal.hint(self.direction, &hint);
        }
    }

    /// The next piece; `None` at the end. It says which messages are left out.
    pub(super) fn next(&mut self) -> Option<Piece> {
        let piece = loop {
            let is_within_message = self.is_within_message();
            match self.queue.next_within(if is_within_message { SILENCE } else { LONG }) {
                Ok(piece) => break piece?,
                Err(Silence) if is_within_message => self.say(),
                Err(Silence) => {}
            }
        };
        match &piece {
            Piece::Bytes(bytes) if self.progress.messages.get() == 0 => {
                let kept = bytes.len().min(KEPT - self.beginning.len());
                self.beginning.extend_from_slice(&bytes[..kept]);
            }
            Piece::Unseen { messages, bytes } => self.say_unseen(*messages, *bytes),
            Piece::Bytes(_) | Piece::Content(..) => self.beginning = Vec::new(),
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
