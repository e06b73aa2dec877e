//! What sockets can do besides reading and writing.

use std::io;
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

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

/// A stream whose reads and writes can be given a time.
///
/// Implemented for `TcpStream` and `UnixStream`; implement it for a stream around one of them that reads and writes it once for
/// each read and write of its own. TLS reads it until a record is whole, each time anew: it goes around a
/// [`Timed`](crate::Timed) stream.
pub trait Timeouts {
    /// How long a read may wait from now on.
    ///
    /// # Errors
    ///
    /// If the stream cannot be told so.
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()>;

    /// How long a write may wait from now on.
    ///
    /// # Errors
    ///
    /// If the stream cannot be told so.
    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()>;
}

macro_rules! socket {
    ($socket:ty) => {
        impl Duplex for $socket {
            fn try_clone(&self) -> io::Result<Self> {
                Self::try_clone(self)
            }

            fn end_sending(&self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }
        }

        impl Timeouts for $socket {
            fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
                Self::set_read_timeout(self, time)
            }

            fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
                Self::set_write_timeout(self, time)
            }
        }
    };
}

socket!(TcpStream);
#[cfg(unix)]
socket!(UnixStream);
