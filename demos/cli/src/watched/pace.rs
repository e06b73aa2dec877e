//! How fast bytes must move.

use std::time::Duration;

/// How fast bytes move, while they are waited for: what this side does between reads is not the peer's fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// In bytes per second.
    floor: u64,
    pub(super) window: Duration,
    /// For how long has been waited in this window, and what has moved in it.
    waited: Duration,
    moved: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slow {
    pub(super) moved: u64,
    pub(super) floor: u64,
}

impl Pace {
    pub(super) const fn new(floor: u64, window: Duration) -> Self {
        Self { floor, window, waited: Duration::ZERO, moved: 0 }
    }

    /// How much of the window is left.
    pub(super) const fn left(&self) -> Duration {
        self.window.saturating_sub(self.waited)
    }

    /// Counts what has moved in a wait: an error if a window is over in which that was too little.
    pub(super) fn count(&mut self, waited: Duration, moved: u64) -> Result<(), Slow> {
        self.waited += waited;
        self.moved = self.moved.saturating_add(moved);
        if self.waited < self.window {
            return Ok(());
        }
        let milliseconds = u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX);
        // Whatever the rate is, not to move at all is not enough.
        let least = (self.floor.saturating_mul(milliseconds) / 1000).max(1);
        let slow = Slow { moved: self.moved, floor: self.floor };
        (self.waited, self.moved) = (Duration::ZERO, 0);
        if slow.moved < least { Err(slow) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_must_keep_to_the_floor_in_every_window() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(100, 2 * second);
        // A burst does not buy silence later on.
        assert_eq!(pace.count(second, 1_000_000), Ok(()));
        assert_eq!(pace.count(second, 0), Ok(()));
        assert_eq!(pace.count(second, 199), Ok(()));
        assert_eq!(pace.count(second, 0), Err(Slow { moved: 199, floor: 100 }));
        assert_eq!(pace.count(2 * second, 200), Ok(()));
        // Whatever the floor, something must move.
        pace.floor = 0;
        assert_eq!(pace.count(2 * second, 1), Ok(()));
        assert_eq!(pace.count(2 * second, 0), Err(Slow { moved: 0, floor: 0 }));
    }
}
