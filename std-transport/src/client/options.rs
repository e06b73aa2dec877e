//! What a client allows itself and its server.

use std::time::Duration;

use jsonframe::Dialect;

use super::pending::Matching;
use crate::Backoff;
use crate::engine::settings;

settings! {
    /// What a client allows itself and its server: how long a call may take, and how much there may be of everything.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use jsonframe_std::client::Options;
    ///
    /// let options = Options::default().with_timeout(Some(Duration::from_secs(5))).with_max_content(1024);
    /// assert_eq!((options.max_content, options.max_pending), (1024, 1024));
    /// ```
    pub struct Options {
        pub(super) matching: Matching = Matching::InOrder;
        pub(crate) dialect: &'static Dialect = &Dialect::STANDARD;
    }

    /// The time that a call has, unless it is made [`within`](super::Client::within) another: 30 s. `None` is for ever. It
    /// counts from when the call is made, and includes the waiting for its turn and for a connection.
    timeout, with_timeout: Option<Duration> = Some(Duration::from_secs(30));
    /// How many calls there may be that have been sent, or are about to be, and have no reply: 1,024, and at least 1. By order
    /// this includes calls that have timed out, until their late replies have come.
    max_pending, with_max_pending: usize = 1024;
    /// How many bytes of requests may wait to be written: 4 MiB. One request may be longer.
    max_queued, with_max_queued: usize = 4 * 1024 * 1024;
    /// What becomes of a call for which there is no place: it waits.
    when_full, with_when_full: WhenFull = WhenFull::Wait;
    /// The longest header that is accepted: 16 KiB. With a longer one the connection is given up.
    max_header, with_max_header: u16 = 16 * 1024;
    /// The longest content that is accepted: 64 MiB. With longer content the connection is given up.
    max_content, with_max_content: u64 = 64 * 1024 * 1024;
    /// For how long nothing may be received once a call has timed out, or has been dropped: 60 s. Then the connection is given
    /// up.
    max_silence, with_max_silence: Duration = Duration::from_secs(60);
    /// How long to wait between attempts to connect: between 50 ms and 100 ms at first, and up to 10 s, without end. If it has
    /// an end, the calls that wait fail then, and the next one begins anew.
    ///
    /// The first attempt is made at once after a connection over which a reply has come, or any message if it has lasted for
    /// as long as the longest time between attempts.
    backoff, with_backoff: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    /// How many messages that are no replies may wait to be received, under tokio: 64, and at least 1. While as many do, nothing is received, replies included.
    max_pushes, with_max_pushes: usize = 64;
}

impl Options {
    /// Has requests carry an id, by which their replies may come in any order: the members
    /// [`REQUEST_ID`](crate::REQUEST_ID) and [`REPLY_TO`](crate::REPLY_TO). The server must know of it: of one that does not,
    /// no reply is taken for one. Without, the nth reply answers the nth request.
    ///
    /// ```
    /// use jsonframe_std::Error;
    /// use jsonframe_std::client::{Client, Options};
    /// use jsonframe_std::server::{Limits, Server, from_fn};
    ///
    /// let server = Server::bind("127.0.0.1:0", Limits::default())?;
    /// let address = server.address();
    /// std::thread::spawn(move || {
    ///     server.run(from_fn(|peer, request| {
    ///         assert_eq!(request.header().extension("request-id"), Some(0.into()));
    ///         // It carries `reply-to`.
    ///         let _ = peer.send_json("reply");
    ///     }))
    /// });
    /// let client = Client::connect(address, Options::default().with_ids())?;
    /// assert_eq!(client.call_json::<String>("request").expect("a reply"), "reply");
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub const fn with_ids(mut self) -> Self {
        self.matching = Matching::ById;
        self
    }

    /// Speaks this dialect, in both directions.
    #[must_use]
    pub const fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
        self.dialect = dialect;
        self
    }
}

/// What becomes of a call for which there is no place: [`Options::when_full`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// It waits for its turn, as long as its time allows.
    #[default]
    Wait,
    /// It fails with [`CallError::Full`](super::CallError::Full).
    Fail,
}
