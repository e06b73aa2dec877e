//! The server: a task that accepts, and one for each connection.

mod common;
mod handler;
mod socket;
mod task;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use ::tokio::net::{ToSocketAddrs, lookup_host};
use ::tokio::task::JoinSet;
use jsonframe::{Dialect, EncodeError, Header};

pub use handler::Handler;

use crate::engine::Totals;
use crate::server::accept::{AT_ONCE, Acceptors};
use crate::server::pace::Pace;
use crate::server::places::LongestIdle;
use crate::server::shared::Shared;
use crate::server::{self, Address, Handle, Id, Limits, Listener, Over};
use crate::tokio::timer::{Timer, now};
use common::Common;
use socket::Door;
use task::{Task, change};

/// A server that listens, and serves each connection in a task of its own.
///
/// It keeps to the same [`Limits`] and makes the [same promises](crate::server) as [`server::Server`](crate::server::Server), to
/// a [`Handler`] that may wait. A connection that is idle takes about 2 KiB; while its handler waits with a message, that and a
/// buffer of 64 KiB.
///
/// ```
/// use std::time::Duration;
///
/// use jsonframe_std::protocol::Message;
/// use jsonframe_std::server::{Limits, Peer};
/// use jsonframe_std::tokio::{Connection, Handler, Server};
///
/// struct Doubler;
///
/// impl Handler for Doubler {
///     type State = ();
///
///     async fn message(&self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
///         let sent = match message.json::<u32>() {
///             Ok(number) => peer.send_json(&(2 * number)),
///             Err(error) => peer.send_json(&error.to_string()),
///         };
///         if sent.is_err() {
///             peer.close();
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), jsonframe_std::Error> {
/// let server = Server::bind("127.0.0.1:0", Limits::default()).await?;
/// let (address, handle) = (server.address(), server.handle());
/// let server = tokio::spawn(server.run(Doubler));
///
/// let mut connection = Connection::new(tokio::net::TcpStream::connect(address.to_string()).await?);
/// connection.send_json(&21).await?;
/// assert_eq!(connection.receive().await?.expect("an answer").json::<u32>().await?, 42);
///
/// handle.shutdown(Duration::from_secs(5));
/// Ok(server.await.expect("a handler's panic ends one connection")?)
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it serves nobody until it runs"]
pub struct Server(server::Server);

impl Server {
    /// A server at this address, which can be used again at once after it.
    ///
    /// # Errors
    ///
    /// If the address cannot be resolved, or at none of its results can be listened.
    pub async fn bind(address: impl ToSocketAddrs, limits: Limits) -> io::Result<Self> {
        let addresses: Vec<_> = lookup_host(address).await?.collect();
        Ok(Self(server::Server::bind(&*addresses, limits)?))
    }

    /// A server that listens so.
    pub fn new(listener: Listener, limits: Limits) -> Self {
        Self(server::Server::new(listener, limits))
    }

    /// Listens so too. The peers of all listeners are served together, and the limits are those of all.
    pub fn with_listener(self, listener: Listener) -> Self {
        Self(self.0.with_listener(listener))
    }

    /// Speaks this dialect with all peers, in both directions. Of several calls the last one counts.
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self(self.0.with_dialect(dialect))
    }

    /// Sends in this dialect to all peers, whatever they send in. To be called after [`with_dialect`](Self::with_dialect).
    pub fn with_sending_dialect(self, dialect: &'static Dialect) -> Self {
        Self(self.0.with_sending_dialect(dialect))
    }

    /// Sends this message to each connection that is refused. See
    /// [`server::Server::with_refusal`](crate::server::Server::with_refusal).
    ///
    /// # Errors
    ///
    /// If the header does not fit the content, or cannot be encoded.
    pub fn with_refusal(self, header: &Header<'_>, content: &[u8]) -> Result<Self, EncodeError> {
        self.0.with_refusal(header, content).map(Self)
    }

    /// The address at which it listens; of several, the first one's.
    pub const fn address(&self) -> Address {
        self.0.address()
    }

    /// A handle on the server, for other tasks and threads.
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// Serves until the server is [shut down](Handle::shutdown), with a task on this runtime for each connection. Nothing that
    /// a peer does ends it.
    ///
    /// If it is dropped, all connections end at once, and their handlers are not told.
    ///
    /// # Errors
    ///
    /// If a listener cannot be registered with the runtime.
    ///
    /// # Panics
    ///
    /// Outside of a runtime whose io and time are enabled.
    pub async fn run(self, handler: impl Handler) -> io::Result<()> {
        let server::Server { listeners, shared, .. } = self.0;
        let _over = Over(Arc::clone(&shared));
        let mut acceptors = Some(Acceptors::<Door>::new(listeners, shared.limits.backlog)?);
        let totals = Arc::new(Totals::new(&shared.limits, 1));
        shared.start([Arc::clone(&totals)].into());
        let common = Arc::new(Common::new(handler, Arc::clone(&shared), totals));
        let mut tasks = JoinSet::new();
        let mut asking = Asking::default();
        let mut is_stopping = false;
        let mut timer = Timer::default();
        poll_fn(|context| {
            shared.set_acceptor(context.waker());
            let shutdown = shared.shutdown();
            // At the end of the time it waits for what the tasks do about that, and for nothing else.
            let mut due = change(shutdown.filter(|shutdown| now() < shutdown.until));
            if let Some(acceptors) = &mut acceptors {
                acceptors.doors().for_each(|door| door.waker.clone_from(context.waker()));
                if shutdown.is_some() && !is_stopping {
                    is_stopping = true;
                    // Those in the backlog are connected as far as their peers know, and may have sent something.
                    acceptors.doors().for_each(|door| door.asks_system = true);
                    acceptors.stop(shared.limits.backlog, now());
                }
                acceptors.wake_all(now());
                for _ in 0..AT_ONCE {
                    match acceptors.accept(&shared, now()) {
                        Some(Ok(arrival)) => {
                            shared.take_place();
                            drop(tasks.spawn(Box::new(Task::new(arrival, Arc::clone(&common))).run()));
                        }
                        Some(Err(why)) => shared.not_accepted(&why, |why| common.handler.not_accepted(why)),
                        None => break,
                    }
                }
                if acceptors.waited(now()).is_some() {
                    asking.ask(&shared, now());
                }
                due = due.into_iter().chain(acceptors.due(&shared, now())).min();
            }
            // After the last one is spawned: of no tasks at all, none wakes this one.
            while let Poll::Ready(Some(_)) = tasks.poll_join_next(context) {}
            let is_hurrying = shutdown.is_some_and(|shutdown| shutdown.pace(now()) == Pace::Hurry);
            if acceptors.as_ref().is_some_and(Acceptors::is_over) || is_hurrying {
                acceptors = None;
            }
            if acceptors.is_none() && tasks.is_empty() {
                return Poll::Ready(());
            }
            if timer.is_due(due, context) {
                context.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
        Ok(())
    }
}

/// Asks the connections that have been idle for longest to end, one after the other.
#[derive(Debug, Default)]
struct Asking {
    idle: LongestIdle,
    asked: Option<Asked>,
}

/// The connection that was asked last.
#[derive(Clone, Copy, Debug)]
struct Asked {
    id: Id,
    /// Since when it had been idle then.
    since: Instant,
    /// When it was asked.
    at: Instant,
}

impl Asking {
    /// Asks the next one, unless the last one is about to end. It reads before it does, and goes on if there was something to
    /// read.
    fn ask(&mut self, shared: &Shared, now: Instant) {
        let mailboxes = shared.mailboxes();
        let spare = |id: Id| {
            let (holding, of) = mailboxes.get(id.mailbox())?.holding()?;
            (of == id).then_some(holding.spare_since)
        };
        let is_ending = |Asked { id, since, at }: &Asked| match spare(*id) {
            Some(Some(spare)) => spare == *since,
            // Its handler says its last words, or it is in use again.
            Some(None) => now.saturating_duration_since(*at) < LongestIdle::LEAST,
            None => false,
        };
        if self.asked.as_ref().is_none_or(|asked| !is_ending(asked)) {
            let all = mailboxes.iter().filter_map(|(_, mailbox)| {
                let (holding, id) = mailbox.holding()?;
                Some((holding.spare_since?, id))
            });
            let next = self.idle.next(now, || all, |(since, id)| spare(*id).flatten() == Some(*since));
            self.asked = next.map(|(since, id)| Asked { id, since, at: now });
        }
        // Again, for it may have had no turn in which it could read.
        if let Some(Asked { id, .. }) = self.asked {
            mailboxes.get(id.mailbox()).into_iter().for_each(|mailbox| mailbox.ask_for_place(id));
        }
    }
}
