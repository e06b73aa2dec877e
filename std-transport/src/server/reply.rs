//! A reply that is sent later.

use jsonframe::Header;

use super::{Handle, Id};
use crate::{Content, Error};

/// A reply that is owed to a peer: [`Peer::reply_later`](super::Peer::reply_later). To be sent from any thread.
///
/// Dropped without being sent, it is not owed any more. But if it cannot be sent, or its thread panics, the connection
/// ends ([`Closed::ReplyLost`](super::Closed::ReplyLost)): the peer would take the next reply for this one.
#[derive(Debug)]
#[must_use = "a reply that is dropped is never sent"]
pub struct Reply {
    handle: Handle,
    id: Id,
    /// Whether it could not be sent, once that has been tried.
    lost: Option<bool>,
}

impl Reply {
    pub(super) const fn new(handle: Handle, id: Id) -> Self {
        Self { handle, id, lost: None }
    }

    /// The connection that it is for.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// Sends the reply.
    ///
    /// # Errors
    ///
    /// Those of [`Handle::send`]. The connection ends then.
    pub fn send(mut self, header: &Header<'_>, content: impl Into<Content>) -> Result<(), Error> {
        let outcome = self.handle.send(self.id, header, content);
        self.lost = Some(outcome.is_err());
        outcome
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // After the reply, in the same mailbox.
        self.handle.settle(self.id, self.lost.unwrap_or_else(std::thread::panicking));
    }
}
