//! One connection of a client: requests go out, and replies come in.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::time::Instant;

use jsonframe::OwnedMessage;

use super::Options;
use super::shared::{Frame, Shared};
use crate::Error;
use crate::io::retry;
use crate::receive::Receiver;

/// What a stream is used for, as far as it goes without blocking.
#[derive(Debug)]
pub(crate) struct Link {
    receiver: Receiver,
    pub(super) connected_at: Instant,
    /// Whether a message has been received.
    pub(super) has_received: bool,
    /// Whether one of them was a reply.
    pub(super) has_replied: bool,
    /// The requests that are being written.
    batch: VecDeque<(u64, Frame)>,
    /// How many bytes of the first of them have been written.
    start: usize,
    /// The requests that have been written whole since that was last told.
    written: Vec<Frame>,
    pub(super) unflushed: bool,
}

impl Link {
    /// How many messages are received before something is sent again.
    const AT_ONCE: usize = 64;

    pub(super) fn new(options: &Options, connected_at: Instant) -> Self {
        let receiver = Receiver::new(options.dialect, options.max_header, options.max_content);
        Self {
            receiver: receiver.without_blocking().keeping_buffers(),
            connected_at,
            has_received: false,
            has_replied: false,
            batch: VecDeque::new(),
            start: 0,
            written: Vec::new(),
            unflushed: false,
        }
    }

    /// Receives replies for the calls they belong to: true if there may be more. A message that is none is handed to `on_push`,
    /// which says whether to go on at once. The end of the stream is an error.
    pub(crate) fn receive(
        &mut self,
        stream: &mut impl Read,
        shared: &Shared,
        mut on_push: impl FnMut(OwnedMessage) -> bool,
    ) -> Result<bool, Error> {
        let mut stream = Heard { stream, is_heard: false };
        let mut left = Self::AT_ONCE;
        let outcome = loop {
            match self.receiver.next_message(&mut stream) {
                Ok(Some(message)) => {
                    let push = shared.received(message);
                    self.has_received = true;
                    self.has_replied |= push.is_none();
                    left -= 1;
                    if !push.is_none_or(&mut on_push) || left == 0 {
                        break Ok(true);
                    }
                }
                Ok(None) => {
                    break Err(io::Error::new(ErrorKind::UnexpectedEof, "the peer has ended the connection").into());
                }
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        if stream.is_heard {
            shared.heard();
        }
        outcome
    }

    /// Sends the requests there are: true if the stream is blocked, false if there is nothing to send.
    pub(crate) fn send(&mut self, stream: &mut impl Write, shared: &Shared) -> io::Result<bool> {
        loop {
            if self.batch.is_empty() {
                shared.take_requests(&mut self.written, &mut self.batch);
            }
            let outcome = if !self.batch.is_empty() {
                retry(|| self.write(stream)).map(|count| self.wrote(count))
            } else if self.unflushed {
                retry(|| stream.flush()).map(|()| self.unflushed = false)
            } else {
                return Ok(false);
            };
            match outcome {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                outcome => outcome?,
            }
        }
    }

    fn write(&self, stream: &mut impl Write) -> io::Result<usize> {
        let mut start = self.start;
        let mut slices = [IoSlice::new(&[]); Shared::BATCH.1];
        for (slice, (_, frame)) in slices.iter_mut().zip(&self.batch) {
            *slice = IoSlice::new(frame.get(std::mem::take(&mut start)..).unwrap_or_default());
        }
        let count = match &slices[..self.batch.len().min(Shared::BATCH.1)] {
            [single] => stream.write(single),
            several => stream.write_vectored(several),
        }?;
        if count == 0 { Err(ErrorKind::WriteZero.into()) } else { Ok(count) }
    }

    fn wrote(&mut self, count: usize) {
        self.unflushed = true;
        self.start += count;
        while let Some((_, frame)) = self.batch.front() {
            if self.start < frame.len() {
                return;
            }
            self.start -= frame.len();
            self.written.extend(self.batch.pop_front().map(|(_, frame)| frame));
        }
        // A stream that says it has written more than there was is not believed.
        self.start = 0;
    }

    /// The requests of which no byte has been written.
    pub(super) fn into_unsent(mut self) -> VecDeque<(u64, Frame)> {
        if self.start > 0 {
            self.batch.pop_front();
        }
        self.batch
    }
}

/// The peer sends nothing, though a reply is overdue.
pub(crate) fn silent() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the peer has been silent for too long")
}

/// A stream that notes whether anything came.
struct Heard<'s, S> {
    stream: &'s mut S,
    is_heard: bool,
}

impl<S: Read> Read for Heard<'_, S> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(space)?;
        self.is_heard |= count > 0;
        Ok(count)
    }
}
