//! Calls of many threads over one connection.
//!
//! A [`Client`] is cloned to whoever makes calls. A call sends a request, waits for its reply, and has a time for that; the calls
//! of all threads are pipelined over one connection, by a thread of the client's own. Under tokio there is
//! `tokio::Client` (feature `tokio`), for tasks.
//!
//! # Which reply answers which request
//!
//! Peers in the field answer every request once, and in order: the nth reply on a connection is for the nth request. When a call
//! has timed out, its reply may still come. It is known by its place, and discarded. A peer that leaves a request
//! without a reply, or sends messages by itself, cannot be called so.
//!
//! Where the server knows of it, requests carry an id ([`Options::with_ids`]), and replies name it. They may then come in any
//! order, or not at all. A message that answers no pending request is a *push*: one without an id, with one that was never given, or
//! a second reply. In order, a message is a push if nothing is pending. Pushes go to the function that
//! [`Client::with_pushes`] is given; otherwise they are dropped, and [counted](Stats::dropped_pushes).
//!
//! # When the connection is lost
//!
//! The calls whose requests have been sent, at least in part, fail: they may have been processed, and only the caller knows
//! whether they may be repeated. [`CallError::is_sent`] tells. Requests that have not been sent are kept, and sent over the next
//! connection. The client connects again when there is something to send, or at once if it takes pushes, as often as
//! [`Options::backoff`] says.
//!
//! The connection is given up if something comes over it that is no message or over a limit, and if [nothing
//! comes](Options::max_silence) for long when a reply is overdue.
//!
//! ```
//! use std::thread;
//!
//! use jsonframe_std::client::{CallError, Client, Options};
//! use jsonframe_std::server::{Limits, Server, from_fn};
//!
//! let server = Server::bind("127.0.0.1:0", Limits::default())?;
//! let address = server.address();
//! thread::spawn(move || {
//!     server.run(from_fn(|peer, request| {
//!         let _ = peer.send_json(&(request.json::<u32>().unwrap_or(0) + 1));
//!     }))
//! });
//!
//! let client = Client::connect(address, Options::default())?;
//! let threads = [1, 2, 3].map(|number| {
//!     let client = client.clone();
//!     thread::spawn(move || client.call_json::<u32>(&number))
//! });
//! let replies = threads.map(|thread| thread.join().expect("it does not panic"));
//! assert_eq!(replies.map(|reply| reply.expect("a reply")), [2, 3, 4]);
//! # Ok::<(), std::io::Error>(())
//! ```

mod blocking;
pub(crate) mod call;
mod driver;
mod error;
pub(crate) mod link;
mod options;
mod pending;
pub(crate) mod shared;
mod transport;

pub use blocking::Client;
pub use error::CallError;
pub use options::{Options, WhenFull};
pub use shared::Stats;
pub use transport::Transport;

#[cfg(test)]
mod tests;
