//! A reply that is sent later.

use jsonframe::Header;
#[cfg(feature = "json")]
use jsonframe::Value;

use super::{Handle, Id};
use crate::engine::{RequestId, answering};
use crate::{Content, Error};

/// A reply that is owed to a peer: [`Peer::reply_later`](super::Peer::reply_later). To be sent from any thread.
///
/// If the request has an id ([`REQUEST_ID`](crate::REQUEST_ID)), the reply carries it as [`REPLY_TO`](crate::REPLY_TO), unless
/// its header says whom it answers.
///
/// Dropped without being sent, it is not owed any more. But if it cannot be sent, or its thread panics, the connection
/// ends ([`CloseReason::ReplyLost`](super::CloseReason::ReplyLost)): the peer would take the next reply for this one.
#[derive(Debug)]
#[must_use = "a reply that is dropped is never sent"]
pub struct Reply {
    handle: Handle,
    id: Id,
    /// The id of the request that it answers.
    request: Option<RequestId>,
    /// Whether it could not be sent, once that has been tried.
    lost: Option<bool>,
}

impl Reply {
    pub(super) const fn new(handle: Handle, id: Id, request: Option<RequestId>) -> Self {
        Self { handle, id, request, lost: None }
    }

    /// The connection that it is for.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// Sends the reply, of borrowed content, which is copied.
    ///
    /// # Errors
    ///
    /// Those of [`Handle::send`]. The connection ends then.
    pub fn send(self, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.queue(header, content.to_vec())
    }

    /// Sends the reply, and takes its content.
    ///
    /// # Errors
    ///
    /// Those of [`Handle::queue`]. The connection ends then.
    pub fn queue(self, header: &Header<'_>, content: impl Into<Content>) -> Result<(), Error> {
        let members = answering(self.request, header.extensions());
        let header = members.as_ref().map_or(*header, |members| header.with_extensions(members));
        self.by(|handle, id| handle.queue(id, &header, content))
    }

    /// Sends a value as the reply, of JSON content.
    ///
    /// ```
    /// use std::thread;
    ///
    /// use jsonframe_std::server::Peer;
    ///
    /// fn answer_later(peer: &mut Peer<'_>) {
    ///     let reply = peer.reply_later();
    ///     thread::spawn(move || reply.send_json("at last"));
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Handle::send_json`]. The connection ends then.
    #[cfg(feature = "json")]
    pub fn send_json<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.send_json_with(value, &[])
    }

    /// Sends a value as the reply, of JSON content, with members of its own in the header.
    ///
    /// # Errors
    ///
    /// Those of [`send_json`](Self::send_json).
    #[cfg(feature = "json")]
    pub fn send_json_with<T: serde::Serialize + ?Sized>(
        self,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<(), Error> {
        let members = answering(self.request, extensions.iter().copied());
        let extensions = members.as_deref().unwrap_or(extensions);
        self.by(|handle, id| handle.send_json_with(id, value, extensions))
    }

    fn by(mut self, send: impl FnOnce(&Handle, Id) -> Result<(), Error>) -> Result<(), Error> {
        let outcome = send(&self.handle, self.id);
        self.lost = Some(outcome.is_err());
        outcome
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // After the reply, in the same mailbox.
        self.handle.reply_done(self.id, self.lost.unwrap_or_else(std::thread::panicking));
    }
}
