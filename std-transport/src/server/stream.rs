//! What the servers ask of listeners and streams.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::net::{TcpListener, TcpStream};

/// Where connections come from.
pub(crate) trait Listener {
    type Stream;

    /// The next connection, or `WouldBlock` if there is none.
    fn accept(&mut self) -> io::Result<(Self::Stream, SocketAddr)>;
}

/// What is sent to. It does not block.
pub(crate) trait Sink: Write + Send {
    /// Writes even if the poller has not reported that something can be written.
    fn write_unasked(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }
}

/// A stream that does not block, and whose readiness a poller reports.
pub(crate) trait Stream: Read + Sink {
    /// Closes the sending direction: the peer sees the end of the stream after the last byte.
    fn shut_down_sending(&mut self) -> io::Result<()>;
}

/// Writes to a sink [unasked](Sink::write_unasked).
pub(crate) struct Unasked<'s, S: ?Sized>(pub(crate) &'s mut S);

impl<S: Sink + ?Sized> Write for Unasked<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_unasked(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = Self::accept(self)?;
        // Messages are written whole, so there is nothing to be gained by waiting for more.
        let _ = stream.set_nodelay(true);
        Ok((stream, address))
    }
}

impl Sink for TcpStream {}

impl Stream for TcpStream {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
