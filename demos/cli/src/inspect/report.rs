//! What is reported about a stream.

use std::io;

use jsonframe::{DecodeErrorKind, Header};

use super::first_bytes::FirstBytes;
use super::message::Message;
use crate::hint::Cause;
use crate::text::{Printable, count_of_bytes};

/// What is made of a stream. Both reports are told the same, so that they cannot disagree.
pub(super) trait Report {
    /// A header is whole and valid.
    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()>;

    /// The message of this header is whole.
    fn end(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()>;

    /// The stream is at fault, or ends too early.
    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()>;

    /// The stream has ended after a whole message: before this one, of which nothing has come.
    fn finish(&mut self, message: &Message) -> io::Result<()>;

    /// These bytes were passed over: after them what seems to be a message begins, or the stream ends.
    fn skipped(&mut self, offset: u64, length: u64, is_found: bool) -> io::Result<()>;

    /// These bytes are not in the capture.
    fn gap(&mut self, offset: u64, length: u64) -> io::Result<()>;

    /// Makes everything visible that has been reported.
    fn flush(&mut self) -> io::Result<()>;
}

/// What is wrong with the stream, and what may help to see why.
pub(super) struct Fault<'a> {
    pub(super) kind: DecodeErrorKind,
    /// Where it is, in the stream.
    pub(super) offset: u64,
    /// The line of a log that holds the byte there, or the last one before the end of the stream.
    pub(super) line: Option<u64>,
    /// What the decoder says about it.
    pub(super) words: String,
    pub(super) message: &'a Message,
    /// The header of the message, if it has been reported.
    pub(super) header: Option<Header<'a>>,
    pub(super) cause: Option<Cause>,
    /// The first bytes of the stream, if it does not begin with the header of a message.
    pub(super) first_bytes: Option<FirstBytes>,
}

impl Fault<'_> {
    /// What is said of it to a person: the likely cause and how to mend it, where these are known.
    pub(super) fn hint(&self) -> Option<String> {
        self.cause.as_ref().map(|cause| format!("hint: {}", Printable(&cause.words)))
    }

    /// And then what the decoder says.
    pub(super) fn error(&self) -> String {
        let Self { kind, offset, words, message, header, cause, .. } = self;
        match kind {
            DecodeErrorKind::Truncated { missing } => {
                let part = message.framing.part(message.head(), header.is_some());
                let missing = count_of_bytes(*missing);
                format!("the stream ends inside {part}, {missing} before its end (at byte {offset})")
            }
            _ if cause.as_ref().is_some_and(|cause| cause.is_enough) => {
                format!("no header of a message (at byte {offset})")
            }
            _ => words.clone(),
        }
    }

    /// The first bytes, unless the cause shows them.
    pub(super) fn first_bytes(&self) -> Option<&FirstBytes> {
        self.first_bytes.as_ref().filter(|_| !self.cause.as_ref().is_some_and(|cause| cause.is_enough))
    }
}
