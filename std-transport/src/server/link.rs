//! One connection of the server, from its acceptance to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use jsonframe::{DecodeError, Message};
use mio::net::TcpStream;

use super::clock::{Clock, Phase};
use super::linger::{Discarded, Linger};
use super::peer::Status;
use super::shared::{Frame, Shared};
use super::{Closed, Handler, Id, Peer, Take};
use crate::inbox::Step;
use crate::{Fill, Interest, Session};

/// Whether a read that got less than it could have had has got all there was, so that whatever comes next is told. An end
/// that was there already is not, but has been seen by the poller.
const DRAINED_BY_SHORT_READ: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A connection. What it may do in one turn is bounded, so that no peer delays the others.
#[derive(Debug)]
pub(super) struct Link {
    session: Session<TcpStream>,
    status: Status,
    clock: Clock,
    /// The content of the message under way, as far as it is collected.
    content: Vec<u8>,
    take: Take,
    /// Whether there may be something to read, and whether the stream may take something.
    ready: Interest,
    /// Whether the poller has seen the peer's half closed.
    hung_up: bool,
    /// Whether nothing is read, because too much is queued.
    paused: bool,
    /// Whether it is in the list of those that have a turn.
    pub(super) listed: bool,
    /// How much of what is queued is counted as such in all.
    counted: usize,
    /// Set when the connection is being closed.
    linger: Option<Box<Linger>>,
}

/// What a connection needs for its turn.
#[derive(Debug)]
pub(super) struct Turn<'a, H> {
    pub(super) handler: &'a mut H,
    pub(super) shared: &'a Arc<Shared>,
    /// Room to read ahead, lent for the turn.
    pub(super) room: &'a mut Box<[u8]>,
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

/// Why no more is received.
enum Stop {
    Fault(DecodeError),
    Close(Closed),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Fault(error)
    }
}

impl Link {
    /// How many bytes are read in a turn, about.
    const BYTES: usize = 256 * 1024;
    /// How many messages are handled in a turn.
    const MESSAGES: usize = 64;
    /// How many bytes are written at a time, about.
    const WRITTEN: usize = 1024 * 1024;

    pub(super) fn new(stream: TcpStream, address: SocketAddr, id: Id, max_header: u16, now: Instant) -> Self {
        Self {
            session: Session::new(stream).with_max_header(max_header),
            status: Status::new(id, address),
            clock: Clock::new(now),
            content: Vec::new(),
            take: Take::Whole,
            ready: Interest { readable: false, writable: true },
            hung_up: false,
            paused: false,
            listed: false,
            counted: 0,
            linger: None,
        }
    }

    pub(super) const fn id(&self) -> Id {
        self.status.id
    }

    pub(super) const fn stream_mut(&mut self) -> &mut TcpStream {
        self.session.get_mut()
    }

    /// The stream may have become ready.
    pub(super) const fn wake(&mut self, ready: Interest, hung_up: bool) {
        self.ready.readable |= ready.readable;
        self.ready.writable |= ready.writable;
        self.hung_up |= hung_up;
    }

    /// Tells the handler of the connection.
    pub(super) fn connected(&mut self, handler: &mut impl Handler, shared: &Arc<Shared>) {
        let (stream, _, outbox) = self.session.parts_mut();
        handler.connected(&mut Peer::new(&mut self.status, stream, outbox, shared));
    }

    /// Queues a message from outside.
    pub(super) fn send(&mut self, frame: Frame, shared: &Arc<Shared>) {
        if self.linger.is_none() {
            let (stream, _, outbox) = self.session.parts_mut();
            // If it does not fit, the connection ends in its next turn.
            let _ = Peer::new(&mut self.status, stream, outbox, shared).queue_frame(frame);
            self.count(shared);
        }
    }

    /// Closes the connection in its next turn.
    pub(super) const fn close(&mut self) {
        self.status.closing = true;
    }

    /// A reply is not owed any more.
    pub(super) const fn settle(&mut self) {
        self.status.owed = self.status.owed.saturating_sub(1);
    }

    /// When something is due next.
    pub(super) fn due(&self, shared: &Shared) -> Option<Instant> {
        let clock = self.clock.due(&shared.limits).map(|due| due.at);
        match &self.linger {
            Some(linger) => linger.due().or(clock),
            None => clock,
        }
    }

    /// Why the connection is to end now, if its time is over.
    pub(super) fn expire(&mut self, shared: &Shared, now: Instant) -> Option<Closed> {
        if self.linger.as_ref().is_some_and(|linger| linger.due().is_some_and(|due| due <= now)) {
            return self.linger.take().map(|linger| linger.why);
        }
        self.clock.expired(&shared.limits, now).map(Closed::Deadline)
    }

    /// Does what can be done now, within bounds. The error is why the connection is to end.
    pub(super) fn turn<H: Handler>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Closed> {
        let outcome = if self.linger.is_some() { self.drain(turn) } else { self.serve(turn) };
        self.count(turn.shared);
        outcome
    }

    fn serve<H: Handler>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Closed> {
        // First, for what was blocked would otherwise wait for an event that has come already.
        self.flush(turn.now)?;
        self.session.parts_mut().1.ahead_mut().borrow_room(turn.room);
        let received = self.receive(turn);
        self.session.parts_mut().1.ahead_mut().return_room(turn.room);
        let mut next = match received {
            Ok(next) => next,
            Err(Stop::Fault(error)) => self.fault(error, turn),
            Err(Stop::Close(why)) => return Err(why),
        };
        if let Some(error) = self.status.failure.take() {
            return Err(Closed::Io(error));
        }
        self.flush(turn.now)?;
        if self.status.overflowed {
            return Err(Closed::QueueFull);
        }
        if self.linger.is_none() && self.status.closing {
            self.begin_linger(Closed::ByHandler, turn);
        }
        if self.linger.is_some() {
            return Ok(Next::Again);
        }
        if self.paused && !self.must_pause(turn.shared) {
            next = Next::Again;
        }
        if next == Next::Wait {
            next = self.finish(turn)?;
        }
        self.set_clock(turn.now);
        Ok(next)
    }

    /// With nothing more to be read now: ends the connection if the peer has ended it or the server is to end.
    fn finish<H>(&mut self, turn: &Turn<'_, H>) -> Result<Next, Closed> {
        let (_, inbox, outbox) = self.session.parts_mut();
        if !outbox.is_done() {
            return Ok(if self.ready.writable { Next::Again } else { Next::Wait });
        }
        inbox.release_room();
        if self.status.owed > 0 || self.paused {
            return Ok(Next::Wait);
        }
        if inbox.ended() {
            return Err(Closed::Ended);
        }
        if turn.pace == Pace::GoOn || inbox.in_message() {
            return Ok(Next::Wait);
        }
        let quiet = turn.now.saturating_duration_since(self.clock.since());
        if quiet > turn.shared.limits.linger_silence {
            // What was sent last was sent long ago.
            return Err(Closed::Shutdown);
        }
        self.begin_linger(Closed::Shutdown, turn);
        Ok(Next::Again)
    }

    fn flush(&mut self, now: Instant) -> Result<(), Closed> {
        let (stream, _, outbox) = self.session.parts_mut();
        let before = outbox.queued();
        if self.ready.writable && !outbox.is_done() {
            self.ready.writable = !outbox.flush(stream, Self::WRITTEN).map_err(Closed::Io)?;
        }
        self.clock.flush(before, outbox.queued(), now);
        Ok(())
    }

    /// Receives until there is nothing to read, or for as long as is fair to the others.
    fn receive<H: Handler>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Stop> {
        let (mut bytes, mut messages) = (Self::BYTES, Self::MESSAGES);
        while bytes > 0 && messages > 0 {
            if self.status.is_over() {
                return Ok(Next::Wait);
            }
            self.paused = self.must_pause(turn.shared);
            if self.paused {
                return Ok(Next::Wait);
            }
            let (stream, inbox, _) = self.session.parts_mut();
            if turn.pace == Pace::Hurry && !inbox.in_message() {
                if self.status.owed == 0 {
                    self.begin_linger(Closed::Shutdown, turn);
                }
                return Ok(Next::Wait);
            }
            match inbox.next_step()? {
                Some(step) => messages -= usize::from(self.step(step, turn)?),
                None if inbox.ended() || !self.ready.readable => return Ok(Next::Wait),
                None => match inbox.fill(stream).map_err(|error| Stop::Close(Closed::Io(error)))? {
                    Fill::Data => {
                        let count = inbox.unread().len();
                        bytes = bytes.saturating_sub(count);
                        self.clock.receive(count, turn.now);
                        let drained = DRAINED_BY_SHORT_READ && !inbox.ahead_mut().was_filled() && !self.hung_up;
                        self.ready.readable &= !drained;
                    }
                    Fill::Blocked | Fill::Eof => self.ready.readable = false,
                },
            }
        }
        Ok(Next::Again)
    }

    /// Whether nothing is to be read while so much is queued.
    fn must_pause(&self, shared: &Shared) -> bool {
        let queued = self.session.queued();
        queued > shared.limits.unread_replies || (queued > 0 && shared.is_queue_full(0))
    }

    /// Handles a step: true if it was a message's end.
    fn step<H: Handler>(&mut self, step: Step, turn: &mut Turn<'_, H>) -> Result<bool, Stop> {
        match step {
            Step::Header => self.header(turn).map(|()| false),
            Step::Content(length) => self.piece(length, turn),
            Step::End => {
                self.end(None, turn);
                Ok(true)
            }
        }
    }

    fn header<H: Handler>(&mut self, turn: &mut Turn<'_, H>) -> Result<(), Stop> {
        self.clock.begin(Phase::Content, turn.now);
        let (stream, inbox, outbox) = self.session.parts_mut();
        if let Some(header) = inbox.header() {
            let mut peer = Peer::new(&mut self.status, stream, outbox, turn.shared);
            self.take = turn.handler.header(&mut peer, &header);
        }
        let limit = match self.take {
            Take::Whole => turn.shared.limits.content,
            Take::Streamed { max } => max,
        };
        Ok(inbox.limit_content(limit)?)
    }

    fn piece<H: Handler>(&mut self, length: usize, turn: &mut Turn<'_, H>) -> Result<bool, Stop> {
        let (stream, inbox, outbox) = self.session.parts_mut();
        let is_last = inbox.needs() == 0;
        match self.take {
            Take::Streamed { .. } => {
                let mut peer = Peer::new(&mut self.status, stream, outbox, turn.shared);
                turn.handler.content(&mut peer, inbox.piece(length));
            }
            // Content in one piece is lent from where it was read.
            Take::Whole if is_last && self.content.is_empty() => {
                inbox.next_step()?;
                self.end(Some(length), turn);
                return Ok(true);
            }
            Take::Whole => self.collect(length, turn.shared)?,
        }
        Ok(false)
    }

    /// Keeps a piece of content. Memory grows as content arrives, to less than twice that.
    fn collect(&mut self, length: usize, shared: &Shared) -> Result<(), Stop> {
        let before = shared.collected.fetch_add(length, Ordering::Relaxed);
        let (_, inbox, _) = self.session.parts_mut();
        let whole = inbox.needs().saturating_add(self.content.len() as u64).saturating_add(length as u64);
        let had = self.content.len();
        let wanted = usize::try_from(whole).unwrap_or(usize::MAX).min((had + length).saturating_mul(2));
        let full = before.saturating_add(length) > shared.limits.collected_total;
        let short_of = self.content.capacity() < had + length;
        if full || (short_of && self.content.try_reserve_exact(wanted - had).is_err()) {
            shared.collected.fetch_sub(length, Ordering::Relaxed);
            return Err(Stop::Close(Closed::CollectedTotal));
        }
        self.content.extend_from_slice(inbox.piece(length));
        Ok(())
    }

    /// Handles the end of a message, whose content may be so many bytes of what was read last.
    fn end<H: Handler>(&mut self, lent: Option<usize>, turn: &mut Turn<'_, H>) {
        self.clock.begin(Phase::Idle, turn.now);
        let (stream, inbox, outbox) = self.session.parts_mut();
        let mut peer = Peer::new(&mut self.status, stream, outbox, turn.shared);
        if matches!(self.take, Take::Streamed { .. }) {
            turn.handler.end(&mut peer);
        } else if let Some(header) = inbox.header() {
            let content = lent.map_or(self.content.as_slice(), |length| inbox.piece(length));
            if let Ok(message) = Message::new(header, content) {
                turn.handler.message(&mut peer, message);
            }
        }
        self.forget_content(turn.shared);
    }

    fn forget_content(&mut self, shared: &Shared) {
        shared.collected.fetch_sub(self.content.len(), Ordering::Relaxed);
        self.content = Vec::new();
    }

    /// The peer has sent something wrong: tells the handler, and begins to close.
    fn fault<H: Handler>(&mut self, error: DecodeError, turn: &mut Turn<'_, H>) -> Next {
        let (stream, _, outbox) = self.session.parts_mut();
        turn.handler.protocol_error(&mut Peer::new(&mut self.status, stream, outbox, turn.shared), &error);
        self.begin_linger(Closed::Protocol(error), turn);
        Next::Again
    }

    /// Begins to close. The rest of what is queued is sent first.
    fn begin_linger<H>(&mut self, why: Closed, turn: &Turn<'_, H>) {
        self.forget_content(turn.shared);
        let (_, inbox, _) = self.session.parts_mut();
        inbox.ahead_mut().release();
        self.ready.readable = !inbox.ended();
        self.clock.begin(Phase::Suspended, turn.now);
        self.linger = Some(Box::new(Linger::new(why, &turn.shared.limits)));
    }

    /// Goes on closing.
    fn drain<H>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Closed> {
        let flushed = self.flush(turn.now);
        let Some(linger) = &mut self.linger else { return Ok(Next::Wait) };
        let (stream, inbox, outbox) = self.session.parts_mut();
        let limits = &turn.shared.limits;
        let sent = outbox.is_done();
        let mut over = flushed.is_err() || (sent && linger.close_half(stream, limits, turn.now).is_err());
        if !over && self.ready.readable {
            match linger.discard(stream, turn.room, Self::BYTES, limits, turn.now) {
                Discarded::All => self.ready.readable = false,
                Discarded::Some => return Ok(Next::Again),
                Discarded::Over => {
                    self.ready.readable = false;
                    over = sent;
                    inbox.end();
                }
            }
        }
        if over || (sent && inbox.ended()) {
            return Err(self.linger.take().map_or(Closed::ByHandler, |linger| linger.why));
        }
        Ok(if !sent && self.ready.writable { Next::Again } else { Next::Wait })
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

    /// Counts what is queued as such in all.
    fn count(&mut self, shared: &Shared) {
        let queued = self.session.queued();
        if queued > self.counted {
            shared.queued.fetch_add(queued - self.counted, Ordering::Relaxed);
        } else {
            shared.queued.fetch_sub(self.counted - queued, Ordering::Relaxed);
        }
        self.counted = queued;
    }

    /// Counts nothing of it any more: the connection has ended.
    pub(super) fn discount(&mut self, shared: &Shared) {
        shared.queued.fetch_sub(self.counted, Ordering::Relaxed);
        self.counted = 0;
        self.forget_content(shared);
    }
}
