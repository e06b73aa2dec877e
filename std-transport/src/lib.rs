//! Messages over std's streams: `TcpStream`, `UnixStream`, and everything else that reads and writes.
//!
//! | to | use |
//! |---|---|
//! | talk to one peer | [`Connection`], which blocks |
//! | … from two threads | [`Connection::split`] |
//! | … with one deadline for a whole exchange | [`Timed`] |
//! | … who may not be there yet, or no more | [`Backoff`] |
//! | … over TLS | `tls::connect` (feature `tls`): `cargo run -p jsonframe-std --example tls --features tls` |
//! | … over a Unix socket | [`Connection::new`] over `UnixStream::connect(path)?` |
//! | call one peer from many threads, over one connection | `client::Client` (feature `client`) |
//! | serve many peers in one thread, or a few | [`server`] |
//! | … on Unix sockets too, over TLS, behind a proxy, on sockets of systemd's | [`server::Listener`] |
//! | talk to many in a loop of your own | [`Session`], which never blocks, and says when a peer is too slow |
//! | talk to one peer with tokio | `tokio::Connection` (feature `tokio`), cancel-safe |
//! | call one peer from many tasks, over one connection | `tokio::Client` (features `client` and `tokio`) |
//! | serve many peers with tokio | `tokio::Server` (features `server` and `tokio`), a task for each connection |
//!
//! A reply that comes after a time-out is the next message received, whatever has been asked since: see
//! [After a time-out](Connection#after-a-time-out).
//!
//! All are thin drivers over the decoder and the encoder of [`jsonframe`], which is re-exported here as [`protocol`].
//!
//! ```
//! use std::net::TcpListener;
//! use std::thread;
//!
//! use jsonframe_std::Connection;
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let server = thread::spawn(move || -> Result<(), jsonframe_std::Error> {
//!     let (stream, _) = listener.accept()?;
//!     let mut connection = Connection::new(stream);
//!     while let Some(request) = connection.receive()? {
//!         let number: u32 = request.json()?;
//!         connection.send_json(&(number + 1))?;
//!     }
//!     Ok(())
//! });
//!
//! let mut connection = Connection::connect(address)?;
//! connection.send_json(&41)?;
//! let answer = connection.receive()?.expect("the server answers");
//! assert_eq!(answer.json::<u32>()?, 42);
//!
//! drop(connection);
//! server.join().expect("the server does not panic")?;
//! # Ok::<(), jsonframe_std::Error>(())
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backoff;
#[cfg(feature = "client")]
pub mod client;
mod connection;
mod duplex;
#[cfg_attr(
    not(all(feature = "client", feature = "server", feature = "tokio")),
    allow(dead_code, unreachable_pub, unused_imports, reason = "each driver uses a part of it")
)]
mod engine;
mod error;
mod incoming;
mod io;
mod receive;
#[cfg(feature = "server")]
#[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "each driver uses a part of it"))]
pub mod server;
mod session;
#[cfg(any(feature = "client", feature = "server"))]
#[allow(dead_code, unused_imports, reason = "each driver uses a part of it")]
mod stream;
mod timed;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use backoff::Backoff;
pub use connection::{Connection, ReceivingHalf, SendingHalf};
pub use duplex::{Duplex, Timeouts};
pub use engine::{Content, Deadline, Limits, REPLY_TO, REQUEST_ID};
pub use error::Error;
pub use incoming::Incoming;
pub use jsonframe as protocol;
pub use session::{Fill, Flush, Interest, Session};
pub use timed::Timed;

/// No limit, for [`Connection::with_max_content`].
pub const UNLIMITED: u64 = u64::MAX;

/// The README's examples, run as tests.
#[cfg(all(doctest, feature = "json"))]
#[doc = include_str!("../README.md")]
struct Readme;
