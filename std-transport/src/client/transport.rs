//! The streams that a client can use.

use std::io;
#[cfg(feature = "tls")]
use std::io::{Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use mio::net::TcpStream as Socket;

use crate::stream::Stream;
#[cfg(unix)]
use crate::stream::as_tcp;
#[cfg(feature = "tls")]
use crate::tls::TlsStream;

/// A stream that a [`Client`](super::Client) can be given: std's `TcpStream` and `UnixStream`, and with the feature `tls` a
/// `tls::TlsStream` over one of them, whether or not its handshake has been made.
///
/// It cannot be implemented by others.
#[allow(private_bounds, reason = "what it takes is the driver's affair")]
pub trait Transport: IntoStream {}

impl<S: IntoStream> Transport for S {}

/// What turns into a stream that does not block.
pub(crate) trait IntoStream {
    fn into_stream(self) -> io::Result<Stream<Socket>>;
}

impl<S: IntoSocket> IntoStream for S {
    fn into_stream(self) -> io::Result<Stream<Socket>> {
        self.into_socket().map(Stream::new)
    }
}

#[cfg(feature = "tls")]
impl<S: IntoSocket + Read + Write> IntoStream for TlsStream<S> {
    fn into_stream(self) -> io::Result<Stream<Socket>> {
        let (session, socket) = self.into_parts();
        Ok(Stream::new(socket.into_socket()?).secured(session.into()))
    }
}

/// A stream of the system's.
pub(crate) trait IntoSocket {
    fn into_socket(self) -> io::Result<Socket>;
}

impl IntoSocket for TcpStream {
    /// Turns Nagle's algorithm off, for requests are written whole.
    fn into_socket(self) -> io::Result<Socket> {
        self.set_nodelay(true)?;
        self.set_nonblocking(true)?;
        Ok(Socket::from_std(self))
    }
}

#[cfg(unix)]
impl IntoSocket for UnixStream {
    fn into_socket(self) -> io::Result<Socket> {
        self.set_nonblocking(true)?;
        Ok(Socket::from_std(as_tcp(self)))
    }
}
