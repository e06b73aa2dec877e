//! Which connections of a worker have a turn.

use std::mem;
use std::time::Instant;

use super::{Link, Worker};
use crate::engine::Outbox;
use crate::server::connection::{Next, WORK};
use crate::server::turn::{Turn, at_once};
use crate::server::{CloseReason, Handler, Id};

/// How many connections have a handshake before all have their turn: the cryptography of one takes as long as many messages.
const HANDSHAKES: usize = 4;
/// For this many connections, memory is kept when they have ended.
const FEW: usize = 1024;

impl<H: Handler> Worker<'_, H> {
    /// Does this to a connection, and gives it a turn after those that have been woken before.
    pub(super) fn wake(&mut self, slot: usize, act: impl FnOnce(&mut Link<H>)) {
        if let Some(link) = self.links.get_mut(slot) {
            act(link);
            if !mem::replace(&mut link.is_listed, true) {
                self.ready.push_back(slot);
            }
        }
    }

    /// Does this to the connection with this id, and gives it a turn, unless it has ended.
    pub(super) fn reach(&mut self, id: Id, act: impl FnOnce(&mut Link<H>)) {
        if self.links.get(id.slot()).is_some_and(|link| link.id == id) {
            self.wake(id.slot(), act);
        }
    }

    /// Does this to all connections, and gives each of them a turn.
    pub(super) fn wake_all(&mut self, act: impl Fn(&mut Link<H>)) {
        (0..self.links.capacity()).for_each(|slot| self.wake(slot, &act));
    }

    /// Runs a round of turns: one for each connection that has been woken, and then one for each that had more to do than fits
    /// in a turn, for as long as the others took, but for one at least. So whoever asks for little is not delayed by those who
    /// ask for much, and the reverse.
    pub(super) fn take_turns(&mut self) {
        let (woken, busy) = (self.ready.len(), self.busy.len());
        let (start, mut since, mut handshakes) = (self.now, self.now, 0);
        for left in (0..woken).rev() {
            // Before more is queued or collected, room is made for it.
            if self.mailbox.totals.is_full() {
                break;
            }
            let Some(slot) = self.ready.pop_front() else { break };
            self.begin_turn(slot, &mut handshakes);
            if left + busy == 0 {
                break;
            }
            // Answers that are written one after the other take less time than each after its request.
            if self.begun.len() < Outbox::TOGETHER {
                self.now = Instant::now();
                if self.now < since + WORK {
                    continue;
                }
            }
            self.end_turns();
            self.now = Instant::now();
            since = self.now;
        }
        self.end_turns();
        if busy == 0 {
            return;
        }
        let until = self.now + (self.now - start);
        for _ in 0..busy {
            if self.mailbox.totals.is_full() {
                break;
            }
            let Some(slot) = self.busy.pop_front() else { break };
            self.begin_turn(slot, &mut 0);
            self.end_turns();
            self.now = Instant::now();
            if until <= self.now {
                break;
            }
        }
    }

    /// Takes the turn of a connection, or the first half of it, if the second can wait. Of those that are opening, some have their
    /// turn later.
    fn begin_turn(&mut self, slot: usize, handshakes: &mut usize) {
        let Self { links, handler, scratch, now, pace, .. } = self;
        // It may have ended since.
        let Some(link) = links.get_mut(slot) else { return };
        if link.engine.is_opening() {
            if *handshakes == HANDSHAKES {
                return self.busy.push_back(slot);
            }
            *handshakes += 1;
        }
        let span = link.span.enter();
        let outcome = at_once(link.begin_turn(&mut Turn { handler, scratch, now: *now, pace: *pace }));
        drop(span);
        if matches!(outcome, Ok(Next::Wait)) && link.can_wait() {
            self.begun.push_back(slot);
        } else {
            self.end_turn(slot, outcome);
        }
    }

    /// Takes the second halves of the turns that have begun.
    fn end_turns(&mut self) {
        while let Some(slot) = self.begun.pop_front() {
            self.end_turn(slot, Ok(Next::Wait));
        }
    }

    fn end_turn(&mut self, slot: usize, outcome: Result<Next, CloseReason>) {
        let next = self.settle(slot, |link, turn| {
            link.is_listed = false;
            match link.end_turn(outcome, turn) {
                Err(reason) => at_once(link.dismiss(reason, turn)),
                outcome => outcome,
            }
        });
        if let (Some(Next::Again), Some(link)) = (next, self.links.get_mut(slot)) {
            link.is_listed = true;
            self.busy.push_back(slot);
        }
    }

    /// Gives back the memory of many connections that have ended, as far as it comes after that of the others, and that of many
    /// that had a turn.
    pub(super) fn give_back(&mut self) {
        if self.links.capacity() > FEW && self.links.len() < self.links.capacity() / 4 {
            self.links.shrink_to_fit();
        }
        for list in [&mut self.ready, &mut self.busy] {
            if list.is_empty() {
                list.shrink_to(FEW);
            }
        }
    }
}
