//! One connection of a client: requests go out, and replies come in.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem;
use std::time::Instant;

use jsonframe::OwnedMessage;

use super::Options;
use super::shared::{Frame, Shared};
use crate::Error;
use crate::io::{retry, write_slices};
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
    batch: Vec<(u64, Frame)>,
    /// How many of them have been written whole, and how many bytes of the next one.
    written: usize,
    start: usize,
    pub(super) unflushed: bool,
}

impl Link {
    /// How many messages are received before something is sent again.
    const AT_ONCE: usize = 64;

    pub(super) fn new(options: &Options, connected_at: Instant) -> Self {
        let mut receiver = Receiver::new(options.dialect, options.max_header, options.max_content);
        (receiver.blocks, receiver.keeps_buffers) = (false, true);
        Self {
            receiver,
            connected_at,
            has_received: false,
            has_replied: false,
            batch: Vec::new(),
            written: 0,
            start: 0,
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
        // Its limit tells whether anything came, be it the smallest part of a message.
        let mut stream = stream.take(u64::MAX);
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
        if stream.limit() < u64::MAX {
            shared.heard();
        }
        outcome
    }

    /// Sends the requests there are: true if the stream is blocked, false if there is nothing to send.
    pub(crate) fn send(&mut self, stream: &mut impl Write, shared: &Shared) -> io::Result<bool> {
        loop {
            if self.written == self.batch.len() {
                self.written = 0;
                shared.take_requests(&mut self.batch);
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
        let left = self.batch[self.written..].iter().map(|(_, frame)| IoSlice::new(&frame[mem::take(&mut start)..]));
        match write_slices(stream, left)? {
            0 => Err(ErrorKind::WriteZero.into()),
            count => Ok(count),
        }
    }

    fn wrote(&mut self, count: usize) {
        self.unflushed = true;
        self.start += count;
        for (_, frame) in &self.batch[self.written..] {
            if self.start < frame.len() {
                return;
            }
            self.start -= frame.len();
            self.written += 1;
        }
        // A stream that says it has written more than there was is not believed.
        self.start = 0;
    }

    /// The requests of which no byte has been written.
    pub(super) fn into_unsent(self) -> impl Iterator<Item = (u64, Frame)> {
        let begun = self.written + usize::from(self.start > 0);
        self.batch.into_iter().skip(begun)
    }
}

/// The peer sends nothing, though a reply is overdue.
pub(crate) fn silent() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the peer has been silent for too long")
}
