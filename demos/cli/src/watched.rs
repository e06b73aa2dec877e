//! A stream whose peer has a time for everything.

use std::cell::RefCell;
use std::fmt::{self, Display, Formatter};
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use jsonframe_std::{Error, Timed, Timeouts};

use crate::text::{ByteString, count_of_bytes};

/// A stream that gives up a peer that takes too long, and can say what it was waiting for.
///
/// It is read and written through a shared reference, so that the time can be set while a message is being received. Until
/// one is set, there is no limit.
#[derive(Debug)]
pub struct Watched<S> {
    /// Away only while something else is done with it.
    stream: RefCell<Timed<S>>,
    watch: RefCell<Watch>,
}

/// What the stream is used for at the moment, and how long that may take.
#[derive(Debug)]
struct Watch {
    /// Such as "waiting for the answer from 127.0.0.1:65432".
    doing: String,
    limit: Limit,
    heard: Heard,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    None,
    /// All of it must be over in this time.
    Whole {
        time: Duration,
        at: Instant,
    },
    /// The first byte must come in this time, and the rest of the header, from then on, in that of its own.
    Message {
        idle: Duration,
        at: Instant,
        header: Duration,
    },
    /// Bytes must move at a rate.
    Pace(Pace),
}

impl<S: Timeouts> Watched<S> {
    /// Watches a stream, without any limit for now.
    pub fn new(stream: S) -> Self {
        let watch = Watch { doing: String::new(), limit: Limit::None, heard: Heard::default() };
        Self { stream: RefCell::new(Timed::new(stream)), watch: RefCell::new(watch) }
    }

    /// Does something with the stream that takes no time.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        act(self.stream.borrow_mut().get_mut())
    }

    /// Returns the stream.
    pub fn into_inner(self) -> S {
        self.stream.into_inner().into_inner()
    }

    /// Everything from now on must be over in this time, whatever it is.
    pub fn within(&self, time: Duration) {
        self.limit(Limit::Whole { time, at: after(time) });
    }

    /// What must be over in a time may take until then, however long that is. What was heard meanwhile is not forgotten.
    pub(crate) fn postpone(&self, deadline: Instant) {
        if let Limit::Whole { at, .. } = &mut self.watch.borrow_mut().limit {
            *at = deadline;
        }
    }

    /// A message is awaited: how long until its first byte, and from there to the last of its header.
    pub fn await_message(&self, idle: Duration, header: Duration) {
        self.limit(Limit::Message { idle, at: after(idle), header });
        self.doing("waiting for a message");
    }

    /// From now on bytes must move at this rate, in bytes per second, in every window of this length.
    pub fn at_rate(&self, floor: u64, window: Duration) {
        self.limit(Limit::Pace(Pace { floor, window, waited: Duration::ZERO, moved: 0 }));
    }

    /// Says what is being done, for the error in case that it takes too long.
    pub fn doing(&self, what: impl Into<String>) {
        self.watch.borrow_mut().doing = what.into();
    }

    fn limit(&self, limit: Limit) {
        let mut watch = self.watch.borrow_mut();
        (watch.limit, watch.heard) = (limit, Heard::default());
    }

    /// Reads or writes as long as that may take.
    fn in_time(&self, mut io: impl FnMut(&mut Timed<S>) -> io::Result<usize>) -> io::Result<usize> {
        let mut stream = self.stream.borrow_mut();
        let mut watch = self.watch.borrow_mut();
        loop {
            let start = Instant::now();
            stream.set_deadline(watch.limit.deadline(start));
            let outcome = io(&mut stream);
            let moved = match &outcome {
                Ok(count) => *count,
                Err(error) if is_late(error) => 0,
                Err(_) => return outcome,
            };
            if let Limit::Pace(pace) = &mut watch.limit {
                if let Err(slow) = pace.count(start.elapsed(), moved as u64) {
                    return Err(watch.late(Some(slow)));
                }
                if outcome.is_err() {
                    continue;
                }
            }
            return outcome.map_err(|_| watch.late(None));
        }
    }
}

impl<S: Read + Timeouts> Read for &Watched<S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let count = self.in_time(|stream| stream.read(place))?;
        self.watch.borrow_mut().hear(&place[..count]);
        Ok(count)
    }
}

impl<S: Write + Timeouts> Write for &Watched<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_time(|stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.in_time(|stream| stream.write_vectored(parts))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.in_time(|stream| stream.flush().map(|()| 0)).map(|_| ())
    }
}

impl Watch {
    fn hear(&mut self, bytes: &[u8]) {
        self.heard.add(bytes);
        if let Limit::Message { header, .. } = self.limit
            && !bytes.is_empty()
        {
            self.limit = Limit::Whole { time: header, at: after(header) };
            self.doing = "waiting for the rest of the header".into();
        }
    }

    fn late(&self, slow: Option<Slow>) -> io::Error {
        let after = match self.limit {
            Limit::None => Duration::ZERO,
            Limit::Whole { time, .. } | Limit::Message { idle: time, .. } => time,
            Limit::Pace(pace) => pace.window,
        };
        io::Error::new(ErrorKind::TimedOut, Late { after, doing: self.doing.clone(), heard: self.heard, slow })
    }
}

impl Limit {
    fn deadline(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::None => None,
            Self::Whole { at, .. } | Self::Message { at, .. } => Some(*at),
            Self::Pace(pace) => Some(now + pace.window.saturating_sub(pace.waited)),
        }
    }
}

/// How fast bytes move, while they are waited for: what this side does between reads is not the peer's fault.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// In bytes per second.
    floor: u64,
    window: Duration,
    /// For how long has been waited in this window, and what has moved in it.
    waited: Duration,
    moved: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slow {
    moved: u64,
    floor: u64,
}

impl Pace {
    /// Counts what has moved in a wait: an error if a window is over in which that was too little.
    fn count(&mut self, waited: Duration, moved: u64) -> Result<(), Slow> {
        self.waited += waited;
        self.moved = self.moved.saturating_add(moved);
        if self.waited < self.window {
            return Ok(());
        }
        let milliseconds = u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX);
        // Whatever the rate is, not to move at all is not enough.
        let least = (self.floor.saturating_mul(milliseconds) / 1000).max(1);
        let slow = Slow { moved: self.moved, floor: self.floor };
        (self.waited, self.moved) = (Duration::ZERO, 0);
        if slow.moved < least { Err(slow) } else { Ok(()) }
    }
}

/// What a peer has said, as far as it is shown.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    first: [u8; Self::SHOWN],
    count: u64,
}

impl Heard {
    const SHOWN: usize = 16;

    fn add(&mut self, bytes: &[u8]) {
        let known = self.shown().len();
        for (place, byte) in self.first[known..].iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.count = self.count.saturating_add(bytes.len() as u64);
    }

    fn shown(&self) -> &[u8] {
        &self.first[..usize::try_from(self.count).map_or(Self::SHOWN, |count| count.min(Self::SHOWN))]
    }
}

/// Why a peer is given up.
#[derive(Debug)]
struct Late {
    after: Duration,
    doing: String,
    heard: Heard,
    /// There if it was not silent, but too slow.
    slow: Option<Slow>,
}

impl Display for Late {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { after, doing, heard, slow } = self;
        let seconds = after.as_secs_f64();
        match slow {
            Some(Slow { moved: moved @ 1.., floor }) => {
                let moved = count_of_bytes(*moved);
                return write!(f, "too slow {doing}: {moved} in {seconds} s; the least is {floor} in each second");
            }
            Some(_) => return write!(f, "timed out after {seconds} s {doing}"),
            None => write!(f, "timed out after {seconds} s {doing}")?,
        }
        let come = count_of_bytes(heard.count);
        match heard.count {
            0 => Ok(()),
            1..=16 => write!(f, "; {come} had come: {}", ByteString(heard.shown())),
            _ => write!(f, "; {come} had come, the first of them {}", ByteString(heard.shown())),
        }
    }
}

impl std::error::Error for Late {}

/// Why there is no answer from this peer, in words that name it.
pub fn no_answer(error: impl Into<Error>, peer: impl Display) -> String {
    match error.into() {
        // It says itself what was awaited, and from whom.
        Error::Io(error) if is_time_out(&error) => error.to_string(),
        error => format!("no answer from {peer}: {error}"),
    }
}

/// Whether a [`Watched`] stream gave its peer up.
pub fn is_time_out(error: &io::Error) -> bool {
    error.get_ref().and_then(|error| error.downcast_ref::<Late>()).is_some()
}

fn after(time: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(24 * 365);
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + FAR)
}

/// Whether the deadline is over. A connection that the system gives up is an error of its own, with a code.
fn is_late(error: &io::Error) -> bool {
    let is_of_time = matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
    is_of_time && (cfg!(windows) || error.raw_os_error().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_must_keep_to_the_floor_in_every_window() {
        let second = Duration::from_secs(1);
        let mut pace = Pace { floor: 100, window: 2 * second, waited: Duration::ZERO, moved: 0 };
        // A burst does not buy silence later on.
        assert_eq!(pace.count(second, 1_000_000), Ok(()));
        assert_eq!(pace.count(second, 0), Ok(()));
        assert_eq!(pace.count(second, 199), Ok(()));
        assert_eq!(pace.count(second, 0), Err(Slow { moved: 199, floor: 100 }));
        assert_eq!(pace.count(2 * second, 200), Ok(()));
        // Whatever the floor, something must move.
        pace.floor = 0;
        assert_eq!(pace.count(2 * second, 1), Ok(()));
        assert_eq!(pace.count(2 * second, 0), Err(Slow { moved: 0, floor: 0 }));
    }

    #[test]
    fn what_took_too_long_is_said_in_words() {
        let mut late =
            Late { after: Duration::from_millis(1500), doing: "waiting".into(), heard: Heard::default(), slow: None };
        assert_eq!(late.to_string(), "timed out after 1.5 s waiting");
        late.heard.add(b"2");
        assert_eq!(late.to_string(), "timed out after 1.5 s waiting; 1 byte had come: b\"2\"");
        late.heard.add(b"2\n");
        assert_eq!(late.to_string(), "timed out after 1.5 s waiting; 3 bytes had come: b\"22\\n\"");
        late.heard.add(&[b'x'; 100]);
        let first = "the first of them b\"22\\nxxxxxxxxxxxxx\"";
        assert_eq!(late.to_string(), format!("timed out after 1.5 s waiting; 103 bytes had come, {first}"));
        late.slow = Some(Slow { moved: 0, floor: 128 });
        assert_eq!(late.to_string(), "timed out after 1.5 s waiting");
        late.slow = Some(Slow { moved: 1, floor: 128 });
        assert_eq!(late.to_string(), "too slow waiting: 1 byte in 1.5 s; the least is 128 in each second");
    }
}
