//! How a server comes to its end.

use std::time::Instant;

use super::CloseReason;

/// Whether a connection goes on, or is to end when it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It goes on.
    GoOn,
    /// It ends if nothing is under way, so that another one has its place.
    MakeRoom,
    /// The server is being shut down: connections end when nothing is under way.
    Stop,
    /// Connections end after the message they are at, for their peers may never pause.
    Hurry,
}

impl Pace {
    /// Why a connection ends that is quiet.
    pub(super) const fn reason(self) -> CloseReason {
        if matches!(self, Self::MakeRoom) { CloseReason::MadeRoom } else { CloseReason::Shutdown }
    }
}

/// The time in which a server comes to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shutdown {
    pub(super) since: Instant,
    pub(crate) until: Instant,
    /// Whether no connection will be accepted any more.
    pub(super) is_accepting_over: bool,
}

impl Shutdown {
    /// When half of the time is over.
    pub(crate) fn half(&self) -> Instant {
        self.since + self.until.saturating_duration_since(self.since) / 2
    }

    /// Whether connections are to end when they are quiet, or, with half of the time gone, after the message they are at.
    pub(crate) fn pace(&self, now: Instant) -> Pace {
        if now >= self.half() { Pace::Hurry } else { Pace::Stop }
    }
}
