//! A connection that never blocks: TCP, a Unix socket or TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use socket2::SockRef;

use crate::listener::Accepted;

/// Where a server has been found, and what is spoken there.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
    Tls(SocketAddr, Arc<ClientConfig>, ServerName<'static>),
}

impl Place {
    /// Begins to connect. Whether that succeeds shows later.
    pub(crate) fn connect(&self) -> io::Result<Wire> {
        match self {
            Self::Tcp(address) => TcpStream::connect(*address).map(Wire::Tcp),
            #[cfg(unix)]
            Self::Unix(path) => UnixStream::connect(path).map(Wire::Unix),
            Self::Tls(address, config, name) => {
                let session = ClientConnection::new(Arc::clone(config), name.clone()).map_err(io::Error::other)?;
                Ok(Wire::Tls(Box::new(Tls { stream: TcpStream::connect(*address)?, session: session.into() })))
            }
        }
    }
}

/// A connection that never blocks. What is written over TLS has gone out when [`flush`](Write::flush) succeeds.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<Tls>),
}

/// TLS over TCP.
#[derive(Debug)]
pub(crate) struct Tls {
    stream: TcpStream,
    session: Connection,
}

impl Wire {
    /// A connection over TCP, which does not block from now on.
    pub(crate) fn tcp(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self::Tcp(TcpStream::from_std(stream)))
    }

    /// A connection over which TLS is to be spoken, and which does not block from now on.
    pub(crate) fn tls(stream: std::net::TcpStream, session: Connection) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self::Tls(Box::new(Tls { stream: TcpStream::from_std(stream), session })))
    }

    /// A connection that was accepted, over TCP with TLS if there is a configuration.
    pub(crate) fn accepted(accepted: Accepted, tls: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        match (accepted, tls) {
            (Accepted::Tcp(stream), None) => Self::tcp(stream),
            (Accepted::Tcp(stream), Some(config)) => {
                let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Self::tls(stream, session.into())
            }
            #[cfg(unix)]
            (Accepted::Unix(stream), _) => {
                stream.set_nonblocking(true)?;
                Ok(Self::Unix(UnixStream::from_std(stream)))
            }
        }
    }

    /// What a poller waits for.
    pub(crate) fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(stream) => stream,
            Self::Tls(tls) => &mut tls.stream,
        }
    }

    /// The failure of the connection that has not been told yet, if there is one.
    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Tcp(stream) => stream.take_error(),
            #[cfg(unix)]
            Self::Unix(stream) => stream.take_error(),
            Self::Tls(tls) => tls.stream.take_error(),
        }
    }

    /// Whether the connection is open by now, and over TLS the handshake done.
    pub(crate) fn open(&mut self) -> io::Result<bool> {
        if let Some(error) = self.take_error()? {
            return Err(error);
        }
        let stream = match self {
            Self::Tcp(stream) => &*stream,
            #[cfg(unix)]
            Self::Unix(stream) => return is_connected(stream.peer_addr().map(drop)),
            Self::Tls(tls) => &tls.stream,
        };
        if !is_connected(stream.peer_addr().map(drop))? {
            return Ok(false);
        }
        stream.set_nodelay(true)?;
        match self {
            Self::Tls(tls) => tls.shake_hands(),
            _ => Ok(true),
        }
    }

    /// Ends the sending direction. Over TLS a `close_notify` comes before that, which must go out at once: everything that
    /// was written before must have been flushed.
    pub(crate) fn end_sending(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tls(tls) => {
                tls.session.send_close_notify();
                tls.flush()?;
                tls.stream.shutdown(Shutdown::Write)
            }
        }
    }

    /// Closes the connection as if the program had been killed: a peer over TCP sees a reset.
    pub(crate) fn reset(self) {
        let stream = match &self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(_) => return,
            Self::Tls(tls) => &tls.stream,
        };
        // Where that fails, the peer sees an end.
        let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}

fn is_connected(peer: io::Result<()>) -> io::Result<bool> {
    match peer {
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        peer => peer.map(|()| true),
    }
}

impl Tls {
    fn shake_hands(&mut self) -> io::Result<bool> {
        while self.session.is_handshaking() {
            match self.flush().and_then(|()| self.fill()) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads records once, for how many bytes those are.
    fn fill(&mut self) -> io::Result<usize> {
        let count = self.session.read_tls(&mut self.stream)?;
        if let Err(error) = self.session.process_new_packets() {
            // The alert, as far as it can be sent.
            let _ = self.flush();
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        Ok(count)
    }

    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(space) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.fill()?;
            // An answer to what came, of the handshake or of a key's change.
            match self.flush() {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        match self.session.writer().write(bytes)? {
            // There is no space until more has gone out.
            0 if !bytes.is_empty() => Err(ErrorKind::WouldBlock.into()),
            count => match self.flush() {
                Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
                _ => Ok(count),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.stream) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Read for Wire {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(space),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(space),
            Self::Tls(tls) => tls.read(space),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(parts),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write_vectored(parts),
            Self::Tls(tls) => {
                let part = parts.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
                tls.write(part)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tls(tls) => tls.flush(),
            _ => Ok(()),
        }
    }
}
