//! Accepting connections, whatever goes wrong.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::AtLimit;
use super::shared::Shared;
use super::stream::Listener;

/// Why a connection was not accepted: [`Handler::not_accepted`](super::Handler::not_accepted).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAccepted {
    /// There were as many as there may be, so the one from this address was closed:
    /// [`AtLimit::Refuse`].
    #[error("there are as many connections as there may be")]
    AtLimit(SocketAddr),
    /// The system had none to give, for want of file descriptors or memory, or because the peer was gone already.
    #[error(transparent)]
    Io(io::Error),
}

/// How many connections are accepted before the others have their turn.
pub(crate) const AT_ONCE: usize = 256;
/// How long is waited after a failure: no more than 50 of them a second.
const PAUSE: Duration = Duration::from_millis(20);

/// A listener, and whether there is any use in asking it.
#[derive(Debug)]
pub(crate) struct Acceptor<L> {
    pub(crate) listener: L,
    /// Whether there may be a connection in the backlog.
    ready: bool,
    /// After a failure, when to try again.
    retry_at: Option<Instant>,
    /// In a shutdown, how many connections are still accepted: as many as can be in the backlog.
    left: Option<u32>,
}

impl<L: Listener> Acceptor<L> {
    pub(crate) const fn new(listener: L) -> Self {
        Self { listener, ready: true, retry_at: None, left: None }
    }

    /// The listener says that there is a connection.
    pub(crate) const fn wake(&mut self) {
        self.ready = true;
    }

    /// Accepts only those that wait already.
    pub(crate) const fn stop(&mut self, backlog: u32) {
        self.ready = true;
        // The system lets one more wait than it was told.
        self.left = Some(backlog.saturating_add(1));
    }

    /// Whether all that waited when it was stopped have been accepted.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.left, Some(0)) || (self.left.is_some() && !self.ready)
    }

    /// When it is to be asked, if not by an event.
    pub(crate) fn due(&self, shared: &Shared, now: Instant) -> Option<Instant> {
        if !self.ready || (shared.limits.at_limit == AtLimit::Wait && shared.is_at_limit()) {
            return None;
        }
        Some(self.retry_at.unwrap_or(now))
    }

    /// The next connection, if there is one that may be served, and how many were accepted before it. Never fails for
    /// good.
    pub(crate) fn accept(
        &mut self,
        not_accepted: &mut dyn FnMut(&NotAccepted),
        shared: &Shared,
        now: Instant,
    ) -> Option<(L::Stream, SocketAddr, u64)> {
        if self.due(shared, now).is_none_or(|due| due > now) || self.is_over() {
            return None;
        }
        self.retry_at = None;
        // Refusing connections is bounded too.
        for _ in 0..AT_ONCE {
            let accepted = self.listener.accept();
            if let (Ok(_), Some(left)) = (&accepted, &mut self.left) {
                *left = left.saturating_sub(1);
            }
            match accepted {
                Ok((stream, address)) if shared.is_at_limit() => {
                    shared.refused.fetch_add(1, Ordering::Relaxed);
                    drop(stream);
                    shared.guard(|| not_accepted(&NotAccepted::AtLimit(address)));
                }
                Ok((stream, address)) => {
                    shared.open.fetch_add(1, Ordering::SeqCst);
                    return Some((stream, address, shared.accepted.fetch_add(1, Ordering::Relaxed)));
                }
                Err(error) => {
                    self.fail(error, not_accepted, shared, now);
                    return None;
                }
            }
        }
        None
    }

    /// Whatever it is, for want of file descriptors or memory, or for a connection that was gone too soon, it passes.
    fn fail(&mut self, error: io::Error, not_accepted: &mut dyn FnMut(&NotAccepted), shared: &Shared, now: Instant) {
        match error.kind() {
            ErrorKind::WouldBlock => return self.ready = false,
            ErrorKind::Interrupted => return,
            // There is one less in the backlog, and no reason to have the others wait.
            ErrorKind::ConnectionAborted => {}
            _ => self.retry_at = now.checked_add(PAUSE),
        }
        shared.accept_errors.fetch_add(1, Ordering::Relaxed);
        shared.guard(|| not_accepted(&NotAccepted::Io(error)));
    }
}

#[cfg(test)]
mod tests {
    use mio::net::TcpListener;

    use super::super::Limits;
    use super::*;

    #[test]
    fn after_a_failure_it_is_tried_again_and_neither_at_once_nor_never() {
        let listener = TcpListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let (shared, mut told, now) = (Shared::new(Limits::default()), Vec::new(), Instant::now());
        let mut tell = |why: &NotAccepted| {
            let NotAccepted::Io(error) = why else { panic!("{why}") };
            told.push(error.kind());
        };
        let mut acceptor = Acceptor::new(listener);
        assert_eq!(acceptor.due(&shared, now), Some(now));
        for (kind, due, counted) in [
            (ErrorKind::Interrupted, Some(now), 0),
            // Each of these takes a connection from the backlog, so they come to an end.
            (ErrorKind::ConnectionAborted, Some(now), 1),
            (ErrorKind::OutOfMemory, Some(now + PAUSE), 2),
            (ErrorKind::Other, Some(now + PAUSE), 3),
        ] {
            acceptor.fail(kind.into(), &mut tell, &shared, now);
            assert_eq!((acceptor.due(&shared, now), shared.stats().accept_errors), (due, counted), "{kind}");
        }
        assert!(acceptor.accept(&mut tell, &shared, now).is_none());
        // When the time has come, it asks, and hears that there is none.
        assert!(acceptor.accept(&mut tell, &shared, now + PAUSE).is_none());
        assert_eq!(acceptor.due(&shared, now), None);
        acceptor.wake();
        assert_eq!(acceptor.due(&shared, now), Some(now));
        assert_eq!(told, [ErrorKind::ConnectionAborted, ErrorKind::OutOfMemory, ErrorKind::Other]);
    }
}
