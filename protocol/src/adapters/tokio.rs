//! Codecs for tokio-util's `Framed`. They do no I/O, and so need nothing of `jsonframe-std`.

mod error;
mod events;
#[cfg(feature = "json")]
mod json;

use alloc::boxed::Box;

use bytes::BytesMut;
use tokio_util::codec;

pub use self::error::CodecError;
pub use self::events::{EventCodec, OwnedEvent};
#[cfg(feature = "json")]
pub use self::json::JsonCodec;
use crate::{DecodeError, Decoder, Dialect, Event, Header, OwnedMessage};

/// Receives and sends whole messages through tokio-util's [`Framed`](codec::Framed), [`FramedRead`](codec::FramedRead)
/// and [`FramedWrite`](codec::FramedWrite).
///
/// Its items are [`OwnedMessage`]s. For content larger than memory use [`EventCodec`], for your own types as JSON
/// [`JsonCodec`].
///
/// - **Received content is not copied**: a message is split off the read buffer, header and content in one piece. It keeps
///   that buffer alive, so copy a small message that you keep for long. Memory that has grown beyond 64 KiB goes with the
///   message that it grew for.
/// - **Nothing is reserved for an announced length.** tokio-util's buffer grows as bytes arrive, to at most twice their
///   number, and so to about twice [`with_max_content`](Self::with_max_content).
/// - **A header is scanned once**, when it is whole.
/// - **It is cancel-safe**: if the future of `next` is dropped, by `select!` or a time-out, nothing is lost.
/// - **Errors are final.** `Framed` ends the stream after an error; further calls return the same error.
/// - **A stream that ends inside a message is an error**, [`DecodeErrorKind::Truncated`](crate::DecodeErrorKind::Truncated),
///   even directly after a proto-header.
/// - **No byte of the next message is taken** before that message is asked for. The bytes after the last message are in
///   [`FramedParts::read_buf`](codec::FramedParts::read_buf).
///
#[cfg_attr(feature = "json", doc = "```")]
#[cfg_attr(not(feature = "json"), doc = "```ignore")]
/// use futures_util::{SinkExt, StreamExt};
/// use jsonframe::{Codec, OwnedMessage};
/// use tokio_util::codec::Framed;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (client, server) = tokio::io::duplex(64);
/// let mut client = Framed::new(client, Codec::new());
/// let mut server = Framed::new(server, Codec::new().with_max_content(1_000));
///
/// let asked = tokio::spawn(async move { server.next().await });
/// client.send(OwnedMessage::from_json(&["needle"])?).await?;
/// let message = asked.await?.expect("a message comes")?;
/// assert_eq!(message.header().content_type(), "text/json");
/// assert_eq!(message.json::<[&str; 1]>()?, ["needle"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Codec {
    /// Created when the first byte is received, because this allocates its buffer.
    decoder: Option<Decoder<Box<[u8]>>>,
    /// The number of bytes at the front of the source that the decoder has seen, all of the current message.
    taken: usize,
    receiving: &'static Dialect,
    sending: &'static Dialect,
    max_header: u16,
    max_content: u64,
}

impl Codec {
    /// The longest header by default, in bytes: 16 KiB.
    const MAX_HEADER: u16 = 16 * 1024;
    /// The longest content by default, in bytes: 16 MiB.
    const MAX_CONTENT: u64 = 16 * 1024 * 1024;
    /// The most memory that the stream keeps when a message is split off, in bytes.
    const KEPT: usize = u16::MAX as usize;
    /// The least memory for the next message, in bytes: tokio-util's initial capacity.
    const FRESH: usize = 8 * 1024;

    /// Creates a codec for one stream. It accepts headers of up to 16 KiB and content of up to 16 MiB.
    pub const fn new() -> Self {
        Self {
            decoder: None,
            taken: 0,
            receiving: &Dialect::STANDARD,
            sending: &Dialect::STANDARD,
            max_header: Self::MAX_HEADER,
            max_content: Self::MAX_CONTENT,
        }
    }

    /// Sets the greatest length of a received header, in bytes. A longer one is refused at its proto-header. Call it before
    /// anything is decoded, when the codec allocates a buffer of this size.
    #[must_use]
    pub fn with_max_header(self, max_header: u16) -> Self {
        Self { max_header, ..self }
    }

    /// Sets the greatest length of received content, in bytes. Longer content is refused at its header; `u64::MAX` allows
    /// any length that fits into memory.
    #[must_use]
    pub fn with_max_content(self, max_content: u64) -> Self {
        Self { max_content, ..self }
    }

    /// Sets the dialect of both directions, and starts over at the beginning of a stream.
    #[must_use]
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self { decoder: None, taken: 0, receiving: dialect, sending: dialect, ..self }
    }

    /// Sets the dialect of sent messages only.
    #[must_use]
    pub fn with_sending_dialect(self, dialect: &'static Dialect) -> Self {
        Self { sending: dialect, ..self }
    }

    /// Returns the header of the message whose content is being received, for instance to set a deadline by its length.
    pub fn header(&self) -> Option<Header<'_>> {
        self.decoder.as_ref().filter(|_| self.taken > 0)?.header()
    }

    /// Returns the number of bytes missing from the current part of the message, after those decoded so far:
    /// [`Decoder::needs`].
    pub fn needs(&self) -> u64 {
        self.decoder.as_ref().map_or_else(|| Decoder::new([]).with_dialect(self.receiving).needs(), Decoder::needs)
    }

    /// Checks that the stream may end here: [`Decoder::finish`]. Bytes not yet decoded, in tokio-util's buffer, do not count.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`](crate::DecodeErrorKind::Truncated) inside a message; or an earlier error.
    pub fn finish(&self) -> Result<(), DecodeError> {
        self.decoder.as_ref().map_or(Ok(()), Decoder::finish)
    }

    #[inline]
    fn decoder(&mut self) -> &mut Decoder<Box<[u8]>> {
        let (dialect, max_header) = (self.receiving, self.max_header);
        self.decoder.get_or_insert_with(|| new_decoder(dialect, max_header))
    }

    /// Appends a head and `content`, which may be all of its content or none, to `out`. On error `out` is unchanged.
    fn append(&self, header: &Header<'_>, content: &[u8], out: &mut BytesMut) -> Result<(), CodecError> {
        Ok(self.sending.with_head(header, |head| {
            out.reserve(head.len().saturating_add(content.len()));
            out.extend_from_slice(head);
            out.extend_from_slice(content);
        })?)
    }

    /// Drops the received bytes, because `Framed` may go on reading after an error.
    #[cold]
    fn give_up(&mut self, source: &mut BytesMut, error: DecodeError) -> CodecError {
        source.clear();
        self.taken = 0;
        error.into()
    }

    /// Decodes what has been received, and returns the length of the message at the front of the source if it is whole.
    #[inline]
    fn look(&mut self, source: &BytesMut) -> Result<Option<usize>, DecodeError> {
        // Longer content would not fit into memory.
        let limit = self.max_content.min(usize::MAX as u64);
        let taken = self.taken;
        let decoder = self.decoder();
        let mut input = source.get(taken..).unwrap_or_default();
        loop {
            let event = decoder.decode(&mut input)?;
            let length = source.len().saturating_sub(input.len());
            match event {
                Some(Event::Header(_)) => {
                    decoder.limit_content(limit)?;
                    // Saves an event for the content that is already there.
                    let passed = decoder.content_bypassed(input.len() as u64);
                    input = usize::try_from(passed).ok().and_then(|passed| input.get(passed..)).unwrap_or_default();
                }
                Some(Event::Content(_)) => {}
                Some(Event::End) => {
                    self.taken = 0;
                    return Ok(Some(length));
                }
                None => {
                    self.taken = length;
                    return Ok(None);
                }
            }
        }
    }
}

#[cold]
fn new_decoder(dialect: &'static Dialect, max_header: u16) -> Decoder<Box<[u8]>> {
    let capacity = usize::from(max_header).saturating_add(dialect.prefix().len());
    Decoder::new(alloc::vec![0; capacity].into_boxed_slice()).with_dialect(dialect)
}

/// Moves the rest of the source to new memory, so that the old is freed with the message that was split off.
///
/// Never moves more bytes than were split off, which keeps the work linear.
#[cold]
fn let_go(source: &mut BytesMut, split_off: usize) {
    if source.len() <= split_off {
        let mut fresh = BytesMut::with_capacity(source.len().max(Codec::FRESH));
        fresh.extend_from_slice(source);
        *source = fresh;
    }
}

impl Default for Codec {
    fn default() -> Self {
        Self::new()
    }
}

impl codec::Decoder for Codec {
    type Item = OwnedMessage;
    type Error = CodecError;

    /// Returns the next message, or `None` until it is whole.
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the bytes are not a sequence of messages or exceed a limit.
    #[inline(always)]
    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<OwnedMessage>, CodecError> {
        match self.look(source) {
            Ok(Some(length)) => {
                let mut bytes = source.split_to(length);
                if length > Self::KEPT {
                    let_go(source, length);
                }
                let found = self.decoder().found(&mut bytes);
                Ok(found.map(|(found, content)| OwnedMessage::received(found, bytes.freeze(), content)))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(self.give_up(source, error)),
        }
    }

    /// Returns the remaining messages, then `None`.
    ///
    /// # Errors
    ///
    /// As [`decode`](codec::Decoder::decode); and [`DecodeErrorKind::Truncated`](crate::DecodeErrorKind::Truncated) if the
    /// last message is not whole.
    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<OwnedMessage>, CodecError> {
        let message = self.decode(source)?;
        if message.is_none() {
            self.taken = 0;
            source.clear();
            self.decoder().end()?;
        }
        Ok(message)
    }
}

/// Copies the content to tokio-util's write buffer. To avoid the copy of large content, write the
/// [encoded header](Header::encode) and the content to the stream itself.
// For one type only, so that `close` and `flush` of a `Sink` need no type annotation.
impl codec::Encoder<OwnedMessage> for Codec {
    type Error = CodecError;

    /// Appends the message to `out`. On error `out` is unchanged.
    ///
    /// # Errors
    ///
    /// [`CodecError::Encode`] as [`Dialect::encode`] returns it.
    fn encode(&mut self, message: OwnedMessage, out: &mut BytesMut) -> Result<(), CodecError> {
        self.append(&message.header(), message.content(), out)
    }
}
