//! The sending side of a connection: messages queued, to be written as far as the stream takes them.

use std::collections::{TryReserveError, VecDeque};
use std::io::{self, IoSlice};
use std::mem;

use jsonframe::{Dialect, EncodeError, Header, Message};

use super::{Content, Failure};

/// Bytes to be written, in order.
///
/// What is small is put together in one piece of memory, the tail, which is kept when it has been written: see
/// [`release`](Self::release).
#[derive(Debug)]
pub struct Outbox {
    dialect: &'static Dialect,
    /// What comes before the tail, if anything does.
    segments: Option<Box<Segments>>,
    /// Heads and small contents.
    tail: Vec<u8>,
    /// How many bytes are to be written.
    queued: usize,
    /// Whether the stream has been given bytes since it was last flushed.
    pub(crate) unflushed: bool,
    /// How many messages have been queued since that was last asked, as far as they were counted.
    messages: u32,
    /// How many bytes have been written since that was last asked.
    moved: usize,
    /// How writing has failed. Drivers do not write again then.
    pub(crate) failure: Failure,
}

/// Contents, and what was put together between them. Few connections have any, and only for a while.
#[derive(Debug, Default)]
struct Segments {
    queue: VecDeque<Content>,
    /// How many bytes they are.
    length: usize,
    /// How many bytes of memory they hold.
    held: usize,
    /// How many bytes of their contents are shared with other queues.
    shared: usize,
}

impl Outbox {
    /// Up to this length, content is copied after its head, and messages are put together.
    pub(crate) const SMALL: usize = 16 * 1024;

    /// Up to this length, copying content costs no more than writing it from where it is. `StreamOwned` of rustls, for one,
    /// writes several pieces one by one, each in a record and by a system call of its own.
    pub(crate) const TINY: usize = 4 * 1024;

    /// How many queues may have borrowed memory at a time.
    pub(crate) const TOGETHER: usize = 8;

    /// How long most heads are at most.
    const SHORT_HEAD: usize = 256;

    pub(crate) const fn new(dialect: &'static Dialect) -> Self {
        Self {
            dialect,
            segments: None,
            tail: Vec::new(),
            queued: 0,
            unflushed: false,
            messages: 0,
            moved: 0,
            failure: Failure::new(),
        }
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

    /// How many bytes of the first segment have been written, or of the tail if there is none.
    fn start(&self) -> usize {
        self.segments.as_ref().map_or(0, |segments| segments.length) + self.tail.len() - self.queued
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
        if !self.begin(header, content.as_ref(), Self::SMALL)?.is_empty() {
            self.push(content);
        }
        Ok(())
    }

    /// Queues a message and a copy of its content.
    pub(crate) fn queue_copy(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
        self.begin(header, content, usize::MAX).map(drop)
    }

    /// Queues the head of a message and the first of its content, together. The rest of the content is to follow.
    pub(crate) fn queue_head(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
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
        if !bytes.as_ref().is_empty() {
            self.close_tail();
            self.queued += bytes.as_ref().len();
            self.add(bytes);
        }
    }

    /// Queues the head of a message, and its content too if that is at most `most` bytes long. Returns what of the content is to
    /// follow: what the stream does not take of it at once is to be [kept](Self::keep).
    pub(crate) fn begin<'c>(
        &mut self,
        header: &Header<'_>,
        content: &'c [u8],
        most: usize,
    ) -> Result<&'c [u8], EncodeError> {
        Message::new(*header, content)?;
        let (with_head, after) = content.split_at(if content.len() > most { 0 } else { content.len() });
        self.queue_head(header, with_head)?;
        Ok(after)
    }

    /// Queues a copy of the rest of a content. The error is that there is no memory for it: nothing more can be sent then.
    pub(crate) fn keep(&mut self, rest: &[u8]) -> io::Result<()> {
        if rest.len() > Self::SMALL {
            let rest = copy(rest).map_err(|error| self.failure.note(error.into()))?;
            self.push(rest.into());
        } else {
            self.tail.extend_from_slice(rest);
            self.queued += rest.len();
        }
        Ok(())
    }

    /// What is to be written, if it lies in one piece of memory because it is little, as it mostly is.
    pub(crate) fn in_one_piece(&self) -> Option<&[u8]> {
        self.segments.is_none().then(|| &self.tail[self.start()..])
    }

    /// What is to be written. The last piece may be empty.
    pub(crate) fn write_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        let mut written = self.start();
        let segments = self.segments.iter().flat_map(|segments| &segments.queue).map(Content::as_ref);
        segments.chain([&*self.tail]).map(move |bytes| IoSlice::new(&bytes[mem::take(&mut written)..]))
    }

    /// Counts a message as queued.
    pub(crate) const fn count_message(&mut self) {
        self.messages = self.messages.saturating_add(1);
    }

    /// How many messages have been counted, and how many bytes written, since this was last asked.
    pub(crate) const fn take_counts(&mut self) -> (u32, usize) {
        (mem::replace(&mut self.messages, 0), mem::replace(&mut self.moved, 0))
    }

    /// Marks `written` bytes as written. Saturates at what is queued.
    pub(crate) fn wrote(&mut self, written: usize) {
        let written = written.min(self.queued);
        self.wrote_past(written);
        self.queued -= written;
        let mut start = self.start();
        if let Some(segments) = &mut self.segments {
            while let Some(first) = segments.queue.front() {
                let length = first.as_ref().len();
                if start < length {
                    return;
                }
                start -= length;
                segments.length -= length;
                segments.held -= held(first);
                segments.shared -= first.shared();
                segments.queue.pop_front();
            }
        }
        self.segments = None;
        if self.queued == 0 {
            self.clear();
        }
    }

    /// Counts bytes that were written past what is queued, from where they lie.
    pub(crate) const fn wrote_past(&mut self, written: usize) {
        self.unflushed = true;
        self.moved = self.moved.saturating_add(written);
    }

    /// Drops what is queued.
    pub(crate) fn clear(&mut self) {
        (self.segments, self.queued) = (None, 0);
        self.tail.clear();
    }

    /// Has what comes next begin a new tail.
    fn close_tail(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let is_short = self.tail.capacity() / 4 > self.tail.len();
        let bytes = if is_short { self.copy_tail() } else { mem::take(&mut self.tail) };
        self.tail.clear();
        self.add(bytes.into());
    }

    /// A copy of what is to be written of the tail, in as much memory as it takes.
    fn copy_tail(&self) -> Vec<u8> {
        self.in_one_piece().unwrap_or(&self.tail).to_vec()
    }

    /// Puts bytes before the tail.
    fn add(&mut self, bytes: Content) {
        let segments = self.segments.get_or_insert_default();
        segments.length += bytes.as_ref().len();
        segments.held += held(&bytes);
        bytes.arrive();
        segments.shared += bytes.shared();
        segments.queue.push_back(bytes);
    }

    /// Returns memory to the allocator, if nothing is queued.
    pub(crate) fn release(&mut self) {
        if self.queued == 0 {
            self.tail = Vec::new();
        }
    }

    /// Borrows memory for the tail, if there is none.
    pub(crate) fn borrow(&mut self, lender: &mut Vec<Vec<u8>>) {
        if self.tail.capacity() == 0 {
            self.tail = lender.pop().unwrap_or_default();
        }
    }

    /// Gives the memory back. What is queued is kept in as much as it takes, unless that is most of it.
    pub(crate) fn give_back(&mut self, lender: &mut Vec<Vec<u8>>) {
        if self.tail.capacity() / 4 < self.tail.len() {
            return;
        }
        let rest = if self.tail.is_empty() { Vec::new() } else { self.copy_tail() };
        let mut tail = mem::replace(&mut self.tail, rest);
        tail.clear();
        if (1..=2 * Self::SMALL).contains(&tail.capacity()) && lender.len() < Self::TOGETHER {
            lender.push(tail);
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

/// How many bytes of memory a segment takes, until it has been written whole.
fn held(segment: &Content) -> usize {
    segment.held() + size_of::<Content>()
}

#[cfg(test)]
mod tests;
