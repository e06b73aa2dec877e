//! A peer without a connection.

use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use jsonframe::{Dialect, OwnedMessage};
use mio::{Poll, Token, Waker};

use super::mailbox::{Command, Mailbox};
use super::shared::Shared;
use super::{Id, Limits, Peer};
use crate::engine::{CloseReason, Outbox, Sending, Totals};
use crate::io::flush;
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
/// let (mut peer, mut count) = (TestPeer::new(Limits::default())?, 6);
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
    /// What its mailbox wakes, which must be there.
    _poll: Poll,
}

impl TestPeer {
    /// A peer of a server with these limits. Its address is that of nobody.
    ///
    /// # Errors
    ///
    /// If the system has no poller to give.
    pub fn new(limits: Limits) -> io::Result<Self> {
        let poll = Poll::new()?;
        let totals = Arc::new(Totals::new(&limits, 1));
        let max_queued = totals.most_queued_for_one;
        let mailbox = Mailbox::new(Waker::new(poll.registry(), Token(0))?, totals);
        let shared = Arc::new(Shared::new(limits));
        shared.start([mailbox].into());
        let sending =
            Sending::new(Outbox::new(&Dialect::STANDARD), Arc::clone(&shared.limits), max_queued, Instant::now());
        Ok(Self { id: Id::new(0, 0), sending, shared, stream: Vec::new(), _poll: poll })
    }

    /// The peer, as a handler is lent it.
    pub fn peer(&mut self) -> Peer<'_> {
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        Peer::new(self.id, address, &mut self.stream, &mut self.sending, &self.shared)
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

    /// Does what has been asked for by handles and replies, as a worker does.
    fn open_mail(&mut self) {
        let Some(letters) = self.shared.mailbox(0).map(Mailbox::take) else { return };
        for command in letters.commands {
            match command {
                Command::Send { to, frame, .. } if to.is_none_or(|id| id == self.id) => {
                    // What is for a connection that is being closed is dropped.
                    let _ = self.peer().queue_frame(frame);
                }
                Command::LoseReply(id) if id == self.id => self.sending.end(CloseReason::ReplyLost),
                _ => {}
            }
        }
        if let Some(mark) = letters.marks.get(&self.id) {
            mark.apply(&mut self.sending);
        }
    }
}
