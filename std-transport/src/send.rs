//! The sending side of a connection: whole messages through short writes.

use std::io::{self, ErrorKind, Read, Write};

#[cfg(feature = "json")]
use jsonframe::Value;
use jsonframe::{Dialect, Header, Outgoing};

use crate::engine::Outbox;
use crate::failure::plain;
use crate::io::{retry, write_some};
use crate::receive::at_most;
use crate::{Duplex, Error, Incoming};

/// The sending direction of a connection: [`Connection::split`](crate::Connection::split).
///
/// Its methods are those of a [`Connection`](crate::Connection), which are described there.
#[derive(Debug)]
pub struct SendingHalf<S> {
    pub(crate) stream: S,
    /// It encodes heads, always in the same memory. Nothing is queued.
    outbox: Outbox,
    /// Whether a message may have gone out only in part.
    broken: bool,
}

impl<S> SendingHalf<S> {
    /// How much of a streamed content is held at a time, in bytes.
    const CHUNK: usize = 64 * 1024;

    pub(crate) const fn new(stream: S, dialect: &'static Dialect) -> Self {
        Self { stream, outbox: Outbox::new(dialect), broken: false }
    }

    pub(crate) fn set_dialect(&mut self, dialect: &'static Dialect) {
        self.outbox = Outbox::new(dialect);
    }

    /// The stream, with its timeouts.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Gives the stream back.
    pub fn into_inner(self) -> S {
        self.stream
    }

    const fn check(&self) -> Result<(), Error> {
        if self.broken { Err(Error::SendBroken) } else { Ok(()) }
    }
}

impl<S: Write> SendingHalf<S> {
    /// Sends a message: [`Connection::send`](crate::Connection::send).
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send`](crate::Connection::send).
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.check()?;
        let (message, _) = self.outbox.begin_whole(header, content)?;
        self.broken = true;
        write_all(&mut self.stream, message)?;
        self.flush()
    }

    /// Sends a message whose content is read from a source: [`Connection::send_stream`](crate::Connection::send_stream).
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send_stream`](crate::Connection::send_stream).
    pub fn send_stream(&mut self, header: &Header<'_>, source: &mut impl Read) -> Result<(), Error> {
        self.check()?;
        let mut head = self.outbox.begin_head(header)?;
        let mut left = header.content_length();
        let mut chunk = vec![0; at_most(Self::CHUNK, left)];
        loop {
            let wanted = at_most(chunk.len(), left);
            let count = retry(|| source.read(&mut chunk[..wanted]))?.min(wanted);
            if count == 0 && left > 0 {
                return Err(Error::SourceTooShort { missing: left });
            }
            self.broken = true;
            write_all(&mut self.stream, Outgoing::from_parts([head, &chunk[..count]]))?;
            head = &[];
            left -= count as u64;
            if left == 0 {
                return self.flush();
            }
        }
    }

    /// Sends on a message that is being received, its content as it comes:
    /// [`Connection::forward`](crate::Connection::forward).
    ///
    /// # Errors
    ///
    /// Those of [`Connection::forward`](crate::Connection::forward).
    pub fn forward(&mut self, message: &mut Incoming<'_, impl Read>) -> Result<(), Error> {
        let header = message.receiver.unread_header()?;
        self.send_stream(&header.header(), message)
    }

    /// Sends a value as a message of JSON content: [`Connection::send_json`](crate::Connection::send_json).
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send_json`](crate::Connection::send_json).
    #[cfg(feature = "json")]
    pub fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.send_json_with(value, &[])
    }

    /// Sends a value as a message of JSON content, with members of its own in the header:
    /// [`Connection::send_json_with`](crate::Connection::send_json_with).
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send_json`](crate::Connection::send_json).
    #[cfg(feature = "json")]
    pub fn send_json_with<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<(), Error> {
        let content = jsonframe::to_json(value)?;
        let header = self.outbox.dialect().json_header(content.len() as u64);
        self.send(&header.with_extensions(extensions), &content)
    }

    /// Flushes the stream, which ends a message.
    fn flush(&mut self) -> Result<(), Error> {
        retry(|| self.stream.flush()).map_err(|error| plain(error, "writing"))?;
        self.broken = false;
        Ok(())
    }
}

impl<S: Duplex> SendingHalf<S> {
    /// Ends the sending direction: the peer sees the end of the stream after the last message.
    ///
    /// # Errors
    ///
    /// Those of [`Duplex::end_sending`].
    pub fn finish(self) -> io::Result<()> {
        self.stream.end_sending()
    }
}

fn write_all(stream: &mut impl Write, mut message: Outgoing<'_>) -> io::Result<()> {
    let blocked = || Err(ErrorKind::WouldBlock.into());
    write_some(stream, &mut message)
        .and_then(|()| if message.is_empty() { Ok(()) } else { blocked() })
        .map_err(|error| plain(error, "writing"))
}
