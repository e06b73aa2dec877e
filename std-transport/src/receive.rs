//! The receiving side of a connection: from reads of any size to headers and content.

use std::io::{self, ErrorKind, Read};

use jsonframe::{Decoder, Dialect, Event, Header, Message};

use crate::Error;
use crate::engine::ReadBuffer;
use crate::failure::{Failure, plain};
use crate::io::retry;

/// Bytes read ahead, and the decoder that they are for.
#[derive(Debug)]
pub(crate) struct Receiver {
    dialect: &'static Dialect,
    decoder: Decoder<Box<[u8]>>,
    max_header: u16,
    ahead: ReadBuffer,
    max_content: u64,
    /// Whether the message under way has had its header reported, and not yet its end.
    in_message: bool,
    /// The content of the message under way, as far as it was collected before a time-out.
    collected: Vec<u8>,
    /// How many bytes of that have been read since.
    start: usize,
    /// How many bytes of content of the message under way the caller has had.
    had: u64,
    /// Whether the stream has ended.
    ended: bool,
    failure: Failure,
}

impl Receiver {
    /// How much memory is taken for collected content before it has arrived, at the most, in bytes.
    const FIRST_ROOM: usize = 64 * 1024;

    pub(crate) fn new(dialect: &'static Dialect, max_header: u16, max_content: u64) -> Self {
        Self {
            dialect,
            decoder: Decoder::new(vec![0; dialect.prefix().len() + usize::from(max_header)].into())
                .with_dialect(dialect),
            max_header,
            ahead: ReadBuffer::default(),
            max_content,
            in_message: false,
            collected: Vec::new(),
            start: 0,
            had: 0,
            ended: false,
            failure: Failure::new(),
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

    /// Receives the next message's header, past what is left of the last message: false if the stream has ended.
    pub(crate) fn next_header(&mut self, stream: &mut impl Read) -> Result<bool, Error> {
        (self.collected, self.start) = (Vec::new(), 0);
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
                self.had = 0;
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

    /// How many bytes of content of the message under way have not been read.
    pub(crate) fn content_left(&self) -> u64 {
        self.content_lacking() + self.kept().len() as u64
    }

    /// How many bytes of content the decoder has not been told of.
    fn content_lacking(&self) -> u64 {
        if self.in_message { self.decoder.needs() } else { 0 }
    }

    /// What was collected before a time-out and has not been read since.
    fn kept(&self) -> &[u8] {
        &self.collected[self.start..]
    }

    /// The next bytes of content, read ahead if there are none: empty at the end of the message.
    pub(crate) fn fill_content(&mut self, stream: &mut impl Read) -> io::Result<&[u8]> {
        if !self.kept().is_empty() {
            return Ok(self.kept());
        }
        if self.content_lacking() > 0 && self.ahead.is_empty() && self.fill(stream)? == 0 {
            return Err(self.truncated());
        }
        Ok(self.content_ahead())
    }

    /// What has been read ahead of the content of the message under way.
    fn content_ahead(&self) -> &[u8] {
        let unread = self.ahead.unread();
        &unread[..at_most(unread.len(), self.content_lacking())]
    }

    /// Counts bytes of [`fill_content`](Self::fill_content) as read.
    pub(crate) fn consume_content(&mut self, count: usize) {
        let kept = self.kept().len();
        if kept > 0 {
            let count = count.min(kept);
            self.start += count;
            self.had += count as u64;
            return;
        }
        let count = count.min(self.ahead.unread().len());
        let counted = self.decoder.content_bypassed(count as u64);
        self.ahead.consume(at_most(count, counted));
        self.had += counted;
    }

    /// Reads content straight to where it belongs, when that is larger than what would be read ahead.
    pub(crate) fn read_content(&mut self, stream: &mut impl Read, place: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() && self.kept().is_empty() && place.len() >= ReadBuffer::SIZE {
            let wanted = at_most(place.len(), self.content_lacking());
            if wanted == 0 {
                return Ok(0);
            }
            // A stream that says it has read more than there is room for must not be believed.
            let count = self.read(|_| retry(|| stream.read(&mut place[..wanted])))?.min(wanted);
            if count == 0 {
                return Err(self.truncated());
            }
            let _all = self.decoder.content_bypassed(count as u64);
            self.had += count as u64;
            return Ok(count);
        }
        let count = self.fill_content(stream)?.read(place)?;
        self.consume_content(count);
        Ok(count)
    }

    /// The message with all of its content, which is kept: it can still be read. So is what had come before a time-out.
    pub(crate) fn message(&mut self, stream: &mut impl Read) -> Result<Message<'_>, Error> {
        if self.had > 0 {
            return Err(Error::AlreadyRead { read: self.had });
        }
        let mut content = std::mem::take(&mut self.collected);
        let outcome = self.collect(stream, &mut content);
        self.collected = content;
        outcome?;
        Ok(Message::new(self.header().unwrap_or(Header::new("", "", 0)), &self.collected)?)
    }

    /// All of the content. What had come before a time-out is kept.
    pub(crate) fn content(&mut self, stream: &mut impl Read) -> Result<Vec<u8>, Error> {
        self.message(stream)?;
        self.had = self.collected.len() as u64;
        Ok(std::mem::take(&mut self.collected))
    }

    /// Reads the rest of the content to memory, which grows as it arrives. What had come before an error is there.
    pub(crate) fn read_content_to_end(&mut self, stream: &mut impl Read, content: &mut Vec<u8>) -> io::Result<usize> {
        let before = content.len();
        content.extend_from_slice(self.kept());
        self.start = self.collected.len();
        let outcome = self.collect(stream, content);
        let count = content.len() - before;
        self.had += count as u64;
        outcome.map(|()| count)
    }

    /// Appends what the decoder has not been told of.
    fn collect(&mut self, stream: &mut impl Read, content: &mut Vec<u8>) -> io::Result<()> {
        let ahead = self.content_ahead();
        content.extend_from_slice(ahead);
        let count = ahead.len();
        let _all = self.decoder.content_bypassed(count as u64);
        self.ahead.consume(count);
        let left = self.content_lacking();
        if left > 0 {
            content.reserve(at_most(Self::FIRST_ROOM, left));
            let start = content.len();
            // The standard library reads into memory that need not be cleared first, and asks for more each time.
            let outcome = self.read(|_| stream.take(left).read_to_end(content));
            let _all = self.decoder.content_bypassed((content.len() - start) as u64);
            outcome?;
            if self.content_lacking() > 0 {
                self.ended = true;
                return Err(self.truncated());
            }
        }
        Ok(())
    }

    /// The bytes read from the stream that nobody has had.
    pub(crate) fn into_unread(self) -> Vec<u8> {
        [self.kept(), self.ahead.unread()].concat()
    }

    /// Reads ahead, when there is nothing unread.
    fn fill(&mut self, stream: &mut impl Read) -> io::Result<usize> {
        self.read(|ahead| retry(|| stream.read(ahead.space())).map(|count| ahead.fill(count)))
    }

    /// Reads, unless the stream has ended or failed: then it is not asked again.
    fn read(&mut self, read: impl FnOnce(&mut ReadBuffer) -> io::Result<usize>) -> io::Result<usize> {
        self.failure.check()?;
        if self.ended {
            return Ok(0);
        }
        match read(&mut self.ahead) {
            Ok(count) => {
                self.ended = count == 0;
                Ok(count)
            }
            // A stream may know that it was cut off, as those of TLS do: inside a message that is the same as an end.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && self.decoder.finish().is_err() => {
                self.ended = true;
                Ok(0)
            }
            Err(error) => Err(self.failure.note(plain(error, "reading"))),
        }
    }

    /// The stream has ended inside a message.
    fn truncated(&self) -> io::Error {
        match self.decoder.finish() {
            Err(truncated) => io::Error::new(ErrorKind::UnexpectedEof, truncated),
            Ok(()) => ErrorKind::UnexpectedEof.into(),
        }
    }
}

/// The smaller of a length in memory and a length on the wire.
pub(crate) fn at_most(length: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(length, |limit| length.min(limit))
}
