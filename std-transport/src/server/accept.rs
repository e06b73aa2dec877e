//! Accepting connections, whatever goes wrong.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};

use super::AtLimit;
use super::shared::Shared;

/// A listener, and whether there is any use in asking it.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    /// Whether there may be a connection in the backlog.
    ready: bool,
    /// After a failure, when to try again.
    retry_at: Option<Instant>,
}

impl Acceptor {
    /// How long it waits after a failure: no more than 50 of them a second.
    const PAUSE: Duration = Duration::from_millis(20);
    /// How many connections are accepted before the others have their turn.
    pub(super) const AT_ONCE: usize = 256;

    pub(super) const fn new(listener: TcpListener) -> Self {
        Self { listener, ready: true, retry_at: None }
    }

    pub(super) const fn listener_mut(&mut self) -> &mut TcpListener {
        &mut self.listener
    }

    /// The listener says that there is a connection.
    pub(super) const fn wake(&mut self) {
        self.ready = true;
    }

    /// When it is to be asked, if not by an event.
    pub(super) fn due(&self, shared: &Shared, now: Instant) -> Option<Instant> {
        if !self.ready || (shared.limits.at_limit == AtLimit::Wait && shared.is_at_limit()) {
            return None;
        }
        Some(self.retry_at.unwrap_or(now))
    }

    /// The next connection, if there is one that may be served. Never fails for good.
    pub(super) fn accept(&mut self, shared: &Shared, now: Instant) -> Option<(TcpStream, SocketAddr)> {
        if self.due(shared, now).is_none_or(|due| due > now) {
            return None;
        }
        self.retry_at = None;
        // Connections are refused only so many at a time too.
        for _ in 0..Self::AT_ONCE {
            match self.listener.accept() {
                Ok(_) if shared.is_at_limit() => {
                    shared.refused.fetch_add(1, Ordering::Relaxed);
                }
                Ok(connection) => {
                    shared.accepted.fetch_add(1, Ordering::Relaxed);
                    shared.open.fetch_add(1, Ordering::SeqCst);
                    return Some(connection);
                }
                Err(error) => {
                    self.fail(&error, shared, now);
                    return None;
                }
            }
        }
        None
    }

    /// Whatever it is, for want of file descriptors or memory, or for a connection that was gone too soon, it passes.
    fn fail(&mut self, error: &io::Error, shared: &Shared, now: Instant) {
        match error.kind() {
            ErrorKind::WouldBlock => self.ready = false,
            ErrorKind::Interrupted => {}
            _ => {
                shared.accept_errors.fetch_add(1, Ordering::Relaxed);
                self.retry_at = now.checked_add(Self::PAUSE);
            }
        }
    }
}
