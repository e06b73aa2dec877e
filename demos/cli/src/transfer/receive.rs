//! The receiving side.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use jsonframe::{Checksum, ChecksumError, ContentHasher, DecodeError, Header};
use jsonframe_std::{Connection, Error, Incoming};
use rustls::ServerConfig;

use super::file_name::{self, Shown};
use super::limits::Limits;
use super::linger::close_lingeringly;
use super::progress::Progress;
use super::store::Store;
use super::verdict::Verdict;
use crate::connect::Stream;
use crate::console::Kind;
use crate::listener::Listener;
use crate::served::Served;
use crate::slots::Slots;
use crate::text::{Printable, count_of_bytes};
use crate::threads::serve_each;
use crate::watched::{Watched, is_time_out};

/// How much of a file is in memory at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// A receiver that listens.
pub(super) struct Receiver {
    listener: Listener,
    tls: Option<Arc<ServerConfig>>,
    limits: Limits,
    store: Store,
    progress: Progress,
}

impl Receiver {
    /// A receiver that listens there, and speaks TLS over TCP if there is a configuration. Files go to the store, a line for
    /// each to the console.
    pub(super) fn new(
        listener: Listener,
        tls: Option<Arc<ServerConfig>>,
        limits: Limits,
        store: Store,
        progress: Progress,
    ) -> Arc<Self> {
        Arc::new(Self { listener, tls, limits, store, progress })
    }

    /// Receives files. Nothing that a peer does ends it.
    pub(super) fn run(self: &Arc<Self>) {
        let slots = Slots::new(self.limits.max_connections.get());
        let receiver = Arc::clone(self);
        serve_each(&self.listener, &slots, self.progress.console(), move |_, accepted, peer| {
            if let Ok(stream) = Stream::accepted(accepted, None) {
                receiver.converse(stream, &peer);
            }
        });
    }

    /// Receives one file.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    pub(super) fn run_once(&self) -> Result<(), String> {
        let accepted =
            self.listener.accept().and_then(|(accepted, peer)| Ok((Stream::accepted(accepted, None)?, peer)));
        let (stream, peer) = accepted.map_err(|error| format!("cannot accept a connection: {error}"))?;
        let (stream, peer) = (Watched::new(stream), peer.as_str());
        let mut connection = self.connection(&stream).map_err(|failure| failure.in_words(peer))?;
        let outcome = match self.receive(&mut connection, peer) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("no file came from {peer}")),
            Err(failure) => {
                let reason = failure.in_words(peer);
                self.refuse(&mut connection, failure);
                Err(reason)
            }
        };
        connection.get_mut().say_end();
        close_lingeringly(stream.into_inner());
        outcome
    }

    fn connection<'a>(&self, stream: &'a Watched<Stream>) -> Result<Sender<'a>, Failure> {
        let served = Served::begin(stream, self.tls.as_ref(), self.limits.timeout.into());
        let served =
            served.map_err(|reason| Failure { name: None, reason, can_be_answered: false, kind: Kind::NotUnderstood });
        Ok(Connection::new(served?).with_max_content(self.limits.max_size))
    }

    /// One connection, from its beginning to its end.
    fn converse(&self, stream: Stream, peer: &str) {
        let stream = Watched::new(stream);
        let complain = |failure: &Failure| {
            self.progress.complain_of(failure.kind, format_args!("error: {}", failure.in_words(peer)));
        };
        let mut connection = match self.connection(&stream) {
            Ok(connection) => connection,
            Err(failure) => return complain(&failure),
        };
        let failure = loop {
            match self.receive(&mut connection, peer) {
                Ok(true) => {}
                Ok(false) => return connection.get_mut().say_end(),
                Err(failure) => break failure,
            }
        };
        complain(&failure);
        let was_slow = failure.kind == Kind::OverLimit;
        // To linger for a slow peer would grant it more of what it has had too much of.
        if self.refuse(&mut connection, failure) && !was_slow {
            connection.get_mut().say_end();
            close_lingeringly(stream.into_inner());
        }
    }

    /// Receives a file and answers: false if the peer has left instead.
    fn receive(&self, connection: &mut Sender<'_>, peer: &str) -> Result<bool, Failure> {
        let stream = connection.get_ref().socket();
        let Limits { timeout, pace, .. } = self.limits;
        stream.await_message(timeout.into(), pace.header_timeout.into());
        let Some(mut message) = connection.receive()? else { return Ok(false) };
        stream.at_rate(pace.min_rate, pace.rate_window.into());
        stream.doing("receiving the content");
        let name = name(&message.header())?;
        let named = |failure: Failure| failure.about(&name);
        let (length, sum) = self.store(&mut message, &name).map_err(named)?;

        let (shown, bytes) = (Printable(&name), count_of_bytes(length));
        match sum {
            Some(sum) => self.progress.say(format_args!("received {shown} ({bytes}, sha256 {sum}) from {peer}")),
            None => self.progress.say(format_args!("received {shown} ({bytes}, no checksum) from {peer}")),
        }
        self.answer(connection, &Verdict::received(length)).map_err(|error| named(error.into()))?;
        Ok(true)
    }

    fn answer(&self, connection: &mut Sender<'_>, verdict: &Verdict) -> Result<(), Error> {
        let stream = connection.get_ref().socket();
        stream.within(self.limits.timeout.into());
        stream.doing("sending the answer");
        connection.send_json(verdict)
    }

    /// Answers with the reason: whether that has gone out.
    fn refuse(&self, connection: &mut Sender<'_>, failure: Failure) -> bool {
        failure.can_be_answered && self.answer(connection, &Verdict::Refused { error: failure.reason }).is_ok()
    }

    /// Why a file cannot be stored.
    fn of_disk(&self, error: &io::Error) -> Failure {
        match error.kind() {
            ErrorKind::QuotaExceeded => {
                let most = count_of_bytes(self.store.max_total());
                Failure::refusal(format!("this receiver stores at most {most} in all"))
            }
            _ => Failure::refusal(format!("it cannot be stored: {error}")),
        }
    }

    /// Stores the content of a message under this name. Returns its length, and its checksum if that was compared.
    fn store(&self, message: &mut Incoming<'_, Served<'_>>, name: &str) -> Result<(u64, Option<Checksum>), Failure> {
        let announced = match Checksum::announced(&message.header()) {
            Err(ChecksumError::Missing) if !self.limits.require_checksum => None,
            announced => Some(announced?),
        };
        let length = message.header().content_length();
        let mut partial = self.store.begin(name).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::refusal("there is such a file already"),
            ErrorKind::IsADirectory => Failure::refusal("there is a directory of this name"),
            _ => self.of_disk(&error),
        })?;
        let bar = self.progress.bar("receiving", name, length);
        let mut hasher = ContentHasher::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = message.read(&mut chunk).map_err(content_error)?;
            if count == 0 {
                break;
            }
            let bytes = &chunk[..count];
            hasher.update(bytes);
            partial.write(bytes).map_err(|error| self.of_disk(&error))?;
            bar.inc(count as u64);
        }
        if let Some(announced) = announced {
            hasher.check(announced)?;
        }
        partial.finish().map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::refusal("there is such a file by now"),
            _ => self.of_disk(&error),
        })?;
        Ok((length, announced))
    }
}

/// The connection to a sender.
type Sender<'a> = Connection<Served<'a>>;

/// The name that a file is to have.
fn name(header: &Header<'_>) -> Result<String, Failure> {
    let value = header.extension(file_name::MEMBER);
    let value = value.ok_or_else(|| Failure::refusal(format!("the header has no member `{}`", file_name::MEMBER)))?;
    let name = value.as_str().ok_or_else(|| Failure::refusal("the filename is not text"))?;
    file_name::check(name).map_err(|reason| {
        Failure::refusal(format!("the filename cannot be used here: {reason}")).about(&Shown(name).to_string())
    })?;
    Ok(name.into())
}

/// Why a file is not received.
struct Failure {
    /// Its name, if that is known.
    name: Option<String>,
    reason: String,
    /// Whether the stream can still take an answer.
    can_be_answered: bool,
    /// [`Kind::OverLimit`] if the peer took too long.
    kind: Kind,
}

impl Failure {
    fn refusal(reason: impl Into<String>) -> Self {
        Self { name: None, reason: reason.into(), can_be_answered: true, kind: Kind::NotUnderstood }
    }

    fn about(self, name: &str) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    fn in_words(&self, peer: &str) -> String {
        let reason = &self.reason;
        match &self.name {
            Some(name) => format!("{} from {peer}: {reason}", Printable(name)),
            None => format!("{reason} from {peer}"),
        }
    }
}

impl From<ChecksumError> for Failure {
    fn from(error: ChecksumError) -> Self {
        Self::refusal(error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(error) if is_time_out(error) => Kind::OverLimit,
            Error::Io(_) => Kind::Failed,
            _ => Kind::NotUnderstood,
        };
        Self { name: None, reason: error.to_string(), can_be_answered: kind != Kind::Failed, kind }
    }
}

/// The error for what reading a message's content returned: of the stream, or of the peer who ended it too early.
fn content_error(error: io::Error) -> Error {
    error.downcast::<DecodeError>().map_or_else(Error::Io, Error::Decode)
}
