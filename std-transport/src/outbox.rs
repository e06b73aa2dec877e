//! The sending side of a session: messages queued, and written as far as the stream takes them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Write};

use jsonframe::{Dialect, EncodeError, Header, Message, Outgoing};

use crate::ahead::retry;
use crate::failure::Failure;
use crate::{Content, Error};

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
    /// How the stream has failed.
    failure: Failure,
}

/// Contents, and what was put together between them. Few connections have any, and only for a while.
#[derive(Debug, Default)]
struct Segments {
    queue: VecDeque<Segment>,
    /// How many bytes of memory they hold.
    held: usize,
    /// How many bytes of their contents are shared with other queues.
    #[cfg(feature = "server")]
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
    /// Up to this length, content is copied behind its head, and messages are put together.
    pub(crate) const SMALL: usize = 16 * 1024;

    /// How many segments are written at once.
    const AT_ONCE: usize = 32;

    /// How long most heads are at most.
    const SHORT_HEAD: usize = 256;

    pub(crate) const fn new(dialect: &'static Dialect) -> Self {
        Self {
            dialect,
            segments: None,
            tail: Vec::new(),
            start: 0,
            queued: 0,
            unflushed: false,
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

    /// How many bytes of memory are held by what is queued; but for contents that are counted elsewhere.
    #[cfg(feature = "server")]
    pub(crate) fn held(&self) -> usize {
        self.segments.as_ref().map_or(0, |segments| segments.held).saturating_add(self.tail.capacity())
    }

    /// How many bytes of what is queued are shared with other queues, and not in [`held`](Self::held).
    #[cfg(feature = "server")]
    pub(crate) fn shared(&self) -> usize {
        self.segments.as_ref().map_or(0, |segments| segments.shared)
    }

    /// Whether all has been written, and passed on by the stream.
    pub(crate) const fn is_done(&self) -> bool {
        self.queued == 0 && !self.unflushed
    }

    /// Whether there is any use in writing.
    pub(crate) const fn wants(&self) -> bool {
        !self.is_done() && !self.failure.is_set()
    }

    /// Queues a message. Content that is not small is not copied.
    pub(crate) fn queue(&mut self, header: &Header<'_>, content: Content) -> Result<(), EncodeError> {
        if content.as_ref().len() <= Self::SMALL {
            return self.queue_copy(header, content.as_ref());
        }
        Message::new(*header, content.as_ref())?;
        self.put_together(header, &[])?;
        self.push(content);
        Ok(())
    }

    /// Queues a message and a copy of its content.
    pub(crate) fn queue_copy(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
        Message::new(*header, content)?;
        self.put_together(header, content)
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

    /// Sends a message: writes at once if nothing is queued, and queues a copy of what the stream does not take.
    pub(crate) fn send(&mut self, stream: &mut impl Write, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.failure.check()?;
        if self.queued > 0 {
            return Ok(self.queue_copy(header, content)?);
        }
        Message::new(*header, content)?;
        let length = self.dialect.append_to(header, &mut self.tail)?;
        self.unflushed = true;
        let mut message = Outgoing::from_parts([&self.tail, content]);
        let outcome = write_some(stream, &mut message);
        // Also after an error: what the stream has got must be followed by what it has not.
        let [head_left, content_left] = message.parts().map(<[u8]>::len);
        self.queued = head_left + content_left;
        self.start = length - head_left;
        if head_left == 0 {
            self.tail.clear();
            self.start = 0;
        }
        let rest = &content[content.len() - content_left..];
        if rest.len() > Self::SMALL {
            self.close_tail();
            self.add(rest.to_vec().into(), 0);
        } else {
            self.tail.extend_from_slice(rest);
        }
        outcome.map_err(|error| self.failure.note(error))?;
        if self.queued == 0 {
            self.pass_on(stream).map_err(|error| self.failure.note(error))?;
        }
        Ok(())
    }

    /// Writes what is queued until nothing is, or the stream takes no more now, or about so many bytes are written: true if
    /// the stream takes no more now.
    pub(crate) fn flush(&mut self, stream: &mut impl Write, budget: usize) -> io::Result<bool> {
        self.failure.check()?;
        self.write_queued(stream, budget).map_err(|error| self.failure.note(error))
    }

    fn write_queued(&mut self, stream: &mut impl Write, mut budget: usize) -> io::Result<bool> {
        while self.queued > 0 && budget > 0 {
            match retry(|| self.write(stream)) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.unflushed = true;
                    self.advance(written);
                    budget = budget.saturating_sub(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        if self.queued == 0 { self.pass_on(stream) } else { Ok(false) }
    }

    /// Writes once.
    fn write(&self, stream: &mut impl Write) -> io::Result<usize> {
        let tail = &self.tail[self.start..];
        let Some(segments) = &self.segments else { return stream.write(tail) };
        let mut slices = [IoSlice::new(&[]); Self::AT_ONCE];
        let mut count = 0;
        let rests = segments.queue.iter().map(Segment::rest).chain((!tail.is_empty()).then_some(tail));
        for (slice, rest) in slices.iter_mut().zip(rests) {
            *slice = IoSlice::new(rest);
            count += 1;
        }
        match &slices[..count] {
            [single] => stream.write(single),
            several => stream.write_vectored(several),
        }
    }

    /// Flushes the stream, which may have a buffer of its own: true if it takes no more now.
    fn pass_on(&mut self, stream: &mut impl Write) -> io::Result<bool> {
        if self.unflushed {
            match retry(|| stream.flush()) {
                Ok(()) => self.unflushed = false,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Counts bytes as written.
    fn advance(&mut self, mut written: usize) {
        written = written.min(self.queued);
        self.queued -= written;
        if let Some(segments) = &mut self.segments {
            while let Some(segment) = segments.queue.front_mut() {
                let left = segment.rest().len();
                if written < left {
                    segment.start += written;
                    return;
                }
                written -= left;
                segments.held -= segment.held();
                #[cfg(feature = "server")]
                {
                    segments.shared -= segment.bytes.shared();
                }
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

    /// Encodes a head and puts it and the content behind what is in the tail, or into a new one.
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

    /// Puts bytes before the tail, of which so many have been written.
    fn add(&mut self, bytes: Content, start: usize) {
        let (segments, segment) = (self.segments.get_or_insert_default(), Segment { bytes, start });
        segments.held += segment.held();
        #[cfg(feature = "server")]
        {
            segment.bytes.arrive();
            segments.shared += segment.bytes.shared();
        }
        segments.queue.push_back(segment);
    }

    /// Gives memory back to the allocator, if nothing is queued.
    pub(crate) fn release(&mut self) {
        if self.queued == 0 && self.tail.capacity() > 0 {
            self.tail = Vec::new();
        }
    }

    /// Takes memory for the tail from who has some to lend, if it has none itself.
    #[cfg(feature = "server")]
    pub(crate) fn borrow_tail(&mut self, lender: &mut Vec<u8>) {
        if self.tail.capacity() == 0 {
            std::mem::swap(&mut self.tail, lender);
        }
    }

    /// Gives it back, and keeps what is queued in as much memory as that takes, if that is less by far.
    #[cfg(feature = "server")]
    pub(crate) fn return_tail(&mut self, lender: &mut Vec<u8>) {
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

impl Segment {
    fn rest(&self) -> &[u8] {
        &self.bytes.as_ref()[self.start..]
    }

    /// How many bytes of memory it takes, until it has been written whole.
    fn held(&self) -> usize {
        self.bytes.held() + size_of::<Self>()
    }
}

/// Writes as much of a message as the stream takes now.
fn write_some(stream: &mut impl Write, message: &mut Outgoing<'_>) -> io::Result<()> {
    while !message.is_empty() {
        let outcome = retry(|| match message.parts() {
            [bytes, []] | [[], bytes] => stream.write(bytes),
            [head, content] => stream.write_vectored(&[IoSlice::new(head), IoSlice::new(content)]),
        });
        match outcome {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => message.advance(written),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(all(test, feature = "server"))]
mod tests;
