//! Requests and their answers, over one connection.

use std::fmt::Display;
use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use jsonframe::{DecodeErrorKind, Header, Value};
use jsonframe_std::{Connection, Error, UNLIMITED};

use super::output::{Failure, Output};
use super::patience::{Awaited, Patient, Sent};
use crate::connect::Stream;
use crate::console::Console;
use crate::dialect::{DialectName, Dialects};
use crate::encoded::Encoded;
use crate::exchange::{Annotation, Half, Meter, Request, Tapped, halves};
use crate::hint::{self, Cause, SENDS_ALL};
use crate::text::{ByteString, Printable, count_of_bytes};
use crate::watched::{Watched, is_time_out, no_answer};

/// How much of an answer is taken at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// How long to wait for what a server says when nothing more is sent to it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long to wait, after the last answer, for a server to end its direction.
const PARTING: Duration = Duration::from_millis(100);

/// How much is shown of what comes after that and is no message, in bytes.
const SHOWN: usize = 32;

/// What the end of a connection often means.
const FAILED: &str = "; a server does that when it fails at a request, or never sends its answer: see what it prints, and if that \
                      is no error, whether it reaches its sendall";

/// What the end of a connection after one answer may mean.
const SERVES_ONE: &str = "it may serve only one request per connection (no loop around recv)";

/// What is said, and how.
pub(super) struct Conversation<'a> {
    pub(super) requests: Vec<Request>,
    /// How often they are sent.
    pub(super) repeat: usize,
    pub(super) extensions: &'a [(&'a str, Value<'a>)],
    /// Whether a request is sent before the answer to the one before has come.
    pub(super) pipelined: bool,
    pub(super) dialects: Dialects,
    /// What is received, by its name.
    pub(super) dialect: DialectName,
    pub(super) timeout: Duration,
    pub(super) meter: Meter,
    pub(super) console: &'a Console,
}

/// How the two directions are annotated, if they are.
#[derive(Default)]
pub(super) struct Annotations {
    pub(super) received: Option<Annotation>,
    pub(super) sent: Option<Annotation>,
}

impl Conversation<'_> {
    /// Sends the requests and writes as many answers, which are received while requests are sent: a server need not read on
    /// before its answer is read.
    pub(super) fn run(
        mut self,
        stream: Stream,
        server: impl Display + Copy + Send + Sync,
        annotations: Annotations,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let [receiving, sending] = halves(stream).map_err(|error| Failure::Other(no_answer(error, server)))?;
        let receiving = Watched::new(receiving);
        let sent = Sent::new(annotations.sent.as_ref().map(Annotation::ending));
        let (answered, answers) = mpsc::channel();
        let mut requests = std::mem::take(&mut self.requests);
        let total = requests.len() * self.repeat;
        let (this, sent) = (&self, &sent);
        thread::scope(|scope| {
            let sender = scope.spawn(move || {
                let watched = Watched::new(sending);
                let outcome = this.send(&mut requests, &watched, server, annotations.sent, sent, &answers);
                sent.end();
                let mut stream = watched.into_inner();
                match outcome {
                    Ok(()) | Err(Unsent::Stream) => stream.say_end(),
                    // There is no answer to half of a request.
                    Err(Unsent::Source(_) | Unsent::Late(_)) => stream.abandon(),
                }
                outcome
            });
            let outcome = this.receive(total, &receiving, server, annotations.received, sent, &answered, output);
            if outcome.is_err() || sent.requests() < total as u64 {
                // All answers are there, or none is to come.
                receiving.into_inner().abandon();
            }
            drop(answered);
            match (sender.join(), outcome) {
                (Err(_), _) => Err(Failure::Other("the sending thread panicked".into())),
                (_, Ok(true)) => Ok(()),
                (_, Ok(false)) => Err(Failure::Told),
                (_, Err(Received::Unwritten(failure))) => Err(failure),
                (Ok(Err(Unsent::Source(failure) | Unsent::Late(failure))), Err(_)) => Err(Failure::Other(failure)),
                // A server that takes no more requests may have said why.
                (_, Err(received)) => Err(received.in_words(server)),
            }
        })
    }

    fn send(
        &self,
        requests: &mut [Request],
        watched: &Watched<Half>,
        server: impl Display + Copy,
        annotation: Option<Annotation>,
        sent: &Sent,
        answers: &Receiver<()>,
    ) -> Result<(), Unsent> {
        // However long it takes, something must move.
        watched.at_rate(0, self.timeout);
        watched.doing(format!("sending a request to {server}"));
        let mut connection = Connection::new(Tapped::new(watched, self.dialect, None, annotation))
            .with_sending_dialect(self.dialects.sent);
        let mut is_first = true;
        for _ in 0..self.repeat {
            for request in &mut *requests {
                if !is_first && !self.pipelined && answers.recv().is_err() {
                    return Ok(());
                }
                is_first = false;
                self.send_one(&mut connection, request)?;
                sent.add();
            }
        }
        // The stream is there until all answers are.
        while answers.recv().is_ok() {}
        Ok(())
    }

    fn send_one<S: io::Write>(&self, connection: &mut Connection<S>, request: &mut Request) -> Result<(), Unsent> {
        let mut metered = self.meter.start("sending", request.header().content_length());
        let header = request.header();
        let (content_type, content_encoding) = (header.content_type().to_owned(), header.content_encoding().to_owned());
        let length = header.content_length();
        let header = Header::new(&content_type, &content_encoding, length).with_extensions(self.extensions);
        let mut failure = None;
        let source = request.open().map_err(|error| Unsent::Source(format!("cannot read the content: {error}")))?;
        let mut source = Noting { source: metered.count(source), failure: &mut failure };
        let outcome = connection.send_stream(&header, &mut source);
        if let Some(error) = failure {
            return Err(Unsent::Source(format!("cannot read the content: {error}")));
        }
        outcome.map_err(|error| match error {
            Error::SourceTooShort { .. } => Unsent::Source("the content has become shorter while it was sent".into()),
            Error::Io(error) if is_time_out(&error) => Unsent::Late(error.to_string()),
            _ => Unsent::Stream,
        })
    }

    /// Receives the answers: whether each is right, as far as can be seen.
    #[expect(clippy::too_many_arguments, reason = "each is of another kind")]
    fn receive(
        &self,
        total: usize,
        watched: &Watched<Half>,
        server: impl Display + Copy,
        annotation: Option<Annotation>,
        sent: &Sent,
        answered: &Sender<()>,
        output: &mut Output,
    ) -> Result<bool, Received> {
        let awaited = Awaited::default();
        let is_shown = annotation.is_some() && total == 1;
        let patient = Patient { stream: watched, sent, time: self.timeout, awaited: &awaited };
        let mut connection = Connection::new(Tapped::new(patient, self.dialect, annotation, None))
            .with_dialect(self.dialects.received)
            .with_max_content(UNLIMITED);
        let mut buffer = vec![0; PIECE];
        // Whether it has been said what is wrong with the last answer, of which the next may be the rest.
        let mut is_explained = false;
        let mut are_right = true;
        for number in 0..total {
            watched.within(self.timeout);
            watched.doing(format!("waiting for the answer from {server}"));
            awaited.set(Some((number as u64, Instant::now())));
            let outcome = self.receive_one(&mut connection, (watched, &awaited), server, output, &mut buffer);
            if let Ok(answer) = outcome {
                is_explained = answer.is_cut;
                are_right &= answer.is_right;
            } else if let Err(received) = outcome {
                output.give_up();
                let (error, progress) = match received {
                    Received::Failed(error, _) => {
                        let is_late = matches!(&error, Error::Io(late) if is_time_out(late));
                        let under_way = connection.get_ref().followed().under_way();
                        let header = under_way.and_then(|message| message.header).filter(|(come, _)| *come > 0);
                        (error, header.filter(|_| is_late).map(header_so_far))
                    }
                    Received::Silence(error, words) => (error, Some(words)),
                    Received::Closed(_) => return Err(Received::Closed((number, total))),
                    Received::Unwritten(_) => return Err(received),
                };
                let silence = match &error {
                    Error::Io(late) if is_time_out(late) && awaited.take().is_some() => {
                        self.last_words(&mut connection, watched, sent)
                    }
                    _ => None,
                };
                if let Some(words) = silence {
                    return Err(Received::Silence(error, words));
                }
                let followed = connection.get_ref().followed();
                let is_rest = is_explained && followed.has_begun();
                let cause = if is_rest { Some(Cause::of_rest(&error)) } else { followed.cause() };
                let cause = cause.or_else(|| Cause::of_end(&error));
                return Err(match (cause, progress) {
                    // What was sent to a server that has closed makes TCP reset the connection.
                    (None, None) if number > 0 && is_reset(&error) => Received::Closed((number, total)),
                    (None, Some(words)) => Received::Silence(error, words),
                    (cause, _) => Received::Failed(error, cause),
                });
            }
            if !self.pipelined {
                // Nobody waits for it when nothing more is sent.
                let _ = answered.send(());
            }
        }
        if !is_explained && sent.await_requests(total as u64, PARTING) {
            self.after_the_last(&mut connection, (watched, sent), server, is_shown, output);
        }
        Ok(are_right)
    }

    /// Says what comes after the last answer, which nobody has asked for: until the server ends its direction too, or for a
    /// moment. If every byte of one request is shown, so is whether the server ends it first.
    fn after_the_last(
        &self,
        connection: &mut Connection<Tapped<Patient<'_>>>,
        (watched, sent): (&Watched<Half>, &Sent),
        server: impl Display,
        is_shown: bool,
        output: &mut Output,
    ) {
        let mut another = || {
            watched.within(self.timeout.min(PARTING));
            connection.receive().map(|message| {
                let message = message?;
                let header = message.header();
                let (content_type, encoding) = (Printable(header.content_type()), Printable(header.content_encoding()));
                let length = count_of_bytes(header.content_length());
                Some(format!(
                    "after it comes another message, which no request asked for: {content_type}, {encoding}, {length}"
                ))
            })
        };
        let mut outcome = is_shown.then(&mut another);
        if let Some(Ok(None)) = outcome {
            output.end_line();
            self.console.complain(format_args!(
                "jsonframe: note: {server} ended the connection by itself after its answer: {SERVES_ONE}"
            ));
        } else {
            sent.show_end();
            watched.with(|half| {
                half.say_end();
                half.end_sending();
            });
            if !matches!(outcome, Some(Ok(_))) {
                outcome = Some(another());
            }
        }
        let another = outcome.and_then(Result::ok).flatten();
        let followed = connection.get_ref().followed();
        let no_message = || {
            let rest = followed.rest();
            let shown = ByteString(&rest[..rest.len().min(SHOWN)]);
            let come = count_of_bytes(rest.len() as u64);
            followed
                .cause()
                .map_or_else(|| format!("after it comes what is no message, {come}: {shown}"), |cause| cause.words)
        };
        let words = another.or_else(|| followed.has_begun().then(no_message));
        if let Some(words) = words {
            output.end_line();
            self.console.complain(format_args!("jsonframe: hint on the answer from {server}: {words}"));
        }
    }

    /// What may help with a server that did not answer in time, by what it does when nothing more is sent to it: one that
    /// speaks another protocol may wait for the end of a line.
    fn last_words(
        &self,
        connection: &mut Connection<Tapped<Patient<'_>>>,
        watched: &Watched<Half>,
        sent: &Sent,
    ) -> Option<String> {
        let had_begun = !connection.get_ref().followed().is_empty();
        sent.show_end();
        watched.with(|half| half.end_sending());
        watched.within(self.timeout.min(LAST_WORDS));
        let outcome = connection.receive().map(|answer| answer.is_some());
        let followed = connection.get_ref().followed();
        Some(match outcome {
            // Only another request tells these apart.
            Ok(true) => "it answers only after the end of the requests: does it keep the answer in a buffer? Then flush it \
                         (wfile.flush() in Python). Or does it wait for the end of the stream? Or for that of a line (readline)? \
                         Then it answers --data with a line end as its last byte"
                .into(),
            // That it says no more is nothing else.
            Err(Error::Decode(error)) if !had_begun || !matches!(error.kind(), DecodeErrorKind::Truncated { .. }) => {
                let said = followed.cause().map_or(error.to_string(), |cause| cause.before(error));
                format!("after the end of the requests it said something else: {said}")
            }
            _ if !followed.is_empty() => return None,
            Err(Error::Io(late)) if is_time_out(&late) => {
                "it has taken the connection, and neither answers nor closes it, not even after the end of the requests: it may \
                 still wait for bytes and ignore that end, be busy, or never send its answer; put a print before its sendall"
                    .into()
            }
            Ok(false) | Err(_) => {
                let is_standard = self.dialect == DialectName::STANDARD && self.dialects.sent.is_standard();
                let advice = if is_standard { "; try --dialect u16-le or --dialect u32" } else { "" };
                format!(
                    "it closed the connection after the end of the requests, so it was waiting for more: perhaps it drops what \
                     one recv takes beyond the header (keep that in a buffer), or reads the header length differently{advice}"
                )
            }
        })
    }

    /// Receives an answer, and says what is wrong with it.
    fn receive_one(
        &self,
        connection: &mut Connection<Tapped<Patient<'_>>>,
        (watched, awaited): (&Watched<Half>, &Awaited),
        server: impl Display + Copy,
        output: &mut Output,
        buffer: &mut [u8],
    ) -> Result<Answer, Received> {
        let failed = |error: Error| Received::Failed(error, None);
        let incoming = connection.receive().map_err(failed)?.ok_or(Received::Closed((0, 0)))?;
        let (header, mut content) = incoming.into_parts().map_err(failed)?;
        // The rest only has to go on.
        awaited.set(None);
        watched.at_rate(0, self.timeout);
        watched.doing(format!("receiving the answer from {server}"));
        let header = header.header();
        output.begin(&header)?;
        let mut metered = self.meter.start("receiving", header.content_length());
        let mut beginning = Vec::new();
        let mut encoded = Encoded::of(&header);
        let mut received = 0;
        loop {
            let count =
                content.read(buffer).map_err(|error| stopped(error.into(), received, header.content_length()))?;
            received += count as u64;
            if count == 0 {
                break;
            }
            metered.advance(count);
            beginning.extend_from_slice(&buffer[..count.min(PIECE - beginning.len())]);
            encoded.push(&buffer[..count]);
            output.piece(&header, &buffer[..count], &encoded)?;
        }
        drop(metered);
        output.end(&header, &encoded)?;
        if let Some(hint) = encoded.hint_of(&header, &beginning) {
            output.end_line();
            self.console.complain(format_args!("jsonframe: hint on the answer from {server}: {hint}"));
        }
        let is_cut = hint::is_cut(&header, &beginning);
        let is_right = !is_cut && encoded.is_right() && hint::json::of_content(&header, &beginning).is_none();
        Ok(Answer { is_cut, is_right })
    }
}

/// What is known of an answer that is there.
struct Answer {
    /// Whether its JSON seems to be cut short.
    is_cut: bool,
    /// Whether nothing is wrong with it. What is wrong has been said.
    is_right: bool,
}

/// Why not everything was sent.
enum Unsent {
    /// The content cannot be had.
    Source(String),
    /// The server takes nothing more, and may not have said why.
    Late(String),
    /// The stream has failed, or the server has ended it.
    Stream,
}

/// Why not every answer was received.
enum Received {
    /// The connection is closed: how many requests were answered, and of how many.
    Closed((usize, usize)),
    Failed(Error, Option<Cause>),
    /// None has come in time, or not all of it, and this is what the server did.
    Silence(Error, String),
    Unwritten(Failure),
}

impl From<Failure> for Received {
    fn from(failure: Failure) -> Self {
        Self::Unwritten(failure)
    }
}

impl Received {
    fn in_words(self, server: impl Display) -> Failure {
        match self {
            Self::Closed((0, _)) => {
                Failure::Other(format!("no answer from {server}: it closed the connection without one{FAILED}"))
            }
            Self::Closed((answered, total)) => {
                let why = match answered {
                    1 => format!(": {SERVES_ONE}, or have failed at the second: see what it prints"),
                    _ => FAILED.into(),
                };
                Failure::Other(format!(
                    "no answer from {server}: it answered {answered} of {total} requests and closed the connection{why}"
                ))
            }
            Self::Failed(error, None) => {
                let hint = if is_reset(&error) { FAILED } else { "" };
                Failure::Other(format!("{}{hint}", no_answer(error, server)))
            }
            Self::Failed(error, Some(cause)) => {
                Failure::Other(no_answer(io::Error::other(cause.before(error)), server))
            }
            Self::Silence(error, words) => Failure::Other(format!("{}; {words}", no_answer(error, server))),
            Self::Unwritten(failure) => failure,
        }
    }
}

fn is_reset(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::ConnectionReset)
}

/// How far a header has come that is not whole in time.
fn header_so_far((received, length): (u64, u64)) -> String {
    format!("{received} of the {} of the answer's header came in that time: {SENDS_ALL}", count_of_bytes(length))
}

/// Why content of this length does not go on.
fn stopped(error: Error, received: u64, length: u64) -> Received {
    match error {
        Error::Io(late) if is_time_out(&late) => {
            let words = format!(
                "{received} of the {} of the answer's content came, then nothing: {SENDS_ALL}",
                count_of_bytes(length)
            );
            Received::Silence(late.into(), words)
        }
        error => Received::Failed(error, None),
    }
}

/// A source whose failure is told apart from that of the stream.
struct Noting<'a, R> {
    source: R,
    failure: &'a mut Option<String>,
}

impl<R: Read> Read for Noting<'_, R> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.source.read(place).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                *self.failure = Some(error.to_string());
            }
        })
    }
}
