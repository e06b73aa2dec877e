//! What the connections of a worker may hold together, and how much they have received and sent.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::charge::Charges;
use super::{CloseReason, Limits};

/// The worker's share of the totals, and what of it is taken.
#[derive(Debug)]
pub(crate) struct Totals {
    /// Memory held by what is queued on connections, and by what they share.
    pub(crate) queued: Arc<Charges>,
    /// Memory held by messages that other threads have sent and the worker has not taken yet.
    pub(crate) pending: Arc<Charges>,
    /// Memory held by content that is being collected.
    pub(crate) collected: Charges,
    pub(crate) traffic: Traffic,
    /// While more than this is queued, the connection that holds most is ended.
    most_queued: usize,
    /// How much may be queued for a peer beyond a message.
    pub(crate) most_queued_for_one: usize,
    most_collected: usize,
}

impl Totals {
    pub(crate) fn new(limits: &Limits, workers: usize) -> Self {
        let share = limits.max_queued_total / workers.max(1);
        // A handler can queue this much for its peer before another connection can be ended.
        let most_queued_for_one = limits.max_queued.min(share / 2);
        Self {
            queued: Arc::default(),
            pending: Arc::default(),
            collected: Charges::default(),
            traffic: Traffic::default(),
            most_queued: share - most_queued_for_one,
            most_queued_for_one,
            most_collected: limits.max_collected / workers.max(1),
        }
    }

    /// How many bytes are held by messages to be sent.
    pub(crate) fn all_queued(&self) -> usize {
        self.queued.total().saturating_add(self.pending.total())
    }

    /// Whether no more is to be queued before the worker has made room.
    pub(crate) fn is_queue_full(&self) -> bool {
        self.all_queued() > self.most_queued
    }

    /// Whether nothing more is to be received until room has been made.
    pub(crate) fn is_full(&self) -> bool {
        self.is_queue_full() || self.is_collected_over()
    }

    /// Whether a connection must end because of what is held.
    pub(crate) fn is_over(&self) -> bool {
        self.is_queue_over() || self.is_collected_over()
    }

    /// Whether a connection must end because of what is queued.
    pub(crate) fn is_queue_over(&self) -> bool {
        self.queued.queued() > self.most_queued
    }

    /// Whether a connection must end because of what is being collected.
    pub(crate) fn is_collected_over(&self) -> bool {
        self.collected.total() > self.most_collected
    }

    /// The connection that must end, of those that hold this, and why: it holds most.
    pub(crate) fn heaviest<K: Ord>(
        &self,
        holdings: impl Iterator<Item = (Holding, K)> + Clone,
    ) -> Option<(K, CloseReason)> {
        if self.is_collected_over() {
            Some((Self::most_collected(holdings)?, CloseReason::CollectedTotal))
        } else if self.is_queue_over() {
            Some((self.most_queued(holdings)?, CloseReason::QueueFull))
        } else {
            None
        }
    }

    /// The connection that collects most. Of several, the one that compares least: the oldest.
    fn most_collected<K: Ord>(holdings: impl Iterator<Item = (Holding, K)>) -> Option<K> {
        let collecting = holdings.filter(|(holding, _)| holding.collected > 0);
        collecting.map(|(holding, key)| (holding.collected, Reverse(key))).max().map(|(_, key)| key.0)
    }

    /// The connection for which most memory is held by what is queued. Of several, the one that has had something queued for
    /// longest, about. What connections share counts for each of them in part.
    fn most_queued<K: Ord>(&self, holdings: impl Iterator<Item = (Holding, K)> + Clone) -> Option<K> {
        let sums = |(alone, shares), (holding, _): (Holding, K)| (alone + holding.alone, shares + holding.shared);
        let (alone, shares) = holdings.clone().fold((0, 0), sums);
        let shared = self.queued.queued().saturating_sub(alone).min(shares);
        let rank = |(holding, key): (Holding, K)| {
            let part = holding.shared as u128 * shared as u128 / shares.max(1) as u128;
            (holding.alone as u128 + part, holding.unsent_since.map(Reverse), key)
        };
        holdings.map(rank).max().filter(|(most, ..)| *most > 0).map(|(.., key)| key)
    }
}

/// What a connection holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Memory for what is queued, alone and together with others.
    pub(crate) alone: usize,
    pub(crate) shared: usize,
    /// Memory for content that is being collected.
    pub(crate) collected: usize,
    pub(crate) unsent_since: Option<Instant>,
    /// Since when it could have been spared, if it can be.
    pub(crate) spare_since: Option<Instant>,
}

/// What has been received and sent. Connections count for themselves, and add it here once a turn or so.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    messages_received: AtomicU64,
    bytes_received: AtomicU64,
    messages_sent: AtomicU64,
    bytes_sent: AtomicU64,
}

impl Traffic {
    pub(crate) fn received_messages(&self, count: u32) {
        add(&self.messages_received, count.into());
    }

    pub(crate) fn received_bytes(&self, count: usize) {
        add(&self.bytes_received, count as u64);
    }

    pub(crate) fn sent(&self, messages: u32, bytes: usize) {
        add(&self.messages_sent, messages.into());
        add(&self.bytes_sent, bytes as u64);
    }

    /// Messages and bytes, received and sent.
    pub(crate) fn all(&self) -> [u64; 4] {
        [&self.messages_received, &self.bytes_received, &self.messages_sent, &self.bytes_sent]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

fn add(count: &AtomicU64, more: u64) {
    // Others may count in the same cache line.
    if more > 0 {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_is_received_while_too_much_is_queued_or_collected() {
        let limits = Limits::default().with_max_queued_total(2000).with_max_queued(400).with_max_collected(1500);
        let (totals, mut counted) = (Totals::new(&limits, 1), 0);
        for (queued, collected, is_full) in [(1600, 1500, false), (1601, 0, true), (0, 1501, true)] {
            let _queued = totals.queued.hold(queued);
            totals.collected.recount(&mut counted, collected);
            assert_eq!(totals.is_full(), is_full, "{queued} {collected}");
        }
    }

    #[test]
    fn the_connection_that_holds_most_alone_and_by_its_part_of_what_is_shared_is_the_one() {
        let start = Instant::now();
        let most = |queued, holdings: &[(usize, usize, Option<u64>)]| {
            let totals = Totals::new(&Limits::default(), 1);
            let _queued = totals.queued.hold(queued);
            let holdings = holdings.iter().enumerate().map(|(number, (alone, shared, since))| {
                let unsent_since = since.map(|seconds| start + Duration::from_secs(seconds));
                (Holding { alone: *alone, shared: *shared, unsent_since, ..Holding::default() }, number)
            });
            totals.most_queued(holdings)
        };
        assert_eq!(most(0, &[]), None);
        assert_eq!(most(0, &[(0, 0, None), (0, 0, None)]), None);
        assert_eq!(most(45, &[(10, 0, None), (20, 0, None), (15, 0, None)]), Some(1));
        // Two share 100 bytes, of which each holds half.
        assert_eq!(most(200, &[(30, 100, None), (0, 100, None), (70, 0, None)]), Some(0));
        assert_eq!(most(220, &[(30, 100, None), (0, 100, None), (90, 0, None)]), Some(2));
        // It may be counted when a queue has let go of it already: then it is held no more.
        assert_eq!(most(10, &[(10, 0, None), (5, 100, None)]), Some(0));
        // Of several that hold as much, the one that has had something queued for longest.
        assert_eq!(most(20, &[(10, 0, Some(1)), (10, 0, Some(2))]), Some(0));
        assert_eq!(most(20, &[(10, 0, Some(2)), (10, 0, Some(1))]), Some(1));
    }

    #[test]
    fn the_oldest_of_the_connections_that_collect_most_is_the_one_and_none_that_collects_nothing() {
        let holding = |collected| Holding { collected, ..Holding::default() };
        let most = |collecting: &[(usize, u32)]| {
            Totals::most_collected(collecting.iter().map(|(collected, key)| (holding(*collected), *key)))
        };
        assert_eq!(most(&[]), None);
        assert_eq!(most(&[(0, 1), (0, 2)]), None);
        assert_eq!(most(&[(1, 3), (2, 5), (0, 1), (2, 4), (1, 2)]), Some(4));
    }

    #[test]
    fn each_worker_has_its_share_of_the_totals_to_the_byte() {
        let limits = Limits::default().with_max_queued_total(2000).with_max_collected(1500);
        // Of its share, a handler may need what may be queued for one, which is at most half of it.
        for (max_queued, for_one, most_queued) in [(400, 400, 600), (600, 500, 500)] {
            let totals = Totals::new(&limits.clone().with_max_queued(max_queued), 2);
            assert_eq!(totals.most_queued_for_one, for_one);
            let _queued = totals.queued.hold(most_queued);
            assert!(!totals.is_queue_over() && !totals.is_queue_full());
            let pending = totals.pending.hold(1);
            assert_eq!(totals.all_queued(), most_queued + 1);
            assert!(!totals.is_queue_over() && totals.is_queue_full(), "what is pending is in no queue yet");
            drop(pending);
            assert!(!totals.is_queue_full());
            let _more = totals.queued.hold(1);
            assert!(totals.is_queue_over() && totals.is_queue_full());
        }
        let (totals, mut counted) = (Totals::new(&limits, 2), 0);
        for (collected, is_over) in [(750, false), (751, true), (749, false)] {
            totals.collected.recount(&mut counted, collected);
            assert_eq!(totals.is_collected_over(), is_over);
        }
    }
}
