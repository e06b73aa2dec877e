//! The sending side of a session: messages queued, and written as far as the stream takes them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Write};

use jsonframe::{EncodeError, Header, Outgoing};

use crate::ahead::retry;
use crate::{Content, Error};

/// Bytes to be written, in order, and how far they have been. Holds no memory when there are none.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    segments: VecDeque<Segment>,
    /// How many bytes are to be written.
    queued: usize,
    /// Whether the stream has been given bytes since it was last flushed.
    unflushed: bool,
}

/// Bytes that lie together in memory.
#[derive(Debug)]
struct Segment {
    bytes: Bytes,
    /// How many of them have been written.
    start: usize,
}

#[derive(Debug)]
enum Bytes {
    /// More may be put behind them.
    Open(Vec<u8>),
    Closed(Content),
}

impl Outbox {
    /// Up to this length, content is copied behind its head, and messages are put together.
    pub(crate) const SMALL: usize = 16 * 1024;

    /// How many segments are written at once.
    const AT_ONCE: usize = 32;

    /// How long a head is for which there is room on the stack.
    const SHORT_HEAD: usize = 512;

    /// How many bytes are to be written.
    pub(crate) const fn queued(&self) -> usize {
        self.queued
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
        check_length(header, content.as_ref())?;
        self.queue_parts(header, &[])?;
        self.push(content);
        Ok(())
    }

    /// Queues a message and a copy of its content.
    pub(crate) fn queue_copy(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
        check_length(header, content)?;
        self.queue_parts(header, content)
    }

    /// Queues bytes that are encoded already.
    pub(crate) fn push(&mut self, bytes: Content) {
        let length = bytes.as_ref().len();
        if length > 0 {
            self.queued += length;
            self.segments.push_back(Segment { bytes: Bytes::Closed(bytes), start: 0 });
        }
    }

    /// Sends a message: writes at once if nothing is queued, and queues a copy of what the stream does not take.
    pub(crate) fn send(&mut self, stream: &mut impl Write, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        if self.queued > 0 {
            return Ok(self.queue_copy(header, content)?);
        }
        let needed = header.encoded_len();
        let mut short = [0; Self::SHORT_HEAD];
        let mut long = Vec::new();
        let room = if let Some(room) = short.get_mut(..needed) {
            room
        } else {
            long.resize(needed.min(2 + usize::from(u16::MAX)), 0);
            &mut long
        };
        let mut message = Outgoing::new(header, content, room)?;
        self.unflushed = true;
        let outcome = write_some(stream, &mut message);
        // Also after an error: what the stream has got must be followed by what it has not.
        for part in message.parts() {
            self.extend(part);
        }
        outcome?;
        if self.queued == 0 {
            self.pass_on(stream)?;
        }
        Ok(())
    }

    /// Writes what is queued until nothing is, or the stream takes no more now, or about so many bytes are written: true if
    /// the stream takes no more now.
    pub(crate) fn flush(&mut self, stream: &mut impl Write, mut budget: usize) -> io::Result<bool> {
        while self.queued > 0 && budget > 0 {
            let mut slices = [IoSlice::new(&[]); Self::AT_ONCE];
            let mut count = 0;
            for (slice, segment) in slices.iter_mut().zip(&self.segments) {
                *slice = IoSlice::new(segment.rest());
                count += 1;
            }
            let outcome = retry(|| match &slices[..count] {
                [single] => stream.write(single),
                several => stream.write_vectored(several),
            });
            match outcome {
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
        while let Some(segment) = self.segments.front_mut() {
            let left = segment.rest().len();
            if written < left {
                segment.start += written;
                return;
            }
            written -= left;
            self.segments.pop_front();
        }
        self.segments = VecDeque::new();
    }

    /// Encodes a head and puts it and the content into the segment that is open, or into a new one.
    fn queue_parts(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
        let needed = header.encoded_len().min(2 + usize::from(u16::MAX));
        let mut tail = self.take_tail(needed + content.len());
        let end = tail.bytes.len();
        tail.bytes.resize(end + needed, 0);
        let outcome = header.encode(&mut tail.bytes[end..]).map(drop);
        if outcome.is_ok() {
            tail.bytes.extend_from_slice(content);
        } else {
            tail.bytes.truncate(end);
        }
        self.put_tail(tail, end);
        outcome
    }

    fn extend(&mut self, bytes: &[u8]) {
        let mut tail = self.take_tail(bytes.len());
        let end = tail.bytes.len();
        tail.bytes.extend_from_slice(bytes);
        self.put_tail(tail, end);
    }

    /// Takes out the segment that is open, if so many bytes can be put there, or a new one.
    fn take_tail(&mut self, length: usize) -> Tail {
        match self.segments.pop_back() {
            Some(Segment { bytes: Bytes::Open(bytes), start }) if bytes.len().saturating_add(length) <= Self::SMALL => {
                Tail { bytes, start }
            }
            last => {
                self.segments.extend(last);
                Tail { bytes: Vec::with_capacity(length), start: 0 }
            }
        }
    }

    /// Puts it back; it was so long when it was taken out.
    fn put_tail(&mut self, tail: Tail, before: usize) {
        self.queued += tail.bytes.len() - before;
        if tail.bytes.len() > tail.start {
            self.segments.push_back(Segment { bytes: Bytes::Open(tail.bytes), start: tail.start });
        }
        if self.queued == 0 {
            self.segments = VecDeque::new();
        }
    }
}

/// The segment that is open, while bytes are put there.
struct Tail {
    bytes: Vec<u8>,
    start: usize,
}

impl Segment {
    fn rest(&self) -> &[u8] {
        let bytes = match &self.bytes {
            Bytes::Open(bytes) => bytes,
            Bytes::Closed(content) => content.as_ref(),
        };
        &bytes[self.start..]
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

/// Checks that the header announces the content's length.
pub(crate) const fn check_length(header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
    let (announced, actual) = (header.content_length(), content.len() as u64);
    if announced == actual { Ok(()) } else { Err(EncodeError::LengthMismatch { announced, actual }) }
}
