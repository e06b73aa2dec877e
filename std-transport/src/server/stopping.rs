//! How a worker comes to its end.

use std::sync::Arc;
use std::time::Duration;

use mio::Token;
use mio::event::Source;

use super::Handler;
use super::shared::Shared;
use super::stream::{Listener, Stream};
use super::worker::{UNREAD, Worker};

impl<L: Listener<Stream: Source + Stream> + Source, S: Default> Worker<L, S> {
    /// Begins the shutdown.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
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
