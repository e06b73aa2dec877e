//! What both ends of a connection do with it.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use jsonframe::{DecodeError, Dialect};
use jsonframe_std::{Connection, Error};

use crate::application::Draft;
use crate::console::Console;
use crate::text::ByteString;

/// Makes the stream send messages at once, and fail when nothing moves for this long.
pub(crate) fn prepare(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))
}

/// A message as it goes over the wire in a dialect, to be printed.
pub(crate) struct FramedIn<'a>(pub(crate) &'a Draft, pub(crate) &'a Dialect);

impl Display for FramedIn<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.frame_in(self.1) {
            Ok(frame) => ByteString(&frame).fmt(f),
            Err(error) => write!(f, "nothing, for {error},"),
        }
    }
}

/// Prints a message and sends it over a connection in this dialect.
pub(crate) fn send<S: Write>(
    connection: &mut Connection<S>,
    dialect: &Dialect,
    draft: &Draft,
    to: SocketAddr,
    console: &Console,
) -> Result<(), Error> {
    console.say(format_args!("sending {} to {to}", FramedIn(draft, dialect)));
    connection.send(&draft.header(), draft.content())
}

/// The error for what reading a message's content returned: of the stream, or of the peer who ended it too early.
pub(crate) fn content_error(error: io::Error) -> Error {
    error.downcast::<DecodeError>().map_or_else(Error::Io, Error::Decode)
}

/// The error in words. The system calls a timeout "resource temporarily unavailable".
pub(crate) fn in_words(error: impl Into<Error>) -> String {
    match error.into() {
        Error::Io(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            "the connection timed out".into()
        }
        error => error.to_string(),
    }
}
