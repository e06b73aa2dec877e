//! Closing a connection so that what was sent last arrives.
//!
//! To close with bytes unread makes TCP reset the connection, and a reset makes the peer forget what it has not read yet.
//! So the server's half is closed first, and what the peer still sends is read and discarded, within bounds.

use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::time::Instant;

use mio::net::TcpStream;

use super::{Closed, Limits};
use crate::ahead::retry;

/// The last of a connection.
#[derive(Debug)]
pub(super) struct Linger {
    pub(super) why: Closed,
    /// How many bytes may still be discarded.
    left: u64,
    /// Once the server's half is closed, when the other one is given up.
    until: Option<Instant>,
    /// When the peer will have been silent for too long.
    silent_until: Option<Instant>,
}

/// What discarding has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Discarded {
    /// All that there was.
    All,
    /// As much as is fair to the others.
    Some,
    /// There is nothing more to be had, or too much.
    Over,
}

impl Linger {
    pub(super) const fn new(why: Closed, limits: &Limits) -> Self {
        Self { why, left: limits.linger_bytes, until: None, silent_until: None }
    }

    /// Closes the server's half, all having been sent.
    pub(super) fn close_half(&mut self, stream: &TcpStream, limits: &Limits, now: Instant) -> io::Result<()> {
        if self.until.is_none() {
            stream.shutdown(Shutdown::Write)?;
            self.until = now.checked_add(limits.linger);
            self.silent_until = now.checked_add(limits.linger_silence);
        }
        Ok(())
    }

    /// When it is over at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        self.until.into_iter().chain(self.silent_until).min()
    }

    /// Reads and discards at most about so many bytes.
    pub(super) fn discard(
        &mut self,
        mut stream: &TcpStream,
        room: &mut [u8],
        mut budget: usize,
        limits: &Limits,
        now: Instant,
    ) -> Discarded {
        while budget > 0 {
            match retry(|| stream.read(room)) {
                Ok(count @ 1..) => {
                    budget = budget.saturating_sub(count);
                    self.left = self.left.saturating_sub(count as u64);
                    self.silent_until = self.until.and_then(|_| now.checked_add(limits.linger_silence));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Discarded::All,
                Ok(0) | Err(_) => return Discarded::Over,
            }
            if self.left == 0 {
                return Discarded::Over;
            }
        }
        Discarded::Some
    }
}
