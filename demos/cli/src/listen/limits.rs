//! What a peer is granted, as options of a command line.

use std::num::NonZeroUsize;

use clap::{Args, value_parser};
use jsonframe_std::server::Limits;

use crate::limits::{PaceOptions, Seconds, at_least_one, default_limits};

/// What a peer is granted.
#[derive(Args, Clone, Copy)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitOptions {
    /// How many connections are served at a time; others wait to be accepted
    #[arg(long, value_name = "N", default_value = "64", value_parser = at_least_one)]
    pub(super) max_connections: NonZeroUsize,

    /// The longest header accepted
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_header, value_parser = value_parser!(u16).range(1..))]
    pub(super) max_header: u16,

    /// The longest content accepted; what is over 64 KiB is kept in a temporary file until it is answered
    #[arg(long, value_name = "BYTES", default_value_t = default_limits().max_content)]
    pub(super) max_content: u64,

    /// How long the handshake of TLS may take
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().handshake_timeout.into())]
    pub(super) handshake_timeout: Seconds,

    /// How long nothing may happen between messages
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().idle_timeout.into())]
    pub(super) idle_timeout: Seconds,

    #[command(flatten)]
    pub(super) pace: PaceOptions,

    /// The time over which that rate is measured when an answer is sent
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().write_timeout.into())]
    pub(super) write_timeout: Seconds,

    /// How many processes run at a time; others wait to be started
    #[arg(long, value_name = "N", default_value = "8", value_parser = at_least_one)]
    pub(super) max_processes: NonZeroUsize,

    /// How long a process may take
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    pub(super) exec_timeout: Seconds,

    /// How much a process may write, about
    #[arg(long, value_name = "BYTES", default_value_t = default_limits().max_content)]
    pub(super) max_output: u64,
}
