//! A thread of the server: a poller and the connections that wait on it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::accept::{AT_ONCE, Acceptor};
use super::connection::{Connection, Next, Pace};
use super::frame::Frame;
use super::mailbox::{Command, Mailbox};
use super::shared::{Shared, Shutdown};
use super::stopping::EndsAll;
use super::stream::{Listener, Stream};
use super::turn::{Served, Turn};
use super::{CloseReason, Handler, Id, NotAccepted};
use crate::Interest as Ready;
use crate::engine::{Engine, Scratch, Totals};

/// The waker's token; connections have the numbers of their slots.
const WAKER: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);

/// What is waited for on a connection.
///
/// A read ends before urgent data even if more follows. So it must be known that there is some.
#[cfg(any(target_os = "linux", target_os = "android"))]
const EVENTS: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const EVENTS: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// There may be something to read.
pub(super) const UNREAD: Ready = Ready { readable: true, writable: false };

#[derive(Debug)]
pub(super) struct Worker<L: Listener, S> {
    pub(super) poll: Poll,
    mailbox: Arc<Mailbox>,
    /// The number of the mailbox.
    number: u32,
    pub(super) shared: Arc<Shared>,
    totals: Arc<Totals>,
    /// The worker that accepts has the acceptor, until a shutdown.
    pub(super) acceptor: Option<Acceptor<L>>,
    /// Where the connections go that it accepts, in turns.
    others: Vec<Post<L>>,
    /// Connections that another worker has accepted.
    arrivals: mpsc::Receiver<Arrival<L>>,
    pub(super) links: Slab<Served<L::Stream, S>>,
    /// The slots of those that have a turn.
    ready: VecDeque<usize>,
    scratch: Scratch,
    /// When something may be due on a connection.
    due: Option<Instant>,
    /// Whether it is being shut down.
    pub(super) is_stopping: bool,
}

impl<L: Listener<Stream: Source + Stream> + Source, S: Default> Worker<L, S> {
    /// For this many connections, memory is kept when they have ended.
    const FEW: usize = 1024;
    /// Deadlines are looked at no more often than this.
    const TICK: Duration = Duration::from_millis(25);

    /// One of this many workers, and where connections for it go.
    pub(super) fn new(workers: usize, shared: Arc<Shared>) -> io::Result<(Self, Post<L>)> {
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
            acceptor: None,
            others: Vec::new(),
            arrivals,
            links: Slab::new(),
            ready: VecDeque::new(),
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
    pub(super) fn listen(&mut self, mut acceptor: Acceptor<L>, workers: Vec<Post<L>>) -> io::Result<()> {
        self.poll.registry().register(&mut acceptor.listener, LISTENER, Interest::READABLE)?;
        self.shared.set_acceptor(&self.mailbox.waker());
        (self.acceptor, self.others) = (Some(acceptor), workers);
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
        let at_once = (over || !self.ready.is_empty()).then_some(now);
        let accept = self.acceptor.as_ref().and_then(|acceptor| acceptor.due(&self.shared, now));
        // When the time is over, those that are left are broken off.
        let until = self
            .shared
            .shutdown()
            .filter(|_| self.is_stopping && (!self.links.is_empty() || self.acceptor.is_some()))
            .map(|shutdown| shutdown.until);
        let first = [at_once, accept, self.due, until].into_iter().flatten().min();
        match self.poll.poll(events, first.map(|first| first.saturating_duration_since(now))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn wake(&mut self, token: Token, ready: Ready, read_on: bool) {
        match token {
            WAKER => {}
            LISTENER => {
                if let Some(acceptor) = &mut self.acceptor {
                    acceptor.wake();
                }
            }
            Token(slot) => {
                if let Some(link) = self.links.get_mut(slot) {
                    link.connection.wake(ready, read_on);
                    Self::list(link, slot, &mut self.ready);
                }
            }
        }
    }

    /// Puts a connection on the ready list, unless it is there.
    fn list(link: &mut Served<L::Stream, S>, slot: usize, ready: &mut VecDeque<usize>) {
        if !link.listed {
            link.listed = true;
            ready.push_back(slot);
        }
    }

    /// Does what other threads have asked for.
    fn open_mail<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        while let Ok((stream, address)) = self.arrivals.try_recv() {
            self.adopt(stream, address, handler, now, pace);
        }
        let letters = self.mailbox.take();
        for command in letters.commands {
            match command {
                Command::End(id, reason) => {
                    if let Some(link) = find(&mut self.links, id) {
                        link.connection.engine.sending.end(reason);
                        Self::list(link, id.slot(), &mut self.ready);
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
            if let Some(link) = find(&mut self.links, id) {
                mark.apply(&mut link.connection.engine.sending);
                Self::list(link, id.slot(), &mut self.ready);
            }
        }
    }

    /// Queues a message for a connection, or for all.
    fn send(&mut self, to: Option<Id>, frame: Frame) {
        let Some(id) = to else {
            for (slot, link) in &mut self.links {
                link.connection.send(frame.clone());
                Self::list(link, slot, &mut self.ready);
            }
            return;
        };
        if let Some(link) = find(&mut self.links, id) {
            link.connection.send(frame);
            Self::list(link, id.slot(), &mut self.ready);
        }
    }

    /// Ends the connections that hold most, until what is held together is within the totals again.
    fn relieve<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        while self.totals.is_collected_over() {
            let collecting =
                self.links.iter().map(|(_, link)| (link.connection.engine.collected(), link.connection.id));
            let Some(slot) = self.totals.most_collected(collecting).map(Id::slot) else { break };
            let Some(link) = self.links.get_mut(slot) else { break };
            let (shared, scratch) = (&self.shared, &mut self.scratch);
            match link.dismiss(CloseReason::CollectedTotal, &mut Turn { handler, shared, scratch, now, pace }) {
                Ok(()) => Self::list(link, slot, &mut self.ready),
                Err(why) => self.remove(slot, &why, handler),
            }
        }
        while self.totals.is_queue_over() {
            let Some(slot) = self.most_queued() else { break };
            let Some(link) = self.links.get_mut(slot) else { break };
            // It may be that the peer reads, and the worker has not come to write.
            match link.connection.relieve(now) {
                Ok(true) => Self::list(link, slot, &mut self.ready),
                Ok(false) => self.remove(slot, &CloseReason::QueueFull, handler),
                Err(why) => self.remove(slot, &why, handler),
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
            let Some(acceptor) = &mut self.acceptor else { return };
            let mut not_accepted = |why: &NotAccepted| handler.not_accepted(why);
            let accepted = acceptor.accept(&mut not_accepted, &self.shared, now);
            let Some((stream, address, number)) = accepted else { break };
            // The first one is this one.
            match usize::try_from(number).unwrap_or(0) % (self.others.len() + 1) {
                0 => self.adopt(stream, address, handler, now, pace),
                other => self.others[other - 1].send(stream, address),
            }
        }
        if self.acceptor.as_ref().is_some_and(Acceptor::is_over) || pace == Pace::Hurry {
            self.acceptor = None;
            self.shared.end_accepting();
        }
    }

    fn adopt<H: Handler<State = S>>(
        &mut self,
        stream: L::Stream,
        address: SocketAddr,
        handler: &mut H,
        now: Instant,
        pace: Pace,
    ) {
        // Before the handler queues more, place is made for it.
        self.relieve(handler, now, pace);
        let entry = self.links.vacant_entry();
        let slot = entry.key();
        let Ok(number) = u32::try_from(slot) else { return self.shared.count_down() };
        let (received, sent) = (self.shared.dialect(), self.shared.sending_dialect());
        let engine = Engine::new(Arc::clone(&self.shared.limits), Arc::clone(&self.totals), received, sent, now);
        let connection = Connection::new(stream, engine, Id::new(self.number, number), address);
        let mut link = Served::new(connection, S::default());
        if let Err(error) = self.poll.registry().register(&mut link.connection.stream, Token(slot), EVENTS) {
            self.shared.accept_errors.fetch_add(1, Ordering::Relaxed);
            self.shared.guard(|| handler.not_accepted(&NotAccepted::Io(error)));
            return self.shared.count_down();
        }
        let (shared, scratch) = (&self.shared, &mut self.scratch);
        link.connected(&mut Turn { handler, shared, scratch, now, pace });
        if self.is_stopping {
            link.connection.wake(UNREAD, false);
        }
        Self::list(entry.insert(link), slot, &mut self.ready);
    }

    /// Runs one round-robin pass over the ready list. Connections with work left go to the back.
    fn take_turns<H: Handler<State = S>>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        for _ in 0..self.ready.len() {
            // Before more is queued or collected, place is made for it.
            if self.totals.is_full() {
                return;
            }
            let Some(slot) = self.ready.pop_front() else { return };
            let Some(link) = self.links.get_mut(slot) else { continue };
            link.listed = false;
            let (shared, scratch) = (&self.shared, &mut self.scratch);
            match link.turn(&mut Turn { handler, shared, scratch, now, pace }) {
                Ok(next) => {
                    self.due = self.due.into_iter().chain(link.connection.engine.poll_timeout()).min();
                    if next == Next::Again {
                        Self::list(link, slot, &mut self.ready);
                    }
                }
                Err(why) => self.remove(slot, &why, handler),
            }
        }
        if self.ready.is_empty() && self.ready.capacity() > Self::FEW {
            self.ready = VecDeque::new();
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
        let due = |(slot, link): (usize, &Served<L::Stream, S>)| {
            link.connection.engine.poll_timeout().is_some_and(|due| due <= now).then_some(slot)
        };
        let due: Vec<_> = self.links.iter().filter_map(due).collect();
        for slot in due {
            let Some(link) = self.links.get_mut(slot) else { continue };
            let (shared, scratch) = (&self.shared, &mut self.scratch);
            match link.expire(&mut Turn { handler, shared, scratch, now, pace }) {
                Ok(false) => {}
                Ok(true) => Self::list(link, slot, &mut self.ready),
                Err(why) => self.remove(slot, &why, handler),
            }
            self.relieve(handler, now, pace);
        }
        self.give_back();
        let next = self.links.iter().filter_map(|(_, link)| link.connection.engine.poll_timeout()).min();
        self.due = next.map(|next| next.max(now + Self::TICK));
    }

    /// Gives back the memory of many connections that have ended, as far as it comes after that of the others.
    fn give_back(&mut self) {
        if self.links.capacity() > Self::FEW && self.links.len() < self.links.capacity() / 4 {
            self.links.shrink_to_fit();
        }
    }

    pub(super) fn remove<H: Handler<State = S>>(&mut self, slot: usize, why: &CloseReason, handler: &mut H) {
        if let Some(link) = self.links.try_remove(slot) {
            link.disconnected(why, handler, &self.shared);
            self.shared.count_down();
            if self.links.is_empty() {
                self.give_back();
            }
        }
    }
}

/// The connection with this id, if it has not ended.
fn find<T, S>(links: &mut Slab<Served<T, S>>, id: Id) -> Option<&mut Served<T, S>> {
    links.get_mut(id.slot()).filter(|link| link.connection.id == id)
}

/// A connection that has been accepted.
type Arrival<L> = (<L as Listener>::Stream, SocketAddr);

/// Where connections for a worker go that another one accepts.
#[derive(Debug)]
pub(super) struct Post<L: Listener> {
    arrivals: mpsc::Sender<Arrival<L>>,
    mailbox: Arc<Mailbox>,
}

impl<L: Listener> Post<L> {
    fn send(&self, stream: L::Stream, address: SocketAddr) {
        // A worker that has failed has no use for it.
        let _ = self.arrivals.send((stream, address));
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
