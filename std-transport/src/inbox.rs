//! The receiving side of a session: from reads that may have nothing to give, to headers and pieces of content.

use std::io::{self, ErrorKind, Read};

use jsonframe::{DecodeError, Decoder, Dialect, Event, Header};

use crate::ahead::Ahead;
#[cfg(feature = "server")]
use crate::ahead::retry;
use crate::failure::Failure;

/// A decoder and the bytes read ahead for it. Holds memory only for a message that is under way.
#[derive(Debug)]
pub(crate) struct Inbox {
    decoder: Decoder<Box<[u8]>>,
    dialect: &'static Dialect,
    ahead: Ahead,
    /// The size of the decoder's room, which cannot be asked for without exchanging it.
    room: usize,
    max_header: u16,
    in_message: bool,
    /// Whether the stream has ended.
    ended: bool,
    /// Whether what it sent could not be decoded.
    failed: bool,
    /// How the stream itself has failed.
    failure: Failure,
}

/// What one read gave: [`Session::fill`](crate::Session::fill).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "whether to decode, to wait or to finish depends on it"]
pub enum Fill {
    /// There are bytes to decode.
    Data,
    /// There is nothing to read now. To be called again when the stream is readable.
    Blocked,
    /// The stream has ended. Whether it ended between messages, [`Session::next_event`](crate::Session::next_event) says.
    Eof,
}

/// An [`Event`] that borrows nothing.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// [`Inbox::header`] has it.
    Header,
    /// So many bytes of content, which [`Inbox::piece`] has.
    Content(usize),
    End,
}

impl From<Event<'_, '_>> for Step {
    fn from(event: Event<'_, '_>) -> Self {
        match event {
            Event::Header(_) => Self::Header,
            Event::Content(piece) => Self::Content(piece.len()),
            Event::End => Self::End,
        }
    }
}

impl Inbox {
    pub(crate) fn new(dialect: &'static Dialect, max_header: u16) -> Self {
        Self {
            decoder: Decoder::new(Box::default()).with_dialect(dialect),
            dialect,
            ahead: Ahead::default(),
            room: 0,
            max_header,
            in_message: false,
            ended: false,
            failed: false,
            failure: Failure::new(),
        }
    }

    /// The same in another dialect; nothing may have been received yet.
    pub(crate) fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self::new(dialect, self.max_header)
    }

    /// Changes the limit, which counts from the next header on.
    pub(crate) const fn set_max_header(&mut self, bytes: u16) {
        self.max_header = bytes;
    }

    /// Reads once, if nothing is unread.
    pub(crate) fn fill(&mut self, stream: &mut impl Read) -> io::Result<Fill> {
        if !self.ahead.is_empty() {
            return Ok(Fill::Data);
        }
        self.failure.check()?;
        if self.ended {
            return Ok(Fill::Eof);
        }
        match self.ahead.fill(stream) {
            Ok(0) => {
                self.ended = true;
                Ok(Fill::Eof)
            }
            Ok(_) => Ok(Fill::Data),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Fill::Blocked),
            Err(error) => Err(self.failure.note(error)),
        }
    }

    /// Decodes from what has been read.
    pub(crate) fn next_step(&mut self) -> Result<Option<Step>, DecodeError> {
        self.make_room();
        let mut input = self.ahead.unread();
        let step = self.decoder.decode(&mut input).map(|event| event.map(Step::from));
        let left = input.len();
        self.ahead.leave(left);
        self.failed |= step.is_err();
        match step? {
            Some(Step::End) => self.in_message = false,
            None if self.ended => self.decoder.finish()?,
            _ => {}
        }
        step
    }

    /// The piece of content of the last step, which was so long.
    pub(crate) fn piece(&self, length: usize) -> &[u8] {
        self.ahead.last(length)
    }

    /// Refuses the message whose header has just been decoded, if its content is longer than this.
    pub(crate) fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        let outcome = self.decoder.limit_content(limit);
        self.failed |= outcome.is_err();
        outcome
    }

    /// The header of the message under way, or of the one that has just ended.
    pub(crate) fn header(&self) -> Option<Header<'_>> {
        self.decoder.header()
    }

    /// How many bytes the part of the message under way still lacks.
    pub(crate) const fn needs(&self) -> u64 {
        self.decoder.needs()
    }

    /// Whether there is any use in reading.
    pub(crate) const fn wants(&self) -> bool {
        !self.ended && !self.failed && !self.failure.is_set()
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.ahead.unread()
    }

    /// Takes room for the header of a message that begins.
    ///
    /// Its first byte says how long the header is, but for up to 255 bytes; in a dialect it may say less.
    fn make_room(&mut self) {
        let wanted = match self.ahead.unread() {
            [first, ..] if !self.in_message && self.dialect.is_standard() => {
                u16::from_be_bytes([*first, u8::MAX]).into()
            }
            first @ [_, ..] if !self.in_message => self.dialect.longest_header(first),
            _ => return,
        };
        self.in_message = true;
        let most = usize::from(self.max_header) + self.dialect.prefix().len();
        let wanted = wanted.min(most);
        // A room that has served is kept while messages follow each other: the decoder knows its way through them.
        if self.room < wanted || self.room > most {
            if let Some(room) = self.decoder.buffer_mut() {
                *room = vec![0; wanted].into();
                self.room = wanted;
            }
        }
    }

    /// The buffer for a header, if there is one that no message uses.
    fn idle_buffer(&mut self) -> Option<&mut Box<[u8]>> {
        if self.room > 0 && !self.in_message { self.decoder.buffer_mut() } else { None }
    }

    /// Gives memory back to the allocator: that for what is read ahead, if nothing is, and that for a header, between
    /// messages.
    pub(crate) fn release(&mut self) {
        if self.ahead.is_empty() {
            self.ahead.release();
        }
        if let Some(room) = self.idle_buffer() {
            *room = Box::default();
            self.room = 0;
        }
    }
}

/// For who reads for many, one after the other, into the same rooms.
#[cfg(feature = "server")]
impl Inbox {
    /// The longest room for a header that is given to others.
    const COMMON: usize = 1024;

    /// Takes room from who has some to lend: to read ahead, when nothing is unread, and for a header, between messages.
    pub(crate) fn borrow_rooms(&mut self, ahead: &mut Box<[u8]>, header: &mut Box<[u8]>) {
        self.ahead.borrow_room(ahead);
        if self.room == 0 && !header.is_empty() {
            if let Some(room) = self.decoder.buffer_mut() {
                std::mem::swap(room, header);
                self.room = room.len();
            }
        }
    }

    /// Gives the rooms back, but for what a message under way needs.
    pub(crate) fn return_rooms(&mut self, ahead: &mut Box<[u8]>, header: &mut Box<[u8]>) {
        self.ahead.return_room(ahead);
        if let Some(room) = self.idle_buffer().map(std::mem::take) {
            self.room = 0;
            if room.len() > header.len() && room.len() <= Self::COMMON {
                *header = room;
            }
        }
    }

    /// Reads content once, straight to where it belongs, if nothing is unread: what came of it, and how many bytes. There
    /// must be no room for more bytes than the content still lacks.
    pub(crate) fn fill_content(&mut self, stream: &mut impl Read, room: &mut [u8]) -> io::Result<(Fill, usize)> {
        self.failure.check()?;
        match retry(|| stream.read(room)) {
            Ok(0) => {
                self.ended = true;
                Ok((Fill::Eof, 0))
            }
            Ok(count) => {
                let count = self.decoder.content_bypassed(count.min(room.len()) as u64);
                Ok((Fill::Data, usize::try_from(count).unwrap_or(0)))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok((Fill::Blocked, 0)),
            Err(error) => Err(self.failure.note(error)),
        }
    }

    /// How many bytes are read ahead at a time.
    pub(crate) const fn room_ahead(&self) -> usize {
        self.ahead.size()
    }

    /// Drops what is unread.
    pub(crate) fn forget_unread(&mut self) {
        self.ahead.forget();
    }

    /// Takes the stream for ended.
    pub(crate) const fn end(&mut self) {
        self.ended = true;
    }

    /// Whether a byte of a message has been taken and its end not been reported yet.
    pub(crate) const fn in_message(&self) -> bool {
        self.in_message
    }

    /// Whether the stream has ended, which says nothing of what is unread.
    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }
}

#[cfg(all(test, feature = "server"))]
mod tests;
