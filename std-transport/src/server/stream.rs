//! What the servers ask of what they accept from, and of the streams that they send to.

use std::io::{self, Write};

use super::Address;
use crate::stream::{Raw, Stream};

/// Where connections come from.
pub(crate) trait Accept {
    type Raw: Raw;

    /// The next connection, or `WouldBlock` if there is none.
    fn accept(&mut self) -> io::Result<(Self::Raw, Address)>;
}

/// What is sent to. It does not block.
pub(crate) trait Sink: Write + Send {
    /// Writes even if the poller has not reported that something can be written.
    fn write_unasked(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    /// What TLS knows of the peer.
    #[cfg(feature = "tls")]
    fn tls(&self) -> Option<&rustls::Connection> {
        None
    }
}

/// Writes to a sink [unasked](Sink::write_unasked).
pub(crate) struct Unasked<'s, S: ?Sized>(pub(crate) &'s mut S);

impl<S: Sink + ?Sized> Write for Unasked<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_unasked(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<R: Raw> Sink for Stream<R> {
    fn write_unasked(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_unasked(bytes)
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> Option<&rustls::Connection> {
        self.tls()
    }
}
