//! A message that is being received.

use std::io::{self, BufRead, Read};

use jsonframe::{Growable, Header, Message, OwnedHeader, OwnedMessage};

use crate::Error;
use crate::receive::Receiver;

/// A message whose header has been received, and whose content can be read.
///
/// Lent by [`Connection::receive`](crate::Connection::receive). It reads to the end of the content and no further.
/// Content that is not read is skipped by the next `receive`.
///
/// Room of 8 KiB or more is read into straight from the stream, so that large rooms make few system calls.
/// [`io::copy`] has room for 8 KiB; for long content, `BufReader::with_capacity(64 * 1024, incoming)` gives it more.
///
/// Reading fails with [`io::ErrorKind::UnexpectedEof`] if the stream ends before the content does; the error's source is
/// the [`DecodeError`](jsonframe::DecodeError) that says how many bytes are missing. After a time-out, which is
/// [`io::ErrorKind::TimedOut`], it can be called again; after any other error it returns the same one again.
#[derive(Debug)]
pub struct Incoming<'c, S> {
    pub(crate) stream: &'c mut S,
    pub(crate) receiver: &'c mut Receiver,
}

impl<S: Read> Incoming<'_, S> {
    /// The message's header.
    pub fn header(&self) -> Header<'_> {
        self.receiver.header()
    }

    /// How many bytes of content are still to be read.
    pub fn content_left(&self) -> u64 {
        self.receiver.content_left()
    }

    /// Reads all of the content to memory, which grows as it arrives.
    ///
    /// Its length was checked against the connection's limit:
    /// [`with_max_content`](crate::Connection::with_max_content).
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRead`] if any of it has been read before, here or as from a reader; the rest is had by
    /// [`read_to_end`](Read::read_to_end). [`Error::Decode`] if the stream ends before the content does, [`Error::Io`] if
    /// it fails. After a [time-out](Error::is_timeout) it can be called again: what had come is kept.
    pub fn content(&mut self) -> Result<Vec<u8>, Error> {
        self.receiver.content(self.stream)
    }

    /// Reads all of the content to memory, and lends it together with the header. It counts as unread still, so that this
    /// can be called again, and the content taken or read afterwards.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::{Header, Message};
    ///
    /// let sent = Message::new(Header::new("text/plain", "utf-8", 5), b"hello")?;
    /// let mut connection = Connection::new(Cursor::new(sent.to_vec()?));
    /// let mut incoming = connection.receive()?.expect("a message");
    /// let message = incoming.message()?;
    /// assert_eq!((message.header().content_type(), message.content()), ("text/plain", &b"hello"[..]));
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`content`](Self::content).
    pub fn message(&mut self) -> Result<Message<'_>, Error> {
        self.receiver.message(self.stream)
    }

    /// Reads all of the content to memory, and returns it together with the header, to be kept or sent to another thread.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::{Header, Message};
    ///
    /// let sent = Message::new(Header::new("text/plain", "utf-8", 5), b"hello")?;
    /// let mut connection = Connection::new(Cursor::new(sent.to_vec()?));
    /// let message = connection.receive()?.expect("a message").into_message()?;
    /// drop(connection);
    /// assert_eq!(message.message(), sent);
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`content`](Self::content). After a time-out the message is lost; where that matters, call
    /// [`message`](Self::message) until it succeeds.
    pub fn into_message(self) -> Result<OwnedMessage, Error> {
        self.receiver.owned_message(self.stream)
    }

    /// Returns a copy of the header, and the content, to be read or sent on while the header is in use. To send a message on
    /// as it is, there is [`forward`](crate::Connection::forward).
    ///
    /// A proxy that marks what it has passed on:
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::{Header, Message};
    ///
    /// let sent = Message::new(Header::new("text/plain", "utf-8", 5), b"hello")?;
    /// let mut from = Connection::new(Cursor::new(sent.to_vec()?));
    /// let mut to = Connection::new(Cursor::new(Vec::new()));
    /// while let Some(message) = from.receive()? {
    ///     let (header, mut content) = message.into_parts()?;
    ///     to.send_stream(&header.header().with_extensions(&[("hops", 1.into())]), &mut content)?;
    /// }
    /// assert!(to.get_ref().get_ref().ends_with(br#""content-length": 5, "hops": 1}hello"#));
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRead`] if any of the content has been read before. [`Error::Encode`] if memory runs out.
    pub fn into_parts(self) -> Result<(OwnedHeader<Growable>, Self), Error> {
        Ok((self.receiver.unread_header()?, self))
    }

    /// Reads the content as text, in any [encoding](jsonframe::Encoding) that its header can name.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::{Header, Message};
    ///
    /// let sent = Message::new(Header::new("text/plain", "latin-1", 4), b"caf\xE9")?;
    /// let mut connection = Connection::new(Cursor::new(sent.to_vec()?));
    /// assert_eq!(connection.receive()?.expect("a message").text()?, "café");
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Text`] if it is not text in a known encoding; and those of [`into_message`](Self::into_message).
    #[cfg(feature = "text")]
    pub fn text(mut self) -> Result<String, Error> {
        Ok(self.message()?.text()?.into_owned())
    }

    /// Reads the content as JSON: in UTF-8 or ASCII, and with the feature `text` in every
    /// [encoding](jsonframe::Encoding) of text that its header can name.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if it is not the JSON of a `T`, or not in such an encoding; and those of
    /// [`into_message`](Self::into_message).
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(mut self) -> Result<T, Error> {
        Ok(self.message()?.json_owned()?)
    }
}

impl<S: Read> Read for Incoming<'_, S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.receiver.read_content(self.stream, place)
    }
}

impl<S: Read> BufRead for Incoming<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.receiver.fill_content(self.stream)
    }

    fn consume(&mut self, count: usize) {
        self.receiver.consume_content(count);
    }
}
