//! Whom a message is for.

use super::Id;

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
