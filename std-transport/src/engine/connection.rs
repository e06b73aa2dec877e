//! The engine of one connection: what is received, what it holds, what is due, and how it ends.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use jsonframe::{Dialect, Header, Message};

use super::buffer::Buffer;
use super::closing::Linger;
use super::ids::request_id;
use super::{CloseReason, ContentMode, Inbox, Limits, Outbox, Phase, Sending, Step, Totals};

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
    content: Buffer,
    is_streamed: bool,
    /// How many whole messages have come since they were last counted.
    messages: u32,
    /// Set when the connection is being closed.
    linger: Option<Box<Linger>>,
}

/// What has been received.
#[derive(Debug)]
pub(crate) enum Event<'e> {
    /// The header of a message. Before the next event, [`set_mode`](Engine::set_mode) is to say how its content is taken.
    Header(&'e Header<'e>),
    /// The next piece of content that is streamed, never empty.
    Content(&'e [u8]),
    /// The end of content that was streamed.
    End,
    /// A message whose content was collected.
    Message(&'e Message<'e>),
}

/// Room for what an event refers to, which is large to be moved.
pub(crate) type EventSlot<'e> = (Option<Header<'e>>, Option<Message<'e>>);

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
            content: Buffer::default(),
            is_streamed: false,
            messages: 0,
            linger: None,
        }
    }

    /// Begins a phase that nothing which comes ends: [`Phase::Opening`], until the stream is ready for messages, and then
    /// [`Phase::Idle`].
    pub(crate) const fn begin(&mut self, phase: Phase, now: Instant) {
        self.sending.clock.begin(phase, now);
    }

    /// Whether the stream is not ready for messages yet.
    pub(crate) fn is_opening(&self) -> bool {
        self.sending.clock.phase == Phase::Opening
    }

    /// Where to read to when there is no event, at most about `budget` bytes; never empty, unless the budget is 0.
    pub(crate) fn read_buf(&mut self, budget: usize) -> Result<&mut [u8], CloseReason> {
        if !self.reads_straight() {
            return Ok(self.inbox.read_buf());
        }
        let space = self.content.space_after(self.inbox.needs()).map_err(|_| CloseReason::CollectedTotal)?;
        let wanted = space.len().min(budget);
        Ok(&mut space[..wanted])
    }

    /// Takes the first `count` bytes of [`read_buf`](Self::read_buf) as received.
    pub(crate) fn received(&mut self, count: usize, now: Instant) {
        self.sending.clock.receive(count, now);
        self.sending.totals.traffic.received_bytes(count);
        if let Some(linger) = &mut self.linger {
            if !linger.discard(count, now) {
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

    /// Whether content goes straight to where it is collected.
    const fn reads_straight(&self) -> bool {
        !self.content.is_empty() && self.inbox.needs() >= STRAIGHT
    }

    /// Goes on to the next [event](Self::event), if there is one.
    #[allow(clippy::inline_always, reason = "it is the loop of all drivers")]
    #[inline(always)]
    pub(crate) fn poll_step(&mut self, now: Instant) -> Result<Option<Step>, CloseReason> {
        loop {
            let step = self.inbox.next_step().map_err(CloseReason::Protocol)?;
            match step {
                Some(Step::Header) => self.sending.clock.begin(Phase::Content, now),
                Some(Step::Content(length)) if !self.is_streamed => {
                    // What comes whole is borrowed from where it was read. Its end comes next.
                    if self.inbox.needs() > 0 || !self.content.is_empty() {
                        let kept = self.content.push(self.inbox.piece(length), self.inbox.needs());
                        kept.map_err(|_| CloseReason::CollectedTotal)?;
                    }
                    continue;
                }
                Some(Step::End) => self.messages = self.messages.saturating_add(1),
                Some(Step::Content(_)) | None => {}
            }
            return Ok(step);
        }
    }

    /// The event of the last step, and what may be done about it.
    #[allow(clippy::inline_always, reason = "the event is large to be copied")]
    #[inline(always)]
    pub(crate) fn event<'e>(
        &'e mut self,
        step: Step,
        slot: &'e mut EventSlot<'e>,
    ) -> Option<(Event<'e>, &'e mut Sending)> {
        let event = match step {
            Step::Header => {
                slot.0 = self.inbox.header();
                let header = slot.0.as_ref()?;
                self.sending.request = request_id(header);
                Event::Header(header)
            }
            Step::Content(length) => Event::Content(self.inbox.piece(length)),
            Step::End if self.is_streamed => Event::End,
            Step::End => {
                slot.0 = self.inbox.header();
                let header = slot.0.as_ref()?;
                let content = match self.content.bytes() {
                    [] => self.inbox.piece(header.content_length().try_into().ok()?),
                    collected => collected,
                };
                slot.1 = Message::new(*header, content).ok();
                Event::Message(slot.1.as_ref()?)
            }
        };
        Some((event, &mut self.sending))
    }

    /// Takes the content of the message whose header has been the last event in this way. The error is that it is too long.
    pub(crate) fn set_mode(&mut self, mode: ContentMode) -> Result<(), CloseReason> {
        let max = match mode {
            ContentMode::Whole => self.sending.limits.max_content,
            ContentMode::Streamed { max } => max,
        };
        self.is_streamed = mode != ContentMode::Whole;
        self.inbox.limit_content(max).map_err(CloseReason::Protocol)
    }

    /// The message whose end has been the last event has been handled, and with it its request, if it was one.
    pub(crate) fn handled(&mut self) {
        self.content.clear();
        self.sending.request = None;
        self.sending.discount_collected();
    }

    /// Takes what has happened since into account. To be called before [`poll_timeout`](Self::poll_timeout).
    pub(crate) fn update(&mut self, now: Instant) {
        let in_message = self.inbox.in_message();
        let is_owed = self.sending.pending_replies > 0;
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
        self.sending.update(now);
    }

    /// When something is due next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.linger_due().or_else(|| self.sending.poll_timeout())
    }

    fn linger_due(&self) -> Option<Instant> {
        self.linger.as_ref()?.due(&self.sending.limits)
    }

    /// Does what is due. The error is why the connection is to end.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), CloseReason> {
        if self.linger_due().is_some_and(|due| due <= now) {
            return Err(self.closed());
        }
        self.sending.handle_timeout(now).map_err(CloseReason::Deadline)
    }

    /// Why the connection is over, if it is: nothing is under way, and the peer has ended it or `is_stopping`.
    pub(crate) const fn poll_quiet(&self, is_stopping: bool) -> Option<CloseReason> {
        if !self.sending.outbox.is_done() || self.sending.pending_replies > 0 {
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
        self.content = Buffer::default();
        self.inbox.forget_unread();
        self.sending.discount_collected();
        self.sending.clock.begin(Phase::Closing, now);
        self.sending.deadline = None;
        // Whatever the last words have led to, this is the reason.
        self.sending.take_reason();
        self.linger = Some(Box::new(Linger::new(reason, self.sending.limits.linger_bytes)));
    }

    /// Whether what was sent last was sent so long ago that the peer need not be waited for.
    pub(crate) fn is_long_idle(&self, now: Instant) -> bool {
        let is_silent = |since| now.saturating_duration_since(since) > self.sending.limits.linger_silence;
        self.sending.clock.phase == Phase::Idle && self.sending.spare_since().is_some_and(is_silent)
    }

    pub(crate) const fn is_closing(&self) -> bool {
        self.linger.is_some()
    }

    /// Has this side's half of the stream closed, once all has been sent.
    ///
    /// # Errors
    ///
    /// That of `close`. After `WouldBlock` it is to be called again.
    pub(crate) fn half_close(&mut self, now: Instant, close: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let linger = self.linger.as_mut().filter(|linger| self.sending.outbox.is_done() && !linger.is_half_closed());
        linger.map_or(Ok(()), |linger| linger.half_close(now, close))
    }

    /// Why the connection that was being closed is over, once it is.
    pub(crate) fn poll_closed(&mut self) -> Option<CloseReason> {
        let is_half_closed = self.linger.as_ref().is_some_and(|linger| linger.is_half_closed());
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
        self.sending.outbox.borrow(&mut scratch.tails);
        self.content.borrow(&mut scratch.content);
    }

    /// Gives the memory for what is received back, but for what is needed until the next turn.
    pub(crate) fn give_back_inbox(&mut self, scratch: &mut Scratch) {
        self.inbox.give_back(&mut scratch.ahead, &mut scratch.header);
        self.content.give_back(&mut scratch.content);
    }

    /// Gives the memory for what is sent back, but for what is needed until the next turn.
    pub(crate) fn give_back_outbox(&mut self, scratch: &mut Scratch) {
        self.sending.outbox.give_back(&mut scratch.tails);
    }

    /// Counts the memory that the connection holds, and the messages that have come.
    pub(crate) fn count(&mut self) {
        self.sending.totals.traffic.received_messages(std::mem::take(&mut self.messages));
        self.sending.count();
        self.sending.totals.collected.recount(&mut self.sending.collected, self.content.held());
    }
}

/// Memory that connections borrow for their turns, so that those that wait need none.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// To read ahead.
    pub(crate) ahead: Box<[u8]>,
    /// For a header.
    pub(crate) header: Box<[u8]>,
    /// For what is to be written, by as many connections as answer together.
    pub(crate) tails: Vec<Vec<u8>>,
    /// For content that is collected.
    pub(crate) content: Box<[u8]>,
}

#[cfg(test)]
mod tests;
