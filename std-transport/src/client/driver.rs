//! The thread of a client: it connects, and moves requests and replies.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use jsonframe::OwnedMessage;
use mio::event::Source;
use mio::{Events, Interest, Poll, Token};

use super::link::{Link, Received, silent};
use super::retries::Retries;
use super::shared::Shared;
use super::transport::{IntoStream, Transport};
use crate::Error;
use crate::stream::{Raw, Stream};

const WAKER: Token = Token(0);
const STREAM: Token = Token(1);

/// What a message goes to that is no reply.
pub(super) type OnPush = Box<dyn FnMut(OwnedMessage) + Send>;

/// What the thread needs, but for the connection.
pub(super) struct Driver {
    shared: Arc<Shared>,
    poll: Poll,
    events: Events,
    on_push: Option<OnPush>,
}

/// What the stream can do, as far as is known.
#[derive(Default)]
struct Readiness {
    readable: bool,
    writable: bool,
}

impl Driver {
    /// With the waker that wakes it.
    pub(super) fn new(shared: impl FnOnce(Waker) -> Arc<Shared>, on_push: Option<OnPush>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::from(Arc::new(Wakes(mio::Waker::new(poll.registry(), WAKER)?)));
        Ok(Self { shared: shared(waker), poll, events: Events::with_capacity(8), on_push })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Runs until there is no client any more. `first` is a connection that is there already.
    pub(super) fn run<S: Transport>(mut self, mut first: Option<S>, mut connect: impl FnMut() -> io::Result<S>) {
        let shared = self.shared();
        let _ended = Ended(&shared);
        let mut retries = Retries::new(&shared, self.on_push.is_some());
        while !shared.is_closing() {
            if first.is_none() && !retries.is_wanted() {
                if self.wait(None, &mut Readiness::default()).is_err() {
                    return;
                }
                continue;
            }
            if !shared.connecting() {
                return;
            }
            let stream = first.take().map_or_else(&mut connect, Ok).and_then(IntoStream::into_stream);
            let mut link = retries.attempted(stream.is_ok());
            let why = match stream {
                Ok(mut stream) => match self.serve(&mut link, &mut stream) {
                    Ok(()) => return,
                    Err(error) => error,
                },
                Err(error) => error.into(),
            };
            if self.pause(retries.failed(link, why)).is_err() {
                return;
            }
        }
    }

    /// Moves requests and replies until the client is closed, or the connection is lost.
    fn serve<R: Raw + Source>(&mut self, link: &mut Link, stream: &mut Stream<R>) -> Result<(), Error> {
        let shared = self.shared();
        self.poll.registry().register(stream.get_mut(), STREAM, Interest::READABLE | Interest::WRITABLE)?;
        self.open(stream)?;
        let mut ready = Readiness { readable: true, writable: true };
        while !shared.is_closing() {
            if ready.readable {
                match link.receive(stream, &shared)? {
                    Received::Push(message) => match &mut self.on_push {
                        Some(on_push) => on_push(message),
                        None => shared.dropped_push(),
                    },
                    Received::Enough => {}
                    Received::Blocked => ready.readable = false,
                }
            }
            if ready.writable {
                ready.writable = !(link.send(stream, &shared)? || is_blocked(stream)?);
            }
            // A peer that sends without end must not keep requests from being written.
            let at_once = ready.readable.then(|| (shared.now)());
            if !(ready.readable && ready.writable) && self.wait(at_once, &mut ready)? {
                return Err(silent().into());
            }
        }
        // Whoever reads to the end is told that it was all.
        let _ = stream.shut_down_sending();
        Ok(())
    }

    /// Waits until messages may flow, or the client is closed.
    fn open<R: Raw>(&mut self, stream: &mut Stream<R>) -> io::Result<()> {
        let until = (self.shared.now)().checked_add(self.shared.options.max_silence);
        while !self.shared.is_closing() {
            match stream.open() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.wait(until, &mut Readiness::default())?;
            if until.is_some_and(|until| until <= (self.shared.now)()) {
                return Err(silent());
            }
        }
        Ok(())
    }

    /// Waits for `delay`, unless the client is closed.
    fn pause(&mut self, delay: Duration) -> io::Result<()> {
        let until = (self.shared.now)().checked_add(delay);
        while !self.shared.is_closing() && until.is_none_or(|until| (self.shared.now)() < until) {
            self.wait(until, &mut Readiness::default())?;
        }
        Ok(())
    }

    /// Waits until something happens, or this time has come: true if the connection is to be given up.
    fn wait(&mut self, until: Option<Instant>, ready: &mut Readiness) -> io::Result<bool> {
        let due = self.shared.poll_timeout().into_iter().chain(until).min();
        let timeout = due.map(|due| due.saturating_duration_since((self.shared.now)()));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in self.events.iter().filter(|event| event.token() == STREAM) {
            ready.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            ready.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
        }
        Ok(self.shared.handle_timeout((self.shared.now)()))
    }
}

/// Writes what TLS has to say by itself: true if the stream is blocked.
fn is_blocked<R: Raw>(stream: &mut Stream<R>) -> io::Result<bool> {
    if !stream.wants_write() {
        return Ok(false);
    }
    match stream.flush() {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        outcome => outcome.map(|()| false),
    }
}

/// Says that the thread has ended, even if it has panicked.
struct Ended<'s>(&'s Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// Wakes the poller.
struct Wakes(mio::Waker);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        let _ = self.0.wake();
    }
}
