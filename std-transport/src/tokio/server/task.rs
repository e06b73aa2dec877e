//! The task of one connection: its turns, and what is done while its handler waits.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::Handler;
use super::common::Common;
use super::socket::Socket;
use crate::Interest;
use crate::engine::{Event, EventSlot, Scratch, Step};
use crate::io::flush;
use crate::server::accept::Arrival;
use crate::server::connection::{Connection, Next};
use crate::server::mailbox::Mailbox;
use crate::server::outlet::{BYTES_WRITTEN, Outlet};
use crate::server::pace::{Pace, Shutdown};
use crate::server::peer::Access;
use crate::server::places::Network;
use crate::server::shared::lock;
use crate::server::turn::{Call, Calls, Turn};
use crate::server::{CloseReason, ContentMode, Id, Peer};
use crate::tokio::timer::{Timer, now};

/// While all connections together hold too much, each looks this often whether that is over.
const TICK: Duration = Duration::from_millis(25);

/// How long after it last sent something a peer counts as busy. A busy peer is not read again after each short read; once it
/// is quiet, it is read once more, for bytes that no poller reports.
const BUSY: Duration = Duration::from_millis(100);

/// A connection.
pub(super) struct Task<H: Handler> {
    connection: Connection<Socket, H::State>,
    place: Place<H>,
    /// When its turn began, or its handler last waited in it.
    now: Instant,
}

/// A task after a turn, the memory that it has used, and what is next.
pub(super) type Turned<H> = (Box<Task<H>>, Scratch, Result<Next, CloseReason>);

/// The place of a connection among all, until this is dropped.
struct Place<H: Handler> {
    id: Id,
    /// For which the connection counts.
    network: Option<Network>,
    common: Arc<Common<H>>,
    mailbox: Arc<Mailbox>,
    timer: Timer,
}

impl<H: Handler> Task<H> {
    /// The task of a connection that has just been accepted.
    pub(super) fn new(arrival: Arrival<Socket>, common: Arc<Common<H>>) -> Self {
        let (shared, totals) = (Arc::clone(&common.shared), &common.totals);
        let mailbox = Arc::new(Mailbox::new(Waker::noop().clone(), Arc::clone(totals)));
        let id = Id::new(shared.add_mailbox(Arc::clone(&mailbox)), 0);
        let now = now();
        let connection = Connection::new(arrival, id, shared, totals, now);
        mailbox.count(id, || connection.engine.sending.holding());
        let place = Place { id, network: connection.network(), common, mailbox, timer: Timer::default() };
        Self { connection, place, now }
    }

    /// Serves until the connection has ended.
    pub(super) fn run(self: Box<Self>) -> impl Future<Output = ()> {
        self.connection.span.clone().instrument(self.run_in_span())
    }

    // Boxed, because a future holds its arguments twice.
    async fn run_in_span(mut self: Box<Self>) {
        // All wakers of a task wake it, so that one is enough for its whole life.
        let waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
        self.place.mailbox.set_waker(&waker);
        self.connection.stream.get_mut().waker = waker;
        let (task, why) = self.serve().await;
        let Self { connection, mut place, .. } = *task;
        place.network = connection.network();
        let (Common { handler, shared, .. }, address) = (&*place.common, connection.address);
        match connection.finish(why) {
            Ok((state, why)) => drop(shared.guard(|| handler.disconnected(place.id, address, state, &why))),
            Err(why) => shared.not_accepted(&why, |why| handler.not_accepted(why)),
        }
    }

    /// Serves the connection until it ends, and returns the reason.
    async fn serve(mut self: Box<Self>) -> (Box<Self>, CloseReason) {
        loop {
            let before = std::mem::replace(&mut self.now, now());
            let shutdown = self.place.common.shared.shutdown();
            if shutdown.is_some_and(|shutdown| shutdown.until <= self.now) {
                let reason = self.connection.engine.abandon();
                return (self, reason);
            }
            let letters = self.place.mailbox.take();
            let pace = match shutdown {
                Some(shutdown) => shutdown.pace(self.now),
                None if letters.as_ref().is_some_and(|letters| letters.ask_for_place(self.place.id)) => Pace::MakeRoom,
                None => Pace::GoOn,
            };
            let socket = self.connection.stream.get_mut();
            // Whatever has arrived is read.
            socket.asks_system = pace != Pace::GoOn;
            socket.is_busy = self.now.saturating_duration_since(before) < BUSY;
            self.connection.wake(Interest { readable: true, writable: true }, false);
            if let Some(letters) = letters {
                self.connection.outlet().deliver(letters, self.place.id, self.now);
            }
            if self.connection.engine.is_opening() {
                // Before its turn: while the handler is told of the connection, that holds no memory for a turn.
                if let Err(reason) = Box::pin(self.beside_turns(pace, false)).await {
                    return (self, reason);
                }
            }
            let outcome;
            (self, outcome) = self.take_turn(pace).await;
            let next = match outcome {
                Ok(next) => next,
                Err(reason) => return (self, reason),
            };
            if next == Next::Again && !self.place.common.totals.is_full() {
                self.place.common.turns.another().await;
                continue;
            }
            if self.connection.engine.poll_timeout().is_some_and(|due| due <= self.now) {
                if let Err(reason) = Box::pin(self.beside_turns(pace, true)).await {
                    return (self, reason);
                }
                continue;
            }
            let tick = (next == Next::Again).then(|| self.now + TICK);
            let look = self.connection.may_hide_bytes().then(|| self.now + BUSY);
            let due = [self.connection.engine.poll_timeout(), tick, look, change(shutdown)];
            self.wait(due.into_iter().flatten().min()).await;
        }
    }

    /// Goes on opening before a turn, or does what `is_due` after it. The error is why the connection is to end.
    async fn beside_turns(&mut self, pace: Pace, is_due: bool) -> Result<(), CloseReason> {
        let Self { connection, place, now } = self;
        let mut turn = Turn { handler: place, scratch: &mut Scratch::default(), now: *now, pace };
        let outcome = if is_due {
            connection.expire(&mut turn).await.map(drop)
        } else {
            connection.open(&mut turn).await.map(drop)
        };
        *now = turn.now;
        outcome
    }

    /// Waits until the task is woken, or this time has come.
    async fn wait(&mut self, due: Option<Instant>) {
        let mut is_woken = false;
        poll_fn(|context| {
            if std::mem::replace(&mut is_woken, true) || self.place.timer.is_due(due, context) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    /// Takes a turn, in memory that is used by one connection after the other, so that those that wait need none.
    async fn take_turn(self: Box<Self>, pace: Pace) -> (Box<Self>, Result<Next, CloseReason>) {
        let (scratch, mut turn) = self.place.common.borrow();
        turn.set(self.turn(pace, scratch));
        let (mut task, scratch, outcome) = poll_fn(|context| turn.poll(context)).await;
        task.place.common.give_back((scratch, turn));
        let Self { connection: Connection { engine, .. }, place, .. } = &mut *task;
        place.common.count(place.id, &place.mailbox, || {
            engine.count();
            engine.sending.holding()
        });
        (task, outcome)
    }

    async fn turn(mut self: Box<Self>, pace: Pace, mut scratch: Scratch) -> Turned<H> {
        let Self { connection, place, now } = &mut *self;
        let mut turn = Turn { handler: place, scratch: &mut scratch, now: *now, pace };
        let outcome = connection.turn(&mut turn).await;
        *now = turn.now;
        (self, scratch, outcome)
    }
}

impl<H: Handler> Calls<Socket> for Place<H> {
    type State = H::State;

    /// While the handler waits, sends what is queued, takes letters, keeps deadlines and tells the time.
    async fn call(
        &mut self,
        call: Call<'_, Step>,
        connection: &mut Connection<Socket, H::State>,
        now: &mut Instant,
    ) -> Option<ContentMode> {
        let Self { id, common, mailbox, timer, .. } = self;
        let address = connection.address;
        let mut slot = EventSlot::default();
        let (call, state, outlet, shared) = connection.called(call, &mut slot)?;
        let (outlet, handler) = (Mutex::new(outlet), &common.handler);
        let mut peer = Peer::new(*id, address, Access::Shared(&outlet), shared);
        let mut call = pin!(async {
            match call {
                Call::Connected => handler.connected(&mut peer, state).await,
                Call::Received(Event::Header(header)) => return handler.header(&mut peer, state, header).await,
                Call::Received(Event::Content(piece)) => handler.content(&mut peer, state, piece).await,
                Call::Received(Event::End) => handler.end(&mut peer, state).await,
                Call::Received(Event::Message(message)) => handler.message(&mut peer, state, *message).await,
                Call::Farewell(why) => handler.farewell(&mut peer, state, why).await,
            }
            ContentMode::Whole
        });
        let mut has_waited = false;
        poll_fn(|context| {
            loop {
                match shared.guard(|| call.as_mut().poll(context)) {
                    Some(Poll::Ready(answer)) => {
                        // It may have been woken for a letter or a shutdown too. The next turn looks for them.
                        if has_waited {
                            *now = self::now();
                            context.waker().wake_by_ref();
                        }
                        return Poll::Ready(Some(answer));
                    }
                    Some(Poll::Pending) => (has_waited, *now) = (true, self::now()),
                    None => {
                        lock(&outlet).sending.end(CloseReason::Panicked);
                        return Poll::Ready(None);
                    }
                }
                let shutdown = shared.shutdown();
                let outlet = &mut lock(&outlet);
                let due = common.go_on(*id, mailbox, outlet, shutdown, *now).unwrap_or_else(|reason| {
                    outlet.sending.end(reason);
                    None
                });
                if outlet.sending.is_failing() {
                    return Poll::Ready(None);
                }
                if !timer.is_due(due.into_iter().chain(shutdown.map(|shutdown| shutdown.until)).min(), context) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

impl<H: Handler> Common<H> {
    /// Sends what is queued, takes letters, and returns when something is due next.
    fn go_on(
        &self,
        id: Id,
        mailbox: &Mailbox,
        outlet: &mut Outlet<'_>,
        shutdown: Option<Shutdown>,
        now: Instant,
    ) -> Result<Option<Instant>, CloseReason> {
        if shutdown.is_some_and(|shutdown| shutdown.until <= now) {
            return Err(CloseReason::Abandoned);
        }
        if let Some(letters) = mailbox.take() {
            outlet.deliver(letters, id, now);
        }
        flush(&mut outlet.sending.outbox, outlet.stream, BYTES_WRITTEN).map_err(CloseReason::Io)?;
        outlet.sending.suspend(now);
        outlet.sending.update(now);
        outlet.wake_if_ready();
        self.count(id, mailbox, || {
            outlet.sending.count();
            outlet.sending.holding()
        });
        outlet.sending.handle_timeout(now).map_err(CloseReason::Deadline)?;
        Ok(outlet.sending.poll_timeout())
    }
}

impl<H: Handler> Drop for Place<H> {
    fn drop(&mut self) {
        let Common { shared, .. } = &*self.common;
        shared.remove_mailbox(self.id.mailbox());
        self.common.make_room(self.id);
        shared.count_down(self.network);
    }
}

/// When the pace changes next.
pub(super) fn change(shutdown: Option<Shutdown>) -> Option<Instant> {
    shutdown.map(|shutdown| if now() < shutdown.half() { shutdown.half() } else { shutdown.until })
}
