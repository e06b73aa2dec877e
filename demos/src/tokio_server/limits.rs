//! What the server under tokio grants its peers, as options of a command line.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum, value_parser};
use jsonframe_std::server::Limits as Defaults;

use crate::limits::{Seconds, at_least_one};

/// What the server under tokio grants its peers. The options are those of `app-server` that have a meaning here, under the
/// same names: as the next request is read when the last answer has been taken, no more than one is queued for a peer.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// How many connections are open at a time; `ulimit -n` may allow fewer
    #[arg(long, value_name = "N", default_value = "1024", value_parser = at_least_one)]
    pub(super) max_connections: NonZeroUsize,

    /// What becomes of a connection beyond them: it waits to be accepted, or is closed at once
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = AtLimit::Wait)]
    pub(super) at_limit: AtLimit,

    /// How many connections may wait to be accepted
    #[arg(long, value_name = "N", default_value_t = Defaults::default().backlog)]
    pub(super) backlog: u32,

    /// The longest header accepted
    #[arg(long, value_name = "BYTES", default_value_t = Defaults::default().max_header, value_parser = value_parser!(u16).range(1..))]
    pub(super) max_header: u16,

    /// The longest content accepted. All of it is kept until it is answered
    #[arg(long, value_name = "BYTES", default_value_t = 16 * 1024 * 1024)]
    pub(super) max_content: u64,

    /// How much content is collected at a time for all connections
    #[arg(long, value_name = "BYTES", default_value_t = Defaults::default().max_collected)]
    pub(super) max_collected: usize,

    /// How much may be queued for all peers together. The next request of a peer is read when its last answer is taken
    #[arg(long, value_name = "BYTES", default_value_t = Defaults::default().max_queued_total)]
    pub(super) max_queued_total: usize,

    /// How long a header may take, from its first byte to its last
    #[arg(long, value_name = "SECONDS", default_value_t = Defaults::default().header_timeout.into())]
    pub(super) header_timeout: Seconds,

    /// The least rate of content, in bytes per second
    #[arg(long, value_name = "BYTES", default_value_t = Defaults::default().min_rate)]
    pub(super) min_rate: u64,

    /// The time over which that rate is measured
    #[arg(long, value_name = "SECONDS", default_value_t = Defaults::default().rate_window.into())]
    pub(super) rate_window: Seconds,

    /// How long nothing may happen between messages
    #[arg(long, value_name = "SECONDS", default_value_t = Defaults::default().idle_timeout.into())]
    pub(super) idle_timeout: Seconds,

    /// How long a peer may take nothing of what is sent to it
    #[arg(long, value_name = "SECONDS", default_value_t = Defaults::default().write_timeout.into())]
    pub(super) write_timeout: Seconds,

    /// The least rate at which a peer takes what is sent to it, in bytes per second, over that time
    #[arg(long, value_name = "BYTES", default_value_t = Defaults::default().min_write_rate)]
    pub(super) min_write_rate: u64,

    /// How long a peer may go on sending after the last answer to it
    #[arg(long, value_name = "SECONDS", default_value_t = Defaults::default().linger.into())]
    pub(super) linger: Seconds,

    /// How long it may be silent in that time
    #[arg(long, value_name = "SECONDS", default_value_t = Defaults::default().linger_silence.into())]
    pub(super) linger_silence: Seconds,

    /// How much it may send in that time
    #[arg(long, value_name = "BYTES", default_value_t = Defaults::default().linger_bytes)]
    pub(super) linger_bytes: u64,
}

/// What becomes of a connection beyond those that may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AtLimit {
    Wait,
    Refuse,
}
