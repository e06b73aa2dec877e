//! The connections of a worker, and which of them have a turn.

use std::collections::VecDeque;
use std::time::Instant;

use mio::net::TcpStream;
use slab::Slab;

use super::Id;
use super::turn::Served;
use crate::Interest;

/// Connections in slots, and the slots of those that have a turn.
#[derive(Debug)]
pub(super) struct Links<S> {
    pub(super) slots: Slab<Served<TcpStream, S>>,
    /// Those that have been woken.
    ready: VecDeque<usize>,
    /// Those that had more to do than fits in a turn.
    busy: VecDeque<usize>,
}

impl<S> Links<S> {
    /// For this many connections, memory is kept when they have ended.
    const FEW: usize = 1024;

    pub(super) const fn new() -> Self {
        Self { slots: Slab::new(), ready: VecDeque::new(), busy: VecDeque::new() }
    }

    /// Does this to the connection with this id, and gives it a turn, unless it has ended.
    pub(super) fn reach(&mut self, id: Id, act: impl FnOnce(&mut Served<TcpStream, S>)) {
        if let Some(link) = self.slots.get_mut(id.slot()).filter(|link| link.connection.id == id) {
            act(link);
            Self::put(link, id.slot(), &mut self.ready);
        }
    }

    /// Since when the connection with this id could have been spared, if it can be.
    pub(super) fn spare_since(&self, id: Id) -> Option<Instant> {
        let link = self.slots.get(id.slot()).filter(|link| link.connection.id == id);
        link.and_then(|link| link.connection.engine.sending.spare_since())
    }

    pub(super) fn remove(&mut self, slot: usize) -> Option<Served<TcpStream, S>> {
        let link = self.slots.try_remove(slot)?;
        if self.slots.is_empty() {
            self.give_back();
        }
        Some(link)
    }

    /// The stream of a connection may have become ready, so it has a turn.
    pub(super) fn wake(&mut self, slot: usize, ready: Interest, read_on: bool) {
        if let Some(link) = self.slots.get_mut(slot) {
            link.connection.wake(ready, read_on);
            Self::put(link, slot, &mut self.ready);
        }
    }

    /// Gives a connection a turn after those that have been woken before.
    pub(super) fn list(&mut self, slot: usize) {
        if let Some(link) = self.slots.get_mut(slot) {
            Self::put(link, slot, &mut self.ready);
        }
    }

    /// Gives a connection another turn, after those that are busy too.
    pub(super) fn list_busy(&mut self, slot: usize) {
        if let Some(link) = self.slots.get_mut(slot) {
            Self::put(link, slot, &mut self.busy);
        }
    }

    /// Does this to all connections, and gives each of them a turn.
    pub(super) fn list_all(&mut self, mut act: impl FnMut(&mut Served<TcpStream, S>)) {
        for (slot, link) in &mut self.slots {
            act(link);
            Self::put(link, slot, &mut self.ready);
        }
    }

    fn put(link: &mut Served<TcpStream, S>, slot: usize, list: &mut VecDeque<usize>) {
        if !link.is_listed {
            link.is_listed = true;
            list.push_back(slot);
        }
    }

    /// How many connections have been woken, and how many are busy.
    pub(super) fn turns(&self) -> (usize, usize) {
        (self.ready.len(), self.busy.len())
    }

    /// The connection that was woken first, which is not listed any more.
    pub(super) fn next_ready(&mut self) -> Option<usize> {
        Self::next(&mut self.slots, &mut self.ready)
    }

    /// The connection that has been busy for longest since its last turn, which is not listed any more.
    pub(super) fn next_busy(&mut self) -> Option<usize> {
        Self::next(&mut self.slots, &mut self.busy)
    }

    fn next(slots: &mut Slab<Served<TcpStream, S>>, list: &mut VecDeque<usize>) -> Option<usize> {
        let slot = list.pop_front()?;
        // It may have ended since.
        if let Some(link) = slots.get_mut(slot) {
            link.is_listed = false;
        }
        Some(slot)
    }

    /// Gives back the memory of many connections that have ended, as far as it comes after that of the others.
    pub(super) fn give_back(&mut self) {
        if self.slots.capacity() > Self::FEW && self.slots.len() < self.slots.capacity() / 4 {
            self.slots.shrink_to_fit();
        }
    }

    /// Gives back the memory of many connections that have had their turn.
    pub(super) fn give_back_turns(&mut self) {
        for list in [&mut self.ready, &mut self.busy] {
            if list.is_empty() && list.capacity() > Self::FEW {
                *list = VecDeque::new();
            }
        }
    }
}
