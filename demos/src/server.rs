//! The server of the tutorial: all connections in one thread, or in a few.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;

use jsonframe::{Dialect, Header, JsonError, Message};
use jsonframe_std::server::{self, CloseReason, ContentMode, Deadline, Handle, Handler, Id, Limits, NotAccepted, Peer};
use tracing::{debug, info, warn};

use crate::application::{self, Draft, JSON};
use crate::console::{Console, Kind};
use crate::dialect::Dialects;
use crate::hint::{self, CutText};
use crate::text::Printable;
use crate::wire::FramedIn;

/// A server that listens.
pub struct Server {
    inner: server::Server,
    /// What is sent.
    dialect: &'static Dialect,
    max_content: u64,
    closes_after_reply: bool,
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
        let max_content = limits.max_content;
        let inner = server::Server::bind(address, limits)?;
        let gossip = console.clone();
        Ok(Self { inner, dialect: &Dialect::STANDARD, max_content, closes_after_reply: false, gossip, console })
    }

    /// Has it speak these dialects with all peers. To be called at most once.
    #[must_use]
    pub fn with_dialects(self, dialects: Dialects) -> Self {
        let Dialects { received, sent } = dialects;
        Self { inner: self.inner.with_dialect(received).with_sending_dialect(sent), dialect: sent, ..self }
    }

    /// Has it print only where it listens, and errors.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.gossip = self.console.quiet();
        self
    }

    /// Has it close each connection after its first answer, for clients that read until the end of the stream.
    #[must_use]
    pub fn closing_after_reply(self) -> Self {
        Self { closes_after_reply: true, ..self }
    }

    /// The address at which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.inner.address()
    }

    /// A handle on it, to shut it down.
    pub fn handle(&self) -> Handle {
        self.inner.handle()
    }

    /// Serves in this many threads, until it is shut down. Nothing that a peer does ends it.
    ///
    /// # Errors
    ///
    /// Those of [`server::Server::run`].
    pub fn run(self, workers: NonZeroUsize) -> io::Result<()> {
        self.console.say(format_args!("listening on {}", self.address()));
        let application = || Application {
            dialect: self.dialect,
            console: self.gossip.clone(),
            max_content: self.max_content,
            closes_after_reply: self.closes_after_reply,
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
    closes_after_reply: bool,
}

/// What is kept for a connection.
#[derive(Default)]
struct Exchange {
    /// The binary request that is being received.
    binary: Option<Box<Binary>>,
    /// Whether the last content may be text of which the characters were counted, and which thus may be cut short.
    may_be_cut: bool,
}

/// What is kept of a binary request.
struct Binary {
    content_type: String,
    prefix: Vec<u8>,
    beginning: Vec<u8>,
    text: CutText,
}

impl Handler for Application {
    type State = Exchange;

    fn connected(&mut self, peer: &mut Peer<'_>, _: &mut Exchange) {
        info!(connection = %peer.id(), address = %peer.address(), "accepted");
        self.console.say(format_args!("accepted connection from {}", peer.address()));
    }

    fn header(&mut self, peer: &mut Peer<'_>, exchange: &mut Exchange, header: &Header<'_>) -> ContentMode {
        debug!(
            connection = %peer.id(),
            content_type = %Printable(header.content_type()),
            content_length = header.content_length(),
            "request"
        );
        *exchange = Exchange::default();
        if header.content_type() == JSON {
            return ContentMode::Whole;
        }
        exchange.binary = Some(Box::new(Binary {
            content_type: header.content_type().to_owned(),
            prefix: header.prefix().to_owned(),
            beginning: Vec::new(),
            text: CutText::default(),
        }));
        ContentMode::Streamed { max: self.max_content }
    }

    fn message(&mut self, peer: &mut Peer<'_>, _: &mut Exchange, request: Message<'_>) {
        self.console.say(format_args!("received request {} from {}", Text(request.content()), peer.address()));
        match application::answer_json(&request) {
            Ok(answer) => self.answer(peer, &answer.with_prefix(request.header().prefix())),
            Err(error) => {
                let is_cut = hint::json_is_cut(request.content());
                let prefix = request.header().prefix();
                self.complain(peer, Kind::NotUnderstood, &hint::with(&error, is_cut), prefix);
                peer.close();
            }
        }
    }

    fn content(&mut self, _: &mut Peer<'_>, exchange: &mut Exchange, piece: &[u8]) {
        if let Some(binary) = &mut exchange.binary {
            let missing = usize::try_from(application::REPEATED).unwrap_or(0) - binary.beginning.len();
            binary.beginning.extend(piece.iter().take(missing));
            binary.text.push(piece);
        }
    }

    fn end(&mut self, peer: &mut Peer<'_>, exchange: &mut Exchange) {
        if let Some(binary) = exchange.binary.take() {
            exchange.may_be_cut = binary.text.is_possible();
            let content_type = Printable(&binary.content_type);
            self.console.say(format_args!("received {content_type} request from {}", peer.address()));
            self.answer(peer, &application::answer_binary(&binary.beginning).with_prefix(&binary.prefix));
        }
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, exchange: &mut Exchange, why: &CloseReason) {
        // Who has asked nothing would take it for the answer to the next request.
        if !matches!(why, CloseReason::Deadline(Deadline::Idle) | CloseReason::Shutdown) {
            let is_cut = hint::follows_cut(why) && exchange.may_be_cut;
            self.complain(peer, kind(why), &hint::with(why, is_cut), &[]);
        }
    }

    fn disconnected(&mut self, id: Id, address: SocketAddr, _: Exchange, why: &CloseReason) {
        info!(connection = %id, %address, why = %Printable(&why.to_string()), "closed");
        match why {
            // As it should be.
            CloseReason::Ended | CloseReason::ByHandler | CloseReason::Shutdown
            // Complained about already.
            | CloseReason::Protocol(_)
            | CloseReason::CollectedTotal
            | CloseReason::Deadline(Deadline::Header | Deadline::Content) => {}
            _ => self.console.complain_of(kind(why), format_args!("error: {why} from {address}")),
        }
        self.console.say(format_args!("closing connection to {address}"));
    }

    fn not_accepted(&mut self, why: &NotAccepted) {
        match why {
            NotAccepted::AtLimit(address) => {
                warn!(%address, "refused");
                self.console.complain_of(Kind::Refused, format_args!("error: {why}; refused {address}"));
            }
            why => {
                warn!(%why, "not accepted");
                self.console.complain_of(Kind::NotAccepted, format_args!("error: cannot accept connections: {why}"));
            }
        }
    }
}

/// What a complaint about this end is about.
pub(crate) const fn kind(why: &CloseReason) -> Kind {
    match why {
        CloseReason::Protocol(_) => Kind::NotUnderstood,
        CloseReason::Io(_) | CloseReason::Abandoned => Kind::Failed,
        _ => Kind::OverLimit,
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
        if self.closes_after_reply {
            peer.close();
        }
    }

    /// Tells a peer, and whoever runs the server, that it was not understood.
    fn complain(&self, peer: &mut Peer<'_>, kind: Kind, reason: &str, prefix: &[u8]) {
        self.console.complain_of(kind, format_args!("error: {reason} from {}", peer.address()));
        let answer: Result<_, JsonError> = application::answer_error(reason.to_owned());
        match answer {
            Ok(answer) => self.answer(peer, &answer.with_prefix(prefix)),
            Err(_) => peer.close(),
        }
    }
}
