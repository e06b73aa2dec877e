//! The server, from any thread.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use jsonframe::Header;
#[cfg(feature = "json")]
use jsonframe::Value;

use super::mailbox::Frame;
use super::shared::Shared;
use super::{Accepted, CloseReason, Id, NotAccepted, Stats, To};
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

    /// Sends a message of borrowed content, which is copied. Messages for a peer from one thread arrive in the order they
    /// were sent.
    ///
    /// Returns at once. What is for a connection that has ended by the time the server gets there is dropped. If it does not
    /// fit ([`Limits::max_queued`](super::Limits::max_queued)), the connection is closed.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the header cannot be sent or announces another length than the content has,
    /// [`Error::QueueFull`] if more is queued for all peers than may be
    /// ([`Limits::max_queued_total`](super::Limits::max_queued_total)), [`Error::Closed`] if the server does not run.
    pub fn send<'t>(&self, to: impl Into<To<'t>>, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.queue(to, header, content.to_vec())
    }

    /// Sends a message and takes its content. For several peers it is encoded once, and its content is shared.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn queue<'t>(
        &self,
        to: impl Into<To<'t>>,
        header: &Header<'_>,
        content: impl Into<Content>,
    ) -> Result<(), Error> {
        self.put(to.into(), Frame::new(header, content.into(), self.shared.sending_dialect())?)
    }

    /// Sends a value as a message of JSON content.
    ///
    /// ```
    /// use jsonframe_std::Error;
    /// use jsonframe_std::server::{Handle, Id, To};
    ///
    /// fn tell(handle: &Handle, room: &[Id]) -> Result<(), Error> {
    ///     handle.send_json(room, "to those in the room")?;
    ///     handle.send_json(room[0], "to the first")?;
    ///     handle.send_json(To::All, "to everybody")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if the value has no form in JSON; and those of [`send`](Self::send).
    #[cfg(feature = "json")]
    pub fn send_json<'t, T: serde::Serialize + ?Sized>(&self, to: impl Into<To<'t>>, value: &T) -> Result<(), Error> {
        self.send_json_with(to, value, &[])
    }

    /// Sends a value as a message of JSON content, with members of its own in the header.
    ///
    /// # Errors
    ///
    /// Those of [`send_json`](Self::send_json).
    #[cfg(feature = "json")]
    pub fn send_json_with<'t, T: serde::Serialize + ?Sized>(
        &self,
        to: impl Into<To<'t>>,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<(), Error> {
        let content = jsonframe::to_json(value)?;
        let header = self.shared.sending_dialect().json_header(content.len() as u64);
        self.queue(to, &header.with_extensions(extensions), content)
    }

    /// Closes a connection once everything queued for it has been sent. What is sent to it after this is dropped, and what the
    /// peer still sends is discarded.
    pub fn close(&self, id: Id) {
        if let Some(mailbox) = self.shared.mailbox(id) {
            mailbox.end_connection(id, CloseReason::ByHandler);
        }
    }

    /// Serves a stream that somebody else has accepted, as if it had come by a listener without TLS and PROXY header. It waits
    /// as others do in the backlog, and counts as they do.
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::server::{Limits, Server, from_fn};
    ///
    /// let server = Server::bind("127.0.0.1:0", Limits::default())?;
    /// let handle = server.handle();
    /// let thread = std::thread::spawn(move || {
    ///     server.run(from_fn(|peer, message| drop(peer.send(&message.header(), message.content()))))
    /// });
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut connection = Connection::connect(listener.local_addr()?)?;
    /// handle.adopt(listener.accept()?.0)?;
    /// connection.send_json("hello")?;
    /// assert_eq!(connection.receive()?.expect("an answer").json::<String>()?, "hello");
    ///
    /// handle.shutdown(std::time::Duration::ZERO);
    /// thread.join().expect("it does not panic")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotAccepted::AtLimit`] if [`Limits::backlog`](super::Limits::backlog) of them wait already, [`NotAccepted::Io`] if the
    /// peer is gone or the stream cannot be made non-blocking, [`NotAccepted::Closed`] if the server has ended or is being shut
    /// down.
    pub fn adopt(&self, stream: impl Into<Accepted>) -> Result<(), NotAccepted> {
        self.shared.adopt(stream.into())
    }

    /// Shuts the server down: it accepts no more connections, handles every message that has arrived or is under way,
    /// waits for replies that are owed and until all replies have been sent, and ends. What is not over within this time
    /// is broken off. A peer that never pauses is served for half of that time, and then no further than to the end of the
    /// message it is at. Of a connection whose handshake is not complete, what has arrived is taken, and then it is ended. Returns
    /// at once.
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
    pub(super) fn reply_done(&self, id: Id, lost: bool) {
        if let Some(mailbox) = self.shared.mailbox(id) {
            if lost {
                // The peer would take the next reply for this one.
                mailbox.end_connection(id, CloseReason::ReplyLost);
            }
            mailbox.reply_done(id);
        }
    }

    /// Puts a message into the mailboxes of all that it is for, or into none.
    fn put(&self, to: To<'_>, frame: Frame) -> Result<(), Error> {
        if !self.shared.is_running() {
            return Err(Error::Closed);
        }
        let mailboxes = self.shared.mailboxes();
        let ids = match &to {
            To::One(id) => slice::from_ref(id),
            To::Many(ids) => ids,
            To::All => &[],
        };
        let named = ids.iter().filter_map(|id| Some((Some(*id), mailboxes.get(id.mailbox())?)));
        let all = mailboxes.iter().filter(|_| matches!(to, To::All)).map(|(_, mailbox)| (None, mailbox));
        let mut addressed = named.chain(all);
        if addressed.clone().any(|(_, mailbox)| mailbox.totals.is_queue_full()) {
            return Err(Error::QueueFull);
        }
        if let To::One(_) = to {
            // It need not be shared.
            if let Some((id, mailbox)) = addressed.next() {
                mailbox.send(id, frame);
            }
        } else {
            let frame = frame.share();
            addressed.for_each(|(id, mailbox)| mailbox.send(id, frame.clone()));
        }
        Ok(())
    }
}
