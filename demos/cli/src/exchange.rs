//! What `call`, `listen` and `load` share: a stream that is watched, shown and explained while it is used.
//!
//! ```text
//! call, listen --> tapped --> annotation --> inspect    every byte, as it is sent and received
//!                         \-> inspect                   what is known of what was received
//!              --> object                               a message as one line of JSON
//!              --> request --> member                   what is sent, as options say
//!              --> halves                               two directions for two threads, over TLS too
//!              --> meter                                how far long content is
//! ```

mod annotation;
mod halves;
mod member;
mod meter;
mod object;
mod request;
mod tapped;

pub(crate) use self::annotation::{Annotation, Ending};
pub use self::halves::{Half, halves};
pub(crate) use self::member::Member;
pub(crate) use self::meter::{Meter, bar};
pub(crate) use self::object::{Content, object};
pub(crate) use self::request::{Data, HeaderOptions, Request, json};
pub(crate) use self::tapped::Tapped;
