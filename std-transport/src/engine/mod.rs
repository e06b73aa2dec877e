//! A connection without socket and clock.
//!
//! Bytes and the time go in; events, bytes to write and the next deadline come out. A driver moves the bytes between the
//! engine and a stream:
//!
//! 1. It takes the [event](Engine::event) of each [step](Engine::poll_step). Without one, it reads to [`read_buf`](Engine::read_buf) and
//!    reports how many bytes [came](Engine::received), or that the stream has [ended](Inbox::end).
//! 2. It writes what [`outbox`](Sending::outbox) holds, and reports how many bytes the stream took.
//! 3. It calls [`update`](Engine::update) and waits until the stream is ready, or until
//!    [`poll_timeout`](Engine::poll_timeout) has come: then [`handle_timeout`](Engine::handle_timeout) says whether the
//!    connection is to end.
//!
//! Every error is the reason why the connection is to end: at once, or, if [`close`](Engine::close) is called with it, after
//! what is queued has been sent and the peer has had the time to read it.
//!
//! ```text
//! ┌──────┐ close    ┌─────────┐ all sent    ┌────────────┐ the peer has ended,
//! │ open ├─────────►│ closing ├────────────►│ half       │ or sends nothing,
//! └──┬───┘          └────┬────┘ half_close  │ closed     │ or too much for too long
//!    │                   │                  └─────┬──────┘
//!    ▼                   ▼                        ▼
//!  over: an error      over: the stream fails   over: `poll_closed`
//! ```

mod buffer;
mod charge;
mod clock;
mod closing;
mod connection;
mod content;
mod failure;
mod ids;
mod inbox;
mod limits;
mod outbox;
mod sending;
mod totals;

pub use closing::{CloseReason, Deadline};
pub use content::{Content, ContentMode};
pub use ids::{REPLY_TO, REQUEST_ID};
pub use limits::{AtLimit, Limits};

pub(crate) use buffer::Buffer;
pub(crate) use charge::{Charges, Held};
pub(crate) use clock::Phase;
pub(crate) use connection::{Engine, Event, EventSlot, Scratch};
pub(crate) use failure::{Failure, is_timeout};
pub(crate) use ids::{Members, RequestId, answering, reply_to, request_id};
pub(crate) use inbox::{Inbox, Step};
#[cfg(feature = "client")]
pub(crate) use limits::settings;
pub(crate) use outbox::{Outbox, copy};
pub(crate) use sending::Sending;
pub(crate) use totals::{Holding, Totals};
