//! Which reply answers which request. It has no stream and no clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

/// How replies are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Matching {
    /// The nth reply answers the nth request.
    #[default]
    InOrder,
    /// A reply names its request.
    ById,
}

/// The calls that have no reply yet. `W` is whoever waits for one.
///
/// A call is [registered](Self::register), then [sent](Self::sent), and then there is a [reply](Self::take_reply); or it
/// [expires](Self::expire), is [cancelled](Self::cancel), or [fails](Self::fail_sent) with its connection. Whichever comes first
/// hands its `W` out, once. A call that was given up after it was sent still has a reply coming, which is known for late and is
/// nobody's.
#[derive(Debug)]
pub(crate) struct Pending<W> {
    matching: Matching,
    /// The calls that somebody waits for.
    calls: BTreeMap<u64, Call<W>>,
    deadlines: BTreeSet<(Instant, u64)>,
    /// How many calls that somebody waits for have been sent.
    sent: usize,
    /// In order: the requests sent that have no reply yet, whether or not somebody waits for it.
    order: VecDeque<u64>,
    /// By id: those among them for which nobody waits any more. The oldest are forgotten.
    given_up: BTreeSet<u64>,
    max_given_up: usize,
}

#[derive(Debug)]
struct Call<W> {
    waiter: W,
    deadline: Option<Instant>,
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
    /// By id, at most `max_given_up` calls that were given up are remembered.
    pub(crate) const fn new(matching: Matching, max_given_up: usize) -> Self {
        Self {
            matching,
            calls: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            sent: 0,
            order: VecDeque::new(),
            given_up: BTreeSet::new(),
            max_given_up,
        }
    }

    /// Adds a call. No key is ever used twice.
    pub(crate) fn register(&mut self, key: u64, waiter: W, deadline: Option<Instant>) {
        self.calls.insert(key, Call { waiter, deadline, is_sent: false });
        self.deadlines.extend(deadline.map(|deadline| (deadline, key)));
    }

    /// Whoever waits for this call, unless it has ended.
    pub(crate) fn waiter_mut(&mut self, key: u64) -> Option<&mut W> {
        self.calls.get_mut(&key).map(|call| &mut call.waiter)
    }

    /// The request is being sent, after all those that were sent before.
    pub(crate) fn sent(&mut self, key: u64) {
        if let Some(call) = self.calls.get_mut(&key).filter(|call| !call.is_sent) {
            call.is_sent = true;
            self.sent += 1;
            if self.matching == Matching::InOrder {
                self.order.push_back(key);
            }
        }
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
            Matching::ById => reply_to.filter(|key| self.calls.get(key).is_none_or(|call| call.is_sent)),
        };
        let Some(key) = key else { return Taken::Push };
        match self.remove(key) {
            Some(call) => Taken::Reply(key, call.waiter),
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
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The next call whose time is over, which is given up.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Ended<W>> {
        let (deadline, key) = *self.deadlines.first()?;
        if deadline > now { None } else { self.cancel(key) }
    }

    /// The connection is lost, and with it all replies: the calls that were sent have ended. Those that turn out not to have
    /// been sent, of which `is_unsent` knows, are to be sent again if somebody still waits.
    pub(crate) fn fail_sent(&mut self, is_unsent: impl Fn(u64) -> bool) -> Vec<Ended<W>> {
        self.order.clear();
        self.given_up.clear();
        self.sent = 0;
        let mut failed = Vec::new();
        for (key, call) in &mut self.calls {
            if call.is_sent && is_unsent(*key) {
                call.is_sent = false;
            } else if call.is_sent {
                failed.push(*key);
            }
        }
        failed.into_iter().filter_map(|key| self.end(key)).collect()
    }

    /// All calls have ended, whether they were sent or not.
    pub(crate) fn fail_all(&mut self) -> Vec<Ended<W>> {
        self.order.clear();
        self.given_up.clear();
        let keys: Vec<_> = self.calls.keys().copied().collect();
        keys.into_iter().filter_map(|key| self.end(key)).collect()
    }

    fn end(&mut self, key: u64) -> Option<Ended<W>> {
        let call = self.remove(key)?;
        Some(Ended { key, waiter: call.waiter, is_sent: call.is_sent })
    }

    fn remove(&mut self, key: u64) -> Option<Call<W>> {
        let call = self.calls.remove(&key)?;
        if let Some(deadline) = call.deadline {
            self.deadlines.remove(&(deadline, key));
        }
        if call.is_sent {
            self.sent = self.sent.saturating_sub(1);
        }
        Some(call)
    }
}

#[cfg(test)]
mod tests;
