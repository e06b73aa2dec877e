//! The sending side of a connection, and the stream that it is written to.

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use jsonframe::Header;

use super::mailbox::{Command, Frame, Letters};
use super::{CloseReason, Id, observe};
use crate::engine::{Content, Outbox, Sending, answering};
use crate::io::flush;
use crate::stream::Sink;
use crate::{Error, io as driver};

/// How many bytes are written at a time, about.
pub(crate) const BYTES_WRITTEN: usize = 1024 * 1024;

/// Sends to one peer: its queue, and the stream that takes what is queued.
pub(crate) struct Outlet<'a> {
    pub(crate) stream: &'a mut (dyn Sink + 'static),
    pub(crate) sending: &'a mut Sending,
    /// Wakes a handler that waits until the peer has taken enough.
    waiting: Option<Waker>,
}

impl<'a> Outlet<'a> {
    pub(crate) const fn new(stream: &'a mut (dyn Sink + 'static), sending: &'a mut Sending) -> Self {
        Self { stream, sending, waiting: None }
    }

    /// Whether a handler may go on sending without waiting for the peer.
    fn is_ready(&self) -> bool {
        self.sending.outbox.queued() <= self.sending.limits.max_unread_replies
    }

    pub(super) fn poll_ready(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.is_ready() {
            return Poll::Ready(());
        }
        self.waiting = Some(context.waker().clone());
        Poll::Pending
    }

    pub(crate) fn wake_if_ready(&mut self) {
        if self.is_ready() {
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Sends a message of borrowed content. What is long is written at once as far as the peer takes it.
    pub(super) fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.admit(content.len())?;
        self.answering(header, |outlet, header| {
            if content.len() <= Outbox::SMALL {
                return Ok(outlet.sending.outbox.queue_copy(header, content)?);
            }
            outlet.flush()?;
            match driver::send(&mut outlet.sending.outbox, outlet.stream, header, content) {
                Err(Error::Io(error)) => outlet.fail(error),
                outcome => outcome,
            }
        })
    }

    /// Sends a message as the answer to the request that is being handled, if that has an id and no answer yet.
    fn answering(
        &mut self,
        header: &Header<'_>,
        send: impl FnOnce(&mut Self, &Header<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match answering(self.sending.request, header.extensions()) {
            Some(members) => send(self, &header.with_extensions(&members)),
            None => send(self, header),
        }?;
        self.sending.outbox.count_message();
        observe::sent(header);
        self.sending.request = None;
        Ok(())
    }

    /// Queues a message.
    pub(super) fn queue(&mut self, header: &Header<'_>, mut content: Content) -> Result<(), Error> {
        self.admit(content.as_ref().len())?;
        // What is small is copied, and not shared.
        if content.as_ref().len() > Outbox::SMALL {
            content = content.charged(&self.sending.totals.queued);
        }
        self.answering(header, |outlet, header| Ok(outlet.sending.outbox.queue(header, content)?))
    }

    /// Queues an encoded message from outside, unless the peer is not connected, as far as the handler knows. If it does not
    /// fit, the connection is to end.
    pub(super) fn queue_frame(&mut self, frame: Frame) {
        if self.sending.is_open() && self.admit(frame.len()).is_ok() {
            observe::pushed(frame.len());
            frame.queue(&mut self.sending.outbox);
            self.sending.outbox.count_message();
        }
    }

    /// Does what other threads have asked for on the connection with this id.
    pub(crate) fn deliver(&mut self, letters: Letters, id: Id, now: Instant) {
        for command in letters.commands {
            match command {
                Command::Send { to, frame, held } => {
                    if to.is_none_or(|to| to == id) {
                        self.queue_frame(frame);
                    }
                    drop(held);
                }
                // It may be that the peer reads, and nobody has come to write.
                Command::End(of, CloseReason::QueueFull) if of == id && matches!(self.relieve(now), Ok(true)) => {}
                Command::End(of, reason) if of == id => self.sending.end(reason),
                Command::End(..) | Command::Admit(_) => {}
            }
        }
        self.sending.replies_done(letters.marks.get(&id).map_or(0, |mark| mark.replies_done));
    }

    /// Writes what the peer takes now: true if it has taken something.
    pub(crate) fn relieve(&mut self, now: Instant) -> io::Result<bool> {
        let before = self.sending.outbox.queued();
        flush(&mut self.sending.outbox, self.stream, BYTES_WRITTEN)?;
        self.sending.update(now);
        self.sending.count();
        Ok(self.sending.outbox.queued() < before)
    }

    fn admit(&mut self, bytes: usize) -> Result<(), Error> {
        if self.sending.is_ending() {
            return Err(Error::Closed);
        }
        self.sending.offered = self.sending.offered.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        if !self.sending.fits(bytes) {
            self.flush()?;
        }
        if !self.sending.fits(bytes) {
            self.sending.end(CloseReason::QueueFull);
            return Err(Error::QueueFull);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        match flush(&mut self.sending.outbox, self.stream, usize::MAX) {
            Ok(_) => Ok(()),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: io::Error) -> Result<(), Error> {
        self.sending.end(CloseReason::Io(error));
        Err(Error::Closed)
    }
}
