//! What a server listens on.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::Path;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use super::Address;
#[cfg(unix)]
use super::socket_file::SocketFile;
use crate::stream::{Raw, Stream};

/// What a [`Server`](super::Server) listens on: a TCP address or a Unix socket, and what is to be done about connections to it.
///
/// A server can have any number of them, and serves the peers of all alike:
///
/// ```
/// use std::time::Duration;
///
/// use jsonframe_std::server::{Limits, Listener, Server};
///
/// let local = Listener::tcp("127.0.0.1:0")?.with_keepalive(Duration::from_secs(60))?;
/// let server = Server::bind("127.0.0.1:0", Limits::default())?.with_listener(local);
/// # #[cfg(unix)]
/// # {
/// # let path = std::env::temp_dir().join(format!("jsonframe-doc-{}.sock", std::process::id()));
/// let server = server.with_listener(Listener::unix(path)?);
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Of a supervisor's listener it is made by [`try_from`](Self::try_from), or with the feature `listenfd` by `Listener::inherited`.
#[derive(Debug)]
#[must_use = "nobody is accepted before a server runs that has it"]
pub struct Listener {
    pub(super) setup: Setup,
    /// Does not block.
    pub(crate) socket: Socket,
    address: Address,
    /// Whether the length of the backlog is the server's to set.
    is_own: bool,
}

impl Listener {
    /// How many connections may wait before a server runs whose limits say how many.
    const BACKLOG: u32 = 1024;

    /// Listens at this address, which can be used again at once after it.
    ///
    /// # Errors
    ///
    /// If the address cannot be resolved, or at none of its results can be listened.
    pub fn tcp(address: impl ToSocketAddrs) -> io::Result<Self> {
        let mut failure = io::Error::new(ErrorKind::InvalidInput, "the name has no address");
        for address in address.to_socket_addrs()? {
            match listen_at(address) {
                Ok(listener) => return Ok(Self { is_own: true, ..Self::try_from(listener)? }),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Listens on a Unix socket with this path. Its file is removed when the server ends, unless it is another one by then.
    ///
    /// A file that a server has left there that does not run any more is replaced. Of two servers that begin at the same
    /// time, the later one may replace that of the other.
    ///
    /// ```
    /// use std::io::ErrorKind;
    ///
    /// use jsonframe_std::server::Listener;
    ///
    /// let path = std::env::temp_dir().join(format!("jsonframe-doc-listen-{}.sock", std::process::id()));
    /// let listener = Listener::unix(&path)?;
    /// assert_eq!(Listener::unix(&path).map(drop).unwrap_err().kind(), ErrorKind::AddrInUse);
    /// drop(listener);
    /// assert!(!path.exists());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AddrInUse`] if a server listens there already, or there is a file that is no socket; and if the system has
    /// no socket to give, or no access to the path.
    #[cfg(unix)]
    pub fn unix(path: impl AsRef<Path>) -> io::Result<Self> {
        let (listener, file) = super::socket_file::listen(path.as_ref(), Self::BACKLOG)?;
        let mut this = Self { is_own: true, ..Self::try_from(listener)? };
        this.setup.file = Some(file);
        Ok(this)
    }

    /// The listeners that the program was started with, as systemd does it: those that `LISTEN_FDS` counts, from file
    /// descriptor 3 on; none if there is no such variable. To be called once, before there are other threads, for it takes
    /// the variables away.
    ///
    /// ```no_run
    /// use jsonframe_std::server::{Limits, Listener, Server, from_fn};
    ///
    /// let mut listeners = Listener::inherited()?.into_iter();
    /// let first = listeners.next().ok_or_else(|| std::io::Error::other("started without a socket"))?;
    /// let server = listeners.fold(Server::new(first, Limits::default()), Server::with_listener);
    /// server.run(from_fn(|_, _| {}))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If one of them listens neither on TCP nor on a Unix socket.
    #[cfg(all(unix, feature = "listenfd"))]
    pub fn inherited() -> io::Result<Vec<Self>> {
        let mut inherited = listenfd::ListenFd::from_env();
        let mut listeners = Vec::new();
        for index in 0..inherited.len() {
            if let Ok(Some(listener)) = inherited.take_unix_listener(index) {
                listeners.push(Self::try_from(listener)?);
            } else if let Some(listener) = inherited.take_tcp_listener(index)? {
                listeners.push(Self::try_from(listener)?);
            }
        }
        Ok(listeners)
    }

    /// Has the system ask a peer that was silent for this long whether it is still there, and end the connection if it is not.
    ///
    /// # Errors
    ///
    /// If the system refuses it, as for less than a second, or if it is a Unix socket, whose peer the system knows to be there.
    pub fn with_keepalive(self, silence: Duration) -> io::Result<Self> {
        if self.address == Address::Unix {
            return Err(io::Error::new(ErrorKind::Unsupported, "a Unix socket has no keepalive"));
        }
        self.socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(silence))?;
        Ok(self)
    }

    /// Sets the size of the system's buffer for what a peer has sent and the server has not read. Systems round it, double
    /// it, or have a limit of their own; and they do not let it grow by itself any more.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub fn with_receive_buffer(mut self, bytes: usize) -> io::Result<Self> {
        self.socket.set_recv_buffer_size(bytes)?;
        self.setup.receive_buffer = Some(bytes);
        Ok(self)
    }

    /// Sets the size of the system's buffer for what is on its way to a peer, as [`with_receive_buffer`](Self::with_receive_buffer)
    /// does that for the other direction.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub fn with_send_buffer(mut self, bytes: usize) -> io::Result<Self> {
        self.socket.set_send_buffer_size(bytes)?;
        self.setup.send_buffer = Some(bytes);
        Ok(self)
    }

    /// Expects a PROXY header, of version 1 or 2, before the first message of each connection, and before TLS. The
    /// [address](super::Peer::address) of a peer is the client's that it gives.
    ///
    /// Only a proxy must be able to connect, for the header is believed. A connection without one is
    /// [not accepted](super::NotAccepted::Handshake).
    ///
    /// A connection of the proxy's own, such as a health check (`LOCAL`, in version 2), may end in any way between two messages, and in the
    /// handshake of TLS: by a reset, or without a `close_notify`. Its end is [`CloseReason::Ended`](super::CloseReason::Ended).
    pub const fn with_proxy_header(mut self) -> Self {
        self.setup.proxy_header = true;
        self
    }

    /// Speaks TLS with the peers. A connection whose handshake fails is [not accepted](super::NotAccepted::Handshake).
    #[cfg(feature = "tls")]
    pub fn with_tls(mut self, config: Arc<rustls::ServerConfig>) -> Self {
        self.setup.tls = Some(config);
        self
    }

    /// The address at which it listens.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Sets the length of the backlog, unless it is somebody else's.
    pub(super) fn set_backlog(&self, backlog: u32) -> io::Result<()> {
        if self.is_own && backlog != Self::BACKLOG { self.socket.listen(length(backlog)) } else { Ok(()) }
    }

    fn new(socket: Socket, address: Address) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { setup: Setup::default(), socket, address, is_own: false })
    }
}

/// Of a listener that is there already, from a supervisor for one. It fails if the listener has no address or cannot be made
/// non-blocking.
impl TryFrom<TcpListener> for Listener {
    type Error = io::Error;

    fn try_from(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?.into();
        Self::new(listener.into(), address)
    }
}

/// Of a listener that is there already, from a supervisor for one, whose file is not removed. It fails if the listener cannot
/// be made non-blocking.
#[cfg(unix)]
impl TryFrom<UnixListener> for Listener {
    type Error = io::Error;

    fn try_from(listener: UnixListener) -> io::Result<Self> {
        Self::new(listener.into(), Address::Unix)
    }
}

/// What becomes of the connections of a listener.
#[derive(Debug, Default)]
pub(super) struct Setup {
    /// The socket's file, if it is to be removed: before the listener is closed, so that nobody finds it with nobody listening.
    #[cfg(unix)]
    file: Option<SocketFile>,
    /// How large the system's buffers of a connection are, unless it decides that itself. TCP's are inherited from the listener,
    /// and have to be known before there is a connection: it agrees on the scale of the window.
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
    /// Whether the address of a connection is that of a proxy.
    pub(super) proxy_header: bool,
    #[cfg(feature = "tls")]
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Setup {
    /// Whether messages are all there is on a connection.
    pub(super) const fn is_plain(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return false;
        }
        !self.proxy_header
    }

    /// Sets what a connection does not have from its listener. If that fails, the connection has failed too.
    pub(super) fn tune(&self, socket: &SockRef<'_>, address: Address) {
        if address != Address::Unix {
            // Messages are written whole, so there is nothing to be gained by waiting for more.
            let _ = socket.set_tcp_nodelay(true);
            return;
        }
        let _ = self.receive_buffer.map(|bytes| socket.set_recv_buffer_size(bytes));
        let _ = self.send_buffer.map(|bytes| socket.set_send_buffer_size(bytes));
    }

    /// The stream of a connection, with what lies between it and the messages.
    #[allow(clippy::unnecessary_wraps, reason = "without TLS it does not fail")]
    pub(super) fn layer<R: Raw>(&self, raw: R) -> io::Result<Stream<R>> {
        let mut stream = Stream::new(raw);
        if self.proxy_header {
            stream = stream.with_proxy_header();
        }
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            let session = rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            stream = stream.secured(session.into());
        }
        Ok(stream)
    }
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Elsewhere it means that another program may take the address over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(length(Listener::BACKLOG))?;
    Ok(socket.into())
}

/// A backlog's length as systems take it.
pub(super) fn length(backlog: u32) -> i32 {
    i32::try_from(backlog).unwrap_or(i32::MAX)
}
