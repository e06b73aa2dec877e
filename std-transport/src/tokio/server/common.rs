//! What the tasks of a server share.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ::tokio::runtime::Handle;
use ::tokio::sync::Semaphore;
use ::tokio::task::yield_now;
use tokio_util::sync::ReusableBoxFuture;

use super::Handler;
use super::task::Turned;
use crate::engine::{Holding, Scratch, Totals};
use crate::server::Id;
use crate::server::mailbox::Mailbox;
use crate::server::shared::{Shared, lock};

#[derive(Debug)]
pub(super) struct Common<H: Handler> {
    pub(super) handler: H,
    pub(super) shared: Arc<Shared>,
    pub(super) totals: Arc<Totals>,
    pub(super) turns: Turns,
    /// The number of the mailbox of the connection that was asked to make room and has not done so yet.
    asked: AtomicUsize,
    /// Memory that no connection needs just now.
    memories: Mutex<Vec<Memory<H>>>,
}

/// Memory that a connection needs in its turn, and that for the turn itself.
type Memory<H> = (Scratch, ReusableBoxFuture<'static, Turned<H>>);

impl<H: Handler> Common<H> {
    /// How much of it is kept: for as many as there may be threads.
    const KEPT: usize = 16;
    const NOBODY: usize = usize::MAX;
    const UNDECIDED: usize = usize::MAX - 1;

    pub(super) fn new(handler: H, shared: Arc<Shared>, totals: Arc<Totals>) -> Self {
        let asked = AtomicUsize::new(Self::NOBODY);
        Self { handler, shared, totals, turns: Turns::new(), asked, memories: Mutex::default() }
    }

    pub(super) fn borrow(&self) -> Memory<H> {
        lock(&self.memories).pop().unwrap_or_else(|| (Scratch::default(), ReusableBoxFuture::new(pending())))
    }

    pub(super) fn give_back(&self, memory: Memory<H>) {
        let mut memories = lock(&self.memories);
        if memories.len() < Self::KEPT {
            memories.push(memory);
        }
    }

    /// Has a connection counted, and asks for room if all connections hold too much.
    pub(super) fn count(&self, id: Id, mailbox: &Mailbox, count: impl FnOnce() -> Holding) {
        mailbox.count(id, count);
        self.shared.update_figures();
        self.make_room(id);
    }

    /// If this connection was asked to make room, it has done what it could. If the totals are exceeded, asks the one that holds
    /// most.
    pub(super) fn make_room(&self, id: Id) {
        if self.asked.load(Ordering::SeqCst) == id.mailbox() {
            self.asked.store(Self::NOBODY, Ordering::SeqCst);
        }
        if self.totals.is_over() {
            self.ask_heaviest();
        }
    }

    /// Only one is asked at a time, for after it another one may hold most, or none too much.
    #[cold]
    fn ask_heaviest(&self) {
        if self.asked.compare_exchange(Self::NOBODY, Self::UNDECIDED, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return;
        }
        let mailboxes = self.shared.mailboxes();
        let holdings: Vec<_> = mailboxes.iter().filter_map(|(_, mailbox)| mailbox.holding()).collect();
        let heaviest = self.totals.heaviest(holdings.into_iter());
        // While the mailboxes are locked, the connection cannot remove its own.
        match heaviest.and_then(|(id, reason)| Some((id, reason, mailboxes.get(id.mailbox())?))) {
            Some((id, reason, mailbox)) => {
                self.asked.store(id.mailbox(), Ordering::SeqCst);
                mailbox.end_connection(id, reason);
            }
            None => self.asked.store(Self::NOBODY, Ordering::SeqCst),
        }
    }
}

/// The turns of connections that have more to do than fits in one.
///
/// Whoever has been woken has its turn first, and then one of these for each thread of the runtime, in the order in which they
/// came. So whoever asks for little does not wait for all that ask for much.
#[derive(Debug)]
pub(super) struct Turns(Semaphore);

impl Turns {
    /// The turns on the runtime in which this is called.
    pub(super) fn new() -> Self {
        Self(Semaphore::new(Handle::current().metrics().num_workers()))
    }

    /// Waits for another turn right after one.
    pub(super) async fn another(&self) {
        // One for each thread waits until the runtime has looked for what has arrived; the others wait for it.
        let _first = self.0.acquire().await;
        yield_now().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ::tokio::io::Interest;
    use ::tokio::net::UnixStream;
    use ::tokio::task::LocalSet;

    use super::*;

    #[test]
    fn between_two_looks_at_what_has_arrived_one_busy_task_has_its_turn() {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let order = Rc::new(RefCell::new(String::new()));
        LocalSet::new().block_on(&runtime, async {
            let turns = Rc::new(Turns::new());
            for name in ["a", "b", "c", "d"] {
                let (turns, order) = (Rc::clone(&turns), Rc::clone(&order));
                ::tokio::task::spawn_local(async move {
                    loop {
                        order.borrow_mut().push_str(name);
                        turns.another().await;
                    }
                });
            }
            let (one, other) = UnixStream::pair().unwrap();
            for _ in 0..20 {
                // Read until nothing is left, so that the next byte is only known of once the runtime has looked.
                one.ready(Interest::WRITABLE).await.unwrap();
                while other.try_read(&mut [0]).is_ok() {}
                one.try_write(b"x").unwrap();
                other.readable().await.unwrap();
                order.borrow_mut().push(' ');
            }
        });
        let order = order.take();
        let rounds: Vec<_> = order.split(' ').skip(2).collect();
        assert!(rounds.iter().all(|round| round.len() <= 2), "{order}");
        // Each in turn, and none left out.
        assert!("abcd".chars().all(|name| rounds.concat().matches(name).count() >= 3), "{order}");
    }
}
