//! A number of slots, to be taken and given back, until no more are given.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A number of slots, shared by those who take one.
#[derive(Clone, Debug)]
pub(crate) struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    taken: usize,
    most: usize,
    is_closed: bool,
}

/// A slot, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot(Slots);

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        let state = State { taken: 0, most: count, is_closed: false };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// Takes a slot, as soon as one is free; `None` if no more are given.
    pub(crate) fn take(&self) -> Option<Slot> {
        let is_waiting = |state: &mut State| state.taken == state.most && !state.is_closed;
        let mut state = self.0.changed.wait_while(self.lock(), is_waiting).unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return None;
        }
        state.taken += 1;
        Some(Slot(self.clone()))
    }

    /// Whether no more are given.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Gives no more, and waits until all are back, or for this long.
    pub(crate) fn close(&self, patience: Duration) {
        let mut state = self.lock();
        state.is_closed = true;
        self.0.changed.notify_all();
        drop(self.0.changed.wait_timeout_while(state, patience, |state| state.taken > 0));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.lock().taken -= 1;
        self.0.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_next_one_waits_until_a_slot_is_given_back() {
        let slots = Slots::new(1);
        let first = slots.take();
        let (taken, news) = mpsc::channel();
        let same = slots.clone();
        thread::spawn(move || taken.send(same.take().is_some()));
        assert!(news.recv_timeout(Duration::from_millis(50)).is_err());
        drop(first);
        assert_eq!(news.recv_timeout(Duration::from_secs(20)), Ok(true));
    }

    #[test]
    fn a_thread_that_panics_gives_its_slot_back() {
        let slots = Slots::new(1);
        let slot = slots.take();
        let panicked = thread::spawn(move || {
            let _slot = slot;
            panic!("as this test wants");
        });
        assert!(panicked.join().is_err());
        assert!(slots.take().is_some());
    }

    #[test]
    fn whoever_waits_when_they_are_closed_gets_none() {
        let slots = Slots::new(1);
        let first = slots.take();
        let (taken, news) = mpsc::channel();
        let same = slots.clone();
        thread::spawn(move || taken.send(same.take().is_none()));
        slots.close(Duration::ZERO);
        assert_eq!(news.recv_timeout(Duration::from_secs(20)), Ok(true));
        drop(first);
        slots.close(Duration::from_mins(1));
        assert!(slots.is_closed() && slots.take().is_none());
    }
}
