//! One connection of the server, from its acceptance to its end: its engine, its stream, and its turns.

use std::cmp::Reverse;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::frame::Frame;
use super::mailbox::Mark;
use super::shared::Shared;
use super::stream::Stream;
use super::{CloseReason, Handler, Id, Peer};
use crate::Interest;
use crate::engine::{Engine, Event, Scratch, Totals};
use crate::io::{flush, retry};

/// Whether a read that got less than it could have had has got all there was, so that whatever comes next is told. An end
/// that was there already is not, nor what follows urgent data, but the poller has seen both.
const DRAINED_BY_SHORT_READ: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// How many messages are handled in a turn.
const MESSAGES: usize = 64;
/// How many bytes are read in a turn, about.
const BYTES_READ: usize = 256 * 1024;
/// How many bytes are written at a time, about.
const BYTES_WRITTEN: usize = 1024 * 1024;

/// A connection. What it may do in one turn is bounded, so that no peer delays the others.
#[derive(Debug)]
pub(super) struct Link<T, S> {
    stream: T,
    /// What the handler keeps for it.
    state: S,
    engine: Engine,
    id: Id,
    address: SocketAddr,
    /// Whether there may be something to read, and whether the stream may take something.
    ready: Interest,
    /// Whether a read that gets less than it could may still have something after it: the end, or what follows urgent
    /// data.
    read_on: bool,
    /// Whether it is in the list of those that have a turn.
    pub(super) listed: bool,
}

/// What a connection needs for its turn.
#[derive(Debug)]
pub(super) struct Turn<'a, H> {
    pub(super) handler: &'a mut H,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) totals: &'a Totals,
    pub(super) scratch: &'a mut Scratch,
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

impl<T: Stream, S> Link<T, S> {
    pub(super) fn new(stream: T, state: S, address: SocketAddr, id: Id, engine: Engine) -> Self {
        let ready = Interest { readable: false, writable: true };
        Self { stream, state, engine, id, address, ready, read_on: false, listed: false }
    }

    pub(super) const fn id(&self) -> Id {
        self.id
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) const fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    pub(super) const fn stream_mut(&mut self) -> &mut T {
        &mut self.stream
    }

    /// The stream may have become ready.
    pub(super) const fn wake(&mut self, ready: Interest, read_on: bool) {
        self.ready.readable |= ready.readable;
        self.ready.writable |= ready.writable;
        self.read_on |= read_on;
    }

    /// Says that it has ended.
    pub(super) fn disconnected<H: Handler<State = S>>(self, reason: &CloseReason, handler: &mut H, shared: &Shared) {
        shared.guard(|| handler.disconnected(self.id, self.address, self.state, reason));
    }

    /// The peer, and what the handler keeps for it.
    fn peer<'a>(&'a mut self, shared: &'a Arc<Shared>) -> (Peer<'a>, &'a mut S) {
        let peer = Peer::new(self.id, self.address, &mut self.stream, &mut self.engine.sending, shared);
        (peer, &mut self.state)
    }

    /// Tells the handler of the connection.
    pub(super) fn connected<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) {
        let (mut peer, state) = self.peer(turn.shared);
        if turn.shared.guard(|| turn.handler.connected(&mut peer, state)).is_none() {
            self.close(CloseReason::Panicked, turn);
        }
        self.engine.count(turn.totals);
    }

    /// Queues a message from outside.
    pub(super) fn send(&mut self, frame: Frame, shared: &Arc<Shared>, totals: &Totals) {
        if !self.engine.is_closing() {
            // If it does not fit, the connection ends in its next turn.
            let _ = self.peer(shared).0.queue_frame(frame);
            self.engine.count(totals);
        }
    }

    /// Takes what has become of the connection in other threads, for its next turn.
    pub(super) fn mark(&mut self, mark: Mark) {
        mark.apply(&mut self.engine.sending);
    }

    /// Writes what the peer takes now: true if it has taken something.
    pub(super) fn relieve(&mut self, totals: &Totals, now: Instant) -> Result<bool, CloseReason> {
        let before = self.engine.sending.outbox.queued();
        // The poller tells of free space only when there is much of it.
        self.ready.writable = true;
        self.flush()?;
        self.engine.update(now);
        self.engine.count(totals);
        Ok(self.engine.sending.outbox.queued() < before)
    }

    /// How much is being collected, and who has been connected for longer.
    pub(super) const fn collected_rank(&self) -> (usize, Reverse<Id>) {
        (self.engine.collected(), Reverse(self.id))
    }

    /// Does what is due: true if there is to be a turn for more. The error is why the connection is to end.
    pub(super) fn expire<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<bool, CloseReason> {
        let (is_closing, is_write_due) = (self.engine.is_closing(), self.engine.sending.is_write_due(turn.now));
        if is_write_due {
            self.relieve(turn.totals, turn.now)?;
        }
        match self.engine.handle_timeout(turn.now) {
            Ok(()) => Ok(is_write_due),
            Err(reason) if reason.can_be_told() && !is_closing => self.dismiss(reason, turn).map(|()| true),
            Err(reason) => Err(reason),
        }
    }

    /// Does what can be done now, within bounds. The error is why the connection is to end.
    pub(super) fn turn<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, CloseReason> {
        self.engine.borrow(turn.scratch);
        let outcome = if self.engine.is_closing() {
            self.drain(turn.now)
        } else {
            turn.shared.guard(|| self.serve(turn)).unwrap_or_else(|| {
                self.close(CloseReason::Panicked, turn);
                Ok(Next::Again)
            })
        };
        self.engine.give_back(turn.scratch);
        self.engine.update(turn.now);
        self.engine.count(turn.totals);
        outcome
    }

    fn serve<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, CloseReason> {
        // First, for what was blocked would otherwise wait for an event that has come already.
        self.flush()?;
        let next = match self.receive(turn) {
            Err(reason) if reason.can_be_told() => self.dismiss(reason, turn).map(|()| Next::Again)?,
            received => received?,
        };
        if self.engine.is_closing() {
            return Ok(Next::Again);
        }
        let was_paused = self.engine.sending.is_paused();
        match self.engine.sending.take_reason() {
            Some(reason @ CloseReason::Io(_)) => return Err(reason),
            Some(reason) => {
                self.flush()?;
                if matches!(reason, CloseReason::QueueFull) {
                    return Err(reason);
                }
                self.close(reason, turn);
                return Ok(Next::Again);
            }
            None => self.flush()?,
        }
        let is_relieved = was_paused && !self.engine.sending.is_paused();
        if next == Next::Again || is_relieved || (!self.is_done() && self.ready.writable) {
            return Ok(Next::Again);
        }
        match self.engine.poll_quiet(turn.pace != Pace::GoOn) {
            Some(reason) if reason.can_be_told() => self.dismiss(reason, turn).map(|()| Next::Again),
            Some(reason) => Err(reason),
            None => Ok(Next::Wait),
        }
    }

    /// Receives until there is nothing to read, or for as long as is fair to the others.
    fn receive<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, CloseReason> {
        let (mut bytes, mut messages) = (BYTES_READ, MESSAGES);
        self.engine.sending.offered = 0;
        while bytes > 0 && messages > 0 && self.engine.sending.offered < BYTES_WRITTEN && !turn.totals.is_queue_full() {
            let sending = &self.engine.sending;
            if sending.is_ending() || sending.is_paused() {
                return Ok(Next::Wait);
            }
            if turn.pace == Pace::Hurry && !self.engine.in_message() {
                return if sending.has_pending_replies() { Ok(Next::Wait) } else { Err(CloseReason::Shutdown) };
            }
            let Some((event, sending)) = self.engine.poll_event(turn.now)? else {
                if self.engine.has_ended() || !self.ready.readable {
                    return Ok(Next::Wait);
                }
                bytes = bytes.saturating_sub(self.read(bytes, turn.now)?);
                continue;
            };
            let mut peer = Peer::new(self.id, self.address, &mut self.stream, sending, turn.shared);
            let state = &mut self.state;
            match event {
                Event::Header(header) => {
                    let mode = turn.handler.header(&mut peer, state, &header);
                    self.engine.set_mode(mode);
                }
                Event::Content(piece) => turn.handler.content(&mut peer, state, piece),
                Event::End => {
                    turn.handler.end(&mut peer, state);
                    messages -= 1;
                }
                Event::Message(message) => {
                    turn.handler.message(&mut peer, state, message);
                    self.engine.discount_collected(turn.totals);
                    messages -= 1;
                }
            }
        }
        Ok(Next::Again)
    }

    /// Reads once and returns the byte count. `budget` is a soft cap.
    fn read(&mut self, budget: usize, now: Instant) -> Result<usize, CloseReason> {
        let space = self.engine.read_buf(budget)?;
        let wanted = space.len();
        match retry(|| self.stream.read(space)) {
            Ok(0) => {
                self.ready.readable = false;
                self.engine.ended();
                Ok(0)
            }
            Ok(count) => {
                // A stream that says it has read more than fits is not believed.
                let count = count.min(wanted);
                self.engine.received(count, now);
                if DRAINED_BY_SHORT_READ && count < wanted && !self.read_on {
                    self.ready.readable = false;
                }
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.ready.readable = false;
                Ok(0)
            }
            Err(error) => Err(CloseReason::Io(error)),
        }
    }

    /// Writes what is queued as far as the stream takes it, or about as much as is fair to the others.
    fn flush(&mut self) -> Result<(), CloseReason> {
        if self.ready.writable && !self.is_done() {
            let outbox = &mut self.engine.sending.outbox;
            self.ready.writable = !flush(outbox, &mut self.stream, BYTES_WRITTEN).map_err(CloseReason::Io)?;
        }
        Ok(())
    }

    const fn is_done(&self) -> bool {
        self.engine.sending.outbox.is_done()
    }

    /// Begins to end the connection, for a reason that the peer can be told: asks the handler for last words.
    pub(super) fn dismiss<H: Handler<State = S>>(
        &mut self,
        reason: CloseReason,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), CloseReason> {
        let (mut peer, state) = self.peer(turn.shared);
        turn.shared.guard(|| turn.handler.farewell(&mut peer, state, &reason));
        if self.engine.is_long_idle(turn.now) {
            return Err(reason);
        }
        self.close(reason, turn);
        Ok(())
    }

    /// Begins to close. The rest of what is queued is sent first.
    fn close<H>(&mut self, reason: CloseReason, turn: &Turn<'_, H>) {
        self.engine.close(reason, turn.now);
        self.engine.discount_collected(turn.totals);
        self.ready.readable = !self.engine.has_ended();
    }

    /// Goes on closing.
    fn drain(&mut self, now: Instant) -> Result<Next, CloseReason> {
        if self.flush().is_err() {
            return Err(self.engine.closed());
        }
        if self.engine.is_half_close_due() {
            if self.stream.shut_down_sending().is_err() {
                return Err(self.engine.closed());
            }
            self.engine.half_closed(now);
        }
        let mut bytes = BYTES_READ;
        while bytes > 0 && self.ready.readable && !self.engine.has_ended() {
            match self.read(bytes, now) {
                Ok(count) => bytes = bytes.saturating_sub(count),
                Err(_) => self.engine.ended(),
            }
        }
        if let Some(reason) = self.engine.poll_closed() {
            return Err(reason);
        }
        let could_write = !self.is_done() && self.ready.writable;
        Ok(if bytes == 0 || could_write { Next::Again } else { Next::Wait })
    }
}

#[cfg(test)]
mod tests;
