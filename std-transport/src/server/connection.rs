//! One connection of a server: its engine and its stream, between which it moves bytes, and how it begins and ends.

mod budget;

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Instant;

pub(crate) use budget::{Budget, WORK};

use super::accept::Arrival;
use super::mailbox::Frame;
use super::observe::Span;
use super::outlet::{BYTES_WRITTEN, Outlet};
use super::pace::Pace;
use super::places::Network;
use super::shared::{Shared, lock};
use super::turn::Turn;
use super::{Address, CloseReason, Id, NotAccepted};
use crate::Interest;
use crate::engine::{Engine, Phase, Totals};
use crate::io::{flush, retry};
use crate::stream::{Raw, Stream};

/// Whether a read that got less than it could have had has got all there was, so that whatever comes next is told. An end
/// that was there already is not, nor what follows urgent data, but the poller has seen both.
const DRAINED_BY_SHORT_READ: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// How many bytes are read at once, at most, before it is looked how long the turn has taken.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection<R, S> {
    pub(crate) stream: Stream<R>,
    pub(crate) engine: Engine,
    pub(crate) id: Id,
    pub(crate) address: Address,
    pub(crate) span: Span,
    pub(super) shared: Arc<Shared>,
    /// Whether its worker has it in the list of those that have a turn.
    pub(super) is_listed: bool,
    /// What the handler keeps for it.
    pub(crate) state: S,
    /// Whether there may be something to read, and whether the stream may take something.
    pub(super) ready: Interest,
    /// Whether a read that gets less than it could may still have something after it: the end, or what follows urgent
    /// data.
    read_on: bool,
    /// Whether it counts for the network of its address.
    is_counted: bool,
}

/// What is to become of a connection after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits for its stream.
    Wait,
    /// It could do more at once, and is to have another turn when the others have had theirs.
    Again,
}

impl<R: Raw, S> Connection<R, S> {
    /// A connection that has just been accepted.
    pub(crate) fn new(arrival: Arrival<R>, id: Id, shared: Arc<Shared>, totals: &Arc<Totals>, now: Instant) -> Self
    where
        S: Default,
    {
        let Arrival { stream, address, network } = arrival;
        let [received, sent] = *lock(&shared.dialects);
        let mut engine = Engine::new(Arc::clone(&shared.limits), Arc::clone(totals), received, sent, now);
        engine.begin(Phase::Opening, now);
        Self {
            stream,
            engine,
            id,
            address,
            state: S::default(),
            ready: Interest { readable: false, writable: true },
            read_on: false,
            is_counted: network.is_some(),
            span: Span::new(id),
            shared,
            is_listed: false,
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

    /// Goes on with what precedes the messages: true once they may flow. The error is why the connection is to end.
    pub(super) fn open_stream(&mut self, pace: Pace, now: Instant) -> Result<bool, CloseReason> {
        let opened = retry(|| self.stream.open());
        if let (Some(client), false) = (self.stream.client_address(), self.is_counted) {
            self.address = client.into();
            let Ok(network) = self.shared.places.count(self.address) else {
                // Only one that is refused ends for this reason before its messages flow. What is told is another one.
                return Err(CloseReason::ByHandler);
            };
            self.is_counted = network.is_some();
        }
        match opened {
            Ok(()) => {
                self.engine.begin(Phase::Idle, now);
                self.span.connected(self.address);
                // Of what has come together with the last of it nobody tells any more.
                self.ready.readable |= !self.stream.is_plain();
                Ok(true)
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(CloseReason::Io(error)),
            Err(_) if pace == Pace::GoOn => Ok(false),
            // Its peer cannot have sent a message yet.
            Err(_) => Err(pace.reason()),
        }
    }

    /// Has it end, and returns the state and the reason as the handler is told it: why it was not accepted, if its messages
    /// could not flow yet.
    pub(crate) fn finish(mut self, mut why: CloseReason) -> Result<(S, CloseReason), NotAccepted> {
        if let CloseReason::Io(error) = &why {
            if !self.engine.inbox.in_message() && self.stream.is_end_of_check(error) {
                why = CloseReason::Ended;
            }
        } else if !self.stream.is_plain() && self.is_done() {
            // A stream that has words for it tells the peer that nothing more comes. It is not waited for.
            let _ = self.stream.shut_down_sending();
        }
        let is_opening = self.engine.is_opening();
        // What it holds is not counted any more when the handler is told.
        let Self { address, state, shared, .. } = self;
        if is_opening && matches!(why, CloseReason::ByHandler) {
            shared.count_refused();
            Err(NotAccepted::AddressLimit(address))
        } else if is_opening {
            Err(NotAccepted::Handshake { address, why })
        } else {
            shared.figures.closed(&why);
            Ok((state, why))
        }
    }

    pub(crate) const fn outlet(&mut self) -> Outlet<'_> {
        Outlet::new(&mut self.stream, &mut self.engine.sending)
    }

    /// Queues a message from outside.
    pub(super) fn send(&mut self, frame: Frame) {
        let _span = self.span.enter();
        self.outlet().queue_frame(frame);
        self.engine.count();
    }

    /// Writes what the peer takes now: true if it has taken something.
    pub(crate) fn relieve(&mut self, now: Instant) -> Result<bool, CloseReason> {
        self.ready.writable = true;
        self.outlet().relieve(now).map_err(CloseReason::Io)
    }

    /// Whether it should be read again soon although no poller reports anything.
    pub(crate) fn may_hide_bytes(&self) -> bool {
        self.stream.get_ref().may_hide_bytes() && !self.engine.inbox.ended() && !self.engine.sending.is_paused()
    }

    /// Whether there may be something to read. The rest of a message is looked for at once, wherever it is.
    pub(super) fn may_read(&self) -> bool {
        let is_missing = || self.engine.inbox.in_message() && self.stream.get_ref().may_hide_bytes();
        !self.engine.inbox.ended() && (self.ready.readable || is_missing())
    }

    /// Reads once.
    pub(super) fn read(&mut self, budget: &mut Budget, now: Instant) -> Result<(), CloseReason> {
        let space = self.engine.read_buf(budget.bytes.min(BYTES_AT_ONCE))?;
        let wanted = space.len();
        match retry(|| self.stream.read(space)) {
            Ok(0) => {
                self.ready.readable = false;
                self.engine.inbox.end();
            }
            Ok(count) => {
                // A stream that says it has read more than fits is not believed.
                let count = count.min(wanted);
                self.engine.received(count, now);
                budget.spend_bytes(count);
                if DRAINED_BY_SHORT_READ && count < wanted && !self.read_on {
                    self.ready.readable = !self.stream.is_drained();
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.ready.readable = false,
            Err(error) => {
                // The peer may still read: of a stream over TLS that was cut, one direction alone may be over.
                let _ = self.flush();
                return Err(CloseReason::Io(error));
            }
        }
        Ok(())
    }

    /// Writes what is queued as far as the stream takes it, or about as much as is fair to the others.
    pub(super) fn flush(&mut self) -> Result<(), CloseReason> {
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

    /// Whether something is queued, or may be in a layer of the stream.
    pub(super) const fn may_have_to_write(&self) -> bool {
        !self.is_done() || !self.stream.is_plain()
    }

    const fn is_done(&self) -> bool {
        self.engine.sending.outbox.is_done()
    }

    /// Whether there is something to write that the stream may take.
    pub(super) const fn could_write(&self) -> bool {
        !self.is_done() && self.ready.writable
    }

    /// Begins to close. The rest of what is queued is sent first.
    pub(super) fn close(&mut self, reason: CloseReason, now: Instant) {
        self.engine.close(reason, now);
        self.ready.readable = !self.engine.inbox.ended();
    }

    /// Goes on closing.
    pub(super) fn drain<C>(&mut self, turn: &mut Turn<'_, C>) -> Result<Next, CloseReason> {
        self.engine.borrow(turn.scratch);
        // It is ended as others are when too much is held.
        if let Some(reason @ CloseReason::QueueFull) = self.engine.sending.take_reason() {
            return Err(reason);
        }
        let mut is_over = self.flush().is_err();
        match self.engine.half_close(turn.now, || retry(|| self.stream.shut_down_sending())) {
            Ok(()) => {}
            // In a later turn, when something can be written.
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.ready.writable = false,
            Err(_) => is_over = true,
        }
        let mut budget = Budget::new(turn.now, &self.shared.figures);
        while budget.bytes > 0 && self.may_read() {
            if self.read(&mut budget, turn.now).is_err() {
                self.engine.inbox.end();
            }
        }
        if is_over || (turn.pace == Pace::MakeRoom && self.is_done()) {
            return Err(self.engine.closed());
        }
        if let Some(reason) = self.engine.poll_closed() {
            return Err(reason);
        }
        Ok(if budget.bytes == 0 || self.could_write() { Next::Again } else { Next::Wait })
    }
}
