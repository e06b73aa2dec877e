//! Messages over std's streams: `TcpStream`, `UnixStream`, and everything else that reads and writes.
//!
//! A [`Connection`] is a thin driver over the decoder and the encoder of [`jsonframe`], which is re-exported here as
//! [`protocol`]. It blocks: each call returns when it is done, or when the stream says that it cannot.
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

mod connection;
mod error;
mod incoming;
mod receive;
mod send;

pub use connection::Connection;
pub use error::Error;
pub use incoming::Incoming;
pub use jsonframe as protocol;

/// No limit, for [`Connection::with_max_content`].
pub const UNLIMITED: u64 = u64::MAX;

/// The README's examples, run as tests.
#[cfg(all(doctest, feature = "json"))]
#[doc = include_str!("../README.md")]
struct Readme;
