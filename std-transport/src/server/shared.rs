//! What the threads of a server and its handles share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jsonframe::{Dialect, EncodeError, Header};
use mio::Waker;
use mio::net::TcpStream;

use super::{Id, Limits, Stats};
use crate::Content;
use crate::outbox::{Outbox, check_length};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    /// One for each worker, once they run.
    dialect: OnceLock<&'static Dialect>,
    mailboxes: OnceLock<Box<[Mailbox]>>,
    /// When a shutdown is to be over, once there is one.
    shutdown: Mutex<Option<Instant>>,
    /// Whether no connection will be accepted any more.
    accepting_over: AtomicBool,
    /// Whether the server has ended.
    over: AtomicBool,
    /// Whether the worker that accepts waits for a connection to end.
    at_limit: AtomicBool,
    pub(super) queued: AtomicUsize,
    pub(super) collected: AtomicUsize,
    pub(super) open: AtomicUsize,
    serial: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) accept_errors: AtomicU64,
}

/// What a worker is asked to do by other threads.
#[derive(Debug)]
struct Mailbox {
    commands: Mutex<Vec<Command>>,
    waker: Waker,
}

#[derive(Debug)]
pub(super) enum Command {
    /// To serve a connection that another worker has accepted.
    Adopt {
        stream: TcpStream,
        address: SocketAddr,
        serial: u64,
    },
    Send {
        id: Id,
        frame: Frame,
    },
    Broadcast(Frame),
    Close(Id),
    /// A reply is not owed any more.
    Settle(Id),
}

/// An encoded message.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    head: Content,
    content: Content,
}

impl Frame {
    pub(super) fn new(header: &Header<'_>, content: Content, dialect: &Dialect) -> Result<Self, EncodeError> {
        let bytes = content.as_ref();
        check_length(header, bytes)?;
        // What is longer cannot be encoded.
        let longest = usize::from(dialect.proto_header().len()) + usize::from(u16::MAX);
        let mut head = vec![0; dialect.encoded_len(header).min(longest)];
        dialect.encode(header, &mut head)?;
        if bytes.len() <= Outbox::SMALL {
            head.extend_from_slice(bytes);
            return Ok(Self { head: head.into(), content: "".into() });
        }
        Ok(Self { head: head.into(), content })
    }

    /// The same, cheap to clone.
    pub(super) fn share(self) -> Self {
        Self { head: self.head.share(), content: self.content.share() }
    }

    pub(super) fn len(&self) -> usize {
        self.head.as_ref().len() + self.content.as_ref().len()
    }

    pub(super) fn queue(self, outbox: &mut Outbox) {
        outbox.push(self.head);
        outbox.push(self.content);
    }
}

impl Shared {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            dialect: OnceLock::new(),
            mailboxes: OnceLock::new(),
            shutdown: Mutex::new(None),
            accepting_over: AtomicBool::new(false),
            over: AtomicBool::new(false),
            at_limit: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            collected: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            serial: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
        }
    }

    /// Takes the dialect that all connections speak, once.
    pub(super) fn set_dialect(&self, dialect: &'static Dialect) {
        let _ = self.dialect.set(dialect);
    }

    pub(super) fn dialect(&self) -> &'static Dialect {
        self.dialect.get().copied().unwrap_or(&Dialect::STANDARD)
    }

    /// Takes the wakers of all workers, once.
    pub(super) fn start(&self, wakers: impl IntoIterator<Item = Waker>) {
        let mailboxes = wakers.into_iter().map(|waker| Mailbox { commands: Mutex::default(), waker });
        let _ = self.mailboxes.set(mailboxes.collect());
    }

    fn mailboxes(&self) -> &[Mailbox] {
        self.mailboxes.get().map_or(&[], |mailboxes| mailboxes)
    }

    /// Asks a worker to do something, unless nobody is there any more to do it.
    pub(super) fn ask(&self, worker: usize, command: Command) {
        if let Some(mailbox) = self.mailboxes().get(worker).filter(|_| !self.is_over()) {
            let mut commands = mailbox.commands.lock().unwrap_or_else(PoisonError::into_inner);
            let first = commands.is_empty();
            commands.push(command);
            drop(commands);
            // Whoever put the first one there has woken the worker, or is about to.
            if first {
                let _ = mailbox.waker.wake();
            }
        }
    }

    /// Asks all workers.
    pub(super) fn ask_all(&self, command: impl Fn() -> Command) {
        for worker in 0..self.workers() {
            self.ask(worker, command());
        }
    }

    pub(super) fn workers(&self) -> usize {
        self.mailboxes().len()
    }

    /// What a worker has been asked to do.
    pub(super) fn commands(&self, worker: usize) -> Vec<Command> {
        self.mailboxes().get(worker).map_or_else(Vec::new, |mailbox| {
            std::mem::take(&mut *mailbox.commands.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    pub(super) fn has_no_commands(&self, worker: usize) -> bool {
        self.mailboxes()
            .get(worker)
            .is_none_or(|mailbox| mailbox.commands.lock().unwrap_or_else(PoisonError::into_inner).is_empty())
    }

    fn wake_all(&self) {
        for mailbox in self.mailboxes() {
            let _ = mailbox.waker.wake();
        }
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

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Counts a connection as ended.
    pub(super) fn count_down(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
        if self.at_limit.swap(false, Ordering::SeqCst)
            && let Some(mailbox) = self.mailboxes().first()
        {
            let _ = mailbox.waker.wake();
        }
    }

    /// Whether there are as many connections as there may be; then the first worker is woken when one of them ends.
    pub(super) fn is_at_limit(&self) -> bool {
        let is_at_limit = || self.open.load(Ordering::SeqCst) >= self.limits.connections;
        if !is_at_limit() {
            return false;
        }
        self.at_limit.store(true, Ordering::SeqCst);
        // One may have ended between the two.
        is_at_limit()
    }

    /// The number of the next connection, counted from 1.
    pub(super) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts a message as queued no more: it is counted where it goes.
    pub(super) fn uncount(&self, frame: &Frame) {
        self.queued.fetch_sub(frame.len(), Ordering::Relaxed);
    }

    /// Whether more is queued in all than may be.
    pub(super) fn is_queue_full(&self, more: usize) -> bool {
        self.queued.load(Ordering::Relaxed).saturating_add(more) > self.limits.queued_total
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            connections: self.open.load(Ordering::SeqCst),
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            accept_errors: self.accept_errors.load(Ordering::Relaxed),
            queued: self.queued.load(Ordering::Relaxed),
            collected: self.collected.load(Ordering::Relaxed),
        }
    }
}
