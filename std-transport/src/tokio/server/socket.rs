//! Sockets and listeners, as tokio polls them and the servers know them: they say when they are blocked.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{self, Shutdown};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ::tokio::io::AsyncWrite;
#[cfg(unix)]
use ::tokio::net::UnixListener;
use ::tokio::net::{TcpListener, TcpStream};
use socket2::SockRef;

use crate::server::accept::Accept;
use crate::server::{Address, Listener};
use crate::stream::Raw;
#[cfg(unix)]
use crate::stream::as_tcp;
use crate::tokio::polled::{Polled, blocked_if_pending};

/// A connected socket that wakes the task of its connection.
#[derive(Debug)]
pub(super) struct Socket {
    inner: TcpStream,
    pub(super) waker: Waker,
    /// Whether the system is asked too when tokio has heard of nothing, which hears of what has arrived a little later.
    pub(super) asks_system: bool,
    /// Whether the peer has sent something just now, so that more may be expected.
    pub(super) is_busy: bool,
    /// Whether the last read got less than it could have had. Tokio takes that for all there was, but a read ends before
    /// urgent data too, and of what follows that no poller tells again.
    is_short: bool,
}

impl Socket {
    fn new(inner: TcpStream) -> Self {
        Self { inner, waker: Waker::noop().clone(), asks_system: false, is_busy: false, is_short: false }
    }
}

impl Read for Socket {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match Polled::new(&mut self.inner, &mut Context::from_waker(&self.waker)).read(space) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && (self.is_short || self.asks_system) => {
                let outcome = (&*SockRef::from(&self.inner)).read(space);
                self.is_short = outcome.is_ok();
                outcome
            }
            outcome => {
                let count = outcome?;
                self.is_short = count < space.len();
                Ok(count)
            }
        }
    }
}

/// The system is asked even if tokio has not heard of free space.
impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut self.inner).poll_write(&mut Context::from_waker(&self.waker), bytes) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => SockRef::from(&self.inner).send(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match Pin::new(&mut self.inner).poll_write_vectored(&mut Context::from_waker(&self.waker), slices) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => SockRef::from(&self.inner).send_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Raw for Socket {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        SockRef::from(&self.inner).shutdown(Shutdown::Write)
    }

    /// A peer that is not busy costs little, so that it is read until nothing is left.
    fn is_drained(&mut self) -> bool {
        let mut context = Context::from_waker(&self.waker);
        self.is_busy && !self.asks_system && self.inner.poll_read_ready(&mut context).is_pending()
    }

    fn may_hide_bytes(&self) -> bool {
        self.is_short
    }
}

/// A listener that wakes the task that accepts.
#[derive(Debug)]
pub(super) struct Door {
    kind: Kind,
    pub(super) waker: Waker,
    /// Whether the system is asked too when tokio has heard of nothing.
    pub(super) asks_system: bool,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Accept for Door {
    type Raw = Socket;

    fn open(listener: Listener) -> io::Result<Self> {
        let kind = match listener.address() {
            #[cfg(unix)]
            Address::Unix => Kind::Unix(UnixListener::from_std(listener.socket.into())?),
            _ => Kind::Tcp(TcpListener::from_std(listener.socket.into())?),
        };
        Ok(Self { kind, waker: Waker::noop().clone(), asks_system: false })
    }

    fn adopt(stream: net::TcpStream) -> io::Result<Socket> {
        Ok(Socket::new(TcpStream::from_std(stream)?))
    }

    fn socket(stream: &Socket) -> SockRef<'_> {
        SockRef::from(&stream.inner)
    }

    fn accept(&mut self) -> io::Result<(Socket, Address)> {
        let mut context = Context::from_waker(&self.waker);
        let (listener, accepted) = match &self.kind {
            Kind::Tcp(listener) => {
                let accepted = blocked_if_pending(listener.poll_accept(&mut context));
                (SockRef::from(listener), accepted.map(|(stream, address)| (stream, address.into())))
            }
            #[cfg(unix)]
            Kind::Unix(listener) => {
                let accepted = blocked_if_pending(listener.poll_accept(&mut context));
                // What tokio knows of the stream, it knows by another type.
                let stream = accepted.and_then(|(stream, _)| TcpStream::from_std(as_tcp(stream.into_std()?)));
                (SockRef::from(listener), stream.map(|stream| (stream, Address::Unix)))
            }
        };
        let (stream, address) = match accepted {
            Err(error) if error.kind() == ErrorKind::WouldBlock && self.asks_system => {
                let (socket, address) = listener.accept()?;
                socket.set_nonblocking(true)?;
                (TcpStream::from_std(socket.into())?, address.as_socket().map_or(Address::Unix, Address::Ip))
            }
            outcome => outcome?,
        };
        Ok((Socket::new(stream), address))
    }
}
