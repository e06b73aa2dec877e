//! Counts content that many queues share once, for as long as one of them holds it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A count of bytes in memory, and the shared contents that are part of it.
#[derive(Debug, Default)]
pub(crate) struct Charges {
    total: AtomicUsize,
    /// How much of it is shared content that is in no queue yet.
    underway: AtomicUsize,
    /// By the address of the content, which nothing else can have while it is here.
    shared: Mutex<HashMap<usize, Weak<Charged>>>,
}

/// Bytes that are counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: usize,
    charges: Arc<Charges>,
}

/// Shared content that is counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Charged {
    bytes: Arc<[u8]>,
    held: Held,
    /// Whether it has been in a queue.
    queued: AtomicBool,
}

impl Charges {
    /// How many bytes are held in all.
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// How many of them are in queues, or have been.
    pub(crate) fn queued(&self) -> usize {
        self.total().saturating_sub(self.underway.load(Ordering::Relaxed))
    }

    /// Replaces what was counted of something by what it holds now.
    pub(crate) fn recount(&self, counted: &mut usize, now: usize) {
        if now != *counted {
            // Sums of atomics wrap, so a difference that has wrapped makes the total less.
            self.total.fetch_add(now.wrapping_sub(*counted), Ordering::Relaxed);
            *counted = now;
        }
    }

    /// Counts bytes for as long as the result lives.
    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        self.total.fetch_add(bytes, Ordering::Relaxed);
        Held { bytes, charges: Arc::clone(self) }
    }

    /// Counts shared content that is on its way to a queue, unless it is counted already.
    pub(crate) fn share(self: &Arc<Self>, bytes: Arc<[u8]>) -> Arc<Charged> {
        let mut shared = self.lock();
        let address = address(&bytes);
        if let Some(charged) = shared.get(&address).and_then(Weak::upgrade) {
            return charged;
        }
        self.underway.fetch_add(bytes.len(), Ordering::Relaxed);
        let charged = Arc::new(Charged { held: self.hold(bytes.len()), bytes, queued: AtomicBool::new(false) });
        shared.insert(address, Arc::downgrade(&charged));
        charged
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Weak<Charged>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.charges.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Charged {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Counts it as queued.
    pub(crate) fn arrive(&self) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.held.charges.underway.fetch_sub(self.bytes.len(), Ordering::Relaxed);
        }
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        let mut shared = self.held.charges.lock();
        let address = address(&self.bytes);
        // Somebody may have shared the same content again in between.
        if shared.get(&address).is_some_and(|charged| charged.strong_count() == 0) {
            shared.remove(&address);
        }
        drop(shared);
        self.arrive();
    }
}

fn address(bytes: &Arc<[u8]>) -> usize {
    Arc::as_ptr(bytes).cast::<u8>().addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_and_shrinks_counts_as_much_as_it_is_beside_what_is_held() {
        let (charges, mut counted) = (Arc::new(Charges::default()), 0);
        let held = charges.hold(7);
        for now in [10, 30, 30, 20, 0, 5] {
            charges.recount(&mut counted, now);
            assert_eq!((charges.total(), charges.queued(), counted), (now + 7, now + 7, now));
        }
        drop(held);
        assert_eq!(charges.total(), 5);
    }

    #[test]
    fn content_that_many_share_counts_once_until_the_last_has_dropped_it() {
        let charges = Arc::new(Charges::default());
        let (news, other): (Arc<[u8]>, Arc<[u8]>) = (vec![1; 100].into(), vec![1; 10].into());
        let first = charges.share(Arc::clone(&news));
        let second = charges.share(Arc::clone(&news));
        let third = charges.share(other);
        assert_eq!((charges.total(), charges.queued()), (110, 0));
        second.arrive();
        first.arrive();
        assert_eq!((charges.total(), charges.queued()), (110, 100));
        drop((first, third));
        assert_eq!((charges.total(), second.bytes()), (100, &news[..]));
        drop(second);
        assert_eq!((charges.total(), charges.lock().len()), (0, 0));
        let again = charges.share(news);
        assert_eq!((charges.total(), charges.queued()), (100, 0));
        drop(again);
        assert_eq!((charges.total(), charges.queued(), charges.lock().len()), (0, 0, 0));
        assert_eq!(charges.underway.load(Ordering::Relaxed), 0);
    }
}
