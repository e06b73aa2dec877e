//! A server and peers that want too much: each has its limit.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::running::driver::{Driver, on_each_driver};
use crate::running::{Echo, PATIENCE, Running, exchange, is_closed, message, receive, wait_until};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{AtLimit, ContentMode, Handler, Limits, Peer, To};
use jsonframe_std::{Connection, Error};

on_each_driver! {
    a_peer_that_never_reads_is_bounded_and_ended,
    a_peer_that_does_not_read_pushes_is_closed_and_misses_none_before,
    a_header_bomb_is_refused_at_its_first_bytes,
    a_huge_length_costs_nothing_and_is_refused_at_the_header,
    memory_follows_content_that_comes_not_content_that_is_announced,
    connections_beyond_the_limit_wait,
    connections_beyond_the_limit_are_refused_where_that_is_configured,
    a_reset_in_mid_message_ends_one_connection,
    what_a_handler_sends_counts_at_once_against_the_limit_for_all,
    a_handler_that_sends_without_end_gets_an_error,
}

/// What is short in these tests, and long enough for a machine under load.
const SHORT: Duration = Duration::from_millis(300);

fn a_peer_that_never_reads_is_bounded_and_ended(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_write_timeout(SHORT));
    let most = limits.max_unread_replies + 1_000_000 + 200;
    let server = driver.start(limits, echo.clone());
    let mut greedy = server.connect();
    let mut other = server.connect();
    greedy.get_ref().set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let request = message(&vec![b'x'; 1_000_000]);
    let start = Instant::now();
    while echo.noted().is_empty() {
        assert!(start.elapsed() < PATIENCE);
        let _ = greedy.get_mut().write(&request);
        let queued = server.handle.stats().queued;
        assert!(queued <= most, "{queued} bytes are queued");
        exchange(&mut other, "meanwhile");
    }
    let ends = ["the peer took what was sent to it too slowly", "the content came too slowly"];
    assert!(ends.contains(&echo.noted()[0].as_str()), "{:?}", echo.noted());
    server.wait_until(|server| server.handle.stats().queued == 0);
    exchange(&mut other, "and after");
}

fn a_peer_that_does_not_read_pushes_is_closed_and_misses_none_before(driver: Driver) {
    let (echo, limits) =
        (Echo::default(), Limits::default().with_max_queued(1_000_000).with_max_unread_replies(1_000_000));
    let server = driver.start(limits, echo.clone());
    let mut deaf = server.connect();
    let mut other = server.connect();
    exchange(&mut other, "hello");
    let news = vec![b'n'; 100_000];
    let header = Header::new("news", "binary", 100_000);
    let start = Instant::now();
    let mut pushed = 0;
    while echo.noted().is_empty() {
        assert!(start.elapsed() < PATIENCE);
        server.handle.queue(To::All, &header, news.clone()).unwrap();
        pushed += 1;
        assert_eq!(receive(&mut other).unwrap().len(), news.len());
        // What a worker has not come to take counts too.
        server.wait_until(|server| server.handle.stats().queued <= 2_200_000);
    }
    assert_eq!(echo.noted(), ["the peer does not read what is sent to it"]);
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

fn a_header_bomb_is_refused_at_its_first_bytes(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
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

fn a_huge_length_costs_nothing_and_is_refused_at_the_header(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default());
    let server = driver.start(limits, echo.clone());
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

fn memory_follows_content_that_comes_not_content_that_is_announced(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_max_content(u64::MAX).with_max_collected(1_000_000));
    let server = driver.start(limits, echo.clone());
    let mut liar = server.connect();
    let mut head = vec![0; 200];
    let head = Header::new("bytes", "binary", 1 << 50).encode(&mut head).unwrap().to_vec();
    liar.get_mut().write_all(&head).unwrap();
    liar.get_mut().write_all(&[0; 1000]).unwrap();
    server.wait_until(|server| server.handle.stats().collected >= 1000);
    assert!(server.handle.stats().collected <= 2000);
    let mut other = server.connect();
    exchange(&mut other, "there is memory for this");
    let _ = liar.get_mut().write_all(&vec![0; 2_000_000]);
    assert_eq!(receive(&mut liar).as_deref(), Some("too much content is being collected"));
    assert_eq!(receive(&mut liar), None);
    drop(liar);
    wait_until(|| echo.noted() == ["too much content is being collected"]);
    assert_eq!(server.handle.stats().collected, 0);
    exchange(&mut other, "and after");
}

fn connections_beyond_the_limit_wait(driver: Driver) {
    let limits = Limits::default().with_max_connections(2);
    let server = driver.start(limits, Echo::default());
    // Whichever of those that are served ends, be it another worker's or not.
    for ends in 0..2 {
        let mut served: Vec<_> = (0..2).map(|_| server.connect()).collect();
        for connection in &mut served {
            exchange(connection, "served");
        }
        let accepted = server.handle.stats().accepted;
        let mut waiting = server.connect();
        waiting.send(&Header::for_json(2), b"{}").unwrap();
        waiting.get_ref().set_read_timeout(Some(SHORT)).unwrap();
        assert!(matches!(waiting.receive(), Err(Error::Io(_))));
        assert_eq!(server.handle.stats().accepted, accepted);
        served.remove(ends);
        waiting.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(receive(&mut waiting).as_deref(), Some("{}"));
        drop((served, waiting));
        server.wait_until(|server| server.handle.stats().connections == 0);
    }
    assert_eq!(server.handle.stats().refused, 0);
}

fn connections_beyond_the_limit_are_refused_where_that_is_configured(driver: Driver) {
    let limits = Limits::default().with_max_connections(2).with_at_limit(AtLimit::Refuse);
    let server = driver.start(limits, Echo::default());
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

fn a_reset_in_mid_message_ends_one_connection(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut other = server.connect();
    let whole = message(b"content");
    for cut in [1, 2, 50, whole.len() - 1] {
        let mut broken = server.connect();
        broken.get_mut().write_all(&whole[..cut]).unwrap();
        exchange(&mut other, "so that it has arrived");
        socket2::SockRef::from(broken.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    }
    wait_until(|| echo.noted().len() == 4);
    assert!(echo.noted().iter().all(|note| note.contains("reset")), "{:?}", echo.noted());
    exchange(&mut other, "and after");
}

/// Sends more than fits, unless the peer reads as fast as it sends.
#[derive(Clone)]
struct Chatterbox;

impl Handler for Chatterbox {
    type State = ();

    fn header(&mut self, _: &mut Peer<'_>, (): &mut (), _: &Header<'_>) -> ContentMode {
        ContentMode::Streamed { max: 10 }
    }

    fn message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}

    fn end(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        let content = vec![0; 1_000_000];
        let header = Header::new("much", "binary", 1_000_000);
        let refused = (0..1000).map(|_| peer.send(&header, &content)).find_map(Result::err);
        assert!(matches!(refused, Some(Error::QueueFull)));
        assert!(peer.queued() < 6_000_000);
    }
}

/// A server that has given up a peer, which has not read meanwhile, and the peer's connection.
fn given_up(driver: Driver, limits: Limits) -> (Running, Connection<TcpStream>) {
    let server = driver.start(limits, Chatterbox);
    let mut connection = server.connect();
    connection.send(&Header::for_json(2), b"{}").unwrap();
    server.wait_until(|server| server.handle.stats().accepted == 1 && server.handle.stats().connections == 0);
    (server, connection)
}

fn what_a_handler_sends_counts_at_once_against_the_limit_for_all(driver: Driver) {
    let limits = Limits::default().with_max_queued(1_000_000_000).with_max_queued_total(3_000_000);
    given_up(driver, limits);
}

fn a_handler_that_sends_without_end_gets_an_error(driver: Driver) {
    let (server, mut connection) = given_up(driver, Limits::default());
    let mut received = 0;
    while let Ok(Some(mut incoming)) = connection.receive() {
        received += usize::from(incoming.content().is_ok());
    }
    assert!((1..1000).contains(&received), "{received}");
    let mut connection: Connection<TcpStream> = server.connect();
    connection.send(&Header::for_json(11), b"12345678901").unwrap();
    assert!(connection.receive().unwrap().is_none());
}
