//! What the threads of a server and its handles share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonframe::Dialect;

use super::mailbox::Mailbox;
use super::{Limits, Stats};
use crate::engine::Totals;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Arc<Limits>,
    /// What is received, and what is sent.
    dialects: RwLock<[&'static Dialect; 2]>,
    mailboxes: OnceLock<Box<[Mailbox]>>,
    /// When a shutdown is to be over, once there is one.
    shutdown: Mutex<Option<Instant>>,
    /// Whether no connection will be accepted any more.
    accepting_over: AtomicBool,
    /// Whether the server has ended.
    over: AtomicBool,
    /// Whether the worker that accepts waits for a connection to end.
    at_limit: AtomicBool,
    pub(super) open: AtomicUsize,
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) accept_errors: AtomicU64,
    pub(super) panics: AtomicU64,
}

impl Shared {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits: Arc::new(limits),
            dialects: RwLock::new([&Dialect::STANDARD; 2]),
            mailboxes: OnceLock::new(),
            shutdown: Mutex::new(None),
            accepting_over: AtomicBool::new(false),
            over: AtomicBool::new(false),
            at_limit: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        }
    }

    /// Takes the dialects in which connections receive and send from now on.
    pub(super) fn set_dialects(&self, received: &'static Dialect, sent: &'static Dialect) {
        *self.dialects.write().unwrap_or_else(PoisonError::into_inner) = [received, sent];
    }

    fn dialects(&self) -> [&'static Dialect; 2] {
        *self.dialects.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The dialect in which peers send.
    pub(super) fn dialect(&self) -> &'static Dialect {
        let [received, _] = self.dialects();
        received
    }

    /// The dialect in which is sent to peers.
    pub(super) fn sending_dialect(&self) -> &'static Dialect {
        let [_, sent] = self.dialects();
        sent
    }

    /// Takes the mailboxes of all workers, once.
    pub(super) fn start(&self, mailboxes: Box<[Mailbox]>) {
        let _ = self.mailboxes.set(mailboxes);
    }

    /// One for each worker, once they run.
    pub(super) fn mailboxes(&self) -> &[Mailbox] {
        self.mailboxes.get().map_or(&[], |mailboxes| mailboxes)
    }

    /// A worker's mailbox, unless nobody is there any more to look at it.
    pub(super) fn mailbox(&self, worker: usize) -> Option<&Mailbox> {
        self.mailboxes().get(worker).filter(|_| !self.is_over())
    }

    /// What may be held by a worker that runs.
    pub(super) fn totals(&self, worker: usize) -> Option<&Totals> {
        self.mailboxes().get(worker).map(|mailbox| &*mailbox.totals)
    }

    fn wake_all(&self) {
        self.mailboxes().iter().for_each(Mailbox::wake);
    }

    /// Ends the server within this time, or sooner if that has been asked for.
    pub(super) fn shut_down(&self, within: Duration) {
        let now = Instant::now();
        let until = now.checked_add(within).unwrap_or(now + Duration::from_secs(u32::MAX.into()));
        let mut shutdown = self.shutdown.lock().unwrap_or_else(PoisonError::into_inner);
        *shutdown = Some(shutdown.map_or(until, |earlier| earlier.min(until)));
        drop(shutdown);
        self.wake_all();
    }

    /// When the shutdown is to be over, if there is one.
    pub(super) fn shutdown(&self) -> Option<Instant> {
        *self.shutdown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn end_accepting(&self) {
        self.accepting_over.store(true, Ordering::SeqCst);
        self.wake_all();
    }

    pub(super) fn is_accepting_over(&self) -> bool {
        self.accepting_over.load(Ordering::SeqCst)
    }

    /// Calls the handler. If it panics, that is counted, and the result is `None`.
    ///
    /// The handler is used again after a panic, as its documentation says; what is the server's own is left as it is
    /// between two steps, and the connection ends.
    pub(super) fn guard<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        let outcome = catch_unwind(AssertUnwindSafe(call));
        if outcome.is_err() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        outcome.ok()
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.mailboxes().iter().for_each(Mailbox::end);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Counts a connection as ended.
    pub(super) fn count_down(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
        if self.at_limit.swap(false, Ordering::SeqCst) {
            if let Some(mailbox) = self.mailboxes().first() {
                mailbox.wake();
            }
        }
    }

    /// Whether there are as many connections as there may be; then the first worker is woken when one of them ends.
    pub(super) fn is_at_limit(&self) -> bool {
        let is_at_limit = || self.open.load(Ordering::SeqCst) >= self.limits.max_connections;
        if !is_at_limit() {
            return false;
        }
        self.at_limit.store(true, Ordering::SeqCst);
        // One may have ended between the two.
        is_at_limit()
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            connections: self.open.load(Ordering::SeqCst),
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            accept_errors: self.accept_errors.load(Ordering::Relaxed),
            panics: self.panics.load(Ordering::Relaxed),
            queued: self.mailboxes().iter().map(|mailbox| mailbox.totals.all_queued()).sum(),
            collected: self.mailboxes().iter().map(|mailbox| mailbox.totals.collected.total()).sum(),
        }
    }
}
