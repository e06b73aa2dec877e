//! Why a stream is refused before its messages.

use std::fmt;
use std::io::{self, ErrorKind};

/// What a peer got wrong before its first message. It comes as the source of an [`io::Error`].
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The stream ended, perhaps by a reset, before anything came, as those of health checks do.
    #[error("the stream ended before {0}")]
    Nothing(&'static str),

    /// The stream ended inside what precedes the messages.
    #[error("the stream ended inside {0}")]
    Cut(&'static str),

    #[error("expected a PROXY header{0}")]
    NotProxyHeader(Start),

    #[error("a PROXY header of version 1 is longer than 107 bytes")]
    ProxyHeaderTooLong,

    #[error("the PROXY header is not valid: {0}")]
    ProxyHeader(&'static str),

    #[cfg(feature = "tls")]
    #[error("expected TLS{0}")]
    NotTls(Start),

    #[cfg(feature = "tls")]
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[source] rustls::Error),
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        let kind = match error {
            OpenError::Nothing(_) | OpenError::Cut(_) => ErrorKind::UnexpectedEof,
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// The first bytes of a stream, as far as they are known: for errors that say what came instead of what was expected.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    bytes: [u8; Self::LENGTH],
    known: usize,
}

impl Start {
    /// Enough to recognise a protocol.
    const LENGTH: usize = 8;

    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut start = Self::default();
        start.add(bytes);
        start
    }

    /// Adds what came next.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for (byte, free) in bytes.iter().zip(self.bytes.iter_mut().skip(self.known)) {
            *free = *byte;
            self.known += 1;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.known == 0
    }

    fn known(&self) -> &[u8] {
        self.bytes.get(..self.known).unwrap_or_default()
    }

    /// The protocol that begins like this.
    pub(super) fn protocol(&self) -> Option<&'static str> {
        const HTTP: [&[u8]; 8] =
            [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"PRI * "];
        match self.known() {
            [0x15 | 0x16, 3, ..] => Some("TLS"),
            [_, _, b'{', ..] => Some("a message of jsonframe"),
            known if known.starts_with(b"PROXY ") || known.starts_with(b"\r\n\r\n\0") => Some("a PROXY header"),
            known if known.starts_with(b"SSH-") => Some("SSH"),
            known if HTTP.iter().any(|method| known.starts_with(method)) => Some("HTTP"),
            _ => None,
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "; the stream begins with \"{}\"", self.known().escape_ascii())?;
        self.protocol().map_or(Ok(()), |protocol| write!(f, ", which looks like {protocol}"))
    }
}
