//! What a server grants its peers, as options of a command line.

use std::fmt::{self, Display, Formatter};
use std::num::{NonZeroUsize, ParseIntError};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum, value_parser};
use jsonframe_std::server::{AtLimit, Limits};

/// An option for each of a server's [`Limits`] but that of replies owed, of which these programs have none.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitOptions {
    /// How many connections are open at a time; `ulimit -n` may allow fewer
    #[arg(long, value_name = "N", default_value_t = limit(Limits::default().max_connections), value_parser = at_least_one)]
    max_connections: NonZeroUsize,

    /// How many of them may be from one address, or one IPv6 network of 64 bits; no limit by default
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    max_per_address: Option<NonZeroUsize>,

    /// What becomes of a connection beyond them: it waits to be accepted, is closed at once, or has the place of the one that
    /// has been idle for longest
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = BeyondLimit::Wait)]
    at_limit: BeyondLimit,

    /// How many connections may wait to be accepted
    #[arg(long, value_name = "N", default_value_t = Limits::default().backlog)]
    backlog: u32,

    /// The longest header accepted
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_header, value_parser = value_parser!(u16).range(1..))]
    max_header: u16,

    /// The longest content accepted
    #[arg(long, value_name = "BYTES", default_value_t = MAX_CONTENT)]
    max_content: u64,

    /// How much JSON content is collected at a time for all connections
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_collected)]
    max_collected: usize,

    /// How much may be queued for a peer until nothing more is read from it
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_unread_replies)]
    max_unread_replies: usize,

    /// How much may be queued for a peer at all
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_queued)]
    max_queued: usize,

    /// How much may be queued for all peers together
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_queued_total)]
    max_queued_total: usize,

    /// How long a PROXY header and the handshake of TLS may take together
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().handshake_timeout.into())]
    handshake_timeout: Seconds,

    #[command(flatten)]
    pace: PaceOptions,

    /// How long nothing may happen between messages
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().idle_timeout.into())]
    idle_timeout: Seconds,

    /// How long a peer may take nothing of what is sent to it
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().write_timeout.into())]
    write_timeout: Seconds,

    /// The least rate at which a peer takes what is sent to it, in bytes per second, over that time
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().min_write_rate)]
    min_write_rate: u64,

    /// How long a peer may go on sending after the last answer to it
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().linger.into())]
    linger: Seconds,

    /// How long it may be silent in that time
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().linger_silence.into())]
    linger_silence: Seconds,

    /// How much it may send in that time
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().linger_bytes)]
    linger_bytes: u64,
}

/// How long a peer may take for what it sends.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct PaceOptions {
    /// How long a header may take, from its first byte to its last
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().header_timeout.into())]
    pub(crate) header_timeout: Seconds,

    /// The least rate of content, in bytes per second
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().min_rate)]
    pub(crate) min_rate: u64,

    /// The time over which that rate is measured
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().rate_window.into())]
    pub(crate) rate_window: Seconds,
}

/// The longest content by default: 64 MiB. More than the library's default, for binary content is not kept.
const MAX_CONTENT: u64 = 64 * 1024 * 1024;

/// The defaults for a program: those of the library, but for content of up to 64 MiB.
pub fn default_limits() -> Limits {
    Limits::default().with_max_content(MAX_CONTENT)
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BeyondLimit {
    Wait,
    Refuse,
    CloseIdle,
}

impl From<LimitOptions> for Limits {
    fn from(options: LimitOptions) -> Self {
        let at_limit = match options.at_limit {
            BeyondLimit::Wait => AtLimit::Wait,
            BeyondLimit::Refuse => AtLimit::Refuse,
            BeyondLimit::CloseIdle => AtLimit::CloseIdle,
        };
        Self::default()
            .with_max_connections(options.max_connections.get())
            .with_max_per_address(options.max_per_address.map_or(usize::MAX, NonZeroUsize::get))
            .with_at_limit(at_limit)
            .with_backlog(options.backlog)
            .with_max_header(options.max_header)
            .with_max_content(options.max_content)
            .with_max_collected(options.max_collected)
            .with_max_unread_replies(options.max_unread_replies)
            .with_max_queued(options.max_queued)
            .with_max_queued_total(options.max_queued_total)
            .with_handshake_timeout(options.handshake_timeout.into())
            .with_header_timeout(options.pace.header_timeout.into())
            .with_min_rate(options.pace.min_rate)
            .with_rate_window(options.pace.rate_window.into())
            .with_idle_timeout(options.idle_timeout.into())
            .with_write_timeout(options.write_timeout.into())
            .with_min_write_rate(options.min_write_rate)
            .with_linger(options.linger.into())
            .with_linger_silence(options.linger_silence.into())
            .with_linger_bytes(options.linger_bytes)
    }
}

fn limit(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}

/// A time on a command line, in seconds, such as `10` or `0.5`. Longer than none, and no more than ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(Duration);

impl From<Duration> for Seconds {
    fn from(time: Duration) -> Self {
        Self(time)
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.as_secs_f64().fmt(f)
    }
}

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const MOST: f64 = 10.0 * 365.0 * 86_400.0;
        let seconds: f64 = text.parse().map_err(|_| "not a number of seconds, such as 10 or 0.5")?;
        if seconds > MOST {
            return Err("longer than ten years");
        }
        // Less than half a nanosecond is nothing.
        let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
        time.map(Self).ok_or("a time must be longer than 0 seconds")
    }
}

/// Parses a number of things of which there must be one at the least.
///
/// # Errors
///
/// Why it is no such number, in words.
pub fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    let number: usize = text.parse().map_err(|error: ParseIntError| error.to_string())?;
    NonZeroUsize::new(number).ok_or_else(|| "must be at least 1".into())
}

/// Parses a number of threads.
///
/// # Errors
///
/// Why the number is refused, in words.
pub fn workers(text: &str) -> Result<NonZeroUsize, String> {
    const MOST: usize = 1024;
    at_least_one(text)
        .and_then(|number| if number.get() <= MOST { Ok(number) } else { Err(format!("must be at most {MOST}")) })
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportForm {
    /// Lines for a person.
    Text,
    /// A JSON object.
    Json,
}

#[cfg(test)]
mod tests;
