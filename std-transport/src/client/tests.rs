//! Calls over streams in memory: what is sent, what is kept, and which callers wait.

use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use jsonframe::{Header, Message, OwnedMessage};

use super::call::Call;
use super::shared::Shared;
use super::{CallError, Options, WhenFull};
use crate::engine::{REPLY_TO, REQUEST_ID};
use crate::{Backoff, Connection, Error};

/// Takes a given number of bytes and then blocks; what is read from it was put in before.
#[derive(Default)]
struct Memory {
    takes: usize,
    taken: Vec<u8>,
    given: Vec<u8>,
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.takes);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.takes -= count;
        self.taken.write(&bytes[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Memory {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.given.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = (&self.given[..]).read(space)?;
        self.given.drain(..count);
        Ok(count)
    }
}

impl Memory {
    fn new(takes: usize) -> Self {
        Self { takes, ..Self::default() }
    }

    /// The contents of the requests that it has taken whole.
    fn requests(&self) -> Vec<Vec<u8>> {
        let mut connection = Connection::new(&self.taken[..]);
        let next = || connection.receive().ok()??.content().ok();
        std::iter::from_fn(next).collect()
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn shared(options: Options) -> Shared {
    Shared::new(options, Instant::now, Waker::noop().clone(), false)
}

fn call<'c>(shared: &'c Shared, content: &[u8]) -> Call<'c> {
    Call::new(shared, &Header::new("text", "", content.len() as u64), content, None).unwrap()
}

fn poll(call: &mut Call<'_>) -> Poll<Result<OwnedMessage, CallError>> {
    pin!(call).poll(&mut Context::from_waker(Waker::noop()))
}

fn message(content: &[u8]) -> OwnedMessage {
    OwnedMessage::new(&Header::new("text", "", content.len() as u64), content).unwrap()
}

fn wire(content: &[u8]) -> Vec<u8> {
    Message::new(Header::new("text", "", content.len() as u64), content).unwrap().to_vec().unwrap()
}

fn content(outcome: Poll<Result<OwnedMessage, CallError>>) -> Vec<u8> {
    match outcome {
        Poll::Ready(Ok(message)) => message.into_content(),
        other => panic!("no reply: {other:?}"),
    }
}

fn reset() -> Error {
    Error::Io(ErrorKind::ConnectionReset.into())
}

#[test]
fn a_lost_connection_fails_what_was_begun_and_the_next_one_is_sent_the_rest() {
    let shared = shared(Options::default());
    let mut calls = [b"one", b"two", b"six"].map(|content| call(&shared, content));
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));

    // All of the first and a byte of the second.
    let mut stream = Memory::new(wire(b"one").len() + 1);
    let mut link = shared.attempted(true);
    assert!(link.send(&mut stream, &shared).unwrap());
    shared.failed(link, reset());
    let [one, two, six] = &mut calls;
    for begun in [one, two] {
        assert!(matches!(poll(begun), Poll::Ready(Err(CallError::Lost { is_sent: true, .. }))));
    }
    assert!(poll(six).is_pending());

    let mut stream = Memory::new(usize::MAX);
    let mut link = shared.attempted(true);
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert_eq!(stream.requests(), [b"six"]);
    stream.given = wire(b"reply");
    assert!(!link.receive(&mut stream, &shared, |_| panic!("a push")).unwrap());
    assert_eq!(content(poll(six)), b"reply");
}

#[test]
fn a_request_that_is_dropped_before_it_was_sent_is_withdrawn() {
    let shared = shared(Options::default());
    let mut calls = [b"one", b"two"].map(|content| call(&shared, content));
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    let [one, mut two] = calls;
    drop(one);
    let (mut stream, mut link) = (Memory::new(usize::MAX), shared.attempted(true));
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert_eq!(stream.requests(), [b"two"]);
    assert!(shared.received(message(b"reply")).is_none());
    assert_eq!(content(poll(&mut two)), b"reply");
}

#[test]
fn the_reply_to_a_call_that_was_dropped_is_late_and_the_next_is_not_shifted() {
    let shared = shared(Options::default());
    let mut calls = [b"one", b"two"].map(|content| call(&shared, content));
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    assert!(!shared.attempted(true).send(&mut Memory::new(usize::MAX), &shared).unwrap());
    let [one, mut two] = calls;
    drop(one);
    assert!(shared.received(message(b"first")).is_none());
    assert!(poll(&mut two).is_pending());
    assert!(shared.received(message(b"second")).is_none());
    assert_eq!(content(poll(&mut two)), b"second");
    assert_eq!(shared.stats().late_replies, 1);
    assert!(shared.received(message(b"a push")).is_some());
}

#[test]
fn calls_beyond_the_limit_are_sent_in_turn_and_none_is_woken_before_its_reply() {
    let shared = shared(Options::default().with_max_pending(2));
    let mut calls = [b"one", b"two", b"six", b"ten"].map(|content| call(&shared, content));
    let wakes = [(); 4].map(|()| Arc::new(Count::default()));
    for (call, count) in calls.iter_mut().zip(&wakes) {
        let waker = Waker::from(Arc::clone(count));
        assert!(pin!(call).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let woken = || [0, 1, 2, 3].map(|index: usize| wakes[index].0.load(Ordering::Relaxed));
    let (mut stream, mut link) = (Memory::new(usize::MAX), shared.attempted(true));
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert_eq!((stream.requests().len(), woken()), (2, [0, 0, 0, 0]));

    assert!(shared.received(message(b"first")).is_none());
    assert_eq!(woken(), [1, 0, 0, 0]);
    let [one, two, _, ten] = &mut calls;
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert_eq!(stream.requests(), [b"one", b"two", b"six"]);
    assert_eq!(content(poll(one)), b"first");

    assert!(poll(two).is_pending());
    assert!(shared.received(message(b"second")).is_none());
    assert!(poll(ten).is_pending());
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert_eq!(stream.requests().len(), 4);
}

#[test]
fn a_call_that_waits_for_its_turn_and_is_dropped_passes_it_on() {
    let shared = shared(Options::default().with_max_pending(1));
    let mut calls = [b"one", b"two", b"six"].map(|content| call(&shared, content));
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    let (mut stream, mut link) = (Memory::new(usize::MAX), shared.attempted(true));
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert!(shared.received(message(b"first")).is_none());
    let [_one, two, mut six] = calls;
    drop(two);
    assert!(poll(&mut six).is_pending());
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert_eq!(stream.requests(), [b"one", b"six"]);
}

#[test]
fn a_call_that_is_dropped_after_it_was_sent_has_the_driver_send_the_next_one() {
    let woken = Arc::new(Count::default());
    let options = Options::default().with_ids().with_max_pending(1);
    let shared = Shared::new(options, Instant::now, Arc::clone(&woken).into(), false);
    let (mut stream, mut link) = (Memory::new(usize::MAX), shared.attempted(true));
    for begun in [b"one", b"two"] {
        let mut begun = call(&shared, begun);
        assert!(poll(&mut begun).is_pending());
        assert!(!link.send(&mut stream, &shared).unwrap());
        let mut next = call(&shared, b"six");
        assert!(poll(&mut next).is_pending());
        assert!(!link.send(&mut stream, &shared).unwrap());
        let before = woken.0.load(Ordering::Relaxed);
        let requests = stream.requests().len();
        drop(begun);
        assert_eq!(woken.0.load(Ordering::Relaxed), before + 1);
        assert!(!link.send(&mut stream, &shared).unwrap());
        assert_eq!(stream.requests().len(), requests + 1);
    }
}

#[test]
fn bytes_that_wait_to_be_written_are_limited_until_they_are() {
    let options = Options::default().with_max_queued(250).with_when_full(WhenFull::Fail);
    let shared = shared(options);
    let length = wire(b"one").len();
    assert!(length * 2 < 250 && length * 3 > 250);
    let mut calls = [b"one", b"two", b"six"].map(|content| call(&shared, content));
    let outcomes = calls.each_mut().map(poll);
    assert!(matches!(outcomes, [Poll::Pending, Poll::Pending, Poll::Ready(Err(CallError::Full))]));

    // Not as long as one of them is being written.
    let (mut stream, mut link) = (Memory::new(length + 1), shared.attempted(true));
    assert!(link.send(&mut stream, &shared).unwrap());
    assert!(matches!(poll(&mut call(&shared, b"six")), Poll::Ready(Err(CallError::Full))));
    stream.takes = usize::MAX;
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert!(poll(&mut call(&shared, b"six")).is_pending());
}

#[test]
fn one_request_may_be_longer_than_the_limit() {
    let shared = shared(Options::default().with_max_queued(10).with_when_full(WhenFull::Fail));
    assert!(poll(&mut call(&shared, b"one")).is_pending());
}

#[test]
fn time_that_is_over_ends_calls_sent_or_not_and_then_the_silent_connection() {
    let options = Options::default().with_max_silence(Duration::from_secs(60));
    let shared = shared(options);
    let timed = |content: &[u8], seconds| {
        let header = Header::new("text", "", content.len() as u64);
        Call::new(&shared, &header, content, Some(Duration::from_secs(seconds))).unwrap()
    };
    let before = Instant::now();
    let mut sent = timed(b"sent", 1);
    assert!(poll(&mut sent).is_pending());
    let (mut stream, mut link) = (Memory::new(usize::MAX), shared.attempted(true));
    assert!(!link.send(&mut stream, &shared).unwrap());
    let mut unsent = timed(b"unsent", 2);
    assert!(poll(&mut unsent).is_pending());

    let due = shared.poll_timeout().unwrap();
    assert!(due >= before + Duration::from_secs(1));
    assert!(!shared.handle_timeout(due));
    assert!(matches!(poll(&mut sent), Poll::Ready(Err(CallError::TimedOut { is_sent: true }))));
    let due = shared.poll_timeout().unwrap();
    assert!(!shared.handle_timeout(due));
    assert!(matches!(poll(&mut unsent), Poll::Ready(Err(CallError::TimedOut { is_sent: false }))));
    assert!(!link.send(&mut stream, &shared).unwrap());
    assert_eq!(stream.requests(), [b"sent"]);

    let due = shared.poll_timeout().unwrap();
    let just_before = due.checked_sub(Duration::from_nanos(1)).unwrap();
    assert!(!shared.handle_timeout(just_before) && shared.handle_timeout(due));
    // A byte is enough.
    stream.given = vec![0];
    assert!(!link.receive(&mut stream, &shared, |_| panic!("a push")).unwrap());
    assert_eq!(shared.poll_timeout(), None);
}

/// What is shared by the calls of a client that takes pushes, with this time between attempts, of which there are three.
fn retrying(time: Duration) -> Shared {
    let options = Options::default().with_backoff(Backoff::new(time, time).with_attempts(3));
    Shared::new(options, Instant::now, Waker::noop().clone(), true)
}

/// Connects, or does not, and loses the connection: whether there is a pause, which is over then.
fn fail(shared: &Shared, is_connected: bool, has_received: bool, has_replied: bool) -> bool {
    let mut link = shared.attempted(is_connected);
    (link.has_received, link.has_replied) = (has_received, has_replied);
    shared.failed(link, reset());
    let due = shared.poll_timeout();
    if let Some(due) = due {
        assert!(shared.poll_connect().is_pending() && !shared.handle_timeout(due));
    }
    due.is_some()
}

#[test]
fn a_series_of_attempts_ends_and_begins_anew() {
    let shared = retrying(Duration::from_secs(1000));
    assert!(shared.poll_connect().is_ready());
    for _ in 0..2 {
        assert!(fail(&shared, false, false, false));
        // A server that greets and closes is no better than none.
        assert!(fail(&shared, true, true, false));
        assert!(!fail(&shared, true, false, false));
        assert!(shared.poll_connect().is_pending());
    }
    let mut call = call(&shared, b"one");
    assert!(poll(&mut call).is_pending() && shared.poll_connect().is_ready());
}

#[test]
fn after_a_connection_that_was_of_use_an_attempt_is_made_at_once() {
    let (short, long) = (retrying(Duration::ZERO), retrying(Duration::from_secs(1000)));
    for (shared, has_replied) in [(&long, true), (&short, false)] {
        for _ in 0..5 {
            assert!(!fail(shared, true, true, has_replied));
            assert!(shared.poll_connect().is_ready());
        }
    }
    assert!(fail(&retrying(Duration::from_secs(1000)), false, false, false));
}

#[test]
fn a_pause_is_over_in_its_time_and_not_before() {
    let shared = retrying(Duration::from_secs(1000));
    shared.failed(shared.attempted(false), reset());
    let due = shared.poll_timeout().unwrap();
    assert!(due >= Instant::now() + Duration::from_secs(400));
    assert!(!shared.handle_timeout(due.checked_sub(Duration::from_nanos(1)).unwrap()));
    assert!(shared.poll_connect().is_pending());
    assert!(!shared.handle_timeout(due));
    assert!(shared.poll_connect().is_ready());
    assert_eq!(shared.poll_timeout(), None);
}

#[test]
fn a_request_carries_the_clients_id_in_place_of_one_that_it_came_with() {
    let shared = shared(Options::default().with_ids());
    let extensions = [("a", 1.into()), (REQUEST_ID, 77.into()), ("b", 2.into())];
    let header = Header::new("text", "", 0).with_extensions(&extensions);
    let mut call = Call::new(&shared, &header, b"", None).unwrap();
    assert!(poll(&mut call).is_pending());
    let mut stream = Memory::new(usize::MAX);
    assert!(!shared.attempted(true).send(&mut stream, &shared).unwrap());
    let mut connection = Connection::new(&stream.taken[..]);
    let received = connection.receive().unwrap().unwrap().into_message().unwrap();
    let members: Vec<_> =
        received.header().extensions().map(|(name, value)| (name.to_owned(), value.as_u64())).collect();
    let expected = [("a", 1), ("b", 2), (REQUEST_ID, 0)].map(|(name, value)| (name.to_owned(), Some(value)));
    assert_eq!(members, expected);

    let named = |id: u64| message(b"reply").with_extensions(&[(REPLY_TO, id.into())]).unwrap();
    assert!(shared.received(named(1)).is_some() && shared.received(message(b"none")).is_some());
    assert!(shared.received(named(0)).is_none());
    assert_eq!(content(poll(&mut call)), b"reply");
    assert!(shared.received(named(0)).is_some(), "a second reply");
}

#[test]
fn when_the_driver_has_ended_calls_fail_at_once() {
    let shared = shared(Options::default());
    let mut before = call(&shared, b"one");
    assert!(poll(&mut before).is_pending());
    shared.ended();
    assert!(matches!(poll(&mut before), Poll::Ready(Err(CallError::Closed { is_sent: false }))));
    assert!(matches!(poll(&mut call(&shared, b"two")), Poll::Ready(Err(CallError::Closed { is_sent: false }))));
}

#[test]
fn errors_say_whether_the_request_was_sent() {
    let why = Arc::new(Error::Io(io::Error::new(ErrorKind::ConnectionReset, "reset")));
    let texts = [
        (CallError::TimedOut { is_sent: false }, "no reply in time; the request was not sent"),
        (
            CallError::Lost { is_sent: true, why },
            "no connection to get a reply over; the request was sent, and may have been processed: reset",
        ),
        (CallError::Full, "too many calls are waiting; the request was not sent"),
        (CallError::Closed { is_sent: false }, "the client makes no calls; the request was not sent"),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
        assert_eq!(error.is_sent(), text.contains("was sent"));
    }
}
