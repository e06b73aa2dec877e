//! Which connections nothing has happened on for too long.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// Connections, by their slots, in the order in which something last happened on them.
#[derive(Debug)]
pub(super) struct Idle {
    timeout: Duration,
    order: BTreeSet<(Instant, usize)>,
    since: HashMap<usize, Instant>,
}

impl Idle {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, order: BTreeSet::new(), since: HashMap::new() }
    }

    /// Something happens on a connection, which may be a new one.
    pub(super) fn touch(&mut self, slot: usize, now: Instant) {
        self.forget(slot);
        self.since.insert(slot, now);
        self.order.insert((now, slot));
    }

    /// A connection has ended.
    pub(super) fn forget(&mut self, slot: usize) {
        if let Some(since) = self.since.remove(&slot) {
            self.order.remove(&(since, slot));
        }
    }

    /// When the next one will have been idle for too long.
    pub(super) fn due(&self) -> Option<Instant> {
        self.order.first()?.0.checked_add(self.timeout)
    }

    /// One that has been, if there is one. It is to be forgotten.
    pub(super) fn expired(&self, now: Instant) -> Option<usize> {
        self.due().filter(|due| *due <= now)?;
        self.order.first().map(|(_, slot)| *slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_has_been_idle_longest_is_due_first() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut idle = Idle::new(Duration::from_secs(10));
        assert_eq!(idle.due(), None);
        for slot in 0..3 {
            idle.touch(slot, at(0));
        }
        idle.touch(0, at(5));
        idle.forget(1);
        assert_eq!((idle.due(), idle.expired(at(9))), (Some(at(10)), None));
        assert_eq!(idle.expired(at(10)), Some(2));
        idle.forget(2);
        assert_eq!((idle.due(), idle.expired(at(10))), (Some(at(15)), None));
        // A slot is used again.
        idle.forget(0);
        idle.touch(0, at(14));
        assert_eq!((idle.due(), idle.expired(at(15))), (Some(at(24)), None));
    }
}
