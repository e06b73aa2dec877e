//! What the threads of a server and its handles share.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::task::Waker;
use std::time::{Duration, Instant};

use jsonframe::Dialect;
use slab::Slab;

use super::mailbox::Mailbox;
use super::observe::{self, Figures};
use super::pace::Shutdown;
use super::places::{LongestIdle, Network, Places};
use super::{Accepted, Address, CloseReason, Id, Limits, NotAccepted};
use crate::engine::Totals;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Arc<Limits>,
    /// What is received, and what is sent.
    pub(super) dialects: Mutex<[&'static Dialect; 2]>,
    /// What a connection is sent that is refused, if anything is.
    pub(super) refusal: Mutex<Vec<u8>>,
    /// One for each worker.
    mailboxes: RwLock<Slab<Arc<Mailbox>>>,
    /// What may be held by the workers that run.
    totals: OnceLock<Box<[Arc<Totals>]>>,
    /// The shutdown, once there is one.
    shutdown: Mutex<Option<Shutdown>>,
    /// Whether the server has ended.
    over: AtomicBool,
    /// Wakes whoever accepts.
    acceptor: Mutex<Waker>,
    /// Streams that somebody else has accepted, which wait as others do in the system's backlog.
    adopted: Mutex<VecDeque<(TcpStream, Address)>>,
    pub(crate) places: Places,
    /// What is counted here, for it happens seldom.
    counted: Mutex<Stats>,
    pub(crate) figures: Figures,
}

impl Shared {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            places: Places::new(&limits),
            limits: Arc::new(limits),
            dialects: Mutex::new([&Dialect::STANDARD; 2]),
            refusal: Mutex::default(),
            mailboxes: RwLock::default(),
            totals: OnceLock::new(),
            shutdown: Mutex::new(None),
            over: AtomicBool::new(false),
            acceptor: Mutex::new(Waker::noop().clone()),
            adopted: Mutex::default(),
            counted: Mutex::default(),
            figures: Figures::new(),
        }
    }

    /// The dialect in which is sent to peers.
    pub(crate) fn sending_dialect(&self) -> &'static Dialect {
        let [_, sent] = *lock(&self.dialects);
        sent
    }

    /// Sets what the workers may hold, once, and so starts the server.
    pub(crate) fn start(&self, totals: Box<[Arc<Totals>]>) {
        let _ = self.totals.set(totals);
    }

    /// Adds the mailbox of a worker, and returns its number.
    pub(crate) fn add_mailbox(&self, mailbox: Arc<Mailbox>) -> usize {
        self.mailboxes.write().unwrap_or_else(PoisonError::into_inner).insert(mailbox)
    }

    /// Removes the mailbox of a worker that has ended.
    pub(crate) fn remove_mailbox(&self, number: usize) {
        let mailbox = self.mailboxes.write().unwrap_or_else(PoisonError::into_inner).try_remove(number);
        // What is in it counts no more.
        drop(mailbox.and_then(|mailbox| mailbox.take()));
    }

    pub(crate) fn mailboxes(&self) -> RwLockReadGuard<'_, Slab<Arc<Mailbox>>> {
        self.mailboxes.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mailbox through which a connection is reached, unless nobody is there any more to look at it.
    pub(crate) fn mailbox(&self, id: Id) -> Option<Arc<Mailbox>> {
        self.mailboxes().get(id.mailbox()).map(Arc::clone)
    }

    /// Whether the server runs.
    pub(crate) fn is_running(&self) -> bool {
        self.totals.get().is_some() && !self.over.load(Ordering::SeqCst)
    }

    /// Sets the waker to call when a connection may be accepted again, and when the server is shut down.
    pub(crate) fn set_acceptor(&self, waker: &Waker) {
        lock(&self.acceptor).clone_from(waker);
    }

    /// Has a stream that somebody else has accepted wait to be served.
    pub(super) fn adopt(&self, stream: Accepted) -> Result<(), NotAccepted> {
        let (stream, address) = stream.prepare().map_err(NotAccepted::Io)?;
        let mut adopted = lock(&self.adopted);
        // Those that wait are served when a shutdown begins, and nobody looks for more.
        if self.over.load(Ordering::SeqCst) || self.shutdown().is_some() {
            return Err(NotAccepted::Closed);
        }
        if adopted.len() >= self.limits.backlog.try_into().unwrap_or(usize::MAX) {
            return Err(NotAccepted::AtLimit(address));
        }
        adopted.push_back((stream, address));
        drop(adopted);
        self.wake_acceptor();
        Ok(())
    }

    /// The stream that has waited for longest to be served, or `WouldBlock` if none does.
    pub(super) fn next_adopted(&self) -> io::Result<(TcpStream, Address)> {
        lock(&self.adopted).pop_front().ok_or_else(|| ErrorKind::WouldBlock.into())
    }

    /// Takes a place for a connection, and returns the number of the worker that serves it.
    pub(crate) fn take_place(&self) -> usize {
        // Each worker keeps as many as it has.
        let worker = self.places.take().unwrap_or_else(|| self.next_worker());
        lock(&self.counted).accepted += 1;
        self.update_figures();
        worker
    }

    /// The number of the worker whose turn it is, each having had as many connections as the others.
    fn next_worker(&self) -> usize {
        let workers = self.mailboxes().len().max(1) as u64;
        usize::try_from(lock(&self.counted).accepted % workers).unwrap_or(0)
    }

    fn wake_acceptor(&self) {
        let waker = lock(&self.acceptor).clone();
        waker.wake();
    }

    fn notify_workers(&self) {
        self.mailboxes().iter().for_each(|(_, mailbox)| mailbox.notify());
    }

    /// Ends the server within this time, or sooner if that has been asked for.
    pub(crate) fn shut_down(&self, within: Duration) {
        let now = Instant::now();
        let until = now.checked_add(within).unwrap_or(now + Duration::from_secs(u32::MAX.into()));
        let mut shutdown = lock(&self.shutdown);
        let earlier = shutdown.get_or_insert(Shutdown { since: now, until, is_accepting_over: false });
        earlier.until = earlier.until.min(until);
        drop(shutdown);
        self.wake_acceptor();
        self.notify_workers();
    }

    /// The shutdown, if there is one.
    pub(crate) fn shutdown(&self) -> Option<Shutdown> {
        *lock(&self.shutdown)
    }

    /// No connection will be accepted any more, for the server is being shut down.
    pub(super) fn end_accepting(&self) {
        if let Some(shutdown) = &mut *lock(&self.shutdown) {
            shutdown.is_accepting_over = true;
        }
        self.notify_workers();
    }

    /// Calls the handler. If it panics, that is counted, and the result is `None`.
    ///
    /// The handler is used again after a panic, as its documentation says; what is the server's own is left as it is
    /// between two steps, and the connection ends.
    pub(crate) fn guard<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        let outcome = catch_unwind(AssertUnwindSafe(call));
        if outcome.is_err() {
            lock(&self.counted).panics += 1;
            observe::panicked();
        }
        outcome.ok()
    }

    /// Counts a connection as refused.
    pub(super) fn count_refused(&self) {
        lock(&self.counted).refused += 1;
    }

    /// Counts a connection that was not accepted, unless it was refused, and tells the handler of it.
    pub(crate) fn not_accepted(&self, why: &NotAccepted, tell: impl FnOnce(&NotAccepted)) {
        let mut counted = lock(&self.counted);
        match why {
            // That it was refused was counted before its peer could see it.
            NotAccepted::AtLimit(_) | NotAccepted::AddressLimit(_) | NotAccepted::Closed => {}
            NotAccepted::Io(_) => counted.accept_errors += 1,
            NotAccepted::Handshake { why, .. } => {
                counted.failed_handshakes += u64::from(!matches!(why, CloseReason::Ended));
            }
        }
        drop(counted);
        self.figures.not_accepted(why);
        self.guard(|| tell(why));
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        // Not while they are locked: to close what is in them may take a while.
        let adopted = mem::take(&mut *lock(&self.adopted));
        let mailboxes = mem::take(&mut *self.mailboxes.write().unwrap_or_else(PoisonError::into_inner));
        drop((adopted, mailboxes));
    }

    /// Counts a connection as ended, which counted for this network.
    pub(crate) fn count_down(&self, network: Option<Network>) {
        if self.places.give_back(network) {
            self.wake_acceptor();
        }
        self.update_figures();
    }

    /// Has a worker end a connection that is idle, for one to have its place that has waited for so long: each worker in
    /// turn, or any one if that takes it too long.
    pub(super) fn ask_for_place(&self, waited: Duration) {
        let next = self.next_worker();
        if self.places.ask(next) {
            self.mailboxes().get(next).into_iter().for_each(|mailbox| mailbox.notify());
        } else if waited >= LongestIdle::TICK && self.places.ask_all_after(next) {
            self.notify_workers();
        }
    }

    /// This worker had no connection that could be ended, so that any other one may.
    pub(super) fn withdraw(&self, worker: usize) {
        if self.places.withdraw(worker) {
            self.notify_workers();
        }
    }

    /// Has what has happened seen from outside. Called where figures may have changed, but not for each message.
    pub(crate) fn update_figures(&self) {
        self.figures.update(|| self.stats());
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats { connections: self.places.open(), ..*lock(&self.counted) };
        for totals in self.totals.get().into_iter().flatten() {
            let [messages_received, bytes_received, messages_sent, bytes_sent] = totals.traffic.all();
            stats.messages_received += messages_received;
            stats.messages_sent += messages_sent;
            stats.bytes_received += bytes_received;
            stats.bytes_sent += bytes_sent;
            stats.queued += totals.all_queued();
            stats.collected += totals.collected.total();
        }
        stats
    }
}

/// Figures of a server: [`Handle::stats`](super::Handle::stats).
///
/// All are exact, but what happens on a connection is counted at the end of its turn, so a peer may have an answer before it
/// is counted here. By the time [`Handler::disconnected`](super::Handler::disconnected) is called, all of a connection is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many connections are open.
    pub connections: usize,
    /// How many connections have been accepted and served.
    pub accepted: u64,
    /// How many connections have been refused: [`AtLimit::Refuse`](super::AtLimit::Refuse) and
    /// [`Limits::max_per_address`](super::Limits::max_per_address).
    pub refused: u64,
    /// How often no connection could be accepted, for want of file descriptors or other reasons.
    pub accept_errors: u64,
    /// How many connections have failed in what precedes the messages: [`NotAccepted::Handshake`](super::NotAccepted::Handshake),
    /// but for those whose peers left before they sent anything.
    pub failed_handshakes: u64,
    /// How often the handler has panicked.
    pub panics: u64,
    /// How many whole messages have been received: those whose end the handler has been given, or that it panicked over.
    pub messages_received: u64,
    /// How many messages have been queued for peers, by the handler and by other threads.
    /// [`bytes_sent`](Self::bytes_sent) says how much of them has been written; whether it has arrived is not known.
    pub messages_sent: u64,
    /// How many bytes of messages have been received, also of those that are not whole, or were discarded when their connection
    /// was being closed. PROXY headers do not count, and over TLS the bytes are counted after decryption.
    pub bytes_received: u64,
    /// How many bytes of messages have been written; over TLS, they are counted before encryption. Messages to connections that
    /// are [refused](super::Server::with_refusal) do not count.
    pub bytes_sent: u64,
    /// How many bytes of memory are held by what is queued for all peers together. Content that several peers share
    /// counts once for each worker.
    pub queued: usize,
    /// How many bytes of memory are held by content of messages that are not whole yet.
    pub collected: usize,
}

/// Locks a mutex. A panic while it was locked has left what is inside as it is between two steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
