//! One connection: messages in and out, each in the time it may take.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::{Sink, SinkExt, StreamExt};
use jsonframe::{Codec, CodecError, OwnedMessage};
use jsonframe_std::server::{CloseReason, Deadline};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::bytes::{Buf, BytesMut};
use tokio_util::codec::Framed;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::clock::{Clock, Pace, Phase};
use super::limits::Limits;
use super::total::Share;

/// What a connection keeps of the memory for a long answer, in bytes.
const KEPT: usize = 64 * 1024;

pub(super) struct Connection<'a> {
    framed: Framed<TcpStream, Codec>,
    limits: &'a Limits,
    collected: Share<'a>,
    queued: Share<'a>,
    /// Set when the connection is to end because it holds most of one of these.
    evicted: CancellationToken,
    /// Set when the server is to end.
    ending: &'a CancellationToken,
}

impl<'a> Connection<'a> {
    pub(super) fn new(stream: TcpStream, shared: &'a Shared) -> Self {
        let Shared { limits, dialects, collected, queued, ending, .. } = shared;
        let codec = Codec::new().with_max_header(limits.max_header).with_max_content(limits.max_content);
        let framed = Framed::new(stream, codec.with_dialect(dialects.received).with_sending_dialect(dialects.sent));
        let evicted = CancellationToken::new();
        let (collected, queued) = (collected.share(evicted.clone()), queued.share(evicted.clone()));
        Self { framed, limits, collected, queued, evicted, ending }
    }

    /// The next message; or why there is none.
    pub(super) async fn receive(&mut self) -> Result<OwnedMessage, CloseReason> {
        let received = self.receive_whole().await;
        if received.is_err() {
            // Nobody wants what there is of it.
            *self.framed.read_buffer_mut() = BytesMut::new();
        }
        self.collected.set(0);
        received
    }

    async fn receive_whole(&mut self) -> Result<OwnedMessage, CloseReason> {
        let mut clock = Clock::new(self.limits, Instant::now());
        let mut ending = pin!(self.ending.cancelled());
        let mut evicted = pin!(self.evicted.cancelled());
        let mut timer = pin!(sleep_until(Instant::now()));
        poll_fn(|context| {
            if let Poll::Ready(item) = self.framed.poll_next_unpin(context) {
                return Poll::Ready(match item {
                    Some(Ok(message)) => Ok(message),
                    Some(Err(CodecError::Decode(error))) => Err(CloseReason::Protocol(error)),
                    Some(Err(CodecError::Io(error))) => Err(CloseReason::Io(error)),
                    Some(Err(error)) => Err(CloseReason::Io(error.into())),
                    None => Err(CloseReason::Ended),
                });
            }
            // No message is whole. What there is of one says which time runs.
            let codec = self.framed.codec();
            let (phase, content) = match codec.header() {
                Some(header) => (Phase::Content, header.content_length() - codec.needs()),
                None if codec.finish().is_err() => (Phase::Header, 0),
                None => (Phase::Idle, 0),
            };
            if phase == Phase::Idle && ending.as_mut().poll(context).is_ready() && !has_arrived(self.framed.get_ref()) {
                return Poll::Ready(Err(CloseReason::Shutdown));
            }
            self.collected.set(self.framed.read_buffer().len());
            if evicted.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(CloseReason::CollectedTotal));
            }
            // Once more when the timer has run out, so that somebody is told of the next time.
            loop {
                match clock.look(phase, content, Instant::now()) {
                    Ok(until) => timer.as_mut().reset(until),
                    Err(deadline) => return Poll::Ready(Err(CloseReason::Deadline(deadline))),
                }
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Sends a message, and waits until all of it is on its way.
    pub(super) async fn send(&mut self, message: OwnedMessage) -> Result<(), CloseReason> {
        let failed = |error| match error {
            CodecError::Io(error) => CloseReason::Io(error),
            error => CloseReason::Io(error.into()),
        };
        // There is room for it, since nothing else is unsent.
        poll_fn(|context| Sink::poll_ready(std::pin::Pin::new(&mut self.framed), context)).await.map_err(failed)?;
        self.framed.start_send_unpin(message).map_err(failed)?;
        let total = self.framed.write_buffer().len();
        let mut pace = Pace::new(self.limits.write_timeout.into(), self.limits.min_write_rate, Instant::now());
        let mut timer = pin!(sleep(self.limits.write_timeout.into()));
        let mut evicted = pin!(self.evicted.cancelled());
        poll_fn(|context| {
            loop {
                if let Poll::Ready(outcome) = self.framed.poll_flush_unpin(context) {
                    return Poll::Ready(outcome.map_err(failed));
                }
                // The memory for it stays until all of it is taken.
                self.queued.set(total);
                if evicted.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Err(CloseReason::QueueFull));
                }
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                send_unasked(&mut self.framed);
                let taken = total - self.framed.write_buffer().len();
                match pace.look(taken as u64, Instant::now()) {
                    Some(until) => timer.as_mut().reset(until),
                    None => return Poll::Ready(Err(CloseReason::Deadline(Deadline::Write))),
                }
            }
        })
        .await?;
        self.queued.set(0);
        if self.framed.write_buffer().capacity() > KEPT {
            *self.framed.write_buffer_mut() = BytesMut::new();
        }
        Ok(())
    }

    /// Ends the connection so that what was sent last arrives, even if the peer is still sending.
    ///
    /// To close with bytes unread would make TCP reset the connection, and a reset makes the peer forget what it has not
    /// read yet.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        let stream = self.framed.get_mut();
        stream.shutdown().await?;
        let last = Instant::now() + Duration::from(self.limits.linger);
        let mut scrap = vec![0; 16 * 1024];
        let mut discarded = 0;
        while discarded < self.limits.linger_bytes {
            let until = last.min(Instant::now() + Duration::from(self.limits.linger_silence));
            match timeout_at(until, stream.read(&mut scrap)).await {
                Ok(Ok(count @ 1..)) if Instant::now() < last => discarded += count as u64,
                _ => break,
            }
        }
        Ok(())
    }
}

/// Sends as much as the system takes, even if it has not reported the stream as writable.
///
/// It does so only once a good part of its buffer is free, which takes a slow peer long.
fn send_unasked(framed: &mut Framed<TcpStream, Codec>) {
    let count = SockRef::from(framed.get_ref()).send(framed.write_buffer());
    // Why it fails, the next poll finds out.
    framed.write_buffer_mut().advance(count.unwrap_or(0));
}

/// Whether the system has bytes of which tokio may not have heard yet. It will.
fn has_arrived(stream: &TcpStream) -> bool {
    SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|count| count > 0)
}
