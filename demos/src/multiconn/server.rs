//! The server: any number of connections, in one thread.

use std::convert::Infallible;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use jsonframe_cli::console::{Console, Kind};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::echo::{CHUNK, Echo, Turn};
use super::idle::Idle;
use super::listen::listen;

/// Where readiness of the listener is reported. Those of the connections count from 0.
const LISTENER: Token = Token(usize::MAX);

/// How many connections are accepted until those that are there have their turn.
const BUDGET: usize = 64;

/// How long the server waits when it cannot accept a connection: others may end meanwhile and set resources free.
const PAUSE: Duration = Duration::from_millis(100);

/// A server that listens, and sends back to each client what it sends.
pub struct Server {
    poll: Poll,
    listener: TcpListener,
    address: SocketAddr,
    connections: Slab<Echo<TcpStream>>,
    /// Who had to stop in the middle of its work, and is not announced again by the poller.
    unfinished: Vec<Token>,
    /// When to accept again, after that has failed.
    accept_again: Option<Instant>,
    /// Who has been idle, and for how long, if that has an end.
    idle: Option<Idle>,
    chunk: Box<[u8]>,
    console: Console,
}

impl Server {
    /// A server at the first of these addresses that can be listened on. Its lines go to the console.
    ///
    /// # Errors
    ///
    /// Those of [`std::net::TcpListener::bind`], and of setting up a readiness poller.
    pub fn bind(address: impl ToSocketAddrs, console: Console) -> io::Result<Self> {
        let mut listener = listen(address)?;
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            address: listener.local_addr()?,
            listener,
            connections: Slab::new(),
            unfinished: Vec::new(),
            accept_again: None,
            idle: None,
            chunk: vec![0; CHUNK].into(),
            console,
        })
    }

    /// Has it close a connection on which nothing has moved for this long, in either direction.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle = Some(Idle::new(timeout));
        self
    }

    /// The address at which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it fails. Nothing that a peer does ends it.
    ///
    /// # Errors
    ///
    /// When the poller fails.
    pub fn run(&mut self) -> io::Result<Infallible> {
        self.console.say(format_args!("listening on {}", self.address));
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            let unfinished = mem::take(&mut self.unfinished);
            for token in unfinished.into_iter().chain(events.iter().map(mio::event::Event::token)) {
                self.proceed(token);
            }
            if self.accept_again.is_some_and(|instant| instant <= Instant::now()) {
                self.accept_all();
            }
            while let Some(slot) = self.idle.as_mut().and_then(|idle| idle.expired(Instant::now())) {
                self.close(Token(slot), Some(&"nothing happened for too long"));
            }
        }
    }

    /// How long to wait for events.
    fn patience(&self) -> Option<Duration> {
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let idle = self.idle.as_ref().and_then(Idle::due);
        let first = self.accept_again.into_iter().chain(idle).min();
        first.map(|instant| instant.saturating_duration_since(Instant::now()))
    }

    fn proceed(&mut self, token: Token) {
        if token == LISTENER {
            // After a failure the time has not come yet.
            if self.accept_again.is_none() {
                self.accept_all();
            }
            return;
        }
        // A connection may have been reported twice, and be closed by now.
        let Some(connection) = self.connections.get_mut(token.0) else { return };
        if let Some(idle) = &mut self.idle {
            idle.touch(token.0, Instant::now());
        }
        match connection.proceed(&mut self.chunk, &self.console) {
            Ok(Turn::Blocked) => {}
            Ok(Turn::Unfinished) => self.unfinished.push(token),
            Ok(Turn::Over) => self.close(token, None),
            Err(error) => self.close(token, Some(&error)),
        }
    }

    fn close(&mut self, token: Token, error: Option<&dyn Display>) {
        let peer = self.connections.remove(token.0).peer();
        if let Some(idle) = &mut self.idle {
            idle.forget(token.0);
        }
        if let Some(error) = error {
            self.console.complain_of(Kind::Failed, format_args!("error: {error} from {peer}"));
        }
        self.console.say(format_args!("closing connection to {peer}"));
    }

    /// Accepts who waits, or some of them.
    fn accept_all(&mut self) {
        for _ in 0..BUDGET {
            match self.accept() {
                // The one who was to be accepted may be gone; there may be others.
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(error) if error.kind() != ErrorKind::WouldBlock => {
                    // Once is enough, however long it lasts.
                    if self.accept_again.is_none() {
                        self.console
                            .complain_of(Kind::NotAccepted, format_args!("error: cannot accept a connection: {error}"));
                    }
                    self.accept_again = Some(Instant::now() + PAUSE);
                    return;
                }
                accepted => {
                    self.accept_again = None;
                    if accepted.is_err() {
                        return;
                    }
                }
            }
        }
        self.unfinished.push(LISTENER);
    }

    fn accept(&mut self) -> io::Result<()> {
        let (mut stream, peer) = self.listener.accept()?;
        // It works without, only slower.
        let _ = stream.set_nodelay(true);
        let entry = self.connections.vacant_entry();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(entry.key()), interest)?;
        if let Some(idle) = &mut self.idle {
            idle.touch(entry.key(), Instant::now());
        }
        entry.insert(Echo::new(stream, peer));
        self.console.say(format_args!("accepted connection from {peer}"));
        Ok(())
    }
}
