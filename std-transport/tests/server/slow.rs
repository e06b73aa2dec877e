//! A server and peers that are slow or silent: each has its deadlines, and none delays another.
//!
//! The deadlines are shorter than by default, and the peers as slow as they say.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::running::driver::{Driver, on_all_drivers_at_once, on_each_driver};
use crate::running::{Echo, PATIENCE, Running, exchange, message, receive, wait_until};
use jsonframe_std::Connection;
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, CloseReason, Handler, Id, Limits, Peer};
use socket2::{Domain, Socket, Type};

on_each_driver! {
    a_slow_sender_delays_nobody_and_is_understood,
    content_that_stops_after_a_burst_is_ended_at_its_deadline,
    an_idle_connection_is_ended_at_its_deadline,
    a_peer_that_reads_a_little_now_and_then_is_ended_at_its_deadline,
    a_peer_is_ended_at_the_handlers_deadline_whatever_it_sends_and_stays_if_that_is_cleared,
}

on_all_drivers_at_once! {
    a_header_at_a_byte_a_second_is_ended_at_its_deadline,
    content_at_a_byte_a_second_is_ended_at_its_deadline,
    a_peer_that_reads_a_byte_a_second_is_ended_at_its_deadline,
    a_peer_with_something_left_to_read_is_not_idle,
    a_peer_that_reads_at_the_floor_gets_everything,
    a_slow_reader_with_ordinary_buffers_gets_everything,
}

/// What is short in these tests, and long enough for a machine under load.
const SHORT: Duration = Duration::from_millis(300);

/// What a slow peer waits from one byte to the next.
const SECOND: Duration = Duration::from_secs(1);

/// Expects these last words, the end, and a note of the same.
fn is_dismissed(mut connection: Connection<TcpStream>, echo: &Echo, why: &str) {
    assert_eq!(receive(&mut connection).as_deref(), Some(why));
    assert_eq!(receive(&mut connection), None);
    drop(connection);
    wait_until(|| !echo.noted().is_empty());
    assert_eq!(echo.noted(), [why]);
}

/// Sends a byte a second until the server has closed the connection; how many it has sent.
fn drip(stream: &TcpStream, bytes: &[u8]) -> usize {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(SECOND)).unwrap();
    let start = Instant::now();
    for (count, byte) in bytes.iter().enumerate() {
        assert!(start.elapsed() < PATIENCE, "after {count} bytes it is still served");
        (&mut &*stream).write_all(&[*byte]).unwrap();
        // Instead of a pause: what the server says when it has had enough.
        match stream.peek(&mut [0]) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            outcome => {
                assert_eq!(outcome.unwrap(), 1);
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                return count + 1;
            }
        }
    }
    panic!("the server lets a byte a second pass");
}

fn a_slow_sender_delays_nobody_and_is_understood(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
    let mut slow = server.connect();
    slow.get_ref().set_nodelay(true).unwrap();
    let mut fast = server.connect();
    for byte in message(b"slowly") {
        slow.get_mut().write_all(&[byte]).unwrap();
        for _ in 0..5 {
            exchange(&mut fast, "quick");
        }
    }
    assert_eq!(receive(&mut slow).as_deref(), Some("slowly"));
}

fn a_header_at_a_byte_a_second_is_ended_at_its_deadline(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_header_timeout(3 * SECOND));
    let server = driver.start(limits, echo.clone());
    let mut slow = server.connect();
    exchange(&mut slow, "first");
    let mut silent = server.connect();
    let sent = drip(slow.get_ref(), &message(b""));
    assert!(sent >= 2, "the deadline is that of a whole header; {sent}");
    is_dismissed(slow, &echo, "the header took too long");
    exchange(&mut silent, "it is not for who has not begun");
}

fn content_at_a_byte_a_second_is_ended_at_its_deadline(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_rate_window(3 * SECOND));
    let server = driver.start(limits, echo.clone());
    let mut slow = server.connect();
    let whole = message(&[b'x'; 1000]);
    let (head, content) = whole.split_at(whole.len() - 1000);
    slow.get_mut().write_all(head).unwrap();
    drip(slow.get_ref(), content);
    is_dismissed(slow, &echo, "the content came too slowly");
    assert_eq!(server.handle.stats().collected, 0);
}

fn content_that_stops_after_a_burst_is_ended_at_its_deadline(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_rate_window(SHORT).with_min_rate(100_000));
    let server = driver.start(limits, echo.clone());
    let mut slow = server.connect();
    let whole = message(&vec![b'x'; 1_000_000]);
    slow.get_mut().write_all(&whole[..500_000]).unwrap();
    slow.get_ref().set_nonblocking(true).unwrap();
    let start = Instant::now();
    while slow.get_ref().peek(&mut [0]).is_err() {
        assert!(start.elapsed() < PATIENCE);
        slow.get_mut().write_all(b"x").unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    slow.get_ref().set_nonblocking(false).unwrap();
    is_dismissed(slow, &echo, "the content came too slowly");
    assert_eq!(server.handle.stats().collected, 0);
}

fn an_idle_connection_is_ended_at_its_deadline(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_idle_timeout(SHORT));
    let server = driver.start(limits, echo.clone());
    let mut never = server.connect();
    let mut once = server.connect();
    exchange(&mut once, "once");
    for connection in [&mut never, &mut once] {
        assert_eq!(receive(connection).as_deref(), Some("nothing happened for too long"));
        assert_eq!(receive(connection), None);
    }
    drop((never, once));
    wait_until(|| echo.noted().len() == 2);
    assert_eq!(echo.noted(), ["nothing happened for too long"; 2]);
}

/// A connection whose system has room for as few bytes as it can.
fn connect_narrowly(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A server that pushes a long message to whoever is connected, and whose system has room for so many bytes of it.
fn pushing(driver: Driver, limits: Limits, echo: &Echo, length: usize, room: Option<usize>) -> (Running, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    if let Some(room) = room {
        socket2::SockRef::from(&listener).set_send_buffer_size(room).unwrap();
    }
    let server = driver.listen(listener, limits, echo.clone());
    let stream = connect_narrowly(server.address);
    wait_until(|| echo.peers.lock().unwrap().len() == 1);
    let id = echo.peers.lock().unwrap()[0];
    server.handle.queue(id, &Header::new("long", "binary", length as u64), vec![b'x'; length]).unwrap();
    (server, stream)
}

fn a_peer_that_reads_a_byte_a_second_is_ended_at_its_deadline(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_write_timeout(3 * SECOND));
    let (server, mut slow) = pushing(driver, limits, &echo, 8_000_000, None);
    let start = Instant::now();
    while echo.noted().is_empty() {
        assert!(start.elapsed() < PATIENCE);
        slow.read_exact(&mut [0]).unwrap();
        thread::sleep(SECOND);
    }
    assert_eq!(echo.noted(), ["the peer took what was sent to it too slowly"]);
    assert_eq!(server.handle.stats().queued, 0);
    exchange(&mut server.connect(), "and after");
}

fn a_peer_that_reads_a_little_now_and_then_is_ended_at_its_deadline(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_write_timeout(SECOND).with_min_write_rate(1_000_000));
    // With a small buffer, the server can write more as often as the peer has read some.
    let (server, mut slow) = pushing(driver, limits, &echo, 1, Some(1));
    let id = echo.peers.lock().unwrap()[0];
    for _ in 0..1000 {
        server.handle.queue(id, &Header::new("some", "binary", 2000), vec![b'x'; 2000]).unwrap();
    }
    let (start, mut place) = (Instant::now(), [0; 600]);
    let mut queued = 0;
    let mut times = 0;
    while echo.noted().is_empty() {
        assert!(start.elapsed() < PATIENCE, "it is still served");
        slow.read_exact(&mut place).unwrap();
        thread::sleep(Duration::from_millis(20));
        times += usize::from(std::mem::replace(&mut queued, server.handle.stats().queued) != queued);
    }
    assert!(times > 3, "it has taken something {times} times");
    assert_eq!(echo.noted(), ["the peer took what was sent to it too slowly"]);
}

fn a_peer_with_something_left_to_read_is_not_idle(driver: Driver) {
    const LENGTH: usize = 20_000_000;
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.idle_timeout = 2 * SECOND;
    // It is read all the while.
    limits.max_unread_replies = usize::MAX;
    let server = driver.start(limits, echo.clone());
    let mut connection = server.connect();
    wait_until(|| echo.peers.lock().unwrap().len() == 1);
    let id = echo.peers.lock().unwrap()[0];
    server.handle.queue(id, &Header::new("long", "binary", LENGTH as u64), vec![b'x'; LENGTH]).unwrap();
    thread::sleep(3 * SECOND);
    assert_eq!(receive(&mut connection).unwrap().len(), LENGTH);
    exchange(&mut connection, "still there");
    is_dismissed(connection, &echo, "nothing happened for too long");
}

fn a_peer_that_reads_at_the_floor_gets_everything(driver: Driver) {
    const LENGTH: usize = 3_000_000;
    let (echo, limits) = (Echo::default(), Limits::default().with_write_timeout(2 * SECOND).with_min_write_rate(500));
    // The system has room for so much that its poller tells of none for longer than the deadline.
    let (_server, mut slow) = pushing(driver, limits, &echo, LENGTH, None);
    let (start, mut place, mut received) = (Instant::now(), [0; 600], 0);
    while start.elapsed() < 7 * SECOND {
        slow.read_exact(&mut place).unwrap();
        received += place.len();
        thread::sleep(Duration::from_millis(20));
    }
    assert!(received < LENGTH / 4, "{received} bytes are not slow");
    assert_eq!(echo.noted(), [""; 0]);
    let rest = LENGTH + message(b"").len() - received;
    assert!(slow.take(rest as u64).read_to_end(&mut Vec::new()).unwrap() > LENGTH - received);
}

/// A system that is full passes nothing on until much has been read. A peer with the buffers of its system, which read
/// 22 times as fast as it must, was once taken for one that reads nothing. Here all goes 20 times as fast.
fn a_slow_reader_with_ordinary_buffers_gets_everything(driver: Driver) {
    const FASTER: u32 = 20;
    const LENGTH: usize = 20_000_000;
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.write_timeout /= FASTER;
    limits.min_write_rate *= u64::from(FASTER);
    let enough = limits.write_timeout * 3;
    let server = driver.start(limits, echo.clone());
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    wait_until(|| echo.peers.lock().unwrap().len() == 1);
    let id = echo.peers.lock().unwrap()[0];
    server.handle.queue(id, &Header::new("long", "binary", LENGTH as u64), vec![b'x'; LENGTH]).unwrap();

    let (start, mut place, mut received) = (Instant::now(), [0; 14_280], 0);
    while start.elapsed() < enough {
        slow.read_exact(&mut place).unwrap();
        received += place.len();
        thread::sleep(5 * SECOND / FASTER);
    }
    assert!(received < LENGTH / 4, "{received} bytes are not slow");
    assert_eq!(echo.noted(), [""; 0]);
    let rest = LENGTH + message(b"").len() - received;
    assert!(slow.take(rest as u64).read_to_end(&mut Vec::new()).unwrap() > LENGTH - received);
}

/// Gives its peers a little time to say anything.
#[derive(Clone, Default)]
struct Impatient(Echo);

impl Handler for Impatient {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        peer.set_deadline(Some(Instant::now() + SHORT));
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if message.content() == b"hello" {
            peer.set_deadline(None);
        }
        self.0.message(peer, &mut (), message);
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, (): &mut (), why: &CloseReason) {
        self.0.farewell(peer, &mut (), why);
    }

    fn disconnected(&mut self, id: Id, address: Address, (): (), why: &CloseReason) {
        self.0.disconnected(id, address, (), why);
    }
}

fn a_peer_is_ended_at_the_handlers_deadline_whatever_it_sends_and_stays_if_that_is_cleared(driver: Driver) {
    const LATE: &str = "the time that the server has set is over";
    let impatient = Impatient::default();
    let server = driver.start(Limits::default(), impatient.clone());
    let mut in_time = server.connect();
    exchange(&mut in_time, "hello");
    let mut silent = server.connect();
    let mut busy = server.connect();
    // Sends something else for as long as it is served.
    let start = Instant::now();
    let last = loop {
        assert!(start.elapsed() < PATIENCE);
        busy.send(&Header::new("text", "utf-8", 2), b"hi").unwrap();
        match receive(&mut busy).unwrap() {
            answer if answer == "hi" => {}
            last => break last,
        }
    };
    assert_eq!(last, LATE);
    drop(busy);
    assert_eq!(receive(&mut silent).as_deref(), Some(LATE));
    assert_eq!(receive(&mut silent), None);
    drop(silent);
    wait_until(|| impatient.0.noted() == [LATE, LATE]);
    exchange(&mut in_time, "still there");
}
