//! A peer without a connection.

use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use jsonframe::{Dialect, Header, OwnedMessage};

use super::mailbox::Mailbox;
use super::outlet::Outlet;
use super::peer::Access;
use super::shared::Shared;
use super::{Id, Limits, Peer};
use crate::engine::{Outbox, RequestId, Sending, Totals, request_id};
use crate::io::flush;
use crate::stream::Sink;
use crate::{Connection, Error};

/// A [`Peer`] without a connection, for unit tests of a [`Handler`](super::Handler).
///
/// It reads whatever is sent to it, at once or later by a [`Handle`](super::Handle) or a [`Reply`](super::Reply).
///
/// ```
/// use jsonframe_std::protocol::{Header, Message};
/// use jsonframe_std::server::{Handler, Limits, Peer, TestPeer};
///
/// /// Numbers the messages of each peer.
/// struct Counter;
///
/// impl Handler for Counter {
///     type State = u32;
///
///     fn message(&mut self, peer: &mut Peer<'_>, count: &mut u32, _: Message<'_>) {
///         *count += 1;
///         let _ = peer.send_json(count);
///     }
/// }
///
/// let (mut peer, mut count) = (TestPeer::new(Limits::default()), 6);
/// let message = Message::new(Header::for_json(2), b"{}")?;
/// Counter.message(&mut peer.peer(), &mut count, message);
/// let [sent] = &peer.take_sent()?[..] else { panic!("one answer") };
/// assert_eq!(sent.json::<u32>()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TestPeer {
    id: Id,
    sending: Sending,
    shared: Arc<Shared>,
    /// What has been written to it.
    stream: Vec<u8>,
}

impl TestPeer {
    /// A peer of a server with these limits. Its address is that of nobody.
    pub fn new(limits: Limits) -> Self {
        let totals = Arc::new(Totals::new(&limits, 1));
        let shared = Arc::new(Shared::new(limits));
        shared.start([Arc::clone(&totals)].into());
        let mailbox = Mailbox::new(Waker::noop().clone(), Arc::clone(&totals));
        let id = Id::new(shared.add_mailbox(mailbox.into()), 0);
        let outbox = Outbox::new(&Dialect::STANDARD);
        let sending = Sending::new(outbox, Arc::clone(&shared.limits), totals, Instant::now());
        Self { id, sending, shared, stream: Vec::new() }
    }

    /// The peer, as a handler is lent it.
    pub fn peer(&mut self) -> Peer<'_> {
        self.lend(None)
    }

    fn lend(&mut self, request: Option<RequestId>) -> Peer<'_> {
        self.sending.request = request;
        let address = SocketAddr::from(([0, 0, 0, 0], 0)).into();
        let access = Access::Owned(Outlet::new(&mut self.stream, &mut self.sending).into());
        Peer::new(self.id, address, access, &self.shared)
    }

    /// The peer, as a handler is lent it for a message of this header, whose id the reply names if it has one.
    ///
    /// ```
    /// use jsonframe_std::protocol::{Message, OwnedMessage};
    /// use jsonframe_std::server::{Handler, Limits, TestPeer, from_fn};
    /// use jsonframe_std::{REPLY_TO, REQUEST_ID};
    ///
    /// let mut echo = from_fn(|peer, request| {
    ///     let _ = peer.send_json(&request.json::<u32>().ok());
    ///     let _ = peer.send_json("no reply, for there has been one");
    /// });
    /// let request = OwnedMessage::from_json(&1)?.with_extensions(&[(REQUEST_ID, 7.into())])?;
    /// let mut peer = TestPeer::new(Limits::default());
    /// echo.message(&mut peer.peer_for(&request.header()), &mut (), request.message());
    /// let sent = peer.take_sent()?;
    /// let named: Vec<_> = sent.iter().map(|message| message.header().extension(REPLY_TO)).collect();
    /// assert_eq!(named, [Some(7.into()), None]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peer_for(&mut self, header: &Header<'_>) -> Peer<'_> {
        self.lend(request_id(header))
    }

    /// Takes what has been sent to it since it was last asked.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] if it is no sequence of messages, which does not happen.
    pub fn take_sent(&mut self) -> Result<Vec<OwnedMessage>, Error> {
        self.open_mail();
        flush(&mut self.sending.outbox, &mut self.stream, usize::MAX)?;
        let sent = Cursor::new(std::mem::take(&mut self.stream));
        let mut sent = Connection::new(sent).with_max_content(u64::MAX);
        let mut messages = Vec::new();
        while let Some(message) = sent.receive()? {
            messages.push(message.into_message()?);
        }
        Ok(messages)
    }

    /// Whether its connection would be closed now.
    pub fn is_closed(&mut self) -> bool {
        self.open_mail();
        self.sending.is_ending()
    }

    /// The time at which its connection would be ended: [`Peer::set_deadline`].
    pub const fn deadline(&self) -> Option<Instant> {
        self.sending.deadline
    }

    /// Does what has been asked for by handles and replies, as a server does.
    fn open_mail(&mut self) {
        if let Some(letters) = self.shared.mailbox(self.id).and_then(|mailbox| mailbox.take()) {
            Outlet::new(&mut self.stream, &mut self.sending).deliver(letters, self.id, Instant::now());
        }
    }
}

impl Sink for Vec<u8> {}
