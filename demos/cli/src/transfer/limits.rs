//! What a receiver grants its senders, as options of a command line.

use std::num::NonZeroUsize;

use clap::Args;

use crate::limits::{PaceOptions, Seconds, at_least_one};

/// What a receiver grants its senders.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Refuse files that come without a checksum; otherwise the line about them says so
    #[arg(long)]
    pub(super) require_checksum: bool,

    /// The largest file accepted
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 30)]
    pub(super) max_size: u64,

    /// How much is stored in all until the receiver ends, unfinished files included; each counts for 4096 bytes or more
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 30)]
    pub(super) max_total: u64,

    /// How many connections are served at a time; others wait to be accepted
    #[arg(long, value_name = "NUMBER", default_value = "64", value_parser = at_least_one)]
    pub(super) max_connections: NonZeroUsize,

    /// How long a sender may take for TLS's handshake, to begin a file, and to take the answer
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    pub(super) timeout: Seconds,

    #[command(flatten)]
    pub(super) pace: PaceOptions,
}
