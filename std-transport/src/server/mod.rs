//! Many connections in one thread, or in a few.
//!
//! A [`Server`] accepts connections and gives what they send to a [`Handler`], message by message. It waits for all of
//! them at once on the system's readiness poller, so that ten thousand take one thread and, while they are idle, less
//! than 1 KiB each. With the feature `tokio` there is also `jsonframe_std::tokio::Server`, which makes the same promises to a
//! handler that may wait.
//!
//! ```
//! use std::time::Duration;
//!
//! use jsonframe_std::Connection;
//! use jsonframe_std::protocol::Message;
//! use jsonframe_std::server::{Handler, Limits, Peer, Server};
//!
//! struct Doubler;
//!
//! impl Handler for Doubler {
//!     type State = ();
//!
//!     fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
//!         let sent = match message.json::<u32>() {
//!             Ok(number) => peer.send_json(&(2 * number)),
//!             Err(error) => peer.send_json(&error.to_string()),
//!         };
//!         if sent.is_err() {
//!             peer.close();
//!         }
//!     }
//! }
//!
//! let server = Server::bind("127.0.0.1:0", Limits::default())?;
//! let (address, handle) = (server.address(), server.handle());
//! let thread = std::thread::spawn(move || server.run(Doubler));
//!
//! let mut connection = Connection::connect(address)?;
//! connection.send_json(&21)?;
//! assert_eq!(connection.receive()?.expect("an answer").json::<u32>()?, 42);
//!
//! handle.shutdown(Duration::from_secs(5));
//! thread.join().expect("a handler's panic ends one connection")?;
//! # Ok::<(), jsonframe_std::Error>(())
//! ```
//!
//! # What it promises
//!
//! - **One peer never delays another**: slow, silent or greedy, it has its turn, of 64 messages, 256 KiB in or 1 MiB
//!   out, and its [deadlines](Limits), in both directions. Only the handler can hold a thread up.
//! - **Memory is bounded** by the [`Limits`], of which every one is finite. A peer that does not read its replies is not
//!   read either, and no peer ever misses a message or a reply and goes on: if one does not fit, the connection ends. When
//!   all peers together hold too much, whoever holds most is ended, not whoever comes next.
//! - **A panic ends one connection**, the one that the handler was called for.
//! - **Accepting never ends**: without file descriptors it is tried again, 50 times a second and no more.
//! - **What was wrong, the peer can be told**: what [`Handler::farewell`] sends arrives, even if the peer is still
//!   sending.
//! - **A shutdown loses nothing**: [`Handle::shutdown`] lets messages under way arrive and replies go out, also on
//!   connections that wait to be accepted.

pub(crate) mod accept;
pub(crate) mod connection;
mod frame;
mod handle;
mod handler;
mod id;
pub(crate) mod mailbox;
pub(crate) mod outlet;
pub(crate) mod peer;
mod reply;
pub(crate) mod shared;
mod stats;
mod stopping;
pub(crate) mod stream;
mod test_peer;
mod to;
mod turn;
mod worker;

use std::io;
use std::net::{self, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use jsonframe::Dialect;
use mio::net::TcpListener;
use socket2::{Domain, Protocol, Socket, Type};

pub use accept::NotAccepted;
pub use handle::Handle;
pub use handler::{FromFn, Handler, from_fn};
pub use id::Id;
pub use peer::Peer;
pub use reply::Reply;
pub use stats::Stats;
pub use test_peer::TestPeer;
pub use to::To;

pub use crate::engine::{AtLimit, CloseReason, ContentMode, Deadline, Limits};

use accept::Acceptor;
use shared::Shared;
use worker::Worker;

/// A server that listens. See the [module](self).
#[derive(Debug)]
#[must_use = "it serves nobody until it runs"]
pub struct Server {
    listener: net::TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// A server at this address, which can be used again at once after it.
    ///
    /// # Errors
    ///
    /// If the address cannot be resolved, or at none of its results can be listened.
    pub fn bind(address: impl ToSocketAddrs, limits: Limits) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
        for address in address.to_socket_addrs()? {
            match listen(address, limits.backlog) {
                Ok(listener) => return Self::from_listener(listener, limits),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// A server on a listener that is there already, from a supervisor for one.
    ///
    /// # Errors
    ///
    /// If the listener has no address or cannot be made non-blocking.
    pub fn from_listener(listener: net::TcpListener, limits: Limits) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, shared: Arc::new(Shared::new(limits)) })
    }

    /// Speaks this dialect with all peers, in both directions. Of several calls the last one counts.
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        self.shared.set_dialects(dialect, dialect);
        self
    }

    /// Sends in this dialect to all peers, whatever they send in. To be called after [`with_dialect`](Self::with_dialect).
    pub fn with_sending_dialect(self, dialect: &'static Dialect) -> Self {
        self.shared.set_dialects(self.shared.dialect(), dialect);
        self
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn into_parts(self) -> (net::TcpListener, Arc<Shared>) {
        (self.listener, self.shared)
    }

    /// The address at which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle on the server, for other threads.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Serves in this thread, until the server is [shut down](Handle::shutdown). Nothing that a peer does ends it.
    ///
    /// # Errors
    ///
    /// If there is no poller to be had, or it fails.
    pub fn run(self, mut handler: impl Handler) -> io::Result<()> {
        let _over = Over(Arc::clone(&self.shared));
        self.start(1)?.into_iter().try_for_each(|worker| worker.run(&mut handler))
    }

    /// Serves in as many threads as there are handlers, until the server is [shut down](Handle::shutdown). Each has a
    /// poller and connections of its own.
    ///
    /// # Errors
    ///
    /// If there is no poller to be had, or one fails, or there is no handler. If one thread fails, all end.
    pub fn run_workers<H>(self, handlers: impl IntoIterator<Item = H>) -> io::Result<()>
    where
        H: Handler<State: Send> + Send,
    {
        let _over = Over(Arc::clone(&self.shared));
        let handlers: Vec<H> = handlers.into_iter().collect();
        let workers = self.start(handlers.len())?;
        thread::scope(|scope| {
            let run = |(worker, mut handler): (Worker<TcpListener, H::State>, H)| {
                scope.spawn(move || worker.run(&mut handler))
            };
            let threads: Vec<_> = workers.into_iter().zip(handlers).map(run).collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }

    /// The workers, of which the first accepts.
    fn start<S: Default>(self, count: usize) -> io::Result<Vec<Worker<TcpListener, S>>> {
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no handler"));
        }
        let (mut workers, mut posts): (Vec<_>, Vec<_>) =
            (0..count).map(|_| Worker::new(count, Arc::clone(&self.shared))).collect::<io::Result<_>>()?;
        self.shared.start(workers.iter().map(|worker: &Worker<_, _>| Arc::clone(worker.totals())).collect());
        if let Some(first) = workers.first_mut() {
            let listener = TcpListener::from_std(self.listener);
            first.listen(Acceptor::new(listener), posts.split_off(1))?;
        }
        Ok(workers)
    }
}

/// Says that the server has ended, however it has.
pub(crate) struct Over(pub(crate) Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn listen(address: SocketAddr, backlog: u32) -> io::Result<net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Elsewhere it means that another program may take the address over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}
