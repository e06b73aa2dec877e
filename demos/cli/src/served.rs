//! A connection to a client: as it is, or over TLS.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};

use crate::stream::Stream;
use crate::tls::handshake;
use crate::watched::Watched;

/// A connection to a client, over TLS if that is spoken. What is below TLS is watched: a peer that sends a record a byte at
/// a time is as late as any other, and one that is slow but fast enough has sent something.
pub(crate) struct Served<'a> {
    socket: &'a Watched<Stream>,
    session: Option<Box<ServerConnection>>,
}

impl<'a> Served<'a> {
    /// Begins to serve, after the handshake if TLS is spoken, which may take this time.
    ///
    /// # Errors
    ///
    /// What is wrong with the handshake, in words.
    pub(crate) fn begin(
        socket: &'a Watched<Stream>,
        tls: Option<&Arc<ServerConfig>>,
        time: Duration,
    ) -> Result<Self, String> {
        let Some(config) = tls else { return Ok(Self { socket, session: None }) };
        socket.within(time);
        socket.doing("in the handshake of TLS");
        let mut session = ServerConnection::new(Arc::clone(config)).map_err(|error| error.to_string())?;
        handshake(&mut session, socket).map_err(|error| error.to_string())?;
        Ok(Self { socket, session: Some(session.into()) })
    }

    /// What is below TLS.
    pub(crate) const fn socket(&self) -> &'a Watched<Stream> {
        self.socket
    }

    /// Says, where the stream has a word for it, that nothing more is sent.
    pub(crate) fn say_end(&mut self) {
        if let Some(session) = &mut self.session {
            session.send_close_notify();
            // A peer that has gone need not be told.
            let _ = self.flush();
        }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut dyn Both) -> T) -> T {
        match &mut self.session {
            Some(session) => act(&mut rustls::Stream::new(&mut **session, &mut self.socket)),
            None => act(&mut self.socket),
        }
    }
}

/// What can be read and written.
trait Both: Read + Write {}

impl<S: Read + Write> Both for S {}

impl Read for Served<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.with(|stream| stream.read(place))
    }
}

impl Write for Served<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.with(|stream| stream.write_vectored(parts))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|stream| stream.flush())
    }
}
