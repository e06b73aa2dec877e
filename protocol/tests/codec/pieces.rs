//! A stream that arrives in pieces.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{FutureExt, StreamExt};
use jsonframe::{Codec, CodecError, OwnedMessage};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::codec::FramedRead;

/// Returns one piece from each read, or as much of it as fits into the buffer, then the end.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    pieces: VecDeque<&'a [u8]>,
    /// The address and the number of the bytes of each read.
    pub(crate) reads: Vec<(*const u8, usize)>,
}

impl<'a> Pieces<'a> {
    /// Omits empty pieces, which would be the end.
    pub(crate) fn new(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self { pieces: pieces.into_iter().filter(|piece| !piece.is_empty()).collect(), reads: Vec::new() }
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(piece) = self.pieces.pop_front() else { return Poll::Ready(Ok(())) };
        let (now, later) = piece.split_at(piece.len().min(buffer.remaining()));
        if !later.is_empty() {
            self.pieces.push_front(later);
        }
        buffer.put_slice(now);
        let filled = buffer.filled();
        self.reads.push((filled[filled.len() - now.len()..].as_ptr(), now.len()));
        Poll::Ready(Ok(()))
    }
}

/// Receives the next item from a stream that is always ready.
pub(crate) fn next(stream: &mut FramedRead<Pieces<'_>, Codec>) -> Option<Result<OwnedMessage, CodecError>> {
    stream.next().now_or_never().expect("the pieces are there")
}

/// Returns the messages of a stream in these pieces, and the error at its end.
pub(crate) fn receive<'a>(
    codec: Codec,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<OwnedMessage>, Option<CodecError>) {
    let mut stream = FramedRead::new(Pieces::new(pieces), codec);
    let mut messages = Vec::new();
    loop {
        match next(&mut stream) {
            Some(Ok(message)) => messages.push(message),
            Some(Err(error)) => {
                assert!(next(&mut stream).is_none(), "an error is the last item");
                return (messages, Some(error));
            }
            None => return (messages, None),
        }
    }
}
