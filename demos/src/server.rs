//! The server of the tutorial: all connections in one thread, or in a few.

pub(crate) mod seldom;

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use jsonframe::{Dialect, Header, JsonError, Message};
use jsonframe_std::server::{self, Closed, Deadline, Handle, Handler, Id, Limits, NotAccepted, Peer, Take};
use tracing::{debug, info, warn};

use crate::application::{self, Draft, JSON};
use crate::console::Console;
use crate::text::Printable;
use crate::wire::FramedIn;
use seldom::Seldom;

/// For how long the server goes on with what is under way when nobody reads its lines any more.
const FAREWELL: Duration = Duration::from_secs(1);

/// A server that listens.
pub struct Server {
    inner: server::Server,
    dialect: &'static Dialect,
    max_content: u64,
    console: Console,
    /// Where the lines about peers go.
    gossip: Console,
}

impl Server {
    /// A server at this address. Its lines go to the console.
    ///
    /// # Errors
    ///
    /// Those of [`server::Server::bind`].
    pub fn bind(address: impl ToSocketAddrs, limits: Limits, console: Console) -> io::Result<Self> {
        let max_content = limits.content;
        let inner = server::Server::bind(address, limits)?;
        Ok(Self { inner, dialect: &Dialect::STANDARD, max_content, gossip: console.clone(), console })
    }

    /// Has it speak this dialect with all peers. To be called at most once.
    #[must_use]
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self { inner: self.inner.with_dialect(dialect), dialect, ..self }
    }

    /// Has it print only where it listens, and errors.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.gossip = self.console.quiet();
        self
    }

    /// The address at which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.inner.address()
    }

    /// A handle on it, to shut it down.
    pub fn handle(&self) -> Handle {
        self.inner.handle()
    }

    /// Serves in so many threads, until it is shut down or the console has failed. Nothing that a peer does ends it.
    ///
    /// # Errors
    ///
    /// Those of [`server::Server::run`].
    pub fn run(self, workers: NonZeroUsize) -> io::Result<()> {
        self.console.say(format_args!("listening on {}", self.address()));
        if self.console.has_failed() {
            return Ok(());
        }
        let application = || Application {
            dialect: self.dialect,
            console: self.gossip.clone(),
            max_content: self.max_content,
            handle: self.inner.handle(),
            binaries: HashMap::new(),
            failed: Seldom::default(),
            refused: Seldom::default(),
        };
        let mut applications: Vec<_> = (0..workers.get()).map(|_| application()).collect();
        match applications.pop() {
            // One thread is this one.
            Some(only) if applications.is_empty() => self.inner.run(only),
            last => self.inner.run_workers(applications.into_iter().chain(last)),
        }
    }
}

/// What the server says to its peers. Each thread has one.
struct Application {
    dialect: &'static Dialect,
    console: Console,
    max_content: u64,
    handle: Handle,
    /// The binary requests that are being received.
    binaries: HashMap<Id, Binary>,
    /// What is said of connections that could not be accepted, and of those that were refused.
    failed: Seldom,
    refused: Seldom,
}

/// What is kept of a binary request.
struct Binary {
    content_type: String,
    beginning: Vec<u8>,
}

impl Handler for Application {
    fn connected(&mut self, peer: &mut Peer<'_>) {
        info!(connection = %peer.id(), address = %peer.address(), "accepted");
        self.console.say(format_args!("accepted connection from {}", peer.address()));
        self.end_unread();
    }

    fn header(&mut self, peer: &mut Peer<'_>, header: &Header<'_>) -> Take {
        debug!(
            connection = %peer.id(),
            content_type = %Printable(header.content_type()),
            content_length = header.content_length(),
            "request"
        );
        if header.content_type() == JSON {
            return Take::Whole;
        }
        let content_type = header.content_type().to_owned();
        self.binaries.insert(peer.id(), Binary { content_type, beginning: Vec::new() });
        Take::Streamed { max: self.max_content }
    }

    fn message(&mut self, peer: &mut Peer<'_>, request: Message<'_>) {
        self.console.say(format_args!("received request {} from {}", Text(request.content()), peer.address()));
        match application::answer_json(&request) {
            Ok(answer) => self.answer(peer, &answer),
            Err(error) => {
                self.complain(peer, &error.to_string());
                peer.close();
            }
        }
        self.end_unread();
    }

    fn content(&mut self, peer: &mut Peer<'_>, piece: &[u8]) {
        if let Some(binary) = self.binaries.get_mut(&peer.id()) {
            let missing = usize::try_from(application::REPEATED).unwrap_or(0) - binary.beginning.len();
            binary.beginning.extend(piece.iter().take(missing));
        }
    }

    fn end(&mut self, peer: &mut Peer<'_>) {
        if let Some(binary) = self.binaries.remove(&peer.id()) {
            let content_type = Printable(&binary.content_type);
            self.console.say(format_args!("received {content_type} request from {}", peer.address()));
            self.answer(peer, &application::answer_binary(&binary.beginning));
        }
        self.end_unread();
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, why: &Closed) {
        // Who has asked nothing would take it for the answer to the next request.
        if !matches!(why, Closed::Deadline(Deadline::Idle) | Closed::Shutdown) {
            self.complain(peer, &why.to_string());
        }
    }

    fn disconnected(&mut self, id: Id, address: SocketAddr, why: &Closed) {
        info!(connection = %id, %address, why = %Printable(&why.to_string()), "closed");
        self.binaries.remove(&id);
        match why {
            // As it should be.
            Closed::Ended | Closed::ByHandler | Closed::Shutdown
            // Complained about already.
            | Closed::Protocol(_)
            | Closed::CollectedTotal
            | Closed::Deadline(Deadline::Header | Deadline::Content) => {}
            _ => self.console.complain(format_args!("error: {why} from {address}")),
        }
        self.console.say(format_args!("closing connection to {address}"));
        self.end_unread();
    }

    fn not_accepted(&mut self, why: &NotAccepted) {
        let now = Instant::now();
        match why {
            NotAccepted::AtLimit(address) => {
                warn!(%address, "refused");
                if let Some(more) = self.refused.admit(now) {
                    self.console.complain(format_args!("error: {why}; refused {address}{more}"));
                }
            }
            why => {
                warn!(%why, "not accepted");
                if let Some(more) = self.failed.admit(now) {
                    self.console.complain(format_args!("error: cannot accept connections: {why}{more}"));
                }
            }
        }
    }
}

/// Content that should be text, to be printed.
pub(crate) struct Text<'a>(pub(crate) &'a [u8]);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Printable(&String::from_utf8_lossy(self.0)).fmt(f)
    }
}

impl Application {
    fn answer(&self, peer: &mut Peer<'_>, answer: &Draft) {
        self.console.say(format_args!("sending {} to {}", FramedIn(answer, self.dialect), peer.address()));
        if let Err(error) = peer.send(&answer.header(), answer.content()) {
            // Why, is said when the connection has ended.
            debug!(connection = %peer.id(), %error, "not sent");
            peer.close();
        }
    }

    /// Tells a peer, and whoever runs the server, that it was not understood.
    fn complain(&self, peer: &mut Peer<'_>, reason: &str) {
        self.console.complain(format_args!("error: {reason} from {}", peer.address()));
        let answer: Result<_, JsonError> = application::answer_error(reason.to_owned());
        match answer {
            Ok(answer) => self.answer(peer, &answer),
            Err(_) => peer.close(),
        }
    }

    /// Ends the server if nobody reads what it says.
    fn end_unread(&self) {
        if self.console.has_failed() {
            self.handle.shutdown(FAREWELL);
        }
    }
}
