//! What a worker is asked to do by other threads, and the messages that they have it send.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::Waker;

use jsonframe::{Dialect, EncodeError, Header, Message};
use mio::net::TcpStream;

use super::Id;
use super::accept::Arrival;
use super::shared::lock;
use crate::engine::{Charges, CloseReason, Content, Held, Holding, Outbox, Totals};

/// What is waiting for a worker. It is bounded: by the totals, by the number of connections, and by that of their names.
#[derive(Debug)]
pub(crate) struct Mailbox {
    letters: Mutex<Letters>,
    /// Wakes the worker.
    waker: Mutex<Waker>,
    /// What its only connection holds, where each connection has a worker of its own.
    holding: Mutex<Option<(Holding, Id)>>,
    pub(super) totals: Arc<Totals>,
}

/// What a worker is to do.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    /// In this order.
    pub(super) commands: Vec<Command>,
    /// After the commands.
    pub(crate) marks: BTreeMap<Id, Mark>,
}

#[derive(Debug)]
pub(super) enum Command {
    /// Ends a connection.
    End(Id, CloseReason),
    /// Sends to a connection, or to all.
    Send { to: Option<Id>, frame: Frame, held: Held },
    /// Serves a connection that another worker has accepted.
    Admit(Arrival<TcpStream>),
}

/// What has become of a connection in other threads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    /// How many replies are owed no more.
    pub(super) replies_done: u32,
    /// Whether one of the commands is that it ends, come what may.
    ends: bool,
    /// Whether it is to end if it is idle, for another one to have its place.
    make_room: bool,
}

impl Letters {
    /// Whether this connection is to end if it is idle.
    pub(crate) fn ask_for_place(&self, id: Id) -> bool {
        self.marks.get(&id).is_some_and(|mark| mark.make_room)
    }

    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.marks.is_empty()
    }
}

impl Mailbox {
    pub(crate) fn new(waker: Waker, totals: Arc<Totals>) -> Self {
        Self { letters: Mutex::default(), waker: Mutex::new(waker), holding: Mutex::default(), totals }
    }

    pub(super) fn notify(&self) {
        self.waker().wake();
    }

    pub(super) fn waker(&self) -> Waker {
        lock(&self.waker).clone()
    }

    /// Replaces the waker.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        lock(&self.waker).clone_from(waker);
    }

    /// Sends to a connection, or to all of the worker's.
    pub(super) fn send(&self, to: Option<Id>, frame: Frame) {
        let frame = frame.charged(&self.totals.queued);
        let held = self.totals.pending.hold(size_of::<Command>() + frame.held());
        self.put(|letters| letters.commands.push(Command::Send { to, frame, held }));
    }

    /// Has its only connection counted, and notes what it holds. Whoever sees the count in the totals sees the note too, or waits
    /// for it.
    pub(crate) fn count(&self, id: Id, count: impl FnOnce() -> Holding) {
        let mut holding = lock(&self.holding);
        *holding = Some((count(), id));
    }

    pub(crate) fn holding(&self) -> Option<(Holding, Id)> {
        *lock(&self.holding)
    }

    /// Ends a connection, after what was sent to it before has been queued.
    pub(crate) fn end_connection(&self, id: Id, reason: CloseReason) {
        self.put(|letters| {
            let mark = letters.marks.entry(id).or_default();
            if !mark.ends {
                // Of a queue that is full, the peer may take something yet.
                mark.ends = !matches!(reason, CloseReason::QueueFull);
                letters.commands.push(Command::End(id, reason));
            }
        });
    }

    /// Ends a connection if it is idle, for another one to have its place.
    pub(crate) fn ask_for_place(&self, id: Id) {
        self.put(|letters| letters.marks.entry(id).or_default().make_room = true);
    }

    /// Has the worker serve a connection.
    pub(super) fn admit(&self, arrival: Arrival<TcpStream>) {
        self.put(|letters| letters.commands.push(Command::Admit(arrival)));
    }

    /// Owes a connection a reply less.
    pub(super) fn reply_done(&self, id: Id) {
        self.put(|letters| {
            let mark = letters.marks.entry(id).or_default();
            mark.replies_done = mark.replies_done.saturating_add(1);
        });
    }

    /// Takes what is there, if anything is.
    pub(crate) fn take(&self) -> Option<Letters> {
        let mut letters = lock(&self.letters);
        (!letters.is_empty()).then(|| std::mem::take(&mut *letters))
    }

    fn put(&self, put: impl FnOnce(&mut Letters)) {
        let mut letters = lock(&self.letters);
        let first = letters.is_empty();
        put(&mut letters);
        drop(letters);
        // Whoever put the first one there has woken the worker, or is about to.
        if first {
            self.notify();
        }
    }
}

/// A message that is encoded before it is known what becomes of its connections: its head, with its content if that is small, and
/// the content otherwise.
#[derive(Clone, Debug)]
pub(super) struct Frame([Content; 2]);

impl Frame {
    pub(super) fn new(header: &Header<'_>, content: Content, dialect: &Dialect) -> Result<Self, EncodeError> {
        let bytes = content.as_ref();
        Message::new(*header, bytes)?;
        let mut head = Vec::new();
        dialect.append_to(header, &mut head)?;
        if bytes.len() <= Outbox::SMALL {
            head.extend_from_slice(bytes);
            return Ok(Self([head.into(), "".into()]));
        }
        Ok(Self([head.into(), content]))
    }

    /// The same, cheap to clone.
    pub(super) fn share(self) -> Self {
        Self(self.0.map(Content::share))
    }

    /// The same, with what is shared counted once for all that share it.
    pub(super) fn charged(self, charges: &Arc<Charges>) -> Self {
        Self(self.0.map(|part| part.charged(charges)))
    }

    /// How many bytes of memory it holds; but for what is charged.
    pub(super) fn held(&self) -> usize {
        self.0.iter().map(Content::held).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|part| part.as_ref().len()).sum()
    }

    pub(super) fn queue(self, outbox: &mut Outbox) {
        self.0.into_iter().for_each(|part| outbox.push(part));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    fn mailbox() -> Mailbox {
        Mailbox::new(Waker::noop().clone(), Arc::new(Totals::new(&Limits::default(), 1)))
    }

    #[test]
    fn however_often_a_connection_is_closed_or_a_reply_is_done_it_is_one_letter() {
        let (mailbox, ids) = (mailbox(), [Id::new(0, 0), Id::new(0, 1)]);
        for round in 0..1000 {
            for id in ids {
                mailbox.end_connection(id, CloseReason::ReplyLost);
                mailbox.reply_done(id);
                if round >= 500 {
                    mailbox.end_connection(id, CloseReason::ByHandler);
                }
            }
        }
        let letters = mailbox.take().unwrap();
        let lost = letters.commands.iter().map(|command| match command {
            Command::End(id, CloseReason::ReplyLost) => *id,
            other => panic!("{other:?}"),
        });
        assert_eq!(lost.collect::<Vec<_>>(), ids);
        let marks = letters.marks.into_iter().map(|(id, mark)| (id, mark.replies_done, mark.ends));
        assert_eq!(marks.collect::<Vec<_>>(), ids.map(|id| (id, 1000, true)));
        assert!(mailbox.take().is_none());
    }

    #[test]
    fn what_waits_in_the_mailbox_counts_until_it_is_dropped() {
        let mailbox = mailbox();
        let header = Header::new("bytes", "binary", 100_000);
        let frame = Frame::new(&header, vec![0; 100_000].into(), &Dialect::STANDARD).unwrap();
        mailbox.send(None, frame);
        assert!((100_000..101_000).contains(&mailbox.totals.all_queued()));
        drop(mailbox.take());
        assert_eq!(mailbox.totals.all_queued(), 0);
    }
}
