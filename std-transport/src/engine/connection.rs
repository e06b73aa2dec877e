//! The engine of one connection: what is received, what it holds, what is due, and how it ends.

use std::sync::Arc;
use std::time::Instant;

use jsonframe::{Dialect, Header, Message};

use super::clock::Phase;
use super::collected::Collected;
use super::ids::request_id;
use super::linger::Linger;
use super::{CloseReason, ContentMode, Inbox, Limits, Outbox, Sending, Step, Totals};

/// From how many bytes on content is read straight to where it is collected, and not ahead together with what follows.
const STRAIGHT: u64 = 16 * 1024;

/// How many bytes are read ahead at a time.
const AHEAD: usize = 64 * 1024;

/// One connection. See the [module](super).
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) inbox: Inbox,
    pub(crate) sending: Sending,
    /// The content of the message under way, as far as it is collected.
    content: Collected,
    is_streamed: bool,
    /// How long it may be, and whether that is still to be checked.
    max_length: u64,
    is_length_unchecked: bool,
    /// How many whole messages have come since they were last counted.
    messages: u32,
    /// Set when the connection is being closed.
    linger: Option<Box<Linger>>,
}

/// What has been received.
#[derive(Debug)]
pub(crate) enum Event<'e> {
    /// The header of a message, whose content is collected unless [`set_mode`](Engine::set_mode) says otherwise.
    Header(Header<'e>),
    /// The next piece of content that is streamed, never empty.
    Content(&'e [u8]),
    /// The end of content that was streamed.
    End,
    /// A message whose content was collected.
    Message(Message<'e>),
}

impl Engine {
    /// A connection that begins now, and receives and sends in these dialects.
    pub(crate) fn new(
        limits: Arc<Limits>,
        totals: Arc<Totals>,
        received: &'static Dialect,
        sent: &'static Dialect,
        now: Instant,
    ) -> Self {
        Self {
            inbox: Inbox::new(received, limits.max_header),
            sending: Sending::new(Outbox::new(sent), limits, totals, now),
            content: Collected::default(),
            is_streamed: false,
            max_length: 0,
            is_length_unchecked: false,
            messages: 0,
            linger: None,
        }
    }

    /// The stream is not ready for messages yet, from now on until it is [open](Self::opened).
    pub(crate) const fn begin_opening(&mut self, now: Instant) {
        self.sending.clock.begin(Phase::Opening, now);
    }

    /// The stream is ready for messages.
    pub(crate) const fn opened(&mut self, now: Instant) {
        self.sending.clock.begin(Phase::Idle, now);
    }

    /// Whether the stream is not ready for messages yet.
    pub(crate) fn is_opening(&self) -> bool {
        self.sending.clock.is_opening()
    }

    /// Where to read to when there is no event, at most about `budget` bytes; never empty, unless the budget is 0.
    pub(crate) fn read_buf(&mut self, budget: usize) -> Result<&mut [u8], CloseReason> {
        if !self.reads_straight() {
            return Ok(self.inbox.read_buf());
        }
        let space = self.content.space(self.inbox.needs()).map_err(|_| CloseReason::CollectedTotal)?;
        let wanted = space.len().min(budget);
        Ok(&mut space[..wanted])
    }

    /// Takes the first `count` bytes of [`read_buf`](Self::read_buf) as received.
    pub(crate) fn received(&mut self, count: usize, now: Instant) {
        self.sending.clock.receive(count, now);
        self.sending.totals.traffic.received_bytes(count);
        if let Some(linger) = &mut self.linger {
            if !linger.discard(count, &self.sending.limits, now) {
                self.inbox.end();
            }
        } else if self.reads_straight() {
            self.content.fill(count);
            self.inbox.content_bypassed(count);
        } else {
            self.inbox.received(count);
        }
    }

    /// Tells the time at which a driver that takes steps from the [inbox](Self::inbox) has received `count` bytes, and
    /// whether the header of a message ended in them.
    pub(crate) fn received_steps(&mut self, count: usize, has_header: bool, now: Instant) {
        if count > 0 {
            self.sending.clock.receive(count, now);
        }
        if has_header {
            self.sending.clock.begin(Phase::Content, now);
        }
    }

    /// The stream has ended.
    pub(crate) const fn ended(&mut self) {
        self.inbox.end();
    }

    /// Whether the stream has ended, or nothing more is to be read from it.
    pub(crate) const fn has_ended(&self) -> bool {
        self.inbox.ended()
    }

    /// Whether content goes straight to where it is collected.
    const fn reads_straight(&self) -> bool {
        self.content.len() > 0 && self.inbox.needs() >= STRAIGHT
    }

    /// The next event of what has been received, and what may be done about it.
    #[allow(clippy::inline_always, reason = "the event is large to be copied")]
    #[inline(always)]
    pub(crate) fn poll_event(&mut self, now: Instant) -> Result<Option<(Event<'_>, &mut Sending)>, CloseReason> {
        if self.is_length_unchecked {
            self.is_length_unchecked = false;
            self.inbox.limit_content(self.max_length).map_err(CloseReason::Protocol)?;
        } else if !self.inbox.in_message() {
            self.content.clear();
            self.sending.request = None;
        }
        let mut in_one_piece = None;
        let step = loop {
            match self.inbox.next_step().map_err(CloseReason::Protocol)? {
                Some(Step::Content(length)) if !self.is_streamed => {
                    if self.inbox.needs() == 0 && self.content.len() == 0 {
                        // It is borrowed from where it was read. Its end comes next.
                        in_one_piece = Some(length);
                    } else {
                        let kept = self.content.push(self.inbox.piece(length), self.inbox.needs());
                        kept.map_err(|_| CloseReason::CollectedTotal)?;
                    }
                }
                Some(step) => break step,
                None => return Ok(None),
            }
        };
        if matches!(step, Step::Header) {
            self.sending.clock.begin(Phase::Content, now);
            self.set_mode(ContentMode::Whole);
            self.is_length_unchecked = true;
        }
        self.messages = self.messages.saturating_add(matches!(step, Step::End).into());
        let Some(header) = self.inbox.header() else { return Ok(None) };
        let event = match step {
            Step::Header => {
                self.sending.request = request_id(&header);
                Event::Header(header)
            }
            Step::Content(length) => Event::Content(self.inbox.piece(length)),
            Step::End if self.is_streamed => Event::End,
            Step::End => {
                let content = in_one_piece.map_or(self.content.bytes(), |length| self.inbox.piece(length));
                let Ok(message) = Message::new(header, content) else { return Ok(None) };
                Event::Message(message)
            }
        };
        Ok(Some((event, &mut self.sending)))
    }

    /// How the content of the message is taken whose header has been the last event.
    pub(crate) fn set_mode(&mut self, mode: ContentMode) {
        (self.is_streamed, self.max_length) = match mode {
            ContentMode::Whole => (false, self.sending.limits.max_content),
            ContentMode::Streamed { max } => (true, max),
        };
    }

    /// Whether a byte of a message has been taken and its end not been an event yet.
    pub(crate) const fn in_message(&self) -> bool {
        self.inbox.in_message()
    }

    /// Whether all that has been received has been an event.
    pub(crate) fn is_drained(&self) -> bool {
        !self.inbox.in_message() && self.inbox.unread().is_empty()
    }

    /// Between messages, no request is being handled any more.
    pub(crate) const fn leave_request(&mut self) {
        if !self.inbox.in_message() {
            self.sending.request = None;
        }
    }

    /// Takes what has happened since into account. To be called before [`poll_timeout`](Self::poll_timeout).
    pub(crate) fn update(&mut self, now: Instant) {
        self.leave_request();
        if self.linger.is_none() {
            let in_message = self.inbox.in_message();
            let is_owed = self.sending.has_pending_replies();
            let phase = if self.sending.is_paused() || self.inbox.ended() || (!in_message && is_owed) {
                Phase::Suspended
            } else if !in_message {
                Phase::Idle
            } else if self.inbox.header().is_some() {
                Phase::Content
            } else {
                Phase::Header
            };
            self.sending.clock.go_on(phase, now);
        }
        self.sending.update(now);
    }

    /// When something is due next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.linger.as_ref().and_then(|linger| linger.due()).or_else(|| self.sending.poll_timeout())
    }

    /// Does what is due. The error is why the connection is to end.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), CloseReason> {
        if self.linger.as_ref().and_then(|linger| linger.due()).is_some_and(|due| due <= now) {
            return Err(self.closed());
        }
        self.sending.handle_timeout(now).map_err(CloseReason::Deadline)
    }

    /// Why the connection is over, if it is: nothing is under way, and the peer has ended it or `is_stopping`.
    pub(crate) const fn poll_quiet(&self, is_stopping: bool) -> Option<CloseReason> {
        if !self.sending.outbox.is_done() || self.sending.has_pending_replies() {
            None
        } else if self.inbox.ended() {
            Some(CloseReason::Ended)
        } else if is_stopping && !self.inbox.in_message() {
            Some(CloseReason::Shutdown)
        } else {
            None
        }
    }

    /// Begins to close the connection. What is queued is sent first, and nothing more is received.
    pub(crate) fn close(&mut self, reason: CloseReason, now: Instant) {
        self.content = Collected::default();
        self.inbox.forget_unread();
        self.sending.clock.begin(Phase::Closing, now);
        self.sending.deadline = None;
        self.linger = Some(Box::new(Linger::new(reason, &self.sending.limits)));
    }

    /// Whether what was sent last was sent so long ago that the peer need not be waited for.
    pub(crate) fn is_long_idle(&self, now: Instant) -> bool {
        let silence = self.sending.limits.linger_silence;
        let is_silent = |since| now.saturating_duration_since(since) > silence;
        self.sending.outbox.queued() == 0 && self.sending.clock.idle_since().is_some_and(is_silent)
    }

    pub(crate) const fn is_closing(&self) -> bool {
        self.linger.is_some()
    }

    /// Whether this side's half of the stream is to be closed now, which may take the stream some time.
    pub(crate) fn begin_half_close(&mut self, now: Instant) -> bool {
        let is_due = |linger: &&mut Box<Linger>| self.sending.outbox.is_done() && !linger.is_half_closed;
        let linger = self.linger.as_mut().filter(is_due);
        linger.map(|linger| linger.half_closing(&self.sending.limits, now)).is_some()
    }

    /// This side's half of the stream has been closed.
    pub(crate) fn half_closed(&mut self, now: Instant) {
        if let Some(linger) = &mut self.linger {
            linger.half_closed(&self.sending.limits, now);
        }
    }

    /// Why the connection that was being closed is over, once it is.
    pub(crate) fn poll_closed(&mut self) -> Option<CloseReason> {
        let is_half_closed = self.linger.as_ref().is_some_and(|linger| linger.is_half_closed);
        (is_half_closed && self.inbox.ended()).then(|| self.closed())
    }

    /// Why the connection that was being closed is over, now that it is.
    pub(crate) fn closed(&mut self) -> CloseReason {
        self.linger.take().map_or(CloseReason::ByHandler, |linger| linger.reason)
    }

    /// Why the connection is over, when there is no more time for it.
    pub(crate) fn abandon(&mut self) -> CloseReason {
        match self.linger.take() {
            // Its last word has been said.
            Some(linger) if self.sending.outbox.queued() == 0 => linger.reason,
            _ => CloseReason::Abandoned,
        }
    }

    /// Borrows memory for a turn.
    pub(crate) fn borrow(&mut self, scratch: &mut Scratch) {
        if scratch.ahead.is_empty() {
            scratch.ahead = vec![0; AHEAD].into();
        }
        self.inbox.borrow(&mut scratch.ahead, &mut scratch.header);
        self.sending.outbox.borrow(&mut scratch.tail);
        self.content.borrow(&mut scratch.content);
    }

    /// Gives the memory back, but for what is needed until the next turn.
    pub(crate) fn give_back(&mut self, scratch: &mut Scratch) {
        if !self.inbox.in_message() {
            self.content.clear();
        }
        self.inbox.give_back(&mut scratch.ahead, &mut scratch.header);
        self.sending.outbox.give_back(&mut scratch.tail);
        self.content.give_back(&mut scratch.content);
    }

    /// Counts the memory that the connection holds, and the messages that have come.
    pub(crate) fn count(&mut self) {
        self.count_messages();
        self.sending.count();
        self.sending.totals.collected.recount(&mut self.sending.collected, self.content.held());
    }

    fn count_messages(&mut self) {
        self.sending.totals.traffic.received_messages(std::mem::take(&mut self.messages));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.count_messages();
    }
}

/// Memory that connections borrow for their turns, so that those that wait need none.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// To read ahead.
    pub(crate) ahead: Box<[u8]>,
    /// For a header.
    pub(crate) header: Box<[u8]>,
    /// For what is to be written.
    pub(crate) tail: Vec<u8>,
    /// For content that is collected.
    pub(crate) content: Collected,
}

#[cfg(test)]
mod tests;
