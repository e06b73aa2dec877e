//! A socket below TLS.

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use jsonframe_std::Timeouts;

/// A socket below TLS, where a time is one for all that TLS does with the socket meanwhile: of a record that comes a byte at a
/// time, each byte is a read of its own.
#[derive(Debug)]
pub struct Socket {
    tcp: TcpStream,
    deadline: Cell<Option<Instant>>,
    moved: Cell<u64>,
}

impl Socket {
    pub(crate) const fn new(tcp: TcpStream) -> Self {
        Self { tcp, deadline: Cell::new(None), moved: Cell::new(0) }
    }

    /// The socket itself, for which there is no deadline.
    pub(crate) const fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Another handle on the socket, with a deadline of its own.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        self.tcp.try_clone().map(Self::new)
    }

    /// How many bytes have been read and written since this was last asked.
    pub(crate) const fn moved(&self) -> u64 {
        self.moved.replace(0)
    }

    /// How long the next read or write may wait.
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.get().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    fn count(&self, outcome: io::Result<usize>) -> io::Result<usize> {
        let count = outcome?;
        self.moved.set(self.moved.get().saturating_add(count as u64));
        Ok(count)
    }

    fn within(&self, time: Option<Duration>) {
        self.deadline.set(time.and_then(|time| Instant::now().checked_add(time)));
    }
}

impl Read for Socket {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(self.left()?)?;
        self.count((&self.tcp).read(place))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(self.left()?)?;
        self.count((&self.tcp).write(bytes))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.tcp.set_write_timeout(self.left()?)?;
        self.count((&self.tcp).write_vectored(parts))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Timeouts for Socket {
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.within(time);
        Ok(())
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.within(time);
        Ok(())
    }
}
