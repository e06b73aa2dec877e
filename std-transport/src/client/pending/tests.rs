//! The same as a plain model does, and a million calls of which none gets another's reply.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What can happen, in terms of the calls made so far.
#[derive(Clone, Debug)]
enum Event {
    Register {
        time: Option<u8>,
    },
    Send,
    /// The reply to one of the requests sent, by its place among them; in order, to the next one.
    Reply {
        of: prop::sample::Index,
    },
    /// A message that names none, or one that was never sent.
    Stray {
        id: Option<u16>,
    },
    Cancel {
        of: prop::sample::Index,
    },
    Pass {
        time: u8,
    },
    Lose {
        unsent: u8,
    },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    use prop::sample::Index;
    let event = prop_oneof![
        4 => any::<Option<u8>>().prop_map(|time| Event::Register { time }),
        4 => Just(Event::Send),
        4 => any::<Index>().prop_map(|of| Event::Reply { of }),
        1 => any::<Option<u16>>().prop_map(|id| Event::Stray { id: id.map(|id| id.saturating_add(1000)) }),
        1 => any::<Index>().prop_map(|of| Event::Cancel { of }),
        2 => any::<u8>().prop_map(|time| Event::Pass { time }),
        1 => any::<u8>().prop_map(|unsent| Event::Lose { unsent }),
    ];
    vec(event, 0..200)
}

/// A list of all calls ever made, searched from its beginning each time.
#[derive(Default)]
struct Model {
    calls: Vec<Modelled>,
    sent: Vec<u64>,
    now: u64,
}

struct Modelled {
    deadline: Option<u64>,
    is_sent: bool,
    /// Somebody waits for it.
    is_open: bool,
    /// A reply may come.
    is_owed: bool,
}

impl Model {
    fn take_reply(&mut self, matching: Matching, id: Option<u64>) -> Taken<u64> {
        let key = match matching {
            Matching::InOrder => {
                self.sent.iter().copied().find(|key| self.calls[usize::try_from(*key).unwrap()].is_owed)
            }
            Matching::ById => id.filter(|id| self.sent.contains(id)),
        };
        let Some(key) = key else { return Taken::Push };
        let call = &mut self.calls[usize::try_from(key).unwrap()];
        if !std::mem::take(&mut call.is_owed) {
            return Taken::Push;
        }
        if std::mem::take(&mut call.is_open) { Taken::Reply(key, key) } else { Taken::Late }
    }

    fn end(&mut self, key: u64) -> Option<Ended<u64>> {
        let call = &mut self.calls[usize::try_from(key).unwrap()];
        std::mem::take(&mut call.is_open).then_some(Ended { key, waiter: key, is_sent: call.is_sent })
    }

    fn open(&self) -> Vec<u64> {
        (0..).zip(&self.calls).filter(|(_, call)| call.is_open).map(|(key, _)| key).collect()
    }

    fn expire(&mut self) -> Vec<Ended<u64>> {
        let now = self.now;
        let mut late: Vec<_> = (0..)
            .zip(&self.calls)
            .filter(|(_, call)| call.is_open)
            .filter_map(|(key, call)| Some((call.deadline?, key)))
            .filter(|(deadline, _)| *deadline <= now)
            .collect();
        late.sort_unstable();
        late.into_iter().filter_map(|(_, key)| self.end(key)).collect()
    }
}

proptest! {
    #[test]
    fn whatever_happens_it_does_as_a_plain_model(events in events(), by_id in any::<bool>()) {
        let matching = if by_id { Matching::ById } else { Matching::InOrder };
        let mut pending = Pending::new(matching, usize::MAX);
        let mut model = Model::default();
        let start = Instant::now();
        let at = |time: u64| start + Duration::from_secs(time);
        for event in events {
            match event {
                Event::Register { time } => {
                    let key = model.calls.len() as u64;
                    let deadline = time.map(|time| model.now + u64::from(time));
                    pending.register(key, key, deadline.map(at));
                    model.calls.push(Modelled { deadline, is_sent: false, is_open: true, is_owed: false });
                }
                Event::Send => {
                    let next = (0..).zip(&mut model.calls).find(|(_, call)| call.is_open && !call.is_sent);
                    let next = next.map(|(key, call)| {
                        (call.is_sent, call.is_owed) = (true, true);
                        model.sent.push(key);
                        key
                    });
                    prop_assert_eq!(pending.send_next().map(|(key, _)| key), next);
                }
                Event::Reply { of } => {
                    let id = if model.sent.is_empty() { None } else { Some(*of.get(&model.sent)) };
                    prop_assert_eq!(pending.take_reply(id), model.take_reply(matching, id));
                }
                Event::Stray { id } => {
                    let id = id.map(u64::from);
                    prop_assert_eq!(pending.take_reply(id), model.take_reply(matching, id));
                }
                Event::Cancel { of } => {
                    let open = model.open();
                    if !open.is_empty() {
                        let key = *of.get(&open);
                        prop_assert_eq!(pending.cancel(key), model.end(key));
                        prop_assert_eq!(pending.cancel(key), None);
                    }
                }
                Event::Pass { time } => {
                    model.now += u64::from(time) / 8;
                    let expired: Vec<_> = std::iter::from_fn(|| pending.expire(at(model.now))).collect();
                    prop_assert_eq!(expired, model.expire());
                }
                Event::Lose { unsent } => {
                    // The last ones of those that were sent turn out not to have been.
                    let kept = model.sent.len().saturating_sub(usize::from(unsent % 4));
                    let unsent = model.sent.split_off(kept);
                    let failed = pending.fail_sent(|key| unsent.contains(key));
                    for call in &mut model.calls {
                        call.is_owed = false;
                    }
                    for key in &unsent {
                        model.calls[usize::try_from(*key).unwrap()].is_sent = false;
                    }
                    let open = model.open().into_iter().filter(|key| model.calls[usize::try_from(*key).unwrap()].is_sent);
                    let expected: Vec<_> = open.collect::<Vec<_>>().into_iter().filter_map(|key| model.end(key)).collect();
                    prop_assert_eq!(failed, expected);
                    model.sent.clear();
                }
            }
            let deadlines = model.calls.iter().filter(|call| call.is_open).filter_map(|call| call.deadline);
            prop_assert_eq!(pending.poll_timeout(), deadlines.min().map(at));
            let owed = model.calls.iter().filter(|call| match matching {
                Matching::InOrder => call.is_owed,
                Matching::ById => call.is_open && call.is_sent,
            });
            prop_assert_eq!(pending.owed(), owed.count());
        }
        let all: Vec<_> = model.open().into_iter().filter_map(|key| model.end(key)).collect();
        prop_assert_eq!(pending.fail_all(), all);
        prop_assert_eq!((pending.poll_timeout(), pending.calls.len()), (None, 0));
    }
}

/// A generator of chance: `SplitMix64`.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Makes a million calls of a server that takes its time for some; by id it also answers in any order, loses replies and sends
/// others twice. Returns how many replies there were, how many late ones, and how many messages that were none.
fn a_million_calls(matching: Matching) -> (u64, u64, u64) {
    let mut chance = Chance(7);
    let mut pending = Pending::new(matching, 1000);
    // A reply says whose it is; the server's are on their way.
    let mut replies: VecDeque<u64> = VecDeque::new();
    let start = Instant::now();
    let (mut now, mut next) = (start, 0);
    let (mut answered, mut late, mut pushes) = (0, 0, 0);
    while next < 1_000_000 || !replies.is_empty() {
        now += Duration::from_millis(chance.below(3));
        while let Some(ended) = pending.expire(now) {
            assert_eq!((ended.key, ended.is_sent), (ended.waiter, true));
        }
        if next < 1_000_000 && pending.owed() < 100 {
            pending.register(next, next, Some(now + Duration::from_millis(10 + chance.below(100))));
            assert_eq!(pending.send_next(), Some((next, &mut next.clone())));
            match (matching, chance.below(10)) {
                (Matching::ById, 0) => {}
                (Matching::ById, 1) => replies.extend([next, next]),
                (Matching::ById, 2) => replies.push_front(next),
                _ => replies.push_back(next),
            }
            next += 1;
        }
        // Sometimes the server does nothing for a while, and then much at once.
        let count = if chance.below(50) == 0 { 100 } else { chance.below(2) };
        for _ in 0..count {
            let Some(request) = replies.pop_front() else { break };
            match pending.take_reply((matching == Matching::ById).then_some(request)) {
                Taken::Reply(key, waiter) => {
                    assert_eq!((key, waiter), (request, request), "the answer to another request");
                    answered += 1;
                }
                Taken::Late => late += 1,
                Taken::Push => pushes += 1,
            }
        }
    }
    (answered, late, pushes)
}

#[test]
fn of_a_million_calls_in_order_none_gets_the_late_reply_of_another() {
    let (answered, late, pushes) = a_million_calls(Matching::InOrder);
    assert_eq!((answered + late, pushes), (1_000_000, 0));
    assert!(answered > 100_000 && late > 100_000, "{answered} replies, {late} of them late");
}

#[test]
fn of_a_million_calls_by_id_none_gets_a_late_lost_or_doubled_reply_of_another() {
    let (answered, late, pushes) = a_million_calls(Matching::ById);
    assert!(answered > 100_000 && late > 10_000 && pushes > 10_000, "{answered}, {late}, {pushes}");
}

#[test]
fn by_id_the_oldest_calls_that_were_given_up_are_forgotten() {
    let mut pending = Pending::new(Matching::ById, 2);
    for key in 0..3 {
        pending.register(key, (), None);
        assert!(pending.send_next().is_some());
        assert!(pending.cancel(key).is_some_and(|ended| ended.is_sent));
    }
    assert_eq!([0, 1, 2].map(|id| pending.take_reply(Some(id))), [Taken::Push, Taken::Late, Taken::Late]);
}

#[test]
fn a_request_that_has_not_been_sent_is_not_answered() {
    let mut pending = Pending::new(Matching::ById, 2);
    pending.register(0, (), None);
    assert_eq!(pending.take_reply(Some(0)), Taken::Push);
    assert!(pending.send_next().is_some());
    assert_eq!(pending.take_reply(Some(0)), Taken::Reply(0, ()));
}

#[test]
fn calls_that_have_ended_are_forgotten_though_an_earlier_one_has_not() {
    let mut pending = Pending::new(Matching::ById, 2);
    let start = Instant::now();
    for key in 0..10_000 {
        pending.register(key, (), Some(start + Duration::from_secs(key)));
        assert!(pending.send_next().is_some());
        if key > 0 {
            assert_eq!(pending.take_reply(Some(key)), Taken::Reply(key, ()));
        }
    }
    let most = 2 + Pending::<()>::FEW;
    assert!(pending.calls.len() <= most && pending.deadlines.len() <= most);
    assert_eq!((pending.poll_timeout(), pending.owed()), (Some(start), 1));
}

#[test]
fn a_call_that_is_registered_after_a_later_one_is_sent_next() {
    let mut pending = Pending::new(Matching::InOrder, 2);
    for key in [1, 0, 3, 2] {
        pending.register(key, key, None);
        if key != 3 {
            assert_eq!(pending.send_next(), Some((key, &mut key.clone())));
        }
    }
    assert_eq!(pending.send_next(), Some((3, &mut 3)));
    assert_eq!(pending.send_next(), None);
    let replies = [(); 4].map(|()| pending.take_reply(None));
    assert_eq!(replies, [1, 0, 2, 3].map(|key| Taken::Reply(key, key)));
}

#[test]
fn memory_for_many_calls_is_given_back_when_they_have_ended() {
    let mut pending = Pending::new(Matching::InOrder, 2);
    let start = Instant::now();
    for key in 0..10_000 {
        pending.register(key, (), Some(start));
    }
    while pending.expire(start).is_some() {}
    let most = 4 * Pending::<()>::FEW;
    assert!(pending.calls.capacity() <= most && pending.deadlines.capacity() <= most);
}
