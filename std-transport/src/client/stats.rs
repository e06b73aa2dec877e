//! What a client has counted.

/// What a client has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many connections it has made.
    pub connections: u64,
    /// How many replies came after their calls had been given up.
    pub late_replies: u64,
    /// How many messages came that were no replies, and had nobody to go to.
    pub dropped_pushes: u64,
}
