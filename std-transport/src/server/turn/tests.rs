//! A connection over a stream in memory: the server knows a socket only by its trait.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use jsonframe::{Header, Message};

use super::*;
use crate::Interest;
use crate::engine::{Phase, Totals};
use crate::server::accept::Arrival;
use crate::server::observe::Span;
use crate::server::{Id, Limits};
use crate::stream::Stream;
use crate::stream::wire::{Half, Wire};

/// Sends back what it gets unless it is "silent", and closes the connection after a "last" message.
#[derive(Default)]
struct Echo {
    messages: usize,
}

impl Handler for Echo {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.messages += 1;
        if message.header().content_type() != "silent" {
            let _ = peer.send(&message.header(), message.content());
        }
        if message.header().content_type() == "last" {
            peer.close();
        }
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, (): &mut (), why: &CloseReason) {
        let text = why.to_string();
        peer.send(&Header::new("farewell", "", text.len() as u64), text.as_bytes()).unwrap();
    }
}

/// With what the system's allocator and the slab add, it is to take 512 bytes at most.
#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<Connection<mio::net::TcpStream, ()>>() - size_of_val(&Span::new(Id::new(0, 0)));
    assert!(size <= 488, "{size}");
}

fn message(kind: &str, content: &[u8]) -> Vec<u8> {
    Message::new(Header::new(kind, "", content.len() as u64), content).unwrap().to_vec().unwrap()
}

struct Test {
    connection: Connection<Wire, ()>,
    handler: Echo,
    scratch: Scratch,
    now: Instant,
    pace: Pace,
}

impl Test {
    fn new(given: &[u8]) -> Self {
        let (now, limits) = (Instant::now(), Limits::default());
        let totals = Arc::new(Totals::new(&limits, 1));
        let shared = Arc::new(Shared::new(limits));
        let stream = Wire::of(given);
        let address = SocketAddr::from(([127, 0, 0, 1], 1)).into();
        let arrival = Arrival { stream: Stream::new(stream), address, network: None };
        let mut connection = Connection::new(arrival, Id::new(0, 0), shared, &totals, now);
        connection.engine.begin(Phase::Idle, now);
        Self { connection, handler: Echo::default(), scratch: Scratch::default(), now, pace: Pace::GoOn }
    }

    fn wire(&mut self) -> &mut Wire {
        self.connection.stream.get_mut()
    }

    /// Has the poller say that the stream is readable, and gives the connection its turn.
    fn turn(&mut self) -> Result<Next, CloseReason> {
        self.turn_after_read(true)
    }

    /// The same, where a read that gets less than it could may still have something after it, or not.
    fn turn_after_read(&mut self, read_on: bool) -> Result<Next, CloseReason> {
        self.connection.wake(Interest { readable: true, writable: false }, read_on);
        let Self { connection, handler, scratch, now, pace } = self;
        at_once(connection.turn(&mut Turn { handler, scratch, now: *now, pace: *pace }))
    }
}

#[test]
fn a_message_is_answered_in_the_turn_in_which_it_comes() {
    let request = message("text", b"hello");
    let mut test = Test::new(&request);
    assert_eq!(test.turn().unwrap(), Next::Wait);
    assert_eq!(test.wire().outgoing, request);
    test.wire().ends = true;
    assert!(matches!(test.turn(), Err(CloseReason::Ended)));
}

#[test]
fn a_turn_is_over_after_64_messages_and_the_next_one_goes_on() {
    let mut test = Test::new(&message("text", b"hello").repeat(64 + 1));
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert_eq!(test.handler.messages, 64);
    assert_eq!(test.turn().unwrap(), Next::Wait);
    assert_eq!(test.handler.messages, 64 + 1);
}

#[test]
fn what_has_been_read_is_handled_in_its_turn_so_that_no_buffer_is_kept() {
    let mut test = Test::new(&message("silent", &[b'x'; 10_000]).repeat(64));
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert_eq!(test.handler.messages, 25, "of those the turn has read 256 KiB");
    assert!(test.connection.engine.inbox.unread().is_empty());
    assert!(!test.scratch.ahead.is_empty(), "the buffer is there for the others");
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android"))]
fn a_turn_that_is_over_with_the_last_message_there_is_has_no_other_after_it() {
    let mut test = Test::new(&message("text", b"hello").repeat(64));
    assert_eq!(test.turn_after_read(false).unwrap(), Next::Wait);
    assert_eq!(test.handler.messages, 64);
    // With the first byte of another message there is one.
    test.wire().incoming.extend(message("text", b"hello").repeat(64));
    test.wire().incoming.push_back(0);
    assert_eq!(test.turn_after_read(false).unwrap(), Next::Again);
}

#[test]
fn a_message_that_comes_whole_before_its_stream_is_cut_is_answered() {
    let request = message("text", b"hello");
    let mut test = Test::new(&request.repeat(2));
    test.wire().fails = Some(ErrorKind::UnexpectedEof);
    assert!(matches!(test.turn(), Err(CloseReason::Io(error)) if error.kind() == ErrorKind::UnexpectedEof));
    assert_eq!(test.handler.messages, 2);
    assert_eq!(test.wire().outgoing, request.repeat(2));
}

#[test]
fn a_connection_that_the_handler_closes_is_half_closed_and_over_when_the_peer_ends() {
    let mut test = Test::new(&[message("last", b"bye"), message("text", b"ignored")].concat());
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert_eq!(test.wire().half, Half::Open);
    assert_eq!(test.turn().unwrap(), Next::Wait);
    assert_eq!((test.handler.messages, &test.wire().half), (1, &Half::Closed));
    assert_eq!(test.wire().outgoing, message("last", b"bye"));
    // What still comes is discarded.
    test.wire().incoming.extend(message("text", b"ignored"));
    assert_eq!(test.turn().unwrap(), Next::Wait);
    test.wire().ends = true;
    assert!(matches!(test.turn(), Err(CloseReason::ByHandler)));
    assert_eq!(test.handler.messages, 1);
}

#[test]
fn a_stream_that_cannot_be_half_closed_is_given_up() {
    let mut test = Test::new(&message("last", b"bye"));
    test.wire().half = Half::Broken;
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert!(matches!(test.turn(), Err(CloseReason::ByHandler)));
}

#[test]
fn a_half_close_that_is_blocked_is_tried_again_though_the_peer_has_ended() {
    let mut test = Test::new(&message("last", b"bye"));
    test.wire().half = Half::Blocked;
    test.wire().ends = true;
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert_eq!(test.turn().unwrap(), Next::Wait);
    assert!(test.connection.engine.poll_timeout().is_some(), "it is not waited for for ever");
    assert_eq!(test.wire().half, Half::Open);
    assert!(matches!(test.turn(), Err(CloseReason::ByHandler)));
    assert_eq!(test.wire().half, Half::Closed);
}

#[test]
fn a_stream_that_says_it_has_read_more_than_fits_is_not_believed() {
    let mut test = Test::new(&message("text", &vec![b'x'; 200_000]));
    test.wire().lies = true;
    assert!(matches!(test.turn(), Ok(_) | Err(CloseReason::Protocol(_))), "and nothing panics");
}

#[test]
fn a_connection_that_is_asked_for_its_place_ends_unless_something_has_arrived() {
    let (request, last_words) = (message("text", b"hello"), b"closed to make room for another connection");
    let mut test = Test::new(&request);
    test.pace = Pace::MakeRoom;
    assert_eq!(test.turn().unwrap(), Next::Wait);
    let [first, rest @ ..] = &request[..] else { unreachable!() };
    test.wire().incoming.push_back(*first);
    assert_eq!(test.turn().unwrap(), Next::Wait);
    test.wire().incoming.extend(rest);
    test.connection.engine.sending.reply_later();
    assert_eq!(test.turn().unwrap(), Next::Wait);
    test.connection.engine.sending.replies_done(1);
    assert_eq!(test.turn().unwrap(), Next::Wait, "the reply has just been done");
    assert_eq!(test.handler.messages, 2);
    test.wire().outgoing.clear();
    // Its peer is not waited for, though it was active a moment ago.
    assert!(matches!(test.turn(), Err(CloseReason::MadeRoom)));
    assert_eq!(test.wire().outgoing, message("farewell", last_words));
}

#[test]
fn a_connection_that_is_being_closed_gives_its_place_once_all_is_sent() {
    let mut test = Test::new(&message("last", b"bye"));
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert_eq!(test.turn().unwrap(), Next::Wait, "its peer has not ended yet");
    test.pace = Pace::MakeRoom;
    assert!(matches!(test.turn(), Err(CloseReason::ByHandler)));
    assert_eq!(test.wire().outgoing, message("last", b"bye"));
}

#[test]
fn what_is_under_way_on_a_connection_decides_whether_it_can_be_spared() {
    let request = message("text", b"hello");
    let mut test = Test::new(&request);
    let start = test.now;
    let since = |test: &Test| test.connection.engine.sending.spare_since().map(|since| since - start);
    assert_eq!(since(&test), Some(Duration::ZERO));
    let mut turn_after = |seconds, given: &[u8]| {
        test.now = start + Duration::from_secs(seconds);
        test.wire().incoming.extend(given);
        test.turn().unwrap();
        since(&test)
    };
    assert_eq!(turn_after(1, &[]), Some(Duration::from_secs(1)));
    assert_eq!(turn_after(2, &request[..1]), None);
    assert_eq!(turn_after(3, &request[1..]), Some(Duration::from_secs(3)));
    assert_eq!(turn_after(4, &request[..request.len() - 1]), None);
    assert_eq!(turn_after(5, &request[request.len() - 1..]), Some(Duration::from_secs(5)));
    // One that comes whole is activity, and so is what is queued.
    assert_eq!(turn_after(6, &request), Some(Duration::from_secs(6)));
    test.connection.engine.sending.reply_later();
    test.turn().unwrap();
    assert_eq!(since(&test), None);
    test.connection.engine.sending.replies_done(1);
    test.turn().unwrap();
    assert_eq!(since(&test), Some(Duration::from_secs(6)));
    test.connection.engine.sending.outbox.queue_copy(&Header::new("", "", 1), b"x").unwrap();
    assert_eq!(since(&test), None);
}
