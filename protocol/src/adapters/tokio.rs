//! Messages over tokio: what `tokio-util`'s `Framed` needs.
//!
//! It is in this crate, not beside the transports over std, because it does no I/O itself, and because whoever has tokio's
//! streams needs neither another crate's nor the poller under them.

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
/// Its items, received and sent, are [`OwnedMessage`]s. For content larger than memory there is [`EventCodec`], and for
/// types of your own as JSON [`JsonCodec`].
///
/// - **Nothing is copied**: a message is split off the buffer that it was read to, header and content in one. A message that
///   is kept for long keeps that buffer; copy a small one then. Memory that has grown beyond 64 KiB goes with the message that
///   it grew for.
/// - **Nothing is reserved for an announced length.** The buffer is tokio-util's. It grows as bytes arrive, to at most
///   twice as many, and so there are no more than about twice [`with_max_content`](Self::with_max_content) in it.
/// - **A header is scanned once**, when it is whole.
/// - **It is cancel-safe**: the future of `next` may be dropped, by a `select!` or a time-out, and nothing is lost.
/// - **Errors are final.** After one, the stream is over, as `Framed` makes of any error, and further calls repeat it.
/// - **A stream that ends inside a message is an error**, [`DecodeErrorKind::Truncated`](crate::DecodeErrorKind::Truncated),
///   also directly after a proto-header.
/// - **It takes no byte of the next message** before it is asked for it. What follows the last message is
///   in [`FramedParts::read_buf`](codec::FramedParts::read_buf).
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
    /// Made when the first byte is received, because its buffer is allocated then.
    decoder: Option<Decoder<Box<[u8]>>>,
    /// How many bytes at the front of the source the decoder has seen: what there is of the message under way.
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
    /// The memory that stays with the stream at most when a message is split off it, in bytes.
    const KEPT: usize = u16::MAX as usize;
    /// The least memory for what comes next, in bytes. As much as tokio-util begins with.
    const FRESH: usize = 8 * 1024;

    /// A codec for one stream, from its beginning. It takes headers of up to 16 KiB and content of up to 16 MiB.
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

    /// The same codec with another limit for headers, in bytes. A longer header is refused at its proto-header. The codec
    /// allocates a buffer of this size when the first byte is received, and a limit that is set later has no effect.
    #[must_use]
    pub fn with_max_header(self, max_header: u16) -> Self {
        Self { max_header, ..self }
    }

    /// The same codec with another limit for content, in bytes. Longer content is refused when its header is received;
    /// `u64::MAX` refuses none.
    #[must_use]
    pub fn with_max_content(self, max_content: u64) -> Self {
        Self { max_content, ..self }
    }

    /// A codec for a stream in this dialect, in both directions, from its beginning.
    #[must_use]
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self { decoder: None, taken: 0, receiving: dialect, sending: dialect, ..self }
    }

    /// The same codec, sending in this dialect, whatever it receives.
    #[must_use]
    pub fn with_sending_dialect(self, dialect: &'static Dialect) -> Self {
        Self { sending: dialect, ..self }
    }

    /// The header of the message under way, while its content is awaited: for a deadline that depends on the content's
    /// length, or for a first look.
    pub fn header(&self) -> Option<Header<'_>> {
        self.decoder.as_ref().filter(|_| self.taken > 0)?.header()
    }

    /// How many bytes the part of the message under way still lacks, its proto-header, its header or its content, after those
    /// that have been decoded: [`Decoder::needs`].
    pub fn needs(&self) -> u64 {
        self.decoder.as_ref().map_or_else(|| self.receiving.proto_header().len().into(), Decoder::needs)
    }

    /// Whether the stream could end here: [`Decoder::finish`]. What is in tokio-util's buffer and has not been decoded does
    /// not count.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`](crate::DecodeErrorKind::Truncated) inside a message; or the error from before.
    pub fn finish(&self) -> Result<(), DecodeError> {
        self.decoder.as_ref().map_or(Ok(()), Decoder::finish)
    }

    #[inline]
    fn decoder(&mut self) -> &mut Decoder<Box<[u8]>> {
        let (dialect, max_header) = (self.receiving, self.max_header);
        self.decoder.get_or_insert_with(|| new_decoder(dialect, max_header))
    }

    /// Appends a head and what there is of its content to what is to be sent. On error nothing is appended.
    fn append(&self, header: &Header<'_>, content: &[u8], sent: &mut BytesMut) -> Result<(), CodecError> {
        Ok(self.sending.with_head(header, |head| {
            sent.reserve(head.len().saturating_add(content.len()));
            sent.extend_from_slice(head);
            sent.extend_from_slice(content);
        })?)
    }

    /// Drops what has been received: nobody will want it any more, even if the stream is read on.
    #[cold]
    fn give_up(&mut self, source: &mut BytesMut, error: DecodeError) -> CodecError {
        source.clear();
        self.taken = 0;
        error.into()
    }

    /// Decodes what has been received, and returns the length of the message at the front of the source if it is whole.
    #[inline]
    fn look(&mut self, source: &BytesMut) -> Result<Option<usize>, DecodeError> {
        // What is longer has no place in memory.
        let (taken, limit) = (self.taken, self.max_content.min(usize::MAX as u64));
        let decoder = self.decoder();
        let mut input = source.get(taken..).unwrap_or_default();
        loop {
            let event = decoder.decode(&mut input)?;
            let length = source.len().saturating_sub(input.len());
            match event {
                Some(Event::Header(_)) => {
                    decoder.limit_content(limit)?;
                    // One event less for what is there of the content.
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

/// Leaves the source's memory to what has been split off it, and moves what remains to memory of its own.
///
/// No more is moved than was split off, which keeps the work linear.
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

    /// Returns a message when one is whole, and `None` when more bytes are needed for that.
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the bytes are not a sequence of messages, or over a limit.
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
    /// As [`decode`](codec::Decoder::decode); and [`DecodeErrorKind::Truncated`](crate::DecodeErrorKind::Truncated) if a
    /// message is not whole.
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

/// Copies the content to the buffer that is written from, because tokio-util leaves no other way. Where that is too much,
/// write the [encoded header](Header::encode) and the content to the stream itself.
///
/// For one type only, so that `close` and `flush` of a `Sink` need not be told which is meant.
impl codec::Encoder<OwnedMessage> for Codec {
    type Error = CodecError;

    /// Appends a message to what is to be sent. On error nothing is appended.
    ///
    /// # Errors
    ///
    /// What [`Dialect::encode`] returns, as [`CodecError::Encode`].
    fn encode(&mut self, message: OwnedMessage, sent: &mut BytesMut) -> Result<(), CodecError> {
        self.append(&message.header(), message.content(), sent)
    }
}
