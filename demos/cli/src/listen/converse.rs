//! One connection: request after request, each in its time.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonframe::DecodeErrorKind;
use jsonframe_std::{Connection, Error};
use rustls::ServerConfig;

use super::answer::{Answer, Spool};
use super::limits::LimitOptions;
use super::show::{Show, Whose};
use crate::connect::Stream;
use crate::console::{Console, Kind};
use crate::dialect::{DialectName, Dialects};
use crate::encoded::{Encoded, Utf8};
use crate::exchange::{Annotation, Content, Tapped};
use crate::hint::{self, Cause};
use crate::served::Served;
use crate::text::count_of_bytes;
use crate::watched::{SILENCE, Watched, is_time_out};

/// What is the same for all connections.
pub(super) struct Server {
    pub(super) answer: Answer,
    pub(super) show: Show,
    pub(super) limits: LimitOptions,
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
        let served = Served::begin(watched, self.tls.as_ref(), self.limits.handshake_timeout.into())
            .map_err(|reason| Failure { kind: Kind::NotUnderstood, reason })?;
        let (received, sent) = match self.annotated {
            None => (None, None),
            Some(color) => {
                let annotation = |dialect, mark| self.annotation(dialect, color, whose.connection, mark);
                let sent = annotation(self.names.1, '>')?;
                if let Answer::Echo = self.answer {
                    sent.is_echo();
                }
                (Some(annotation(self.names.0, '<')?), Some(sent))
            }
        };
        let mut tapped = Tapped::new(served, self.names.0, received, sent);
        let (show, number) = (self.show.clone(), whose.connection);
        tapped.on_silence(move |under_way, cause| show.waiting(number, under_way, cause));
        watched.tell_silence(SILENCE);
        let mut connection = Connection::new(tapped)
            .with_dialect(self.dialects.received)
            .with_sending_dialect(self.dialects.sent)
            .with_max_header(self.limits.max_header)
            .with_max_content(self.limits.max_content);
        let mut last = Last::default();
        // How many requests were answered, and when the last of them was.
        let mut answered = (0_u64, Instant::now());
        loop {
            match self.answer_one(&mut connection, whose, &mut last) {
                Ok(true) => answered = (answered.0 + 1, Instant::now()),
                Ok(false) => {
                    let waited = answered.1.elapsed();
                    // Whoever has asked again knows where an answer ends.
                    if answered.0 == 1 && waited >= SILENCE {
                        let seconds = waited.as_secs();
                        let words = format!(
                            "note: the client had its whole answer and closed {seconds} s later: did it wait for the end of the \
                             connection? A message ends after content-length bytes"
                        );
                        self.show.event(whose.connection, &words);
                    }
                    connection.get_mut().stream_mut().say_end();
                    return Ok("the peer has ended the connection");
                }
                Err(Stop::Failed(error)) => return Err(explained(&error, &connection, &last)),
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
        connection: &mut Connection<Tapped<Served<'_>>>,
        whose: &Whose<'_>,
        last: &mut Last,
    ) -> Result<bool, Stop> {
        let LimitOptions { idle_timeout, pace, write_timeout, .. } = self.limits;
        let watched = connection.get_mut().stream_mut().socket();
        watched.await_message(idle_timeout.into(), pace.header_timeout.into());
        let Some(incoming) = connection.receive()? else { return Ok(false) };
        *last = Last::default();
        let (header, mut content) = incoming.into_parts()?;
        let header = header.header();
        watched.at_rate(pace.min_rate, pace.rate_window.into());
        watched.doing("receiving the content of a message");
        let mut spool = Spool::new(IN_MEMORY);
        let mut beginning = Vec::new();
        let mut encoded = Encoded::of(&header);
        let mut piece = [0; PIECE];
        loop {
            let count = content.read(&mut piece)?;
            let piece = &piece[..count];
            if piece.is_empty() {
                break;
            }
            encoded.push(piece);
            beginning.extend_from_slice(&piece[..piece.len().min(IN_MEMORY - beginning.len())]);
            spool.write_all(piece).map_err(|error| Stop::Unanswered(format!("cannot keep the content: {error}")))?;
        }
        let hint = encoded.hint_of(&header, &beginning);
        let content = Content { bytes: &beginning, length: header.content_length() };
        self.show.message(whose, &header, content, hint.as_deref());
        last.may_be_cut = encoded.text().is_some_and(Utf8::may_be_cut) && !hint::is_whole_json(&header, &beginning);
        last.is_explained = !self.show.json && hint::is_cut(&header, &beginning);
        drop(beginning);
        let reply = self.answer.to(&header, spool, self.dialects.sent, whose.peer).map_err(Stop::Unanswered)?;
        watched.at_rate(pace.min_rate, write_timeout.into());
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
}

/// Says what is wrong, and what may help to see why.
fn explained(error: &Error, connection: &Connection<Tapped<Served<'_>>>, last: &Last) -> Failure {
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
    } else {
        let (tapped, followed) = (connection.get_ref(), connection.get_ref().followed());
        // Whoever has sent nothing since has cut nothing short.
        let is_rest = followed.has_begun() && matches!(kind, Kind::NotUnderstood | Kind::OverLimit);
        let may_be_cut = last.may_be_cut && is_rest;
        let cause = if last.is_explained && may_be_cut { Some(Cause::of_rest(error)) } else { followed.cause() };
        let cause = cause.or_else(|| may_be_cut.then(|| Cause::of_fault(hint::MEND.into())));
        let cause = cause.or_else(|| Cause::of_end(error));
        let cause = cause.filter(|_| !tapped.is_explained());
        reason = cause.map_or(reason.clone(), |cause| cause.before(reason));
    }
    Failure { kind, reason }
}

/// What is known of the last whole message, if what comes after it is none.
#[derive(Default)]
struct Last {
    /// Whether its content may have been cut short because its characters were counted.
    may_be_cut: bool,
    /// Whether that has been said.
    is_explained: bool,
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

/// Closes a connection so that what was sent last arrives, even if the peer is still sending: to close with bytes unread would
/// make TCP reset it.
fn linger(watched: &Watched<Stream>) {
    watched.with(Stream::end_raw);
    watched.within(LINGER);
    // However it ends, it has.
    let _ = io::copy(&mut { watched }.take(LINGER_BYTES), &mut io::sink());
}
