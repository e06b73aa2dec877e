//! Streams that somebody else has accepted.

use std::io;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use super::Address;
#[cfg(unix)]
use crate::stream::as_tcp;

/// A stream that somebody else has accepted, for [`Handle::adopt`](super::Handle::adopt): a `TcpStream`, or on Unix a `UnixStream`.
#[derive(Debug)]
pub struct Accepted {
    stream: TcpStream,
    is_unix: bool,
}

impl From<TcpStream> for Accepted {
    fn from(stream: TcpStream) -> Self {
        Self { stream, is_unix: false }
    }
}

#[cfg(unix)]
impl From<UnixStream> for Accepted {
    fn from(stream: UnixStream) -> Self {
        Self { stream: as_tcp(stream), is_unix: true }
    }
}

impl Accepted {
    /// Makes the stream as those are that a server accepts itself, and returns it with the peer's address.
    pub(super) fn prepare(self) -> io::Result<(TcpStream, Address)> {
        self.stream.set_nonblocking(true)?;
        if self.is_unix {
            return Ok((self.stream, Address::Unix));
        }
        // Messages are written whole, so there is nothing to be gained by waiting for more.
        let _ = self.stream.set_nodelay(true);
        let address = self.stream.peer_addr()?.into();
        Ok((self.stream, address))
    }
}
