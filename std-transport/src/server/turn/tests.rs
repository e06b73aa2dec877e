//! A connection over a stream in memory: the server knows a socket only by its trait.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use jsonframe::{Dialect, Header, Message};

use super::*;
use crate::Interest;
use crate::engine::{Engine, Totals};
use crate::server::{Id, Limits};
use crate::stream::Stream;

/// A stream that gives what it is told, and takes everything.
#[derive(Default)]
struct Memory {
    given: VecDeque<u8>,
    ends: bool,
    /// Says that each read has got more than there was space for.
    lies: bool,
    taken: Vec<u8>,
    half: Half,
}

/// What has become of the sending direction.
#[derive(Debug, Default, PartialEq, Eq)]
enum Half {
    #[default]
    Open,
    Closed,
    /// It is blocked, once.
    Blocked,
    /// It cannot be closed.
    Broken,
}

impl Read for Memory {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.given.is_empty() && !self.ends {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.given.read(space)?;
        Ok(if self.lies { usize::MAX } else { count })
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.taken.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Raw for Memory {
    fn shut_down_sending(&mut self) -> io::Result<()> {
        match self.half {
            Half::Broken => Err(ErrorKind::NotConnected.into()),
            Half::Blocked => {
                self.half = Half::Open;
                Err(ErrorKind::WouldBlock.into())
            }
            Half::Open | Half::Closed => {
                self.half = Half::Closed;
                Ok(())
            }
        }
    }
}

/// Sends back what it gets, and closes the connection after a "last" message.
#[derive(Default)]
struct Echo {
    messages: usize,
}

impl Handler for Echo {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.messages += 1;
        let _ = peer.send(&message.header(), message.content());
        if message.header().content_type() == "last" {
            peer.close();
        }
    }
}

fn message(kind: &str, content: &[u8]) -> Vec<u8> {
    Message::new(Header::new(kind, "", content.len() as u64), content).unwrap().to_vec().unwrap()
}

struct Test {
    served: Served<Memory, ()>,
    handler: Echo,
    shared: Arc<Shared>,
    scratch: Scratch,
    now: Instant,
}

impl Test {
    fn new(given: &[u8]) -> Self {
        let (now, limits) = (Instant::now(), Limits::default());
        let totals = Arc::new(Totals::new(&limits, 1));
        let shared = Arc::new(Shared::new(limits.clone()));
        let engine = Engine::new(Arc::new(limits), totals, &Dialect::STANDARD, &Dialect::STANDARD, now);
        let stream = Memory { given: given.iter().copied().collect(), ..Memory::default() };
        let address = SocketAddr::from(([127, 0, 0, 1], 1)).into();
        let served = Served::new(Connection::new(Stream::new(stream), engine, Id::new(0, 0), address), ());
        Self { served, handler: Echo::default(), shared, scratch: Scratch::default(), now }
    }

    /// Has the poller say that the stream is readable, and gives the connection its turn.
    fn turn(&mut self) -> Result<Next, CloseReason> {
        self.served.connection.wake(Interest { readable: true, writable: false }, true);
        self.served.turn(&mut Turn {
            handler: &mut self.handler,
            shared: &self.shared,
            scratch: &mut self.scratch,
            now: self.now,
            pace: Pace::GoOn,
        })
    }
}

#[test]
fn a_message_is_answered_in_the_turn_in_which_it_comes() {
    let request = message("text", b"hello");
    let mut test = Test::new(&request);
    assert_eq!(test.turn().unwrap(), Next::Wait);
    assert_eq!(test.served.connection.stream.get_mut().taken, request);
    test.served.connection.stream.get_mut().ends = true;
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
fn a_connection_that_the_handler_closes_is_half_closed_and_over_when_the_peer_ends() {
    let mut test = Test::new(&[message("last", b"bye"), message("text", b"ignored")].concat());
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert_eq!(test.served.connection.stream.get_mut().half, Half::Open);
    assert_eq!(test.turn().unwrap(), Next::Wait);
    assert_eq!((&test.served.connection.stream.get_mut().half, test.handler.messages), (&Half::Closed, 1));
    assert_eq!(test.served.connection.stream.get_mut().taken, message("last", b"bye"));
    // What still comes is discarded.
    test.served.connection.stream.get_mut().given.extend(message("text", b"ignored"));
    assert_eq!(test.turn().unwrap(), Next::Wait);
    test.served.connection.stream.get_mut().ends = true;
    assert!(matches!(test.turn(), Err(CloseReason::ByHandler)));
    assert_eq!(test.handler.messages, 1);
}

#[test]
fn a_stream_that_cannot_be_half_closed_is_given_up() {
    let mut test = Test::new(&message("last", b"bye"));
    test.served.connection.stream.get_mut().half = Half::Broken;
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert!(matches!(test.turn(), Err(CloseReason::ByHandler)));
}

#[test]
fn a_half_close_that_is_blocked_is_tried_again_though_the_peer_has_ended() {
    let mut test = Test::new(&message("last", b"bye"));
    test.served.connection.stream.get_mut().half = Half::Blocked;
    test.served.connection.stream.get_mut().ends = true;
    assert_eq!(test.turn().unwrap(), Next::Again);
    assert_eq!(test.turn().unwrap(), Next::Wait);
    assert!(test.served.connection.engine.poll_timeout().is_some(), "it is not waited for for ever");
    assert_eq!(test.served.connection.stream.get_ref().half, Half::Open);
    assert!(matches!(test.turn(), Err(CloseReason::ByHandler)));
    assert_eq!(test.served.connection.stream.get_ref().half, Half::Closed);
}

#[test]
fn a_stream_that_says_it_has_read_more_than_fits_is_not_believed() {
    let mut test = Test::new(&message("text", &vec![b'x'; 200_000]));
    test.served.connection.stream.get_mut().lies = true;
    assert!(matches!(test.turn(), Ok(_) | Err(CloseReason::Protocol(_))), "and nothing panics");
}
