//! What the callers of a client and its driver share.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use jsonframe::{Header, Message, OwnedMessage};

use super::link::Link;
use super::pending::{Ended, Matching, Pending, Taken};
use super::{CallError, Options, WhenFull};
use crate::engine::{Members, REQUEST_ID, reply_to};
use crate::{Backoff, Error};

/// What has become of a call.
pub(crate) type Outcome = Result<OwnedMessage, CallError>;

/// What a client has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many connections it has made.
    pub connections: u64,
    /// How many replies came after their calls had been given up.
    pub late_replies: u64,
    /// How many messages came that were no replies, and had nobody to go to.
    pub dropped_pushes: u64,
}

/// An encoded request.
pub(crate) type Frame = Vec<u8>;

/// Calls, and what drives them. The driver and the callers have no other way to reach each other.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) now: fn() -> Instant,
    takes_pushes: bool,
    next_key: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pending: Pending<Caller>,
    /// What has become of calls, until their callers look.
    done: HashMap<u64, Outcome>,
    /// How many bytes of requests are to be sent, or are being written.
    queued: usize,
    /// Memory for requests.
    spare: Vec<Frame>,
    /// Since when a reply has been due, and nothing has been received.
    silent_since: Option<Instant>,
    /// Wakes the driver.
    driver: Waker,
    /// Who is to be woken when the lock is free again: mostly one.
    to_wake: (Option<Waker>, Vec<Waker>),
    phase: Phase,
    /// Whether the driver is in a call of the user's that connects, which takes its time.
    is_connecting: bool,
    /// Whether to connect though there are no requests.
    is_eager: bool,
    /// What remains of the series of attempts to connect that is under way, and when the next one is made.
    attempts: Option<Backoff>,
    next_attempt: Option<Instant>,
    stats: Stats,
}

/// Whoever waits for a reply.
#[derive(Debug)]
struct Caller {
    waker: Waker,
    /// Empty if it is being sent, or has been.
    request: Frame,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// There is no client any more. The driver is to end.
    Closing,
    /// The driver has ended.
    Ended,
}

impl Shared {
    /// How many bytes of requests are handed to the driver at a time, about, and how many requests.
    pub(super) const BATCH: (usize, usize) = (64 * 1024, 32);

    /// How many bytes of memory are kept for a request, and for how many requests.
    const SPARE: (usize, usize) = (1024, 32);

    pub(crate) fn new(options: Options, now: fn() -> Instant, driver: Waker, takes_pushes: bool) -> Self {
        let state = State {
            pending: Pending::new(options.matching, options.max_pending),
            done: HashMap::new(),
            queued: 0,
            spare: Vec::new(),
            silent_since: None,
            driver,
            to_wake: (None, Vec::new()),
            phase: Phase::Open,
            is_connecting: false,
            is_eager: takes_pushes,
            attempts: None,
            next_attempt: None,
            stats: Stats::default(),
        };
        Self { options, now, takes_pushes, next_key: AtomicU64::new(0), state: Mutex::new(state) }
    }

    /// Locks the state for this. Wakers are called afterwards, for one may drop what locks it too.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = act(&mut state);
        let (last, others) = mem::take(&mut state.to_wake);
        drop(state);
        others.into_iter().chain(last).for_each(Waker::wake);
        outcome
    }

    pub(crate) fn stats(&self) -> Stats {
        self.with(|state| state.stats)
    }
}

/// For callers.
impl Shared {
    /// Encodes a request, and gives it a key, which is its id where requests have one.
    pub(crate) fn encode(&self, header: &Header<'_>, content: &[u8]) -> Result<(u64, Frame), CallError> {
        Message::new(*header, content)?;
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let mut frame = self.with(|state| state.spare.pop()).unwrap_or_default();
        frame.reserve(256 + content.len());
        // The client's id takes the place of one that a header may have come with.
        let others = header.extensions().filter(|(name, _)| *name != REQUEST_ID);
        let members = (self.options.matching == Matching::ById).then(|| Members::new(others, (REQUEST_ID, key.into())));
        let header = members.as_deref().map_or(*header, |members| header.with_extensions(members));
        self.options.dialect.append_to(&header, &mut frame)?;
        frame.extend_from_slice(content);
        Ok((key, frame))
    }

    /// Begins a call: its request is queued.
    pub(crate) fn register(
        &self,
        key: u64,
        request: Frame,
        deadline: Option<Instant>,
        waker: &Waker,
    ) -> Result<(), CallError> {
        self.with(|state| {
            if state.phase != Phase::Open {
                return Err(CallError::Closed { is_sent: false });
            }
            let is_long = state.queued > 0 && state.queued.saturating_add(request.len()) > self.options.max_queued;
            let is_full = is_long || state.pending.owed() + state.pending.unsent() >= self.options.max_pending.max(1);
            if is_full && self.options.when_full == WhenFull::Fail {
                return Err(CallError::Full);
            }
            // A driver that has something to do or to wait for has been woken for that already.
            let due = state.pending.poll_timeout();
            let is_due_first = deadline.is_some_and(|deadline| due.is_none_or(|due| deadline < due));
            if state.pending.unsent() == 0 || is_due_first {
                state.wake_driver();
            }
            state.queued += request.len();
            state.pending.register(key, Caller { waker: waker.clone(), request }, deadline);
            Ok(())
        })
    }

    /// Looks for what has become of a call. Unless it has ended, it wakes the caller when there is something to look for.
    pub(crate) fn poll(&self, key: u64, waker: &Waker) -> Option<Outcome> {
        self.with(|state| {
            if let Some(caller) = state.pending.waiter_mut(key) {
                caller.waker.clone_from(waker);
            }
            state.done.remove(&key)
        })
    }

    /// Ends a call that nobody waits for any more.
    pub(crate) fn cancel(&self, key: u64) {
        let now = (self.now)();
        self.with(|state| {
            state.done.remove(&key);
            if let Some(ended) = state.pending.cancel(key) {
                state.given_up(&ended, now);
            }
        });
    }

    /// There is no client any more: true if the driver ends without delay.
    pub(crate) fn close(&self) -> bool {
        self.with(|state| {
            state.phase = state.phase.max(Phase::Closing);
            state.wake_driver();
            !state.is_connecting
        })
    }

    /// Has the driver look again for what it can do.
    #[cfg(feature = "tokio")]
    pub(crate) fn wake_driver(&self) {
        self.with(State::wake_driver);
    }
}

/// For the driver.
impl Shared {
    pub(crate) fn is_closing(&self) -> bool {
        self.with(|state| state.phase != Phase::Open)
    }

    /// Has the driver woken by this.
    #[cfg(feature = "tokio")]
    pub(crate) fn set_driver(&self, waker: &Waker) {
        self.with(|state| state.driver.clone_from(waker));
    }

    /// Is ready when the driver is to connect, which it then does: when there are requests or pushes are wanted, and after a
    /// failure later and later, until a connection has proven to be of use.
    pub(crate) fn poll_connect(&self) -> Poll<()> {
        self.with(|state| {
            let is_of_use = state.is_eager || state.pending.unsent() > 0;
            state.is_connecting = is_of_use && state.next_attempt.is_none() && state.phase == Phase::Open;
            if state.is_connecting { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    /// Notes the outcome of an attempt to connect, and returns what moves messages over the connection.
    pub(crate) fn attempted(&self, is_connected: bool) -> Link {
        self.with(|state| {
            state.is_connecting = false;
            state.stats.connections += u64::from(is_connected);
        });
        Link::new(&self.options, (self.now)())
    }

    /// Notes that the attempt to connect has failed, or that the connection is lost, and with it what was sent over it.
    ///
    /// After a connection that was of use the next attempt is made at once. Where there are no more attempts, one is made when
    /// somebody calls.
    pub(crate) fn failed(&self, link: Link, why: Error) {
        let (now, why, backoff) = ((self.now)(), Arc::new(why), &self.options.backoff);
        // A message that is no reply proves little: a server may greet, and close.
        let lasted = now.saturating_duration_since(link.connected_at);
        let was_of_use = link.has_replied || link.has_received && lasted >= backoff.longest();
        self.with(|state| {
            for (key, request) in link.into_unsent() {
                if let Some(caller) = state.pending.waiter_mut(key) {
                    caller.request = request;
                }
            }
            let lost = |is_sent| CallError::Lost { is_sent, why: Arc::clone(&why) };
            let failed = state.pending.fail_sent(|caller| !caller.request.is_empty());
            state.queued = state.pending.waiters().map(|caller| caller.request.len()).sum();
            state.silent_since = None;
            state.end(failed, lost);
            if was_of_use {
                (state.attempts, state.is_eager) = (None, self.takes_pushes);
            } else if let Some(delay) = state.attempts.get_or_insert_with(|| backoff.clone()).next() {
                state.next_attempt = now.checked_add(delay).filter(|_| !delay.is_zero());
            } else {
                (state.attempts, state.is_eager) = (None, false);
                state.fail_all(lost);
            }
        });
    }

    /// Takes the next requests to be written, in place of those that have been, within the limits of what may be pending and of
    /// what is written at a time. They count as sent. The memory of the others is kept for more.
    pub(crate) fn take_requests(&self, batch: &mut Vec<(u64, Frame)>) {
        self.with(|state| {
            for (_, mut frame) in batch.drain(..) {
                state.queued = state.queued.saturating_sub(frame.len());
                if frame.capacity() <= Self::SPARE.0 && state.spare.len() < Self::SPARE.1 {
                    frame.clear();
                    state.spare.push(frame);
                }
            }
            let mut bytes = 0;
            let most = Self::BATCH.1.min(self.options.max_pending.max(1).saturating_sub(state.pending.owed()));
            while bytes < Self::BATCH.0 && batch.len() < most {
                let Some((key, caller)) = state.pending.send_next() else { break };
                bytes += caller.request.len();
                batch.push((key, mem::take(&mut caller.request)));
            }
        });
    }

    /// The peer is to say something, from now on.
    pub(crate) fn expect_peer(&self) {
        let now = (self.now)();
        self.with(|state| state.silent_since = Some(now));
    }

    /// Something has been received.
    pub(crate) fn heard(&self) {
        self.with(|state| state.silent_since = None);
    }

    /// A message has been received, which is returned if it is no reply.
    pub(crate) fn received(&self, message: OwnedMessage) -> Option<OwnedMessage> {
        self.with(|state| match state.pending.take_reply(reply_to(&message.header())) {
            Taken::Reply(key, caller) => {
                state.done.insert(key, Ok(message));
                state.wake(caller.waker);
                None
            }
            Taken::Late => {
                state.stats.late_replies += 1;
                None
            }
            Taken::Push => Some(message),
        })
    }

    /// A message that is no reply had nobody to go to.
    pub(crate) fn dropped_push(&self) {
        self.with(|state| state.stats.dropped_pushes += 1);
    }

    /// When there is something to do for reason of time.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.with(|state| {
            let silent = state.silent_since.and_then(|since| since.checked_add(self.options.max_silence));
            [silent, state.next_attempt, state.pending.poll_timeout()].into_iter().flatten().min()
        })
    }

    /// Ends the calls whose time is over: true if the connection is to be given up.
    pub(crate) fn handle_timeout(&self, now: Instant) -> bool {
        self.with(|state| {
            while let Some(ended) = state.pending.expire(now) {
                state.given_up(&ended, now);
                state.end([ended], |is_sent| CallError::TimedOut { is_sent });
            }
            state.next_attempt.take_if(|due| *due <= now);
            state.silent_since.is_some_and(|since| now.saturating_duration_since(since) >= self.options.max_silence)
        })
    }

    /// The driver has ended, in whatever way.
    pub(crate) fn ended(&self) {
        self.with(|state| {
            state.phase = Phase::Ended;
            state.fail_all(|is_sent| CallError::Closed { is_sent });
        });
    }
}

impl State {
    fn wake(&mut self, waker: Waker) {
        let (last, others) = &mut self.to_wake;
        others.extend(last.replace(waker));
    }

    fn wake_driver(&mut self) {
        self.wake(self.driver.clone());
    }

    /// A call has ended whose reply may still come, if it was sent.
    fn given_up(&mut self, ended: &Ended<Caller>, now: Instant) {
        self.queued = self.queued.saturating_sub(ended.waiter.request.len());
        if ended.is_sent {
            self.silent_since.get_or_insert(now);
            // There is a time to wait for, and there may be a place for another request.
            self.wake_driver();
        }
    }

    /// Calls have ended without a reply. Whether they were sent is told to what makes the error.
    fn end(&mut self, ended: impl IntoIterator<Item = Ended<Caller>>, error: impl Fn(bool) -> CallError) {
        for Ended { key, waiter, is_sent } in ended {
            self.done.insert(key, Err(error(is_sent)));
            self.wake(waiter.waker);
        }
    }

    fn fail_all(&mut self, error: impl Fn(bool) -> CallError) {
        self.queued = 0;
        let failed = self.pending.fail_all();
        self.end(failed, error);
    }
}
