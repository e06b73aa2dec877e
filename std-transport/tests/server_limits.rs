//! A server and peers that are slow, silent, greedy or wrong: each has its limit, and none delays another.
#![cfg(feature = "server")]

mod running;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{AtLimit, Handler, Limits, Peer, Take};
use jsonframe_std::{Connection, Error};
use running::{Echo, PATIENCE, Running, exchange, receive, wait_until};

/// What is short in these tests, and long enough for a machine under load.
const SHORT: Duration = Duration::from_millis(300);

fn message(content: &[u8]) -> Vec<u8> {
    let header = Header::new("bytes", "binary", content.len() as u64);
    Message::new(header, content).unwrap().to_vec().unwrap()
}

/// Waits until the server has closed the connection, however it did.
fn is_closed(mut stream: &TcpStream) {
    let mut scrap = vec![0; 65_536];
    loop {
        match stream.read(&mut scrap) {
            Ok(1..) => {}
            Ok(0) => return,
            Err(error) => {
                assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "it is still open");
                return;
            }
        }
    }
}

fn notes_of(echo: &Echo) -> Vec<String> {
    echo.notes.lock().unwrap().clone()
}

#[test]
fn a_slow_sender_delays_nobody_and_is_understood() {
    let server = Running::start(Limits::default(), Echo::default());
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

#[test]
fn a_flood_delays_nobody() {
    let server = Running::start(Limits::default(), Echo::default());
    let flood = server.connect();
    let mut sending = flood.get_ref().try_clone().unwrap();
    let mut receiving = flood.get_ref().try_clone().unwrap();
    // Messages without content, the most work for the fewest bytes.
    let writer = thread::spawn(move || {
        let block = message(b"").repeat(1000);
        while sending.write_all(&block).is_ok() {}
    });
    let reader = thread::spawn(move || {
        let mut scrap = vec![0; 65_536];
        while receiving.read(&mut scrap).is_ok_and(|count| count > 0) {}
    });
    let mut other = server.connect();
    let start = Instant::now();
    for _ in 0..100 {
        exchange(&mut other, "in between");
    }
    // Each of these waits for a turn or two of the flood, of 64 messages.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    flood.get_ref().shutdown(Shutdown::Both).unwrap();
    writer.join().unwrap();
    reader.join().unwrap();
}

#[test]
fn a_header_has_its_deadline() {
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.header_deadline = SHORT;
    let server = Running::start(limits, echo.clone());
    let mut slow = server.connect();
    exchange(&mut slow, "first");
    let mut silent = server.connect();
    // A byte now and then does not prolong it.
    let bytes = message(b"");
    let start = Instant::now();
    let mut sent = 0;
    while slow.get_mut().write_all(&bytes[sent % 50..=sent % 50]).is_ok() && sent < 50 {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(20));
        sent += 1;
        if !notes_of(&echo).is_empty() {
            break;
        }
    }
    is_closed(slow.get_ref());
    assert_eq!(notes_of(&echo), ["the header took too long"]);
    exchange(&mut silent, "it is not for who has not begun");
}

#[test]
fn an_idle_connection_has_its_deadline() {
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.idle_deadline = SHORT;
    let server = Running::start(limits, echo.clone());
    let idle = server.connect();
    let mut once = server.connect();
    exchange(&mut once, "once");
    is_closed(idle.get_ref());
    is_closed(once.get_ref());
    assert_eq!(notes_of(&echo), ["nothing happened for too long"; 2]);
}

#[test]
fn content_must_come_at_the_floor() {
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.content_window = SHORT;
    limits.content_floor = 100_000;
    let server = Running::start(limits, echo.clone());
    let mut slow = server.connect();
    let whole = message(&vec![b'x'; 1_000_000]);
    slow.get_mut().write_all(&whole[..500_000]).unwrap();
    let start = Instant::now();
    while notes_of(&echo).is_empty() {
        assert!(start.elapsed() < PATIENCE);
        let _ = slow.get_mut().write_all(b"x");
        thread::sleep(Duration::from_millis(20));
    }
    is_closed(slow.get_ref());
    assert_eq!(notes_of(&echo), ["the content came too slowly"]);
    assert_eq!(server.handle.stats().collected, 0);
}

#[test]
fn who_never_reads_is_bounded_and_ends() {
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.write_deadline = SHORT;
    let most = limits.unread_replies + 1_000_000 + 200;
    let server = Running::start(limits, echo.clone());
    let mut greedy = server.connect();
    let mut other = server.connect();
    greedy.get_ref().set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let request = message(&vec![b'x'; 1_000_000]);
    let start = Instant::now();
    while notes_of(&echo).is_empty() {
        assert!(start.elapsed() < PATIENCE);
        let _ = greedy.get_mut().write(&request);
        let queued = server.handle.stats().queued;
        assert!(queued <= most, "{queued} bytes are queued");
        exchange(&mut other, "meanwhile");
    }
    let ends = ["the peer took nothing of what was sent to it for too long", "the content came too slowly"];
    assert!(ends.contains(&notes_of(&echo)[0].as_str()), "{:?}", notes_of(&echo));
    server.wait_until(|server| server.handle.stats().queued == 0);
    exchange(&mut other, "and after");
}

#[test]
fn who_does_not_read_what_is_pushed_is_closed_and_misses_nothing_before() {
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.queued = 1_000_000;
    limits.unread_replies = 1_000_000;
    let server = Running::start(limits, echo.clone());
    let mut deaf = server.connect();
    let mut other = server.connect();
    exchange(&mut other, "hello");
    let news = vec![b'n'; 100_000];
    let header = Header::new("news", "binary", 100_000);
    let start = Instant::now();
    let mut pushed = 0;
    while notes_of(&echo).is_empty() {
        assert!(start.elapsed() < PATIENCE);
        server.handle.broadcast(&header, news.clone()).unwrap();
        pushed += 1;
        assert_eq!(receive(&mut other).unwrap().len(), news.len());
        assert!(server.handle.stats().queued <= 2_200_000);
    }
    assert_eq!(notes_of(&echo), ["the peer does not read what is sent to it"]);
    // What had been taken by the system arrives, whole messages in order and then a cut.
    let mut received = 0;
    while let Ok(Some(mut incoming)) = deaf.receive() {
        if incoming.content().is_err() {
            break;
        }
        received += 1;
    }
    assert!(received < pushed, "{received} of {pushed}");
    exchange(&mut other, "it goes on");
}

#[test]
fn what_is_queued_in_all_is_bounded() {
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.queued_total = 3_000_000;
    let server = Running::start(limits, echo.clone());
    let deaf: Vec<_> = (0..20).map(|_| server.connect()).collect();
    server.wait_until(|_| echo.peers.lock().unwrap().len() == 20);
    let news = vec![b'n'; 500_000];
    let header = Header::new("news", "binary", 500_000);
    let mut full = 0;
    for _ in 0..100 {
        match server.handle.broadcast(&header, news.clone()) {
            Ok(()) => thread::sleep(Duration::from_millis(2)),
            Err(Error::QueueFull) => full += 1,
            Err(error) => panic!("{error}"),
        }
        // Each connection has room for one message whatever happens.
        let queued = server.handle.stats().queued;
        assert!(queued <= 3_000_000 + 21 * 501_000, "{queued}");
    }
    assert!(full > 0 || !notes_of(&echo).is_empty());
    drop(deaf);
    server.wait_until(|server| server.handle.stats().queued == 0);
    exchange(&mut server.connect(), "and after");
}

#[test]
fn a_header_bomb_is_refused_at_its_first_bytes() {
    let server = Running::start(Limits::default(), Echo::default());
    let mut bomb = server.connect();
    bomb.get_mut().write_all(&[0xFF, 0xFF]).unwrap();
    assert_eq!(
        receive(&mut bomb).as_deref(),
        Some("the header is 65535 bytes long; this decoder takes at most 16384 (at byte 0)")
    );
    let mut nested = server.connect();
    nested.get_mut().write_all(&10_000_u16.to_be_bytes()).unwrap();
    nested.get_mut().write_all(b"{\"a\":").unwrap();
    nested.get_mut().write_all(&[b'['; 9_995]).unwrap();
    assert!(receive(&mut nested).unwrap().starts_with("objects and arrays are nested more than 64 deep"));
}

#[test]
fn a_huge_length_costs_nothing_and_is_refused_at_the_header() {
    let (echo, limits) = (Echo::default(), Limits::default());
    let server = Running::start(limits, echo.clone());
    for length in [16 * 1024 * 1024 + 1, u64::MAX] {
        let mut liar = server.connect();
        let mut head = vec![0; 200];
        let head = Header::new("bytes", "binary", length).encode(&mut head).unwrap().to_vec();
        liar.get_mut().write_all(&head).unwrap();
        let text = receive(&mut liar).unwrap();
        assert!(text.starts_with(&format!("the content is {length} bytes long")), "{text}");
        assert_eq!(receive(&mut liar), None);
    }
}

#[test]
fn memory_follows_content_that_comes_not_content_that_is_announced() {
    let (echo, mut limits) = (Echo::default(), Limits::default());
    limits.content = u64::MAX;
    limits.collected_total = 1_000_000;
    let server = Running::start(limits, echo.clone());
    let mut liar = server.connect();
    let mut head = vec![0; 200];
    let head = Header::new("bytes", "binary", 1 << 50).encode(&mut head).unwrap().to_vec();
    liar.get_mut().write_all(&head).unwrap();
    liar.get_mut().write_all(&[0; 1000]).unwrap();
    server.wait_until(|server| server.handle.stats().collected == 1000);
    let mut other = server.connect();
    exchange(&mut other, "there is memory for this");
    let _ = liar.get_mut().write_all(&vec![0; 2_000_000]);
    is_closed(liar.get_ref());
    assert_eq!(notes_of(&echo), ["too much content is being collected"]);
    assert_eq!(server.handle.stats().collected, 0);
    exchange(&mut other, "and after");
}

#[test]
fn at_the_limit_connections_wait() {
    let mut limits = Limits::default();
    limits.connections = 2;
    let server = Running::start(limits, Echo::default());
    let mut served: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for connection in &mut served {
        exchange(connection, "served");
    }
    let mut waiting = server.connect();
    waiting.send(&Header::json(2), b"{}").unwrap();
    waiting.get_ref().set_read_timeout(Some(SHORT)).unwrap();
    assert!(matches!(waiting.receive(), Err(Error::Io(_))));
    assert_eq!(server.handle.stats().accepted, 2);
    served.pop();
    waiting.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(receive(&mut waiting).as_deref(), Some("{}"));
    assert_eq!(server.handle.stats().refused, 0);
}

#[test]
fn at_the_limit_connections_are_refused_where_that_is_wanted() {
    let mut limits = Limits::default();
    limits.connections = 2;
    limits.at_limit = AtLimit::Refuse;
    let server = Running::start(limits, Echo::default());
    let mut served: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for connection in &mut served {
        exchange(connection, "served");
    }
    is_closed(server.connect().get_ref());
    assert_eq!(server.handle.stats().refused, 1);
    served.pop();
    server.wait_until(|server| server.handle.stats().connections == 1);
    exchange(&mut server.connect(), "there is room again");
}

#[test]
fn a_reset_in_mid_message_ends_one_connection() {
    let echo = Echo::default();
    let server = Running::start(Limits::default(), echo.clone());
    let mut other = server.connect();
    let whole = message(b"content");
    for cut in [1, 2, 50, whole.len() - 1] {
        let mut broken = server.connect();
        broken.get_mut().write_all(&whole[..cut]).unwrap();
        exchange(&mut other, "so that it has arrived");
        socket2::SockRef::from(broken.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    }
    wait_until(|| notes_of(&echo).len() == 4);
    assert!(notes_of(&echo).iter().all(|note| note.contains("reset")), "{:?}", notes_of(&echo));
    exchange(&mut other, "and after");
}

/// Sends more than fits.
struct Chatterbox;

impl Handler for Chatterbox {
    fn header(&mut self, _: &mut Peer<'_>, _: &Header<'_>) -> Take {
        Take::Streamed { max: 10 }
    }

    fn message(&mut self, _: &mut Peer<'_>, _: Message<'_>) {}

    fn end(&mut self, peer: &mut Peer<'_>) {
        let content = vec![0; 1_000_000];
        let header = Header::new("much", "binary", 1_000_000);
        let refused = (0..1000).map(|_| peer.send(&header, &content)).find_map(Result::err);
        assert!(matches!(refused, Some(Error::QueueFull)));
        assert!(peer.queued() < 6_000_000);
    }
}

#[test]
fn a_handler_that_sends_without_end_is_told() {
    let server = Running::start(Limits::default(), Chatterbox);
    let mut connection = server.connect();
    connection.send(&Header::json(2), b"{}").unwrap();
    let mut received = 0;
    while let Ok(Some(mut incoming)) = connection.receive() {
        received += usize::from(incoming.content().is_ok());
    }
    assert!((1..1000).contains(&received), "{received}");
    let mut connection: Connection<TcpStream> = server.connect();
    connection.send(&Header::json(11), b"12345678901").unwrap();
    assert!(connection.receive().unwrap().is_none());
}
