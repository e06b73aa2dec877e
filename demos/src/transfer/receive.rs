//! The receiving side.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use jsonframe::{Checksum, ChecksumError, ContentHasher, Header};
use jsonframe_std::{Connection, Error, Incoming};

use super::file_name;
use super::progress::Progress;
use super::store::Store;
use super::verdict::Verdict;
use crate::linger::close_lingeringly;
use crate::slots::Slots;
use crate::text::Printable;
use crate::threads::serve_each;
use crate::wire::{content_error, in_words, prepare};

/// How much of a file is in memory at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// What a receiver grants its senders.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections are served at a time. Others wait to be accepted.
    pub connections: NonZeroUsize,
    /// For how long nothing may move on a connection.
    pub timeout: Duration,
    /// The largest file that is accepted, in bytes.
    pub size: u64,
    /// Whether files without a checksum are refused.
    pub require_checksum: bool,
}

impl Default for Limits {
    /// 64 connections, a minute, 64 GiB; files without a checksum are accepted.
    fn default() -> Self {
        Self {
            connections: const { NonZeroUsize::new(64).unwrap() },
            timeout: Duration::from_mins(1),
            size: 64 * 1024 * 1024 * 1024,
            require_checksum: false,
        }
    }
}

/// A receiver that listens.
pub struct Receiver {
    listener: TcpListener,
    limits: Limits,
    store: Store,
    progress: Progress,
}

impl Receiver {
    /// A receiver at this address, which says so. Files go to the store, a line for each to the console.
    ///
    /// # Errors
    ///
    /// Those of [`TcpListener::bind`].
    pub fn bind(
        address: impl ToSocketAddrs,
        limits: Limits,
        store: Store,
        progress: Progress,
    ) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind(address)?;
        progress.say(format_args!("listening on {}", listener.local_addr()?));
        Ok(Arc::new(Self { listener, limits, store, progress }))
    }

    /// Receives files until the console has failed. Nothing that a peer does ends it.
    pub fn run(self: &Arc<Self>) {
        let slots = Slots::new(self.limits.connections.get());
        let receiver = Arc::clone(self);
        serve_each(&self.listener, &slots, self.progress.console(), move |stream, peer| {
            receiver.converse(stream, peer);
        });
    }

    /// Receives one file.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    pub fn run_once(&self) -> Result<(), String> {
        let (stream, peer) = loop {
            match self.listener.accept() {
                // A sender may be gone before it is accepted.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                accepted => break accepted.map_err(|error| format!("cannot accept a connection: {error}"))?,
            }
        };
        let mut connection = self.connection(stream);
        let outcome = match self.receive(&mut connection, peer) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("no file came from {peer}")),
            Err(failure) => {
                let reason = failure.in_words(peer);
                refuse(&mut connection, failure);
                Err(reason)
            }
        };
        close_lingeringly(connection.into_parts().0);
        outcome
    }

    fn connection(&self, stream: TcpStream) -> Connection<TcpStream> {
        Connection::new(stream).with_max_content(self.limits.size)
    }

    /// One connection, from its beginning to its end.
    fn converse(&self, stream: TcpStream, peer: SocketAddr) {
        let mut connection = self.connection(stream);
        loop {
            match self.receive(&mut connection, peer) {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    self.progress.complain(format_args!("error: {}", failure.in_words(peer)));
                    if refuse(&mut connection, failure) {
                        close_lingeringly(connection.into_parts().0);
                    }
                    return;
                }
            }
        }
    }

    /// Receives a file and answers: false if the peer has left instead.
    fn receive(&self, connection: &mut Connection<TcpStream>, peer: SocketAddr) -> Result<bool, Failure> {
        prepare(connection.get_ref(), self.limits.timeout).map_err(Error::Io)?;
        let Some(mut message) = connection.receive()? else { return Ok(false) };
        let name = name(&message.header())?;
        let named = |failure: Failure| failure.about(&name);
        let (length, sum) = self.store(&mut message, &name).map_err(named)?;

        let shown = Printable(&name);
        match sum {
            Some(sum) => {
                self.progress.say(format_args!("received {shown} ({length} bytes, sha256 {sum}) from {peer}"));
            }
            None => self.progress.say(format_args!("received {shown} ({length} bytes, no checksum) from {peer}")),
        }
        answer(connection, &Verdict::received(length)).map_err(|error| named(error.into()))?;
        Ok(true)
    }

    /// Stores the content of a message under this name. Returns its length, and its checksum if that was compared.
    fn store(&self, message: &mut Incoming<'_, TcpStream>, name: &str) -> Result<(u64, Option<Checksum>), Failure> {
        let announced = match Checksum::announced(&message.header()) {
            Err(ChecksumError::Missing) if !self.limits.require_checksum => None,
            announced => Some(announced?),
        };
        let length = message.header().content_length();
        let mut partial = self.store.begin(name).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::refusal("there is such a file already"),
            ErrorKind::IsADirectory => Failure::refusal("there is a directory of this name"),
            _ => Failure::of_disk(&error),
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
            partial.write(bytes).map_err(|error| Failure::of_disk(&error))?;
            bar.advance(count);
        }
        if let Some(announced) = announced {
            hasher.check(announced)?;
        }
        partial.finish().map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::refusal("there is such a file by now"),
            _ => Failure::of_disk(&error),
        })?;
        Ok((length, announced))
    }
}

/// The name that a file is to have.
fn name(header: &Header<'_>) -> Result<String, Failure> {
    let value = header.extension(file_name::MEMBER);
    let value = value.ok_or_else(|| Failure::refusal(format!("the header has no member `{}`", file_name::MEMBER)))?;
    let name = value.as_str().ok_or_else(|| Failure::refusal("the filename is not text"))?;
    file_name::check(name)
        .map_err(|reason| Failure::refusal(format!("the filename cannot be used here: {reason}")).about(name))?;
    Ok(name.into())
}

/// Why a file is not received.
struct Failure {
    /// Its name, if that is known.
    name: Option<String>,
    reason: String,
    /// Whether the stream can still take an answer.
    can_be_answered: bool,
}

impl Failure {
    fn refusal(reason: impl Into<String>) -> Self {
        Self { name: None, reason: reason.into(), can_be_answered: true }
    }

    fn of_disk(error: &io::Error) -> Self {
        Self::refusal(format!("it cannot be stored: {}", without_path(error)))
    }

    fn about(self, name: &str) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    fn in_words(&self, peer: SocketAddr) -> String {
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
        let can_be_answered = !matches!(error, Error::Io(_));
        Self { name: None, reason: in_words(error), can_be_answered }
    }
}

/// The error as the system gives it. To know the directories of this computer is not the sender's business.
fn without_path(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.kind().to_string(), |code| io::Error::from_raw_os_error(code).to_string())
}

fn answer(connection: &mut Connection<TcpStream>, verdict: &Verdict) -> Result<(), Error> {
    connection.send_json(verdict)
}

/// Answers with the reason: whether that has gone out.
fn refuse(connection: &mut Connection<TcpStream>, failure: Failure) -> bool {
    failure.can_be_answered && answer(connection, &Verdict::Refused { error: failure.reason }).is_ok()
}
