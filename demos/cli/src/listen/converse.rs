//! One connection: request after request, each in its time.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use jsonframe::DecodeErrorKind;
use jsonframe_std::{Connection, Error};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::answer::{Answer, Spool};
use super::show::{Show, Whose};
use crate::connect::Stream;
use crate::console::{Console, Kind};
use crate::dialect::{DialectName, Dialects};
use crate::exchange::{Annotation, Content, Tapped};
use crate::hint::{self, CutText};
use crate::text::count_of_bytes;
use crate::tls::handshake;
use crate::watched::{Watched, is_time_out};

/// What a peer is granted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grants {
    pub(super) max_header: u16,
    pub(super) max_content: u64,
    pub(super) handshake_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) header_timeout: Duration,
    pub(super) min_rate: u64,
    pub(super) rate_window: Duration,
    pub(super) write_timeout: Duration,
}

/// What is the same for all connections.
pub(super) struct Server {
    pub(super) answer: Answer,
    pub(super) show: Show,
    pub(super) grants: Grants,
    pub(super) dialects: Dialects,
    /// Their names: what is received, and what is sent.
    pub(super) names: (DialectName, DialectName),
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Whether every byte is annotated, and in colour.
    pub(super) annotated: Option<bool>,
}

/// How much of a content stays in memory, in bytes. The rest is in a file.
const IN_MEMORY: usize = 64 * 1024;

/// How much is moved at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// After the last answer, for how long and how much a peer may go on sending.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 64 * 1024 * 1024;

impl Server {
    /// Serves a connection to its end.
    pub(super) fn converse(&self, stream: Stream, whose: &Whose<'_>) {
        let Whose { connection, peer } = whose;
        self.show.event(*connection, &format!("connected: {peer}"));
        let watched = Watched::new(stream);
        let ending = match self.serve(&watched, whose) {
            Ok(ending) => ending.to_owned(),
            Err(failure) => {
                let Failure { kind, reason } = failure;
                self.console().complain_of(kind, format_args!("[{connection}] error: {reason}"));
                "closed by the server".into()
            }
        };
        linger(&watched);
        self.show.event(*connection, &ending);
    }

    const fn console(&self) -> &Console {
        &self.show.console
    }

    fn serve(&self, watched: &Watched<Stream>, whose: &Whose<'_>) -> Result<&'static str, Failure> {
        let Some(config) = &self.tls else {
            return self.answer_all(Link::Plain(watched), watched, whose);
        };
        watched.within(self.grants.handshake_timeout);
        watched.doing("in the handshake of TLS");
        let session = ServerConnection::new(Arc::clone(config)).map_err(Failure::of)?;
        let mut stream = StreamOwned::new(session, watched);
        handshake(&mut stream.conn, &mut stream.sock)
            .map_err(|error| Failure { kind: Kind::NotUnderstood, reason: error.to_string() })?;
        self.answer_all(Link::Tls(Box::new(stream)), watched, whose)
    }

    fn answer_all(
        &self,
        link: Link<'_>,
        watched: &Watched<Stream>,
        whose: &Whose<'_>,
    ) -> Result<&'static str, Failure> {
        let (received, sent) = match self.annotated {
            None => (None, None),
            Some(color) => {
                let annotation = |dialect, mark| self.annotation(dialect, color, whose.connection, mark);
                (Some(annotation(self.names.0, '<')?), Some(annotation(self.names.1, '>')?))
            }
        };
        let mut connection = Connection::new(Tapped::new(link, received, sent))
            .with_dialect(self.dialects.received)
            .with_sending_dialect(self.dialects.sent)
            .with_max_header(self.grants.max_header)
            .with_max_content(self.grants.max_content);
        let mut cut = CutText::default();
        loop {
            match self.answer_one(&mut connection, watched, whose, &mut cut) {
                Ok(true) => {}
                Ok(false) => {
                    connection.get_mut().stream_mut().say_end();
                    return Ok("the peer has ended the connection");
                }
                Err(Stop::Failed(error)) => return Err(self.explained(&error, &connection, &cut)),
                Err(Stop::Unanswered(reason)) => {
                    connection.get_mut().stream_mut().say_end();
                    return Err(Failure { kind: Kind::Failed, reason: format!("not answered: {reason}") });
                }
            }
        }
    }

    /// Answers the next request; false if there is none.
    fn answer_one(
        &self,
        connection: &mut Connection<Tapped<Link<'_>>>,
        watched: &Watched<Stream>,
        whose: &Whose<'_>,
        cut: &mut CutText,
    ) -> Result<bool, Stop> {
        let grants = &self.grants;
        watched.await_message(grants.idle_timeout, grants.header_timeout);
        let Some(incoming) = connection.receive()? else { return Ok(false) };
        *cut = CutText::default();
        let (header, mut content) = incoming.into_parts()?;
        let header = header.header();
        watched.at_rate(grants.min_rate, grants.rate_window);
        watched.doing("receiving the content of a message");
        let mut spool = Spool::new(IN_MEMORY);
        let mut beginning = Vec::new();
        let mut piece = [0; PIECE];
        loop {
            let count = content.read(&mut piece)?;
            let piece = &piece[..count];
            if piece.is_empty() {
                break;
            }
            cut.push(piece);
            beginning.extend_from_slice(&piece[..piece.len().min(IN_MEMORY - beginning.len())]);
            spool.write_all(piece).map_err(|error| Stop::Unanswered(format!("cannot keep the content: {error}")))?;
        }
        self.show.message(whose, &header, Content { bytes: &beginning, length: header.content_length() });
        drop(beginning);
        let reply = self.answer.to(&header, spool, self.dialects.sent, whose.peer).map_err(Stop::Unanswered)?;
        watched.at_rate(grants.min_rate, grants.write_timeout);
        watched.doing("sending an answer");
        let (header, mut content) = (reply.header, reply.content);
        let extensions = header.extensions();
        connection.send_stream(&header.header().with_extensions(&extensions), &mut content)?;
        Ok(true)
    }

    fn annotation(&self, dialect: DialectName, color: bool, number: u64, mark: char) -> Result<Annotation, Failure> {
        let console = self.console().clone();
        let write = move |lines: &str| {
            let lines: Vec<_> = lines.lines().map(|line| format!("[{number}] {mark} {line}")).collect();
            console.say(lines.join("\n"));
        };
        Annotation::start(dialect, color, write).map_err(Failure::of)
    }

    /// Says what is wrong, and what may help to see why.
    fn explained(&self, error: &Error, connection: &Connection<Tapped<Link<'_>>>, cut: &CutText) -> Failure {
        let kind = match error {
            Error::Decode(_) => Kind::NotUnderstood,
            Error::Io(late) if is_time_out(late) => Kind::OverLimit,
            _ => Kind::Failed,
        };
        let mut reason = error.to_string();
        if let Error::Decode(error) = error
            && let DecodeErrorKind::ContentTooLong { limit, .. } = error.kind()
        {
            reason = format!("{reason}; --max-content is {}", count_of_bytes(limit));
        } else if let Some(hint) = connection.get_ref().start().hint(self.names.0) {
            reason = format!("{reason}; {hint}");
        } else if matches!(kind, Kind::NotUnderstood | Kind::OverLimit) {
            reason = hint::with(reason, cut.is_possible());
        }
        Failure { kind, reason }
    }
}

/// Why a connection is closed that its peer has not ended.
struct Failure {
    kind: Kind,
    reason: String,
}

impl Failure {
    fn of(error: impl fmt::Display) -> Self {
        Self { kind: Kind::Failed, reason: error.to_string() }
    }
}

/// Why no more requests are answered.
enum Stop {
    Failed(Error),
    /// It has come, but there is no answer to it.
    Unanswered(String),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The stream of messages.
enum Link<'a> {
    Plain(&'a Watched<Stream>),
    Tls(Box<StreamOwned<ServerConnection, &'a Watched<Stream>>>),
}

impl Link<'_> {
    /// Says, where the stream has a word for it, that nothing more is sent.
    fn say_end(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            // A peer that has gone need not be told.
            let _ = stream.flush();
        }
    }
}

impl Read for Link<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(place),
            Self::Tls(stream) => stream.read(place),
        }
    }
}

impl Write for Link<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write_vectored(parts),
            Self::Tls(stream) => stream.write_vectored(parts),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Closes a connection so that what was sent last arrives, even if the peer is still sending: to close with bytes unread would
/// make TCP reset it.
fn linger(watched: &Watched<Stream>) {
    watched.with(Stream::end_raw);
    watched.within(LINGER);
    // However it ends, it has.
    let _ = io::copy(&mut { watched }.take(LINGER_BYTES), &mut io::sink());
}
