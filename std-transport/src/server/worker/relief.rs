//! What ends connections of a worker without their doing: totals that are exceeded, deadlines, and others that wait for a place.

use std::time::{Duration, Instant};

use super::{Link, UNREAD, Worker};
use crate::server::connection::Next;
use crate::server::pace::Pace;
use crate::server::turn::at_once;
use crate::server::{CloseReason, Handler, Id};

/// Deadlines are looked at no more often than this.
const TICK: Duration = Duration::from_millis(25);

impl<H: Handler> Worker<'_, H> {
    /// Ends the connections that hold most, until what is held together is within the totals again.
    pub(super) fn relieve(&mut self) {
        loop {
            let holdings = self.links.iter().map(|(_, link)| (link.engine.sending.holding(), link.id));
            let Some((id, reason)) = self.mailbox.totals.heaviest(holdings) else { break };
            self.act(id.slot(), |link, turn| {
                if !matches!(reason, CloseReason::QueueFull) {
                    return at_once(link.dismiss(reason, turn));
                }
                // It may be that the peer reads, and the worker has not come to write.
                if link.relieve(turn.now)? { Ok(Next::Again) } else { Err(reason) }
            });
        }
    }

    /// Ends the connections whose time is over.
    ///
    /// All are looked at, which takes well under a millisecond for ten thousand and is rare: what happens on a connection
    /// only puts off what is due, so that the earliest time noted is early, but never late.
    pub(super) fn expire(&mut self) {
        if self.due.is_none_or(|due| due > self.now) {
            return;
        }
        for slot in 0..self.links.capacity() {
            if self.links.get(slot).and_then(|link| link.engine.poll_timeout()).is_some_and(|due| due <= self.now) {
                self.act(slot, |link, turn| {
                    // It may be that the peer reads, and the worker has not come to write.
                    link.ready.writable = true;
                    let next = at_once(link.turn(turn))?;
                    let expired = at_once(link.expire(turn))?;
                    Ok(if expired == Next::Again { expired } else { next })
                });
                self.relieve();
            }
        }
        self.give_back();
        let next = self.links.iter().filter_map(|(_, link)| link.engine.poll_timeout()).min();
        self.due = next.map(|next| next.max(self.now + TICK));
    }

    /// If a connection waits for a place, ends the one that has been idle for longest.
    pub(super) fn make_room(&mut self) {
        while self.pace == Pace::GoOn && self.shared.places.is_asking() && !self.mailbox.totals.is_full() {
            let spare = |link: &Link<H>| Some((link.engine.sending.spare_since()?, link.id));
            let idle = || self.links.iter().filter_map(|(_, link)| spare(link));
            let is_still = |idle: &(Instant, Id)| self.links.get(idle.1.slot()).and_then(spare) == Some(*idle);
            let Some((_, id)) = self.idle.next(self.now, idle, is_still) else { return };
            if !self.shared.places.offer(self.number) {
                return;
            }
            let next = self.settle(id.slot(), |link, turn| {
                // Whatever has arrived is read.
                link.wake(UNREAD, false);
                turn.pace = Pace::MakeRoom;
                at_once(link.turn(turn))
            });
            if next.is_none() {
                return;
            }
            self.wake(id.slot(), |_| ());
            self.shared.withdraw(self.number);
            self.relieve();
        }
    }
}
