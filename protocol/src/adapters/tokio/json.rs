//! A codec for messages of JSON as values of the program's types.

use core::fmt;
use core::marker::PhantomData;

use bytes::BytesMut;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::codec::{Decoder, Encoder};

use crate::{Codec, CodecError, to_json};

/// Receives values of `In` and sends values of `Out`, each as the JSON content of a message, through tokio-util's
/// [`Framed`](tokio_util::codec::Framed).
///
/// It makes the promises of [`Codec`]. `JsonCodec::from(codec)` adopts the limits and dialects of that codec. Content is
/// read as by [`Message::json_owned`](crate::Message::json_owned), whatever its `content-type`, and written as by
/// [`to_json`]. Content that is not the JSON of an `In` is an error, after which `Framed` ends the stream; if a peer may
/// send such content, choose an `In` that accepts any JSON, such as `serde_json::Value`.
///
/// ```
/// use futures_util::{SinkExt, StreamExt};
/// use jsonframe::{Codec, JsonCodec};
/// use tokio_util::codec::Framed;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// enum Request {
///     Double(u32),
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (client, server) = tokio::io::duplex(256);
/// let mut client = Framed::new(client, JsonCodec::<u64, Request>::new());
/// let mut server = Framed::new(server, JsonCodec::<Request, u64>::from(Codec::new().with_max_content(1_000)));
///
/// client.send(Request::Double(21)).await?;
/// let Request::Double(number) = server.next().await.expect("a request comes")?;
/// server.send(2 * u64::from(number)).await?;
/// assert_eq!(client.next().await.expect("an answer comes")?, 42);
/// # Ok(())
/// # }
/// ```
pub struct JsonCodec<In, Out> {
    codec: Codec,
    items: PhantomData<fn(Out) -> In>,
}

impl<In, Out> JsonCodec<In, Out> {
    /// Creates a codec for one stream. It accepts headers of up to 16 KiB and content of up to 16 MiB.
    pub const fn new() -> Self {
        Self { codec: Codec::new(), items: PhantomData }
    }
}

/// Adopts the limits and dialects of the codec.
impl<In, Out> From<Codec> for JsonCodec<In, Out> {
    fn from(codec: Codec) -> Self {
        Self { codec, items: PhantomData }
    }
}

impl<In, Out> Default for JsonCodec<In, Out> {
    fn default() -> Self {
        Self::new()
    }
}

impl<In, Out> Clone for JsonCodec<In, Out> {
    fn clone(&self) -> Self {
        self.codec.clone().into()
    }
}

impl<In, Out> fmt::Debug for JsonCodec<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonCodec").field("codec", &self.codec).finish()
    }
}

impl<In: DeserializeOwned, Out> Decoder for JsonCodec<In, Out> {
    type Item = In;
    type Error = CodecError;

    /// Returns the next value, or `None` until its message is whole.
    ///
    /// # Errors
    ///
    /// As for a [`Codec`]; and [`CodecError::Json`] if the content is not the JSON of an `In`.
    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<In>, CodecError> {
        Ok(self.codec.decode(source)?.map(|message| message.json_owned()).transpose()?)
    }

    /// Returns the remaining values, then `None`.
    ///
    /// # Errors
    ///
    /// As for a [`Codec`]; and [`CodecError::Json`] if the content is not the JSON of an `In`.
    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<In>, CodecError> {
        Ok(self.codec.decode_eof(source)?.map(|message| message.json_owned()).transpose()?)
    }
}

impl<In, Out: Serialize> Encoder<Out> for JsonCodec<In, Out> {
    type Error = CodecError;

    /// Appends the value, as a message, to `out`. On error `out` is unchanged.
    ///
    /// # Errors
    ///
    /// [`CodecError::Json`] if the value cannot be represented in JSON.
    fn encode(&mut self, value: Out, out: &mut BytesMut) -> Result<(), CodecError> {
        let content = to_json(&value)?;
        self.codec.append(&self.codec.sending.json_header(content.len() as u64), &content, out)
    }
}
