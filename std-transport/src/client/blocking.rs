//! A client for threads.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jsonframe::{Header, OwnedMessage};
#[cfg(feature = "json")]
use jsonframe::{Value, to_json};

use super::call::{Call, Calls};
use super::driver::{Driver, OnPush};
use super::{CallError, Options, Stats, Transport};

/// Makes calls over one connection, for any number of threads. See the [module](super).
///
/// Clones share the connection, and the thread that it takes. When the last one is dropped, the connection is closed and the
/// thread has ended; if it is connecting just then, it ends after that.
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
    /// Those of the first attempt to connect, those of [`new`](Self::new), and those of [`TcpStream::set_nodelay`].
    pub fn connect(address: impl ToSocketAddrs + Send + 'static, options: Options) -> io::Result<Self> {
        let connect = move || TcpStream::connect(&address);
        let first = connect()?;
        Self::start(Some(first), connect, options, None)
    }

    /// A client that connects in a way of its own, in its thread and when it has something to send.
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    ///
    /// use jsonframe_std::client::{Client, Options};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let address = listener.local_addr()?;
    /// let client = Client::new(move || TcpStream::connect(address), Options::default())?;
    /// assert_eq!(client.stats().connections, 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the system has no poller or no thread to give.
    pub fn new<S: Transport + Send + 'static>(
        connect: impl FnMut() -> io::Result<S> + Send + 'static,
        options: Options,
    ) -> io::Result<Self> {
        Self::start(None, connect, options, None)
    }

    /// A client that connects at once, and calls a function with each message that is no reply.
    ///
    /// While the function runs, nothing is received. Calls that it makes itself fail with [`CallError::Closed`]; a panic ends
    /// the client.
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use std::sync::mpsc;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::client::{Client, Options};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let address = listener.local_addr()?;
    /// let (sender, pushes) = mpsc::channel();
    /// let on_push = move |message| drop(sender.send(message));
    /// let _client = Client::with_pushes(move || TcpStream::connect(address), Options::default(), on_push)?;
    ///
    /// Connection::new(listener.accept()?.0).send_json("the house is on fire")?;
    /// assert_eq!(pushes.recv().expect("a push").json::<String>()?, "the house is on fire");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn with_pushes<S: Transport + Send + 'static>(
        connect: impl FnMut() -> io::Result<S> + Send + 'static,
        options: Options,
        on_push: impl FnMut(OwnedMessage) + Send + 'static,
    ) -> io::Result<Self> {
        Self::start(None, connect, options, Some(Box::new(on_push)))
    }

    fn start<S: Transport + Send + 'static>(
        first: Option<S>,
        connect: impl FnMut() -> io::Result<S> + Send + 'static,
        options: Options,
        on_push: Option<OnPush>,
    ) -> io::Result<Self> {
        let timeout = options.timeout;
        let driver = Driver::new(options, on_push)?;
        let shared = Arc::clone(&driver.shared);
        let thread = thread::Builder::new().name("jsonframe-client".into());
        let thread = Some(thread.spawn(move || drop(driver.run(first, connect)))?);
        Ok(Self { calls: Arc::new(Calls { shared, thread }), timeout })
    }

    /// The same client, for calls that have another time than [`Options::timeout`]; `None` is for ever.
    ///
    /// ```
    /// use std::net::TcpListener;
    /// use std::time::Duration;
    ///
    /// use jsonframe_std::client::{Client, Options};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let client = Client::connect(listener.local_addr()?, Options::default())?;
    /// let error = client.within(Some(Duration::from_millis(50))).call_json::<()>("is anybody there?");
    /// assert!(error.is_err_and(|error| error.is_timeout() && error.is_sent()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn within(&self, timeout: Option<Duration>) -> Self {
        Self { calls: Arc::clone(&self.calls), timeout }
    }

    /// Sends a request of this header and a copy of this content, and waits for the reply.
    ///
    /// ```
    /// use jsonframe_std::client::{Client, Options};
    /// use jsonframe_std::protocol::Header;
    /// use jsonframe_std::server::{Limits, Server, from_fn};
    ///
    /// let server = Server::bind("127.0.0.1:0", Limits::default())?;
    /// let address = server.address();
    /// let echo = from_fn(|peer, message| drop(peer.send(&message.header(), message.content())));
    /// std::thread::spawn(move || server.run(echo));
    ///
    /// let client = Client::connect(address, Options::default())?;
    /// let reply = client.call(&Header::new("text/plain", "utf-8", 5), b"hello")?;
    /// assert_eq!((reply.header().content_type(), reply.content()), ("text/plain", &b"hello"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError`] says whether the request was sent.
    pub fn call(&self, header: &Header<'_>, content: &[u8]) -> Result<OwnedMessage, CallError> {
        // Nobody else would receive the reply.
        if self.calls.is_driver() {
            return Err(CallError::Closed { is_sent: false });
        }
        Call::new(&self.calls.shared, header, content, self.timeout)?.wait()
    }

    /// Sends a value as a request of JSON content, and waits for the reply, of JSON too.
    ///
    /// ```no_run
    /// use jsonframe_std::client::{Client, Options};
    ///
    /// let client = Client::connect("localhost:65432", Options::default())?;
    /// let found: Option<String> = client.call_json(&("search", "needle"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Request`] and [`CallError::Reply`] if the values are not what JSON can say, or does say; otherwise those of
    /// [`call`](Self::call).
    #[cfg(feature = "json")]
    pub fn call_json<T: serde::de::DeserializeOwned>(
        &self,
        request: &(impl serde::Serialize + ?Sized),
    ) -> Result<T, CallError> {
        self.call_json_with(request, &[])
    }

    /// Sends a value as a request of JSON content, with extension members in the header, and waits for the reply, of JSON too.
    ///
    /// ```no_run
    /// use jsonframe_std::client::{Client, Options};
    ///
    /// let client = Client::connect("localhost:65432", Options::default())?;
    /// let found: Option<String> = client.call_json_with("needle", &[("com.example.priority", 1.into())])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call_json`](Self::call_json).
    #[cfg(feature = "json")]
    pub fn call_json_with<T: serde::de::DeserializeOwned>(
        &self,
        request: &(impl serde::Serialize + ?Sized),
        extensions: &[(&str, Value<'_>)],
    ) -> Result<T, CallError> {
        let content = to_json(request).map_err(CallError::Request)?;
        let header = self.calls.shared.options.dialect.json_header(content.len() as u64);
        self.call(&header.with_extensions(extensions), &content)?.json_owned().map_err(CallError::Reply)
    }

    /// What has been counted so far.
    pub fn stats(&self) -> Stats {
        self.calls.shared.stats()
    }
}
