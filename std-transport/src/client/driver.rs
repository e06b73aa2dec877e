//! The thread of a client: it connects, and moves requests and replies.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

use jsonframe::OwnedMessage;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::Options;
use super::call::waker;
use super::link::{Link, silent};
use super::shared::Shared;
use super::transport::{IntoStream, Transport};
use crate::Error;
use crate::stream::Stream;

const WAKER: Token = Token(0);
const STREAM: Token = Token(1);

/// What a message goes to that is no reply.
pub(super) type OnPush = Box<dyn FnMut(OwnedMessage) + Send>;

/// What the thread needs, but for the connection.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    on_push: Option<OnPush>,
    poll: Poll,
    events: Events,
    /// Whether there may be something to read.
    is_readable: bool,
}

impl Driver {
    pub(super) fn new(options: Options, on_push: Option<OnPush>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let events = Events::with_capacity(8);
        let wakes = mio::Waker::new(poll.registry(), WAKER)?;
        let waker = waker(move || drop(wakes.wake()));
        let shared = Arc::new(Shared::new(options, Instant::now, waker, on_push.is_some()));
        Ok(Self { shared, on_push, poll, events, is_readable: false })
    }

    /// Runs until there is no client any more, or the poller fails. `first` is a connection that is there already.
    pub(super) fn run<S: Transport>(
        mut self,
        mut first: Option<S>,
        mut connect: impl FnMut() -> io::Result<S>,
    ) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        while !shared.is_closing() {
            if first.is_none() && shared.poll_connect().is_pending() {
                self.wait()?;
                continue;
            }
            let stream = first.take().map_or_else(&mut connect, Ok).and_then(IntoStream::into_stream);
            let mut link = shared.attempted(stream.is_ok());
            if let Err(why) = stream.map_err(Error::from).and_then(|stream| self.serve(&mut link, stream)) {
                shared.failed(link, why);
            }
        }
        Ok(())
    }

    /// Moves requests and replies until the client is closed, or the connection is lost.
    fn serve(&mut self, link: &mut Link, mut stream: Stream<TcpStream>) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        self.poll.registry().register(stream.get_mut(), STREAM, Interest::READABLE | Interest::WRITABLE)?;
        self.open(&mut stream)?;
        shared.heard();
        self.is_readable = true;
        while !shared.is_closing() {
            if self.is_readable {
                self.is_readable = link.receive(&mut stream, &shared, |message| {
                    match &mut self.on_push {
                        Some(on_push) => on_push(message),
                        None => shared.dropped_push(),
                    }
                    // It may have taken its time, in which requests have come.
                    false
                })?;
            }
            // TLS may have something to say by itself.
            link.unflushed |= stream.wants_write();
            // A peer that sends without end does not keep requests from being written.
            link.send(&mut stream, &shared)?;
            if !self.is_readable {
                self.wait()?;
            }
        }
        // Whoever reads to the end is told that it was all.
        let _ = stream.shut_down_sending();
        Ok(())
    }

    /// Waits until messages may flow, or the client is closed. A peer that takes too long counts as silent.
    fn open(&mut self, stream: &mut Stream<TcpStream>) -> io::Result<()> {
        self.shared.expect_peer();
        while !self.shared.is_closing() {
            match stream.open() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait()?,
                outcome => return outcome,
            }
        }
        Ok(())
    }

    /// Waits until something happens. It is an error if the peer has been silent for too long.
    fn wait(&mut self) -> io::Result<()> {
        let due = self.shared.poll_timeout();
        let timeout = due.map(|due| due.saturating_duration_since((self.shared.now)()));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in self.events.iter().filter(|event| event.token() == STREAM) {
            self.is_readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        }
        if self.shared.handle_timeout((self.shared.now)()) { Err(silent()) } else { Ok(()) }
    }
}

/// Says that the thread has ended, even if it has panicked.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.ended();
    }
}
