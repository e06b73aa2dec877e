//! Sockets of both kinds, as mio polls them.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
#[cfg(unix)]
use socket2::SockRef;

use super::Address;
use super::adopt::Unpolled;
use super::listener::Listening;
#[cfg(unix)]
use super::listener::{Buffers, SocketFile};
use super::shared::Shared;
use super::stream::Accept;
use crate::stream::Raw;

/// Calls the same of a socket of either kind.
macro_rules! each {
    ($of:expr, $socket:ident => $call:expr) => {
        match $of {
            Self::Tcp($socket) => $call,
            #[cfg(unix)]
            Self::Unix($socket) => $call,
        }
    };
}

#[cfg(feature = "tokio")]
pub(crate) use each;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Read for Socket {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        each!(self, socket => socket.read(space))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, socket => socket.write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        each!(self, socket => socket.write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Raw for Socket {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        each!(self, socket => socket.shut_down_sending())
    }
}

impl Source for Socket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        each!(self, socket => socket.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        each!(self, socket => socket.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        each!(self, socket => socket.deregister(registry))
    }
}

/// Where connections come from: a listener, or whoever has accepted them.
#[derive(Debug)]
pub(super) enum Door {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        /// Removed before the listener is closed.
        #[expect(dead_code, reason = "it is dropped")]
        file: Option<SocketFile>,
        listener: UnixListener,
        buffers: Buffers,
    },
    Adopted(Arc<Shared>),
}

impl Door {
    pub(super) fn new(listening: Listening) -> Self {
        match listening {
            Listening::Tcp(listener) => Self::Tcp(TcpListener::from_std(listener)),
            #[cfg(unix)]
            Listening::Unix { file, listener, buffers } => {
                Self::Unix { file, listener: UnixListener::from_std(listener), buffers }
            }
        }
    }
}

impl Door {
    /// Has the poller tell of connections that wait.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            #[cfg(unix)]
            Self::Unix { listener, .. } => listener.register(registry, token, Interest::READABLE),
            // The worker is woken for it.
            Self::Adopted(_) => Ok(()),
        }
    }
}

impl Accept for Door {
    type Raw = Socket;

    fn accept(&mut self) -> io::Result<(Socket, Address)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                // Messages are written whole, so there is nothing to be gained by waiting for more.
                let _ = stream.set_nodelay(true);
                Ok((Socket::Tcp(stream), address.into()))
            }
            #[cfg(unix)]
            Self::Unix { listener, buffers, .. } => {
                let (stream, _) = listener.accept()?;
                let _ = buffers.set(&SockRef::from(&stream));
                Ok((Socket::Unix(stream), Address::Unix))
            }
            Self::Adopted(shared) => {
                let (stream, address) = shared.adopted.pop()?;
                let socket = match stream {
                    Unpolled::Tcp(stream) => Socket::Tcp(TcpStream::from_std(stream)),
                    #[cfg(unix)]
                    Unpolled::Unix(stream) => Socket::Unix(UnixStream::from_std(stream)),
                };
                Ok((socket, address))
            }
        }
    }
}
