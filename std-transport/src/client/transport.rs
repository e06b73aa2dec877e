//! The streams that a client can use.

use std::io;
#[cfg(feature = "tls")]
use std::io::{Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use mio::event::Source;

use crate::stream::{Raw, Stream};
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
    type Raw: Raw + Source;

    fn into_stream(self) -> io::Result<Stream<Self::Raw>>;
}

/// A stream of the system's.
pub(crate) trait Socket {
    type Raw: Raw + Source;

    fn into_raw(self) -> io::Result<Self::Raw>;
}

impl Socket for TcpStream {
    type Raw = mio::net::TcpStream;

    /// Turns Nagle's algorithm off, for requests are written whole.
    fn into_raw(self) -> io::Result<Self::Raw> {
        self.set_nodelay(true)?;
        self.set_nonblocking(true)?;
        Ok(mio::net::TcpStream::from_std(self))
    }
}

#[cfg(unix)]
impl Socket for UnixStream {
    type Raw = mio::net::UnixStream;

    fn into_raw(self) -> io::Result<Self::Raw> {
        self.set_nonblocking(true)?;
        Ok(mio::net::UnixStream::from_std(self))
    }
}

impl IntoStream for TcpStream {
    type Raw = mio::net::TcpStream;

    fn into_stream(self) -> io::Result<Stream<Self::Raw>> {
        self.into_raw().map(Stream::new)
    }
}

#[cfg(unix)]
impl IntoStream for UnixStream {
    type Raw = mio::net::UnixStream;

    fn into_stream(self) -> io::Result<Stream<Self::Raw>> {
        self.into_raw().map(Stream::new)
    }
}

#[cfg(feature = "tls")]
impl<S: Socket + Read + Write> IntoStream for TlsStream<S> {
    type Raw = S::Raw;

    fn into_stream(self) -> io::Result<Stream<Self::Raw>> {
        let (session, socket) = self.into_parts();
        Ok(Stream::new(socket.into_raw()?).secured(session.into()))
    }
}
