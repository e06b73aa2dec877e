//! The receiving side of a connection: from bytes to headers and pieces of content.

use jsonframe::{DecodeError, Decoder, Dialect, Event, Header};

use super::buffer::Buffer;

/// A decoder and the bytes read ahead for it. Holds memory only for a message that is under way.
#[derive(Debug)]
pub(crate) struct Inbox {
    decoder: Decoder<Box<[u8]>>,
    dialect: &'static Dialect,
    ahead: Buffer,
    /// The size of the decoder's buffer, which cannot be asked for without exchanging it.
    capacity: usize,
    /// It counts from the next header on.
    pub(crate) max_header: u16,
    in_message: bool,
    /// Whether the stream has ended.
    ended: bool,
    /// Whether what it sent could not be decoded.
    failed: bool,
}

/// An [`Event`] that borrows nothing.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// [`Inbox::header`] has it.
    Header,
    /// This many bytes of content, which [`Inbox::piece`] has.
    Content(usize),
    End,
}

impl Inbox {
    pub(crate) fn new(dialect: &'static Dialect, max_header: u16) -> Self {
        Self {
            decoder: Decoder::new(Box::default()).with_dialect(dialect),
            dialect,
            ahead: Buffer::default(),
            capacity: 0,
            max_header,
            in_message: false,
            ended: false,
            failed: false,
        }
    }

    /// Where to read to, when nothing is unread.
    pub(crate) fn read_buf(&mut self) -> &mut [u8] {
        self.ahead.space()
    }

    /// Takes the first `count` bytes of [`read_buf`](Self::read_buf) as received, and returns how many they are.
    pub(crate) fn received(&mut self, count: usize) -> usize {
        self.ahead.fill(count)
    }

    /// The stream has ended.
    pub(crate) const fn end(&mut self) {
        self.ended = true;
    }

    /// Whether the stream has ended, which says nothing of what is unread.
    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }

    /// Decodes from what has been read.
    pub(crate) fn next_step(&mut self) -> Result<Option<Step>, DecodeError> {
        // In each turn that receives one message the decoder would be asked twice in vain.
        if self.ahead.is_empty() && !self.in_message && self.wants() {
            return Ok(None);
        }
        self.prepare_header_buffer();
        let mut input = self.ahead.bytes();
        let step = self.decoder.decode(&mut input).map(|event| match event? {
            Event::Header(_) => Some(Step::Header),
            Event::Content(piece) => Some(Step::Content(piece.len())),
            Event::End => Some(Step::End),
        });
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

    /// The piece of content of the last step, of this length.
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

    /// How many bytes of content the message under way still lacks, once its header has been decoded.
    pub(crate) fn content_needs(&self) -> u64 {
        if self.in_message && self.header().is_some() { self.needs() } else { 0 }
    }

    /// Marks up to `count` unread bytes of content as read, and returns how many they are.
    pub(crate) fn consume_content(&mut self, count: usize) -> usize {
        let count = self.content_bypassed(count.min(self.unread().len()));
        self.ahead.consume(count);
        count
    }

    /// Counts content that has been read past this, straight to where it belongs, and returns how many bytes count.
    pub(crate) fn content_bypassed(&mut self, count: usize) -> usize {
        usize::try_from(self.decoder.content_bypassed(count as u64)).unwrap_or(count)
    }

    /// Whether the stream may end here.
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        self.decoder.finish()
    }

    /// How many bytes the part of the message under way still lacks.
    pub(crate) const fn needs(&self) -> u64 {
        self.decoder.needs()
    }

    /// Whether there is any use in reading.
    pub(crate) const fn wants(&self) -> bool {
        !self.ended && !self.failed
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.ahead.bytes()
    }

    /// Allocates a buffer for the header of a message that begins.
    ///
    /// Its first byte says how long the header is, but for up to 255 bytes; in a dialect it may say less.
    fn prepare_header_buffer(&mut self) {
        let unread = self.ahead.bytes();
        let Some(first) = unread.first().filter(|_| !self.in_message) else { return };
        let wanted = if self.dialect.is_standard() {
            u16::from_be_bytes([*first, u8::MAX]).into()
        } else {
            self.dialect.longest_header(unread)
        };
        self.in_message = true;
        let most = usize::from(self.max_header) + self.dialect.prefix().len();
        let wanted = wanted.min(most);
        // A buffer that has served is kept while messages follow each other: the decoder knows its way through them.
        if self.capacity < wanted || self.capacity > most {
            if let Some(buffer) = self.decoder.buffer_mut() {
                *buffer = vec![0; wanted].into();
                self.capacity = wanted;
            }
        }
    }

    /// Gives memory back to the allocator: that for what is read ahead, if nothing is, and that for a header, between
    /// messages.
    pub(crate) fn release(&mut self) {
        if self.ahead.is_empty() {
            self.ahead = Buffer::default();
        }
        if let Some(buffer) = self.decoder.buffer_mut() {
            *buffer = Box::default();
            self.capacity = 0;
        }
    }
}

/// For a driver of many connections, which reads for one after the other into the same buffers.
impl Inbox {
    /// The longest buffer for a header that is given back for others to use.
    const COMMON: usize = 1024;

    /// Borrows buffers: to read ahead, when nothing is unread, and for a header, between messages.
    pub(crate) fn borrow(&mut self, ahead: &mut Box<[u8]>, header: &mut Box<[u8]>) {
        self.ahead.borrow(ahead);
        if let Some(buffer) = self.decoder.buffer_mut() {
            std::mem::swap(buffer, header);
            self.capacity = buffer.len();
        }
    }

    /// Gives the buffers back, but for what a message under way needs.
    pub(crate) fn give_back(&mut self, ahead: &mut Box<[u8]>, header: &mut Box<[u8]>) {
        self.ahead.give_back(ahead);
        if let Some(buffer) = self.decoder.buffer_mut().map(std::mem::take) {
            self.capacity = 0;
            if buffer.len() > header.len() && buffer.len() <= Self::COMMON {
                *header = buffer;
            }
        }
    }

    /// Drops what is unread.
    pub(crate) const fn forget_unread(&mut self) {
        self.ahead.leave(0);
    }

    /// Whether a byte of a message has been taken and its end not been reported yet.
    pub(crate) const fn in_message(&self) -> bool {
        self.in_message
    }
}

#[cfg(test)]
mod tests;
