//! The receiving side of a connection: from reads of any size to headers and content.

use std::io::{self, ErrorKind, Read};

use jsonframe::{DecodeError, Decoder, Dialect, Event, Header};

use crate::ahead::{Ahead, retry};
use crate::{Error, Incoming};

/// Bytes read ahead, and the decoder that they are for.
#[derive(Debug)]
pub(crate) struct Receiver {
    dialect: &'static Dialect,
    decoder: Decoder<Box<[u8]>>,
    max_header: u16,
    ahead: Ahead,
    max_content: u64,
    /// Whether the message under way has had its header reported, and not yet its end.
    in_message: bool,
    /// The content of the message under way, as far as it was collected before the stream failed.
    pub(crate) collected: Vec<u8>,
}

impl Receiver {
    /// How much memory is taken for collected content before it has arrived, at the most, in bytes.
    const FIRST_ROOM: usize = 64 * 1024;

    pub(crate) fn new(dialect: &'static Dialect, max_header: u16, max_content: u64) -> Self {
        Self {
            dialect,
            decoder: Decoder::in_dialect(vec![0; usize::from(max_header)].into(), dialect),
            max_header,
            ahead: Ahead::default(),
            max_content,
            in_message: false,
            collected: Vec::new(),
        }
    }

    /// The same with another room for headers; nothing may have been received yet.
    pub(crate) fn with_max_header(self, max_header: u16) -> Self {
        Self::new(self.dialect, max_header, self.max_content)
    }

    /// The same in another dialect; nothing may have been received yet.
    pub(crate) fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self::new(dialect, self.max_header, self.max_content)
    }

    pub(crate) const fn set_max_content(&mut self, max_content: u64) {
        self.max_content = max_content;
    }

    /// Receives the next message as far as its header; `None` if the stream has ended.
    pub(crate) fn receive<'c, S: Read>(&'c mut self, stream: &'c mut S) -> Result<Option<Incoming<'c, S>>, Error> {
        let there_is_one = self.next_header(stream)?;
        Ok(there_is_one.then(|| Incoming::new(stream, self)))
    }

    /// Receives the next message's header, past what is left of the last message: false if the stream has ended.
    fn next_header(&mut self, stream: &mut impl Read) -> Result<bool, Error> {
        loop {
            let mut input = self.ahead.unread();
            let before = input.len();
            let event = match self.decoder.decode(&mut input)? {
                Some(Event::Header(_)) => Some(true),
                Some(Event::End) => Some(false),
                Some(Event::Content(_)) | None => None,
            };
            let taken = before - input.len();
            self.ahead.consume(taken);
            if let Some(in_message) = event {
                self.in_message = in_message;
            }
            if event == Some(true) {
                self.collected = Vec::new();
                self.decoder.limit_content(self.max_content)?;
                return Ok(true);
            }
            if event.is_none() && self.ahead.is_empty() && self.fill(stream)? == 0 {
                self.decoder.finish()?;
                return Ok(false);
            }
        }
    }

    pub(crate) fn header(&self) -> Option<Header<'_>> {
        self.decoder.header()
    }

    /// How many bytes of content the message under way still lacks.
    pub(crate) fn content_left(&self) -> u64 {
        if self.in_message { self.decoder.needs() } else { 0 }
    }

    /// The next bytes of content, read ahead if there are none: empty at the end of the message.
    pub(crate) fn fill_content(&mut self, stream: &mut impl Read) -> io::Result<&[u8]> {
        let left = self.content_left();
        if left > 0 && self.ahead.is_empty() && self.fill(stream)? == 0 {
            return Err(self.truncated());
        }
        Ok(self.content_ahead())
    }

    /// What has been read ahead of the content of the message under way.
    fn content_ahead(&self) -> &[u8] {
        let unread = self.ahead.unread();
        &unread[..at_most(unread.len(), self.content_left())]
    }

    /// Counts bytes of [`fill_content`](Self::fill_content) as read.
    pub(crate) fn consume_content(&mut self, count: usize) {
        let count = count.min(self.ahead.unread().len());
        let counted = self.decoder.content_bypassed(count as u64);
        self.ahead.consume(at_most(count, counted));
    }

    /// Reads content straight to where it belongs, when that is larger than what would be read ahead.
    pub(crate) fn read_content(&mut self, stream: &mut impl Read, place: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() && place.len() >= Ahead::SIZE {
            let wanted = at_most(place.len(), self.content_left());
            if wanted == 0 {
                return Ok(0);
            }
            return match retry(|| stream.read(&mut place[..wanted])) {
                Ok(0) => Err(self.truncated()),
                Ok(count) => {
                    // A stream that says it has read more than there is room for must not be believed.
                    let count = count.min(wanted);
                    let _all = self.decoder.content_bypassed(count as u64);
                    Ok(count)
                }
                Err(error) => Err(self.cut(error)),
            };
        }
        let count = self.fill_content(stream)?.read(place)?;
        self.consume_content(count);
        Ok(count)
    }

    /// Reads the rest of the content to memory, which grows as it arrives. What had come before an error is there.
    pub(crate) fn read_content_to_end(&mut self, stream: &mut impl Read, content: &mut Vec<u8>) -> io::Result<usize> {
        let before = content.len();
        let ahead = self.content_ahead();
        content.extend_from_slice(ahead);
        self.consume_content(ahead.len());
        let left = self.content_left();
        if left > 0 {
            content.reserve(at_most(Self::FIRST_ROOM, left));
            let start = content.len();
            // The standard library reads into memory that need not be cleared first, and asks for more each time.
            let outcome = stream.take(left).read_to_end(content);
            let _all = self.decoder.content_bypassed((content.len() - start) as u64);
            outcome.map_err(|error| self.cut(error))?;
            if self.content_left() > 0 {
                return Err(self.truncated());
            }
        }
        Ok(content.len() - before)
    }

    /// The bytes read ahead of what has been received.
    pub(crate) fn into_unread(self) -> Vec<u8> {
        self.ahead.unread().to_vec()
    }

    /// Reads ahead, when there is nothing unread.
    fn fill(&mut self, stream: &mut impl Read) -> io::Result<usize> {
        self.ahead.fill(stream).map_err(|error| self.cut(error))
    }

    /// The stream has ended inside a message.
    fn truncated(&self) -> io::Error {
        self.cut(ErrorKind::UnexpectedEof.into())
    }

    /// The error to report for one of the stream. A stream may know that it was cut off, as those of TLS do: inside a
    /// message that is the same as an end.
    fn cut(&self, error: io::Error) -> io::Error {
        let truncated: Option<DecodeError> = self.decoder.finish().err();
        match truncated {
            Some(truncated) if error.kind() == ErrorKind::UnexpectedEof => {
                io::Error::new(ErrorKind::UnexpectedEof, truncated)
            }
            _ => error,
        }
    }
}

/// The smaller of a length in memory and a length on the wire.
pub(crate) fn at_most(length: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(length, |limit| length.min(limit))
}
