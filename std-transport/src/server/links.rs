//! The connections of a worker, and which of them have a turn.

use std::collections::VecDeque;

use mio::net::TcpStream;
use slab::Slab;

use super::Id;
use super::turn::Served;
use crate::Interest;

/// Connections in slots, and the slots of those that have a turn.
#[derive(Debug)]
pub(super) struct Links<S> {
    slots: Slab<Served<TcpStream, S>>,
    ready: VecDeque<usize>,
}

impl<S> Links<S> {
    /// For this many connections, memory is kept when they have ended.
    const FEW: usize = 1024;

    pub(super) const fn new() -> Self {
        Self { slots: Slab::new(), ready: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn iter(&self) -> slab::Iter<'_, Served<TcpStream, S>> {
        self.slots.iter()
    }

    pub(super) fn iter_mut(&mut self) -> slab::IterMut<'_, Served<TcpStream, S>> {
        self.slots.iter_mut()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Served<TcpStream, S>> {
        self.slots.get_mut(slot)
    }

    /// The connection with this id, if it has not ended.
    pub(super) fn find(&mut self, id: Id) -> Option<&mut Served<TcpStream, S>> {
        self.slots.get_mut(id.slot()).filter(|link| link.connection.id == id)
    }

    /// The slot of the connection that is inserted next.
    pub(super) fn vacant(&self) -> usize {
        self.slots.vacant_key()
    }

    pub(super) fn insert(&mut self, link: Served<TcpStream, S>) {
        self.slots.insert(link);
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

    /// Gives a connection a turn after those that have one already.
    pub(super) fn list(&mut self, slot: usize) {
        if let Some(link) = self.slots.get_mut(slot) {
            Self::put(link, slot, &mut self.ready);
        }
    }

    /// Does this to all connections, and gives each of them a turn.
    pub(super) fn list_all(&mut self, mut act: impl FnMut(&mut Served<TcpStream, S>)) {
        for (slot, link) in &mut self.slots {
            act(link);
            Self::put(link, slot, &mut self.ready);
        }
    }

    fn put(link: &mut Served<TcpStream, S>, slot: usize, ready: &mut VecDeque<usize>) {
        if !link.connection.listed {
            link.connection.listed = true;
            ready.push_back(slot);
        }
    }

    /// How many connections have a turn.
    pub(super) fn turns(&self) -> usize {
        self.ready.len()
    }

    /// The slot whose turn it is, with its connection, which is not listed any more, unless it has ended since.
    pub(super) fn next(&mut self) -> Option<(usize, Option<&mut Served<TcpStream, S>>)> {
        let slot = self.ready.pop_front()?;
        let mut link = self.slots.get_mut(slot);
        if let Some(link) = &mut link {
            link.connection.listed = false;
        }
        Some((slot, link))
    }

    /// Gives back the memory of many connections that have ended, as far as it comes after that of the others.
    pub(super) fn give_back(&mut self) {
        if self.slots.capacity() > Self::FEW && self.slots.len() < self.slots.capacity() / 4 {
            self.slots.shrink_to_fit();
        }
    }

    /// Gives back the memory of many connections that have had their turn.
    pub(super) fn give_back_turns(&mut self) {
        if self.ready.is_empty() && self.ready.capacity() > Self::FEW {
            self.ready = VecDeque::new();
        }
    }
}
