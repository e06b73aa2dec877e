//! One deadline for everything that is done on a stream.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::time::{Duration, Instant};

use crate::engine::is_timeout;
use crate::{Connection, Duplex, Timeouts};

/// A stream with a deadline for all that is done on it, however many reads and writes that takes.
///
/// A timeout of the stream counts from each read anew, so that a peer who sends a byte now and then is never too late. A
/// deadline is for the whole: [`Connection::within`]. The halves of a [split](Connection::split) connection have one each.
///
/// Over TLS it belongs below: `Connection<StreamOwned<_, Timed<TcpStream>>>`, with
/// `connection.get_mut().sock.set_deadline(…)`. Above TLS, a peer that sends a record byte by byte would outlast it.
#[derive(Debug)]
pub struct Timed<S> {
    stream: S,
    deadline: Option<Instant>,
}

impl<S: Timeouts> Timed<S> {
    /// The stream, without a deadline yet.
    pub const fn new(stream: S) -> Self {
        Self { stream, deadline: None }
    }

    /// The stream.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream, for what it can do besides reading and writing. The deadline does not hold for what is done with it.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Gives the stream back, with the timeouts that were set on it last.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// From now on everything must be over by then, or there is no deadline any more.
    pub const fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// How much time is left: an error if none is.
    fn left(&self, doing: &str) -> io::Result<Option<Duration>> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) { Err(late(doing)) } else { Ok(left) }
    }
}

impl<S: Read + Timeouts> Read for Timed<S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left(READING)?)?;
        self.stream.read(place).map_err(|error| in_time(error, READING))
    }
}

impl<S: Write + Timeouts> Write for Timed<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left(WRITING)?)?;
        self.stream.write(bytes).map_err(|error| in_time(error, WRITING))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left(WRITING)?)?;
        self.stream.write_vectored(parts).map_err(|error| in_time(error, WRITING))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.set_write_timeout(self.left(WRITING)?)?;
        self.stream.flush().map_err(|error| in_time(error, WRITING))
    }
}

impl<S: Timeouts, I, O> Connection<Timed<S>, I, O> {
    /// Gives everything from now on, until it is called again, this much time in all: a request, the reply and all of its
    /// content, for one. `None` is for ever.
    ///
    /// When the time is over, what is being done fails with an error that [is a time-out](crate::Error::is_timeout). The
    /// reply may still come: see [After a time-out](Connection#after-a-time-out).
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use std::time::Duration;
    ///
    /// use jsonframe_std::{Connection, Timed};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let stream = TcpStream::connect(listener.local_addr()?)?;
    /// let mut connection = Connection::new(Timed::new(stream));
    ///
    /// connection.within(Some(Duration::from_millis(50)));
    /// connection.send_json("is anybody there?")?;
    /// assert!(connection.receive().is_err_and(|error| error.is_timeout()));
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    pub fn within(&mut self, time: Option<Duration>) {
        self.stream.deadline = time.and_then(|time| Instant::now().checked_add(time));
    }
}

/// Each of the two has a deadline of its own, which begins as that of the first.
impl<S: Duplex> Duplex for Timed<S> {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()?, deadline: self.deadline })
    }

    fn end_sending(&self) -> io::Result<()> {
        self.stream.end_sending()
    }
}

const READING: &str = "reading";
const WRITING: &str = "writing";

fn in_time(error: io::Error, doing: &str) -> io::Error {
    if is_timeout(&error) { late(doing) } else { error }
}

fn late(doing: &str) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, format!("{doing} timed out: the deadline has passed"))
}
