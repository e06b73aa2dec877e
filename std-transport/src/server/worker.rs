//! A thread of the server: a poller and the connections that wait on it.

use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::accept::{AT_ONCE, Acceptors, Arrival};
use super::connection::{Connection, Next, Pace};
use super::door::Door;
use super::frame::Frame;
use super::links::Links;
use super::mailbox::{Command, Mailbox};
use super::places::{LongestIdle, Network};
use super::shared::{Shared, Shutdown};
use super::turn::{Served, Turn};
use super::{CloseReason, Handler, Id, NotAccepted};
use crate::Interest as Ready;
use crate::engine::{Engine, Scratch, Totals};

/// The waker's token. Before it come those of what is accepted from; connections have the numbers of their slots.
const WAKER: Token = Token(usize::MAX);
/// How many connections have a handshake before all have their turn: the cryptography of one takes as long as many messages.
const HANDSHAKES: usize = 4;

/// What is waited for on a connection.
///
/// A read ends before urgent data even if more follows. So it must be known that there is some.
#[cfg(any(target_os = "linux", target_os = "android"))]
const EVENTS: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const EVENTS: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// There may be something to read.
const UNREAD: Ready = Ready { readable: true, writable: false };

#[derive(Debug)]
pub(super) struct Worker<S> {
    poll: Poll,
    mailbox: Arc<Mailbox>,
    /// The number of the mailbox.
    number: u32,
    shared: Arc<Shared>,
    totals: Arc<Totals>,
    /// The worker that accepts has the acceptors, until a shutdown.
    acceptors: Option<Acceptors<Door>>,
    /// Where the connections go that it accepts, in turns.
    others: Vec<Post>,
    /// Connections that another worker has accepted.
    arrivals: mpsc::Receiver<Arrival<TcpStream>>,
    links: Links<S>,
    /// Those that make room for others.
    idle: LongestIdle,
    scratch: Scratch,
    /// When something may be due on a connection.
    due: Option<Instant>,
    /// Whether it is being shut down.
    is_stopping: bool,
}

impl<S: Default> Worker<S> {
    /// Deadlines are looked at no more often than this.
    const TICK: Duration = Duration::from_millis(25);

    /// One of this many workers, and where connections for it go.
    pub(super) fn new(workers: usize, shared: Arc<Shared>) -> io::Result<(Self, Post)> {
        let poll = Poll::new()?;
        let totals = Arc::new(Totals::new(&shared.limits, workers));
        let waker = Waker::from(Arc::new(Wakes(mio::Waker::new(poll.registry(), WAKER)?)));
        let mailbox = Arc::new(Mailbox::new(waker, Arc::clone(&totals)));
        let (post, arrivals) = mpsc::channel();
        let worker = Self {
            poll,
            number: shared.add_mailbox(Arc::clone(&mailbox)),
            mailbox: Arc::clone(&mailbox),
            totals,
            shared,
            acceptors: None,
            others: Vec::new(),
            arrivals,
            links: Links::new(),
            idle: LongestIdle::default(),
            scratch: Scratch::default(),
            due: None,
            is_stopping: false,
        };
        Ok((worker, Post { arrivals: post, mailbox }))
    }

    pub(super) const fn totals(&self) -> &Arc<Totals> {
        &self.totals
    }

    /// Makes this worker the one that accepts, for all of them.
    pub(super) fn listen(&mut self, mut acceptors: Acceptors<Door>, workers: Vec<Post>) -> io::Result<()> {
        for (index, door) in acceptors.doors().enumerate() {
            door.register(self.poll.registry(), Token(WAKER.0 - 1 - index))?;
        }
        self.shared.set_acceptor(&self.mailbox.waker());
        (self.acceptors, self.others) = (Some(acceptors), workers);
        Ok(())
    }

    /// Serves until the server is shut down.
    pub(super) fn run<H: Handler<State = S>>(mut self, handler: &mut H) -> io::Result<()> {
        let _guard = EndsAll(Arc::clone(&self.shared));
        let mut events = Events::with_capacity(1024);
        loop {
            self.wait(&mut events)?;
            // Asked before the commands are taken: what was sent before the shutdown is sent.
            let shutdown = self.shared.shutdown();
            let now = Instant::now();
            for event in &events {
                // After an error or a hang-up, reading and writing say what has happened.
                let over = event.is_error() || event.is_read_closed();
                let ready =
                    Ready { readable: event.is_readable() || over, writable: event.is_writable() || event.is_error() };
                self.wake(event.token(), ready, over || event.is_priority());
            }
            let pace = self.pace(shutdown, now);
            self.open_mail(handler, now, pace);
            self.relieve(handler, now, pace);
            self.accept(handler, now, pace);
            if shutdown.is_some() && !self.is_stopping {
                self.stop();
            }
            let pace = self.pace(shutdown, now);
            self.take_turns(handler, now, pace);
            self.expire(handler, now, pace);
            self.make_room(handler, now, pace);
            self.shared.update_figures();
            if let Some(shutdown) = shutdown {
                if shutdown.until <= now {
                    self.abandon(handler);
                }
                if self.links.is_empty() && self.shared.is_accepting_over() {
                    // Connections for this worker are there by now. Whatever else is has nobody to go to.
                    self.open_mail(handler, now, pace);
                    if self.links.is_empty() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Connections go on until the shutdown has begun.
    fn pace(&self, shutdown: Option<Shutdown>, now: Instant) -> Pace {
        shutdown.filter(|_| self.is_stopping).map_or(Pace::GoOn, |shutdown| shutdown.pace(now))
    }

    /// Waits until there is something to do.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let now = Instant::now();
        let over = self.totals.is_queue_over() || self.totals.is_collected_over();
        let at_once = (over || self.links.turns() != (0, 0)).then_some(now);
        let accept = self.acceptors.as_ref().and_then(|acceptors| acceptors.due(&self.shared, now));
        // When the time is over, those that are left are broken off.
        let until = self
            .shared
            .shutdown()
            .filter(|_| self.is_stopping && (!self.links.is_empty() || self.acceptors.is_some()))
            .map(|shutdown| shutdown.until);
        // Another connection may have been idle for long enough.
        let room = self.shared.places.is_asking().then(|| now + LongestIdle::TICK);
        let first = [at_once, accept, self.due, until, room].into_iter().flatten().min();
        match self.poll.poll(events, first.map(|first| first.saturating_duration_since(now))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    fn wake(&mut self, token: Token, ready: Ready, read_on: bool) {
        if let Some(acceptors) = &mut self.acceptors {
            // The waker may have been called for what is accepted from last, which no poller knows.
            let last = acceptors.len().saturating_sub(1);
            let index = if token == WAKER { last } else { (WAKER.0 - 1).saturating_sub(token.0) };
            if index <= last {
                return acceptors.wake(index);
            }
        }
        self.links.wake(token.0, ready, read_on);
    }

    /// Begins the shutdown.
    fn stop(&mut self) {
        self.is_stopping = true;
        // Those in the backlog are connected as far as their peers know, and may have sent something.
        if let Some(acceptors) = &mut self.acceptors {
            acceptors.stop(self.shared.limits.backlog);
        }
        // Whatever has arrived is read.
        self.links.list_all(|link| link.connection.wake(UNREAD, false));
    }

    /// Ends all connections now.
    fn abandon<H: Handler<State = S>>(&mut self, handler: &mut H) {
        let ends: Vec<_> = self.links.iter_mut().map(|(slot, link)| (slot, link.connection.engine.abandon())).collect();
        for (slot, why) in ends {
            self.remove(slot, why, handler);
        }
    }

    /// Does what other threads have asked for.
    fn open_mail<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        while let Ok(arrival) = self.arrivals.try_recv() {
            self.admit(arrival, handler, now, pace);
        }
        let letters = self.mailbox.take();
        for command in letters.commands {
            match command {
                Command::End(id, reason) => {
                    if let Some(link) = self.links.find(id) {
                        link.connection.engine.sending.end(reason);
                        self.links.list(id.slot());
                    }
                }
                Command::Send { to, frame, held } => {
                    self.send(to, frame);
                    drop(held);
                    self.relieve(handler, now, pace);
                }
            }
        }
        for (id, mark) in letters.marks {
            if let Some(link) = self.links.find(id) {
                mark.apply(&mut link.connection.engine.sending);
                self.links.list(id.slot());
            }
        }
    }

    /// Queues a message for a connection, or for all.
    fn send(&mut self, to: Option<Id>, frame: Frame) {
        let Some(id) = to else {
            return self.links.list_all(|link| link.connection.send(frame.clone()));
        };
        if let Some(link) = self.links.find(id) {
            link.connection.send(frame);
            self.links.list(id.slot());
        }
    }

    /// Ends the connections that hold most, until what is held together is within the totals again.
    fn relieve<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        while self.totals.is_collected_over() {
            let collecting =
                self.links.iter().map(|(_, link)| (link.connection.engine.collected(), link.connection.id));
            let Some(slot) = Totals::most_collected(collecting).map(Id::slot) else { break };
            let Some(link) = self.links.get_mut(slot) else { break };
            let (shared, scratch) = (&self.shared, &mut self.scratch);
            match link.dismiss(CloseReason::CollectedTotal, &mut Turn { handler, shared, scratch, now, pace }) {
                Ok(()) => self.links.list(slot),
                Err(why) => self.remove(slot, why, handler),
            }
        }
        while self.totals.is_queue_over() {
            let Some(slot) = self.most_queued() else { break };
            let Some(link) = self.links.get_mut(slot) else { break };
            // It may be that the peer reads, and the worker has not come to write.
            match link.connection.relieve(now) {
                Ok(true) => self.links.list(slot),
                Ok(false) => self.remove(slot, CloseReason::QueueFull, handler),
                Err(why) => self.remove(slot, why, handler),
            }
        }
    }

    /// The slot of the connection for which most memory is held by what is queued.
    fn most_queued(&self) -> Option<usize> {
        let holdings = self.links.iter().map(|(slot, link)| (link.connection.engine.sending.holding(), slot));
        self.totals.most_queued(holdings)
    }

    /// Accepts as many connections as is fair to the others.
    fn accept<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        for _ in 0..AT_ONCE {
            let Some(acceptors) = &mut self.acceptors else { return };
            let mut not_accepted = |why: &NotAccepted| handler.not_accepted(why);
            let Some((arrival, number)) = acceptors.accept(&mut not_accepted, &self.shared, now) else {
                if let Some(waited) = acceptors.waited(now) {
                    self.shared.ask_for_place(waited);
                }
                break;
            };
            // The first one is this one.
            match usize::try_from(number).unwrap_or(0) % (self.others.len() + 1) {
                0 => self.admit(arrival, handler, now, pace),
                other => self.others[other - 1].send(arrival),
            }
        }
        if self.acceptors.as_ref().is_some_and(Acceptors::is_over) || pace == Pace::Hurry {
            self.acceptors = None;
            self.shared.end_accepting();
        }
    }

    /// If a connection waits for a place, ends the one that has been idle for longest.
    fn make_room<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        while pace == Pace::GoOn && self.shared.places.is_asking() && !self.totals.is_full() {
            let idle = self.links.iter().filter_map(|(_, link)| {
                let since = link.connection.engine.sending.spare_since()?;
                Some((since, link.connection.id))
            });
            let Some((_, id)) = self.idle.next(now, || idle, |id| self.links.spare_since(id)) else { return };
            let slot = id.slot();
            let Some(link) = self.links.get_mut(slot) else { return };
            if !self.shared.places.offer(self.number) {
                return;
            }
            // Whatever has arrived is read.
            link.connection.wake(UNREAD, false);
            let (shared, scratch) = (&self.shared, &mut self.scratch);
            let turn = &mut Turn { handler, shared, scratch, now, pace: Pace::MakeRoom };
            let is_opening = link.connection.engine.is_opening();
            match if is_opening { link.open(turn) } else { link.turn(turn) } {
                Ok(_) => self.links.list(slot),
                Err(why) => return self.remove(slot, why, handler),
            }
            self.shared.withdraw(self.number);
            self.relieve(handler, now, pace);
        }
    }

    /// Takes a connection that has been accepted.
    fn admit<H: Handler<State = S>>(&mut self, arrival: Arrival<TcpStream>, handler: &mut H, now: Instant, pace: Pace) {
        // Before the handler queues more, place is made for it.
        self.relieve(handler, now, pace);
        let slot = self.links.vacant();
        let network = Network::of(arrival.address).filter(|_| arrival.is_counted);
        let Ok(number) = u32::try_from(slot) else { return self.shared.count_down(network) };
        let (received, sent) = (self.shared.dialect(), self.shared.sending_dialect());
        let mut engine = Engine::new(Arc::clone(&self.shared.limits), Arc::clone(&self.totals), received, sent, now);
        let is_plain = arrival.stream.is_plain();
        engine.begin_opening(now);
        let mut connection = Connection::new(arrival, engine, Id::new(self.number, number));
        if let Err(error) = self.poll.registry().register(connection.stream.get_mut(), Token(slot), EVENTS) {
            self.shared.accept_errors.fetch_add(1, Ordering::Relaxed);
            self.shared.not_accepted(&NotAccepted::Io(error), |why| handler.not_accepted(why));
            return self.shared.count_down(network);
        }
        if self.is_stopping {
            connection.wake(UNREAD, false);
        }
        self.links.insert(Served::new(connection, S::default()));
        if is_plain {
            self.open(slot, handler, now, pace);
        } else {
            // A handshake has its turn after others.
            self.links.list(slot);
        }
    }

    /// Runs a round of turns: one for each connection that has been woken, and then one for each that had more to do than fits
    /// in a turn, for as long as the others took, but for one at least. So whoever asks for little is not delayed by those who
    /// ask for much, and the reverse.
    fn take_turns<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        let (woken, busy) = self.links.turns();
        let begun = (busy > 0).then(Instant::now);
        let mut handshakes = 0;
        for _ in 0..woken {
            // Before more is queued or collected, room is made for it.
            if self.totals.is_full() {
                return;
            }
            let Some(slot) = self.links.next_ready() else { break };
            handshakes += self.take_turn(slot, handshakes < HANDSHAKES, handler, now, pace);
        }
        let until = begun.map(|begun| Instant::now() + begun.elapsed());
        for _ in 0..busy {
            if self.totals.is_full() {
                return;
            }
            let Some(slot) = self.links.next_busy() else { break };
            self.take_turn(slot, true, handler, now, pace);
            if until.is_some_and(|until| until <= Instant::now()) {
                break;
            }
        }
        self.links.give_back_turns();
    }

    /// Takes the turn of a connection, and returns how many handshakes that was: a connection that is opening has its turn
    /// later unless it `may_open`.
    fn take_turn<H: Handler<State = S>>(
        &mut self,
        slot: usize,
        may_open: bool,
        handler: &mut H,
        now: Instant,
        pace: Pace,
    ) -> usize {
        let Some(link) = self.links.get_mut(slot) else { return 0 };
        if link.connection.engine.is_opening() {
            if may_open {
                self.open(slot, handler, now, pace);
            } else {
                self.links.list_busy(slot);
            }
            return may_open.into();
        }
        let (shared, scratch) = (&self.shared, &mut self.scratch);
        match link.turn(&mut Turn { handler, shared, scratch, now, pace }) {
            Ok(next) => {
                self.due = self.due.into_iter().chain(link.connection.engine.poll_timeout()).min();
                if next == Next::Again {
                    self.links.list_busy(slot);
                }
            }
            Err(why) => self.remove(slot, why, handler),
        }
        0
    }

    /// Goes on with what precedes the messages of a connection.
    // Once or a few times for each connection, and not among what is done for each message.
    #[cold]
    fn open<H: Handler<State = S>>(&mut self, slot: usize, handler: &mut H, now: Instant, pace: Pace) {
        let Some(link) = self.links.get_mut(slot) else { return };
        let (shared, scratch) = (&self.shared, &mut self.scratch);
        match link.open(&mut Turn { handler, shared, scratch, now, pace }) {
            Ok(next) => {
                self.due = self.due.into_iter().chain(link.connection.engine.poll_timeout()).min();
                if next == Next::Again {
                    self.links.list(slot);
                }
            }
            Err(why) => self.remove(slot, why, handler),
        }
    }

    /// Ends the connections whose time is over.
    ///
    /// All are looked at, which takes well under a millisecond for ten thousand and is rare: what happens on a connection
    /// only puts off what is due, so that the earliest time noted is early, but never late.
    fn expire<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let due = |(slot, link): (usize, &Served<TcpStream, S>)| {
            link.connection.engine.poll_timeout().is_some_and(|due| due <= now).then_some(slot)
        };
        let due: Vec<_> = self.links.iter().filter_map(due).collect();
        for slot in due {
            let Some(link) = self.links.get_mut(slot) else { continue };
            let (shared, scratch) = (&self.shared, &mut self.scratch);
            match link.expire(&mut Turn { handler, shared, scratch, now, pace }) {
                Ok(false) => {}
                Ok(true) => self.links.list(slot),
                Err(why) => self.remove(slot, why, handler),
            }
            self.relieve(handler, now, pace);
        }
        self.links.give_back();
        let next = self.links.iter().filter_map(|(_, link)| link.connection.engine.poll_timeout()).min();
        self.due = next.map(|next| next.max(now + Self::TICK));
    }

    fn remove<H: Handler<State = S>>(&mut self, slot: usize, why: CloseReason, handler: &mut H) {
        if let Some(link) = self.links.remove(slot) {
            let network = link.connection.network();
            link.disconnected(why, handler, &self.shared);
            self.shared.count_down(network);
        }
    }
}

/// Ends the other workers when one has failed.
struct EndsAll(Arc<Shared>);

impl Drop for EndsAll {
    fn drop(&mut self) {
        if !self.0.is_accepting_over() || std::thread::panicking() {
            self.0.end_accepting();
            self.0.shut_down(Duration::ZERO);
        }
    }
}

/// Where connections for a worker go that another one accepts.
#[derive(Debug)]
pub(super) struct Post {
    arrivals: mpsc::Sender<Arrival<TcpStream>>,
    mailbox: Arc<Mailbox>,
}

impl Post {
    fn send(&self, arrival: Arrival<TcpStream>) {
        // A worker that has failed has no use for it.
        let _ = self.arrivals.send(arrival);
        self.mailbox.notify();
    }
}

/// Wakes a poller.
struct Wakes(mio::Waker);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        let _ = self.0.wake();
    }
}
