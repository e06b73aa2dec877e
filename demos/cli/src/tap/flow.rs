//! One direction of a connection: what is on its way, and where copies of it go.

use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use super::capture::Capture;
use super::journal::Journal;
use super::splitter::Splitter;
use super::totals::Totals;

/// How much of a direction is held at a time, in bytes.
const BUFFER: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToServer,
    ToClient,
}

impl Direction {
    pub(super) const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];

    /// As it is called in JSON, and in the names of files.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ToServer => "to-server",
            Self::ToClient => "to-client",
        }
    }

    /// Who sends.
    pub(super) const fn sender(self) -> &'static str {
        match self {
            Self::ToServer => "the client",
            Self::ToClient => "the server",
        }
    }

    /// Who receives.
    pub(super) const fn receiver(self) -> &'static str {
        match self {
            Self::ToServer => "the server",
            Self::ToClient => "the client",
        }
    }

    pub(super) const fn arrow(self) -> &'static str {
        match self {
            Self::ToServer => "->",
            Self::ToClient => "<-",
        }
    }
}

/// How far a direction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// The sender has ended it, which has not been passed on yet.
    Ending,
    /// Its end has been passed on.
    Ended,
    /// The receiver takes nothing any more.
    Broken,
}

/// What ends a whole connection.
#[derive(Debug)]
pub(super) struct Failure {
    /// In whose connection it was: the sender's or the receiver's.
    pub(super) whose: &'static str,
    pub(super) error: io::Error,
}

/// One direction of a connection.
pub(super) struct Flow {
    pub(super) direction: Direction,
    pub(super) state: State,
    buffer: Box<[u8]>,
    /// What has been read and not been written.
    pending: Range<usize>,
    /// How many bytes have been read.
    pub(super) total: u64,
    /// What hands over what others look at.
    pub(super) splitter: Splitter,
    capture: Option<Capture>,
    journal: Journal,
    totals: Arc<Totals>,
}

impl Flow {
    pub(super) fn new(
        direction: Direction,
        splitter: Splitter,
        capture: Option<Capture>,
        journal: Journal,
        totals: Arc<Totals>,
    ) -> Self {
        let buffer = vec![0; BUFFER].into();
        Self { direction, state: State::Open, buffer, pending: 0..0, total: 0, splitter, capture, journal, totals }
    }

    /// Passes on what can be, once: whether anything has moved. Nothing is read before everything that was has been written.
    pub(super) fn step(&mut self, from: &mut impl Read, to: &mut impl Peer) -> Result<bool, Failure> {
        if self.state == State::Ended || self.state == State::Broken {
            return Ok(false);
        }
        if !self.pending.is_empty() {
            return Ok(self.write(to));
        }
        if self.state == State::Open {
            match from.read(&mut self.buffer) {
                Ok(0) => self.state = State::Ending,
                Ok(count) => {
                    self.pending = 0..count;
                    self.total += count as u64;
                    // At once; others see it later.
                    self.write(to);
                    self.copy(count);
                    return Ok(true);
                }
                // An end without TLS's `close_notify` is passed on as an end.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.state = State::Ending,
                Err(error) => {
                    return if is_temporary(&error) {
                        Ok(error.kind() == ErrorKind::Interrupted)
                    } else {
                        Err(Failure { whose: self.direction.sender(), error })
                    };
                }
            }
        }
        match to.flush().and_then(|()| to.end_sending()) {
            Ok(()) => self.state = State::Ended,
            Err(error) if is_temporary(&error) => return Ok(error.kind() == ErrorKind::Interrupted),
            // Whoever is gone needs no end.
            Err(_) => self.state = State::Broken,
        }
        Ok(true)
    }

    fn write(&mut self, to: &mut impl Write) -> bool {
        match to.write(&self.buffer[self.pending.clone()]) {
            Ok(count) if count > 0 => {
                self.pending.start += count;
                true
            }
            Err(error) if is_temporary(&error) => error.kind() == ErrorKind::Interrupted,
            // What it has sent before can still be read.
            _ => {
                self.state = State::Broken;
                true
            }
        }
    }

    /// Gives the first bytes in the buffer to those who look at them and keep them.
    fn copy(&mut self, count: usize) {
        let bytes = &self.buffer[..count];
        let messages = self.splitter.messages;
        self.splitter.pass(bytes);
        self.totals.add(self.splitter.messages - messages, count as u64);
        if let Some(Err(reason)) = self.capture.as_mut().map(|capture| capture.write(bytes)) {
            self.capture = None;
            self.journal.failure(Some(self.direction), &format!("{reason}; nothing more of it is kept"));
        }
    }

    /// Whether nothing more happens in this direction.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Ended | State::Broken)
    }
}

/// How many more messages the client has sent than the server, if that says something: what is not understood may be an answer.
pub(super) fn unanswered([to_server, to_client]: &[Flow; 2]) -> u64 {
    let more = to_server.splitter.messages.saturating_sub(to_client.splitter.messages);
    if to_client.splitter.is_between_messages() { more } else { 0 }
}

/// Where bytes are passed on to.
pub(super) trait Peer: Write {
    /// Ends the direction of sending, after everything has been flushed.
    fn end_sending(&mut self) -> io::Result<()>;
}

impl Peer for crate::wire::Wire {
    fn end_sending(&mut self) -> io::Result<()> {
        Self::end_sending(self)
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
