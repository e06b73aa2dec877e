//! A codec for messages in pieces, so that content need not fit into memory.

use bytes::{Bytes, BytesMut};
use tokio_util::codec;

use crate::{Codec, CodecError, DecodeError, DecodeErrorKind, EncodeError, Event, Growable, OwnedHeader};

/// What an [`EventCodec`] receives and sends of each message, in this order: its header, its content in pieces, its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedEvent {
    /// The header, which announces the length of the content.
    Header(OwnedHeader<Growable>),
    /// The next piece of the content; never empty when received. A message without content has none.
    Content(Bytes),
    /// The message is whole.
    End,
}

/// Receives and sends messages piece by piece through tokio-util's [`Framed`](codec::Framed), in constant memory, whatever
/// the length of their content.
///
/// It makes the promises of [`Codec`]. `EventCodec::from(codec)` adopts the limits and dialects of that codec;
/// [`new`](Self::new) does not limit content. A piece of content keeps the read buffer alive.
///
/// The pieces that are sent must add up to the announced length: a piece that exceeds it, or an end that comes too early, is
/// [`EncodeError::LengthMismatch`], and an event out of order is [`CodecError::OutOfOrder`]. Such an event is not sent, and
/// the message can still be completed.
///
/// ```
/// use futures_util::{SinkExt, StreamExt};
/// use jsonframe::{EventCodec, Header, OwnedEvent, OwnedHeader};
/// use tokio_util::bytes::Bytes;
/// use tokio_util::codec::Framed;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (here, there) = tokio::io::duplex(64 * 1024);
/// let (mut here, mut there) = (Framed::new(here, EventCodec::new()), Framed::new(there, EventCodec::new()));
///
/// let sending = tokio::spawn(async move {
///     // A hundred megabytes, of which a few kilobytes are in memory at a time.
///     let header = OwnedHeader::try_from(&Header::new("video/mp4", "binary", 100_000_000))?;
///     here.feed(OwnedEvent::Header(header)).await?;
///     for _ in 0..10_000 {
///         here.feed(OwnedEvent::Content(Bytes::from_static(&[7; 10_000]))).await?;
///     }
///     here.send(OwnedEvent::End).await
/// });
///
/// let mut length = 0;
/// while let Some(event) = there.next().await.transpose()? {
///     match event {
///         OwnedEvent::Header(header) => assert_eq!(header.header().content_type(), "video/mp4"),
///         OwnedEvent::Content(piece) => length += piece.len(),
///         OwnedEvent::End => break,
///     }
/// }
/// assert_eq!(length, 100_000_000);
/// sending.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EventCodec {
    codec: Codec,
    /// The message that is being sent.
    sent: Option<Sent>,
}

/// The announced length of the content, and how much of it has been sent, in bytes.
#[derive(Clone, Copy, Debug)]
struct Sent {
    announced: u64,
    actual: u64,
}

impl EventCodec {
    /// Creates a codec for one stream. It accepts headers of up to 16 KiB and content of any length.
    pub fn new() -> Self {
        Codec::new().with_max_content(u64::MAX).into()
    }

    fn event(&mut self, source: &mut BytesMut) -> Result<Option<OwnedEvent>, DecodeError> {
        let limit = self.codec.max_content;
        let decoder = self.codec.decoder();
        let mut input: &[u8] = source;
        let event = match decoder.decode(&mut input)? {
            None => None,
            Some(Event::Header(header)) => {
                // A received header can fail to fit only because memory runs out.
                let header = OwnedHeader::try_from(&header);
                decoder.limit_content(limit)?;
                Some(OwnedEvent::Header(header.map_err(|_| decoder.fail(DecodeErrorKind::OutOfMemory))?))
            }
            Some(Event::Content(_)) => Some(OwnedEvent::Content(Bytes::new())),
            Some(Event::End) => Some(OwnedEvent::End),
        };
        let taken = source.len().saturating_sub(input.len());
        let taken = source.split_to(taken);
        Ok(match event {
            Some(OwnedEvent::Content(_)) => Some(OwnedEvent::Content(taken.freeze())),
            event => event,
        })
    }
}

impl Default for EventCodec {
    fn default() -> Self {
        Self::new()
    }
}

/// Adopts the limits and dialects of the codec. A [`Framed`](codec::Framed) may change to events at any time, by
/// `map_codec`: a message that has arrived in part is received as events from its header on.
impl From<Codec> for EventCodec {
    fn from(mut codec: Codec) -> Self {
        if core::mem::take(&mut codec.taken) > 0 {
            codec.decoder = None;
        }
        Self { codec, sent: None }
    }
}

impl codec::Decoder for EventCodec {
    type Item = OwnedEvent;
    type Error = CodecError;

    /// Returns the next event, or `None` if it needs more bytes.
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the bytes are not a sequence of messages or exceed a limit.
    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<OwnedEvent>, CodecError> {
        self.event(source).map_err(|error| {
            source.clear();
            error.into()
        })
    }

    /// Returns the remaining events, then `None`.
    ///
    /// # Errors
    ///
    /// As [`decode`](codec::Decoder::decode); and [`DecodeErrorKind::Truncated`] if the last message is not whole.
    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<OwnedEvent>, CodecError> {
        let event = self.decode(source)?;
        if event.is_none() {
            self.codec.decoder().end()?;
        }
        Ok(event)
    }
}

impl codec::Encoder<OwnedEvent> for EventCodec {
    type Error = CodecError;

    /// Appends the event to `out`. On error `out` is unchanged.
    ///
    /// # Errors
    ///
    /// [`CodecError::Encode`] as [`Dialect::encode`](crate::Dialect::encode) returns it, or with
    /// [`EncodeError::LengthMismatch`]; [`CodecError::OutOfOrder`].
    fn encode(&mut self, event: OwnedEvent, out: &mut BytesMut) -> Result<(), CodecError> {
        match (event, &mut self.sent) {
            (OwnedEvent::Header(header), sent @ None) => {
                let header = header.header();
                self.codec.append(&header, &[], out)?;
                *sent = Some(Sent { announced: header.content_length(), actual: 0 });
            }
            (OwnedEvent::Content(piece), Some(Sent { announced, actual })) => {
                let longer = actual.saturating_add(piece.len() as u64);
                if longer > *announced {
                    return Err(EncodeError::LengthMismatch { announced: *announced, actual: longer }.into());
                }
                *actual = longer;
                out.extend_from_slice(&piece);
            }
            (OwnedEvent::End, Some(Sent { announced, actual })) if announced != actual => {
                return Err(EncodeError::LengthMismatch { announced: *announced, actual: *actual }.into());
            }
            (OwnedEvent::End, sent @ Some(_)) => *sent = None,
            _ => return Err(CodecError::OutOfOrder),
        }
        Ok(())
    }
}
