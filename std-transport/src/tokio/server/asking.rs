//! How a connection that is idle is asked for its place.

use std::time::Instant;

use crate::server::Id;
use crate::server::places::LongestIdle;
use crate::server::shared::Shared;

/// Asks the connections that have been idle for longest to end, one after the other.
#[derive(Debug, Default)]
pub(super) struct Asking {
    idle: LongestIdle,
    /// The one that was asked last, and since when it had been idle.
    asked: Option<(Instant, Id)>,
}

impl Asking {
    /// Asks the next one, or the last one again if nothing has happened on it since: it reads before it ends, and goes on if
    /// there was something to read.
    pub(super) fn ask(&mut self, shared: &Shared, now: Instant) {
        let mailboxes = shared.mailboxes();
        let since = |id: Id| {
            let (of, holding, _) = mailboxes.get(id.mailbox())?.holding()?;
            holding.spare_since.filter(|_| of == id)
        };
        let idle = mailboxes.iter().filter_map(|(_, mailbox)| {
            let (id, holding, _) = mailbox.holding()?;
            Some((holding.spare_since?, id))
        });
        let again = self.asked.filter(|(noted, id)| since(*id) == Some(*noted));
        self.asked = again.or_else(|| self.idle.next(now, || idle, since));
        if let Some((_, id)) = self.asked {
            mailboxes.get(id.mailbox()).into_iter().for_each(|mailbox| mailbox.ask_for_place(id));
        }
    }
}
