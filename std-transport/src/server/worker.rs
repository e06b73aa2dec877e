//! A thread of the server: a poller and the connections that wait on it.

mod relief;
mod turns;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::accept::{AT_ONCE, Acceptors, Arrival};
use super::connection::{Connection, Next};
use super::door::Door;
use super::mailbox::{Command, Mailbox};
use super::pace::{Pace, Shutdown};
use super::places::LongestIdle;
use super::shared::Shared;
use super::turn::{Turn, at_once};
use super::{CloseReason, Handler, Id, NotAccepted};
use crate::Interest as Ready;
use crate::engine::{Scratch, Totals};

/// The waker's token. Before it come those of the listeners; connections have the numbers of their slots.
const WAKER: Token = Token(usize::MAX);

/// What is waited for on a connection.
///
/// A read ends before urgent data even if more follows. So it must be known that there is some.
#[cfg(any(target_os = "linux", target_os = "android"))]
const EVENTS: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const EVENTS: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// There may be something to read.
const UNREAD: Ready = Ready { readable: true, writable: false };

/// A connection of a worker with this handler.
type Link<H> = Connection<TcpStream, <H as Handler>::State>;

pub(super) struct Worker<'h, H: Handler> {
    poll: Poll,
    pub(super) mailbox: Arc<Mailbox>,
    /// The number of the mailbox, which is that of the worker.
    number: usize,
    shared: Arc<Shared>,
    /// The worker that accepts has the acceptors, until a shutdown.
    acceptors: Option<Acceptors<Door>>,
    links: Slab<Link<H>>,
    /// The slots of those that have been woken.
    ready: VecDeque<usize>,
    /// The slots of those that had more to do than fits in a turn.
    busy: VecDeque<usize>,
    /// The slots of those whose turn has begun.
    begun: VecDeque<usize>,
    /// Those that make room for others.
    idle: LongestIdle,
    scratch: Scratch,
    /// When something may be due on a connection.
    due: Option<Instant>,
    /// When it last looked at the clock.
    now: Instant,
    /// The shutdown, once it is known of.
    shutdown: Option<Shutdown>,
    /// Whether connections go on, as they do until it has begun to shut down.
    pace: Pace,
    handler: &'h mut H,
}

impl<'h, H: Handler> Worker<'h, H> {
    /// One of this many workers.
    pub(super) fn new(handler: &'h mut H, workers: usize, shared: Arc<Shared>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::from(Arc::new(Wakes(mio::Waker::new(poll.registry(), WAKER)?)));
        let mailbox = Arc::new(Mailbox::new(waker, Arc::new(Totals::new(&shared.limits, workers))));
        Ok(Self {
            poll,
            number: shared.add_mailbox(Arc::clone(&mailbox)),
            mailbox,
            shared,
            acceptors: None,
            links: Slab::new(),
            ready: VecDeque::new(),
            busy: VecDeque::new(),
            begun: VecDeque::new(),
            idle: LongestIdle::default(),
            scratch: Scratch::default(),
            due: None,
            now: Instant::now(),
            shutdown: None,
            pace: Pace::GoOn,
            handler,
        })
    }

    /// Makes this worker the one that accepts, for all of them.
    pub(super) fn listen(&mut self, mut acceptors: Acceptors<Door>) -> io::Result<()> {
        for (door, number) in acceptors.doors().zip(1..) {
            door.register(self.poll.registry(), Token(WAKER.0 - number))?;
        }
        acceptors.wake_all(self.now);
        self.shared.set_acceptor(&self.mailbox.waker());
        self.acceptors = Some(acceptors);
        Ok(())
    }

    /// Serves until the server is shut down.
    pub(super) fn run(mut self) -> io::Result<()> {
        let _guard = EndsAll(Arc::clone(&self.shared));
        let mut events = Events::with_capacity(1024);
        loop {
            self.wait(&mut events)?;
            // Asked before the commands are taken: what was sent before the shutdown is sent.
            self.shutdown = self.shared.shutdown();
            self.now = Instant::now();
            for event in &events {
                // After an error or a hang-up, reading and writing say what has happened.
                let over = event.is_error() || event.is_read_closed();
                let ready =
                    Ready { readable: event.is_readable() || over, writable: event.is_writable() || event.is_error() };
                let Token(token) = event.token();
                // The waker may have been called for a stream that is adopted, of which no poller knows.
                if !self.acceptors.as_mut().is_some_and(|acceptors| acceptors.wake(WAKER.0 - token, self.now)) {
                    self.wake(token, |link| link.wake(ready, over || event.is_priority()));
                }
            }
            if let Some(shutdown) = self.shutdown {
                if self.pace == Pace::GoOn {
                    self.stop();
                }
                self.pace = shutdown.pace(self.now);
            }
            self.open_mail();
            self.relieve();
            self.accept();
            self.take_turns();
            self.expire();
            self.make_room();
            self.shared.update_figures();
            if let Some(shutdown) = self.shutdown {
                if shutdown.until <= self.now {
                    self.abandon();
                }
                // Those that were accepted for this worker have been in the mailbox.
                if shutdown.is_accepting_over && self.links.is_empty() {
                    return Ok(());
                }
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        // A handler may have been slow, and what is due is not to be late by as much again.
        self.now = Instant::now();
        let is_waiting = !self.mailbox.totals.is_over() && self.ready.is_empty() && self.busy.is_empty();
        let accept = self.acceptors.as_ref().and_then(|acceptors| acceptors.due(&self.shared, self.now));
        // When the time is over, those that are left are broken off.
        let until = self.shutdown.filter(|_| !self.links.is_empty() || self.acceptors.is_some());
        // Another connection may have been idle for long enough.
        let room = self.shared.places.is_asking().then(|| self.now + LongestIdle::TICK);
        let first = [accept, self.due, until.map(|shutdown| shutdown.until), room].into_iter().flatten().min();
        let first = if is_waiting { first } else { Some(self.now) };
        match self.poll.poll(events, first.map(|first| first.saturating_duration_since(self.now))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Begins the shutdown.
    fn stop(&mut self) {
        // Those in the backlog are connected as far as their peers know, and may have sent something.
        if let Some(acceptors) = &mut self.acceptors {
            acceptors.stop(self.shared.limits.backlog, self.now);
        }
        // Whatever has arrived is read.
        self.wake_all(|link| link.wake(UNREAD, false));
    }

    /// Ends all connections now.
    fn abandon(&mut self) {
        for slot in 0..self.links.capacity() {
            self.settle(slot, |link, _| Err(link.engine.abandon()));
        }
    }

    /// Does what other threads have asked for.
    fn open_mail(&mut self) {
        let Some(letters) = self.mailbox.take() else { return };
        for command in letters.commands {
            match command {
                Command::Admit(arrival) => self.admit(arrival),
                Command::End(id, reason) => self.reach(id, |link| link.engine.sending.end(reason)),
                Command::Send { to, frame, held } => {
                    match to {
                        Some(id) => self.reach(id, |link| link.send(frame)),
                        None => self.wake_all(|link| link.send(frame.clone())),
                    }
                    drop(held);
                    self.relieve();
                }
            }
        }
        for (id, mark) in letters.marks {
            self.reach(id, |link| link.engine.sending.replies_done(mark.replies_done));
        }
    }

    /// Accepts as many connections as is fair to the others.
    fn accept(&mut self) {
        for _ in 0..AT_ONCE {
            let Some(acceptors) = &mut self.acceptors else { return };
            match acceptors.accept(&self.shared, self.now) {
                Some(Ok(arrival)) => {
                    let worker = self.shared.take_place();
                    if worker == self.number {
                        self.admit(arrival);
                    } else if let Some(mailbox) = self.shared.mailboxes().get(worker) {
                        mailbox.admit(arrival);
                    }
                }
                Some(Err(why)) => self.shared.not_accepted(&why, |why| self.handler.not_accepted(why)),
                None => break,
            }
        }
        if let Some(waited) = self.acceptors.as_ref().and_then(|acceptors| acceptors.waited(self.now)) {
            self.shared.ask_for_place(waited);
        }
        if self.acceptors.as_ref().is_some_and(Acceptors::is_over) || self.pace == Pace::Hurry {
            self.acceptors = None;
            self.shared.end_accepting();
        }
    }

    /// Takes a connection that has been accepted.
    fn admit(&mut self, arrival: Arrival<TcpStream>) {
        // Before the handler queues more, place is made for it.
        self.relieve();
        let slot = self.links.vacant_key();
        let is_plain = arrival.stream.is_plain();
        let id = Id::new(self.number, slot);
        let mut connection = Connection::new(arrival, id, Arc::clone(&self.shared), &self.mailbox.totals, self.now);
        if let Err(error) = self.poll.registry().register(connection.stream.get_mut(), Token(slot), EVENTS) {
            self.shared.not_accepted(&NotAccepted::Io(error), |why| self.handler.not_accepted(why));
            return self.shared.count_down(connection.network());
        }
        if self.pace != Pace::GoOn {
            connection.wake(UNREAD, false);
        }
        self.links.insert(connection);
        if is_plain {
            self.act(slot, |link, turn| at_once(link.turn(turn)));
        } else {
            // A handshake has its turn after others.
            self.wake(slot, |_| ());
        }
    }

    /// Has a connection do something, and gives it a turn if there is more for it to do.
    fn act(&mut self, slot: usize, act: impl FnOnce(&mut Link<H>, &mut Turn<'_, H>) -> Result<Next, CloseReason>) {
        if self.settle(slot, act) == Some(Next::Again) {
            self.wake(slot, |_| ());
        }
    }

    /// Has a connection do something, and returns what is next, unless that is its end.
    fn settle(
        &mut self,
        slot: usize,
        act: impl FnOnce(&mut Link<H>, &mut Turn<'_, H>) -> Result<Next, CloseReason>,
    ) -> Option<Next> {
        let Self { links, handler, shared, scratch, now, pace, .. } = self;
        let link = links.get_mut(slot)?;
        let _span = link.span.enter();
        let outcome = act(link, &mut Turn { handler, scratch, now: *now, pace: *pace });
        link.engine.count();
        match outcome {
            Ok(next) => {
                self.due = self.due.into_iter().chain(link.engine.poll_timeout()).min();
                Some(next)
            }
            Err(why) => {
                let link = links.try_remove(slot)?;
                let (id, address, network) = (link.id, link.address, link.network());
                match link.finish(why) {
                    Ok((state, why)) => drop(shared.guard(|| handler.disconnected(id, address, state, &why))),
                    Err(why) => shared.not_accepted(&why, |why| handler.not_accepted(why)),
                }
                shared.count_down(network);
                if links.is_empty() {
                    self.give_back();
                }
                None
            }
        }
    }
}

/// Ends the other workers when one has failed.
struct EndsAll(Arc<Shared>);

impl Drop for EndsAll {
    fn drop(&mut self) {
        if self.0.shutdown().is_none_or(|shutdown| !shutdown.is_accepting_over) || std::thread::panicking() {
            self.0.shut_down(Duration::ZERO);
            self.0.end_accepting();
        }
    }
}

/// Wakes a poller.
struct Wakes(mio::Waker);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        let _ = self.0.wake();
    }
}
