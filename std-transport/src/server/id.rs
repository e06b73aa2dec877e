//! The name of a connection.

use std::fmt;

/// The name of a connection, which is not used again for another one while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    serial: u64,
    worker: u16,
    slot: u32,
}

impl Id {
    pub(super) const fn new(serial: u64, worker: u16, slot: u32) -> Self {
        Self { serial, worker, slot }
    }

    pub(super) const fn worker(self) -> usize {
        self.worker as usize
    }

    pub(super) const fn slot(self) -> usize {
        self.slot as usize
    }
}

/// The number of the connection, counted from 1 in the order of acceptance.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.serial)
    }
}
