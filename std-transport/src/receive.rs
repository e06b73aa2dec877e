//! The receiving side of a connection: from reads of any size to headers and content.

use std::io::{self, ErrorKind, Read};

use jsonframe::{Dialect, Growable, Header, Message, OwnedHeader, OwnedMessage};

use crate::Error;
use crate::engine::{Buffer, Failure, Inbox, Step};
use crate::error::plain;
use crate::io::retry;

/// What has been received, and how far the caller has had it.
#[derive(Debug)]
pub struct Receiver {
    pub(crate) inbox: Inbox,
    pub(crate) max_content: u64,
    /// Whether the stream blocks, so that [`ErrorKind::WouldBlock`] means that its time is over. If not, that error is
    /// returned as it is, and receiving can go on.
    pub(crate) blocks: bool,
    /// Whether whoever waits for a message holds memory for it: for streams of which there are few.
    pub(crate) keeps_buffers: bool,
    /// The content of the message under way, as far as it was collected before a time-out.
    collected: Vec<u8>,
    /// How many bytes of content of the message under way the caller has had, those that were collected first.
    had: u64,
    /// Whether the next message's header has been received, and nobody has had the message.
    is_unclaimed: bool,
    failure: Failure,
}

impl Receiver {
    /// How much memory is taken for collected content before it has arrived, at the most, in bytes.
    const FIRST_ALLOCATION: usize = 64 * 1024;

    pub(crate) fn new(dialect: &'static Dialect, max_header: u16, max_content: u64) -> Self {
        Self {
            inbox: Inbox::new(dialect, max_header),
            max_content,
            blocks: true,
            keeps_buffers: false,
            collected: Vec::new(),
            had: 0,
            is_unclaimed: false,
            failure: Failure::new(),
        }
    }

    /// Receives the next message's header, past what is left of the last message: false if the stream has ended.
    pub(crate) fn next_header(&mut self, stream: &mut impl Read) -> Result<bool, Error> {
        if std::mem::take(&mut self.is_unclaimed) {
            return Ok(true);
        }
        (self.collected, self.had) = (Vec::new(), 0);
        loop {
            match self.inbox.next_step()? {
                Some(Step::Header) => {
                    self.inbox.limit_content(self.max_content)?;
                    return Ok(true);
                }
                None => match self.fill(stream) {
                    Ok(0) => return Ok(false),
                    Ok(_) => {}
                    Err(error) => {
                        if !self.keeps_buffers {
                            self.inbox.release();
                        }
                        return Err(error.into());
                    }
                },
                Some(Step::Content(_) | Step::End) => {}
            }
        }
    }

    /// Receives the next message whole; `None` if the stream has ended. What has come of it before an error that passes is kept
    /// for the next call, and for [`next_header`](Self::next_header).
    #[cfg(any(feature = "client", feature = "tokio"))]
    pub(crate) fn next_message(&mut self, stream: &mut impl Read) -> Result<Option<OwnedMessage>, Error> {
        if !self.next_header(stream)? {
            return Ok(None);
        }
        self.is_unclaimed = true;
        let message = self.owned_message(stream)?;
        self.is_unclaimed = false;
        Ok(Some(message))
    }

    /// The header of the message under way, which there is from [`next_header`](Self::next_header) on.
    pub(crate) fn header(&self) -> Header<'_> {
        self.inbox.header().unwrap_or(Header::new("", "", 0))
    }

    /// A copy of the header of the message under way, of whose content nothing may have been read.
    pub(crate) fn unread_header(&self) -> Result<OwnedHeader<Growable>, Error> {
        self.check_unread()?;
        Ok(OwnedHeader::try_from(&self.header())?)
    }

    const fn check_unread(&self) -> Result<(), Error> {
        if self.had > 0 { Err(Error::AlreadyRead { read: self.had }) } else { Ok(()) }
    }

    /// How many bytes of content of the message under way have not been read.
    pub(crate) fn content_left(&self) -> u64 {
        self.inbox.content_needs() + self.kept().len() as u64
    }

    /// What was collected before a time-out and has not been read since.
    fn kept(&self) -> &[u8] {
        &self.collected[at_most(self.collected.len(), self.had)..]
    }

    /// The next bytes of content, read ahead if there are none: empty at the end of the message.
    pub(crate) fn fill_content(&mut self, stream: &mut impl Read) -> io::Result<&[u8]> {
        if !self.kept().is_empty() {
            return Ok(self.kept());
        }
        if self.inbox.content_needs() > 0 && self.inbox.unread().is_empty() {
            self.fill(stream)?;
        }
        Ok(self.content_ahead())
    }

    /// What has been read ahead of the content of the message under way.
    fn content_ahead(&self) -> &[u8] {
        let unread = self.inbox.unread();
        &unread[..at_most(unread.len(), self.inbox.content_needs())]
    }

    /// Counts bytes of [`fill_content`](Self::fill_content) as read.
    pub(crate) fn consume_content(&mut self, count: usize) {
        let kept = self.kept().len();
        let count = if kept > 0 { count.min(kept) } else { self.inbox.consume_content(count) };
        self.had += count as u64;
    }

    /// Reads content straight to where it belongs, when that is larger than what would be read ahead.
    pub(crate) fn read_content(&mut self, stream: &mut impl Read, place: &mut [u8]) -> io::Result<usize> {
        let wanted = at_most(place.len(), self.inbox.content_needs());
        if self.inbox.unread().is_empty() && self.kept().is_empty() && place.len() >= Buffer::SIZE && wanted > 0 {
            let count = self.read(|inbox| {
                // A stream that says it has read more than fits is not believed.
                let count = retry(|| stream.read(&mut place[..wanted]))?.min(wanted);
                Ok(inbox.content_bypassed(count))
            })?;
            self.had += count as u64;
            return Ok(count);
        }
        let count = self.fill_content(stream)?.read(place)?;
        self.consume_content(count);
        Ok(count)
    }

    /// The message with all of its content, which is kept: it can still be read. So is what had come before a time-out.
    pub(crate) fn message(&mut self, stream: &mut impl Read) -> Result<Message<'_>, Error> {
        self.check_unread()?;
        let mut content = std::mem::take(&mut self.collected);
        let outcome = self.collect(stream, &mut content);
        self.collected = content;
        outcome?;
        Ok(Message::new(self.header(), &self.collected)?)
    }

    /// All of the content. What had come before a time-out is kept.
    pub(crate) fn content(&mut self, stream: &mut impl Read) -> Result<Vec<u8>, Error> {
        self.message(stream)?;
        self.had = self.collected.len() as u64;
        Ok(std::mem::take(&mut self.collected))
    }

    /// The message with all of its content, to be kept.
    pub(crate) fn owned_message(&mut self, stream: &mut impl Read) -> Result<OwnedMessage, Error> {
        let ahead = self.content_ahead();
        // What is there already is copied once, together with its header.
        if self.had == 0 && self.content_left() == ahead.len() as u64 {
            let message = OwnedMessage::try_from(Message::new(self.header(), ahead)?)?;
            self.consume_content(ahead.len());
            return Ok(message);
        }
        let content = self.content(stream)?;
        Ok(OwnedMessage::new(&self.header(), content)?)
    }

    /// Appends what the decoder has not been told of.
    fn collect(&mut self, stream: &mut impl Read, content: &mut Vec<u8>) -> io::Result<()> {
        let ahead = self.content_ahead();
        content.extend_from_slice(ahead);
        let count = ahead.len();
        self.inbox.consume_content(count);
        let left = self.inbox.content_needs();
        if left > 0 {
            content.reserve(at_most(Self::FIRST_ALLOCATION, left));
            let start = content.len();
            self.read(|inbox| {
                // The standard library reads into memory that need not be cleared first, and asks for more each time.
                let outcome = stream.take(left).read_to_end(content);
                inbox.content_bypassed(content.len() - start);
                outcome
            })?;
            if self.inbox.content_needs() > 0 {
                self.end()?;
            }
        }
        Ok(())
    }

    /// The bytes read from the stream that nobody has had.
    pub(crate) fn into_unread(self) -> Vec<u8> {
        [self.kept(), self.inbox.unread()].concat()
    }

    /// Reads ahead, when there is nothing unread.
    fn fill(&mut self, stream: &mut impl Read) -> io::Result<usize> {
        self.read(|inbox| retry(|| stream.read(inbox.read_buf())).map(|count| inbox.received(count)))
    }

    /// Reads, unless the stream has ended or failed: then it is not asked again. 0 if it has ended after a whole message.
    fn read(&mut self, read: impl FnOnce(&mut Inbox) -> io::Result<usize>) -> io::Result<usize> {
        self.failure.check()?;
        if self.inbox.ended() {
            return self.end();
        }
        match read(&mut self.inbox) {
            Ok(0) => self.end(),
            Ok(count) => Ok(count),
            // A stream may know that it was cut off, as those of TLS do: inside a message that is the same as an end.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && self.inbox.finish().is_err() => self.end(),
            Err(error) if self.blocks => Err(self.failure.note(plain(error, "reading"))),
            Err(error) => Err(self.failure.note(error)),
        }
    }

    /// The stream has ended, which is an error inside a message.
    fn end(&mut self) -> io::Result<usize> {
        self.inbox.end();
        match self.inbox.finish() {
            Ok(()) => Ok(0),
            Err(truncated) => Err(io::Error::new(ErrorKind::UnexpectedEof, truncated)),
        }
    }
}

/// The smaller of a length in memory and a length on the wire.
pub(crate) fn at_most(length: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(length, |limit| length.min(limit))
}
