//! The server of the tutorial, on a poller and under tokio: how it is called, and what it says to its peers.

use std::fmt;
use std::mem;
use std::num::NonZeroUsize;
use std::process;
use std::time::Duration;

use clap::{ArgAction, Args};
use jsonframe::{Header, JsonError, Message};
use jsonframe_cli::console::{Console, Kind};
use jsonframe_cli::dialect::{DialectOptions, Dialects};
use jsonframe_cli::encoded::Utf8;
use jsonframe_cli::hint;
use jsonframe_cli::limits::{LimitOptions, Seconds, default_limits, workers};
use jsonframe_cli::signals;
use jsonframe_cli::text::Printable;
use jsonframe_std::server::{
    Address, CloseReason, ContentMode, Deadline, Handle, Handler, Id, Limits, NotAccepted, Peer,
};
use jsonframe_std::{Error, tokio};
use tracing::{Level, debug, info, warn};

use crate::application::{self, Answer, Draft, JSON};
use crate::listen::ListenOptions;

/// The command line of a server.
#[derive(Args)]
pub struct Options {
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenOptions,

    /// How many threads serve; one is enough for thousands of connections
    #[arg(long, value_name = "N", default_value = "1", value_parser = workers)]
    pub workers: NonZeroUsize,

    /// How long requests under way may take when the server is to end
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    shutdown_timeout: Seconds,

    /// Close each connection after the answer to its first request, for clients that read until the end of the stream
    ///
    /// Without, the end comes when the client ends its side, or is idle for too long
    #[arg(long)]
    close_after_reply: bool,

    /// Print only where the server listens, and errors
    #[arg(short, long)]
    quiet: bool,

    /// Log what happens to stderr; twice for more
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    #[command(flatten)]
    dialects: DialectOptions,

    #[command(flatten)]
    limits: LimitOptions,
}

impl Options {
    /// What the server grants its peers.
    pub fn limits(&self) -> Limits {
        self.limits.clone().into()
    }

    /// What the server says to its peers. Called once in a program: it starts the log.
    pub fn application(&self, console: &Console) -> Application {
        let level = match self.verbose {
            0 => None,
            1 => Some(Level::INFO),
            _ => Some(Level::DEBUG),
        };
        if let Some(level) = level {
            let errors = console.error_writer();
            tracing_subscriber::fmt().with_max_level(level).with_writer(move || errors.clone()).with_ansi(false).init();
        }
        let dialects = self.dialects.dialects();
        Application {
            dialects,
            console: if self.quiet { console.quiet() } else { console.clone() },
            max_content: self.limits().max_content,
            closes_after_reply: self.close_after_reply,
            is_plain: self.quiet && dialects.sent.json_header(0) == Header::for_json(0),
        }
    }

    /// Says where the server listens, and has the signals that ask a program to end shut it down.
    ///
    /// # Errors
    ///
    /// Why the signals cannot be waited for, in words.
    pub fn announce(&self, names: &[String], handle: Handle, console: &Console) -> Result<(), String> {
        let patience = Duration::from(self.shutdown_timeout);
        let mut asked = false;
        signals::on_end(move || {
            if mem::replace(&mut asked, true) {
                process::exit(130);
            }
            info!("shutting down");
            handle.shutdown(patience);
        })
        .map_err(|error| format!("cannot wait for signals: {error}"))?;
        for name in names {
            console.say(format_args!("listening on {name}"));
        }
        Ok(())
    }
}

/// What the server says to its peers.
pub struct Application {
    /// What is spoken with them.
    pub dialects: Dialects,
    console: Console,
    max_content: u64,
    closes_after_reply: bool,
    /// Whether answers in JSON are sent as they are: they are not printed, and their header is that of the dialect.
    is_plain: bool,
}

impl Application {
    /// What the server says unless its command line says otherwise. Its lines go to the console.
    pub fn new(console: Console) -> Self {
        let max_content = default_limits().max_content;
        Self { dialects: Dialects::STANDARD, console, max_content, closes_after_reply: false, is_plain: false }
    }
}

/// What is kept for a connection.
#[derive(Default)]
pub struct Exchange {
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
    text: Utf8,
}

impl Handler for &Application {
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
            text: Utf8::default(),
        }));
        ContentMode::Streamed { max: self.max_content }
    }

    fn message(&mut self, peer: &mut Peer<'_>, _: &mut Exchange, request: Message<'_>) {
        self.console.say(fmt::from_fn(|f| {
            let content = String::from_utf8_lossy(request.content());
            write!(f, "received request {} from {}", Printable(&content), peer.address())
        }));
        if let Err(error) = self.answer_json(peer, &request) {
            let is_cut = hint::json_is_cut(request.content());
            self.complain(peer, Kind::NotUnderstood, hint::with(&error, is_cut), request.header().prefix());
            peer.close();
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
            exchange.may_be_cut = binary.text.may_be_cut();
            let content_type = Printable(&binary.content_type);
            self.console.say(format_args!("received {content_type} request from {}", peer.address()));
            self.answer(peer, application::answer_binary(&binary.beginning), &binary.prefix);
        }
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, exchange: &mut Exchange, why: &CloseReason) {
        // Who has asked nothing would take it for the answer to the next request.
        if !matches!(why, CloseReason::Deadline(Deadline::Idle) | CloseReason::Shutdown) {
            let is_cut = hint::follows_cut(why) && exchange.may_be_cut;
            self.complain(peer, kind(why), hint::with(why, is_cut), &[]);
        }
    }

    fn disconnected(&mut self, id: Id, address: Address, _: Exchange, why: &CloseReason) {
        info!(connection = %id, %address, why = %Printable(&why.to_string()), "closed");
        match why {
            // As it should be.
            CloseReason::Ended | CloseReason::ByHandler | CloseReason::MadeRoom | CloseReason::Shutdown
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
            NotAccepted::AtLimit(address) | NotAccepted::AddressLimit(address) => {
                warn!(%address, "refused");
                self.console.complain_of(Kind::Refused, format_args!("error: {why}; refused {address}"));
            }
            // Nobody's fault: a health check that only connects; an end of this server's making.
            NotAccepted::Handshake {
                address,
                why: why @ (CloseReason::Ended | CloseReason::MadeRoom | CloseReason::Shutdown),
            } => info!(%address, %why, "not accepted"),
            NotAccepted::Handshake { address, why } => {
                warn!(%address, why = %Printable(&why.to_string()), "not accepted");
                self.console.complain_of(kind(why), format_args!("error: {why} from {address}"));
            }
            why => {
                warn!(%why, "not accepted");
                self.console.complain_of(Kind::NotAccepted, format_args!("error: cannot accept connections: {why}"));
            }
        }
    }
}

/// The same: nothing that it does has to wait.
impl tokio::Handler for Application {
    type State = Exchange;

    async fn connected(&self, peer: &mut Peer<'_>, exchange: &mut Exchange) {
        Handler::connected(&mut &*self, peer, exchange);
    }

    async fn header(&self, peer: &mut Peer<'_>, exchange: &mut Exchange, header: &Header<'_>) -> ContentMode {
        Handler::header(&mut &*self, peer, exchange, header)
    }

    async fn message(&self, peer: &mut Peer<'_>, exchange: &mut Exchange, request: Message<'_>) {
        Handler::message(&mut &*self, peer, exchange, request);
    }

    async fn content(&self, peer: &mut Peer<'_>, exchange: &mut Exchange, piece: &[u8]) {
        Handler::content(&mut &*self, peer, exchange, piece);
    }

    async fn end(&self, peer: &mut Peer<'_>, exchange: &mut Exchange) {
        Handler::end(&mut &*self, peer, exchange);
    }

    async fn farewell(&self, peer: &mut Peer<'_>, exchange: &mut Exchange, why: &CloseReason) {
        Handler::farewell(&mut &*self, peer, exchange, why);
    }

    fn disconnected(&self, id: Id, address: Address, exchange: Exchange, why: &CloseReason) {
        Handler::disconnected(&mut &*self, id, address, exchange, why);
    }

    fn not_accepted(&self, why: &NotAccepted) {
        Handler::not_accepted(&mut &*self, why);
    }
}

/// What a complaint about this end is about.
const fn kind(why: &CloseReason) -> Kind {
    match why {
        CloseReason::Protocol(_) => Kind::NotUnderstood,
        CloseReason::Io(_) | CloseReason::Abandoned => Kind::Failed,
        _ => Kind::OverLimit,
    }
}

impl Application {
    /// Answers a request in JSON.
    fn answer_json(&self, peer: &mut Peer<'_>, request: &Message<'_>) -> Result<(), JsonError> {
        let text = request.text()?;
        let answer = application::answer_json(&text)?;
        let prefix = request.header().prefix();
        if self.is_plain && prefix.is_empty() {
            match peer.send_json(&answer) {
                // For want of memory: of text there is no other error.
                Err(Error::Json(error)) => return Err(error),
                outcome => self.sent(peer, &outcome),
            }
        } else {
            self.answer(peer, Draft::json(&answer)?, prefix);
        }
        Ok(())
    }

    /// Sends an answer with the bytes that its request had before its proto-header: in dialects that have a prefix, it is by this
    /// that many a client knows which request is answered.
    fn answer<'a>(&self, peer: &mut Peer<'_>, mut answer: Draft<'a>, prefix: &'a [u8]) {
        answer.header = answer.header.with_prefix(prefix);
        self.console.say(format_args!("sending {} to {}", answer.framed(self.dialects.sent), peer.address()));
        let outcome = peer.send(&answer.header, &answer.content);
        self.sent(peer, &outcome);
    }

    fn sent(&self, peer: &mut Peer<'_>, outcome: &Result<(), Error>) {
        if let Err(error) = outcome {
            // Why, is said when the connection has ended.
            debug!(connection = %peer.id(), %error, "not sent");
        }
        if outcome.is_err() || self.closes_after_reply {
            peer.close();
        }
    }

    /// Tells a peer, and whoever runs the server, that it was not understood.
    fn complain(&self, peer: &mut Peer<'_>, kind: Kind, reason: String, prefix: &[u8]) {
        self.console.complain_of(kind, format_args!("error: {reason} from {}", peer.address()));
        match Draft::json(&Answer::<()>::Error(reason)) {
            Ok(answer) => self.answer(peer, answer, prefix),
            Err(_) => peer.close(),
        }
    }
}
