//! Whole messages over tokio: what `tokio-util`'s `Framed` needs.
//!
//! It stands in this crate, not beside the transports over std, because it does no I/O itself, and because who has tokio's
//! streams has no use for another crate's, nor for the poller under them.

mod error;

use alloc::vec::Vec;

use bytes::{Buf, BytesMut};
use tokio_util::codec;

pub use self::error::CodecError;
use crate::{DecodeError, DecodeErrorKind, Decoder, Dialect, Growable, Header, OwnedHeader, OwnedMessage};

/// Receives and sends whole messages through tokio-util's [`Framed`](codec::Framed), [`FramedRead`](codec::FramedRead)
/// and [`FramedWrite`](codec::FramedWrite).
///
/// What comes out, and what goes in, is an [`OwnedMessage`].
///
/// - **The content is not copied**: it is split off the buffer that it was read to. One that is kept for long keeps that
///   buffer; copy a small one then. Memory that has grown beyond 64 KiB goes with the content that it grew for.
/// - **Nothing is reserved for an announced length.** The buffer is tokio-util's. It grows as bytes arrive, to at most
///   twice as many, and so there are no more than about twice [`with_max_content`](Self::with_max_content) in it.
/// - **A header is scanned once**, when it is whole; until then its bytes are put aside as they come.
/// - **Nothing is lost when waiting is given up**: `next` may be dropped, by a `select!` or a time-out, and called again.
/// - **Errors are final.** After one, the stream is over, as `Framed` makes of any error, and further calls repeat it.
/// - **A stream that ends inside a message is an error**, [`DecodeErrorKind::Truncated`], also right behind a
///   proto-header.
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
/// assert_eq!(message.message().json::<[&str; 1]>()?, ["needle"]);
/// # Ok(())
/// # }
/// ```
///
/// # Content larger than memory
///
/// tokio-util hands over whole items, so to receive content as it comes, read into a buffer of yours and give that to a
/// [`Decoder`], which is no longer:
///
/// ```
/// use jsonframe::{Decoder, Event};
/// use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
///
/// /// Writes the content of all messages to a file, or to whatever else takes it.
/// async fn save(mut stream: impl AsyncRead + Unpin, mut file: impl AsyncWrite + Unpin) -> std::io::Result<()> {
///     let mut decoder = Decoder::new([0; 1024]);
///     let mut buffer = vec![0; 64 * 1024];
///     loop {
///         let count = stream.read(&mut buffer).await?;
///         if count == 0 {
///             return decoder.finish().map_err(std::io::Error::other);
///         }
///         let mut input = &buffer[..count];
///         while let Some(event) = decoder.decode(&mut input).map_err(std::io::Error::other)? {
///             match event {
///                 Event::Header(header) => { /* what is coming, and how much of it */ }
///                 Event::Content(piece) => file.write_all(piece).await?,
///                 Event::End => file.flush().await?,
///             }
///         }
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let wire = jsonframe::Message::new(jsonframe::Header::for_json(2), b"{}")?.to_vec()?;
/// # let mut saved = Vec::new();
/// # save(&wire[..], &mut saved).await?;
/// # assert_eq!(saved, b"{}");
/// # assert!(save(&wire[..2], &mut saved).await.is_err());
/// # Ok(())
/// # }
/// ```
///
/// To send it, write the [encoded header](Header::encode) and then the content, with `tokio::io::copy`.
#[derive(Clone, Debug)]
pub struct Codec {
    /// Its room is there from the first byte on.
    decoder: Decoder<Vec<u8>>,
    has_room: bool,
    dialect: &'static Dialect,
    max_header: u16,
    max_content: usize,
    /// How long the content is, once the header has been taken.
    awaited: Option<usize>,
}

impl Codec {
    /// The longest header by default, in bytes: 16 KiB.
    const MAX_HEADER: u16 = 16 * 1024;
    /// The longest content by default, in bytes: 16 MiB.
    const MAX_CONTENT: usize = 16 * 1024 * 1024;
    /// The memory that stays with the stream at most when a content is split off it, in bytes.
    const KEPT: usize = u16::MAX as usize;
    /// The least room for what comes next, in bytes. As much as tokio-util begins with.
    const FRESH: usize = 8 * 1024;

    /// A codec for one stream, from its beginning. It takes headers of up to 16 KiB and content of up to 16 MiB.
    pub const fn new() -> Self {
        Self {
            decoder: Decoder::new(Vec::new()),
            has_room: false,
            dialect: &Dialect::STANDARD,
            max_header: Self::MAX_HEADER,
            max_content: Self::MAX_CONTENT,
            awaited: None,
        }
    }

    /// The same codec with another limit for headers, in bytes. A longer header is refused by its proto-header. From the
    /// first byte received on, the codec has so much room allocated.
    ///
    /// To be said before anything is decoded.
    #[must_use]
    pub fn with_max_header(self, max_header: u16) -> Self {
        Self { max_header, ..self }
    }

    /// The same codec with another limit for content, in bytes. Longer content is refused when its header has come;
    /// `usize::MAX` refuses none.
    #[must_use]
    pub fn with_max_content(self, max_content: usize) -> Self {
        Self { max_content, ..self }
    }

    /// A codec for a stream in this dialect, both ways, with the limits of this one.
    ///
    /// To be said before anything is decoded.
    #[must_use]
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self { decoder: Decoder::new(Vec::new()).with_dialect(dialect), has_room: false, dialect, ..self }
    }

    /// The header of the message whose content is awaited, if that is what is awaited: for a deadline that goes by the
    /// content's length, or for a first look.
    pub fn header(&self) -> Option<Header<'_>> {
        self.awaited.and_then(|_| self.decoder.header())
    }

    /// Whether the stream could end here: [`Decoder::finish`]. What is in tokio-util's buffer and has not been decoded does
    /// not count.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] inside a message; or the error from before.
    pub const fn finish(&self) -> Result<(), DecodeError> {
        self.decoder.finish()
    }

    /// The length of the content that is due next, when its header is whole.
    fn head(&mut self, source: &mut BytesMut) -> Result<Option<usize>, DecodeError> {
        if !self.has_room
            && !source.is_empty()
            && let Some(room) = self.decoder.buffer_mut()
        {
            *room = alloc::vec![0; usize::from(self.max_header)];
            self.has_room = true;
        }
        let mut input: &[u8] = source;
        let is_whole = self.decoder.decode(&mut input)?.is_some();
        let left = input.len();
        source.advance(source.len().saturating_sub(left));
        if !is_whole {
            return Ok(None);
        }
        self.decoder.limit_content(self.max_content as u64)?;
        let length = self.decoder.needs();
        // The limit is a `usize`.
        Ok(Some(usize::try_from(length).unwrap_or(usize::MAX)))
    }

    /// The message that is whole with the content at the front of the source.
    fn message(&mut self, source: &mut BytesMut, length: usize) -> Result<Option<OwnedMessage>, DecodeError> {
        let content = source.split_to(length).freeze();
        let _ = self.decoder.content_bypassed(length as u64);
        // The end.
        self.decoder.decode(&mut &[][..])?;
        if length > Self::KEPT {
            let_go(source, length);
        }
        let Some(header) = self.decoder.header() else { return Ok(None) };
        // It fits, whatever it is, so that only memory can be wanting.
        match OwnedHeader::new(&header, Growable::with_limit(usize::MAX)) {
            Ok(header) => Ok(Some(OwnedMessage::received(header, content))),
            Err(_) => Err(self.decoder.fail(DecodeErrorKind::OutOfMemory)),
        }
    }
}

/// Leaves the source's memory to the content that has been split off it, and moves what is left to memory of its own.
///
/// No more is moved than was split off, which keeps the work linear.
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

    /// A message, when one is whole; `None` when more bytes are needed for that.
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the bytes are not a sequence of messages, or over a limit.
    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<OwnedMessage>, CodecError> {
        let message = match self.awaited.take() {
            Some(length) => Ok(Some(length)),
            None => self.head(source),
        };
        let message = message.and_then(|length| match length {
            Some(length) if source.len() >= length => self.message(source, length),
            length => {
                self.awaited = length;
                Ok(None)
            }
        });
        message.map_err(|error| {
            // Nobody will want it any more, even if the stream is read on.
            source.clear();
            error.into()
        })
    }

    /// The messages that are left, then `None`.
    ///
    /// # Errors
    ///
    /// As [`decode`](codec::Decoder::decode); and [`DecodeErrorKind::Truncated`] if a message is not whole.
    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<OwnedMessage>, CodecError> {
        let message = self.decode(source)?;
        if message.is_some() {
            return Ok(message);
        }
        if self.awaited.take().is_some() {
            // To tell how much is missing.
            let _ = self.decoder.content_bypassed(source.len() as u64);
            source.clear();
        }
        self.decoder.end()?;
        Ok(None)
    }
}

/// Copies the content to the buffer that is written from, which tokio-util leaves no way around. Where that is too much,
/// write the [encoded header](Header::encode) and the content to the stream itself.
///
/// For one type only, so that `close` and `flush` of a `Sink` need not be told which is meant.
impl codec::Encoder<OwnedMessage> for Codec {
    type Error = CodecError;

    /// Puts a message behind what is to be sent already.
    ///
    /// # Errors
    ///
    /// What [`Dialect::encode`] returns, as [`CodecError::Encode`]. Nothing is put there then.
    fn encode(&mut self, message: OwnedMessage, sent: &mut BytesMut) -> Result<(), CodecError> {
        let (header, content) = (message.header(), message.content());
        let (before, head) = (sent.len(), self.dialect.encoded_len(&header));
        sent.reserve(head.saturating_add(content.len()));
        sent.resize(before.saturating_add(head), 0);
        if let Err(error) = self.dialect.encode(&header, sent.get_mut(before..).unwrap_or_default()) {
            sent.truncate(before);
            return Err(error.into());
        }
        sent.extend_from_slice(content);
        Ok(())
    }
}
