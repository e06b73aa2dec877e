//! What a connection of the server receives, up to the handler.

use jsonframe::Message;

use super::clock::Phase;
use super::link::{Link, Next, Pace, Turn};
use super::{Closed, Handler, Limits, Peer, Take};
use crate::Fill;
use crate::inbox::Step;

/// Whether a read that got less than it could have had has got all there was, so that whatever comes next is told. An end
/// that was there already is not, nor what follows urgent data, but the poller has seen both.
const DRAINED_BY_SHORT_READ: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// From how many bytes on content is read straight to where it is collected, and not ahead together with what follows.
const STRAIGHT: u64 = 16 * 1024;

/// How many messages are handled in a turn.
const MESSAGES: usize = 64;

impl<S> Link<S> {
    /// Receives until there is nothing to read, or for as long as is fair to the others.
    pub(super) fn receive<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Closed> {
        let (mut bytes, mut messages) = (Self::BYTES, MESSAGES);
        self.status.sent = 0;
        while bytes > 0 && messages > 0 && self.status.sent < Self::WRITTEN && !turn.totals.is_queue_full() {
            if self.status.is_over() {
                return Ok(Next::Wait);
            }
            self.paused = self.must_pause(&turn.shared.limits);
            if self.paused {
                return Ok(Next::Wait);
            }
            let (_, inbox, _) = self.session.parts_mut();
            if turn.pace == Pace::Hurry && !inbox.in_message() {
                return if self.status.owed == 0 { Err(Closed::Shutdown) } else { Ok(Next::Wait) };
            }
            match inbox.next_step().map_err(Closed::Protocol)? {
                Some(step) => messages -= usize::from(self.step(step, turn)?),
                None if inbox.ended() || !self.ready.readable => return Ok(Next::Wait),
                None => {
                    let count = self.fill(bytes)?;
                    bytes = bytes.saturating_sub(count);
                    self.clock.receive(count, turn.now);
                }
            }
        }
        Ok(Next::Again)
    }

    /// Reads once; how many bytes. With so many it is enough, about.
    fn fill(&mut self, enough: usize) -> Result<usize, Closed> {
        let (stream, inbox, _) = self.session.parts_mut();
        // What is long goes straight to where it is collected.
        let straight = self.content.len() > 0 && inbox.needs() >= STRAIGHT;
        let (fill, count, wanted) = if straight {
            let room = self.content.room(inbox.needs()).map_err(|_| Closed::CollectedTotal)?;
            let wanted = room.len().min(enough);
            let (fill, count) = inbox.fill_content(stream, &mut room[..wanted]).map_err(Closed::Io)?;
            (fill, count, wanted)
        } else {
            let fill = inbox.fill(stream).map_err(Closed::Io)?;
            (fill, inbox.unread().len(), inbox.room_ahead())
        };
        if straight && count > 0 {
            self.content.fill(count);
        }
        let drained = DRAINED_BY_SHORT_READ && count < wanted && !self.read_on;
        if fill != Fill::Data || drained {
            self.ready.readable = false;
        }
        Ok(count)
    }

    /// Whether nothing is to be read, because too much is queued or too many replies are owed.
    pub(super) const fn must_pause(&self, limits: &Limits) -> bool {
        self.session.queued() > limits.max_unread_replies
            || (self.status.owed > 0 && self.status.owed >= limits.max_owed)
    }

    /// Handles a step: true if it was a message's end.
    fn step<H: Handler<State = S>>(&mut self, step: Step, turn: &mut Turn<'_, H>) -> Result<bool, Closed> {
        match step {
            Step::Header => self.header(turn).map(|()| false),
            Step::Content(length) => self.piece(length, turn),
            Step::End => {
                self.end(None, turn);
                Ok(true)
            }
        }
    }

    fn header<H: Handler<State = S>>(&mut self, turn: &mut Turn<'_, H>) -> Result<(), Closed> {
        self.clock.begin(Phase::Content, turn.now);
        let (stream, inbox, outbox) = self.session.parts_mut();
        if let Some(header) = inbox.header() {
            let mut peer = Peer::new(&mut self.status, stream, outbox, turn.shared);
            self.take = turn.handler.header(&mut peer, &mut self.state, &header);
        }
        let limit = match self.take {
            Take::Whole => turn.shared.limits.max_content,
            Take::Streamed { max } => max,
        };
        inbox.limit_content(limit).map_err(Closed::Protocol)
    }

    fn piece<H: Handler<State = S>>(&mut self, length: usize, turn: &mut Turn<'_, H>) -> Result<bool, Closed> {
        let (stream, inbox, outbox) = self.session.parts_mut();
        let is_last = inbox.needs() == 0;
        match self.take {
            Take::Streamed { .. } => {
                let mut peer = Peer::new(&mut self.status, stream, outbox, turn.shared);
                turn.handler.content(&mut peer, &mut self.state, inbox.piece(length));
            }
            // Content in one piece is lent from where it was read.
            Take::Whole if is_last && self.content.len() == 0 => {
                inbox.next_step().map_err(Closed::Protocol)?;
                self.end(Some(length), turn);
                return Ok(true);
            }
            Take::Whole => {
                self.content.borrow(&mut turn.rooms.content);
                let kept = self.content.push(inbox.piece(length), inbox.needs());
                kept.map_err(|_| Closed::CollectedTotal)?;
            }
        }
        Ok(false)
    }

    /// Handles the end of a message, whose content may be so many bytes of what was read last.
    fn end<H: Handler<State = S>>(&mut self, lent: Option<usize>, turn: &mut Turn<'_, H>) {
        self.clock.begin(Phase::Idle, turn.now);
        let (stream, inbox, outbox) = self.session.parts_mut();
        let mut peer = Peer::new(&mut self.status, stream, outbox, turn.shared);
        if matches!(self.take, Take::Streamed { .. }) {
            turn.handler.end(&mut peer, &mut self.state);
        } else if let Some(header) = inbox.header() {
            let content = lent.map_or(self.content.bytes(), |length| inbox.piece(length));
            if let Ok(message) = Message::new(header, content) {
                turn.handler.message(&mut peer, &mut self.state, message);
            }
        }
        if self.content.len() > 0 {
            self.content.finish(&mut turn.rooms.content);
            self.forget_content(turn.totals);
        }
    }
}
