//! The places of a server: how many connections are open, of each address and in all, and how a new one gets a place.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::shared::lock;
use super::{Address, Id, Limits, NotAccepted};

/// The addresses that count as one: an IPv4 address, or the /64 of an IPv6 address, of which a subscriber has at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Network(IpAddr);

impl Network {
    /// The network of an address, unless that is a Unix socket's.
    pub(crate) fn of(address: Address) -> Option<Self> {
        Some(Self(match address.ip()?.to_canonical() {
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
            ip @ IpAddr::V4(_) => ip,
        }))
    }
}

#[derive(Debug)]
pub(crate) struct Places {
    open: AtomicUsize,
    most: usize,
    /// How many connections each network has, if it has any. Empty if there is no limit for it.
    by_network: Mutex<BTreeMap<Network, usize>>,
    most_per_network: usize,
    /// Whether whoever accepts waits for a connection to end.
    awaited: AtomicBool,
    /// Which worker ends a connection for one that waits; or, from [`Self::LEAST_ASKED`] on, which one is asked to.
    giver: AtomicUsize,
}

impl Places {
    /// No connection waits for another one to end.
    const NOBODY: usize = usize::MAX;
    /// All workers are asked.
    const ANYBODY: usize = usize::MAX - 1;
    const LEAST_ASKED: usize = usize::MAX / 2;

    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            open: AtomicUsize::new(0),
            most: limits.max_connections,
            by_network: Mutex::default(),
            most_per_network: limits.max_per_address,
            awaited: AtomicBool::new(false),
            giver: AtomicUsize::new(Self::NOBODY),
        }
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Takes a place, and returns the worker that has ended a connection for it, if one has.
    pub(super) fn take(&self) -> Option<usize> {
        self.open.fetch_add(1, Ordering::SeqCst);
        Some(self.giver.swap(Self::NOBODY, Ordering::SeqCst)).filter(|giver| *giver < Self::LEAST_ASKED)
    }

    /// Gives a place back; true if whoever accepts waits for that.
    pub(super) fn give_back(&self, network: Option<Network>) -> bool {
        self.discount(network);
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.awaited.swap(false, Ordering::SeqCst)
    }

    /// Whether there are as many connections as there may be; then whoever accepts is woken when one of them ends.
    pub(super) fn is_full(&self) -> bool {
        let is_full = || self.open() >= self.most;
        if !is_full() {
            return false;
        }
        self.awaited.store(true, Ordering::SeqCst);
        // One may have ended between the two.
        is_full()
    }

    /// Counts a connection for its address, and returns the network for which it counts, unless that has as many as it may have.
    pub(super) fn count(&self, address: Address) -> Result<Option<Network>, NotAccepted> {
        // No address can have more than there are.
        let Some(network) = Network::of(address).filter(|_| self.most_per_network < self.most) else {
            return Ok(None);
        };
        let mut by_network = lock(&self.by_network);
        let count = by_network.get(&network).copied().unwrap_or(0);
        if count >= self.most_per_network {
            return Err(NotAccepted::AddressLimit(address));
        }
        by_network.insert(network, count + 1);
        Ok(Some(network))
    }

    /// Counts a connection for its network no more.
    pub(super) fn discount(&self, network: Option<Network>) {
        let Some(network) = network else { return };
        let mut by_network = lock(&self.by_network);
        match by_network.get_mut(&network) {
            Some(count @ 2..) => *count -= 1,
            _ => drop(by_network.remove(&network)),
        }
    }

    /// Asks this worker to end a connection for one that waits; true if nobody has been asked before.
    pub(super) fn ask(&self, worker: usize) -> bool {
        self.change_giver(Self::NOBODY, Self::asked(worker))
    }

    /// Asks all workers, after this one; true if that is news.
    pub(super) fn ask_all_after(&self, worker: usize) -> bool {
        self.change_giver(Self::asked(worker), Self::ANYBODY)
    }

    /// Whether a connection waits for another one to end, and no worker has begun to end one.
    pub(super) fn is_asking(&self) -> bool {
        (Self::LEAST_ASKED..Self::NOBODY).contains(&self.giver.load(Ordering::SeqCst))
    }

    /// Whether it is this worker that is to end a connection, now that it can.
    pub(super) fn offer(&self, worker: usize) -> bool {
        self.change_giver(Self::asked(worker), worker) || self.change_giver(Self::ANYBODY, worker)
    }

    /// The worker could not end one after all; true if others may.
    pub(super) fn withdraw(&self, worker: usize) -> bool {
        self.change_giver(worker, Self::ANYBODY)
    }

    const fn asked(worker: usize) -> usize {
        (Self::ANYBODY - 1).saturating_sub(worker)
    }

    fn change_giver(&self, from: usize, to: usize) -> bool {
        self.giver.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// The connections that have been idle for longest, and since when; the longest of all is the last one.
///
/// They are looked for now and then, for among very many that takes a while. Those that are still idle when their turn comes
/// are still the first ones, for all others have been active since.
#[derive(Debug, Default)]
pub(crate) struct LongestIdle(Vec<(Instant, Id)>);

impl LongestIdle {
    /// How many of them are noted.
    const NOTED: usize = 64;
    /// A message may be on its way on a connection that has been idle for less than this.
    pub(crate) const LEAST: Duration = Duration::from_secs(1);
    /// How often whoever waits looks for one.
    pub(crate) const TICK: Duration = Duration::from_millis(25);

    /// The next one: of `all` that are idle the one that is so for longest, if that is long enough, and `is_still` so.
    pub(crate) fn next<I: Iterator<Item = (Instant, Id)>>(
        &mut self,
        now: Instant,
        all: impl FnOnce() -> I,
        is_still: impl Fn(&(Instant, Id)) -> bool,
    ) -> Option<(Instant, Id)> {
        if let Some(noted) = iter::from_fn(|| self.0.pop()).find(&is_still) {
            return Some(noted);
        }
        self.0.extend(all().filter(|(since, _)| now.saturating_duration_since(*since) >= Self::LEAST));
        self.0.sort_unstable_by_key(|(since, _)| Reverse(*since));
        self.0.drain(..self.0.len().saturating_sub(Self::NOTED));
        self.0.shrink_to(Self::NOTED);
        iter::from_fn(|| self.0.pop()).find(is_still)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn address(ip: &str) -> Address {
        Address::Ip(SocketAddr::new(ip.parse().unwrap(), 7))
    }

    #[test]
    fn an_ipv4_address_counts_alone_and_an_ipv6_address_with_its_64() {
        for (one, other, is_same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("::ffff:192.0.2.1", "::1", false),
            ("2001:db8:1:2::3", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::3", "2001:db8:1:3::3", false),
            ("2001:db8:1:2::3", "3001:db8:1:2::3", false),
        ] {
            let networks = [one, other].map(|ip| Network::of(address(ip)).unwrap());
            assert_eq!(networks[0] == networks[1], is_same, "{one} and {other}");
        }
        assert_eq!(Network::of(Address::Unix), None);
    }

    #[test]
    fn each_address_has_its_places_and_none_is_remembered_that_has_no_connection() {
        let places = Places::new(&Limits::default().with_max_per_address(2));
        let [one, other] = ["192.0.2.1", "2001:db8::1"].map(address);
        for _ in 0..3 {
            for address in [one, other] {
                let network = Network::of(address);
                assert_eq!([0; 3].map(|_| places.count(address).ok()), [Some(network), Some(network), None]);
                places.discount(network);
                assert_eq!([0; 2].map(|_| places.count(address).ok()), [Some(network), None]);
            }
            assert_eq!(places.count(Address::Unix).unwrap(), None);
            assert_eq!(lock(&places.by_network).len(), 2);
            for address in [one, one, other, other] {
                places.discount(Network::of(address));
            }
            assert!(lock(&places.by_network).is_empty());
        }
    }

    #[test]
    fn without_a_limit_for_an_address_nothing_is_remembered() {
        let places = Places::new(&Limits::default());
        assert_eq!(places.count(address("192.0.2.1")).unwrap(), None);
        assert!(lock(&places.by_network).is_empty());
    }

    #[test]
    fn of_several_workers_one_makes_room_and_if_it_does_not_another_one() {
        let places = Places::new(&Limits::default());
        assert!(!places.is_asking() && !places.offer(0));
        assert!(places.ask(1) && !places.ask(2) && places.is_asking());
        assert!(!places.offer(0) && places.offer(1) && !places.is_asking() && !places.ask_all_after(1));
        assert_eq!(places.take(), Some(1));
        // It is too late for that.
        assert!(!places.withdraw(1) && !places.is_asking());

        assert!(places.ask(2) && places.ask_all_after(2) && !places.ask_all_after(2) && places.is_asking());
        assert!(places.offer(0) && !places.offer(1) && !places.withdraw(1));
        assert!(places.withdraw(0) && places.is_asking() && places.offer(1));
        assert_eq!(places.take(), Some(1));

        // A place without anybody's doing.
        assert!(places.ask(0));
        assert_eq!(places.take(), None);
        assert!(!places.is_asking() && !places.offer(0));
    }

    #[test]
    fn the_longest_idle_comes_first_however_the_others_act_meanwhile() {
        let start = Instant::now();
        let ids = [0; 200].map(|_| Id::new(0, 0));
        let mut since: BTreeMap<Id, Instant> = BTreeMap::new();
        for (age, id) in ids.iter().enumerate() {
            // In an order that is not that of the ids.
            since.insert(*id, start + Duration::from_secs(age as u64 * 77 % 200));
        }
        let (mut longest, mut now) = (LongestIdle::default(), start + Duration::from_secs(1000));
        while !since.is_empty() {
            let first = since.iter().map(|(id, since)| (*since, *id)).min();
            let all = || since.iter().map(|(id, since)| (*since, *id));
            let next = longest.next(now, all, |(noted, id)| since.get(id) == Some(noted));
            assert_eq!(next, first);
            since.remove(&next.unwrap().1);
            // One that would have been among the next ones does something, and every third time one ends.
            let before = now;
            now += Duration::from_secs(1);
            let mut rest: Vec<_> = since.iter().map(|(id, since)| (*since, *id)).collect();
            rest.sort_unstable();
            if let Some((_, id)) = rest.get(3) {
                if now.duration_since(start).as_secs() % 3 == 0 {
                    since.remove(id);
                } else {
                    since.insert(*id, before);
                }
            }
            assert!(longest.0.capacity() <= LongestIdle::NOTED);
        }
    }

    #[test]
    fn a_connection_on_which_a_message_may_be_on_its_way_does_not_make_room() {
        let (start, id) = (Instant::now(), Id::new(0, 0));
        let mut longest = LongestIdle::default();
        let mut next = |now| longest.next(now, || [(start, id)].into_iter(), |_| true);
        assert_eq!(next(start), None);
        assert_eq!(next(start + LongestIdle::LEAST.saturating_sub(Duration::from_nanos(1))), None);
        assert_eq!(next(start + LongestIdle::LEAST), Some((start, id)));
    }
}
