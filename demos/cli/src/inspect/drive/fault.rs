//! A fault of a stream, and what may explain it.

use std::io;

use jsonframe::DecodeError;

use super::super::first_bytes::FirstBytes;
use super::super::followed::UnderWay;
use super::super::hint::{self, Suspicion};
use super::super::length::Content;
use super::super::message::{Message, located};
use super::super::report::Fault;
use super::{State, Stream};
use crate::encoded::Utf8;
use crate::hint::Cause;

/// How many bytes after a content are read, at most, to find out what its length should have been.
const AHEAD: usize = 64 * 1024;

/// A stream at fault, and what came after that, as far as it may help.
pub(super) struct Faulty {
    error: DecodeError,
    ahead: Vec<u8>,
    /// The line of a log that holds the byte at fault.
    line: Option<u64>,
    first_bytes: Option<FirstBytes>,
    /// The content before, while its characters are yet to be counted.
    counting: Option<Utf8>,
}

impl Faulty {
    /// Whether more than this may help.
    pub(super) fn wants(&self, message: &Message) -> bool {
        let after = message.head().len() + self.ahead.len();
        let (Some(text), Some(content)) = (&self.counting, &message.previous) else { return false };
        text.has_fewer_than(content.announced) && after < AHEAD
    }

    /// Takes what comes after the fault.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let space = AHEAD.saturating_sub(self.ahead.len());
        self.ahead.extend_from_slice(&bytes[..bytes.len().min(space)]);
        if let Some(text) = &mut self.counting {
            text.push(bytes);
        }
    }
}

impl Stream<'_> {
    /// Keeps what may explain a fault, after which these bytes came.
    pub(super) fn fail(&mut self, error: DecodeError, mut rest: &[u8]) {
        let is_in_header = self.base + error.offset() >= self.message.header_start();
        if is_in_header && self.decoder.header().is_none() {
            // What was read of a header that was refused for how it begins is shown as if it had been refused as a whole.
            if let Some(length) = self.message.framing.announced(self.message.proto_header_bytes()) {
                let lacking = (length as usize).saturating_sub(self.message.header().len()).min(rest.len());
                self.message.receive_head(&rest[..lacking]);
                rest = &rest[lacking..];
            }
        }
        let first_bytes = self.first_bytes(rest);
        let counting = self.message.previous.as_ref().filter(|_| self.decoder.header().is_none());
        let counting = counting.and_then(Content::short_text).map(|mut text| {
            text.push(self.message.head());
            text.push(rest);
            text
        });
        let ahead = rest[..rest.len().min(AHEAD)].to_vec();
        let line = self.line_of(self.base + error.offset());
        self.state = State::Faulty(Box::new(Faulty { error, ahead, line, first_bytes, counting }));
    }

    /// The first bytes of the stream, if there are some of a header and they are not those of an object.
    fn first_bytes(&self, rest: &[u8]) -> Option<FirstBytes> {
        let Message { number, framing, .. } = self.message;
        let bytes = [self.message.head(), rest].concat();
        let header = bytes.get(framing.len()..)?.trim_ascii_start();
        let is_other = number == 1 && header.first().is_some_and(|first| *first != b'{');
        is_other.then(|| FirstBytes::of(&bytes))
    }

    /// The likely cause of its fault; or, without one, of nothing more coming where the message under way is not whole.
    pub(in super::super) fn cause(&self, may_guess: bool) -> Option<Cause> {
        let (error, ahead) = match &self.state {
            State::Faulty(faulty) => (faulty.error, &*faulty.ahead),
            State::Decoding => (self.decoder.finish().err()?, &[][..]),
            State::Skipping { .. } | State::Searching { .. } => return None,
        };
        hint::of(&Suspicion {
            kind: error.kind(),
            looks_like: error.looks_like(),
            message: &self.message,
            has_header: self.decoder.header().is_some(),
            ahead,
            dialect: self.options.dialect,
            may_guess: may_guess && self.base == 0,
            resembles: self.resembles.filter(|_| self.base == 0),
        })
    }

    /// What has come of the message under way, and after its fault, but for contents.
    pub(in super::super) fn rest(&self) -> Vec<u8> {
        let ahead = if let State::Faulty(faulty) = &self.state { &*faulty.ahead } else { &[] };
        [self.message.head(), ahead].concat()
    }

    /// How far the message under way is, if there is one.
    pub(in super::super) fn under_way(&self) -> Option<UnderWay> {
        let (State::Decoding, message) = (&self.state, &self.message) else { return None };
        let is_headed = self.decoder.header().is_some();
        let header = message.header().len() as u64;
        let in_header = !is_headed && message.head().len() >= message.framing.len();
        let received = message.end() - message.start;
        (received > 0).then(|| UnderWay {
            number: message.number,
            start: message.start,
            received,
            header: in_header.then(|| (header, header + self.decoder.needs())),
            missing: is_headed.then(|| message.content.announced - message.content.received),
        })
    }

    /// Reports the fault, if there is one.
    pub(super) fn report_fault(&mut self) -> io::Result<()> {
        let cause = self.cause(self.may_guess);
        let State::Faulty(faulty) = &mut self.state else { return Ok(()) };
        let Faulty { error, line, first_bytes, .. } = &mut **faulty;
        let (offset, words) = located(error, self.base);
        let (kind, line, first_bytes, header) = (error.kind(), *line, first_bytes.take(), self.decoder.header());
        self.report.fault(&Fault { kind, offset, line, words, message: &self.message, header, cause, first_bytes })
    }
}
