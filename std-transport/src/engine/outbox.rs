//! The sending side of a connection: messages queued, to be written as far as the stream takes them.

use std::collections::{TryReserveError, VecDeque};
use std::io::IoSlice;

use jsonframe::{Dialect, EncodeError, Header, Message, Outgoing};

use super::Content;

/// Bytes to be written, in order.
///
/// What is small is put together in one piece of memory, the tail, which is kept when it has been written: see
/// [`release`](Self::release).
#[derive(Debug)]
pub(crate) struct Outbox {
    dialect: &'static Dialect,
    /// What comes before the tail, if anything does.
    segments: Option<Box<Segments>>,
    /// Heads and small contents.
    tail: Vec<u8>,
    /// How many bytes of the tail have been written.
    start: usize,
    /// How many bytes are to be written.
    queued: usize,
    /// Whether the stream has been given bytes since it was last flushed.
    unflushed: bool,
    /// How many messages have been queued since that was last asked, as far as they were counted.
    messages: u32,
    /// How many bytes have been written since that was last asked.
    moved: usize,
}

/// Contents, and what was put together between them. Few connections have any, and only for a while.
#[derive(Debug, Default)]
struct Segments {
    queue: VecDeque<Segment>,
    /// How many bytes of memory they hold.
    held: usize,
    /// How many bytes of their contents are shared with other queues.
    shared: usize,
}

/// Bytes that lie together in memory.
#[derive(Debug)]
struct Segment {
    bytes: Content,
    /// How many of them have been written.
    start: usize,
}

impl Outbox {
    /// Up to this length, content is copied after its head, and messages are put together.
    pub(crate) const SMALL: usize = 16 * 1024;

    /// Up to this length, copying content costs no more than writing it from where it is.
    const TINY: usize = 4 * 1024;

    /// How long most heads are at most.
    const SHORT_HEAD: usize = 256;

    pub(crate) const fn new(dialect: &'static Dialect) -> Self {
        Self { dialect, segments: None, tail: Vec::new(), start: 0, queued: 0, unflushed: false, messages: 0, moved: 0 }
    }

    /// The dialect in which messages are queued.
    #[cfg(feature = "json")]
    pub(crate) const fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// How many bytes are to be written.
    pub(crate) const fn queued(&self) -> usize {
        self.queued
    }

    /// How many bytes of memory are held by what is queued; but for contents that are counted elsewhere.
    pub(crate) fn held(&self) -> usize {
        self.segments.as_ref().map_or(0, |segments| segments.held).saturating_add(self.tail.capacity())
    }

    /// How many bytes of what is queued are shared with other queues, and not in [`held`](Self::held).
    pub(crate) fn shared(&self) -> usize {
        self.segments.as_ref().map_or(0, |segments| segments.shared)
    }

    /// Whether all has been written, and passed on by the stream.
    pub(crate) const fn is_done(&self) -> bool {
        self.queued == 0 && !self.unflushed
    }

    /// Queues a message. Content that is not small is not copied.
    pub(crate) fn queue(&mut self, header: &Header<'_>, content: Content) -> Result<(), EncodeError> {
        if content.as_ref().len() <= Self::SMALL {
            return self.queue_copy(header, content.as_ref());
        }
        Message::new(*header, content.as_ref())?;
        self.queue_head(header)?;
        self.push(content);
        Ok(())
    }

    /// Queues a message and a copy of its content.
    pub(crate) fn queue_copy(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
        Message::new(*header, content)?;
        self.put_together(header, content)
    }

    /// Queues the head of a message, whose content is to follow.
    pub(crate) fn queue_head(&mut self, header: &Header<'_>) -> Result<(), EncodeError> {
        self.put_together(header, &[])
    }

    /// Queues what is appended to the tail, for which there is memory: as much as makes it `size` bytes long, or `wanted`
    /// bytes, if these are less. `None` if it is that long, and must be written first.
    pub(crate) fn append<T>(
        &mut self,
        size: usize,
        wanted: usize,
        append: impl FnOnce(&mut Vec<u8>, usize) -> T,
    ) -> Option<T> {
        let before = self.tail.len();
        let space = size.saturating_sub(before).min(wanted);
        if space == 0 {
            return None;
        }
        self.tail.reserve_exact(space);
        let outcome = append(&mut self.tail, space);
        self.queued += self.tail.len().saturating_sub(before);
        Some(outcome)
    }

    /// Queues bytes that are encoded already.
    pub(crate) fn push(&mut self, bytes: Content) {
        let length = bytes.as_ref().len();
        if length > 0 {
            self.close_tail();
            self.queued += length;
            self.add(bytes, 0);
        }
    }

    /// Encodes the head of a message whose content is borrowed, to be written at once. Nothing may be queued, and what has
    /// not been written is to be [kept](Self::keep_rest).
    pub(crate) fn begin<'o>(&'o mut self, header: &Header<'_>, content: &'o [u8]) -> Result<Outgoing<'o>, EncodeError> {
        Message::new(*header, content)?;
        let head = self.begin_head(header)?;
        Ok(Outgoing::from_parts([head, content]))
    }

    /// The same in one piece if the message is short, and what of the content is not in it: `StreamOwned` of rustls, for one,
    /// writes several pieces one by one, each in a record and by a system call of its own.
    pub(crate) fn begin_whole<'o, 'c: 'o>(
        &'o mut self,
        header: &Header<'_>,
        content: &'c [u8],
    ) -> Result<(Outgoing<'o>, &'c [u8]), EncodeError> {
        if content.len() > Self::TINY {
            return Ok((self.begin(header, content)?, content));
        }
        Message::new(*header, content)?;
        self.begin_head(header)?;
        self.tail.extend_from_slice(content);
        Ok((Outgoing::from_parts([&self.tail, &[]]), &[]))
    }

    /// Encodes the head of a message of which nothing is queued, whatever its content is. Nothing may be queued.
    pub(crate) fn begin_head(&mut self, header: &Header<'_>) -> Result<&[u8], EncodeError> {
        self.tail.clear();
        self.dialect.append_to(header, &mut self.tail)?;
        self.unflushed = true;
        Ok(&self.tail)
    }

    /// Queues what is left of a message that was [begun](Self::begin): this much of its head, and of its content. The error is
    /// that there is no memory for it: nothing more can be sent then.
    pub(crate) fn keep_rest(
        &mut self,
        [head_left, content_left]: [usize; 2],
        content: &[u8],
    ) -> Result<(), TryReserveError> {
        self.queued = head_left + content_left;
        self.start = self.tail.len() - head_left;
        self.moved = self.moved.saturating_add(self.start + content.len() - content_left);
        if head_left == 0 {
            self.tail.clear();
            self.start = 0;
        }
        let rest = &content[content.len() - content_left..];
        if rest.len() > Self::SMALL {
            self.close_tail();
            match copy(rest) {
                Ok(rest) => self.add(rest.into(), 0),
                Err(error) => {
                    self.queued = head_left;
                    return Err(error);
                }
            }
        } else {
            self.tail.extend_from_slice(rest);
        }
        Ok(())
    }

    /// What is to be written, if it lies in one piece of memory because it is little, as it mostly is.
    pub(crate) fn in_one_piece(&self) -> Option<&[u8]> {
        self.segments.is_none().then(|| &self.tail[self.start..])
    }

    /// What is to be written.
    pub(crate) fn write_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        let tail = &self.tail[self.start..];
        let segments = self.segments.iter().flat_map(|segments| &segments.queue).map(Segment::rest);
        segments.chain((!tail.is_empty()).then_some(tail)).map(IoSlice::new)
    }

    /// Takes all that was written as passed on by the stream.
    pub(crate) const fn flushed(&mut self) {
        self.unflushed = false;
    }

    /// Counts a message as queued.
    pub(crate) const fn count_message(&mut self) {
        self.messages = self.messages.saturating_add(1);
    }

    /// How many messages have been counted, and how many bytes written, since this was last asked.
    pub(crate) const fn take_counts(&mut self) -> (u32, usize) {
        (std::mem::replace(&mut self.messages, 0), std::mem::replace(&mut self.moved, 0))
    }

    /// Marks `written` bytes as written. Saturates at what is queued.
    pub(crate) fn wrote(&mut self, mut written: usize) {
        written = written.min(self.queued);
        self.queued -= written;
        self.unflushed = true;
        self.moved = self.moved.saturating_add(written);
        if let Some(segments) = &mut self.segments {
            while let Some(segment) = segments.queue.front_mut() {
                let left = segment.rest().len();
                if written < left {
                    segment.start += written;
                    return;
                }
                written -= left;
                segments.held -= segment.held();
                segments.shared -= segment.bytes.shared();
                segments.queue.pop_front();
            }
            self.segments = None;
        }
        self.start += written;
        if self.queued == 0 {
            self.tail.clear();
            self.start = 0;
        }
    }

    /// Appends the encoded head and the content to the tail, or begins a new one. On error nothing is changed.
    fn put_together(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
        if self.tail.len().saturating_add(content.len()) > Self::SMALL {
            self.close_tail();
        }
        if self.tail.capacity() == 0 {
            self.tail.reserve_exact(Self::SHORT_HEAD.saturating_add(content.len()));
        }
        let length = self.dialect.append_to(header, &mut self.tail)?;
        self.tail.extend_from_slice(content);
        self.queued += length + content.len();
        Ok(())
    }

    /// Has what comes next begin a new tail.
    fn close_tail(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let (bytes, start) = if self.tail.capacity() / 4 > self.tail.len() {
            // The memory is more than what is in it needs.
            let rest = self.tail[self.start..].to_vec();
            self.tail.clear();
            (rest, 0)
        } else {
            (std::mem::take(&mut self.tail), self.start)
        };
        self.start = 0;
        self.add(bytes.into(), start);
    }

    /// Puts bytes before the tail, of which the first `start` have been written.
    fn add(&mut self, bytes: Content, start: usize) {
        let (segments, segment) = (self.segments.get_or_insert_default(), Segment { bytes, start });
        segments.held += segment.held();
        segment.bytes.arrive();
        segments.shared += segment.bytes.shared();
        segments.queue.push_back(segment);
    }

    /// Returns memory to the allocator, if nothing is queued.
    pub(crate) fn release(&mut self) {
        if self.queued == 0 && self.tail.capacity() > 0 {
            self.tail = Vec::new();
        }
    }

    /// Borrows memory for the tail, if there is none.
    pub(crate) fn borrow(&mut self, lender: &mut Vec<u8>) {
        if self.tail.capacity() == 0 {
            std::mem::swap(&mut self.tail, lender);
        }
    }

    /// Gives the memory back. What is queued is kept in as much as it takes, unless that is most of it.
    pub(crate) fn give_back(&mut self, lender: &mut Vec<u8>) {
        if self.tail.capacity() / 4 < self.tail.len() {
            return;
        }
        let rest = self.tail[self.start..].to_vec();
        self.start = 0;
        let mut tail = std::mem::replace(&mut self.tail, rest);
        tail.clear();
        if tail.capacity() > lender.capacity() && tail.capacity() <= 2 * Self::SMALL {
            *lender = tail;
        }
    }
}

/// A copy of bytes that may be many, if there is memory for it.
pub(crate) fn copy(bytes: &[u8]) -> Result<Vec<u8>, TryReserveError> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

impl Segment {
    fn rest(&self) -> &[u8] {
        &self.bytes.as_ref()[self.start..]
    }

    /// How many bytes of memory it takes, until it has been written whole.
    fn held(&self) -> usize {
        self.bytes.held() + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests;
