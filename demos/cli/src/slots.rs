//! A number of slots, to be taken and given back.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// So many slots, shared by those who take one.
#[derive(Clone, Debug)]
pub(crate) struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A slot, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot(Slots);

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Shared { free: Mutex::new(count), freed: Condvar::new() }))
    }

    /// Takes a slot, as soon as one is free.
    pub(crate) fn take(&self) -> Slot {
        let free = self.0.freed.wait_while(self.free(), |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Slot(self.clone())
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_next_one_waits_until_a_slot_is_given_back() {
        let slots = Slots::new(2);
        let (first, _second) = (slots.take(), slots.take());
        let (taken, news) = mpsc::channel();
        thread::spawn(move || taken.send(slots.take()));
        assert!(news.recv_timeout(Duration::from_millis(50)).is_err());
        drop(first);
        assert!(news.recv_timeout(Duration::from_secs(20)).is_ok());
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
        slots.take();
    }
}
