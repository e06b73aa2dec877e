//! Trying again, later and later.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::thread;
use std::time::Duration;

/// How long to wait before each new attempt: twice as long each time, up to a limit, and by chance a part less, so that
/// many clients of a server that comes back do not come back all at once.
///
/// It is an iterator of those times, for who waits in a way of their own; [`retry`](Self::retry) sleeps. It is for one
/// series of attempts: keep one, and clone it for each. A client that connects again when it has lost its connection:
///
/// ```
/// use std::net::TcpListener;
/// use std::thread;
/// use std::time::Duration;
///
/// use jsonframe_std::{Backoff, Connection, Error};
///
/// // A server that closes each connection after one reply, as those in Python do.
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// thread::spawn(move || -> Result<(), Error> {
///     loop {
///         let mut connection = Connection::new(listener.accept()?.0);
///         if connection.receive()?.is_some() {
///             connection.send_json("reply")?;
///         }
///     }
/// });
///
/// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30)).with_attempts(10);
/// let connect = || backoff.clone().retry(|| Connection::connect(address));
/// let mut connection = connect()?;
/// let mut replies = 0;
/// while replies < 3 {
///     // To ask again, only because there was no reply, is right where it does no harm that a server is asked twice.
///     match connection.send_json("request").and_then(|()| connection.receive()) {
///         Ok(Some(reply)) => {
///             assert_eq!(reply.json::<String>()?, "reply");
///             replies += 1;
///         }
///         Ok(None) | Err(Error::Io(_)) => connection = connect()?,
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is asked"]
pub struct Backoff {
    next: Duration,
    most: Duration,
    /// How many times are still to come: without a limit, more than anybody could wait for.
    left: u64,
    /// How long may still be waited in all, if there is a limit.
    time_left: Option<Duration>,
    /// The state of the generator of chance.
    seed: u64,
}

impl Backoff {
    /// Waits about `first` before the second attempt and never longer than `most`. There is no limit to the attempts.
    pub fn new(first: Duration, most: Duration) -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self { next: first.min(most), most, left: u64::MAX, time_left: None, seed }
    }

    /// Makes at most this many attempts, the first one included, which is made in any case.
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.left = attempts.saturating_sub(1) as u64;
        self
    }

    /// Waits no longer than this in all; the last wait is so much shorter. The time that attempts take is not counted.
    pub const fn with_total(mut self, time: Duration) -> Self {
        self.time_left = Some(time);
        self
    }

    /// Makes the times repeatable, for tests.
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Attempts something until it succeeds, and sleeps between the attempts.
    ///
    /// # Errors
    ///
    /// That of the last attempt.
    pub fn retry<T, E>(self, attempt: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        self.retry_with(thread::sleep, attempt)
    }

    /// Attempts something until it succeeds, and waits between the attempts as it is told.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use jsonframe_std::Backoff;
    ///
    /// let mut waited = Vec::new();
    /// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(3)).with_attempts(5);
    /// let outcome: Result<(), _> = backoff.retry_with(|time| waited.push(time), || Err("nobody there"));
    /// assert_eq!(outcome, Err("nobody there"));
    /// assert_eq!(waited.len(), 4);
    /// assert!(waited.iter().all(|time| *time <= Duration::from_secs(3)));
    /// ```
    ///
    /// # Errors
    ///
    /// That of the last attempt.
    pub fn retry_with<T, E>(
        mut self,
        mut wait: impl FnMut(Duration),
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        loop {
            match attempt() {
                Ok(outcome) => return Ok(outcome),
                Err(error) => wait(self.next().ok_or(error)?),
            }
        }
    }

    /// Returns the longest time between attempts.
    #[cfg(feature = "client")]
    pub(crate) const fn longest(&self) -> Duration {
        self.most
    }

    /// A number by chance, by the generator `SplitMix64`.
    const fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    /// How long to wait before the next attempt: between half of its time and all of it.
    fn next(&mut self) -> Option<Duration> {
        if self.time_left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let half = self.next / 2;
        // Of 2^16 parts; time is not measured more finely here.
        let part = u32::try_from(self.random() >> 48).unwrap_or(0);
        let mut time = half + half.checked_mul(part).map_or(half, |parts| parts / 0x1_0000);
        if let Some(left) = &mut self.time_left {
            time = time.min(*left);
            *left -= time;
        }
        self.next = self.next.saturating_mul(2).min(self.most);
        Some(time)
    }
}
