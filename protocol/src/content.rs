//! Reads and writes content as its header describes it.

#[cfg(feature = "sha256")]
mod checksum;
mod default;
#[cfg(feature = "json")]
mod json;
mod media_type;
mod text;

#[cfg(feature = "sha256")]
pub use self::checksum::{Checksum, ChecksumError, ChecksumHex, ContentHasher};
#[cfg(feature = "json")]
pub use self::json::{JsonError, append_json, from_json, to_json, to_json_message};
pub use self::media_type::{ContentType, InvalidContentType, ParameterValue, Parameters};
#[cfg(feature = "text")]
pub use self::text::TextDecoder;
#[cfg(any(feature = "json", feature = "text"))]
pub use self::text::TextError;
pub use self::text::{Encoding, UnknownEncoding};
