//! What it takes to use the two directions of a stream apart from each other.

use std::io;
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

/// A stream that two threads can use at the same time, and whose sending direction can be ended alone.
///
/// Implemented for `TcpStream`, `UnixStream`, and [`Timed`](crate::Timed) streams over them.
pub trait Duplex: Sized {
    /// Another handle on the same stream.
    ///
    /// # Errors
    ///
    /// If the system has none to give.
    fn try_clone(&self) -> io::Result<Self>;

    /// Ends the sending direction, so that the peer sees the end of the stream.
    ///
    /// # Errors
    ///
    /// If the stream is not connected any more.
    fn end_sending(&self) -> io::Result<()>;
}

impl Duplex for TcpStream {
    fn try_clone(&self) -> io::Result<Self> {
        Self::try_clone(self)
    }

    fn end_sending(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Duplex for UnixStream {
    fn try_clone(&self) -> io::Result<Self> {
        Self::try_clone(self)
    }

    fn end_sending(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
