//! Where connections come from, as mio polls it.

use std::io;
use std::sync::Arc;

use mio::event::Source;
#[cfg(unix)]
use mio::net::UnixListener;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
#[cfg(unix)]
use socket2::SockRef;

use super::Address;
use super::listener::Listening;
#[cfg(unix)]
use super::listener::{Buffers, SocketFile};
use super::shared::Shared;
use super::stream::Accept;
#[cfg(unix)]
use crate::stream::as_tcp;

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
    type Raw = TcpStream;

    fn accept(&mut self) -> io::Result<(TcpStream, Address)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                // Messages are written whole, so there is nothing to be gained by waiting for more.
                let _ = stream.set_nodelay(true);
                Ok((stream, address.into()))
            }
            #[cfg(unix)]
            Self::Unix { listener, buffers, .. } => {
                let (stream, _) = listener.accept()?;
                let _ = buffers.set(&SockRef::from(&stream));
                Ok((TcpStream::from_std(as_tcp(stream)), Address::Unix))
            }
            Self::Adopted(shared) => {
                let (stream, address) = shared.adopted.pop()?;
                Ok((TcpStream::from_std(stream), address))
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
    fn accepted<C>(listener: Listener, connect: impl FnOnce() -> C) -> (TcpStream, C) {
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
        let socket = SockRef::from(&socket);
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
        let socket = SockRef::from(&socket);
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
