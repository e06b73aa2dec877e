//! One peer, as a handler sees it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use jsonframe::Header;
#[cfg(feature = "json")]
use jsonframe::Value;

use super::outlet::Outlet;
#[cfg(feature = "json")]
use super::serialized::with_json;
use super::shared::{Shared, lock};
use super::{Address, CloseReason, Handle, Id, Reply};
use crate::Error;
use crate::engine::Content;

/// A peer of the server, lent to the [`Handler`](super::Handler) while something of it is handled.
///
/// What is sent is queued, and written together when the handler has returned.
///
/// If the message that is being handled has an id ([`REQUEST_ID`](crate::REQUEST_ID)), the first message that is sent here
/// carries it as [`REPLY_TO`](crate::REPLY_TO), unless its header says whom it answers; or that of a [`Reply`] does, if one is
/// [made](Self::reply_later) before. The message is being handled from the call with its header to the return of the last one.
/// What is sent by a [`Handle`] is never a reply.
///
/// For unit tests of a handler, there is
/// [`TestPeer`](super::TestPeer).
pub struct Peer<'a> {
    id: Id,
    address: Address,
    access: Access<'a>,
    shared: &'a Arc<Shared>,
}

/// How a peer gets at what is sent to it.
pub(crate) enum Access<'a> {
    Owned(Mutex<Outlet<'a>>),
    /// By turns with the driver, which sends while the handler waits.
    Shared(&'a Mutex<Outlet<'a>>),
}

impl<'a> Peer<'a> {
    pub(crate) const fn new(id: Id, address: Address, access: Access<'a>, shared: &'a Arc<Shared>) -> Self {
        Self { id, address, access, shared }
    }

    pub(super) fn outlet(&self) -> MutexGuard<'_, Outlet<'a>> {
        lock(match &self.access {
            Access::Owned(outlet) => outlet,
            Access::Shared(outlet) => outlet,
        })
    }

    /// The connection's name, by which a [`Handle`] sends to it.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// The peer's address. Behind a proxy that sends a PROXY header it is the client's.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The certificates that the peer has shown in the handshake of TLS, its own first, as the server's configuration has
    /// verified them. None if it has shown none, or if this is not TLS.
    ///
    /// ```
    /// use jsonframe_std::protocol::Message;
    /// use jsonframe_std::server::{Handler, Peer};
    ///
    /// /// Knows its peers by their certificates.
    /// struct Guarded;
    ///
    /// impl Handler for Guarded {
    ///     type State = Vec<u8>;
    ///
    ///     fn connected(&mut self, peer: &mut Peer<'_>, name: &mut Vec<u8>) {
    ///         match peer.certificates().first() {
    ///             Some(certificate) => *name = certificate.to_vec(),
    ///             None => peer.close(),
    ///         }
    ///     }
    ///
    ///     fn message(&mut self, _: &mut Peer<'_>, _: &mut Vec<u8>, _: Message<'_>) {}
    /// }
    /// ```
    #[cfg(feature = "tls")]
    pub fn certificates(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
        let certificates = |session: &rustls::Connection| session.peer_certificates().map(<[_]>::to_vec);
        self.outlet().stream.tls().and_then(certificates).unwrap_or_default()
    }

    /// How many bytes are queued for the peer.
    pub fn queued(&self) -> usize {
        self.outlet().sending.outbox.queued()
    }

    /// A handle on the server.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(self.shared))
    }

    /// Sends a message of borrowed content. What is long is written at once as far as the peer takes it, and the rest is
    /// copied.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the header cannot be sent or announces another length than the content has,
    /// [`Error::QueueFull`] if the message does not fit ([`Limits::max_queued`](super::Limits::max_queued)): the connection is
    /// given up then. [`Error::Closed`] if it is closed already.
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.outlet().send(header, content)
    }

    /// Sends a message and takes its content, which is not copied unless it is small.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn queue(&mut self, header: &Header<'_>, content: impl Into<Content>) -> Result<(), Error> {
        let content = content.into();
        self.outlet().queue(header, content)
    }

    /// Sends a value as a message of JSON content, as [`send`](Self::send) does: of values that are not very long, one after
    /// the other is serialised in the same memory.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if the value has no form in JSON; and those of [`send`](Self::send).
    #[cfg(feature = "json")]
    pub fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.send_json_with(value, &[])
    }

    /// Sends a value as a message of JSON content, with members of its own in the header.
    ///
    /// ```
    /// use jsonframe_std::Error;
    /// use jsonframe_std::server::Peer;
    ///
    /// fn answer(peer: &mut Peer<'_>, request: u64) -> Result<(), Error> {
    ///     peer.send_json_with(&"found", &[("request", request.into())])
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send_json`](Self::send_json).
    #[cfg(feature = "json")]
    pub fn send_json_with<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<(), Error> {
        with_json(value, |content| {
            let mut outlet = self.outlet();
            let header = outlet.sending.outbox.dialect().json_header(content.len() as u64);
            outlet.send(&header.with_extensions(extensions), content)
        })
    }

    /// A reply that is owed to the peer, to be sent later and from any thread.
    ///
    /// Until it is sent or dropped, the connection is kept, be the peer idle, be its own half of the connection closed, or
    /// the server shutting down. While [`Limits::max_pending_replies`](super::Limits::max_pending_replies) of them are owed, nothing is read from the
    /// peer.
    pub fn reply_later(&mut self) -> Reply {
        let sending = &mut *self.outlet().sending;
        sending.reply_later();
        Reply::new(self.handle(), self.id, sending.request.take())
    }

    /// Ends the connection at this time, whatever happens on it until then, unless another time is set, or none, before. The
    /// handler can say why in [`farewell`](super::Handler::farewell), whose reason is
    /// [`Deadline::Handler`](super::Deadline::Handler).
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// use jsonframe_std::protocol::Message;
    /// use jsonframe_std::server::{Handler, Peer};
    ///
    /// /// Gives its peers five seconds to log in.
    /// struct Guarded;
    ///
    /// impl Handler for Guarded {
    ///     type State = Option<String>;
    ///
    ///     fn connected(&mut self, peer: &mut Peer<'_>, _: &mut Option<String>) {
    ///         peer.set_deadline(Some(Instant::now() + Duration::from_secs(5)));
    ///     }
    ///
    ///     fn message(&mut self, peer: &mut Peer<'_>, name: &mut Option<String>, message: Message<'_>) {
    ///         if name.is_none() {
    ///             *name = message.json().ok();
    ///             peer.set_deadline(None);
    ///         }
    ///     }
    /// }
    /// ```
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.outlet().sending.deadline = deadline;
    }

    /// Waits until no more is queued for the peer than [`Limits::max_unread_replies`](super::Limits::max_unread_replies), for a
    /// [`tokio::Handler`](crate::tokio::Handler) that sends a peer much, message by message. In a handler that cannot wait it
    /// is of no use: it returns at once.
    ///
    /// It can be dropped. If the peer takes nothing for too long, the connection ends, and with it the method that waits.
    ///
    /// ```
    /// use jsonframe_std::protocol::Message;
    /// use jsonframe_std::server::Peer;
    /// use jsonframe_std::tokio::Handler;
    ///
    /// /// Answers with as many messages as it is asked for.
    /// struct Counter;
    ///
    /// impl Handler for Counter {
    ///     type State = ();
    ///
    ///     async fn message(&self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
    ///         for number in 0..message.json::<u32>().unwrap_or(0) {
    ///             peer.ready().await;
    ///             if peer.send_json(&number).is_err() {
    ///                 return;
    ///             }
    ///         }
    ///     }
    /// }
    /// ```
    #[cfg(feature = "tokio")]
    pub async fn ready(&mut self) {
        if let Access::Shared(outlet) = &self.access {
            std::future::poll_fn(|context| lock(outlet).poll_ready(context)).await;
        }
    }

    /// Closes the connection once everything queued has been sent. Nothing more is received, and what the peer still
    /// sends is discarded; so is a [`Reply`] that is still owed.
    pub fn close(&mut self) {
        self.outlet().sending.end(CloseReason::ByHandler);
    }
}

impl fmt::Debug for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("id", &self.id).field("queued", &self.queued()).finish_non_exhaustive()
    }
}
