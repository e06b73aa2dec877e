//! A reply that is sent later.

use jsonframe::Header;

use super::{Handle, Id};
use crate::{Content, Error};

/// A reply that is owed to a peer: [`Peer::reply_later`](super::Peer::reply_later). To be sent from any thread.
///
/// Dropped without being sent, it is not owed any more.
#[derive(Debug)]
#[must_use = "a reply that is dropped is never sent"]
pub struct Reply {
    handle: Handle,
    id: Id,
}

impl Reply {
    pub(super) const fn new(handle: Handle, id: Id) -> Self {
        Self { handle, id }
    }

    /// The connection that it is for.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// Sends the reply.
    ///
    /// # Errors
    ///
    /// Those of [`Handle::send`].
    pub fn send(self, header: &Header<'_>, content: impl Into<Content>) -> Result<(), Error> {
        self.handle.send(self.id, header, content)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // Behind the reply, in the same mailbox.
        self.handle.settle(self.id);
    }
}
