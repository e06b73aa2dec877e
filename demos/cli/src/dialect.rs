//! Dialects, as options of a command line.

mod name;

use clap::Args;
use jsonframe::Dialect;

pub use self::name::DialectName;
pub(crate) use self::name::{Absent, FORMS, underscored, usual};

/// The option `--dialect`.
#[derive(Args, Clone, Copy, Debug)]
pub struct DialectOption {
    /// How the peer departs from the protocol: FORM[,PART]..., such as u32,no-byteorder
    ///
    /// FORM is the proto-header: `standard` (or `u16`: two bytes, most significant first), `u16-le`, `u8`, `u32` or
    /// `u32-le`, where `-le` is for the least significant byte first. PART is any of
    ///
    /// - `prefix=HEX`: as many bytes before each proto-header, such as `prefix=0001`; these are sent, unless a message
    ///   has others (an answer has those of its request)
    ///
    /// - `byteorder=NAME`, `type=NAME`, `encoding=NAME`, `length=NAME`: another name for the member, such as
    ///   `length=content-len`; `underscores` is short for `content_type`, `content_encoding` and `content_length`
    ///
    /// - `no-byteorder`, `no-type`, `no-encoding`, `no-length`: the member may be absent, and is left out when sending if it
    ///   says what stands in for it: `little`, `text/json`, `utf-8` and no content, or another with `no-byteorder=big`,
    ///   `no-type=TYPE` and `no-encoding=ENCODING`
    ///
    /// - `maybe-` for `no-`: the member may be absent, and is sent all the same
    ///
    /// - `raw-json`: the type and the encoding may be JSON of any type, such as `["float32"]`
    #[arg(long, value_name = "DIALECT", default_value_t)]
    dialect: DialectName,
}

impl DialectOption {
    /// The dialect that was chosen.
    pub const fn name(&self) -> DialectName {
        self.dialect
    }

    /// The dialect that was chosen, for connections. Called once in a program: it is never freed.
    pub fn dialect(&self) -> &'static Dialect {
        self.dialect.leak()
    }
}

/// The options `--dialect` and `--send-dialect`, of programs that receive and send.
#[derive(Args, Clone, Copy, Debug)]
pub struct DialectOptions {
    #[command(flatten)]
    received: DialectOption,

    /// The dialect in which to send, if it is not the one in which the peer sends
    #[arg(long, value_name = "DIALECT")]
    send_dialect: Option<DialectName>,
}

impl DialectOptions {
    /// The names of the dialects that were chosen: of what is received, and of what is sent.
    pub(crate) fn names(&self) -> (DialectName, DialectName) {
        (self.received.dialect, self.send_dialect.unwrap_or(self.received.dialect))
    }

    /// The dialects that were chosen. Called once in a program: they are never freed.
    pub fn dialects(&self) -> Dialects {
        let received = self.received.dialect();
        Dialects { received, sent: self.send_dialect.map_or(received, |name| name.leak()) }
    }
}

/// The dialects of the two directions of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Dialects {
    /// What the peer sends.
    pub received: &'static Dialect,
    /// What is sent to it.
    pub sent: &'static Dialect,
}

impl Dialects {
    /// The protocol as it is specified.
    pub const STANDARD: Self = Self { received: &Dialect::STANDARD, sent: &Dialect::STANDARD };
}

#[cfg(test)]
mod tests;
