//! A stream whose peer has a time for everything.

mod late;
mod pace;

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use jsonframe_std::{Error, Timed, Timeouts};

use self::late::{Heard, Late, Silence};
use self::pace::{Pace, Slow};

/// After which silence in the middle of a message that is said.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);

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
    /// After which silence a read fails, if it does, and whether one has failed since something came.
    silence: Option<Duration>,
    is_told: bool,
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

/// A stream whose bytes may have moved below it and not above it yet: a record of TLS is read when it is whole.
pub trait Moving: Timeouts {
    /// How many bytes have moved below since this was last asked.
    fn moved_below(&self) -> u64 {
        0
    }
}

impl Moving for TcpStream {}
#[cfg(unix)]
impl Moving for UnixStream {}

impl<S: Moving> Watched<S> {
    /// Watches a stream, without any limit for now.
    pub fn new(stream: S) -> Self {
        let (limit, heard) = (Limit::None, Heard::default());
        let watch = Watch { doing: String::new(), limit, heard, silence: None, is_told: false };
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
        self.limit(Limit::Pace(Pace::new(floor, window)));
    }

    /// Says what is being done, for the error in case that it takes too long.
    pub fn doing(&self, what: impl Into<String>) {
        self.watch.borrow_mut().doing = what.into();
    }

    /// From now on a read fails, with an error that [is a silence](is_silence), when nothing has come for this time: once
    /// until something comes. It may be tried again, and what is granted goes on.
    pub(crate) fn tell_silence(&self, time: Duration) {
        self.watch.borrow_mut().silence = Some(time);
    }

    fn limit(&self, limit: Limit) {
        let mut watch = self.watch.borrow_mut();
        (watch.limit, watch.heard) = (limit, Heard::default());
    }

    /// Reads or writes as long as that may take, or until nothing has moved for this time.
    fn in_time(
        &self,
        silence: Option<Duration>,
        mut io: impl FnMut(&mut Timed<S>) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut stream = self.stream.borrow_mut();
        let mut watch = self.watch.borrow_mut();
        loop {
            let start = Instant::now();
            let limit = watch.limit.deadline(start);
            let silence = silence.map(after).filter(|at| limit.is_none_or(|limit| *at < limit));
            stream.set_deadline(silence.or(limit));
            let outcome = io(&mut stream);
            let moved_below = stream.get_ref().moved_below();
            let moved = match &outcome {
                Ok(count) => *count as u64,
                Err(error) if is_late(error) => moved_below,
                Err(_) => return outcome,
            };
            if let Limit::Pace(pace) = &mut watch.limit {
                if let Err(slow) = pace.count(start.elapsed(), moved) {
                    return Err(watch.late(Some(slow)));
                }
            } else if outcome.is_err() && silence.is_none() {
                return Err(watch.late(None));
            }
            match outcome {
                Err(_) if silence.is_some() && moved == 0 => {
                    watch.is_told = true;
                    return Err(io::Error::new(ErrorKind::TimedOut, Silence));
                }
                Err(_) => {}
                outcome => return outcome,
            }
        }
    }
}

impl<S: Read + Moving> Read for &Watched<S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let silence = self.watch.borrow().silence();
        let count = self.in_time(silence, |stream| stream.read(place))?;
        self.watch.borrow_mut().hear(&place[..count]);
        Ok(count)
    }
}

impl<S: Write + Moving> Write for &Watched<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_time(None, |stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.in_time(None, |stream| stream.write_vectored(parts))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.in_time(None, |stream| stream.flush().map(|()| 0)).map(|_| ())
    }
}

impl Watch {
    fn silence(&self) -> Option<Duration> {
        self.silence.filter(|_| !self.is_told)
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.heard.add(bytes);
        self.is_told &= bytes.is_empty();
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
            Self::Pace(pace) => Some(now + pace.left()),
        }
    }
}

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

/// Whether nothing has come for a time, and the same may be tried again.
pub(crate) fn is_silence(error: &io::Error) -> bool {
    error.get_ref().and_then(|error| error.downcast_ref::<Silence>()).is_some()
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
