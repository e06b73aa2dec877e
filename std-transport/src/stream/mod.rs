//! A stream with what lies between it and the messages: a PROXY header, TLS, both or neither.
//!
//! ```text
//!  engine ── plaintext ── Stream { TLS ── what follows the PROXY header ── raw } ── the system
//! ```
//!
//! A driver calls [`Stream::open`] until it is `Ok`, then reads, writes and flushes as it would the raw stream.

mod raw;

use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;

pub(crate) use raw::Raw;

/// A stream that does not block, and what lies between it and the messages.
#[derive(Debug)]
pub(crate) struct Stream<R> {
    raw: R,
    /// `None` if the raw stream is all there is.
    layers: Option<Box<Layers>>,
}

#[derive(Debug, Default)]
struct Layers {
    /// The address that the PROXY header has given.
    client_address: Option<SocketAddr>,
    #[cfg(feature = "tls")]
    tls: Option<Box<rustls::Connection>>,
}

impl<R: Raw> Stream<R> {
    /// A stream whose bytes are messages.
    pub(crate) const fn new(raw: R) -> Self {
        Self { raw, layers: None }
    }

    /// The same with a PROXY header first, before TLS if there is TLS.
    #[cfg(feature = "proxy-protocol")]
    pub(crate) fn with_proxy_header(mut self) -> Self {
        let _ = self.layers.get_or_insert_default();
        self
    }

    /// The same with TLS, as the server's end of it.
    #[cfg(feature = "tls")]
    pub(crate) fn with_tls(mut self, config: &Arc<rustls::ServerConfig>) -> Result<Self, rustls::Error> {
        let tls = rustls::ServerConnection::new(Arc::clone(config))?.into();
        self.layers.get_or_insert_default().tls = Some(Box::new(tls));
        Ok(self)
    }

    /// The same with TLS, as the client's end of it.
    #[cfg(feature = "tls")]
    pub(crate) fn with_tls_client(
        mut self,
        config: &Arc<rustls::ClientConfig>,
        name: rustls::pki_types::ServerName<'static>,
    ) -> Result<Self, rustls::Error> {
        let tls = rustls::ClientConnection::new(Arc::clone(config), name)?.into();
        self.layers.get_or_insert_default().tls = Some(Box::new(tls));
        Ok(self)
    }

    /// Goes on with what precedes the messages; `Ok` once they may flow. To be called again whenever the raw stream has
    /// become readable or writable, until then.
    ///
    /// After `Ok` there may be something to read of which no poller tells any more. Without layers it is `Ok` at once.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the peer has yet to send, or to take something. Every other error is final, and says what came
    /// instead of what was expected.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "it is to come")]
    pub(crate) const fn open(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whether the layers have bytes to write, their own or what was written: [`flush`](Write::flush) is to be called when
    /// the raw stream is writable.
    #[allow(clippy::unused_self, reason = "it is to come")]
    pub(crate) const fn wants_write(&self) -> bool {
        false
    }

    /// Whether a read that gets less than it could have had has got all there was, if it is so of the raw stream. If not,
    /// only `WouldBlock` says that.
    #[allow(clippy::unused_self, reason = "it is to come")]
    pub(crate) const fn drains_by_short_read(&self) -> bool {
        true
    }

    /// The client's address as the PROXY header gives it. `None` if there is no such header, or it gives none: then the
    /// address is that of the socket.
    pub(crate) fn client_address(&self) -> Option<SocketAddr> {
        self.layers.as_ref()?.client_address
    }

    /// What TLS knows of the peer: certificates, protocol (ALPN), version, cipher suite, the name asked for. `None` without
    /// TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> Option<&rustls::Connection> {
        self.layers.as_ref()?.tls.as_deref()
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
        self.raw.shut_down_sending()
    }

    /// Writes even if the poller has not reported that something can be written.
    pub(crate) fn write_unasked(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.raw.write_unasked(bytes)
    }
}

/// The end of the stream is `Ok(0)`; with TLS only if the peer has said that it is the end, by a `close_notify`. Otherwise the
/// stream may have been cut off, and it is an error of the kind `UnexpectedEof`.
impl<R: Raw> Read for Stream<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.raw.read(space)
    }
}

/// With TLS, what was written may be in a buffer of limited size, until [`flush`](Write::flush) is `Ok`.
impl<R: Raw> Write for Stream<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.raw.write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.raw.write_vectored(slices)
    }

    /// Hands all there is to the raw stream.
    fn flush(&mut self) -> io::Result<()> {
        self.raw.flush()
    }
}
