//! A stream with what lies between it and the messages: a PROXY header, TLS, both or neither.
//!
//! ```text
//!  messages ── plaintext ── Stream { TLS ── what follows the PROXY header ── raw stream } ── the system
//! ```
//!
//! A driver calls [`Stream::open`] until it is `Ok`, then reads, writes and flushes as it would the raw stream. What it needs
//! of that is [`Raw`].

mod error;
mod proxy;
#[cfg(feature = "tls")]
mod tls;
#[cfg(test)]
pub(crate) mod wire;

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::net::TcpStream;

/// What is sent to. It does not block.
pub(crate) trait Sink: Write + Send {
    /// What TLS knows of the peer.
    #[cfg(feature = "tls")]
    fn tls(&self) -> Option<&rustls::Connection> {
        None
    }
}

/// A stream of the system's that does not block, and whose readiness a poller reports. A write asks the system, whatever the
/// poller has reported: pollers tell of free space only when there is much of it.
pub(crate) trait Raw: Read + Write + Send + 'static {
    /// Closes the sending direction: the peer sees the end of the stream after the last byte.
    fn shut_down_sending(&mut self) -> io::Result<()>;

    /// Whether a short read has taken all there is, so that the next one can wait for the poller.
    fn is_drained(&mut self) -> bool {
        true
    }

    /// Whether bytes may be there that no poller reports: those after urgent data.
    fn may_hide_bytes(&self) -> bool {
        false
    }
}

/// The same stream by the type of the other ones: to read, write and poll, a descriptor is a descriptor.
#[cfg(unix)]
pub(crate) fn as_tcp(stream: impl Into<std::os::fd::OwnedFd>) -> std::net::TcpStream {
    stream.into().into()
}

impl Raw for TcpStream {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A stream that does not block, and what lies between it and the messages.
#[derive(Debug)]
pub(crate) struct Stream<R> {
    raw: R,
    /// `None` if the raw stream is all there is.
    layers: Option<Box<Layers>>,
}

#[derive(Debug, Default)]
struct Layers {
    /// The PROXY header, until it has been read.
    proxy: Option<Box<proxy::Header>>,
    /// The client's address, if a PROXY header has given it.
    client_address: Option<SocketAddr>,
    /// Whether the proxy speaks for itself, as in a health check.
    is_local: bool,
    #[cfg(feature = "tls")]
    tls: Option<Box<tls::Tls>>,
}

#[cfg_attr(not(feature = "tls"), allow(clippy::unused_self, reason = "without TLS there is one answer"))]
impl<R: Raw> Stream<R> {
    /// A stream whose bytes are messages.
    pub(crate) const fn new(raw: R) -> Self {
        Self { raw, layers: None }
    }

    /// The same with a PROXY header first, before TLS if there is TLS.
    pub(crate) fn with_proxy_header(mut self) -> Self {
        self.layers.get_or_insert_default().proxy = Some(Box::new(proxy::Header::new()));
        self
    }

    /// The same with TLS, which may have been begun, as the end of it that the session is of.
    #[cfg(feature = "tls")]
    pub(crate) fn secured(mut self, session: rustls::Connection) -> Self {
        self.layers.get_or_insert_default().tls = Some(Box::new(tls::Tls::new(session)));
        self
    }

    /// Goes on with what precedes the messages; `Ok` once they may flow. To be called again whenever the raw stream has
    /// become readable or writable, until then.
    ///
    /// After `Ok` there may be something to read of which no poller tells any more, and something to
    /// [write](Self::wants_write). Without layers it is `Ok` at once.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the peer has yet to send, or to take something. Every other error is final, and says what came
    /// instead of what was expected.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        let Self { raw, layers: Some(layers) } = self else { return Ok(()) };
        if let Some(header) = &mut layers.proxy {
            layers.client_address = header.read(raw)?;
            layers.is_local = header.is_local();
            layers.proxy = None;
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut layers.tls {
            return tls.open(raw);
        }
        Ok(())
    }

    /// Whether this error is how health checks end, between messages: without a byte, and those of a proxy that speaks for
    /// itself by a reset, or without a `close_notify`.
    pub(crate) fn is_end_of_check(&self, error: &io::Error) -> bool {
        use ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        let why = error.get_ref().and_then(|error| error.downcast_ref());
        matches!(why, Some(error::OpenError::Nothing(_)))
            || matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe)
                && self.layers.as_ref().is_some_and(|layers| layers.is_local)
    }

    /// Whether the raw stream is all there is.
    pub(crate) const fn is_plain(&self) -> bool {
        self.layers.is_none()
    }

    /// Whether TLS has bytes to write, its own or what was written: [`flush`](Write::flush) is to be called when the raw
    /// stream is writable.
    pub(crate) fn wants_write(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls_layer() {
            return tls.session.wants_write();
        }
        false
    }

    /// Whether the last read, if it got less than it could have had, has got all there was. If not, only `WouldBlock` says so.
    pub(crate) fn is_drained(&mut self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls_layer().is_some_and(|tls| !tls.is_drained) {
            return false;
        }
        self.raw.is_drained()
    }

    /// The client's address as the PROXY header gives it. `None` if there is no such header, or it gives none: then the
    /// address is that of the socket.
    pub(crate) fn client_address(&self) -> Option<SocketAddr> {
        self.layers.as_ref()?.client_address
    }

    #[cfg(feature = "tls")]
    fn tls_layer(&self) -> Option<&tls::Tls> {
        self.layers.as_ref()?.tls.as_deref()
    }

    /// TLS and the raw stream below it.
    #[cfg(feature = "tls")]
    fn tls_over_raw(&mut self) -> Option<(&mut tls::Tls, &mut R)> {
        Some((self.layers.as_mut()?.tls.as_deref_mut()?, &mut self.raw))
    }

    pub(crate) const fn get_ref(&self) -> &R {
        &self.raw
    }

    pub(crate) const fn get_mut(&mut self) -> &mut R {
        &mut self.raw
    }

    /// Ends the sending direction, after what was written: with TLS by its `close_notify`, and then that of the raw stream.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if not all could be written: it is to be called again when the raw stream is writable.
    pub(crate) fn shut_down_sending(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some((tls, raw)) = self.tls_over_raw() {
            tls.close(raw)?;
        }
        self.raw.shut_down_sending()
    }
}

/// The end of the stream is `Ok(0)`; with TLS only if the peer has said that it is the end, by a `close_notify`. Otherwise the
/// stream may have been cut off, and it is an error of the kind `UnexpectedEof`.
impl<R: Raw> Read for Stream<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some((tls, raw)) = self.tls_over_raw() {
            return tls.read(raw, space);
        }
        self.raw.read(space)
    }
}

impl<R: Raw> Sink for Stream<R> {
    #[cfg(feature = "tls")]
    fn tls(&self) -> Option<&rustls::Connection> {
        self.tls_layer().map(|tls| &tls.session)
    }
}

/// With TLS, what was written may be in a buffer of limited size, until [`flush`](Write::flush) is `Ok`.
impl<R: Raw> Write for Stream<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some((tls, raw)) = self.tls_over_raw() {
            return tls.write(raw, &[IoSlice::new(bytes)]);
        }
        self.raw.write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some((tls, raw)) = self.tls_over_raw() {
            return tls.write(raw, slices);
        }
        self.raw.write_vectored(slices)
    }

    /// Hands all there is to the raw stream, and flushes it.
    fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some((tls, raw)) = self.tls_over_raw() {
            tls.push(raw)?;
        }
        self.raw.flush()
    }
}
