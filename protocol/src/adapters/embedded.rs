//! Sends and receives messages over [`embedded_io`]'s readers and writers, blocking or async, without an allocator.
//!
//! A [`Receiver`] reads messages: [`receive`](Receiver::receive) waits for a header and returns an [`Incoming`], whose
//! content is read piece by piece, or as a whole [`Message`](crate::Message) into a buffer of yours. A [`Sender`] writes
//! messages: whole by [`send`](Sender::send), or piece by piece after [`begin`](Sender::begin).
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
//!         // A stream with two halves would have one sender for all messages.
//!         Sender::new(receiver.reader_mut(), [0; 128]).send(&answer, &content[..length])?;
//!     }
//!     Ok(())
//! }
//! # struct Both<'a>(&'a [u8], Vec<u8>);
//! # impl embedded_io::ErrorType for Both<'_> { type Error = core::convert::Infallible; }
//! # impl Read for Both<'_> { fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> { self.0.read(buf) } }
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
//! - A receiver never reads past the end of a message. Nothing is read ahead that could be lost, and the bytes after a
//!   message belong to whoever reads next. If calls of your reader are expensive, wrap it in a buffered one.
//! - Content is read straight into your buffer, and written straight from it. Heads are read in steps of 64 bytes, through
//!   an array on the stack or in the future.
//! - No loop goes on without reading or writing. A writer that writes 0 bytes is an error, as `embedded-io` requires, and so
//!   is a stream that ends inside a message.
//! - Only [`flush`](embedded_io::Write::flush) flushes the writer.
//!
//! # Interruptions
//!
//! Every error of the reader or the writer is returned, including [`Interrupted`](embedded_io::ErrorKind::Interrupted). The
//! bytes read or written before are accounted for, so that every method can be called again and goes on where it was:
//! [`message`](Incoming::message) with the same buffer, [`resume`](Sender::resume) after [`send`](Sender::send).
//!
//! Dropping a future before it is ready is such an interruption. The futures wait only in calls of `read`, `write` and
//! `flush`, and account for each before they wait again. So nothing is lost if those calls have no side effects when they
//! are cancelled, which `embedded-io-async` encourages but does not require. If the calls of your stream do have some, drop
//! the stream with the future.
//!
//! # Blocking and async
//!
//! The methods for [`embedded_io`] have plain names; those for `embedded_io_async` (feature `embedded-io-async`) end in
//! `_async`. [`Incoming`] and [`Sender`] implement `Read` and `Write` for the content of the current message, blocking or
//! async as their stream is.

#[cfg(feature = "embedded-io-async")]
mod asynchronous;
mod blocking;
mod error;
mod receive;
mod send;

pub use error::{ReceiveError, SendError};
pub use receive::{Incoming, Receiver};
pub use send::Sender;
