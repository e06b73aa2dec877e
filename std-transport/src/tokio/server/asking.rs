//! How a connection that is idle is asked for its place.

use std::time::Instant;

use crate::server::Id;
use crate::server::places::LongestIdle;
use crate::server::shared::Shared;

/// Asks the connections that have been idle for longest to end, one after the other.
#[derive(Debug, Default)]
pub(super) struct Asking {
    idle: LongestIdle,
    asked: Option<Asked>,
}

/// The connection that was asked last.
#[derive(Clone, Copy, Debug)]
struct Asked {
    id: Id,
    /// Since when it had been idle then.
    since: Instant,
    /// When it was asked.
    at: Instant,
}

impl Asking {
    /// Asks the next one, unless the last one is about to end. It reads before it does, and goes on if there was something to
    /// read.
    pub(super) fn ask(&mut self, shared: &Shared, now: Instant) {
        let mailboxes = shared.mailboxes();
        let spare = |id: Id| {
            let (holding, of) = mailboxes.get(id.mailbox())?.holding()?;
            (of == id).then_some(holding.spare_since)
        };
        let is_ending = |Asked { id, since, at }: &Asked| match spare(*id) {
            Some(Some(spare)) => spare == *since,
            // Its handler says its last words, or it is in use again.
            Some(None) => now.saturating_duration_since(*at) < LongestIdle::LEAST,
            None => false,
        };
        if self.asked.as_ref().is_none_or(|asked| !is_ending(asked)) {
            let all = mailboxes.iter().filter_map(|(_, mailbox)| {
                let (holding, id) = mailbox.holding()?;
                Some((holding.spare_since?, id))
            });
            let next = self.idle.next(now, || all, |(since, id)| spare(*id).flatten() == Some(*since));
            self.asked = next.map(|(since, id)| Asked { id, since, at: now });
        }
        // Again, for it may have had no turn in which it could read.
        if let Some(Asked { id, .. }) = self.asked {
            mailboxes.get(id.mailbox()).into_iter().for_each(|mailbox| mailbox.ask_for_place(id));
        }
    }
}
