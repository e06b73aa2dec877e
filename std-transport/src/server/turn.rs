//! The turns of a connection, and what its handler is called for in them.
//!
//! They are the same for a handler that may wait and for one that may not: what calls the latter is ready at once, and so the
//! turn is over when it is polled for the first time.

use std::future::{Future, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::connection::{Budget, Connection, Next};
use super::outlet::{BYTES_WRITTEN, Outlet};
use super::pace::Pace;
use super::peer::Access;
use super::shared::Shared;
use super::{CloseReason, ContentMode, Handler, Peer, observe};
use crate::engine::{Event, EventSlot, Outbox, Scratch, Step};
use crate::stream::Raw;

/// What a handler is called for. `E` is a step of what is received, or its event.
#[derive(Clone, Copy)]
pub(crate) enum Call<'c, E> {
    Connected,
    Received(E),
    Farewell(&'c CloseReason),
}

/// What calls a handler.
pub(crate) trait Calls<R> {
    type State;

    /// Calls the handler, and returns its answer to a header. `None` if it panics or the connection is to end before it
    /// returns; then what is to be sent has the [reason](crate::engine::Sending::end). If it waits, `now` is set anew.
    fn call(
        &mut self,
        call: Call<'_, Step>,
        connection: &mut Connection<R, Self::State>,
        now: &mut Instant,
    ) -> impl Future<Output = Option<ContentMode>>;
}

/// A handler that does not wait.
impl<R: Raw, H: Handler> Calls<R> for H {
    type State = H::State;

    fn call(
        &mut self,
        call: Call<'_, Step>,
        connection: &mut Connection<R, H::State>,
        _: &mut Instant,
    ) -> impl Future<Output = Option<ContentMode>> {
        let mut slot = EventSlot::default();
        let (id, address) = (connection.id, connection.address);
        let Some((call, state, outlet, shared)) = connection.called(call, &mut slot) else { return ready(None) };
        let mut peer = Peer::new(id, address, Access::Owned(Mutex::new(outlet)), shared);
        let answer = shared.guard(|| {
            match call {
                Call::Connected => self.connected(&mut peer, state),
                Call::Received(Event::Header(header)) => return self.header(&mut peer, state, header),
                Call::Received(Event::Content(piece)) => self.content(&mut peer, state, piece),
                Call::Received(Event::End) => self.end(&mut peer, state),
                Call::Received(Event::Message(message)) => self.message(&mut peer, state, *message),
                Call::Farewell(why) => self.farewell(&mut peer, state, why),
            }
            ContentMode::Whole
        });
        if answer.is_none() {
            peer.outlet().sending.end(CloseReason::Panicked);
        }
        ready(answer)
    }
}

/// What a connection needs for its turn.
#[derive(Debug)]
pub(crate) struct Turn<'t, C> {
    pub(crate) handler: &'t mut C,
    pub(crate) scratch: &'t mut Scratch,
    pub(crate) now: Instant,
    pub(crate) pace: Pace,
}

/// What a connection may do in one turn is bounded, so that no peer delays the others.
impl<R: Raw, S> Connection<R, S> {
    /// Does what can be done now, within bounds. The error is why the connection is to end.
    pub(crate) async fn turn<C: Calls<R, State = S>>(&mut self, turn: &mut Turn<'_, C>) -> Result<Next, CloseReason> {
        let outcome = self.begin_turn(turn).await;
        match self.end_turn(outcome, turn) {
            Err(reason) => self.dismiss(reason, turn).await,
            outcome => outcome,
        }
    }

    /// The first half of a turn: receives what can be received. Before its next turn, it needs the second half.
    pub(crate) async fn begin_turn<C: Calls<R, State = S>>(
        &mut self,
        turn: &mut Turn<'_, C>,
    ) -> Result<Next, CloseReason> {
        let outcome = if self.engine.is_closing() { self.drain(turn) } else { self.receive(turn).await };
        self.engine.give_back_inbox(turn.scratch);
        outcome
    }

    /// The second half of a turn, after this outcome of the first: writes what has been answered.
    pub(crate) fn end_turn<C>(
        &mut self,
        outcome: Result<Next, CloseReason>,
        turn: &mut Turn<'_, C>,
    ) -> Result<Next, CloseReason> {
        let outcome = match outcome {
            Ok(next) if !self.engine.is_closing() => self.answer(next, turn),
            outcome => outcome,
        };
        self.engine.update(turn.now);
        self.engine.give_back_outbox(turn.scratch);
        outcome
    }

    /// Whether the second half of its turn can wait for the first halves of others, because it holds little until then.
    pub(crate) fn can_wait(&self) -> bool {
        (1..=Outbox::SMALL).contains(&self.engine.sending.outbox.queued()) && !self.engine.inbox.in_message()
    }

    /// Goes on opening: true once the handler has been told of the connection. The error is why it is to end.
    pub(crate) async fn open<C: Calls<R, State = S>>(&mut self, turn: &mut Turn<'_, C>) -> Result<bool, CloseReason> {
        let is_open = self.open_stream(turn.pace, turn.now)?;
        if is_open {
            turn.handler.call(Call::Connected, self, &mut turn.now).await;
        }
        Ok(is_open)
    }

    /// Goes on opening, and receives until there is nothing to read, or for as long as is fair to the others.
    async fn receive<C: Calls<R, State = S>>(&mut self, turn: &mut Turn<'_, C>) -> Result<Next, CloseReason> {
        if self.engine.is_opening() && !self.open(turn).await? {
            return Ok(Next::Wait);
        }
        self.engine.borrow(turn.scratch);
        // First, for what was blocked would otherwise wait for an event that has come already.
        if self.may_have_to_write() {
            self.flush()?;
        }
        self.engine.sending.offered = 0;
        let mut budget = Budget::new(turn.now, &self.shared.figures);
        loop {
            let sending = &self.engine.sending;
            let is_spent = budget.messages == 0 || sending.offered as usize >= BYTES_WRITTEN;
            if is_spent || sending.totals.is_full() {
                return Ok(Next::Again);
            }
            if sending.is_ending() || sending.is_paused() {
                return Ok(Next::Wait);
            }
            if turn.pace == Pace::Hurry && !self.engine.inbox.in_message() {
                return if sending.pending_replies > 0 { Ok(Next::Wait) } else { Err(CloseReason::Shutdown) };
            }
            let step = loop {
                if let Some(step) = self.engine.poll_step(turn.now)? {
                    break step;
                }
                if !self.may_read() {
                    return Ok(Next::Wait);
                }
                if budget.bytes == 0 {
                    return Ok(Next::Again);
                }
                self.read(&mut budget, turn.now)?;
            };
            let answer = turn.handler.call(Call::Received(step), self, &mut turn.now).await;
            match (step, answer) {
                (Step::Header, Some(mode)) => {
                    observe::header(&self.engine.inbox, mode);
                    // If the handler ends the connection, that is the reason.
                    if !self.engine.sending.is_ending() {
                        self.engine.set_mode(mode)?;
                    }
                }
                (Step::End, _) => {
                    self.engine.handled();
                    // Then there need not be another turn, which would find nothing.
                    let is_last = !self.ready.readable && self.engine.inbox.unread().is_empty();
                    if answer.is_some() {
                        budget.spend_message(is_last, &self.shared.figures);
                    }
                    if is_last {
                        return Ok(Next::Wait);
                    }
                }
                _ => {}
            }
        }
    }

    /// What the handler is called with: what has happened, its state, where to send, and the server. `None` does not happen.
    #[allow(clippy::inline_always, reason = "an event is large to be copied")]
    #[inline(always)]
    pub(crate) fn called<'c>(
        &'c mut self,
        call: Call<'c, Step>,
        slot: &'c mut EventSlot<'c>,
    ) -> Option<(Call<'c, Event<'c>>, &'c mut S, Outlet<'c>, &'c Arc<Shared>)> {
        let Self { stream, engine, state, shared, .. } = self;
        let (call, sending) = match call {
            Call::Connected => (Call::Connected, &mut engine.sending),
            Call::Received(step) => {
                let (event, sending) = engine.event(step, slot)?;
                observe::received(&event);
                (Call::Received(event), sending)
            }
            Call::Farewell(why) => (Call::Farewell(why), &mut engine.sending),
        };
        Some((call, state, Outlet::new(stream, sending), shared))
    }

    /// Writes what is to be written when what could be received has been. The error is why the connection is to end.
    fn answer<C>(&mut self, next: Next, turn: &Turn<'_, C>) -> Result<Next, CloseReason> {
        let was_paused = self.engine.sending.is_paused();
        let flushed = self.flush();
        match self.engine.sending.take_reason() {
            Some(reason @ (CloseReason::ByHandler | CloseReason::ReplyLost | CloseReason::Panicked)) => {
                flushed?;
                self.close(reason, turn.now);
                return Ok(Next::Again);
            }
            // Whether or not the rest was sent, this is the reason.
            Some(reason) => return Err(reason),
            None => flushed?,
        }
        let is_relieved = was_paused && !self.engine.sending.is_paused();
        if next == Next::Again || is_relieved || self.could_write() {
            return Ok(Next::Again);
        }
        let is_stopping = match turn.pace {
            Pace::GoOn => false,
            // Unless it has been in use in this turn.
            Pace::MakeRoom => self.engine.sending.spare_since().is_some(),
            Pace::Stop | Pace::Hurry => true,
        };
        match self.engine.poll_quiet(is_stopping) {
            Some(CloseReason::Shutdown) => Err(turn.pace.reason()),
            Some(reason) => Err(reason),
            None => Ok(Next::Wait),
        }
    }

    /// Does what is due after a turn, if anything is. The error is why the connection is to end.
    pub(crate) async fn expire<C: Calls<R, State = S>>(&mut self, turn: &mut Turn<'_, C>) -> Result<Next, CloseReason> {
        match self.engine.handle_timeout(turn.now) {
            Err(reason) => self.dismiss(reason, turn).await,
            Ok(()) => Ok(Next::Wait),
        }
    }

    /// Begins to end the connection for this reason: if its peer can be told, the handler is asked for last words. The error is
    /// the reason, if the peer need not be waited for.
    pub(crate) async fn dismiss<C: Calls<R, State = S>>(
        &mut self,
        reason: CloseReason,
        turn: &mut Turn<'_, C>,
    ) -> Result<Next, CloseReason> {
        if !reason.can_be_told() || !self.engine.sending.is_open() {
            return Err(reason);
        }
        // It may have passed.
        self.engine.sending.deadline = None;
        turn.handler.call(Call::Farewell(&reason), self, &mut turn.now).await;
        // Another connection waits for the place, or what was sent last has arrived long ago.
        let need_not_linger = matches!(reason, CloseReason::MadeRoom) || self.engine.is_long_idle(turn.now);
        // A peer that is left when the server hurries does not pause, but may have been short of processor time.
        if need_not_linger && turn.pace != Pace::Hurry {
            // Its peer has sent nothing that would make the system discard what is written.
            let _ = self.flush();
            return Err(reason);
        }
        self.close(reason, turn.now);
        Ok(Next::Again)
    }
}

/// The outcome of what calls a handler that does not wait.
pub(super) fn at_once(future: impl Future<Output = Result<Next, CloseReason>>) -> Result<Next, CloseReason> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Ok(Next::Wait),
    }
}

#[cfg(test)]
mod tests;
