//! Connections over tokio's streams: [`Connection`] over whatever is `AsyncRead`, `AsyncWrite` and `Unpin`; with the feature `server`
//! also `Server`, and with `client` also `Client`.
//!
//! A [`Connection`] has the methods of the [blocking one](crate::Connection), and the same engine under them. Time is the user's: wrap a
//! call in `tokio::time::timeout`.
//!
//! # Cancel safety
//!
//! A future that is dropped before its end, by `select!` or a time-out, loses nothing:
//!
//! | dropped while it waits | what becomes of the message |
//! |---|---|
//! | [`receive`](Connection::receive), [`receive_message`](Connection::receive_message) | what has come of it is kept, and the next call returns it |
//! | [`Incoming`]: reading, [`content`](Incoming::content), [`message`](Incoming::message) | what has come is kept, and the next call returns it |
//! | [`Incoming`]: [`into_message`](Incoming::into_message), `text`, `json` | they take the `Incoming` with them: its message is dropped, and the next one received |
//! | [`send`](Connection::send), `send_json` | it goes out: what is left of it is kept, and written before what is sent next |
//! | [`send_stream`](Connection::send_stream), [`forward`](Connection::forward) | nothing else can be sent until [`resume_stream`](Connection::resume_stream) has sent the rest |
//! | [`flush`](Connection::flush), [`finish`](Connection::finish) | they can be called again |
//!
//! ```
//! use jsonframe_std::tokio::Connection;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), jsonframe_std::Error> {
//! let (client, server) = tokio::io::duplex(64);
//! let server = tokio::spawn(async move {
//!     let mut connection = Connection::new(server);
//!     while let Some(request) = connection.receive().await? {
//!         let number: u32 = request.json().await?;
//!         connection.send_json(&(number + 1)).await?;
//!     }
//!     Ok::<(), jsonframe_std::Error>(())
//! });
//!
//! let mut connection = Connection::new(client);
//! connection.send_json(&41).await?;
//! let answer = connection.receive().await?.expect("the server answers");
//! assert_eq!(answer.json::<u32>().await?, 42);
//!
//! connection.finish().await?;
//! server.await.expect("the server does not panic")
//! # }
//! ```

#[cfg(feature = "client")]
mod client;
mod connection;
mod incoming;
mod polled;
mod send;
#[cfg(feature = "server")]
mod server;
#[cfg(any(feature = "client", feature = "server"))]
mod timer;

#[cfg(feature = "client")]
pub use client::{Client, Pushes};
pub use connection::{Connection, ReceivingHalf, SendingHalf};
pub use incoming::Incoming;
#[cfg(feature = "server")]
pub use server::{Handler, Server};
