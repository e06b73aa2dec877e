//! The server, from any thread.

use std::sync::Arc;
use std::time::Duration;

use jsonframe::Header;

use super::frame::Frame;
use super::mailbox::Mailbox;
use super::shared::Shared;
use super::{Id, Stats};
use crate::{Content, Error};

/// Sends to a server's peers, and ends the server, from any thread. Cheap to clone.
///
/// From [`Server::handle`](super::Server::handle) or [`Peer::handle`](super::Peer::handle).
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Sends a message to a peer. Messages for a peer from one thread arrive in the order they were sent.
    ///
    /// Returns at once; if the connection has ended by the time the server gets there, the message is dropped. If it does
    /// not fit ([`Limits::max_queued`](super::Limits::max_queued)), the connection is closed.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the header cannot be sent or announces another length than the content has,
    /// [`Error::QueueFull`] if more is queued for all peers than may be
    /// ([`Limits::max_queued_total`](super::Limits::max_queued_total)), [`Error::Closed`] if the server does not run.
    pub fn send(&self, id: Id, header: &Header<'_>, content: impl Into<Content>) -> Result<(), Error> {
        let frame = Frame::new(header, content.into(), self.shared.sending_dialect())?;
        self.put(self.shared.mailboxes().get(id.worker()..=id.worker()), Some(id), frame)
    }

    /// Sends a message to all peers that are connected when the server gets there. It is encoded once, and its content is
    /// shared.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn broadcast(&self, header: &Header<'_>, content: impl Into<Content>) -> Result<(), Error> {
        let frame = Frame::new(header, content.into(), self.shared.sending_dialect())?.share();
        self.put(Some(self.shared.mailboxes()), None, frame)
    }

    /// Closes a connection once everything queued for it has been sent. What the peer still sends is discarded.
    pub fn close(&self, id: Id) {
        if let Some(mailbox) = self.shared.mailbox(id.worker()) {
            mailbox.close(id);
        }
    }

    /// Shuts the server down: it accepts no more connections, handles every message that has arrived or is under way,
    /// waits for replies that are owed and until all replies have been sent, and ends. What is not over within this time
    /// is broken off. A peer that never pauses is served for half of that time, and then no further than to the end of the
    /// message it is at. Returns at once.
    ///
    /// Asked again, it keeps to the shorter time: `shutdown(Duration::ZERO)` ends the server now.
    pub fn shutdown(&self, within: Duration) {
        self.shared.shut_down(within);
    }

    /// How the server is doing.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// A reply is not owed any more, for it was sent, dropped or lost.
    pub(super) fn settle(&self, id: Id, lost: bool) {
        if let Some(mailbox) = self.shared.mailbox(id.worker()) {
            mailbox.settle(id, lost);
        }
    }

    /// Puts a message into all of these mailboxes, or into none.
    fn put(&self, mailboxes: Option<&[Mailbox]>, to: Option<Id>, frame: Frame) -> Result<(), Error> {
        let running = mailboxes.filter(|_| !self.shared.is_over()).unwrap_or_default();
        let (last, others) = running.split_last().ok_or(Error::Closed)?;
        if running.iter().any(|mailbox| mailbox.totals.is_queue_full()) {
            return Err(Error::QueueFull);
        }
        for mailbox in others {
            mailbox.send(to, frame.clone());
        }
        last.send(to, frame);
        Ok(())
    }
}
