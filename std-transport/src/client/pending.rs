//! Which reply answers which request. It has no stream and no clock.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::time::Instant;

/// How replies are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// The nth reply answers the nth request.
    InOrder,
    /// A reply names its request.
    ById,
}

/// The calls that have no reply yet. `W` is whoever waits for one.
///
/// A call is [registered](Self::register), then [sent](Self::send_next), and then there is a [reply](Self::take_reply); or it
/// [expires](Self::expire), is [cancelled](Self::cancel), or [fails](Self::fail_sent) with its connection. Whichever comes first
/// hands its `W` out, once. A call that was given up after it was sent still has a reply coming, which is known for late and is
/// nobody's.
///
/// Where calls follow each other, no memory is allocated for each: what is known of one that has ended remains until it comes
/// first, or until most have ended.
#[derive(Debug)]
pub(crate) struct Pending<W> {
    matching: Matching,
    /// The calls, in the order of their keys.
    calls: VecDeque<Call<W>>,
    /// The deadlines of the calls. The first is that of a call that somebody waits for.
    deadlines: BinaryHeap<Reverse<(Instant, u64)>>,
    /// How many calls somebody waits for, and how many of them have been sent.
    open: usize,
    sent: usize,
    /// No call with a smaller key is to be sent.
    unsent_from: u64,
    /// In order: the requests sent that have no reply yet, whether or not somebody waits for it.
    order: VecDeque<u64>,
    /// By id: those among them for which nobody waits any more. The oldest are forgotten.
    given_up: BTreeSet<u64>,
    max_given_up: usize,
}

#[derive(Debug)]
struct Call<W> {
    key: u64,
    /// `None` if it has ended.
    waiter: Option<W>,
    is_sent: bool,
}

/// What a message is that has been received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<W> {
    /// The reply to the call of this key.
    Reply(u64, W),
    /// The reply to a call that was given up.
    Late,
    /// No reply to any request: a message that the peer has sent by itself, or a second reply.
    Push,
}

/// A call that has ended without a reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended<W> {
    pub(crate) key: u64,
    pub(crate) waiter: W,
    pub(crate) is_sent: bool,
}

impl<W> Pending<W> {
    /// How many calls that have ended may remain, beside as many as have not.
    const FEW: usize = 64;

    /// By id, at most `max_given_up` calls that were given up are remembered.
    pub(crate) const fn new(matching: Matching, max_given_up: usize) -> Self {
        Self {
            matching,
            calls: VecDeque::new(),
            deadlines: BinaryHeap::new(),
            open: 0,
            sent: 0,
            unsent_from: 0,
            order: VecDeque::new(),
            given_up: BTreeSet::new(),
            max_given_up,
        }
    }

    /// Adds a call. No key is ever used twice.
    pub(crate) fn register(&mut self, key: u64, waiter: W, deadline: Option<Instant>) {
        let index = self.calls.partition_point(|call| call.key < key);
        self.calls.insert(index, Call { key, waiter: Some(waiter), is_sent: false });
        self.deadlines.extend(deadline.map(|deadline| Reverse((deadline, key))));
        self.open += 1;
        self.unsent_from = self.unsent_from.min(key);
    }

    /// Whoever waits for this call, unless it has ended.
    pub(crate) fn waiter_mut(&mut self, key: u64) -> Option<&mut W> {
        find(&mut self.calls, key)?.waiter.as_mut()
    }

    /// Those who wait, in the order of the keys of their calls.
    pub(crate) fn waiters(&self) -> impl Iterator<Item = &W> {
        self.calls.iter().filter_map(|call| call.waiter.as_ref())
    }

    /// How many calls have not been sent.
    pub(crate) const fn unsent(&self) -> usize {
        self.open - self.sent
    }

    /// The request of the first call that has not been sent is being sent, after all those that were sent before.
    pub(crate) fn send_next(&mut self) -> Option<(u64, &mut W)> {
        let start = self.calls.partition_point(|call| call.key < self.unsent_from);
        let next = self.calls.range_mut(start..).find(|call| !call.is_sent && call.waiter.is_some());
        self.unsent_from = next.as_ref().map_or(u64::MAX, |call| call.key + 1);
        let Call { key, waiter, is_sent } = next?;
        *is_sent = true;
        self.sent += 1;
        if self.matching == Matching::InOrder {
            self.order.push_back(*key);
        }
        Some((*key, waiter.as_mut()?))
    }

    /// How many requests the peer owes a reply. In order, those are counted too for whose reply nobody waits.
    pub(crate) fn owed(&self) -> usize {
        match self.matching {
            Matching::InOrder => self.order.len(),
            Matching::ById => self.sent,
        }
    }

    /// A message has come that names this request, or none.
    pub(crate) fn take_reply(&mut self, reply_to: Option<u64>) -> Taken<W> {
        let key = match self.matching {
            Matching::InOrder => self.order.pop_front(),
            Matching::ById => reply_to.filter(|key| find(&mut self.calls, *key).is_none_or(|call| call.is_sent)),
        };
        let Some(key) = key else { return Taken::Push };
        match self.end(key) {
            Some(ended) => Taken::Reply(key, ended.waiter),
            None if self.matching == Matching::InOrder || self.given_up.remove(&key) => Taken::Late,
            None => Taken::Push,
        }
    }

    /// Nobody waits for this call any more: whether it had been sent, unless it had ended.
    pub(crate) fn cancel(&mut self, key: u64) -> Option<Ended<W>> {
        let ended = self.end(key)?;
        if ended.is_sent && self.matching == Matching::ById {
            self.given_up.insert(key);
            if self.given_up.len() > self.max_given_up {
                self.given_up.pop_first();
            }
        }
        Some(ended)
    }

    /// When the next call expires.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// The next call whose time is over, which is given up.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Ended<W>> {
        let Reverse((deadline, key)) = *self.deadlines.peek()?;
        if deadline > now { None } else { self.cancel(key) }
    }

    /// The connection is lost, and with it all replies: the calls that were sent have ended. Those that turn out not to have
    /// been sent, of which `is_unsent` knows, are to be sent again if somebody still waits.
    pub(crate) fn fail_sent(&mut self, is_unsent: impl Fn(&W) -> bool) -> Vec<Ended<W>> {
        self.order.clear();
        self.given_up.clear();
        (self.sent, self.unsent_from) = (0, 0);
        let mut failed = Vec::new();
        for call in &mut self.calls {
            if std::mem::take(&mut call.is_sent) {
                let waiter = call.waiter.take_if(|waiter| !is_unsent(waiter));
                failed.extend(waiter.map(|waiter| Ended { key: call.key, waiter, is_sent: true }));
            }
        }
        self.open -= failed.len();
        self.forget_ended();
        failed
    }

    /// All calls have ended, whether they were sent or not.
    pub(crate) fn fail_all(&mut self) -> Vec<Ended<W>> {
        self.order.clear();
        self.given_up.clear();
        self.deadlines.clear();
        (self.open, self.sent) = (0, 0);
        let ended = |Call { key, waiter, is_sent }| Some(Ended { key, waiter: waiter?, is_sent });
        self.calls.drain(..).filter_map(ended).collect()
    }

    fn end(&mut self, key: u64) -> Option<Ended<W>> {
        let call = find(&mut self.calls, key)?;
        let (waiter, is_sent) = (call.waiter.take()?, call.is_sent);
        self.open -= 1;
        self.sent -= usize::from(is_sent);
        self.forget_ended();
        Some(Ended { key, waiter, is_sent })
    }

    /// Forgets the calls that have ended: those that come first, and all if they are most.
    fn forget_ended(&mut self) {
        let Self { calls, deadlines, .. } = self;
        let most = 2 * self.open + Self::FEW;
        if calls.len() > most {
            calls.retain(|call| call.waiter.is_some());
        }
        while calls.front().is_some_and(|call| call.waiter.is_none()) {
            calls.pop_front();
        }
        if deadlines.len() > most {
            deadlines.retain(|Reverse((_, key))| find(calls, *key).is_some());
        }
        while deadlines.peek().is_some_and(|Reverse((_, key))| find(calls, *key).is_none()) {
            deadlines.pop();
        }
        if calls.capacity().max(deadlines.capacity()) > 4 * most {
            calls.shrink_to(most);
            deadlines.shrink_to(most);
        }
    }
}

/// The call of this key, unless it has ended.
fn find<W>(calls: &mut VecDeque<Call<W>>, key: u64) -> Option<&mut Call<W>> {
    let index = calls.binary_search_by_key(&key, |call| call.key).ok()?;
    calls.get_mut(index).filter(|call| call.waiter.is_some())
}

#[cfg(test)]
mod tests;
