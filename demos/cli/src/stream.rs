//! A connection that blocks: TCP, a Unix socket or TLS.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use jsonframe_std::Timeouts;
use rustls::{ClientConnection, ConnectionCommon, ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::listener::Accepted;
use crate::socket::Socket;
use crate::watched::Moving;

/// A connection to a server, over whatever its address asked for, or to a client.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
    /// TLS over TCP.
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
    /// TLS over TCP, as the server.
    TlsServer(Box<StreamOwned<ServerConnection, Socket>>),
}

/// Does the same with whatever the stream is: with what is read and written, or with its socket.
macro_rules! on_each {
    ($self:ident, $stream:ident => $act:expr) => {
        match $self {
            Self::Tcp($stream) => $act,
            #[cfg(unix)]
            Self::Unix($stream) => $act,
            Self::Tls($stream) => $act,
            Self::TlsServer($stream) => $act,
        }
    };
    ($self:ident, socket $socket:ident => $act:expr) => {
        match $self {
            Self::Tcp($socket) => $act,
            #[cfg(unix)]
            Self::Unix($socket) => $act,
            Self::Tls(stream) => {
                let $socket = stream.sock.tcp();
                $act
            }
            Self::TlsServer(stream) => {
                let $socket = stream.sock.tcp();
                $act
            }
        }
    };
}

impl Stream {
    /// How long it may take to say that nothing more is sent.
    pub(crate) const END: Duration = Duration::from_secs(10);

    /// A connection that was accepted, over TCP with TLS if there is a configuration. Its handshake comes with the first read.
    pub(crate) fn accepted(accepted: Accepted, tls: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        Ok(match (accepted, tls) {
            (Accepted::Tcp(stream), None) => Self::Tcp(stream),
            (Accepted::Tcp(stream), Some(config)) => {
                let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Self::TlsServer(Box::new(StreamOwned::new(session, Socket::new(stream))))
            }
            #[cfg(unix)]
            (Accepted::Unix(stream), _) => Self::Unix(stream),
        })
    }

    /// Has reading and writing fail instead of waiting, or not any more.
    pub(crate) fn set_nonblocking(&self, is_so: bool) -> io::Result<()> {
        on_each!(self, socket stream => stream.set_nonblocking(is_so))
    }

    /// Whether the peer has sent something, or ended, that could be read without waiting.
    pub(crate) fn has_something_to_read(&mut self) -> io::Result<bool> {
        match self {
            Self::Tcp(stream) => can_be_read(&SockRef::from(&*stream)),
            #[cfg(unix)]
            Self::Unix(stream) => can_be_read(&SockRef::from(&*stream)),
            Self::Tls(stream) => has_plaintext(&mut stream.conn, stream.sock.tcp()),
            Self::TlsServer(stream) => has_plaintext(&mut stream.conn, stream.sock.tcp()),
        }
    }

    /// Ends the sending direction, so that the peer sees the end of the stream. Over TLS that is a `close_notify`, and the
    /// end of TCP's sending direction after it.
    ///
    /// # Errors
    ///
    /// If the stream is not connected any more, or TLS's last record cannot be written.
    pub fn end_sending(&mut self) -> io::Result<()> {
        match self {
            Self::Tls(stream) => stream.conn.send_close_notify(),
            Self::TlsServer(stream) => stream.conn.send_close_notify(),
            _ => {}
        }
        self.set_write_timeout(Some(Self::END))?;
        self.flush()?;
        on_each!(self, socket stream => stream.shutdown(Shutdown::Write))
    }

    /// Has the system keep less of what is not read yet, so that the peer is soon held up.
    pub(crate) fn shrink_receive_buffer(&self) -> io::Result<()> {
        const SMALL: usize = 16 * 1024;
        on_each!(self, socket stream => SockRef::from(stream).set_recv_buffer_size(SMALL))
    }

    /// Ends the sending direction below whatever else is spoken, without a word.
    pub(crate) fn end_raw(&mut self) {
        // It may have ended by itself.
        let _ = on_each!(self, socket stream => stream.shutdown(Shutdown::Write));
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        on_each!(self, stream => stream.read(buffer))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        on_each!(self, stream => stream.write(bytes))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        on_each!(self, stream => stream.write_vectored(parts))
    }

    fn flush(&mut self) -> io::Result<()> {
        on_each!(self, stream => stream.flush())
    }
}

impl Timeouts for Stream {
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tls(stream) => stream.sock.set_read_timeout(time),
            Self::TlsServer(stream) => stream.sock.set_read_timeout(time),
            _ => on_each!(self, socket stream => stream.set_read_timeout(time)),
        }
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tls(stream) => stream.sock.set_write_timeout(time),
            Self::TlsServer(stream) => stream.sock.set_write_timeout(time),
            _ => on_each!(self, socket stream => stream.set_write_timeout(time)),
        }
    }
}

impl Moving for Stream {
    fn moved_below(&self) -> u64 {
        match self {
            Self::Tls(stream) => stream.sock.moved(),
            Self::TlsServer(stream) => stream.sock.moved(),
            _ => 0,
        }
    }
}

/// Whether reading would not block.
fn can_be_read(socket: &SockRef<'_>) -> io::Result<bool> {
    socket.set_nonblocking(true)?;
    let peeked = socket.peek(&mut [MaybeUninit::uninit()]);
    socket.set_nonblocking(false)?;
    Ok(!peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
}

/// Whether there is plaintext, or an end, in the records that have come. They are read, to be decrypted.
fn has_plaintext<D>(session: &mut ConnectionCommon<D>, mut stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let has_any = loop {
        // What is wrong, reading tells.
        let Ok(state) = session.process_new_packets() else { break true };
        if state.plaintext_bytes_to_read() > 0 || state.peer_has_closed() {
            break true;
        }
        match session.read_tls(&mut stream) {
            Ok(0) => break true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
            Err(error) if error.kind() != ErrorKind::Interrupted => break true,
            _ => {}
        }
    };
    stream.set_nonblocking(false)?;
    Ok(has_any)
}
