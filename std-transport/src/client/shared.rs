//! What the callers of a client and its driver share.

use std::collections::{HashMap, VecDeque};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use jsonframe::{Header, Message, OwnedMessage};

use super::pending::{Ended, Matching, Pending, Taken};
use super::{CallError, Options, Stats, WhenFull};
use crate::Error;
use crate::engine::{Members, REQUEST_ID, reply_to};

/// What has become of a call.
pub(crate) type Outcome = Result<OwnedMessage, CallError>;

/// An encoded request.
pub(crate) type Frame = Vec<u8>;

/// Calls, and what drives them. The driver and the callers have no other way to reach each other.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// What time it is.
    pub(crate) now: fn() -> Instant,
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
    /// Who is to be woken when the lock is free again: a waker may drop what uses it.
    to_wake: Wakes,
    phase: Phase,
    /// Whether the driver is in a call of the user's that connects, which takes its time.
    is_connecting: bool,
    stats: Stats,
}

/// Whoever waits for a reply.
#[derive(Debug)]
struct Caller {
    waker: Waker,
    /// Empty if it is being sent, or has been.
    request: Frame,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    pub(crate) fn new(options: Options, now: fn() -> Instant, driver: Waker) -> Self {
        let state = State {
            pending: Pending::new(options.matching, options.max_pending),
            done: HashMap::new(),
            queued: 0,
            spare: Vec::new(),
            silent_since: None,
            driver,
            to_wake: Wakes::default(),
            phase: Phase::Open,
            is_connecting: false,
            stats: Stats::default(),
        };
        Self { options, now, next_key: AtomicU64::new(0), state: Mutex::new(state) }
    }

    fn lock(&self) -> Locked<'_> {
        Locked { state: self.state.lock().unwrap_or_else(PoisonError::into_inner), wakes: Wakes::default() }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.lock().stats
    }
}

/// The state while it is locked. Its wakes are made when it is not any more, which is why they come last.
struct Locked<'s> {
    state: MutexGuard<'s, State>,
    wakes: Wakes,
}

/// Whoever is woken when this is dropped: mostly one.
#[derive(Debug, Default)]
struct Wakes {
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakes {
    fn push(&mut self, waker: Waker) {
        match self.first {
            None => self.first = Some(waker),
            Some(_) => self.others.push(waker),
        }
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        std::mem::swap(&mut self.wakes, &mut self.state.to_wake);
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        if let Some(first) = self.first.take() {
            first.wake();
            self.others.drain(..).for_each(Waker::wake);
        }
    }
}

/// For callers.
impl Shared {
    /// Encodes a request, and gives it a key, which is its id where requests have one.
    pub(crate) fn encode(&self, header: &Header<'_>, content: &[u8]) -> Result<(u64, Frame), CallError> {
        Message::new(*header, content)?;
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let mut frame = self.lock().spare.pop().unwrap_or_default();
        frame.reserve(256 + content.len());
        if self.options.matching == Matching::ById {
            // The client's id takes the place of one that a header may have come with.
            let others = header.extensions().filter(|(name, _)| *name != REQUEST_ID);
            let members = Members::new(others, (REQUEST_ID, key.into()));
            self.options.dialect.append_to(&header.with_extensions(&members), &mut frame)?;
        } else {
            self.options.dialect.append_to(header, &mut frame)?;
        }
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
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return Err(CallError::Closed { is_sent: false });
        }
        if self.options.when_full == WhenFull::Fail && state.is_full(&self.options, request.len()) {
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
    }

    /// Looks for what has become of a call. Unless it has ended, it wakes the caller when there is something to look for.
    pub(crate) fn poll(&self, key: u64, waker: &Waker) -> Option<Outcome> {
        let mut state = self.lock();
        let outcome = state.done.remove(&key);
        if let Some(caller) = state.pending.waiter_mut(key) {
            caller.waker.clone_from(waker);
        }
        outcome
    }

    /// Ends a call that nobody waits for any more.
    pub(crate) fn cancel(&self, key: u64) {
        let now = (self.now)();
        let mut state = self.lock();
        if state.done.remove(&key).is_none() {
            if let Some(ended) = state.pending.cancel(key) {
                state.given_up(&ended, now);
            }
        }
    }

    /// There is no client any more: true if the driver ends without delay.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        state.wake_driver();
        !state.is_connecting
    }
}

/// For the driver.
impl Shared {
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().phase != Phase::Open
    }

    /// Has the driver woken by this.
    #[cfg(feature = "tokio")]
    pub(crate) fn set_driver(&self, waker: &Waker) {
        self.lock().driver.clone_from(waker);
    }

    /// Whether a request waits to be sent.
    pub(crate) fn has_requests(&self) -> bool {
        self.lock().pending.unsent() > 0
    }

    /// The driver is about to connect: false if it is to end.
    pub(crate) fn connecting(&self) -> bool {
        let mut state = self.lock();
        state.is_connecting = true;
        state.phase == Phase::Open
    }

    /// The driver has connected, or has failed to.
    pub(crate) fn connected(&self, is_connected: bool) {
        let mut state = self.lock();
        state.is_connecting = false;
        state.stats.connections += u64::from(is_connected);
    }

    /// Takes the next requests to be written, within the limits of what may be pending and of what is written at a time. They
    /// count as sent. The memory of those that have been written is kept for others.
    pub(crate) fn take_requests(&self, written: &mut Vec<Frame>, batch: &mut VecDeque<(u64, Frame)>) {
        let mut state = self.lock();
        for mut frame in written.drain(..) {
            state.queued = state.queued.saturating_sub(frame.len());
            if frame.capacity() <= Self::SPARE.0 && state.spare.len() < Self::SPARE.1 {
                frame.clear();
                state.spare.push(frame);
            }
        }
        let (most_bytes, most) = Self::BATCH;
        let mut bytes = 0;
        let most = most.min(self.options.max_pending.max(1).saturating_sub(state.pending.owed()));
        while bytes < most_bytes && batch.len() < most {
            let Some((key, caller)) = state.pending.send_next() else { break };
            bytes += caller.request.len();
            batch.push_back((key, std::mem::take(&mut caller.request)));
        }
    }

    /// Something has been received.
    pub(crate) fn heard(&self) {
        self.lock().silent_since = None;
    }

    /// A message has been received, which is returned if it is no reply.
    pub(crate) fn received(&self, message: OwnedMessage) -> Option<OwnedMessage> {
        let mut state = self.lock();
        match state.pending.take_reply(reply_to(&message.header())) {
            Taken::Reply(key, caller) => {
                state.done.insert(key, Ok(message));
                state.to_wake.push(caller.waker);
                None
            }
            Taken::Late => {
                state.stats.late_replies += 1;
                None
            }
            Taken::Push => Some(message),
        }
    }

    /// A message that is no reply had nobody to go to.
    pub(crate) fn dropped_push(&self) {
        self.lock().stats.dropped_pushes += 1;
    }

    /// The connection is lost. The requests of the batch have not been sent; what has is lost with it.
    pub(crate) fn lost(&self, unsent: VecDeque<(u64, Frame)>, why: &Arc<Error>) {
        let mut state = self.lock();
        for (key, request) in unsent {
            if let Some(caller) = state.pending.waiter_mut(key) {
                caller.request = request;
            }
        }
        let failed = state.pending.fail_sent(|caller| !caller.request.is_empty());
        state.queued = state.pending.waiters().map(|caller| caller.request.len()).sum();
        state.silent_since = None;
        state.fail(failed, why);
    }

    /// There is no connection to be had.
    pub(crate) fn unreachable(&self, why: &Arc<Error>) {
        let mut state = self.lock();
        let failed = state.pending.fail_all();
        state.queued = 0;
        state.fail(failed, why);
    }

    /// When there is something to do for reason of time.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let state = self.lock();
        let silent = state.silent_since.and_then(|since| since.checked_add(self.options.max_silence));
        silent.into_iter().chain(state.pending.poll_timeout()).min()
    }

    /// Ends the calls whose time is over: true if the connection is to be given up.
    pub(crate) fn handle_timeout(&self, now: Instant) -> bool {
        let mut state = self.lock();
        while let Some(ended) = state.pending.expire(now) {
            state.given_up(&ended, now);
            state.done.insert(ended.key, Err(CallError::TimedOut { is_sent: ended.is_sent }));
            state.to_wake.push(ended.waiter.waker);
        }
        state.silent_since.is_some_and(|since| now.saturating_duration_since(since) >= self.options.max_silence)
    }

    /// The driver has ended, in whatever way.
    pub(crate) fn ended(&self) {
        let mut state = self.lock();
        state.phase = Phase::Ended;
        state.queued = 0;
        for ended in state.pending.fail_all() {
            state.done.insert(ended.key, Err(CallError::Closed { is_sent: ended.is_sent }));
            state.to_wake.push(ended.waiter.waker);
        }
    }
}

impl State {
    /// Whether there is no place for a request of `bytes` bytes.
    fn is_full(&self, options: &Options, bytes: usize) -> bool {
        let is_long = self.queued > 0 && self.queued.saturating_add(bytes) > options.max_queued;
        is_long || self.pending.owed() + self.pending.unsent() >= options.max_pending.max(1)
    }

    fn wake_driver(&mut self) {
        self.to_wake.push(self.driver.clone());
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

    fn fail(&mut self, failed: Vec<Ended<Caller>>, why: &Arc<Error>) {
        for ended in failed {
            let error = CallError::Lost { is_sent: ended.is_sent, why: Arc::clone(why) };
            self.done.insert(ended.key, Err(error));
            self.to_wake.push(ended.waiter.waker);
        }
    }
}
