//! A stream that carries messages both ways, and never blocks.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use jsonframe::{Dialect, Event, Header};

use crate::engine::{Content, Engine, Failure, Inbox, Outbox, Step, Totals};
use crate::io::{flush, retry, send};
use crate::{Deadline, Error, Limits};

/// What one read gave: [`Session::fill`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "whether to decode, to wait or to finish depends on it"]
pub enum Fill {
    /// There are bytes to decode.
    Data,
    /// There is nothing to read now. To be called again when the stream is readable.
    Blocked,
    /// The stream has ended. Whether it ended between messages, [`Session::next_event`] says.
    Eof,
}

/// How far what is queued has been written: [`Session::flush`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what is blocked is to be flushed again when the stream is writable"]
pub enum Flush {
    /// Nothing is queued any more.
    Done,
    /// The stream takes no more now. To be called again when it is writable.
    Blocked,
}

/// What a session waits for: [`Session::interest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// To be told when the stream can be read.
    pub readable: bool,
    /// To be told when the stream can be written.
    pub writable: bool,
}

/// Sends and receives messages over a stream that does not block, for a loop that waits on many.
///
/// The stream is anything that is [`Read`] and [`Write`] and says [`WouldBlock`](io::ErrorKind::WouldBlock): a
/// `TcpStream` after `set_nonblocking(true)`, for one. The session knows of no poller; [`interest`](Self::interest) says
/// what to wait for. A turn of the loop, for a stream that is ready:
///
/// 1. [`flush`](Self::flush), if it is writable, *before* reading: with an edge-triggered poller, what is not resumed now
///    waits for ever.
/// 2. While [`interest`](Self::interest) is readable, [`next_event`](Self::next_event); at `None`, [`fill`](Self::fill);
///    until that is [`Blocked`](Fill::Blocked), or for as long as is fair to the others.
/// 3. [`flush`](Self::flush), if replies have been [queued](Self::queue).
/// 4. Wait until the stream is ready, or until [`poll_timeout`](Self::poll_timeout): then
///    [`handle_timeout`](Self::handle_timeout) says whether the peer is too slow. A loop that asks neither has no deadlines.
///
/// It holds memory only while it is needed: that for what is read until a [`fill`](Self::fill) finds nothing to be read,
/// that for a header at least to the end of the message, and what is queued until it is written.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
///
/// use jsonframe_std::protocol::{Event, Header};
/// use jsonframe_std::{Connection, Fill, Flush, Session};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client = Connection::connect(listener.local_addr()?)?;
/// client.send_json("hello")?;
///
/// let (stream, _) = listener.accept()?;
/// stream.set_nonblocking(true)?;
/// let mut session = Session::new(stream);
/// let mut content = Vec::new();
/// 'whole: loop {
///     while let Some(event) = session.next_event()? {
///         match event {
///             Event::Header(header) => assert_eq!(header.content_type(), "text/json"),
///             Event::Content(piece) => content.extend_from_slice(piece),
///             Event::End => break 'whole,
///         }
///     }
///     match session.fill()? {
///         Fill::Data => {}
///         Fill::Blocked => std::thread::yield_now(), // a poller would wait here
///         Fill::Eof => panic!("the client is still there"),
///     }
/// }
/// assert_eq!(content, br#""hello""#);
///
/// session.queue(&Header::for_json(2), "{}")?;
/// while session.flush()? == Flush::Blocked {}
/// assert_eq!(client.receive()?.expect("an answer").content()?, b"{}");
/// # Ok::<(), jsonframe_std::Error>(())
/// ```
#[derive(Debug)]
pub struct Session<S> {
    stream: S,
    engine: Engine,
    /// How many bytes have come since the engine was last told the time, and whether a header has.
    received: usize,
    has_header: bool,
    /// How reading has failed.
    failure: Failure,
}

/// What sessions begin with: their limits, and totals, in which no session counts.
static DEFAULTS: LazyLock<(Arc<Limits>, Arc<Totals>)> = LazyLock::new(|| {
    let limits = Limits::default()
        .with_max_header(u16::MAX)
        .with_max_content(Session::<()>::DEFAULT_MAX_CONTENT)
        .with_max_unread_replies(Session::<()>::DEFAULT_MAX_UNREAD_REPLIES);
    let totals = Totals::new(&limits, 1);
    (Arc::new(limits), Arc::new(totals))
});

impl<S> Session<S> {
    /// The longest content accepted by default: 64 MiB.
    pub const DEFAULT_MAX_CONTENT: u64 = 64 * 1024 * 1024;

    /// How many bytes may be queued by default before the session stops wanting to read: 256 KiB.
    pub const DEFAULT_MAX_UNREAD_REPLIES: usize = 256 * 1024;

    /// A session over a stream that does not block, and on which no byte of the next message has been read yet.
    ///
    /// It accepts headers of up to 65,535 bytes and content of up to
    /// [`DEFAULT_MAX_CONTENT`](Self::DEFAULT_MAX_CONTENT).
    pub fn new(stream: S) -> Self {
        let (limits, totals) = DEFAULTS.clone();
        let engine = Engine::new(limits, totals, &Dialect::STANDARD, &Dialect::STANDARD, Instant::now());
        Self { stream, engine, received: 0, has_header: false, failure: Failure::new() }
    }

    /// Speaks this dialect, in both directions. To be called before anything is received or queued.
    #[must_use]
    pub fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
        self.engine.inbox = Inbox::new(dialect, self.engine.sending.limits.max_header);
        self.with_sending_dialect(dialect)
    }

    /// Sends in this dialect, whatever the peer sends in. To be called before anything is queued.
    #[must_use]
    pub fn with_sending_dialect(mut self, dialect: &'static Dialect) -> Self {
        self.engine.sending.outbox = Outbox::new(dialect);
        self
    }

    /// Sets all limits, which sessions may share. To be called before anything is received.
    ///
    /// A session keeps to `max_header`, `max_content` and `max_unread_replies`, and in
    /// [`handle_timeout`](Self::handle_timeout) to `header_timeout`, `min_rate` over `rate_window`, `idle_timeout`, and
    /// `write_timeout` with `min_write_rate`. The others are those of a server.
    #[must_use]
    pub fn with_limits(mut self, limits: impl Into<Arc<Limits>>) -> Self {
        let limits = limits.into();
        self.engine.inbox.max_header = limits.max_header;
        self.engine.sending.limits = limits;
        self
    }

    fn with_limit(self, set: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Arc::clone(&self.engine.sending.limits);
        set(Arc::make_mut(&mut limits));
        self.with_limits(limits)
    }

    /// Accepts headers of at most this many bytes.
    #[must_use]
    pub fn with_max_header(self, bytes: u16) -> Self {
        self.with_limit(|limits| limits.max_header = bytes)
    }

    /// Accepts content of at most this many bytes, or of any length: [`UNLIMITED`](crate::UNLIMITED).
    ///
    /// The session keeps no content, so this takes no memory; it is for users who collect the pieces.
    #[must_use]
    pub fn with_max_content(self, bytes: u64) -> Self {
        self.with_limit(|limits| limits.max_content = bytes)
    }

    /// Stops wanting to read while more than this many bytes are queued.
    #[must_use]
    pub fn with_max_unread_replies(self, bytes: usize) -> Self {
        self.with_limit(|limits| limits.max_unread_replies = bytes)
    }

    /// The stream.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream. Bytes read from it or written to it here are lost to the session.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Gives the stream back, and the bytes that were read from it beyond the events reported. What is queued is lost.
    #[must_use = "the bytes read ahead are what comes next on the stream"]
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.stream, self.engine.inbox.unread().to_vec())
    }

    /// What to wait for.
    ///
    /// `readable` is false after the end of the stream, after an error of [`fill`](Self::fill) or
    /// [`next_event`](Self::next_event) that lasts, and while more than the
    /// [limit](Self::with_max_unread_replies) is queued: whoever does not read its replies gets no more of them. Then
    /// there is to be no decoding either, of what has been read already.
    ///
    /// `writable` is true while anything is queued and the stream has not failed.
    pub fn interest(&self) -> Interest {
        let Engine { inbox, sending, .. } = &self.engine;
        Interest {
            readable: inbox.wants() && !self.failure.is_set() && !sending.is_paused(),
            writable: !sending.outbox.is_done() && !sending.outbox.failure.is_set(),
        }
    }

    /// How many bytes are queued.
    pub const fn queued(&self) -> usize {
        self.engine.sending.outbox.queued()
    }

    /// The header of the message under way, or of the last one until the next begins or the session waits for one.
    ///
    /// After [`ContentTooLong`](jsonframe::DecodeErrorKind::ContentTooLong) it is that of the message refused.
    pub fn header(&self) -> Option<Header<'_>> {
        self.engine.inbox.header()
    }

    /// How many bytes the part of the message under way still lacks: its proto-header, its header or its content.
    pub const fn needs(&self) -> u64 {
        self.engine.inbox.needs()
    }

    /// The next event, from what has been read; `None` if that is used up, and then there is to be a
    /// [`fill`](Self::fill), or if the stream has ended after a whole message.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] if the peer sent something else than a message, if the message is over a limit, or, when all has
    /// been reported, if the stream ended inside a message. The error is returned again by every later call. What is
    /// queued can still be sent, and more be queued.
    pub fn next_event(&mut self) -> Result<Option<Event<'_, '_>>, Error> {
        let inbox = &mut self.engine.inbox;
        Ok(match inbox.next_step()? {
            None => None,
            Some(Step::End) => Some(Event::End),
            Some(Step::Content(length)) => Some(Event::Content(inbox.piece(length))),
            Some(Step::Header) => {
                self.has_header = true;
                inbox.limit_content(self.engine.sending.limits.max_content)?;
                inbox.header().map(Event::Header)
            }
        })
    }

    /// Queues a message, and takes its content: none of it is copied unless it is small (16 KiB), and then it goes
    /// out in one segment with its head.
    ///
    /// There is no limit to what can be queued; see [`queued`](Self::queued). It is not known here whether the stream has
    /// failed: [`flush`](Self::flush) says so.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the header cannot be sent or announces another length than the content has. Nothing is queued
    /// then.
    pub fn queue(&mut self, header: &Header<'_>, content: impl Into<Content>) -> Result<(), Error> {
        Ok(self.engine.sending.outbox.queue(header, content.into())?)
    }

    /// When the peer will be too slow, unless something happens until then; `None` if it has ended and nothing is queued for it.
    /// To be asked before the loop waits.
    ///
    /// `now` is the time at which the loop begins to wait. What has happened since the session was last told the time counts
    /// as having happened then.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// use jsonframe_std::Session;
    ///
    /// let mut session = Session::new(std::io::empty());
    /// let now = Instant::now();
    /// let wait = session.poll_timeout(now).map(|due| due.saturating_duration_since(now));
    /// assert!(wait.is_some_and(|time| time <= Duration::from_secs(300)), "a peer may be idle for five minutes");
    /// ```
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        self.update(now);
        self.engine.poll_timeout()
    }

    /// Tells the engine the time, and what has happened since it was last told.
    fn update(&mut self, now: Instant) {
        self.engine.received_steps(mem::take(&mut self.received), mem::take(&mut self.has_header), now);
        self.engine.update(now);
    }
}

impl<S: Read> Session<S> {
    /// Reads once. An interruption by a signal is not an error, and is tried again.
    ///
    /// Does not read while there is something to decode, nor after the end of the stream.
    ///
    /// # Errors
    ///
    /// What the stream returned, but for [`WouldBlock`](io::ErrorKind::WouldBlock). What has been received is not lost.
    /// Every later call returns the same error again, without asking the stream; only after a
    /// [time-out](Error::is_timeout) is it read again.
    pub fn fill(&mut self) -> io::Result<Fill> {
        let inbox = &mut self.engine.inbox;
        if !inbox.unread().is_empty() {
            return Ok(Fill::Data);
        }
        self.failure.check()?;
        let outcome = if inbox.ended() { Ok(0) } else { retry(|| self.stream.read(inbox.read_buf())) };
        if let Ok(count @ 1..) = outcome {
            self.received = self.received.saturating_add(inbox.received(count));
            return Ok(Fill::Data);
        }
        inbox.release();
        match outcome {
            Ok(_) => {
                inbox.end();
                Ok(Fill::Eof)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Fill::Blocked),
            Err(error) => Err(self.failure.note(error)),
        }
    }
}

impl<S: Write> Session<S> {
    /// Sends a message of borrowed content: writes at once if nothing is queued, and queues a copy of what the stream did
    /// not take, or of all if something is queued before it.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] as for [`queue`](Self::queue). [`Error::Io`] if the stream failed: what it did not take is queued
    /// nevertheless; and if it had failed before, as for [`flush`](Self::flush): then nothing is queued.
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<Flush, Error> {
        let outbox = &mut self.engine.sending.outbox;
        let outcome = send(outbox, &mut self.stream, header, content);
        outbox.release();
        outcome.map(|()| self.flushed())
    }

    /// Sends a value as a message of JSON content, as [`send`](Self::send) does.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::{Flush, Session};
    ///
    /// let mut session = Session::new(Cursor::new(Vec::new()));
    /// assert_eq!(session.send_json("needle")?, Flush::Done);
    /// assert!(session.get_ref().get_ref().ends_with(b"\"needle\""));
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if the value has no form in JSON; otherwise those of [`send`](Self::send).
    #[cfg(feature = "json")]
    pub fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<Flush, Error> {
        self.send_json_with(value, &[])
    }

    /// Sends a value as a message of JSON content, with extension members in the header.
    ///
    /// # Errors
    ///
    /// Those of [`send_json`](Self::send_json).
    #[cfg(feature = "json")]
    pub fn send_json_with<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
        extensions: &[(&str, jsonframe::Value<'_>)],
    ) -> Result<Flush, Error> {
        let content = jsonframe::to_json(value)?;
        let header = self.engine.sending.outbox.dialect().json_header(content.len() as u64);
        self.send(&header.with_extensions(extensions), &content)
    }

    /// Writes what is queued, several messages at a time, as far as the stream takes it, and flushes the stream.
    ///
    /// # Errors
    ///
    /// What the stream returned, but for [`WouldBlock`](io::ErrorKind::WouldBlock) and
    /// [`Interrupted`](io::ErrorKind::Interrupted); [`WriteZero`](io::ErrorKind::WriteZero) if it took nothing. What was
    /// not written stays queued, and no byte is ever written twice. Every later call returns the same error again, without
    /// asking the stream; only after a [time-out](Error::is_timeout) is it written to again.
    pub fn flush(&mut self) -> io::Result<Flush> {
        let outbox = &mut self.engine.sending.outbox;
        let outcome = flush(outbox, &mut self.stream, usize::MAX);
        outbox.release();
        outcome.map(|_| self.flushed())
    }

    /// Says whether the peer is too slow, by the [limits](Self::with_limits): in sending a header or content, in taking what
    /// is queued, or idle. What is queued is written first if that is what is due.
    ///
    /// The session can still be used: to tell the peer why, before the stream is closed.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use std::time::{Duration, Instant};
    ///
    /// use jsonframe_std::{Deadline, Limits, Session};
    ///
    /// let limits = Limits::default().with_idle_timeout(Duration::from_secs(60));
    /// let mut session = Session::new(Cursor::new(Vec::new())).with_limits(limits);
    /// let due = session.poll_timeout(Instant::now()).expect("a time at the latest");
    /// // A poller would wait here until then.
    /// assert_eq!(session.handle_timeout(due), Err(Deadline::Idle));
    /// ```
    ///
    /// # Errors
    ///
    /// The deadline that the peer has missed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Deadline> {
        self.update(now);
        if self.engine.sending.is_write_due(now) {
            // Pollers tell of free space only when there is much of it. If this fails, every later flush says so.
            let _ = self.flush();
            self.update(now);
        }
        self.engine.sending.handle_timeout(now)
    }

    const fn flushed(&self) -> Flush {
        if self.engine.sending.outbox.is_done() { Flush::Done } else { Flush::Blocked }
    }
}

#[cfg(test)]
mod tests {
    use jsonframe::Message;

    use super::*;

    struct Blocked;

    impl Read for Blocked {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::WouldBlock.into())
        }
    }

    #[test]
    fn a_session_that_waits_holds_no_memory() {
        let wire = Message::new(Header::new("text", "", 0), b"").unwrap().to_vec().unwrap();
        let mut session = Session::new((&wire[..]).chain(Blocked));
        assert_eq!(session.fill().unwrap(), Fill::Data);
        while session.next_event().unwrap().is_some() {}
        assert!(session.engine.inbox.memory() > 0);
        assert_eq!(session.fill().unwrap(), Fill::Blocked);
        assert_eq!(session.engine.inbox.memory(), 0);
    }
}
