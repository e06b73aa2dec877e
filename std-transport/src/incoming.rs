//! A message that is being received.

use std::io::{self, BufRead, Read};

use jsonframe::Header;

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
    stream: &'c mut S,
    receiver: &'c mut Receiver,
}

impl<'c, S: Read> Incoming<'c, S> {
    /// Receives the next message as far as its header; `None` if the stream has ended.
    pub(crate) fn receive(stream: &'c mut S, receiver: &'c mut Receiver) -> Result<Option<Self>, Error> {
        let there_is_one = receiver.next_header(stream)?;
        Ok(there_is_one.then_some(Self { stream, receiver }))
    }

    /// The message's header.
    pub fn header(&self) -> Header<'_> {
        // There is a header for as long as there is an `Incoming`.
        self.receiver.header().unwrap_or(Header::new("", "", 0))
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

    /// Reads the content as JSON: in UTF-8 or ASCII, and with the feature `text` in every
    /// [encoding](jsonframe::Encoding) of text that its header can name.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if it is not the JSON of a `T`, or not in such an encoding; and those of
    /// [`content`](Self::content). After a time-out the message is lost; where that matters, call
    /// [`content`](Self::content) until it succeeds.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(mut self) -> Result<T, Error> {
        let content = self.content()?;
        Ok(jsonframe::Message::new(self.header(), &content)?.json_owned()?)
    }
}

impl<S: Read> Read for Incoming<'_, S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.receiver.read_content(self.stream, place)
    }

    fn read_to_end(&mut self, content: &mut Vec<u8>) -> io::Result<usize> {
        self.receiver.read_content_to_end(self.stream, content)
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
