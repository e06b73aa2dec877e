//! One connection of the server, from its acceptance to its end.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use mio::net::TcpStream;

use super::clock::{Clock, Phase};
use super::collected::Collected;
use super::frame::Frame;
use super::linger::Linger;
use super::mailbox::Mark;
use super::peer::Status;
use super::rooms::Rooms;
use super::shared::Shared;
use super::totals::Totals;
use super::{Closed, Deadline, Handler, Id, Peer, Take};
use crate::{Interest, Session};

/// A connection. What it may do in one turn is bounded, so that no peer delays the others.
#[derive(Debug)]
pub(super) struct Link<S> {
    /// What the handler keeps for it.
    pub(super) state: S,
    pub(super) session: Session<TcpStream>,
    pub(super) status: Status,
    pub(super) clock: Clock,
    /// The content of the message under way, as far as it is collected.
    pub(super) content: Collected,
    /// How much memory of that is counted as collected in all.
    pub(super) collected: usize,
    /// How much memory of what is queued is counted as such in all.
    queued: usize,
    pub(super) take: Take,
    /// Whether there may be something to read, and whether the stream may take something.
    pub(super) ready: Interest,
    /// Whether a read that gets less than it could may still have something after it: the end, or what follows urgent
    /// data.
    pub(super) read_on: bool,
    /// Whether nothing is read, because too much is queued.
    pub(super) paused: bool,
    /// Whether it is in the list of those that have a turn.
    pub(super) listed: bool,
    /// Set when the connection is being closed.
    pub(super) linger: Option<Box<Linger>>,
}

/// What a connection needs for its turn.
#[derive(Debug)]
pub(super) struct Turn<'a, H> {
    pub(super) handler: &'a mut H,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) totals: &'a Totals,
    pub(super) rooms: &'a mut Rooms,
    pub(super) now: Instant,
    pub(super) pace: Pace,
}

/// Whether the server is being shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It is not.
    GoOn,
    /// Connections end when nothing is under way.
    Stop,
    /// Connections end after the message they are at, for their peers may never pause.
    Hurry,
}

/// What is to become of a connection after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It waits for its stream.
    Wait,
    /// It could do more at once, and is to have another turn when the others have had theirs.
    Again,
}

impl<S> Link<S> {
    /// How many bytes are read in a turn, about.
    pub(super) const BYTES: usize = 256 * 1024;
    /// How many bytes are written at a time, about.
    pub(super) const WRITTEN: usize = 1024 * 1024;

    pub(super) fn new(stream: TcpStream, address: SocketAddr, id: Id, shared: &Shared, now: Instant) -> Self
    where
        S: Default,
    {
        Self {
            state: S::default(),
            session: Session::new(stream)
                .with_max_header(shared.limits.max_header)
                .with_dialect(shared.dialect())
                .with_sending_dialect(shared.sending_dialect()),
            status: Status::new(id, address),
            clock: Clock::new(now),
            content: Collected::default(),
            collected: 0,
            queued: 0,
            take: Take::Whole,
            ready: Interest { readable: false, writable: true },
            read_on: false,
            paused: false,
            listed: false,
            linger: None,
        }
    }

    pub(super) const fn id(&self) -> Id {
        self.status.id
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.status.address
    }

    pub(super) const fn stream_mut(&mut self) -> &mut TcpStream {
        self.session.get_mut()
    }

    /// The stream may have become ready.
    pub(super) const fn wake(&mut self, ready: Interest, read_on: bool) {
        self.ready.readable |= ready.readable;
        self.ready.writable |= ready.writable;
        self.read_on |= read_on;
    }

    /// Tells the handler of the connection.
    pub(super) fn connected<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) {
        let (stream, _, outbox) = self.session.parts_mut();
        let mut peer = Peer::new(&mut self.status, stream, outbox, turn.shared);
        if turn.shared.guard(|| turn.handler.connected(&mut peer, &mut self.state)).is_none() {
            self.begin_linger(Closed::Panicked, turn);
        }
        self.count(turn.totals);
    }

    /// Queues a message from outside.
    pub(super) fn send(&mut self, frame: Frame, shared: &Arc<Shared>, totals: &Totals) {
        if self.linger.is_none() {
            let (stream, _, outbox) = self.session.parts_mut();
            // If it does not fit, the connection ends in its next turn.
            let _ = Peer::new(&mut self.status, stream, outbox, shared).queue_frame(frame);
            self.count(totals);
        }
    }

    /// Takes what has become of the connection in other threads, for its next turn.
    pub(super) fn mark(&mut self, mark: Mark) {
        self.status.owed = self.status.owed.saturating_sub(mark.settled);
        self.status.closing |= mark.close;
    }

    /// How much memory what is queued holds, alone and together with others.
    pub(super) fn held(&mut self) -> (usize, usize) {
        let (_, _, outbox) = self.session.parts_mut();
        (self.queued, outbox.shared())
    }

    /// Since when something has been queued, or when the rate at which it is taken was last measured.
    pub(super) fn unsent_since(&self) -> Option<Instant> {
        self.clock.unsent_since()
    }

    /// Writes what the peer takes now: true if it has taken something.
    pub(super) fn relieve(&mut self, totals: &Totals, now: Instant) -> Result<bool, Closed> {
        let before = self.session.queued();
        // The poller tells of room only when there is much of it.
        self.ready.writable = true;
        self.flush(now)?;
        self.count(totals);
        Ok(self.session.queued() < before)
    }

    /// How much is being collected, and who has been connected for longer.
    pub(super) const fn collected_rank(&self) -> (usize, Reverse<Id>) {
        (self.collected, Reverse(self.id()))
    }

    /// When something is due next.
    pub(super) fn due(&self, shared: &Shared) -> Option<Instant> {
        let clock = self.clock.due(&shared.limits).map(|due| due.at);
        match &self.linger {
            Some(linger) => linger.due().or(clock),
            None => clock.into_iter().chain(self.status.deadline).min(),
        }
    }

    /// Whether something is due.
    pub(super) fn is_due(&self, shared: &Shared, now: Instant) -> bool {
        self.due(shared).is_some_and(|due| due <= now)
    }

    /// Does what is due: true if there is to be a turn for more. The error is why the connection is to end.
    pub(super) fn expire<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<bool, Closed> {
        if self.linger.as_ref().is_some_and(|linger| linger.due().is_some_and(|due| due <= turn.now)) {
            return Err(self.over());
        }
        let limits = &turn.shared.limits;
        let is_write_due = self.clock.due(limits).is_some_and(|due| due.at <= turn.now && due.which == Deadline::Write);
        if is_write_due {
            // The poller tells of room only when there is much of it, and a slow peer may have made some.
            self.ready.writable = true;
            self.flush(turn.now)?;
            self.count(turn.totals);
        }
        let is_late = self.linger.is_none() && self.status.deadline.is_some_and(|deadline| deadline <= turn.now);
        let expired = if is_late { Some(Deadline::Handler) } else { self.clock.expired(limits, turn.now) };
        match expired.map(Closed::Deadline) {
            None => Ok(is_write_due),
            Some(why) if why.can_be_told() => self.dismiss(why, turn).map(|()| true),
            Some(why) => Err(why),
        }
    }

    /// Does what can be done now, within bounds. The error is why the connection is to end.
    pub(super) fn turn<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Closed> {
        let (_, inbox, outbox) = self.session.parts_mut();
        outbox.borrow_tail(&mut turn.rooms.tail);
        let outcome = if self.linger.is_none() {
            inbox.borrow_rooms(&mut turn.rooms.ahead, &mut turn.rooms.header);
            turn.shared.guard(|| self.serve(turn)).unwrap_or_else(|| {
                self.begin_linger(Closed::Panicked, turn);
                Ok(Next::Again)
            })
        } else {
            self.drain(turn)
        };
        let (_, inbox, outbox) = self.session.parts_mut();
        inbox.return_rooms(&mut turn.rooms.ahead, &mut turn.rooms.header);
        outbox.return_tail(&mut turn.rooms.tail);
        self.content.make_do(&mut turn.rooms.content);
        self.count(turn.totals);
        outcome
    }

    fn serve<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Closed> {
        // First, for what was blocked would otherwise wait for an event that has come already.
        self.flush(turn.now)?;
        let mut next = match self.receive(turn) {
            Err(why) if why.can_be_told() => self.dismiss(why, turn).map(|()| Next::Again)?,
            received => received?,
        };
        if self.linger.is_some() {
            return Ok(Next::Again);
        }
        if let Some(error) = self.status.failure.take() {
            return Err(Closed::Io(error));
        }
        self.flush(turn.now)?;
        if self.status.overflowed {
            return Err(Closed::QueueFull);
        }
        if self.status.reply_lost || self.status.closing {
            let why = if self.status.reply_lost { Closed::ReplyLost } else { Closed::ByHandler };
            self.begin_linger(why, turn);
            return Ok(Next::Again);
        }
        if self.paused && !self.must_pause(&turn.shared.limits) {
            next = Next::Again;
        }
        if next == Next::Wait {
            next = self.finish(turn)?;
        }
        if self.linger.is_none() {
            self.set_clock(turn.now);
        }
        Ok(next)
    }

    /// With nothing more to be read now: ends the connection if the peer has ended it or the server is to end.
    fn finish<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Closed> {
        let (_, inbox, outbox) = self.session.parts_mut();
        if !outbox.is_done() {
            return Ok(if self.ready.writable { Next::Again } else { Next::Wait });
        }
        if self.status.owed > 0 || self.paused {
            return Ok(Next::Wait);
        }
        if inbox.ended() {
            return Err(Closed::Ended);
        }
        if turn.pace == Pace::GoOn || inbox.in_message() {
            return Ok(Next::Wait);
        }
        self.dismiss(Closed::Shutdown, turn).map(|()| Next::Again)
    }

    pub(super) fn flush(&mut self, now: Instant) -> Result<(), Closed> {
        let (stream, _, outbox) = self.session.parts_mut();
        let before = outbox.queued();
        if self.ready.writable && !outbox.is_done() {
            self.ready.writable = !outbox.flush(stream, Self::WRITTEN).map_err(Closed::Io)?;
        }
        self.clock.flush(before, outbox.queued(), now);
        Ok(())
    }

    fn set_clock(&mut self, now: Instant) {
        let (_, inbox, _) = self.session.parts_mut();
        let in_message = inbox.in_message();
        if self.paused || inbox.ended() || (!in_message && self.status.owed > 0) {
            self.clock.go_on(Phase::Suspended, now);
        } else if !in_message {
            self.clock.go_on(Phase::Idle, now);
        } else if inbox.header().is_some() {
            self.clock.go_on(Phase::Content, now);
        } else {
            self.clock.go_on(Phase::Header, now);
        }
    }

    /// Counts the memory that the connection holds.
    pub(super) fn count(&mut self, totals: &Totals) {
        let (_, _, outbox) = self.session.parts_mut();
        totals.queued.recount(&mut self.queued, outbox.held());
        totals.collected.recount(&mut self.collected, self.content.held());
    }

    /// Counts nothing of it any more: the connection has ended.
    pub(super) fn discount(&mut self, totals: &Totals) {
        totals.queued.recount(&mut self.queued, 0);
        totals.collected.recount(&mut self.collected, 0);
    }

    /// Drops what has been collected of a message.
    pub(super) fn forget_content(&mut self, totals: &Totals) {
        self.content = Collected::default();
        totals.collected.recount(&mut self.collected, 0);
    }
}
