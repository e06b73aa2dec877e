//! The end of a connection of the server that is ended by the server: last words, and waiting until they have arrived.

use super::clock::Phase;
use super::linger::{Discarded, Linger};
use super::link::{Link, Next, Turn};
use super::{Closed, Handler, Peer};

impl<S> Link<S> {
    /// Begins to end the connection, for a reason that the peer can be told: asks the handler for last words.
    pub(super) fn dismiss<H: Handler<State = S>>(&mut self, why: Closed, turn: &mut Turn<'_, H>) -> Result<(), Closed> {
        let (stream, _, outbox) = self.session.parts_mut();
        let mut peer = Peer::new(&mut self.status, stream, outbox, turn.shared);
        turn.shared.guard(|| turn.handler.farewell(&mut peer, &mut self.state, &why));
        let silence = turn.shared.limits.linger_silence;
        let is_silent = |since| turn.now.saturating_duration_since(since) > silence;
        if self.session.queued() == 0 && self.clock.idle_since().is_some_and(is_silent) {
            // What was sent last was sent long ago.
            return Err(why);
        }
        self.begin_linger(why, turn);
        Ok(())
    }

    /// Begins to close. The rest of what is queued is sent first.
    pub(super) fn begin_linger<H>(&mut self, why: Closed, turn: &Turn<'_, H>) {
        self.forget_content(turn.totals);
        let (_, inbox, _) = self.session.parts_mut();
        inbox.forget_unread();
        self.ready.readable = !inbox.ended();
        self.clock.begin(Phase::Suspended, turn.now);
        self.linger = Some(Box::new(Linger::new(why, &turn.shared.limits)));
    }

    /// Why the connection that was being closed has ended.
    pub(super) fn over(&mut self) -> Closed {
        self.linger.take().map_or(Closed::ByHandler, |linger| linger.why)
    }

    /// Goes on closing.
    pub(super) fn drain<H>(&mut self, turn: &mut Turn<'_, H>) -> Result<Next, Closed> {
        let flushed = self.flush(turn.now);
        let Some(linger) = &mut self.linger else { return Ok(Next::Wait) };
        let (stream, inbox, outbox) = self.session.parts_mut();
        let limits = &turn.shared.limits;
        let sent = outbox.is_done();
        let mut over = flushed.is_err() || (sent && linger.close_half(stream, limits, turn.now).is_err());
        if !over && self.ready.readable {
            match linger.discard(stream, &mut turn.rooms.ahead, Self::BYTES, limits, turn.now) {
                Discarded::All => self.ready.readable = false,
                Discarded::Some => return Ok(Next::Again),
                Discarded::Over => {
                    self.ready.readable = false;
                    over = sent;
                    inbox.end();
                }
            }
        }
        if over || (sent && inbox.ended()) {
            return Err(self.over());
        }
        Ok(if !sent && self.ready.writable { Next::Again } else { Next::Wait })
    }

    /// Why it ends now that there is no more time for it.
    pub(super) fn abandon(&mut self) -> Closed {
        match self.linger.take() {
            // Its last word has been said.
            Some(linger) if self.session.queued() == 0 => linger.why,
            _ => Closed::Abandoned,
        }
    }
}
