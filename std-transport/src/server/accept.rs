//! Accepting connections, whatever goes wrong.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};

use super::shared::Shared;
use super::{AtLimit, Handler};

/// Why a connection was not accepted: [`Handler::not_accepted`].
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

/// A listener, and whether there is any use in asking it.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    /// Whether there may be a connection in the backlog.
    ready: bool,
    /// After a failure, when to try again.
    retry_at: Option<Instant>,
    /// In a shutdown, how many connections are still accepted: as many as can be in the backlog.
    left: Option<u32>,
}

impl Acceptor {
    /// How long it waits after a failure: no more than 50 of them a second.
    const PAUSE: Duration = Duration::from_millis(20);
    /// How many connections are accepted before the others have their turn.
    pub(super) const AT_ONCE: usize = 256;

    pub(super) const fn new(listener: TcpListener) -> Self {
        Self { listener, ready: true, retry_at: None, left: None }
    }

    pub(super) const fn listener_mut(&mut self) -> &mut TcpListener {
        &mut self.listener
    }

    /// The listener says that there is a connection.
    pub(super) const fn wake(&mut self) {
        self.ready = true;
    }

    /// Accepts only those that wait already.
    pub(super) const fn stop(&mut self, backlog: u32) {
        self.ready = true;
        // The system lets one more wait than it was told.
        self.left = Some(backlog.saturating_add(1));
    }

    /// Whether all that waited when it was stopped have been accepted.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.left, Some(0)) || (self.left.is_some() && !self.ready)
    }

    /// When it is to be asked, if not by an event.
    pub(super) fn due(&self, shared: &Shared, now: Instant) -> Option<Instant> {
        if !self.ready || (shared.limits.at_limit == AtLimit::Wait && shared.is_at_limit()) {
            return None;
        }
        Some(self.retry_at.unwrap_or(now))
    }

    /// The next connection, if there is one that may be served, and how many were accepted before it. Never fails for
    /// good.
    pub(super) fn accept(
        &mut self,
        handler: &mut impl Handler,
        shared: &Shared,
        now: Instant,
    ) -> Option<(TcpStream, SocketAddr, u64)> {
        if self.due(shared, now).is_none_or(|due| due > now) || self.is_over() {
            return None;
        }
        self.retry_at = None;
        // Refusing connections is bounded too.
        for _ in 0..Self::AT_ONCE {
            let accepted = self.listener.accept();
            if let (Ok(_), Some(left)) = (&accepted, &mut self.left) {
                *left = left.saturating_sub(1);
            }
            match accepted {
                Ok((stream, address)) if shared.is_at_limit() => {
                    shared.refused.fetch_add(1, Ordering::Relaxed);
                    drop(stream);
                    shared.guard(|| handler.not_accepted(&NotAccepted::AtLimit(address)));
                }
                Ok((stream, address)) => {
                    shared.open.fetch_add(1, Ordering::SeqCst);
                    return Some((stream, address, shared.accepted.fetch_add(1, Ordering::Relaxed)));
                }
                Err(error) => {
                    self.fail(error, handler, shared, now);
                    return None;
                }
            }
        }
        None
    }

    /// Whatever it is, for want of file descriptors or memory, or for a connection that was gone too soon, it passes.
    fn fail(&mut self, error: io::Error, handler: &mut impl Handler, shared: &Shared, now: Instant) {
        match error.kind() {
            ErrorKind::WouldBlock => return self.ready = false,
            ErrorKind::Interrupted => return,
            // There is one less in the backlog, and no reason to have the others wait.
            ErrorKind::ConnectionAborted => {}
            _ => self.retry_at = now.checked_add(Self::PAUSE),
        }
        shared.accept_errors.fetch_add(1, Ordering::Relaxed);
        shared.guard(|| handler.not_accepted(&NotAccepted::Io(error)));
    }
}

#[cfg(test)]
mod tests {
    use jsonframe::Message;

    use super::super::{Limits, Peer};
    use super::*;

    #[derive(Default)]
    struct Told(Vec<ErrorKind>);

    impl Handler for Told {
        type State = ();

        fn message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}

        fn not_accepted(&mut self, why: &NotAccepted) {
            let NotAccepted::Io(error) = why else { panic!("{why}") };
            self.0.push(error.kind());
        }
    }

    #[test]
    fn after_a_failure_it_is_tried_again_and_neither_at_once_nor_never() {
        let listener = TcpListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let (shared, mut told, now) = (Shared::new(Limits::default()), Told::default(), Instant::now());
        let mut acceptor = Acceptor::new(listener);
        assert_eq!(acceptor.due(&shared, now), Some(now));
        for (kind, due, counted) in [
            (ErrorKind::Interrupted, Some(now), 0),
            // Each of these takes a connection from the backlog, so they come to an end.
            (ErrorKind::ConnectionAborted, Some(now), 1),
            (ErrorKind::OutOfMemory, Some(now + Acceptor::PAUSE), 2),
            (ErrorKind::Other, Some(now + Acceptor::PAUSE), 3),
        ] {
            acceptor.fail(kind.into(), &mut told, &shared, now);
            assert_eq!((acceptor.due(&shared, now), shared.stats().accept_errors), (due, counted), "{kind}");
        }
        assert!(acceptor.accept(&mut told, &shared, now).is_none());
        // When the time has come, it asks, and hears that there is none.
        assert!(acceptor.accept(&mut told, &shared, now + Acceptor::PAUSE).is_none());
        assert_eq!(acceptor.due(&shared, now), None);
        acceptor.wake();
        assert_eq!(acceptor.due(&shared, now), Some(now));
        assert_eq!(told.0, [ErrorKind::ConnectionAborted, ErrorKind::OutOfMemory, ErrorKind::Other]);
    }
}
