//! Where a peer is, and where a server listens.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// Where a peer is, or where a server listens.
///
/// It can be connected to as a `SocketAddr` can, unless it is that of a Unix socket, which only its path leads to.
///
/// ```
/// use jsonframe_std::Connection;
/// use jsonframe_std::server::{Address, Limits, Server};
///
/// let server = Server::bind("127.0.0.1:0", Limits::default())?;
/// let address = server.address();
/// assert!(address.ip().is_some_and(|ip| ip.is_loopback()));
/// let connection = Connection::connect(address)?;
/// assert_eq!(Address::Ip(connection.get_ref().peer_addr()?), address);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An address of the internet: the socket's, or the client's if a proxy has told it.
    Ip(SocketAddr),
    /// A Unix socket on this machine, which has no address of its own.
    Unix,
}

impl Address {
    /// The IP address and the port, if it has them.
    pub const fn socket_addr(self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(address),
            Self::Unix => None,
        }
    }

    /// The IP address, if it has one.
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address.ip()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.pad("a Unix socket"),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl ToSocketAddrs for Address {
    type Iter = std::option::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        match self {
            Self::Ip(address) => address.to_socket_addrs(),
            Self::Unix => Err(io::Error::new(ErrorKind::InvalidInput, "a Unix socket has no IP address")),
        }
    }
}
