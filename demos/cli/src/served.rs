//! A connection to a client: as it is, or over TLS.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rustls::{InvalidMessage, ServerConfig, ServerConnection};

use crate::stream::Stream;
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
        let shaken = session
            .complete_io(&mut &*socket)
            .and_then(|_| if session.is_handshaking() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) });
        shaken.map_err(|error| {
            let hint = match error.get_ref().and_then(|error| error.downcast_ref()) {
                Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
                    "; the peer does not speak TLS"
                }
                _ => "",
            };
            format!("no TLS: {error}{hint}")
        })?;
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
