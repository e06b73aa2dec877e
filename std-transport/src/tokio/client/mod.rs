//! A client for tasks.

mod driver;
mod pushes;

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::net::{TcpStream, ToSocketAddrs};
use jsonframe::{Header, OwnedMessage};
#[cfg(feature = "json")]
use jsonframe::{Value, to_json};

use self::driver::{Driver, now};
pub use self::pushes::Pushes;
use crate::client::{Call, CallError, Options, Shared, Stats};

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
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    timeout: Option<Duration>,
}

struct Inner {
    shared: Arc<Shared>,
}

impl Client {
    /// Connects to a server, and looks its name up again whenever the connection has been lost.
    ///
    /// # Errors
    ///
    /// Those of the first attempt to connect, and those of [`TcpStream::set_nodelay`].
    pub async fn connect(address: impl ToSocketAddrs + Clone + Send + 'static, options: Options) -> io::Result<Self> {
        let connect = move || {
            let address = address.clone();
            async {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(stream)
            }
        };
        let first = connect().await?;
        Ok(Self::start(Some(first), connect, options, None))
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
        Self::start(None, connect, options, None)
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
        let (pushes, queue) = Pushes::new(options.max_pushes);
        (Self::start(None, connect, options, Some(queue)), pushes)
    }

    fn start<S, F>(
        first: Option<S>,
        connect: impl FnMut() -> F + Send + 'static,
        options: Options,
        pushes: Option<Arc<pushes::Queue>>,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let timeout = options.timeout;
        let shared = Arc::new(Shared::new(options, now, Waker::noop().clone()));
        let driver = Driver { shared: Arc::clone(&shared), pushes };
        ::tokio::spawn(driver.run(first, connect));
        Self { inner: Arc::new(Inner { shared }), timeout }
    }

    /// The same client, for calls that have another time than [`Options::timeout`]; `None` is for ever.
    #[must_use]
    pub fn within(&self, timeout: Option<Duration>) -> Self {
        Self { inner: Arc::clone(&self.inner), timeout }
    }

    /// Sends a request of this header and a copy of this content, and waits for the reply.
    ///
    /// # Errors
    ///
    /// [`CallError`] says whether the request was sent.
    pub async fn call(&self, header: &Header<'_>, content: &[u8]) -> Result<OwnedMessage, CallError> {
        Call::new(&self.inner.shared, header, content, self.timeout)?.await
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
        let header = self.inner.shared.options.json_header(&content);
        let reply = self.call(&header.with_extensions(extensions), &content).await?;
        reply.json_owned().map_err(CallError::Reply)
    }

    /// What has been counted so far.
    pub fn stats(&self) -> Stats {
        self.inner.shared.stats()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.close();
    }
}
