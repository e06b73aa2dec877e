//! The name of a connection, and whom a message is for.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name of a connection, which no other connection of any server in the process ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    serial: u64,
    mailbox: u32,
    slot: u32,
}

impl Id {
    /// A new name, for the connection in this slot of the worker that has this mailbox.
    pub(crate) fn new(mailbox: usize, slot: usize) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        // There are never as many at a time.
        let [mailbox, slot] = [mailbox, slot].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Self { serial: SERIAL.fetch_add(1, Ordering::Relaxed), mailbox, slot }
    }

    pub(crate) const fn mailbox(self) -> usize {
        self.mailbox as usize
    }

    pub(super) const fn slot(self) -> usize {
        self.slot as usize
    }
}

/// The number of the connection among all that the servers of the process have served, counted from 1.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.serial)
    }
}

/// Whom a [`Handle`](super::Handle) sends to. An [`Id`] and a slice of them convert to it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum To<'a> {
    /// The peer of this connection.
    One(Id),
    /// The peers of these connections. Who is named twice gets it twice.
    Many(&'a [Id]),
    /// All peers that are connected when the server gets there.
    All,
}

impl From<Id> for To<'_> {
    fn from(id: Id) -> Self {
        Self::One(id)
    }
}

impl<'a> From<&'a [Id]> for To<'a> {
    fn from(ids: &'a [Id]) -> Self {
        Self::Many(ids)
    }
}

impl<'a, const N: usize> From<&'a [Id; N]> for To<'a> {
    fn from(ids: &'a [Id; N]) -> Self {
        Self::Many(ids)
    }
}

impl<'a> From<&'a Vec<Id>> for To<'a> {
    fn from(ids: &'a Vec<Id>) -> Self {
        Self::Many(ids)
    }
}
