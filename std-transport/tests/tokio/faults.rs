//! Streams and sources that fail.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use jsonframe_std::Error;
use jsonframe_std::tokio::Connection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::halting::{completed, header, wire};

/// Gives its bytes, then fails once, and then has ended; and writes likewise.
#[derive(Debug)]
struct Failing {
    bytes: Vec<u8>,
    failure: Option<ErrorKind>,
}

impl Failing {
    fn with(bytes: &[u8], failure: ErrorKind) -> Self {
        Self { bytes: bytes.to_vec(), failure: Some(failure) }
    }
}

impl AsyncRead for Failing {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return Poll::Ready(self.failure.take().map_or(Ok(()), |kind| Err(kind.into())));
        }
        let count = self.bytes.len().min(buffer.remaining());
        buffer.put_slice(&self.bytes[..count]);
        self.bytes.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Failing {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.failure.take().map_or(Ok(bytes.len()), |kind| Err(kind.into())))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn kind(outcome: Result<(), Error>) -> ErrorKind {
    match outcome {
        Err(Error::Io(error)) => error.kind(),
        other => panic!("not an error of the stream: {other:?}"),
    }
}

#[test]
fn an_error_of_the_stream_comes_after_what_was_received_and_stays() {
    let mut connection = Connection::new(Failing::with(&wire(&[b"whole"]), ErrorKind::ConnectionReset));
    assert_eq!(completed(connection.receive_message()).unwrap().unwrap().content(), b"whole");
    for _ in 0..3 {
        assert_eq!(kind(completed(connection.receive()).map(drop)), ErrorKind::ConnectionReset);
    }
}

#[test]
fn an_error_of_writing_stays_and_receiving_goes_on() {
    let mut connection = Connection::new(Failing::with(&wire(&[b"whole"]), ErrorKind::BrokenPipe));
    for _ in 0..3 {
        assert_eq!(kind(completed(connection.send(&header(b"a"), b"a"))), ErrorKind::BrokenPipe);
    }
    assert_eq!(kind(completed(connection.flush())), ErrorKind::BrokenPipe);
    assert_eq!(completed(connection.receive_message()).unwrap().unwrap().content(), b"whole");
}

#[test]
fn receiving_and_sending_go_on_after_a_time_out_and_an_interruption_of_the_stream() {
    let whole = wire(&[b"whole"]);
    let mut connection = Connection::new(Failing::with(&whole[..50], ErrorKind::TimedOut));
    assert!(completed(connection.receive()).unwrap_err().is_timeout());
    connection.get_mut().bytes.extend_from_slice(&whole[50..]);
    assert_eq!(completed(connection.receive_message()).unwrap().unwrap().content(), b"whole");

    connection.get_mut().failure = Some(ErrorKind::TimedOut);
    assert!(completed(connection.send(&header(b"a"), b"a")).unwrap_err().is_timeout());
    assert!(connection.queued() > 0);
    completed(connection.flush()).unwrap();
    assert_eq!(connection.queued(), 0);

    connection.get_mut().failure = Some(ErrorKind::Interrupted);
    completed(connection.send(&header(b"a"), b"a")).unwrap();
}

#[test]
fn a_stream_that_says_it_would_block_instead_of_being_pending_has_failed() {
    let mut connection = Connection::new(Failing::with(b"", ErrorKind::WouldBlock));
    assert_eq!(kind(completed(connection.receive()).map(drop)), ErrorKind::Other);
    let mut connection = Connection::new(Failing::with(b"", ErrorKind::WouldBlock));
    assert_eq!(kind(completed(connection.send(&header(b"a"), b"a"))), ErrorKind::Other);
}

#[test]
fn a_stream_that_takes_nothing_is_an_error() {
    let mut full: [u8; 10] = [0; 10];
    let mut connection = Connection::new(io::Cursor::new(&mut full[..]));
    assert_eq!(kind(completed(connection.send(&header(b"a"), b"a"))), ErrorKind::WriteZero);
}

#[test]
fn a_source_that_ends_or_fails_breaks_the_connection_until_another_goes_on() {
    let mut connection = Connection::new(Vec::new());
    let error = completed(connection.send_stream(&header(b"hello"), &mut &b"he"[..])).unwrap_err();
    assert!(matches!(error, Error::SourceTooShort { missing: 3 }), "{error}");
    for outcome in [completed(connection.send(&header(b""), b"")), completed(connection.finish())] {
        assert!(matches!(outcome, Err(Error::SendBroken)), "{outcome:?}");
    }
    let mut failing = Failing::with(b"l", ErrorKind::NotFound);
    assert_eq!(kind(completed(connection.resume_stream(&mut failing))), ErrorKind::NotFound);
    completed(connection.resume_stream(&mut &b"lo and no more"[..])).unwrap();
    assert_eq!(connection.get_ref(), &wire(&[b"hello"]));
}
