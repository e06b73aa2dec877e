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

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net;
    use std::time::Duration;

    use socket2::SockRef;

    use super::super::Listener;
    use super::*;

    /// A connection that is accepted from this listener.
    fn accepted<C>(listener: Listener, connect: impl FnOnce() -> C) -> (Socket, C) {
        let (listening, _) = listener.into_parts(1024).unwrap();
        let (mut door, client) = (Door::new(listening), connect());
        (door.accept().unwrap().0, client)
    }

    #[test]
    fn what_a_listener_is_told_holds_for_its_connections() {
        let listener = Listener::tcp("127.0.0.1:0").unwrap();
        let listener = listener.with_keepalive(Duration::from_secs(77)).unwrap().with_receive_buffer(50_000).unwrap();
        let listener = listener.with_send_buffer(60_000).unwrap();
        let address = listener.address();
        let (socket, client) = accepted(listener, || net::TcpStream::connect(address).unwrap());
        let Socket::Tcp(stream) = &socket else { panic!("{socket:?}") };
        let socket = SockRef::from(stream);
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
        // Linux doubles what it is asked for.
        let factor = if cfg!(target_os = "linux") { 2 } else { 1 };
        assert_eq!(socket.recv_buffer_size().unwrap(), factor * 50_000);
        assert_eq!(socket.send_buffer_size().unwrap(), factor * 60_000);
        assert!(!SockRef::from(&client).keepalive().unwrap(), "by itself it is not so");
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_socket_has_buffers_and_no_keepalive() {
        let path = std::env::temp_dir().join(format!("jsonframe-{}-buffers.sock", std::process::id()));
        let listener =
            Listener::unix(&path).unwrap().with_receive_buffer(50_000).unwrap().with_send_buffer(60_000).unwrap();
        let connect = || std::os::unix::net::UnixStream::connect(&path).unwrap();
        let (socket, _client) = accepted(listener, connect);
        let Socket::Unix(stream) = &socket else { panic!("{socket:?}") };
        let socket = SockRef::from(stream);
        let factor = if cfg!(target_os = "linux") { 2 } else { 1 };
        assert_eq!(socket.recv_buffer_size().unwrap(), factor * 50_000);
        assert_eq!(socket.send_buffer_size().unwrap(), factor * 60_000);
        let error = Listener::unix(&path).unwrap().with_keepalive(Duration::from_secs(77)).map(drop).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Unsupported, "a Unix socket has no keepalive")
        );
    }
}
