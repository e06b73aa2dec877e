//! The server of the tutorial under tokio: a task for each connection, which receives and sends through
//! [`Codec`](jsonframe::Codec).
//!
//! It answers, complains and ends as [`server`](crate::server) does.

mod clock;
mod connection;
mod conversation;
mod limits;
mod total;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::console::{Console, Kind};
use crate::dialect::Dialects;
use limits::AtLimit;
use total::Total;

pub use limits::Limits;

/// How long it waits when a connection cannot be accepted, for want of descriptors most often.
const PAUSE: Duration = Duration::from_millis(20);

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    console: Console,
    shared: Arc<Shared>,
}

/// How a server is to serve.
pub struct Settings {
    /// What it grants its peers.
    pub limits: Limits,
    /// What it speaks with all of them.
    pub dialects: Dialects,
    /// Whether it closes each connection after its first answer.
    pub closes_after_reply: bool,
    /// Whether it prints only where it listens, and errors.
    pub quiet: bool,
}

/// What all connections need.
struct Shared {
    limits: Limits,
    dialects: Dialects,
    closes_after_reply: bool,
    /// Where the lines about peers go.
    console: Console,
    /// The content that is being collected for all of them.
    collected: Total,
    /// What they have not taken of their answers.
    queued: Total,
    /// Set when the server is to end: what is under way goes on.
    ending: CancellationToken,
    /// Set when the time for that is over.
    over: CancellationToken,
    /// How long that time is.
    patience: OnceLock<Duration>,
}

/// Ends a server from elsewhere.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// Has the server accept nothing more, and end when what is under way has been answered, or after this time.
    pub fn shutdown(&self, patience: Duration) {
        self.0.shutdown(patience);
    }
}

impl Shared {
    fn shutdown(&self, patience: Duration) {
        self.patience.get_or_init(|| patience);
        self.ending.cancel();
    }
}

impl Server {
    /// A server at this address. Its lines go to the console.
    ///
    /// # Errors
    ///
    /// If the address cannot be resolved, or not be listened on.
    pub async fn bind(host: &str, port: u16, settings: Settings, console: Console) -> io::Result<Self> {
        let Settings { limits, dialects, closes_after_reply, quiet } = settings;
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in lookup_host((host, port)).await? {
            match listen(address, limits.backlog) {
                Ok(listener) => {
                    let shared = Shared {
                        collected: Total::new(limits.max_collected),
                        queued: Total::new(limits.max_queued_total),
                        limits,
                        dialects,
                        closes_after_reply,
                        console: if quiet { console.quiet() } else { console.clone() },
                        ending: CancellationToken::new(),
                        over: CancellationToken::new(),
                        patience: OnceLock::new(),
                    };
                    let address = listener.local_addr()?;
                    return Ok(Self { listener, address, console, shared: Arc::new(shared) });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// A handle on it, to shut it down.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Serves until it is shut down. Nothing that a peer does ends it.
    pub async fn run(self) {
        let Self { listener, address, console, shared } = self;
        console.say(format_args!("listening on {address}"));
        let mut tasks = JoinSet::new();
        let door = Door::new(listener, &shared);
        let serve = |tasks: &mut JoinSet<()>, (stream, peer, place): Arrival| {
            let shared = Arc::clone(&shared);
            tasks.spawn(async move {
                conversation::converse(&shared, stream, peer).await;
                drop(place);
            });
        };
        while let Some(arrival) = door.next(&shared).await {
            serve(&mut tasks, arrival);
            while tasks.try_join_next().is_some() {}
        }
        let end = async {
            // Those that wait already are connected as far as they know, and may have sent something.
            for _ in 0..=shared.limits.backlog {
                let Some(arrival) = door.accept(&shared, PAUSE).await else { break };
                serve(&mut tasks, arrival);
            }
            drop(door);
            while tasks.join_next().await.is_some() {}
        };
        let patience = shared.patience.get().copied().unwrap_or_default();
        if timeout(patience, end).await.is_err() {
            shared.over.cancel();
            while tasks.join_next().await.is_some() {}
        }
    }
}

fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a server can be started again at once. Elsewhere the option means that two can listen.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// A connection, its peer's address, and its place among all.
type Arrival = (TcpStream, SocketAddr, OwnedSemaphorePermit);

/// Where connections come in.
struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Door {
    fn new(listener: TcpListener, shared: &Shared) -> Self {
        let places = shared.limits.max_connections.get().min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places));
        Self { listener, places }
    }

    /// The next connection for which there is a place; nothing when the server is to end.
    async fn next(&self, shared: &Shared) -> Option<Arrival> {
        tokio::select! {
            biased;
            () = shared.ending.cancelled() => None,
            accepted = self.accept(shared, Duration::MAX) => accepted,
        }
    }

    /// The next connection, once there is a place; nothing if none comes within this time then.
    async fn accept(&self, shared: &Shared, within: Duration) -> Option<Arrival> {
        let mut place = None;
        loop {
            if shared.limits.at_limit == AtLimit::Wait && place.is_none() {
                place = Some(Arc::clone(&self.places).acquire_owned().await.ok()?);
            }
            let accepted = timeout(within, self.listener.accept()).await.ok()?;
            match accepted.and_then(|(stream, peer)| stream.set_nodelay(true).map(|()| (stream, peer))) {
                Ok((stream, peer)) => {
                    let found = place.take().or_else(|| Arc::clone(&self.places).try_acquire_owned().ok());
                    if let Some(place) = found {
                        return Some((stream, peer, place));
                    }
                    let why = "there are as many connections as there may be";
                    shared.console.complain_of(Kind::Refused, format_args!("error: {why}; refused {peer}"));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let line = format_args!("error: cannot accept connections: {error}");
                    shared.console.complain_of(Kind::NotAccepted, line);
                    sleep(PAUSE).await;
                }
            }
        }
    }
}
