//! Connects the protocol to the streams and logs of other crates.

#[cfg(feature = "defmt")]
mod defmt;
#[cfg(feature = "embedded-io")]
pub mod embedded;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(all(feature = "tokio", feature = "json"))]
pub use self::tokio::JsonCodec;
#[cfg(feature = "tokio")]
pub use self::tokio::{Codec, CodecError, EventCodec, OwnedEvent};
