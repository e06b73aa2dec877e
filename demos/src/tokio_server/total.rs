//! What is held for all connections together, and whose is ended when that is too much.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// A number of bytes with a limit, which nobody but whoever holds most is ended for.
#[derive(Debug)]
pub(super) struct Total {
    limit: usize,
    holders: Mutex<Holders>,
}

#[derive(Debug, Default)]
struct Holders {
    total: usize,
    /// Whoever has held longest comes first.
    held: BTreeMap<u64, Held>,
    next: u64,
}

#[derive(Debug)]
struct Held {
    bytes: usize,
    evicted: CancellationToken,
}

impl Total {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, holders: Mutex::default() }
    }

    /// What a connection has of it: nothing yet. The token is cancelled when the connection is to end.
    pub(super) const fn share(&self, evicted: CancellationToken) -> Share<'_> {
        Share { total: self, evicted, key: None, bytes: 0 }
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        // Nothing in between can panic.
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holders {
    fn let_go(&mut self, key: u64) {
        if let Some(held) = self.held.remove(&key) {
            self.total -= held.bytes;
        }
    }

    /// Ends whoever holds most until there is no more than there may be.
    fn keep_to(&mut self, limit: usize) {
        while self.total > limit {
            let most = self.held.iter().max_by_key(|(key, held)| (held.bytes, Reverse(**key)));
            let Some((&key, held)) = most else { return };
            // What it holds is given back as soon as its task has a turn.
            held.evicted.cancel();
            self.let_go(key);
        }
    }
}

/// What one connection has of a total.
#[derive(Debug)]
pub(super) struct Share<'t> {
    total: &'t Total,
    evicted: CancellationToken,
    key: Option<u64>,
    bytes: usize,
}

impl Share<'_> {
    /// It is so much now. If that is too much for all, whoever holds most is ended, which may be this one.
    pub(super) fn set(&mut self, bytes: usize) {
        if bytes == self.bytes {
            return;
        }
        self.bytes = bytes;
        let mut holders = self.total.holders();
        if bytes == 0 {
            if let Some(key) = self.key.take() {
                holders.let_go(key);
            }
        } else if !self.evicted.is_cancelled() {
            let key = *self.key.get_or_insert_with(|| {
                holders.next += 1;
                holders.next
            });
            let held = Held { bytes, evicted: self.evicted.clone() };
            let before = holders.held.insert(key, held).map_or(0, |held| held.bytes);
            holders.total = holders.total + bytes - before;
            holders.keep_to(self.total.limit);
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whose connections are to end.
    fn evicted(shares: &[Share<'_>]) -> Vec<usize> {
        (0..shares.len()).filter(|number| shares[*number].evicted.is_cancelled()).collect()
    }

    fn held(total: &Total) -> usize {
        total.holders().total
    }

    fn shares(total: &Total, count: usize) -> Vec<Share<'_>> {
        (0..count).map(|_| total.share(CancellationToken::new())).collect()
    }

    #[test]
    fn a_full_total_ends_whoever_holds_most() {
        let total = Total::new(100);
        let mut shares = shares(&total, 4);
        shares[0].set(30);
        shares[1].set(60);
        shares[2].set(10);
        assert_eq!(evicted(&shares), [0; 0]);
        shares[3].set(1);
        assert_eq!(evicted(&shares), [1]);
        // There is room again, and whoever was ended takes none.
        shares[1].set(70);
        shares[3].set(60);
        assert_eq!((evicted(&shares), held(&total)), (vec![1], 100));
        shares[1].set(0);
        drop(shares);
        assert_eq!((held(&total), total.holders().held.len()), (0, 0));
    }

    #[test]
    fn of_those_who_hold_as_much_the_one_that_has_longest_is_ended() {
        let total = Total::new(100);
        let mut shares = shares(&total, 3);
        shares[0].set(50);
        shares[1].set(50);
        // It begins anew.
        shares[0].set(0);
        shares[0].set(50);
        shares[2].set(50);
        assert_eq!(evicted(&shares), [1]);
    }

    #[test]
    fn whoever_alone_holds_too_much_is_ended_alone() {
        let total = Total::new(100);
        let mut shares = shares(&total, 3);
        shares[0].set(10);
        shares[1].set(101);
        assert_eq!((evicted(&shares), held(&total)), (vec![1], 10));
    }
}
