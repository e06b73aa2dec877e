//! The receiving side of a connection: from reads of any size to headers and content.

use std::io::{self, Read};

use jsonframe::{DecodeError, Decoder, Event, Header};

use crate::Error;
use crate::ahead::{Ahead, retry};

/// Bytes read ahead, and the decoder that they are for.
#[derive(Debug)]
pub(crate) struct Receiver {
    decoder: Decoder<Box<[u8]>>,
    ahead: Ahead,
    max_content: u64,
    /// Whether the message under way has had its header reported, and not yet its end.
    in_message: bool,
    /// The content of the message under way, as far as it was collected before the stream failed.
    pub(crate) collected: Vec<u8>,
}

impl Receiver {
    pub(crate) fn new(max_header: u16, max_content: u64) -> Self {
        Self {
            decoder: Decoder::new(vec![0; usize::from(max_header)].into()),
            ahead: Ahead::default(),
            max_content,
            in_message: false,
            collected: Vec::new(),
        }
    }

    /// The same with another room for headers; nothing may have been received yet.
    pub(crate) fn with_max_header(self, max_header: u16) -> Self {
        Self::new(max_header, self.max_content)
    }

    pub(crate) const fn set_max_content(&mut self, max_content: u64) {
        self.max_content = max_content;
    }

    /// Receives the next message's header, past what is left of the last message: false if the stream has ended.
    pub(crate) fn next_header(&mut self, stream: &mut impl Read) -> Result<bool, Error> {
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
            if event.is_none() && self.ahead.unread().is_empty() && self.ahead.fill(stream)? == 0 {
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
        if left > 0 && self.ahead.unread().is_empty() && self.ahead.fill(stream)? == 0 {
            return Err(self.truncated());
        }
        let unread = self.ahead.unread();
        Ok(&unread[..at_most(unread.len(), left)])
    }

    /// Counts bytes of [`fill_content`](Self::fill_content) as read.
    pub(crate) fn consume_content(&mut self, count: usize) {
        let count = count.min(self.ahead.unread().len());
        let counted = self.decoder.content_bypassed(count as u64);
        self.ahead.consume(at_most(count, counted));
    }

    /// Reads content straight to where it belongs, when that is larger than what would be read ahead.
    pub(crate) fn read_content(&mut self, stream: &mut impl Read, place: &mut [u8]) -> io::Result<usize> {
        if self.ahead.unread().is_empty() && place.len() >= Ahead::SIZE {
            let wanted = at_most(place.len(), self.content_left());
            if wanted == 0 {
                return Ok(0);
            }
            return match retry(|| stream.read(&mut place[..wanted]))? {
                0 => Err(self.truncated()),
                count => {
                    let counted = self.decoder.content_bypassed(count as u64);
                    Ok(at_most(count, counted))
                }
            };
        }
        let count = self.fill_content(stream)?.read(place)?;
        self.consume_content(count);
        Ok(count)
    }

    /// The bytes read ahead of what has been received.
    pub(crate) fn into_unread(self) -> Vec<u8> {
        self.ahead.unread().to_vec()
    }

    fn truncated(&self) -> io::Error {
        let error: Option<DecodeError> = self.decoder.finish().err();
        error.map_or_else(
            || io::ErrorKind::UnexpectedEof.into(),
            |error| io::Error::new(io::ErrorKind::UnexpectedEof, error),
        )
    }
}

/// The smaller of a length in memory and a length on the wire.
pub(crate) fn at_most(length: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(length, |limit| length.min(limit))
}
