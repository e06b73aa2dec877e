//! Streams and listeners of tokio's, as the servers know them: they say when they are blocked.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll, Waker};

use ::tokio::net::{TcpListener, TcpStream};
use socket2::SockRef;

use crate::server::stream::{self, Sink};
use crate::tokio::polled::Polled;

/// A stream that wakes the task of its connection.
#[derive(Debug)]
pub(super) struct Stream {
    inner: TcpStream,
    waker: Waker,
    /// Whether the system is asked before tokio is, which hears of what has arrived a little later.
    pub(super) asks_first: bool,
    /// Whether the last read got less than it could have had. Tokio takes that for all there was, but a read ends before
    /// urgent data too, and of what follows that no poller tells again.
    read_on: bool,
}

impl Stream {
    pub(super) const fn new(inner: TcpStream, waker: Waker) -> Self {
        Self { inner, waker, asks_first: false, read_on: false }
    }

    fn polled<T>(&mut self, call: impl FnOnce(&mut Polled<'_, '_, TcpStream>) -> io::Result<T>) -> io::Result<T> {
        call(&mut Polled::new(&mut self.inner, &mut Context::from_waker(&self.waker)))
    }
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.asks_first || self.read_on {
            match (&*SockRef::from(&self.inner)).read(space) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.read_on = false,
                outcome => return outcome,
            }
        }
        let count = self.polled(|stream| stream.read(space))?;
        self.read_on = count < space.len();
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.polled(|stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.polled(|stream| stream.write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Stream {
    fn write_unasked(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(&self.inner).send(bytes)
    }
}

impl stream::Stream for Stream {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        SockRef::from(&self.inner).shutdown(Shutdown::Write)
    }
}

/// A listener that wakes the task that accepts.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) inner: TcpListener,
    pub(super) waker: Waker,
    /// Whether the system is asked before tokio is.
    pub(super) asks_first: bool,
}

impl Listener {
    fn accept_unasked(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, address) = SockRef::from(&self.inner).accept()?;
        socket.set_nonblocking(true)?;
        let address = address.as_socket().ok_or(ErrorKind::AddrNotAvailable)?;
        Ok((TcpStream::from_std(socket.into())?, address))
    }

    fn accept_any(&self) -> io::Result<(TcpStream, SocketAddr)> {
        if self.asks_first {
            match self.accept_unasked() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
        }
        match self.inner.poll_accept(&mut Context::from_waker(&self.waker)) {
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
            Poll::Ready(outcome) => outcome,
        }
    }
}

impl stream::Listener for Listener {
    type Stream = TcpStream;

    fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = self.accept_any()?;
        // Messages are written whole, so there is nothing to be gained by waiting for more.
        let _ = stream.set_nodelay(true);
        Ok((stream, address))
    }
}
