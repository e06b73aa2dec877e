//! Which connections of a worker have a turn.

use std::mem;
use std::time::Instant;

use super::{Link, Worker};
use crate::server::connection::Next;
use crate::server::turn::at_once;
use crate::server::{Handler, Id};

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
        let begun = (busy > 0).then(Instant::now);
        let mut handshakes = 0;
        for _ in 0..woken {
            // Before more is queued or collected, room is made for it.
            if self.mailbox.totals.is_full() {
                return;
            }
            let Some(slot) = self.ready.pop_front() else { break };
            handshakes += usize::from(self.take_turn(slot, handshakes < HANDSHAKES));
        }
        let until = begun.map(|begun| Instant::now() + begun.elapsed());
        for _ in 0..busy {
            if self.mailbox.totals.is_full() {
                return;
            }
            let Some(slot) = self.busy.pop_front() else { break };
            self.take_turn(slot, true);
            if until.is_some_and(|until| until <= Instant::now()) {
                break;
            }
        }
    }

    /// Takes the turn of a connection: true if that was for a handshake. A connection that is opening has its turn later unless
    /// it `may_open`.
    fn take_turn(&mut self, slot: usize, may_open: bool) -> bool {
        // It may have ended since.
        let Some(link) = self.links.get_mut(slot) else { return false };
        let is_opening = link.engine.is_opening();
        let is_late = is_opening && !may_open;
        if is_late || self.settle(slot, |link, turn| at_once(link.turn(turn))) == Some(Next::Again) {
            self.busy.push_back(slot);
        } else if let Some(link) = self.links.get_mut(slot) {
            link.is_listed = false;
        }
        is_opening && may_open
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
