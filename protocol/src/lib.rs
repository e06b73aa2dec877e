//! Self-describing messages over any byte stream.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::std_instead_of_core,
        clippy::std_instead_of_alloc,
        clippy::alloc_instead_of_core,
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod assemble;
#[cfg(feature = "json")]
mod content;
mod decode;
mod encode;
mod error;
mod escape;
mod extensions;
mod header;
mod json;
mod member;
mod message;
mod outgoing;
mod owned;
mod parse;
mod storage;
mod value;

#[cfg(doc)]
#[doc = include_str!("../SPEC.md")]
pub mod spec {}

pub use assemble::Assembler;
#[cfg(feature = "json")]
pub use content::{JsonError, to_json, to_json_message};
pub use decode::{Decoder, Event};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, InvalidJson, StorageFull};
pub use extensions::Extensions;
pub use header::{ByteOrder, Header};
pub use json::MAX_DEPTH;
pub use member::Member;
pub use message::Message;
pub use outgoing::Outgoing;
pub use owned::OwnedHeader;
#[cfg(feature = "alloc")]
pub use storage::Growable;
pub use storage::Storage;
pub use value::Value;
