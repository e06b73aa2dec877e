//! What a worker is asked to do by other threads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use mio::net::TcpStream;

use super::Id;
use super::accept::Arrival;
use super::frame::Frame;
use super::shared::lock;
use crate::engine::{CloseReason, Held, Holding, Sending, Totals};

/// What is waiting for a worker. It is bounded: by the totals, by the number of connections, and by that of their names.
#[derive(Debug)]
pub(crate) struct Mailbox {
    inside: Mutex<Inside>,
    pub(super) totals: Arc<Totals>,
}

#[derive(Debug)]
struct Inside {
    /// There until the worker has ended.
    letters: Option<Letters>,
    /// Wakes the worker.
    waker: Waker,
    /// What its only connection holds, where each connection has a worker of its own.
    holding: Option<(Holding, Id)>,
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
    replies_done: u32,
    /// Whether one of them could not be sent, which is a command too.
    reply_lost: bool,
    /// Whether it is to be closed.
    close: bool,
    /// Whether it is to end if it is idle, for another one to have its place.
    make_room: bool,
}

impl Mark {
    pub(crate) fn apply(self, sending: &mut Sending) {
        sending.replies_done(self.replies_done);
        if self.close {
            sending.end(CloseReason::ByHandler);
        }
    }
}

impl Letters {
    /// Whether this connection is asked to make room.
    pub(crate) fn ask_for_room(&self, id: Id) -> bool {
        self.commands.iter().any(|command| matches!(command, Command::End(of, CloseReason::QueueFull) if *of == id))
    }

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
        Self { inside: Mutex::new(Inside { letters: Some(Letters::default()), waker, holding: None }), totals }
    }

    pub(super) fn notify(&self) {
        self.waker().wake();
    }

    pub(super) fn waker(&self) -> Waker {
        self.lock().waker.clone()
    }

    /// Replaces the waker.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        self.lock().waker.clone_from(waker);
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
        let mut inside = self.lock();
        inside.holding = Some((count(), id));
    }

    pub(crate) fn holding(&self) -> Option<(Holding, Id)> {
        self.lock().holding
    }

    /// Ends a connection, after what was sent to it before has been queued.
    pub(crate) fn end_connection(&self, id: Id, reason: CloseReason) {
        self.put(|letters| letters.commands.push(Command::End(id, reason)));
    }

    /// Ends a connection if it is idle, for another one to have its place.
    pub(crate) fn ask_for_place(&self, id: Id) {
        self.put(|letters| letters.marks.entry(id).or_default().make_room = true);
    }

    /// Has the worker serve a connection.
    pub(super) fn admit(&self, arrival: Arrival<TcpStream>) {
        self.put(|letters| letters.commands.push(Command::Admit(arrival)));
    }

    /// Closes a connection.
    pub(super) fn close(&self, id: Id) {
        self.put(|letters| letters.marks.entry(id).or_default().close = true);
    }

    /// Owes a connection a reply less; because it was lost, perhaps, and then the next one must not be sent.
    pub(super) fn reply_done(&self, id: Id, lost: bool) {
        self.put(|letters| {
            let mark = letters.marks.entry(id).or_default();
            mark.replies_done = mark.replies_done.saturating_add(1);
            if lost && !mark.reply_lost {
                mark.reply_lost = true;
                letters.commands.push(Command::End(id, CloseReason::ReplyLost));
            }
        });
    }

    /// Takes what is there, if anything is.
    pub(crate) fn take(&self) -> Option<Letters> {
        self.lock().letters.as_mut().filter(|letters| !letters.is_empty()).map(std::mem::take)
    }

    /// Drops what is there, and whatever is still put there.
    pub(crate) fn end(&self) {
        let letters = self.lock().letters.take();
        drop(letters);
    }

    fn put(&self, put: impl FnOnce(&mut Letters)) {
        let mut inside = self.lock();
        let Some(letters) = &mut inside.letters else { return };
        let first = letters.is_empty();
        put(letters);
        drop(inside);
        // Whoever put the first one there has woken the worker, or is about to.
        if first {
            self.notify();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        lock(&self.inside)
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
                mailbox.close(id);
                mailbox.reply_done(id, round >= 500);
            }
        }
        let letters = mailbox.take().unwrap();
        let lost = letters.commands.iter().map(|command| match command {
            Command::End(id, CloseReason::ReplyLost) => *id,
            other => panic!("{other:?}"),
        });
        assert_eq!(lost.collect::<Vec<_>>(), ids);
        let marks = letters.marks.into_iter().map(|(id, mark)| (id, mark.replies_done, mark.close));
        assert_eq!(marks.collect::<Vec<_>>(), ids.map(|id| (id, 1000, true)));
        assert!(mailbox.take().is_none());
    }

    #[test]
    fn what_waits_in_the_mailbox_counts_until_it_is_dropped() {
        let mailbox = mailbox();
        let header = jsonframe::Header::new("bytes", "binary", 100_000);
        let frame = Frame::new(&header, vec![0; 100_000].into(), &jsonframe::Dialect::STANDARD).unwrap();
        mailbox.send(None, frame);
        assert!((100_000..101_000).contains(&mailbox.totals.all_queued()));
        drop(mailbox.take());
        assert_eq!(mailbox.totals.all_queued(), 0);
    }
}
