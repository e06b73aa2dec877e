//! A client for tasks.

mod driver;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::net::ToSocketAddrs;
use ::tokio::sync::{Semaphore, mpsc};
use jsonframe::{Header, OwnedMessage};
#[cfg(feature = "json")]
use jsonframe::{Value, to_json};

use self::driver::Driver;
use super::connection::connect;
use super::timer::now;
use crate::client::call::{Call, Calls};
use crate::client::shared::Shared;
use crate::client::{CallError, Options, Stats};

/// Makes calls over one connection, for any number of tasks. What [`client`](crate::client) says of the blocking one is so here
/// too.
///
/// Clones share the connection, and the task that it takes. When the last one is dropped, the task ends and the connection is
/// closed.
///
/// Every call is cancel-safe: when its future is dropped, the request is withdrawn if it has not been sent, and the reply is
/// discarded when it comes.
///
/// ```
/// use jsonframe_std::client::Options;
/// use jsonframe_std::tokio::{Client, Connection};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), jsonframe_std::Error> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let client = Client::connect(listener.local_addr()?, Options::default()).await?;
/// tokio::spawn(async move {
///     let mut server = Connection::new(listener.accept().await?.0);
///     while let Some(request) = server.receive().await? {
///         let number: u32 = request.json().await?;
///         server.send_json(&(number + 1)).await?;
///     }
///     Ok::<(), jsonframe_std::Error>(())
/// });
///
/// let (two, three) = tokio::join!(client.call_json::<u32>(&1), client.call_json::<u32>(&2));
/// assert_eq!((two.expect("a reply"), three.expect("a reply")), (2, 3));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    calls: Arc<Calls>,
    timeout: Option<Duration>,
}

impl Client {
    /// Connects to a server, and looks its name up again whenever the connection has been lost.
    ///
    /// # Errors
    ///
    /// Those of the first attempt to connect, and those of [`TcpStream::set_nodelay`](::tokio::net::TcpStream::set_nodelay).
    pub async fn connect(address: impl ToSocketAddrs + Clone + Send + 'static, options: Options) -> io::Result<Self> {
        let connect = move || connect(address.clone());
        let first = connect().await?;
        let (client, driver) = Self::with_driver(options, None);
        ::tokio::spawn(driver.run(Some(first), connect));
        Ok(client)
    }

    /// A client that connects in a way of its own, when it has something to send. It takes any stream, one of TLS for instance.
    ///
    /// # Panics
    ///
    /// Outside of a runtime, and in one without time.
    ///
    /// ```
    /// use jsonframe_std::client::Options;
    /// use jsonframe_std::tokio::Client;
    /// use tokio::net::UnixStream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let client = Client::new(|| UnixStream::connect("/run/nobody"), Options::default());
    /// assert_eq!(client.stats().connections, 0);
    /// # }
    /// ```
    pub fn new<S, F>(connect: impl FnMut() -> F + Send + 'static, options: Options) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let (client, driver) = Self::with_driver(options, None);
        ::tokio::spawn(driver.run(None, connect));
        client
    }

    /// A client that connects at once, and what receives the messages that are no replies.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with_pushes<S, F>(connect: impl FnMut() -> F + Send + 'static, options: Options) -> (Self, Pushes)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let (sender, messages) = mpsc::channel(options.max_pushes.clamp(1, Semaphore::MAX_PERMITS));
        let (client, driver) = Self::with_driver(options, Some(sender));
        ::tokio::spawn(driver.run(None, connect));
        let shared = Arc::clone(&client.calls.shared);
        (client, Pushes { messages, shared })
    }

    /// A client, and what is to be run in a task for it.
    fn with_driver(options: Options, pushes: Option<mpsc::Sender<OwnedMessage>>) -> (Self, Driver) {
        let timeout = options.timeout;
        let shared = Arc::new(Shared::new(options, now, Waker::noop().clone(), pushes.is_some()));
        let driver = Driver { shared: Arc::clone(&shared), pushes };
        (Self { calls: Arc::new(Calls { shared, thread: None }), timeout }, driver)
    }

    /// The same client, for calls that have another time than [`Options::timeout`]; `None` is for ever.
    #[must_use]
    pub fn within(&self, timeout: Option<Duration>) -> Self {
        Self { calls: Arc::clone(&self.calls), timeout }
    }

    /// Sends a request of this header and a copy of this content, and waits for the reply.
    ///
    /// # Errors
    ///
    /// [`CallError`] says whether the request was sent.
    pub async fn call(&self, header: &Header<'_>, content: &[u8]) -> Result<OwnedMessage, CallError> {
        Call::new(&self.calls.shared, header, content, self.timeout)?.await
    }

    /// Sends a value as a request of JSON content, and waits for the reply, of JSON too.
    ///
    /// # Errors
    ///
    /// [`CallError::Request`] and [`CallError::Reply`] if the values are not what JSON can say, or does say; otherwise those of
    /// [`call`](Self::call).
    #[cfg(feature = "json")]
    pub async fn call_json<T: serde::de::DeserializeOwned>(
        &self,
        request: &(impl serde::Serialize + ?Sized),
    ) -> Result<T, CallError> {
        self.call_json_with(request, &[]).await
    }

    /// Sends a value as a request of JSON content, with extension members in the header, and waits for the reply, of JSON too.
    ///
    /// # Errors
    ///
    /// Those of [`call_json`](Self::call_json).
    #[cfg(feature = "json")]
    pub async fn call_json_with<T: serde::de::DeserializeOwned>(
        &self,
        request: &(impl serde::Serialize + ?Sized),
        extensions: &[(&str, Value<'_>)],
    ) -> Result<T, CallError> {
        let content = to_json(request).map_err(CallError::Request)?;
        let header = self.calls.shared.options.dialect.json_header(content.len() as u64);
        let reply = self.call(&header.with_extensions(extensions), &content).await?;
        reply.json_owned().map_err(CallError::Reply)
    }

    /// What has been counted so far.
    pub fn stats(&self) -> Stats {
        self.calls.shared.stats()
    }
}

/// Receives the messages of a client that are no replies: [`Client::with_pushes`].
///
/// Those that come after it has been dropped are dropped too, and [counted](Stats::dropped_pushes).
#[derive(Debug)]
pub struct Pushes {
    messages: mpsc::Receiver<OwnedMessage>,
    shared: Arc<Shared>,
}

impl Pushes {
    /// Receives the next message; `None` when the client's task has ended.
    ///
    /// Cancel-safe: a message is not lost if this is dropped. As long as [`Options::max_pushes`](Options::max_pushes)
    /// messages wait, the client receives nothing, so a task that receives pushes should not make calls itself.
    ///
    /// ```
    /// use jsonframe_std::client::Options;
    /// use jsonframe_std::tokio::{Client, Connection};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (stream, server) = tokio::io::duplex(1024);
    /// let mut stream = Some(stream);
    /// let connect = move || std::future::ready(stream.take().ok_or_else(|| std::io::ErrorKind::NotFound.into()));
    /// let (_client, mut pushes) = Client::with_pushes(connect, Options::default());
    /// Connection::new(server).send_json("the house is on fire").await?;
    /// assert_eq!(pushes.receive().await.expect("a push").json::<String>()?, "the house is on fire");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receive(&mut self) -> Option<OwnedMessage> {
        let message = self.messages.recv().await;
        // If there was no place for another, the client's task waits for one.
        if self.messages.capacity() == 1 {
            self.shared.wake_driver();
        }
        message
    }
}

impl Drop for Pushes {
    fn drop(&mut self) {
        self.messages.close();
        self.shared.wake_driver();
    }
}
