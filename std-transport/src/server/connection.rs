//! One connection of a server without its handler: its engine, its stream, and how its turns begin and end.

mod budget;

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Instant;

pub(crate) use budget::Budget;

use super::accept::Arrival;
use super::frame::Frame;
use super::observe::{Figures, Span};
use super::outlet::{BYTES_WRITTEN, Outlet};
use super::pace::Pace;
use super::places::Network;
use super::shared::{Shared, lock};
use super::{Address, CloseReason, Id, NotAccepted, Peer};
use crate::Interest;
use crate::engine::{Engine, Totals};
use crate::io::{flush, retry};
use crate::stream::{Raw, Stream};
use budget::BYTES_READ;

/// Whether a read that got less than it could have had has got all there was, so that whatever comes next is told. An end
/// that was there already is not, nor what follows urgent data, but the poller has seen both.
const DRAINED_BY_SHORT_READ: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// How many bytes are read at once, at most, before it is looked how long the turn has taken.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection<R> {
    pub(crate) stream: Stream<R>,
    pub(crate) engine: Engine,
    pub(crate) id: Id,
    pub(crate) address: Address,
    pub(crate) span: Span,
    /// Whether there may be something to read, and whether the stream may take something.
    ready: Interest,
    /// Whether a read that gets less than it could may still have something after it: the end, or what follows urgent
    /// data.
    read_on: bool,
    /// Whether it counts for the network of its address.
    is_counted: bool,
    /// Whether that network has as many as it may have.
    is_refused: bool,
}

/// What is to become of a connection after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits for its stream.
    Wait,
    /// It could do more at once, and is to have another turn when the others have had theirs.
    Again,
}

impl<R: Raw> Connection<R> {
    /// A connection that has just been accepted.
    pub(crate) fn new(arrival: Arrival<R>, id: Id, shared: &Shared, totals: &Arc<Totals>, now: Instant) -> Self {
        let Arrival { stream, address, network } = arrival;
        let [received, sent] = *lock(&shared.dialects);
        let mut engine = Engine::new(Arc::clone(&shared.limits), Arc::clone(totals), received, sent, now);
        engine.begin_opening(now);
        Self {
            stream,
            engine,
            id,
            address,
            ready: Interest { readable: false, writable: true },
            read_on: false,
            is_counted: network.is_some(),
            is_refused: false,
            span: Span::new(id),
        }
    }

    /// The stream may have become ready.
    pub(crate) fn wake(&mut self, ready: Interest, read_on: bool) {
        // Layers may have to write before they can read on, and the reverse.
        let both = !self.stream.is_plain();
        self.ready.readable |= ready.readable || both;
        self.ready.writable |= ready.writable || both;
        self.read_on |= read_on;
    }

    /// The network for which it counts.
    pub(crate) fn network(&self) -> Option<Network> {
        Network::of(self.address).filter(|_| self.is_counted)
    }

    /// Goes on with what precedes the messages: `Again` once they may flow. The error is why the connection is to end.
    pub(crate) fn open(&mut self, shared: &Shared, pace: Pace, now: Instant) -> Result<Next, CloseReason> {
        let opened = retry(|| self.stream.open());
        if let (Some(client), false) = (self.stream.client_address(), self.is_counted) {
            self.address = client.into();
            let Ok(network) = shared.places.count(self.address) else {
                self.is_refused = true;
                // The reason that is told is another one.
                return Err(CloseReason::ByHandler);
            };
            self.is_counted = network.is_some();
        }
        match opened {
            Ok(()) => {
                self.engine.opened(now);
                self.span.connected(self.address);
                // Of what has come together with the last of it nobody tells any more.
                self.ready.readable |= !self.stream.is_plain();
                Ok(Next::Again)
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(CloseReason::Io(error)),
            Err(_) if pace == Pace::GoOn => Ok(Next::Wait),
            // Its peer cannot have sent a message yet.
            Err(_) => Err(pace.reason()),
        }
    }

    /// Has it end, and returns the reason as the handler is told it: why it was not accepted, if its messages could not flow
    /// yet.
    pub(crate) fn finish(mut self, mut why: CloseReason, shared: &Shared) -> Result<CloseReason, NotAccepted> {
        if let CloseReason::Io(error) = &why {
            if !self.engine.in_message() && self.stream.is_end_of_check(error) {
                why = CloseReason::Ended;
            }
        } else if !self.stream.is_plain() && self.is_done() {
            // A stream that has words for it tells the peer that nothing more comes. It is not waited for.
            let _ = self.stream.shut_down_sending();
        }
        let (address, is_opening, is_refused) = (self.address, self.engine.is_opening(), self.is_refused);
        // What it holds is not counted any more when the handler is told.
        drop(self);
        if is_refused {
            shared.count_refused();
            Err(NotAccepted::AddressLimit(address))
        } else if is_opening {
            Err(NotAccepted::Handshake { address, why })
        } else {
            shared.figures.closed(&why);
            Ok(why)
        }
    }

    pub(crate) fn peer<'a>(&'a mut self, shared: &'a Arc<Shared>) -> Peer<'a> {
        self.engine.leave_request();
        Peer::new(self.id, self.address, &mut self.stream, &mut self.engine.sending, shared)
    }

    pub(crate) const fn outlet(&mut self) -> Outlet<'_> {
        Outlet::new(&mut self.stream, &mut self.engine.sending)
    }

    /// Queues a message from outside.
    pub(super) fn send(&mut self, frame: Frame) {
        // To those that are connected, as far as the handler knows.
        if !self.engine.is_closing() && !self.engine.is_opening() {
            let _span = self.span.enter();
            // If it does not fit, the connection ends in its next turn.
            let _ = self.outlet().queue_frame(frame);
            self.engine.count();
        }
    }

    /// Writes what the peer takes now: true if it has taken something.
    pub(crate) fn relieve(&mut self, now: Instant) -> Result<bool, CloseReason> {
        self.ready.writable = true;
        self.outlet().relieve(now).map_err(CloseReason::Io)
    }

    /// Does what is due. The error is why the connection is to end.
    pub(crate) fn expire(&mut self, now: Instant) -> Result<Next, CloseReason> {
        let is_write_due = self.engine.sending.is_write_due(now);
        if is_write_due {
            self.relieve(now)?;
        }
        self.engine.handle_timeout(now)?;
        Ok(if is_write_due { Next::Again } else { Next::Wait })
    }

    /// Begins a turn.
    pub(crate) fn begin_turn(&mut self, figures: &Figures) -> Result<Budget, CloseReason> {
        // First, for what was blocked would otherwise wait for an event that has come already.
        self.flush()?;
        self.engine.sending.offered = 0;
        Ok(Budget::new(figures))
    }

    /// Returns what is next after the turn if no event may be taken now.
    pub(crate) fn may_receive(&self, budget: &Budget, pace: Pace) -> Result<Option<Next>, CloseReason> {
        let sending = &self.engine.sending;
        let is_all_handled = self.engine.inbox.unread().is_empty();
        let is_spent = budget.is_spent(is_all_handled) || sending.offered as usize >= BYTES_WRITTEN;
        if (is_spent && !self.is_drained()) || sending.totals.is_full() {
            return Ok(Some(Next::Again));
        }
        if sending.is_ending() || sending.is_paused() {
            return Ok(Some(Next::Wait));
        }
        if pace == Pace::Hurry && !self.engine.in_message() {
            return if sending.has_pending_replies() { Ok(Some(Next::Wait)) } else { Err(CloseReason::Shutdown) };
        }
        Ok(None)
    }

    /// Whether it should be read again soon although no poller reports anything.
    pub(crate) fn may_hide_bytes(&self) -> bool {
        self.stream.get_ref().may_hide_bytes() && !self.engine.has_ended() && !self.engine.sending.is_paused()
    }

    /// Whether another turn would find nothing to receive, so that there need not be one.
    pub(crate) fn is_drained(&self) -> bool {
        !self.ready.readable && self.engine.is_drained()
    }

    /// Reads once, for there is no event, unless the turn has read enough: false if there is nothing to read.
    pub(crate) fn receive(&mut self, budget: &mut Budget, now: Instant) -> Result<bool, CloseReason> {
        // The rest of a message is looked for at once, wherever it is.
        let is_missing = || self.engine.in_message() && self.stream.get_ref().may_hide_bytes();
        if self.engine.has_ended() || !(self.ready.readable || is_missing()) {
            return Ok(false);
        }
        if budget.bytes > 0 {
            let count = self.read(budget.bytes.min(BYTES_AT_ONCE), now)?;
            if count > 0 {
                budget.spend_bytes(count);
            }
        }
        Ok(true)
    }

    /// Ends a turn in which what could be received has been. The error is why the connection is to end.
    pub(crate) fn end_turn(&mut self, next: Next, pace: Pace, now: Instant) -> Result<Next, CloseReason> {
        let was_paused = self.engine.sending.is_paused();
        match self.engine.sending.take_reason() {
            Some(reason @ (CloseReason::ByHandler | CloseReason::ReplyLost | CloseReason::Panicked)) => {
                self.flush()?;
                self.close(reason, now);
                return Ok(Next::Again);
            }
            Some(reason @ CloseReason::Io(_)) => return Err(reason),
            Some(reason) => {
                // Whether or not that fails, this is the reason.
                let _ = self.flush();
                return Err(reason);
            }
            None => self.flush()?,
        }
        let is_relieved = was_paused && !self.engine.sending.is_paused();
        if next == Next::Again || is_relieved || (!self.is_done() && self.ready.writable) {
            return Ok(Next::Again);
        }
        match self.engine.poll_quiet(pace != Pace::GoOn) {
            // It has been in use in this turn.
            Some(CloseReason::Shutdown) if pace == Pace::MakeRoom && self.engine.sending.spare_since().is_none() => {
                Ok(Next::Wait)
            }
            Some(CloseReason::Shutdown) => Err(pace.reason()),
            Some(reason) => Err(reason),
            None => Ok(Next::Wait),
        }
    }

    /// Reads once and returns the byte count. `budget` is a soft cap.
    #[inline]
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
                    self.ready.readable = !self.stream.is_drained();
                }
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.ready.readable = false;
                Ok(0)
            }
            Err(error) => {
                // The peer may still read: of a stream over TLS that was cut, one direction alone may be over.
                let _ = self.flush();
                Err(CloseReason::Io(error))
            }
        }
    }

    /// Writes what is queued as far as the stream takes it, or about as much as is fair to the others.
    fn flush(&mut self) -> Result<(), CloseReason> {
        if !self.ready.writable {
            return Ok(());
        }
        if !self.is_done() {
            let outbox = &mut self.engine.sending.outbox;
            self.ready.writable = !flush(outbox, &mut self.stream, BYTES_WRITTEN).map_err(CloseReason::Io)?;
        } else if self.stream.wants_write() {
            match retry(|| self.stream.flush()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.ready.writable = false,
                outcome => outcome.map_err(CloseReason::Io)?,
            }
        }
        Ok(())
    }

    const fn is_done(&self) -> bool {
        self.engine.sending.outbox.is_done()
    }

    /// Begins to close. The rest of what is queued is sent first.
    pub(crate) fn close(&mut self, reason: CloseReason, now: Instant) {
        self.engine.close(reason, now);
        self.engine.sending.discount_collected();
        self.ready.readable = !self.engine.has_ended();
    }

    /// Begins to close, once the handler has said its last words. The error is the reason, if the peer need not be waited for.
    pub(crate) fn dismiss(&mut self, reason: CloseReason, pace: Pace, now: Instant) -> Result<Next, CloseReason> {
        // Another connection waits for the place, or what was sent last has arrived long ago.
        let need_not_linger = matches!(reason, CloseReason::MadeRoom) || self.engine.is_long_idle(now);
        // Whoever is left when the server hurries does not pause, but may have been short of processor time.
        if need_not_linger && pace != Pace::Hurry {
            // Its peer has sent nothing that would make the system discard what is written.
            let _ = self.flush();
            return Err(reason);
        }
        self.close(reason, now);
        Ok(Next::Again)
    }

    /// Goes on closing.
    pub(crate) fn drain(&mut self, pace: Pace, now: Instant) -> Result<Next, CloseReason> {
        if self.flush().is_err() {
            return Err(self.engine.closed());
        }
        if self.engine.begin_half_close(now) {
            match retry(|| self.stream.shut_down_sending()) {
                Ok(()) => self.engine.half_closed(now),
                // In a later turn, when something can be written.
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.ready.writable = false,
                Err(_) => return Err(self.engine.closed()),
            }
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
        if pace == Pace::MakeRoom && self.is_done() {
            return Err(self.engine.closed());
        }
        let could_write = !self.is_done() && self.ready.writable;
        Ok(if bytes == 0 || could_write { Next::Again } else { Next::Wait })
    }
}
