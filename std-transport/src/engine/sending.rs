//! What may be done on a connection while something received is handled: to send, to owe a reply, and to end it.

use std::sync::Arc;
use std::time::Instant;

use super::clock::{Clock, Phase};
use super::closing::{CloseReason, Deadline};
use super::ids::RequestId;
use super::limits::Limits;
use super::outbox::Outbox;
use super::totals::{Holding, Totals};

/// The sending side of a connection, with what it is still to do for its peer.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) outbox: Outbox,
    pub(crate) limits: Arc<Limits>,
    /// What it may hold together with others.
    pub(crate) totals: Arc<Totals>,
    /// How much memory is counted there for what is queued, and for what is collected.
    queued: usize,
    pub(super) collected: usize,
    pub(super) clock: Clock,
    /// When the handler wants the connection to have ended.
    pub(crate) deadline: Option<Instant>,
    pub(crate) pending_replies: u32,
    /// The id of the request that is being handled, until it has been answered.
    pub(crate) request: Option<RequestId>,
    /// How many bytes were to be sent in this turn; of very many, it does not matter how many.
    pub(crate) offered: u32,
    /// Why the connection is to end, once there is a reason. Few have one, and not for long.
    reason: Option<Box<CloseReason>>,
}

impl Sending {
    pub(crate) const fn new(outbox: Outbox, limits: Arc<Limits>, totals: Arc<Totals>, now: Instant) -> Self {
        let clock = Clock::new(now);
        Self {
            outbox,
            limits,
            totals,
            queued: 0,
            collected: 0,
            clock,
            deadline: None,
            pending_replies: 0,
            request: None,
            offered: 0,
            reason: None,
        }
    }

    /// Whether this many more bytes may be queued. A peer that is read can be answered, at whatever length.
    pub(crate) fn fits(&self, bytes: usize) -> bool {
        let (queued, max_queued) = (self.outbox.queued(), self.totals.most_queued_for_one);
        queued <= self.limits.max_unread_replies.min(max_queued) || queued.saturating_add(bytes) <= max_queued
    }

    /// Whether messages may flow, and the connection is not being closed.
    pub(crate) const fn is_open(&self) -> bool {
        self.clock.is_open()
    }

    /// Whether nothing is to be read, because too much is queued or too many replies are pending.
    pub(crate) fn is_paused(&self) -> bool {
        self.outbox.queued() > self.limits.max_unread_replies
            || (self.pending_replies > 0 && self.pending_replies >= self.limits.max_pending_replies)
    }

    /// A reply is to be sent later.
    pub(crate) const fn reply_later(&mut self) {
        self.pending_replies = self.pending_replies.saturating_add(1);
    }

    /// Replies are no longer pending.
    pub(crate) const fn replies_done(&mut self, count: u32) {
        self.pending_replies = self.pending_replies.saturating_sub(count);
    }

    /// The connection is to end. The first reason counts, but a failure replaces a close, which cannot be completed then.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        if self.reason.as_deref().is_none_or(|first| matches!(first, CloseReason::ByHandler)) {
            self.reason = Some(reason.into());
        }
    }

    /// Whether the connection is to end.
    pub(crate) const fn is_ending(&self) -> bool {
        self.reason.is_some()
    }

    /// Whether it is to end for another reason than a close by its handler.
    pub(crate) fn is_failing(&self) -> bool {
        self.reason.as_ref().is_some_and(|reason| !matches!(**reason, CloseReason::ByHandler))
    }

    pub(crate) fn take_reason(&mut self) -> Option<CloseReason> {
        self.reason.take().map(|reason| *reason)
    }

    /// Counts the memory that what is queued holds.
    pub(crate) fn count(&mut self) {
        self.totals.queued.recount(&mut self.queued, self.outbox.held());
    }

    /// How much memory the connection holds, as it was last counted.
    pub(crate) fn holding(&self) -> Holding {
        Holding {
            alone: self.queued,
            shared: self.outbox.shared(),
            collected: self.collected,
            unsent_since: self.clock.unsent_since(),
            spare_since: self.spare_since(),
        }
    }

    /// Counts nothing as collected any more.
    pub(crate) fn discount_collected(&mut self) {
        self.totals.collected.recount(&mut self.collected, 0);
    }

    /// Since when the connection could have been spared for another one to have its place: nothing has been under way on it,
    /// nothing was queued and no reply owed; or it has not come to its messages yet, or is being closed.
    pub(crate) fn spare_since(&self) -> Option<Instant> {
        self.clock.spare_since().filter(|_| self.outbox.is_done())
    }

    /// Nothing is received from now on until the next [`Engine::update`](super::Engine::update).
    pub(crate) fn suspend(&mut self, now: Instant) {
        self.clock.go_on(Phase::Suspended, now);
    }

    /// Takes what has been written into account. To be called before [`poll_timeout`](Self::poll_timeout).
    pub(crate) fn update(&mut self, now: Instant) {
        // What the stream has in a buffer of its own, the peer has not taken either.
        let unsent = self.outbox.queued().max(usize::from(!self.outbox.is_done()));
        let taken = self.count_traffic();
        self.clock.write(taken, unsent, now);
    }

    /// Counts what has been queued and written since this was last called, and returns how many bytes the stream has taken.
    fn count_traffic(&mut self) -> usize {
        let (messages, taken) = self.outbox.take_counts();
        self.totals.traffic.sent(messages, taken);
        taken
    }

    /// When something is due next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let clock = self.clock.due(&self.limits).map(|(at, _)| at);
        clock.into_iter().chain(self.deadline).min()
    }

    /// Does what is due. The error is the deadline that the peer has missed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Deadline> {
        if self.deadline.is_some_and(|due| due <= now) {
            return Err(Deadline::Handler);
        }
        self.clock.expired(&self.limits, now).map_or(Ok(()), Err)
    }

    /// Whether it is due that the peer takes more of what is queued. A driver had better write before it says that the time
    /// is over: pollers tell of free space only when there is much of it.
    pub(crate) fn is_write_due(&self, now: Instant) -> bool {
        self.clock.due(&self.limits).is_some_and(|(at, which)| at <= now && which == Deadline::Write)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.count_traffic();
        self.totals.queued.recount(&mut self.queued, 0);
        self.discount_collected();
    }
}
