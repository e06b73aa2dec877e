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
//! # Where it listens
//!
//! On any number of [`Listener`]s at once, for TCP and Unix sockets, whose peers are served together. A listener with a
//! certificate speaks TLS; one behind a proxy takes the client's address from a PROXY header. What somebody else has accepted,
//! [`Handle::adopt`] serves too.
//!
//! What precedes the messages, a PROXY header or a handshake, has a [deadline](Limits::handshake_timeout) and turns of its own. The
//! handler hears of a connection when its messages may flow, and of one that fails before by [`Handler::not_accepted`].
//!
//! # What it promises
//!
//! - **One peer never delays another**: slow, silent or greedy, it has its turn, of 64 messages, 256 KiB in or 1 MiB
//!   out, and its [deadlines](Limits), in both directions. Only the handler can hold a thread up. Over mio, short answers are
//!   written for up to eight connections together, and after 50 µs at the latest, unless a handler takes longer.
//! - **Memory is bounded** by the [`Limits`], of which every one is finite. A peer that does not read its replies is not
//!   read either, and no peer ever misses a message or a reply and goes on: if one does not fit, the connection ends. When
//!   all peers together hold too much, whoever holds most is ended, not whoever comes next.
//! - **A panic ends one connection**, the one that the handler was called for.
//! - **Accepting never ends**: without file descriptors it is tried again, 50 times a second for each listener and no
//!   more.
//! - **What was wrong, the peer can be told**: what [`Handler::farewell`] sends arrives, even if the peer is still
//!   sending.
//! - **A shutdown loses nothing**: [`Handle::shutdown`] lets messages under way arrive and replies go out, also on
//!   connections that wait to be accepted.
//!
//! # Seen from outside
//!
//! [`Handle::stats`] has figures. With the feature `tracing`, each connection has a span, `connection`, with its `id` and its
//! `address`; in it are events at the level info for `connected` and `closed`, at debug for each message that is `received` or
//! `sent`, and at error for a panic of the handler. One that is `not accepted` has an event at info. With the feature `metrics`,
//! these figures are given to the recorder that is installed when the server is made. One of a type without size, whose
//! gauges take nothing either, is taken for none.
//!
//! | name | kind | what it counts |
//! |---|---|---|
//! | `jsonframe_connections` | gauge | connections open |
//! | `jsonframe_accepted_total` | counter | connections accepted |
//! | `jsonframe_not_accepted_total` | counter | connections not accepted, by `reason` ([`NotAccepted`]) |
//! | `jsonframe_closed_total` | counter | connections ended, by `reason` ([`CloseReason`], [`Deadline`]) |
//! | `jsonframe_messages_received_total` | counter | whole messages received |
//! | `jsonframe_messages_sent_total` | counter | messages queued for peers |
//! | `jsonframe_received_bytes_total` | counter | bytes of messages received |
//! | `jsonframe_sent_bytes_total` | counter | bytes of messages sent |
//! | `jsonframe_queued_bytes` | gauge | memory held by what is queued for peers |
//! | `jsonframe_collected_bytes` | gauge | memory held by content that is not whole yet |
//! | `jsonframe_panics_total` | counter | panics of the handler |
//! | `jsonframe_answer_seconds` | histogram | from the last read before a message is handled, or the beginning of its turn, to the handler's return |

pub(crate) mod accept;
mod address;
pub(crate) mod connection;
mod door;
mod handle;
mod handler;
mod id;
pub(crate) mod listener;
pub(crate) mod mailbox;
pub(crate) mod observe;
pub(crate) mod outlet;
pub(crate) mod pace;
pub(crate) mod peer;
pub(crate) mod places;
mod reply;
#[cfg(feature = "json")]
mod serialized;
pub(crate) mod shared;
#[cfg(unix)]
mod socket_file;
mod test_peer;
pub(crate) mod turn;
mod worker;

use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::thread;

use jsonframe::{Dialect, EncodeError, Header, Message};

pub use accept::{Accepted, NotAccepted};
pub use address::Address;
pub use handle::Handle;
pub use handler::{FromFn, Handler, from_fn};
pub use id::{Id, To};
pub use listener::Listener;
pub use peer::Peer;
pub use reply::Reply;
pub use shared::Stats;
pub use test_peer::TestPeer;

pub use crate::engine::{AtLimit, CloseReason, ContentMode, Deadline, Limits};

use accept::Acceptors;
use shared::{Shared, lock};
use worker::Worker;

/// A server that listens. See the [module](self).
#[derive(Debug)]
#[must_use = "it serves nobody until it runs"]
pub struct Server {
    pub(crate) listeners: Vec<Listener>,
    address: Address,
    pub(crate) shared: Arc<Shared>,
}

impl Server {
    /// A server at this address, which can be used again at once after it.
    ///
    /// # Errors
    ///
    /// If the address cannot be resolved, or at none of its results can be listened.
    pub fn bind(address: impl ToSocketAddrs, limits: Limits) -> io::Result<Self> {
        Ok(Self::new(Listener::tcp(address)?, limits))
    }

    /// A server that listens so.
    pub fn new(listener: Listener, limits: Limits) -> Self {
        let address = listener.address();
        Self { listeners: vec![listener], address, shared: Arc::new(Shared::new(limits)) }
    }

    /// Listens so too. The peers of all listeners are served together, and the limits are those of all.
    pub fn with_listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Speaks this dialect with all peers, in both directions. Of several calls the last one counts.
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        *lock(&self.shared.dialects) = [dialect; 2];
        self
    }

    /// Sends in this dialect to all peers, whatever they send in. To be called after [`with_dialect`](Self::with_dialect).
    pub fn with_sending_dialect(self, dialect: &'static Dialect) -> Self {
        lock(&self.shared.dialects)[1] = dialect;
        self
    }

    /// Sends this message to each connection that is [refused](Limits::max_per_address) before it is closed, in the dialect
    /// in which is sent now. Of several calls the last one counts.
    ///
    /// It is written once, and nobody waits for it to arrive: a peer that has sent something already may see a reset instead.
    /// It is not sent where TLS or a PROXY header is expected first.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::Header;
    /// use jsonframe_std::server::{AtLimit, Limits, Server, from_fn};
    ///
    /// let limits = Limits::default().with_max_connections(0).with_at_limit(AtLimit::Refuse);
    /// let server = Server::bind("127.0.0.1:0", limits)?.with_refusal(&Header::for_json(6), b"\"full\"")?;
    /// let (address, handle) = (server.address(), server.handle());
    /// let thread = std::thread::spawn(move || server.run(from_fn(|_, _| ())));
    ///
    /// let mut connection = Connection::connect(address)?;
    /// assert_eq!(connection.receive()?.expect("a message").json::<String>()?, "full");
    /// assert!(connection.receive()?.is_none());
    ///
    /// handle.shutdown(Duration::from_secs(5));
    /// thread.join().expect("it does not panic")?;
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the header does not fit the content, or cannot be encoded.
    pub fn with_refusal(self, header: &Header<'_>, content: &[u8]) -> Result<Self, EncodeError> {
        let message = Message::new(*header, content)?;
        *lock(&self.shared.refusal) = self.shared.sending_dialect().to_vec(&message)?;
        Ok(self)
    }

    /// The address at which it listens; of several, the first one's.
    pub const fn address(&self) -> Address {
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
        self.start(std::slice::from_mut(&mut handler))?.into_iter().try_for_each(Worker::run)
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
        let mut handlers: Vec<H> = handlers.into_iter().collect();
        let _over = Over(Arc::clone(&self.shared));
        let workers = self.start(&mut handlers)?;
        thread::scope(|scope| {
            let threads: Vec<_> = workers.into_iter().map(|worker| scope.spawn(|| worker.run())).collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }

    /// The workers, of which the first accepts.
    fn start<H: Handler>(self, handlers: &mut [H]) -> io::Result<Vec<Worker<'_, H>>> {
        let count = handlers.len();
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no handler"));
        }
        let worker = |handler| Worker::new(handler, count, Arc::clone(&self.shared));
        let mut workers = handlers.iter_mut().map(worker).collect::<io::Result<Vec<_>>>()?;
        self.shared.start(workers.iter().map(|worker| Arc::clone(&worker.mailbox.totals)).collect());
        if let Some(first) = workers.first_mut() {
            first.listen(Acceptors::new(self.listeners, self.shared.limits.backlog)?)?;
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
