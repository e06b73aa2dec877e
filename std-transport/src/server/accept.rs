//! Accepting connections, whatever goes wrong.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::listener::Setup;
use super::places::{LongestIdle, Network};
use super::shared::{Shared, lock};
use super::{Address, AtLimit, CloseReason, Listener};
#[cfg(unix)]
use crate::stream::as_tcp;
use crate::stream::{Raw, Stream};

/// Why a connection was not accepted: [`Handler::not_accepted`](super::Handler::not_accepted) and
/// [`Handle::adopt`](super::Handle::adopt).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAccepted {
    /// There were as many as there may be, so the one from this address was closed:
    /// [`AtLimit::Refuse`].
    #[error("there are as many connections as there may be")]
    AtLimit(Address),
    /// There were as many from this address as there may be of one, so the connection was closed:
    /// [`Limits::max_per_address`](super::Limits::max_per_address).
    #[error("there are as many connections from this address as there may be")]
    AddressLimit(Address),
    /// What precedes the messages, a PROXY header or the handshake of TLS, has failed, has taken too long
    /// ([`Deadline::Handshake`](super::Deadline::Handshake)), or was not complete when the server was shut down.
    ///
    /// With [`CloseReason::Ended`] nothing has gone wrong: the peer left before it sent a byte, as a health check does that only
    /// connects, or a proxy ended a connection of its own. These are not counted as
    /// [failed](super::Stats::failed_handshakes).
    #[error("{why}")]
    Handshake {
        /// The peer's address; that of the client if a PROXY header has come.
        address: Address,
        /// What has gone wrong.
        why: CloseReason,
    },
    /// The system had none to give, for want of file descriptors or memory, or because the peer was gone already.
    #[error(transparent)]
    Io(io::Error),
    /// The server has ended or is being shut down, so it does not [adopt](super::Handle::adopt) any.
    #[error("the server accepts no more connections")]
    Closed,
}

/// A stream that somebody else has accepted, for [`Handle::adopt`](super::Handle::adopt): a `TcpStream`, or on Unix a `UnixStream`.
#[derive(Debug)]
pub struct Accepted {
    stream: TcpStream,
    is_unix: bool,
}

impl From<TcpStream> for Accepted {
    fn from(stream: TcpStream) -> Self {
        Self { stream, is_unix: false }
    }
}

#[cfg(unix)]
impl From<UnixStream> for Accepted {
    fn from(stream: UnixStream) -> Self {
        Self { stream: as_tcp(stream), is_unix: true }
    }
}

impl Accepted {
    /// Makes the stream as those are that a server accepts itself, and returns it with the peer's address.
    pub(super) fn prepare(self) -> io::Result<(TcpStream, Address)> {
        self.stream.set_nonblocking(true)?;
        let address = if self.is_unix { Address::Unix } else { self.stream.peer_addr()?.into() };
        Ok((self.stream, address))
    }
}

/// How many connections are accepted before the others have their turn.
pub(crate) const AT_ONCE: usize = 256;
/// How long is waited after a failure: no more than 50 of them a second.
const PAUSE: Duration = Duration::from_millis(20);

/// Where connections come from, as a server polls it.
pub(crate) trait Accept: Sized {
    type Raw: Raw;

    fn open(listener: Listener) -> io::Result<Self>;

    /// The next connection, or `WouldBlock` if there is none.
    fn accept(&mut self) -> io::Result<(Self::Raw, Address)>;

    /// A connection that somebody else has accepted.
    fn adopt(stream: TcpStream) -> io::Result<Self::Raw>;

    /// The socket of a connection.
    fn socket(stream: &Self::Raw) -> SockRef<'_>;
}

/// A connection that has been accepted.
#[derive(Debug)]
pub(crate) struct Arrival<R> {
    pub(crate) stream: Stream<R>,
    pub(crate) address: Address,
    /// The network for which it counts.
    pub(crate) network: Option<Network>,
}

/// All that connections come from, each in turn.
#[derive(Debug)]
pub(crate) struct Acceptors<L: Accept> {
    /// The streams that are adopted, and then the listeners.
    all: Vec<Acceptor<L>>,
    /// A connection for which another one is to end, and since when it waits: [`AtLimit::CloseIdle`].
    newcomer: Option<(Arrival<L::Raw>, Instant)>,
    /// Whose turn it is.
    next: usize,
}

impl<L: Accept> Acceptors<L> {
    /// The streams that are adopted, and what these listeners accept.
    pub(crate) fn new(listeners: Vec<Listener>, backlog: u32) -> io::Result<Self> {
        let mut all = vec![Acceptor::new(Setup::default(), None)];
        for mut listener in listeners {
            listener.set_backlog(backlog)?;
            let setup = std::mem::take(&mut listener.setup);
            all.push(Acceptor::new(setup, Some(L::open(listener)?)));
        }
        Ok(Self { all, newcomer: None, next: 0 })
    }

    pub(crate) fn doors(&mut self) -> impl Iterator<Item = &mut L> {
        self.all.iter_mut().filter_map(|acceptor| acceptor.door.as_mut())
    }

    /// There may be a connection at one of them: at number 0 one that is adopted, and at the others as [`doors`](Self::doors)
    /// has them. Returns whether there is one of this number.
    pub(crate) fn wake(&mut self, number: usize, now: Instant) -> bool {
        self.all.get_mut(number).map(|acceptor| acceptor.due.get_or_insert(now)).is_some()
    }

    /// There may be a connection at each of them.
    pub(crate) fn wake_all(&mut self, now: Instant) {
        self.all.iter_mut().for_each(|acceptor| acceptor.due = acceptor.due.or(Some(now)));
    }

    /// Accepts only those that wait already.
    pub(crate) fn stop(&mut self, backlog: u32, now: Instant) {
        self.wake_all(now);
        // The system lets one more wait than it was told.
        self.all.iter_mut().for_each(|acceptor| acceptor.left = Some(backlog.saturating_add(1)));
    }

    /// Whether all that waited when they were stopped have been accepted.
    pub(crate) fn is_over(&self) -> bool {
        self.newcomer.is_none() && self.all.iter().all(Acceptor::is_over)
    }

    /// For how long a connection has waited for another one to end, if one does.
    pub(crate) fn waited(&self, now: Instant) -> Option<Duration> {
        self.newcomer.as_ref().map(|(_, since)| now.saturating_duration_since(*since))
    }

    /// When one is to be asked, if not by an event.
    pub(crate) fn due(&self, shared: &Shared, now: Instant) -> Option<Instant> {
        if self.newcomer.is_some() {
            return if shared.places.is_full() { now.checked_add(LongestIdle::TICK) } else { Some(now) };
        }
        let due = self.all.iter().filter_map(|acceptor| acceptor.due).min();
        due.filter(|_| shared.limits.at_limit != AtLimit::Wait || !shared.places.is_full())
    }

    /// The next connection, if there is one, or why one is not accepted. No error is for good.
    pub(crate) fn accept(&mut self, shared: &Shared, now: Instant) -> Option<Result<Arrival<L::Raw>, NotAccepted>> {
        if self.due(shared, now).is_none_or(|due| due > now) {
            return None;
        }
        if let Some((newcomer, _)) = self.newcomer.take() {
            return Some(Ok(newcomer));
        }
        for _ in 0..self.all.len() {
            self.next = (self.next + 1) % self.all.len();
            match self.all.get_mut(self.next)?.accept(shared, now) {
                Some(Ok(arrival)) if shared.places.is_full() => {
                    self.newcomer = Some((arrival, now));
                    return None;
                }
                None => {}
                outcome => return outcome,
            }
        }
        None
    }
}

/// What connections come from, and whether there is any use in asking it.
#[derive(Debug)]
struct Acceptor<L> {
    setup: Setup,
    /// `None` for streams that somebody else has accepted.
    door: Option<L>,
    /// From when on it is to be asked, unless there is no connection in the backlog.
    due: Option<Instant>,
    /// In a shutdown, how many connections are still accepted: as many as can be in the backlog.
    left: Option<u32>,
}

impl<L: Accept> Acceptor<L> {
    const fn new(setup: Setup, door: Option<L>) -> Self {
        Self { setup, door, due: None, left: None }
    }

    const fn is_over(&self) -> bool {
        matches!(self.left, Some(0)) || (self.left.is_some() && self.due.is_none())
    }

    fn accept(&mut self, shared: &Shared, now: Instant) -> Option<Result<Arrival<L::Raw>, NotAccepted>> {
        if self.due.is_none_or(|due| due > now) || self.is_over() {
            return None;
        }
        let accepted = match &mut self.door {
            Some(door) => door.accept(),
            None => shared.next_adopted().and_then(|(stream, address)| Ok((L::adopt(stream)?, address))),
        };
        if let (Ok(_), Some(left)) = (&accepted, &mut self.left) {
            *left = left.saturating_sub(1);
        }
        let admitted = |(stream, address)| self.admit(stream, address, shared);
        match accepted.map_err(NotAccepted::Io).and_then(admitted) {
            Err(NotAccepted::Io(error)) => self.fail(error, now).map(Err),
            outcome => Some(outcome),
        }
    }

    /// Counts a connection for its address, unless it is refused.
    fn admit(&self, mut stream: L::Raw, address: Address, shared: &Shared) -> Result<Arrival<L::Raw>, NotAccepted> {
        let counted = if shared.limits.at_limit == AtLimit::Refuse && shared.places.is_full() {
            Err(NotAccepted::AtLimit(address))
        } else if self.setup.proxy_header {
            // The address is the proxy's, and the client's comes later.
            Ok(None)
        } else {
            shared.places.count(address)
        };
        let network = counted.inspect_err(|_| self.refuse(&mut stream, shared))?;
        self.setup.tune(&L::socket(&stream), address);
        let layered = self.setup.layer(stream).inspect_err(|_| shared.places.discount(network));
        Ok(Arrival { stream: layered.map_err(NotAccepted::Io)?, address, network })
    }

    /// Counts a connection as refused, and tells its peer, as far as that is possible without waiting.
    fn refuse(&self, stream: &mut L::Raw, shared: &Shared) {
        shared.count_refused();
        let message = lock(&shared.refusal);
        if self.setup.is_plain() && !message.is_empty() {
            let _ = stream.write(&message);
        }
    }

    /// Whatever it is, for want of file descriptors or memory, or for a connection that was gone too soon, it passes.
    fn fail(&mut self, error: io::Error, now: Instant) -> Option<NotAccepted> {
        match error.kind() {
            ErrorKind::WouldBlock => {
                self.due = None;
                return None;
            }
            ErrorKind::Interrupted => return None,
            // There is one less in the backlog, and no reason to have the others wait.
            ErrorKind::ConnectionAborted => {}
            _ => self.due = now.checked_add(PAUSE),
        }
        Some(NotAccepted::Io(error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::super::door::Door;
    use super::*;

    #[test]
    fn after_a_failure_it_is_tried_again_and_neither_at_once_nor_never() {
        let door = Door::open(Listener::tcp("127.0.0.1:0").unwrap()).unwrap();
        let (shared, now) = (Shared::new(Limits::default()), Instant::now());
        let mut acceptor = Acceptor::new(Setup::default(), Some(door));
        acceptor.due = Some(now);
        for (kind, due, is_told) in [
            (ErrorKind::Interrupted, Some(now), false),
            // Each of these takes a connection from the backlog, so they come to an end.
            (ErrorKind::ConnectionAborted, Some(now), true),
            (ErrorKind::OutOfMemory, Some(now + PAUSE), true),
            (ErrorKind::Other, Some(now + PAUSE), true),
        ] {
            let told = acceptor.fail(kind.into(), now);
            assert_eq!((acceptor.due, told.is_some()), (due, is_told), "{kind}");
            assert!(told.is_none_or(|why| matches!(why, NotAccepted::Io(error) if error.kind() == kind)), "{kind}");
        }
        assert!(acceptor.accept(&shared, now).is_none());
        // When the time has come, it asks, and hears that there is none.
        assert!(acceptor.accept(&shared, now + PAUSE).is_none());
        assert_eq!(acceptor.due, None);
    }
}
