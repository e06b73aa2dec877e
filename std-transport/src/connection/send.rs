//! The sending side of a connection: whole messages through short writes.

use std::io::{self, ErrorKind, Read, Write};

use jsonframe::Header;
#[cfg(feature = "json")]
use jsonframe::Value;

use super::Connection;
use crate::engine::Outbox;
use crate::error::plain;
use crate::io::{flush, retry, write_queued};
use crate::receive::at_most;
use crate::{Error, Incoming};

/// How much of a streamed content is held at a time, in bytes.
const CHUNK: usize = 64 * 1024;

impl<S: Write, I> Connection<S, I, Outbox> {
    /// Sends a message of this header and content, and flushes the stream.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the header cannot be sent or announces another length than the content has: nothing has gone
    /// out then. [`Error::Io`] if the stream failed: the message may have gone out in part, so that nothing more can be
    /// sent ([`Error::SendBroken`]).
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        let content = self.outbox()?.begin(header, content, Outbox::TINY)?;
        self.write(content)?;
        self.flush()
    }

    /// Sends a message whose content is read from a source, as many bytes of it as the header announces, and flushes the
    /// stream. Takes at most 64 KiB of memory, whatever the length.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::Header;
    ///
    /// let mut connection = Connection::new(Cursor::new(Vec::new()));
    /// let length = 1_000_000;
    /// let mut source = std::io::repeat(b'x');
    /// connection.send_stream(&Header::new("text/plain", "utf-8", length), &mut source)?;
    /// assert!(connection.get_ref().get_ref().len() > 1_000_000);
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::SourceTooShort`] if the source ends too early, [`Error::Io`] if the source or the stream failed. The
    /// message may have gone out in part then, so that nothing more can be sent ([`Error::SendBroken`]).
    /// [`Error::Encode`] as for [`send`](Self::send).
    pub fn send_stream(&mut self, header: &Header<'_>, source: &mut impl Read) -> Result<(), Error> {
        self.outbox()?.queue_head(header, &[])?;
        let mut left = header.content_length();
        let mut chunk = vec![0; at_most(CHUNK, left)];
        loop {
            let wanted = at_most(chunk.len(), left);
            let count = retry(|| source.read(&mut chunk[..wanted]))?.min(wanted);
            if count == 0 && left > 0 {
                return Err(Error::SourceTooShort { missing: left });
            }
            self.write(&chunk[..count])?;
            left -= count as u64;
            if left == 0 {
                return self.flush();
            }
        }
    }

    /// Sends on a message that is being received on another connection, its content as it comes, and flushes the stream.
    /// Takes at most 64 KiB of memory and a copy of the header, whatever the length. The header goes out in this
    /// connection's dialect.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::{Header, Message};
    ///
    /// let sent = Message::new(Header::new("text/plain", "utf-8", 5), b"hello")?.to_vec()?;
    /// let mut from = Connection::new(Cursor::new(sent.clone()));
    /// let mut to = Connection::new(Cursor::new(Vec::new()));
    /// while let Some(mut message) = from.receive()? {
    ///     to.forward(&mut message)?;
    /// }
    /// assert_eq!(to.get_ref().get_ref(), &sent);
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRead`] if some of the content has been read: nothing has gone out then. [`Error::Decode`] and
    /// [`Error::Io`] if the message cannot be received whole, and those of [`send_stream`](Self::send_stream): part of it
    /// may have gone out, so that nothing more can be sent ([`Error::SendBroken`]).
    pub fn forward(&mut self, message: &mut Incoming<'_, impl Read>) -> Result<(), Error> {
        let header = message.receiver.unread_header()?;
        self.send_stream(&header.header(), message)
    }

    /// Sends a value as a message of JSON content.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if the value has no form in JSON; and those of [`send`](Self::send).
    #[cfg(feature = "json")]
    pub fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.send_json_with(value, &[])
    }

    /// Sends a value as a message of JSON content, with members of its own in the header.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    ///
    /// let mut connection = Connection::new(Cursor::new(Vec::new()));
    /// connection.send_json_with("needle", &[("request", 7.into())])?;
    /// let sent = String::from_utf8_lossy(connection.get_ref().get_ref());
    /// assert!(sent.ends_with(r#""content-length": 8, "request": 7}"needle""#), "{sent}");
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send_json`](Self::send_json).
    #[cfg(feature = "json")]
    pub fn send_json_with<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<(), Error> {
        let content = jsonframe::to_json(value)?;
        let header = self.sender.dialect().json_header(content.len() as u64);
        self.send(&header.with_extensions(extensions), &content)
    }

    /// The outbox for a new message, if none may have gone out only in part.
    fn outbox(&mut self) -> Result<&mut Outbox, Error> {
        // A head is queued of which nothing has gone out if the source of its content failed at once.
        self.sender.clear();
        if self.sender.is_done() { Ok(&mut self.sender) } else { Err(Error::SendBroken) }
    }

    /// Writes the head that is queued, if one is, and content after it.
    fn write(&mut self, mut content: &[u8]) -> Result<(), Error> {
        // Some of it may have gone out also if this fails.
        self.sender.unflushed = true;
        Ok(in_time(write_queued(&mut self.sender, &mut self.stream, &mut content, usize::MAX))?)
    }

    /// Flushes the stream, which ends a message.
    fn flush(&mut self) -> Result<(), Error> {
        Ok(in_time(flush(&mut self.sender, &mut self.stream, usize::MAX))?)
    }
}

/// A stream that blocks is blocked when its time is over.
fn in_time(is_blocked: io::Result<bool>) -> io::Result<()> {
    let outcome = is_blocked.and_then(|is_blocked| if is_blocked { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) });
    outcome.map_err(|error| plain(error, "writing"))
}
