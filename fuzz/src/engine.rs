//! The engine of a connection does what a plain model of it does, whatever happens and in whatever order: it reports the
//! messages and the refusal that the decoder alone reports for the same bytes; what is queued is written once and in order;
//! every deadline is the model's, to the nanosecond; a connection that is closed ends in time; and at the end no memory is
//! counted.
//!
//! The engine is private to its crate, so it is compiled into this one from the same files, as is the model, which the
//! engine's own tests use.

use self::transport::{CloseReason, Content, ContentMode, Engine, Event, EventSlot, Limits, Scratch, Totals};

#[path = "../../std-transport/src/engine/connection/tests/model.rs"]
#[allow(dead_code, reason = "a part of it is there for the other tests of the engine")]
mod model;
#[path = "../../std-transport/src/engine/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "each driver uses a part of it")]
mod transport;

pub fn check(data: &[u8]) {
    model::check(data);
}
