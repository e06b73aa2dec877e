//! What a driver's streams must do, and those of mio that do it.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;

/// What is sent to. It does not block.
pub(crate) trait Sink: Write + Send {
    /// What TLS knows of the peer.
    #[cfg(feature = "tls")]
    fn tls(&self) -> Option<&rustls::Connection> {
        None
    }
}

/// A stream of the system's that does not block, and whose readiness a poller reports. A write asks the system, whatever the
/// poller has reported: pollers tell of free space only when there is much of it.
pub(crate) trait Raw: Read + Write + Send + 'static {
    /// Closes the sending direction: the peer sees the end of the stream after the last byte.
    fn shut_down_sending(&mut self) -> io::Result<()>;

    /// Whether a short read has taken all there is, so that the next one can wait for the poller.
    fn is_drained(&mut self) -> bool {
        true
    }

    /// Whether bytes may be there that no poller reports: those after urgent data.
    fn may_hide_bytes(&self) -> bool {
        false
    }
}

/// The same stream by the type of the other ones: to read, write and poll, a descriptor is a descriptor.
#[cfg(unix)]
pub(crate) fn as_tcp(stream: impl Into<std::os::fd::OwnedFd>) -> std::net::TcpStream {
    stream.into().into()
}

impl Raw for TcpStream {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
