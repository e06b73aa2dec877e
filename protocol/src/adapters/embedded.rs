//! Messages over [`embedded_io`]'s readers and writers, blocking or async, on fixed buffers and without an allocator.
//!
//! A [`Receiver`] reads messages: [`receive`](Receiver::receive) waits for a header and lends it as [`Incoming`], whose
//! content is read piece by piece, or as a whole [`Message`](crate::Message) into a buffer of yours. A [`Sender`] writes
//! them: all at once with [`send`](Sender::send), or piece by piece behind [`begin`](Sender::begin).
//!
//! ```
//! use embedded_io::{Read, Write};
//! use jsonframe::embedded::{Receiver, Sender};
//! use jsonframe::Header;
//!
//! /// Answers every message with its own content.
//! fn echo<S: Read + Write>(mut stream: S) -> Result<(), Box<dyn core::error::Error>>
//! where
//!     S::Error: 'static,
//! {
//!     let mut receiver = Receiver::new(&mut stream, [0; 256]);
//!     let mut content = [0; 512];
//!     while let Some(mut incoming) = receiver.receive()? {
//!         let message = incoming.message(&mut content)?;
//!         let (length, answer) = (message.content().len(), Header::for_json(message.header().content_length()));
//!         // With two halves, one for each direction, there would be one sender for all messages.
//!         Sender::new(receiver.reader_mut(), [0; 128]).send(&answer, &content[..length])?;
//!     }
//!     Ok(())
//! }
//! # struct Both<'a>(&'a [u8], Vec<u8>);
//! # impl embedded_io::ErrorType for Both<'_> { type Error = core::convert::Infallible; }
//! # impl Read for Both<'_> { fn read(&mut self, place: &mut [u8]) -> Result<usize, Self::Error> { self.0.read(place) } }
//! # impl Write for Both<'_> {
//! #     fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> { self.1.extend(bytes); Ok(bytes.len()) }
//! #     fn flush(&mut self) -> Result<(), Self::Error> { Ok(()) }
//! # }
//! # let wire = [Header::for_json(4).encode(&mut [0; 128]).unwrap(), b"true"].concat();
//! # let mut stream = Both(&wire, Vec::new());
//! # echo(&mut stream).unwrap();
//! # assert_eq!(stream.1, wire);
//! ```
//!
//! # How they read and write
//!
//! - A receiver asks its reader for no more than the message under way lacks. So it has nothing read ahead that could be
//!   lost, and what follows a message belongs to whoever reads next. Where a call of the reader is expensive, give it a
//!   reader with a buffer.
//! - Content goes straight to where it is wanted. Heads pass through 64 bytes on the stack, or in the future.
//! - Nobody waits for anything in a loop that does not read or write. A writer that takes nothing is an error, as
//!   `embedded-io` wants it, and so is a stream that ends inside a message.
//! - Nothing is flushed but by [`flush`](embedded_io::Write::flush).
//!
//! # When it is interrupted
//!
//! What the reader or the writer fails with is returned, [`Interrupted`](embedded_io::ErrorKind::Interrupted) too. The
//! account of what has come and gone stays right, so every method can be called again and goes on where it was:
//! [`message`](Incoming::message) with the same room; [`resume`](Sender::resume) after [`send`](Sender::send).
//!
//! A future that is dropped before it has ended is such an interruption. Each one waits in calls of `read`, `write` or
//! `flush` only, and accounts for what those have done before it waits again. So nothing is lost if these are free of
//! side effects when they are cancelled themselves, which `embedded-io-async` encourages and does not demand. Over a stream
//! that is not, drop the stream with the future.
//!
//! # Blocking and async
//!
//! The methods for [`embedded_io`] have plain names; those for `embedded_io_async` (feature `embedded-io-async`) end in
//! `_async`. [`Incoming`] and [`Sender`] implement `Read` and `Write` of the one their stream implements, for the content of
//! the message under way.

#[cfg(feature = "embedded-io-async")]
mod asynchronous;
mod blocking;
mod error;
mod receive;
mod send;

pub use error::{ReceiveError, SendError};
pub use receive::{Incoming, Receiver};
pub use send::Sender;
