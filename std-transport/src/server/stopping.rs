//! How a worker comes to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Token;
use mio::event::Source;

use super::Handler;
use super::connection::Pace;
use super::shared::Shared;
use super::stream::Listener;
use super::worker::{UNREAD, Worker};

impl<L: Listener<Stream: Source> + Source, S: Default> Worker<L, S> {
    /// Whether connections are to go on, to end when they are quiet, or, with half of the time gone, to end after the message
    /// they are at.
    pub(super) fn pace(&self, shutdown: Option<Instant>, now: Instant) -> Pace {
        match (shutdown, self.stopping) {
            (Some(until), Some(since)) if now >= since + until.saturating_duration_since(since) / 2 => Pace::Hurry,
            (Some(_), Some(_)) => Pace::Stop,
            _ => Pace::GoOn,
        }
    }

    /// Begins the shutdown.
    pub(super) fn stop(&mut self, now: Instant) {
        self.stopping = Some(now);
        // Those in the backlog are connected as far as their peers know, and may have sent something.
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.stop(self.shared.limits.backlog);
        }
        let slots: Vec<_> = self.links.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            // Whatever has arrived is read.
            self.wake(Token(slot), UNREAD, false);
        }
    }

    /// Ends all connections now.
    pub(super) fn abandon<H: Handler<State = S>>(&mut self, handler: &mut H) {
        let ends: Vec<_> = self.links.iter_mut().map(|(slot, link)| (slot, link.connection.engine.abandon())).collect();
        for (slot, why) in ends {
            self.remove(slot, &why, handler);
        }
    }
}

/// Ends the other workers when one has failed.
pub(super) struct EndsAll(pub(super) Arc<Shared>);

impl Drop for EndsAll {
    fn drop(&mut self) {
        if !self.0.is_accepting_over() || std::thread::panicking() {
            self.0.end_accepting();
            self.0.shut_down(Duration::ZERO);
        }
    }
}
