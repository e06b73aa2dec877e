//! What ends connections of a worker without their doing: totals that are exceeded, deadlines, and others that wait for a place.

use std::time::Duration;

use super::{Link, UNREAD, Worker};
use crate::server::connection::Next;
use crate::server::pace::Pace;
use crate::server::turn::Served;
use crate::server::{CloseReason, Handler};

/// Deadlines are looked at no more often than this.
const TICK: Duration = Duration::from_millis(25);

impl<H: Handler> Worker<'_, H> {
    /// Ends the connections that hold most, until what is held together is within the totals again.
    pub(super) fn relieve(&mut self) {
        loop {
            let links = self.links.slots.iter().map(|(_, link)| &link.connection);
            let holdings = links.map(|connection| (connection.engine.sending.holding(), connection.id));
            let Some((id, reason)) = self.totals.heaviest(holdings) else { break };
            self.act(id.slot(), |link, turn| {
                if !matches!(reason, CloseReason::QueueFull) {
                    return link.dismiss(reason, turn);
                }
                // It may be that the peer reads, and the worker has not come to write.
                if link.connection.relieve(turn.now)? { Ok(Next::Again) } else { Err(reason) }
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
        let due = |(slot, link): (usize, &Link<H>)| {
            link.connection.engine.poll_timeout().is_some_and(|due| due <= self.now).then_some(slot)
        };
        let due: Vec<_> = self.links.slots.iter().filter_map(due).collect();
        for slot in due {
            self.act(slot, Served::expire);
            self.relieve();
        }
        self.links.give_back();
        let next = self.links.slots.iter().filter_map(|(_, link)| link.connection.engine.poll_timeout()).min();
        self.due = next.map(|next| next.max(self.now + TICK));
    }

    /// If a connection waits for a place, ends the one that has been idle for longest.
    pub(super) fn make_room(&mut self) {
        while self.pace == Pace::GoOn && self.shared.places.is_asking() && !self.totals.is_full() {
            let idle = self.links.slots.iter().filter_map(|(_, link)| {
                let since = link.connection.engine.sending.spare_since()?;
                Some((since, link.connection.id))
            });
            let Some((_, id)) = self.idle.next(self.now, || idle, |id| self.links.spare_since(id)) else { return };
            if !self.shared.places.offer(self.number) {
                return;
            }
            let next = self.settle(id.slot(), |link, turn| {
                // Whatever has arrived is read.
                link.connection.wake(UNREAD, false);
                turn.pace = Pace::MakeRoom;
                if link.connection.engine.is_opening() { link.open(turn) } else { link.turn(turn) }
            });
            if next.is_none() {
                return;
            }
            self.links.list(id.slot());
            self.shared.withdraw(self.number);
            self.relieve();
        }
    }
}
