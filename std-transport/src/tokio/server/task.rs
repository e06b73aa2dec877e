//! The task of one connection: its turns, and what is done while its handler waits.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use ::tokio::time;

use super::Handler;
use super::common::Common;
use super::socket::Socket;
use super::timer::Timer;
use crate::Interest;
use crate::engine::{Event, Holding, Sending};
use crate::io::flush;
use crate::server::accept::Arrival;
use crate::server::connection::{Connection, Next};
use crate::server::mailbox::{Letters, Mailbox};
use crate::server::outlet::{BYTES_WRITTEN, Outlet};
use crate::server::pace::{Pace, Shutdown};
use crate::server::places::Network;
use crate::server::shared::lock;
use crate::server::{Address, CloseReason, Id, Peer, observe};
use crate::stream::Stream;

/// While all connections together hold too much, each looks this often whether that is over.
const TICK: Duration = Duration::from_millis(25);

/// How long after it last sent something a peer counts as busy. A busy peer is not read again after each short read; once it
/// is quiet, it is read once more, for bytes that no poller reports.
const BUSY: Duration = Duration::from_millis(100);

/// A connection.
pub(super) struct Task<H: Handler> {
    connection: Connection<Socket>,
    state: H::State,
    place: Place<H>,
    /// When its turn began, or its handler last waited in it.
    now: Instant,
    timer: Timer,
}

/// A task after a turn, and what is next.
pub(super) type Turned<H> = (Box<Task<H>>, Result<Next, CloseReason>);

/// The place of a connection among all, until this is dropped.
struct Place<H: Handler> {
    id: Id,
    /// For which the connection counts.
    network: Option<Network>,
    common: Arc<Common<H>>,
    mailbox: Arc<Mailbox>,
}

impl<H: Handler> Task<H> {
    /// The task of a connection that has just been accepted.
    pub(super) fn new(arrival: Arrival<Socket>, common: Arc<Common<H>>) -> Self {
        let (shared, totals) = (&common.shared, &common.totals);
        let mailbox = Arc::new(Mailbox::new(Waker::noop().clone(), Arc::clone(totals)));
        let id = Id::new(shared.add_mailbox(Arc::clone(&mailbox)), 0);
        let now = now();
        let connection = Connection::new(arrival, id, shared, totals, now);
        mailbox.count(id, || connection.engine.sending.holding());
        let place = Place { id, network: connection.network(), common, mailbox };
        Self { connection, state: <_>::default(), place, now, timer: Timer::default() }
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
        let Self { connection, state, place, .. } = *task;
        let (Common { handler, shared, .. }, address) = (&*place.common, connection.address);
        match connection.finish(why, shared) {
            Ok(why) => drop(shared.guard(|| handler.disconnected(place.id, address, state, &why))),
            Err(why) => shared.not_accepted(&why, |why| handler.not_accepted(why)),
        }
    }

    /// Serves the connection until it ends, and returns the reason.
    async fn serve(mut self: Box<Self>) -> (Box<Self>, CloseReason) {
        if let Err(reason) = self.open().await {
            return (self, reason);
        }
        // Whatever is called seldom is boxed, for the future that waits has the size of the largest that it may become.
        Box::pin(self.connected()).await;
        loop {
            let before = std::mem::replace(&mut self.now, now());
            let shutdown = self.place.common.shared.shutdown();
            if shutdown.is_some_and(|shutdown| shutdown.until <= self.now) {
                let reason = self.connection.engine.abandon();
                return (self, reason);
            }
            let letters = self.place.mailbox.take();
            let pace = self.place.pace(shutdown, letters.as_ref(), self.now);
            let socket = self.connection.stream.get_mut();
            // Whatever has arrived is read.
            socket.asks_first = pace != Pace::GoOn;
            socket.is_busy = self.now.saturating_duration_since(before) < BUSY;
            self.connection.wake(Interest { readable: true, writable: true }, false);
            if let Some(letters) = letters {
                if !self.connection.engine.is_closing() {
                    self.connection.outlet().deliver(letters, self.place.id, self.now);
                } else if letters.ask_for_room(self.place.id) && !matches!(self.connection.relieve(self.now), Ok(true))
                {
                    // Nothing more is sent to a connection that is being closed, but it makes room as others do.
                    return (self, CloseReason::QueueFull);
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
            let due = self.connection.engine.poll_timeout();
            if due.is_some_and(|due| due <= self.now) {
                if let Err(reason) = Box::pin(self.expire()).await {
                    return (self, reason);
                }
                continue;
            }
            let tick = (next == Next::Again).then(|| self.now + TICK);
            let look = self.connection.may_hide_bytes().then(|| self.now + BUSY);
            let due = first(first(due, tick), look);
            self.wait(first(due, change(shutdown))).await;
        }
    }

    /// Waits until messages may flow. The error is why the connection is to end.
    async fn open(&mut self) -> Result<(), CloseReason> {
        poll_fn(|context| {
            // Nobody knows the connection yet, so no message is for it alone.
            let letters = self.place.mailbox.take();
            loop {
                let shutdown = self.place.common.shared.shutdown();
                if shutdown.is_some_and(|shutdown| shutdown.until <= now()) {
                    return Poll::Ready(Err(self.connection.engine.abandon()));
                }
                let pace = self.place.pace(shutdown, letters.as_ref(), now());
                self.connection.stream.get_mut().asks_first = pace != Pace::GoOn;
                let opened = self.connection.open(&self.place.common.shared, pace, now());
                self.place.network = self.connection.network();
                match opened {
                    Ok(Next::Wait) => {}
                    outcome => return Poll::Ready(outcome.map(drop)),
                }
                if !self.timer.is_due(self.connection.engine.poll_timeout(), context) {
                    return Poll::Pending;
                }
                if let Err(reason) = self.connection.engine.handle_timeout(now()) {
                    return Poll::Ready(Err(reason));
                }
            }
        })
        .await
    }

    /// Waits until the task is woken, or this time has come.
    async fn wait(&mut self, due: Option<Instant>) {
        let mut is_woken = false;
        poll_fn(|context| {
            if std::mem::replace(&mut is_woken, true) || self.timer.is_due(due, context) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    /// Takes a turn, in memory that is used by one connection after the other, so that those that wait need none.
    async fn take_turn(mut self: Box<Self>, pace: Pace) -> Turned<H> {
        let mut memory = self.place.common.borrow();
        self.connection.engine.borrow(&mut memory.scratch);
        memory.turn.set(self.turn(pace));
        let (mut task, outcome) = poll_fn(|context| memory.turn.poll(context)).await;
        let engine = &mut task.connection.engine;
        engine.give_back(&mut memory.scratch);
        engine.update(task.now);
        task.place.common.give_back(memory);
        task.place.count(|| {
            engine.count();
            engine.sending.holding()
        });
        (task, outcome)
    }

    async fn turn(mut self: Box<Self>, pace: Pace) -> Turned<H> {
        let outcome = if self.connection.engine.is_closing() {
            self.connection.drain(pace, self.now)
        } else {
            match self.receive(pace).await.and_then(|next| self.connection.end_turn(next, pace, self.now)) {
                Err(reason) if reason.can_be_told() => self.dismiss(reason).await,
                outcome => outcome,
            }
        };
        (self, outcome)
    }

    /// Receives until there is nothing to read, or for as long as is fair to the others.
    async fn receive(&mut self, pace: Pace) -> Result<Next, CloseReason> {
        let mut budget = self.connection.begin_turn(&self.place.common.shared.figures)?;
        loop {
            if let Some(next) = self.connection.may_receive(&budget, pace)? {
                return Ok(next);
            }
            let Connection { stream, engine, address, .. } = &mut self.connection;
            let Some((event, sending)) = engine.poll_event(self.now)? else {
                if !self.connection.receive(&mut budget, self.now)? {
                    return Ok(Next::Wait);
                }
                continue;
            };
            let Self { place, state, now, timer, .. } = self;
            let handler = &place.common.handler;
            let is_whole = matches!(event, Event::End | Event::Message(_));
            let call = async |peer: &mut Peer<'_>| {
                match &event {
                    Event::Header(header) => {
                        let mode = handler.header(peer, state, header).await;
                        observe::header(header, mode);
                        return Some(mode);
                    }
                    Event::Content(piece) => handler.content(peer, state, piece).await,
                    Event::End => {
                        observe::received(None);
                        handler.end(peer, state).await;
                    }
                    Event::Message(message) => {
                        observe::received(Some(&message.header()));
                        handler.message(peer, state, *message).await;
                    }
                }
                None
            };
            let returned = place.call(*address, stream, sending, timer, now, call).await;
            if is_whole {
                engine.sending.discount_collected();
                if returned.is_some() {
                    budget.spend_message(self.connection.is_drained(), &place.common.shared.figures);
                }
            } else if let Some(Some(mode)) = returned {
                engine.set_mode(mode);
            }
        }
    }

    /// Tells the handler of the connection.
    async fn connected(&mut self) {
        let Self { connection: Connection { stream, engine, address, .. }, state, place, now, timer } = self;
        let call = async |peer: &mut Peer<'_>| place.common.handler.connected(peer, state).await;
        place.call(*address, stream, &mut engine.sending, timer, now, call).await;
    }

    /// Begins to end the connection, for a reason that the peer can be told: asks the handler for last words.
    async fn dismiss(&mut self, reason: CloseReason) -> Result<Next, CloseReason> {
        let Self { connection: Connection { stream, engine, address, .. }, state, place, now, timer } = self;
        // It may have passed.
        engine.sending.deadline = None;
        engine.leave_request();
        let call = async |peer: &mut Peer<'_>| place.common.handler.farewell(peer, state, &reason).await;
        place.call(*address, stream, &mut engine.sending, timer, now, call).await;
        let pace = place.pace(place.common.shared.shutdown(), None, *now);
        self.connection.dismiss(reason, pace, *now)
    }

    /// Does what is due. The error is why the connection is to end.
    async fn expire(&mut self) -> Result<Next, CloseReason> {
        let is_closing = self.connection.engine.is_closing();
        match self.connection.expire(self.now) {
            Err(reason) if reason.can_be_told() && !is_closing => self.dismiss(reason).await,
            outcome => outcome,
        }
    }
}

impl<H: Handler> Place<H> {
    /// Whether the connection goes on, as far as the shutdown, if there is one, and these letters say.
    fn pace(&self, shutdown: Option<Shutdown>, letters: Option<&Letters>, now: Instant) -> Pace {
        match shutdown {
            Some(shutdown) => shutdown.pace(now),
            None if letters.is_some_and(|letters| letters.ask_for_place(self.id)) => Pace::MakeRoom,
            None => Pace::GoOn,
        }
    }

    /// Calls the handler, with a peer of this address that sends to this stream. While it waits, sends what is queued, takes
    /// letters, keeps deadlines and tells the time. Returns `None` if the call panics or the connection is to end first; the
    /// engine then has the reason.
    async fn call<T>(
        &self,
        address: Address,
        stream: &mut Stream<Socket>,
        sending: &mut Sending,
        timer: &mut Timer,
        now: &mut Instant,
        call: impl AsyncFnOnce(&mut Peer<'_>) -> T,
    ) -> Option<T> {
        let outlet = Mutex::new(Outlet::new(stream, sending));
        let mut peer = Peer::sharing(self.id, address, &outlet, &self.common.shared);
        let mut call = pin!(call(&mut peer));
        let mut has_waited = false;
        poll_fn(|context| {
            loop {
                match self.common.shared.guard(|| call.as_mut().poll(context)) {
                    Some(Poll::Ready(output)) => {
                        // It may have been woken for a letter or a shutdown too. The next turn looks for them.
                        if has_waited {
                            *now = self::now();
                            context.waker().wake_by_ref();
                        }
                        return Poll::Ready(Some(output));
                    }
                    Some(Poll::Pending) => (has_waited, *now) = (true, self::now()),
                    None => {
                        lock(&outlet).sending.end(CloseReason::Panicked);
                        return Poll::Ready(None);
                    }
                }
                let shutdown = self.common.shared.shutdown();
                let outlet = &mut lock(&outlet);
                let due = self.go_on(outlet, shutdown, *now).unwrap_or_else(|reason| {
                    outlet.sending.end(reason);
                    None
                });
                if outlet.sending.is_failing() {
                    return Poll::Ready(None);
                }
                if !timer.is_due(first(due, shutdown.map(|shutdown| shutdown.until)), context) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Sends what is queued, takes letters, and returns when something is due next.
    fn go_on(
        &self,
        outlet: &mut Outlet<'_>,
        shutdown: Option<Shutdown>,
        now: Instant,
    ) -> Result<Option<Instant>, CloseReason> {
        if shutdown.is_some_and(|shutdown| shutdown.until <= now) {
            return Err(CloseReason::Abandoned);
        }
        if let Some(letters) = self.mailbox.take() {
            outlet.deliver(letters, self.id, now);
        }
        flush(&mut outlet.sending.outbox, outlet.stream, BYTES_WRITTEN).map_err(CloseReason::Io)?;
        outlet.sending.suspend(now);
        outlet.sending.update(now);
        outlet.wake_if_ready();
        self.count(|| {
            outlet.sending.count();
            outlet.sending.holding()
        });
        outlet.sending.handle_timeout(now).map_err(CloseReason::Deadline)?;
        Ok(outlet.sending.poll_timeout())
    }

    /// Has the connection counted, and asks for room if all connections hold too much.
    fn count(&self, count: impl FnOnce() -> Holding) {
        self.mailbox.count(self.id, count);
        self.common.shared.update_figures();
        self.common.has_made_room(self.id);
        self.common.make_room();
    }
}

impl<H: Handler> Drop for Place<H> {
    fn drop(&mut self) {
        let Common { shared, .. } = &*self.common;
        shared.remove_mailbox(self.id.mailbox());
        self.common.has_made_room(self.id);
        self.common.make_room();
        shared.count_down(self.network);
    }
}

/// The time, as tokio knows it, which can be paused in tests.
pub(super) fn now() -> Instant {
    time::Instant::now().into_std()
}

pub(super) fn first(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// When the pace changes next.
pub(super) fn change(shutdown: Option<Shutdown>) -> Option<Instant> {
    shutdown.map(|shutdown| if now() < shutdown.half() { shutdown.half() } else { shutdown.until })
}
