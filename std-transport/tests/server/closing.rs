//! A server that closes: after a protocol error, and when it is shut down, without losing what was said last.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::running::driver::{Driver, on_all_drivers_at_once, on_each_driver};
use crate::running::{Echo, GRACE, PATIENCE, Running, connect, exchange, receive, wait_until};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Handler, Limits, Peer, To};
use jsonframe_std::{Connection, Error};

on_each_driver! {
    a_protocol_error_is_answered_though_the_peer_goes_on_sending,
    a_truncated_message_is_answered,
    a_peer_that_sends_for_ever_after_an_error_is_cut_off,
    a_peer_that_keeps_the_connection_open_after_an_error_is_dropped,
    a_shutdown_under_load_loses_no_reply,
    a_shutdown_answers_a_message_under_way,
    what_waits_in_the_backlog_at_a_shutdown_is_served,
    a_shutdown_abandons_a_message_under_way_at_its_deadline,
    a_peer_that_was_told_everything_is_not_abandoned_by_a_shutdown,
    pushes_before_a_shutdown_arrive,
    a_shutdown_at_the_connection_limit_ends_though_no_place_is_ever_free,
}

on_all_drivers_at_once! {
    a_shutdown_ends_between_messages_of_peers_that_never_pause,
    a_shutdown_handles_what_waits_in_the_backlog_at_the_connection_limit,
}

fn a_protocol_error_is_answered_though_the_peer_goes_on_sending(driver: Driver) {
    const EXTRA: usize = 20 * 1024 * 1024;
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    for round in 1..=20 {
        let mut connection = server.connect();
        exchange(&mut connection, "what is whole is answered");
        connection.get_mut().write_all(b"\x00\x02[]").unwrap();
        // It does not read before all is written; to write that must not fail either.
        connection.get_mut().write_all(&vec![b'x'; EXTRA]).unwrap();
        let mut answer = connection.receive().unwrap().unwrap();
        assert_eq!(answer.header().content_type(), "error");
        let text = answer.content().unwrap();
        assert!(text.starts_with(b"the header begins with `[`"), "{}", String::from_utf8_lossy(&text));
        assert_eq!(receive(&mut connection), None);
        drop(connection);
        wait_until(|| echo.notes.lock().unwrap().len() == round);
    }
}

fn a_truncated_message_is_answered(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut connection = server.connect();
    connection.get_mut().write_all(b"\x00\x67{").unwrap();
    connection.get_ref().shutdown(Shutdown::Write).unwrap();
    let text = receive(&mut connection).unwrap();
    assert_eq!(text, "the stream ends inside a message; bytes missing: at least 102 (at byte 3)");
    assert_eq!(receive(&mut connection), None);
}

fn a_peer_that_sends_for_ever_after_an_error_is_cut_off(driver: Driver) {
    for by_bytes in [true, false] {
        let (echo, mut limits) = (Echo::default(), Limits::default());
        if by_bytes {
            limits.linger_bytes = 1_000_000;
            limits.linger = 2 * PATIENCE;
        } else {
            limits.linger = Duration::from_millis(300);
            limits.linger_bytes = u64::MAX;
        }
        let server = driver.start(limits, echo.clone());
        let mut connection = server.connect();
        connection.get_mut().write_all(b"\x00\x00").unwrap();
        let start = Instant::now();
        while connection.get_mut().write_all(&[0; 1000]).is_ok() {
            assert!(start.elapsed() < PATIENCE);
            thread::sleep(Duration::from_micros(100));
        }
        wait_until(|| echo.notes.lock().unwrap().len() == 1);
        assert!(echo.notes.lock().unwrap()[0].starts_with("the header length is 0"));
    }
}

fn a_peer_that_keeps_the_connection_open_after_an_error_is_dropped(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_linger_silence(Duration::from_millis(100)));
    let server = driver.start(limits, echo.clone());
    let mut connection = server.connect();
    connection.get_mut().write_all(b"\x00\x00").unwrap();
    assert!(receive(&mut connection).is_some());
    wait_until(|| echo.notes.lock().unwrap().len() == 1);
    // It is counted until its last hook has returned.
    wait_until(|| server.handle.stats().connections == 0);
}

/// Counts what it has handled, and answers with the count.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicU64>);

impl Handler for Counting {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        peer.send(&message.header(), message.content()).unwrap();
    }
}

/// Sends as fast as it can, many requests ahead of the replies, until the server ends the stream; how many replies came.
fn load(mut connection: Connection<TcpStream>, going: &Arc<AtomicBool>) -> u64 {
    let content = vec![b'c'; 5_000];
    let header = Header::new("load", "binary", 5_000);
    let mut sending = Connection::new(connection.get_ref().try_clone().unwrap());
    let writer = thread::spawn({
        let (content, going) = (content.clone(), Arc::clone(going));
        move || {
            while going.load(Ordering::SeqCst) && sending.send(&header, &content).is_ok() {}
            // Some are in the middle of a message when the server is shut down.
            let _ = sending.get_mut().write_all(b"\x00");
            let _ = sending.get_ref().shutdown(Shutdown::Write);
        }
    });
    let mut replies = 0;
    loop {
        match connection.receive() {
            Ok(Some(mut reply)) => {
                assert_eq!(reply.content().unwrap(), content);
                replies += 1;
            }
            Ok(None) => break,
            Err(error) => panic!("after {replies} replies: {error}"),
        }
    }
    going.store(false, Ordering::SeqCst);
    writer.join().unwrap();
    replies
}

fn a_shutdown_under_load_loses_no_reply(driver: Driver) {
    let counting = Counting::default();
    let server = driver.start(Limits::default(), counting.clone());
    let going = Arc::new(AtomicBool::new(true));
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let (connection, going) = (server.connect(), Arc::clone(&going));
            thread::spawn(move || load(connection, &going))
        })
        .collect();
    wait_until(|| counting.0.load(Ordering::SeqCst) > 2_000);
    // While all are sending.
    server.handle.shutdown(GRACE);
    thread::sleep(Duration::from_millis(50));
    going.store(false, Ordering::SeqCst);
    let replies: u64 = clients.into_iter().map(|client| client.join().unwrap()).sum();
    server.join();
    assert_eq!(replies, counting.0.load(Ordering::SeqCst));
}

fn a_shutdown_ends_between_messages_of_peers_that_never_pause(driver: Driver) {
    let counting = Counting::default();
    let server = driver.start(Limits::default(), counting.clone());
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let connection = server.connect();
            thread::spawn(move || load(connection, &Arc::new(AtomicBool::new(true))))
        })
        .collect();
    wait_until(|| counting.0.load(Ordering::SeqCst) > 500);
    server.handle.shutdown(Duration::from_secs(8));
    let replies: u64 = clients.into_iter().map(|client| client.join().unwrap()).sum();
    server.join();
    assert_eq!(replies, counting.0.load(Ordering::SeqCst));
}

fn a_shutdown_answers_a_message_under_way(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
    let mut connection = server.connect();
    let mut idle = server.connect();
    exchange(&mut idle, "idle");
    let message = Message::new(Header::for_json(2), b"{}").unwrap().to_vec().unwrap();
    connection.get_mut().write_all(&message[..50]).unwrap();
    exchange(&mut idle, "so that it has arrived");
    server.handle.shutdown(GRACE);
    assert_eq!(receive(&mut idle), None);
    // A shutdown returns at once, and of several threads or tasks, the one that closes the listener is another than ends this peer.
    wait_until(|| Connection::connect(server.address).is_err());
    connection.get_mut().write_all(&message[50..]).unwrap();
    assert_eq!(receive(&mut connection).as_deref(), Some("{}"));
    assert_eq!(receive(&mut connection), None);
    drop((connection, idle));
    server.join();
}

/// Connections that have sent something and are in the backlog.
fn in_the_backlog(address: SocketAddr) -> Vec<Connection<TcpStream>> {
    let connection = |_| {
        let mut connection = connect(address);
        connection.send(&Header::for_json(2), b"{}").unwrap();
        connection
    };
    (0..20).map(connection).collect()
}

fn are_served(mut connections: Vec<Connection<TcpStream>>) {
    for connection in &mut connections {
        assert_eq!(receive(connection).as_deref(), Some("{}"));
        assert_eq!(receive(connection), None);
    }
}

fn what_waits_in_the_backlog_at_a_shutdown_is_served(driver: Driver) {
    let server = driver.bind(Limits::default(), Echo::default());
    let connections = in_the_backlog(server.address);
    server.handle.shutdown(GRACE);
    let server = server.start();
    are_served(connections);
    server.join();
}

/// Sends back what it gets, from the opening of a gate on.
struct Gated(Option<mpsc::Receiver<()>>);

impl Handler for Gated {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if let Some(gate) = self.0.take() {
            gate.recv_timeout(PATIENCE).unwrap();
        }
        peer.send(&message.header(), message.content()).unwrap();
    }
}

#[test]
fn idle_workers_serve_what_waits_in_the_backlog_at_a_shutdown() {
    let (gate, opened) = mpsc::channel();
    // The first worker, which accepts, has the third connection.
    let handlers = vec![Gated(Some(opened)), Gated(None), Gated(None)];
    let server = Running::spawn(Limits::default(), |server| server.run_workers(handlers));
    drop([server.connect(), server.connect()]);
    let mut third = server.connect();
    server.wait_until(|server| server.handle.stats().accepted == 3 && server.handle.stats().connections == 1);
    third.send(&Header::for_json(2), b"{}").unwrap();
    // Accepted by nobody, for the one who would is busy.
    thread::sleep(Duration::from_millis(100));
    let connections = in_the_backlog(server.address);
    server.handle.shutdown(GRACE);
    thread::sleep(Duration::from_millis(100));
    gate.send(()).unwrap();
    are_served(connections);
    assert_eq!(receive(&mut third).as_deref(), Some("{}"));
    drop(third);
    server.join();
}

fn a_shutdown_abandons_a_message_under_way_at_its_deadline(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut stuck = server.connect();
    stuck.get_mut().write_all(b"\x00\x67{").unwrap();
    let mut other = server.connect();
    exchange(&mut other, "so that it has arrived");
    drop(other);
    wait_until(|| echo.notes.lock().unwrap().len() == 1);
    server.handle.shutdown(Duration::from_millis(200));
    server.join();
    assert_eq!(
        *echo.notes.lock().unwrap(),
        ["the peer has ended the connection", "the server has been shut down, with the connection in use"]
    );
    assert!(matches!(stuck.get_mut().read(&mut [0]), Ok(0) | Err(_)));
}

fn a_peer_that_was_told_everything_is_not_abandoned_by_a_shutdown(driver: Driver) {
    let (echo, limits) = (Echo::default(), Limits::default().with_linger_silence(PATIENCE).with_linger(PATIENCE));
    let server = driver.start(limits, echo.clone());
    let mut stays = server.connect();
    exchange(&mut stays, "it does not close its half");
    server.handle.shutdown(Duration::from_millis(200));
    server.join();
    assert_eq!(echo.noted(), ["the server has been shut down"]);
    assert_eq!(receive(&mut stays), None);
}

fn pushes_before_a_shutdown_arrive(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut connections = server.connect_in_order(5, &echo);
    let content = vec![b'x'; 3_000_000];
    server.handle.queue(To::All, &Header::new("last", "binary", 3_000_000), content).unwrap();
    server.handle.shutdown(GRACE);
    for connection in &mut connections {
        assert_eq!(receive(connection).unwrap().len(), 3_000_000);
        assert_eq!(receive(connection), None);
    }
    drop(connections);
    server.join();
    assert!(matches!(Error::Closed.to_string().as_str(), "the connection takes no more messages"));
}

/// Answers at the second message only, so that the first one leaves time for others to come.
#[derive(Clone)]
struct Slow {
    begun: mpsc::Sender<()>,
    go_on: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Handler for Slow {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if message.content() == b"wait" {
            self.begun.send(()).unwrap();
            let _ = self.go_on.lock().unwrap().recv_timeout(PATIENCE);
        }
        peer.send(&message.header(), message.content()).unwrap();
    }
}

fn a_shutdown_handles_what_waits_in_the_backlog_at_the_connection_limit(driver: Driver) {
    let limits = Limits::default().with_max_connections(1);
    let ((begun, busy), (release, go_on)) = (mpsc::channel(), mpsc::channel());
    let server = driver.start(limits, Slow { begun, go_on: Arc::new(Mutex::new(go_on)) });
    let mut served = server.connect();
    served.send(&Header::new("text", "utf-8", 4), b"wait").unwrap();
    busy.recv().unwrap();
    let mut waiting: Vec<_> = (0..5).map(|_| server.connect()).collect();
    for connection in &mut waiting {
        connection.send(&Header::new("text", "utf-8", 4), b"late").unwrap();
    }
    server.handle.shutdown(GRACE);
    release.send(()).unwrap();
    assert_eq!(receive(&mut served).as_deref(), Some("wait"));
    for connection in &mut waiting {
        assert_eq!(receive(connection).as_deref(), Some("late"));
        assert_eq!(receive(connection), None);
    }
    server.join();
}

fn a_shutdown_at_the_connection_limit_ends_though_no_place_is_ever_free(driver: Driver) {
    let limits = Limits::default().with_max_connections(0);
    let server = driver.start(limits, Echo::default());
    let _waiting = server.connect();
    server.handle.shutdown(Duration::from_millis(100));
    server.join();
}
