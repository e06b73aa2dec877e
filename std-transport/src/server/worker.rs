//! A thread of the server: a poller and the connections that wait on it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::accept::Acceptor;
use super::link::{Link, Next, Pace, Turn};
use super::rooms::Rooms;
use super::shared::{Command, Shared};
use super::stopping::EndsAll;
use super::{Closed, Handler, Id, NotAccepted};
use crate::Interest as Ready;

/// The waker's token; connections have the numbers of their slots.
const WAKER: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);

/// There may be something to read.
pub(super) const UNREAD: Ready = Ready { readable: true, writable: false };

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) poll: Poll,
    pub(super) number: u16,
    pub(super) shared: Arc<Shared>,
    /// The worker that accepts has the acceptor, until a shutdown.
    pub(super) acceptor: Option<Acceptor>,
    pub(super) links: Slab<Link>,
    /// The slots of those that have a turn.
    ready: VecDeque<usize>,
    rooms: Rooms,
    /// When something may be due on a connection.
    due: Option<Instant>,
    /// Since when the server is being shut down.
    pub(super) stopping: Option<Instant>,
}

impl Worker {
    /// For so many connections, memory is kept when they have ended.
    const FEW: usize = 1024;
    /// Deadlines are looked at no more often than this.
    const TICK: Duration = Duration::from_millis(25);

    pub(super) fn new(number: u16, shared: Arc<Shared>) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            number,
            shared,
            acceptor: None,
            links: Slab::new(),
            ready: VecDeque::new(),
            rooms: Rooms::new(),
            due: None,
            stopping: None,
        })
    }

    pub(super) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKER)
    }

    /// Makes this worker the one that accepts.
    pub(super) fn listen(&mut self, mut acceptor: Acceptor) -> io::Result<()> {
        self.poll.registry().register(acceptor.listener_mut(), LISTENER, Interest::READABLE)?;
        self.acceptor = Some(acceptor);
        Ok(())
    }

    /// Serves until the server is shut down.
    pub(super) fn run<H: Handler>(mut self, handler: &mut H) -> io::Result<()> {
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
                self.wake(event.token(), ready, over);
            }
            for command in self.shared.commands(self.number.into()) {
                self.obey(command, handler, now);
            }
            self.accept(handler, now);
            if shutdown.is_some() && self.stopping.is_none() {
                self.stop(handler, now);
            }
            let pace = self.pace(shutdown, now);
            self.take_turns(handler, now, pace);
            self.expire(handler, now, pace);
            if let Some(until) = shutdown {
                if until <= now {
                    self.abandon(handler);
                }
                if self.links.is_empty() && self.is_last_command_done() {
                    return Ok(());
                }
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let now = Instant::now();
        let at_once = (!self.ready.is_empty()).then_some(now);
        let accept = self.acceptor.as_ref().and_then(|acceptor| acceptor.due(&self.shared, now));
        let first = [at_once, accept, self.due, self.shared.shutdown().filter(|_| self.stopping.is_some())]
            .into_iter()
            .flatten()
            .min();
        match self.poll.poll(events, first.map(|first| first.saturating_duration_since(now))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn wake(&mut self, token: Token, ready: Ready, hung_up: bool) {
        match token {
            WAKER => {}
            LISTENER => {
                if let Some(acceptor) = &mut self.acceptor {
                    acceptor.wake();
                }
            }
            Token(slot) => {
                if let Some(link) = self.links.get_mut(slot) {
                    link.wake(ready, hung_up);
                    self.list(slot);
                }
            }
        }
    }

    /// Gives a connection a turn.
    fn list(&mut self, slot: usize) {
        if let Some(link) = self.links.get_mut(slot)
            && !link.listed
        {
            link.listed = true;
            self.ready.push_back(slot);
        }
    }

    fn obey<H: Handler>(&mut self, command: Command, handler: &mut H, now: Instant) {
        match command {
            Command::Adopt { stream, address, serial } => self.adopt(stream, address, serial, handler, now),
            Command::Send { id, frame } => {
                self.shared.uncount(&frame);
                let shared = Arc::clone(&self.shared);
                if let Some(link) = self.find(id) {
                    link.send(frame, &shared);
                    self.list(id.slot());
                }
            }
            Command::Broadcast(frame) => {
                self.shared.uncount(&frame);
                for (slot, link) in &mut self.links {
                    link.send(frame.clone(), &self.shared);
                    if !link.listed {
                        link.listed = true;
                        self.ready.push_back(slot);
                    }
                }
            }
            Command::Close(id) => {
                if let Some(link) = self.find(id) {
                    link.close();
                    self.list(id.slot());
                }
            }
            Command::Settle(id) => {
                if let Some(link) = self.find(id) {
                    link.settle();
                    self.list(id.slot());
                }
            }
        }
    }

    /// The connection of this name, if it has not ended.
    fn find(&mut self, id: Id) -> Option<&mut Link> {
        self.links.get_mut(id.slot()).filter(|link| link.id() == id)
    }

    /// Accepts as many connections as is fair to the others: true if there may be more.
    pub(super) fn accept<H: Handler>(&mut self, handler: &mut H, now: Instant) -> bool {
        for _ in 0..Acceptor::AT_ONCE {
            let Some(acceptor) = &mut self.acceptor else { return false };
            let Some((stream, address)) = acceptor.accept(handler, &self.shared, now) else { return false };
            let serial = self.shared.next_serial();
            let worker = usize::try_from(serial).unwrap_or(0) % self.shared.workers();
            if worker == usize::from(self.number) {
                self.adopt(stream, address, serial, handler, now);
            } else {
                self.shared.ask(worker, Command::Adopt { stream, address, serial });
            }
        }
        true
    }

    fn adopt<H: Handler>(
        &mut self,
        stream: TcpStream,
        address: SocketAddr,
        serial: u64,
        handler: &mut H,
        now: Instant,
    ) {
        let slot = self.links.vacant_key();
        let Ok(number) = u32::try_from(slot) else { return self.shared.count_down() };
        // Messages are written whole, so there is nothing to be gained by waiting for more.
        let _ = stream.set_nodelay(true);
        let id = Id::new(serial, self.number, number);
        let mut link = Link::new(stream, address, id, &self.shared, now);
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(link.stream_mut(), Token(slot), both) {
            self.shared.accept_errors.fetch_add(1, Ordering::Relaxed);
            handler.not_accepted(&NotAccepted::Io(error));
            return self.shared.count_down();
        }
        link.connected(handler, &self.shared);
        if self.stopping.is_some() {
            link.wake(UNREAD, false);
        }
        self.links.insert(link);
        self.list(slot);
    }

    /// Gives each of those that have a turn its turn; who could do more has another one after all others.
    fn take_turns<H: Handler>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        for _ in 0..self.ready.len() {
            let Some(slot) = self.ready.pop_front() else { return };
            let Some(link) = self.links.get_mut(slot) else { continue };
            link.listed = false;
            self.rooms.prepare();
            let mut turn = Turn { handler, shared: &self.shared, rooms: &mut self.rooms, now, pace };
            match link.turn(&mut turn) {
                Ok(next) => {
                    let due = link.due(&self.shared);
                    self.note(due);
                    if next == Next::Again {
                        self.list(slot);
                    }
                }
                Err(why) => self.remove(slot, &why, handler),
            }
        }
        if self.ready.is_empty() && self.ready.capacity() > Self::FEW {
            self.ready = VecDeque::new();
        }
    }

    /// Something is due on a connection.
    fn note(&mut self, due: Option<Instant>) {
        self.due = self.due.into_iter().chain(due).min();
    }

    /// Ends the connections whose time is over.
    ///
    /// All are looked at, which takes well under a millisecond for ten thousand and is rare: what happens on a connection
    /// only puts off what is due, so that the earliest time noted is early, but never late.
    fn expire<H: Handler>(&mut self, handler: &mut H, now: Instant, pace: Pace) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let due = |(slot, link): (usize, &Link)| link.is_due(&self.shared, now).then_some(slot);
        let due: Vec<_> = self.links.iter().filter_map(due).collect();
        for slot in due {
            let Some(link) = self.links.get_mut(slot) else { continue };
            let mut turn = Turn { handler, shared: &self.shared, rooms: &mut self.rooms, now, pace };
            match link.expire(&mut turn) {
                Ok(false) => {}
                Ok(true) => self.list(slot),
                Err(why) => self.remove(slot, &why, handler),
            }
        }
        self.give_back();
        let next = self.links.iter().filter_map(|(_, link)| link.due(&self.shared)).min();
        self.due = next.map(|next| next.max(now + Self::TICK));
    }

    /// Gives back memory for many connections that have ended, as far as it lies behind that of those that have not.
    fn give_back(&mut self) {
        if self.links.capacity() > Self::FEW && self.links.len() < self.links.capacity() / 4 {
            self.links.shrink_to_fit();
        }
    }

    pub(super) fn remove<H: Handler>(&mut self, slot: usize, why: &Closed, handler: &mut H) {
        if let Some(mut link) = self.links.try_remove(slot) {
            link.discount(&self.shared);
            handler.disconnected(link.id(), link.address(), why);
            drop(link);
            self.shared.count_down();
            if self.links.is_empty() {
                self.give_back();
            }
        }
    }
}
