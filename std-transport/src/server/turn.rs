//! One connection of a worker, and what its handler does in each of its turns.

use std::sync::Arc;
use std::time::Instant;

use super::connection::{Budget, Connection, Next};
use super::pace::Pace;
use super::shared::Shared;
use super::{CloseReason, Handler, Peer, observe};
use crate::engine::{Event, Scratch};
use crate::stream::Raw;

/// A connection. What it may do in one turn is bounded, so that no peer delays the others.
#[derive(Debug)]
pub(super) struct Served<R, S> {
    pub(super) connection: Connection<R>,
    /// What the handler keeps for it.
    state: S,
    /// Whether it is in the list of those that have a turn.
    pub(super) is_listed: bool,
}

/// What a connection needs for its turn.
#[derive(Debug)]
pub(super) struct Turn<'a, H> {
    pub(super) handler: &'a mut H,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) scratch: &'a mut Scratch,
    pub(super) now: Instant,
    pub(super) pace: Pace,
}

impl<R: Raw, S: Default> Served<R, S> {
    pub(super) fn new(connection: Connection<R>) -> Self {
        Self { connection, state: S::default(), is_listed: false }
    }

    /// Says that it has ended, or that it has never begun.
    pub(super) fn disconnected<H: Handler<State = S>>(self, why: CloseReason, handler: &mut H, shared: &Shared) {
        let (id, address) = (self.connection.id, self.connection.address);
        match self.connection.finish(why, shared) {
            Ok(why) => drop(shared.guard(|| handler.disconnected(id, address, self.state, &why))),
            Err(why) => shared.not_accepted(&why, |why| handler.not_accepted(why)),
        }
    }

    /// Goes on opening: tells the handler of the connection once its messages may flow.
    pub(super) fn open<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, CloseReason> {
        let next = self.connection.open(turn.shared, turn.pace, turn.now)?;
        if next == Next::Again {
            let mut peer = self.connection.peer(turn.shared);
            if turn.shared.guard(|| turn.handler.connected(&mut peer, &mut self.state)).is_none() {
                self.connection.close(CloseReason::Panicked, turn.now);
            }
            self.connection.engine.count();
        }
        Ok(next)
    }

    /// Does what is due. The error is why the connection is to end.
    pub(super) fn expire<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, CloseReason> {
        let is_closing = self.connection.engine.is_closing();
        match self.connection.expire(turn.now) {
            Err(reason) if reason.can_be_told() && !is_closing => self.dismiss(reason, turn),
            outcome => outcome,
        }
    }

    /// Does what can be done now, within bounds. The error is why the connection is to end.
    pub(super) fn turn<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, CloseReason> {
        self.connection.engine.borrow(turn.scratch);
        let outcome = if self.connection.engine.is_closing() {
            self.connection.drain(turn.pace, turn.now)
        } else {
            turn.shared.guard(|| self.serve(turn)).unwrap_or_else(|| {
                self.connection.close(CloseReason::Panicked, turn.now);
                Ok(Next::Again)
            })
        };
        let engine = &mut self.connection.engine;
        engine.give_back(turn.scratch);
        engine.update(turn.now);
        engine.count();
        outcome
    }

    fn serve<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, CloseReason> {
        let mut budget = self.connection.begin_turn(&turn.shared.figures)?;
        let received = self.receive(&mut budget, turn);
        match received.and_then(|next| self.connection.end_turn(next, turn.pace, turn.now)) {
            Err(reason) if reason.can_be_told() => self.dismiss(reason, turn),
            outcome => outcome,
        }
    }

    /// Receives until there is nothing to read, or for as long as is fair to the others.
    fn receive<H: Handler<State = S>>(
        &mut self,
        budget: &mut Budget,
        turn: &mut Turn<'_, H>,
    ) -> Result<Next, CloseReason> {
        loop {
            if let Some(next) = self.connection.may_receive(budget, turn.pace)? {
                return Ok(next);
            }
            let Connection { stream, engine, id, address, .. } = &mut self.connection;
            let Some((event, sending)) = engine.poll_event(turn.now)? else {
                if !self.connection.receive(budget, turn.now)? {
                    return Ok(Next::Wait);
                }
                continue;
            };
            let (mut peer, state) = (Peer::new(*id, *address, stream, sending, turn.shared), &mut self.state);
            match event {
                Event::Header(header) => {
                    let mode = turn.handler.header(&mut peer, state, &header);
                    observe::header(&header, mode);
                    engine.set_mode(mode);
                }
                Event::Content(piece) => turn.handler.content(&mut peer, state, piece),
                Event::End => {
                    observe::received(None);
                    turn.handler.end(&mut peer, state);
                    budget.spend_message(self.connection.is_drained(), &turn.shared.figures);
                }
                Event::Message(message) => {
                    observe::received(Some(&message.header()));
                    turn.handler.message(&mut peer, state, message);
                    engine.sending.discount_collected();
                    budget.spend_message(self.connection.is_drained(), &turn.shared.figures);
                }
            }
        }
    }

    /// Begins to end the connection, for a reason that the peer can be told: asks the handler for last words.
    pub(super) fn dismiss<H: Handler<State = S>>(
        &mut self,
        reason: CloseReason,
        turn: &mut Turn<'_, H>,
    ) -> Result<Next, CloseReason> {
        let mut peer = self.connection.peer(turn.shared);
        turn.shared.guard(|| turn.handler.farewell(&mut peer, &mut self.state, &reason));
        self.connection.dismiss(reason, turn.pace, turn.now)
    }
}

#[cfg(test)]
mod tests;
