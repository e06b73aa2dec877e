//! Where connections come from, as mio polls it.

use std::{io, net};

use mio::event::Source;
#[cfg(unix)]
use mio::net::UnixListener;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::accept::Accept;
use super::{Address, Listener};
#[cfg(unix)]
use crate::stream::as_tcp;

/// A listener.
#[derive(Debug)]
pub(super) enum Door {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Door {
    /// Has the poller tell of connections that wait.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            #[cfg(unix)]
            Self::Unix(listener) => listener.register(registry, token, Interest::READABLE),
        }
    }
}

impl Accept for Door {
    type Raw = TcpStream;

    fn open(listener: Listener) -> io::Result<Self> {
        #[cfg(unix)]
        if listener.address() == Address::Unix {
            return Ok(Self::Unix(UnixListener::from_std(listener.socket.into())));
        }
        Ok(Self::Tcp(TcpListener::from_std(listener.socket.into())))
    }

    fn accept(&mut self) -> io::Result<(TcpStream, Address)> {
        match self {
            Self::Tcp(listener) => listener.accept().map(|(stream, address)| (stream, address.into())),
            #[cfg(unix)]
            Self::Unix(listener) => Ok((TcpStream::from_std(as_tcp(listener.accept()?.0)), Address::Unix)),
        }
    }

    fn adopt(stream: net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream::from_std(stream))
    }

    fn socket(stream: &TcpStream) -> SockRef<'_> {
        SockRef::from(stream)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use super::*;

    /// A connection that is accepted from this listener.
    fn accepted<C>(mut listener: Listener, connect: impl FnOnce() -> C) -> (TcpStream, C) {
        let client = connect();
        let setup = std::mem::take(&mut listener.setup);
        let (stream, address) = Door::open(listener).unwrap().accept().unwrap();
        setup.tune(&Door::socket(&stream), address);
        (stream, client)
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
