//! A server whose connections begin with a PROXY header, a TLS handshake, or both.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::running::driver::{Driver, on_all_drivers_at_once, on_each_driver};
use crate::running::tls::{Ends, Secure, finish};
use crate::running::{Echo, GRACE, Running, connect, exchange, is_closed, message, receive, wait_until};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, CloseReason, Handler, Id, Limits, Listener, NotAccepted, Peer, To};

on_each_driver! {
    much_goes_both_ways_over_tls_while_a_plain_peer_is_served,
    a_peer_that_sends_no_tls_is_not_accepted,
    a_peer_whose_handshake_fails_is_not_accepted,
    last_words_arrive_over_tls_and_then_its_end,
    a_tls_peer_that_ends_properly_is_answered_and_told_of_the_end,
    a_tls_stream_that_is_cut_off_is_no_proper_end,
    a_shutdown_under_load_loses_no_reply_over_tls,
    a_shutdown_does_not_wait_for_handshakes,
    a_handler_knows_the_certificates_of_its_peer,
    what_is_for_all_goes_to_those_whose_handshake_is_complete,
    the_address_in_a_proxy_header_is_the_peers,
    a_proxy_header_precedes_tls,
    only_a_proxy_that_speaks_for_itself_may_leave_without_a_word,
    a_peer_without_a_proxy_header_is_not_accepted,
    a_message_after_a_proxy_header_is_handled_in_a_shutdown,
    many_handshakes_at_once_succeed,
}

on_all_drivers_at_once! {
    a_handshake_that_takes_too_long_is_ended,
    a_tls_peer_that_does_not_read_is_ended,
}

const SHORT: Duration = Duration::from_millis(200);

/// A server with a TLS listener, which comes first, and a plain one, whose address is returned.
fn secure(
    driver: Driver,
    ends: &Ends,
    limits: Limits,
    handler: impl crate::running::driver::Shared,
) -> (Running, Address) {
    let plain = Listener::tcp("127.0.0.1:0").unwrap();
    let address = plain.address();
    let listener = Listener::tcp("127.0.0.1:0").unwrap().with_tls(Arc::clone(&ends.server));
    (driver.serve(vec![listener, plain], limits, handler), address)
}

/// A server behind a proxy.
fn proxied(driver: Driver, limits: Limits, handler: impl crate::running::driver::Shared) -> Running {
    driver.serve(vec![Listener::tcp("127.0.0.1:0").unwrap().with_proxy_header()], limits, handler)
}

fn wait_for(echo: &Echo, notes: usize) -> Vec<String> {
    wait_until(|| echo.noted().len() >= notes);
    echo.noted()
}

fn much_goes_both_ways_over_tls_while_a_plain_peer_is_served(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let (server, plain) = secure(driver, &ends, Limits::default(), echo.clone());
    let begun = Arc::new(AtomicBool::new(false));
    let mut connection = ends.connect(server.address);
    let bulk = thread::spawn({
        let begun = Arc::clone(&begun);
        move || {
            exchange(&mut connection, "hello");
            begun.store(true, Ordering::SeqCst);
            let content: Vec<u8> = (0..=u8::MAX).cycle().take(8 * 1024 * 1024).collect();
            connection.send(&Header::new("bulk", "binary", content.len() as u64), &content).unwrap();
            assert!(connection.receive().unwrap().unwrap().content().unwrap() == content);
            for size in [0, 1, 16_383, 16_384, 16_385, 100_000] {
                exchange(&mut connection, &"x".repeat(size));
            }
        }
    });
    let mut other = connect(plain.socket_addr().unwrap());
    wait_until(|| begun.load(Ordering::SeqCst));
    exchange(&mut other, "meanwhile");
    while !bulk.is_finished() {
        exchange(&mut other, "meanwhile");
    }
    bulk.join().unwrap();
    assert_eq!(server.handle.stats().failed_handshakes, 0);
}

fn a_peer_that_sends_no_tls_is_not_accepted(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let (server, _) = secure(driver, &ends, Limits::default(), echo.clone());
    let mut plain = connect(server.address);
    plain.send(&Header::for_json(2), b"{}").unwrap();
    is_closed(plain.get_ref());
    let mut other = connect(server.address);
    other.get_mut().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    is_closed(other.get_ref());
    drop(connect(server.address));
    socket2::SockRef::from(connect(server.address).get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    let mut noted = wait_for(&echo, 4);
    noted.sort();
    let [http, message, nothing, reset] = &noted[..] else { panic!("{noted:?}") };
    assert!(message.starts_with("not accepted: expected TLS; the stream begins with \"\\x00"), "{message}");
    assert!(message.ends_with("which looks like a message of jsonframe"), "{message}");
    assert_eq!(http, "not accepted: expected TLS; the stream begins with \"GET / HT\", which looks like HTTP");
    assert_eq!([nothing, reset], ["not accepted: the peer has ended the connection"; 2]);
    exchange(&mut ends.connect(server.address), "the others are served");
    // Whoever says nothing has not failed.
    assert_eq!(server.handle.stats().failed_handshakes, 2);
    assert_eq!(echo.peers.lock().unwrap().len(), 1, "the handler has heard of the last one alone");
}

fn a_peer_whose_handshake_fails_is_not_accepted(driver: Driver) {
    let (ends, strangers, echo) = (Ends::new(), Ends::new(), Echo::default());
    let (server, _) = secure(driver, &ends, Limits::default(), echo.clone());
    let mut stranger = strangers.connect(server.address);
    assert!(stranger.send(&Header::for_json(2), b"{}").is_err(), "it does not trust the server");
    let noted = wait_for(&echo, 1);
    assert!(noted[0].starts_with("not accepted: the TLS handshake failed: received fatal alert"), "{noted:?}");
    drop(stranger);
    server.wait_until(|server| server.handle.stats().connections == 0);
}

fn last_words_arrive_over_tls_and_then_its_end(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let (server, _) = secure(driver, &ends, Limits::default(), echo.clone());
    let mut connection = ends.connect(server.address);
    exchange(&mut connection, "what is whole is answered");
    connection.get_mut().write_all(&[b"\0\x02[]".to_vec(), vec![0; 1_000_000]].concat()).unwrap();
    let told = receive(&mut connection).unwrap();
    assert!(told.starts_with("the header begins with `[`"), "{told}");
    assert_eq!(receive(&mut connection), None);
    drop(connection);
    assert_eq!(wait_for(&echo, 1)[0], told);
}

fn a_tls_peer_that_ends_properly_is_answered_and_told_of_the_end(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let (server, _) = secure(driver, &ends, Limits::default(), echo.clone());
    let mut connection = ends.connect(server.address);
    connection.send(&Header::new("text", "utf-8", 4), b"last").unwrap();
    finish(&mut connection);
    assert_eq!(receive(&mut connection).as_deref(), Some("last"));
    assert_eq!(receive(&mut connection), None);
    assert_eq!(wait_for(&echo, 1), ["the peer has ended the connection"]);
}

fn a_tls_stream_that_is_cut_off_is_no_proper_end(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let (server, _) = secure(driver, &ends, Limits::default(), echo.clone());
    let mut connection = ends.connect(server.address);
    exchange(&mut connection, "hello");
    connection.get_ref().sock.shutdown(Shutdown::Write).unwrap();
    is_closed(&connection.get_ref().sock);
    assert_eq!(wait_for(&echo, 1), ["the stream was cut off: it ended without TLS's close_notify"]);
}

/// Sends back what it gets, and counts it.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Handler for Counting {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        peer.send(&message.header(), message.content()).unwrap();
    }
}

/// Sends requests until the server ends the stream; how many replies came.
fn load(mut connection: Secure) -> usize {
    let content = "x".repeat(20_000);
    let header = Header::new("load", "utf-8", content.len() as u64);
    let mut replies = 0;
    loop {
        // The server may have closed while this goes out.
        let sent = connection.send(&header, content.as_bytes());
        match receive(&mut connection) {
            Some(reply) => assert_eq!(reply, content),
            None => return replies,
        }
        sent.unwrap();
        replies += 1;
    }
}

fn a_shutdown_under_load_loses_no_reply_over_tls(driver: Driver) {
    let (ends, counting) = (Ends::new(), Counting::default());
    let (server, _) = secure(driver, &ends, Limits::default(), counting.clone());
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let connection = ends.connect(server.address);
            thread::spawn(move || load(connection))
        })
        .collect();
    server.wait_until(|server| server.handle.stats().connections == 8 && counting.0.load(Ordering::SeqCst) > 200);
    server.handle.shutdown(GRACE);
    let replies: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    server.join();
    assert_eq!(replies, counting.0.load(Ordering::SeqCst));
}

fn a_shutdown_does_not_wait_for_handshakes(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let limits = Limits::default().with_handshake_timeout(GRACE);
    let (server, _) = secure(driver, &ends, limits, echo.clone());
    let silent = connect(server.address);
    let mut stuck = connect(server.address);
    stuck.get_mut().write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    server.wait_until(|server| server.handle.stats().connections == 2);
    server.handle.shutdown(GRACE);
    server.join();
    assert_eq!(echo.noted(), ["not accepted: the server has been shut down"; 2]);
    is_closed(silent.get_ref());
}

/// Where a peer is, and its certificates, or why it was not accepted.
type Entry = (Address, Vec<Vec<u8>>);

/// Notes what each peer is known by.
#[derive(Clone, Default)]
struct Register(Arc<Mutex<Vec<Entry>>>);

impl Handler for Register {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        let certificates = peer.certificates().iter().map(|certificate| certificate.to_vec()).collect();
        self.0.lock().unwrap().push((peer.address(), certificates));
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        peer.send(&message.header(), message.content()).unwrap();
    }

    fn disconnected(&mut self, _: Id, address: Address, (): (), _: &CloseReason) {
        self.0.lock().unwrap().push((address, Vec::new()));
    }

    fn not_accepted(&mut self, why: &NotAccepted) {
        let NotAccepted::Handshake { address, .. } = why else { panic!("{why}") };
        self.0.lock().unwrap().push((*address, vec![why.to_string().into_bytes()]));
    }
}

fn a_handler_knows_the_certificates_of_its_peer(driver: Driver) {
    let (ends, register) = (Ends::new(), Register::default());
    let (server, plain) = secure(driver, &ends, Limits::default(), register.clone());
    exchange(&mut ends.connect(server.address), "with a certificate");
    wait_until(|| register.0.lock().unwrap().len() == 2);
    exchange(&mut connect(plain.socket_addr().unwrap()), "without");
    let noted = register.0.lock().unwrap();
    assert_eq!(noted[0].1, [ends.client_certificate.to_vec()]);
    assert!(noted[2].1.is_empty());
}

fn what_is_for_all_goes_to_those_whose_handshake_is_complete(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let (server, _) = secure(driver, &ends, Limits::default(), echo.clone());
    let mut early = ends.connect(server.address);
    exchange(&mut early, "hello");
    let mut late = ends.connect(server.address);
    server.wait_until(|server| server.handle.stats().connections == 2);
    server.handle.send(To::All, &Header::new("text", "utf-8", 3), b"all").unwrap();
    assert_eq!(receive(&mut early).as_deref(), Some("all"));
    exchange(&mut late, "what comes first is the answer to this");
}

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.7 4711 80\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x02\xc6\x33\x64\x07\x12\x67\0\x50";
/// The proxy's own connection, to see whether the server is there.
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn the_address_in_a_proxy_header_is_the_peers(driver: Driver) {
    let register = Register::default();
    let server = proxied(driver, Limits::default(), register.clone());
    for (header, client) in [(V1, Some("192.0.2.1:4711")), (V2, Some("192.0.2.2:4711")), (V2_LOCAL, None)] {
        // In one piece with a message, and byte by byte.
        for at_once in [true, false] {
            let mut connection = connect(server.address);
            let own = connection.get_ref().local_addr().unwrap();
            connection.get_ref().set_nodelay(true).unwrap();
            let bytes = [header, &message(b"hello")].concat();
            if at_once {
                connection.get_mut().write_all(&bytes).unwrap();
            } else {
                for byte in bytes {
                    connection.get_mut().write_all(&[byte]).unwrap();
                }
            }
            assert_eq!(receive(&mut connection).as_deref(), Some("hello"));
            drop(connection);
            wait_until(|| register.0.lock().unwrap().len() == 2);
            let address = client.map_or(own, |client| client.parse::<SocketAddr>().unwrap()).into();
            assert_eq!(*register.0.lock().unwrap(), [(address, Vec::new()), (address, Vec::new())]);
            register.0.lock().unwrap().clear();
        }
    }
}

fn a_proxy_header_precedes_tls(driver: Driver) {
    let (ends, register) = (Ends::new(), Register::default());
    let listener = Listener::tcp("127.0.0.1:0").unwrap().with_tls(Arc::clone(&ends.server)).with_proxy_header();
    let server = driver.serve(vec![listener], Limits::default(), register.clone());
    exchange(&mut ends.connect_after(server.address, V1), "hello");
    let client: Address = "192.0.2.1:4711".parse::<SocketAddr>().unwrap().into();
    assert_eq!(register.0.lock().unwrap()[0], (client, vec![ends.client_certificate.to_vec()]));
    // Whose handshake has failed is known too.
    let mut fails = connect(server.address);
    fails.get_mut().write_all(&[V2, b"no TLS at all"].concat()).unwrap();
    is_closed(fails.get_ref());
    let client: Address = "192.0.2.2:4711".parse::<SocketAddr>().unwrap().into();
    wait_until(|| {
        let noted = register.0.lock().unwrap();
        noted.iter().any(|(address, why)| *address == client && why[0].starts_with(b"expected TLS"))
    });
}

/// As HAProxy ends its health checks.
fn only_a_proxy_that_speaks_for_itself_may_leave_without_a_word(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let listener = Listener::tcp("127.0.0.1:0").unwrap().with_tls(Arc::clone(&ends.server)).with_proxy_header();
    let server = driver.serve(vec![listener], Limits::default(), echo.clone());
    let cut = "the stream was cut off: it ended without TLS's close_notify";
    let after_exchange = |header| {
        let mut connection = ends.connect_after(server.address, header);
        exchange(&mut connection, "hello");
        connection
    };
    let end = |connection: &Secure, noted| {
        connection.get_ref().sock.shutdown(Shutdown::Write).unwrap();
        is_closed(&connection.get_ref().sock);
        // Another thread may note the end of another connection first.
        wait_for(&echo, noted);
    };
    end(&after_exchange(V2_LOCAL), 1);
    end(&after_exchange(V2), 2);
    // Nobody may inside a message.
    let mut half = after_exchange(V2_LOCAL);
    half.get_mut().write_all(&message(b"hello")[..20]).unwrap();
    end(&half, 3);
    // By a reset, and in the handshake.
    let reset = after_exchange(V2_LOCAL);
    socket2::SockRef::from(&reset.get_ref().sock).set_linger(Some(Duration::ZERO)).unwrap();
    drop(reset);
    assert_eq!(
        wait_for(&echo, 4),
        ["the peer has ended the connection", cut, cut, "the peer has ended the connection"]
    );
    let mut half = connect(server.address);
    half.get_mut().write_all(&[V2_LOCAL, b"\x16\x03\x01"].concat()).unwrap();
    half.get_mut().shutdown(Shutdown::Write).unwrap();
    is_closed(half.get_ref());
    assert_eq!(wait_for(&echo, 5)[4], "not accepted: the peer has ended the connection");
    assert_eq!(server.handle.stats().failed_handshakes, 0);
}

fn a_peer_without_a_proxy_header_is_not_accepted(driver: Driver) {
    let echo = Echo::default();
    let server = proxied(driver, Limits::default(), echo.clone());
    let mut direct = connect(server.address);
    direct.send(&Header::for_json(2), b"{}").unwrap();
    is_closed(direct.get_ref());
    let noted = wait_for(&echo, 1);
    assert!(noted[0].starts_with("not accepted: expected a PROXY header"), "{noted:?}");
    // And where none is expected, it is no message.
    let plain = driver.start(Limits::default(), Echo::default());
    let mut proxy = connect(plain.address);
    proxy.get_mut().write_all(V1).unwrap();
    let told = receive(&mut proxy).unwrap();
    assert!(told.contains("PROXY"), "{told}");
}

fn a_message_after_a_proxy_header_is_handled_in_a_shutdown(driver: Driver) {
    let listener = Listener::tcp("127.0.0.1:0").unwrap().with_proxy_header();
    let server = driver.bind_to(vec![listener], Limits::default(), Echo::default());
    let mut connection = connect(server.address);
    connection.get_mut().write_all(&[V1, &message(b"hello")].concat()).unwrap();
    server.handle.shutdown(GRACE);
    let server = server.start();
    assert_eq!(receive(&mut connection).as_deref(), Some("hello"));
    assert_eq!(receive(&mut connection), None);
    drop(connection);
    server.join();
}

fn many_handshakes_at_once_succeed(driver: Driver) {
    const MANY: usize = 50;
    let (ends, echo) = (Ends::new(), Echo::default());
    let listener = Listener::tcp("127.0.0.1:0").unwrap().with_tls(Arc::clone(&ends.server));
    let server = driver.bind_to(vec![listener], Limits::default(), echo.clone());
    let mut connections: Vec<_> = (0..MANY).map(|_| ends.connect(server.address)).collect();
    for connection in &mut connections {
        let StreamParts { conn, sock } = parts(connection);
        conn.write_tls(sock).unwrap();
    }
    let _server = server.start();
    for connection in &mut connections {
        exchange(connection, "hello");
    }
    assert_eq!(echo.peers.lock().unwrap().len(), MANY);
}

struct StreamParts<'a> {
    conn: &'a mut rustls::ClientConnection,
    sock: &'a mut TcpStream,
}

fn parts(connection: &mut Secure) -> StreamParts<'_> {
    let stream = connection.get_mut();
    StreamParts { conn: &mut stream.conn, sock: &mut stream.sock }
}

fn a_handshake_that_takes_too_long_is_ended(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let (server, _) = secure(driver, &ends, Limits::default().with_handshake_timeout(SHORT), echo.clone());
    let silent = connect(server.address);
    let mut half = ends.connect(server.address);
    let StreamParts { conn, sock } = parts(&mut half);
    conn.write_tls(sock).unwrap();
    let mut bad = connect(server.address);
    bad.get_mut().write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    assert_eq!(wait_for(&echo, 3), ["not accepted: the handshake took too long"; 3]);
    for stream in [silent.get_ref(), &half.get_ref().sock, bad.get_ref()] {
        is_closed(stream);
    }
    let proxied = proxied(driver, Limits::default().with_handshake_timeout(SHORT), echo.clone());
    let mut slow = connect(proxied.address);
    slow.get_mut().write_all(&V1[..10]).unwrap();
    assert_eq!(wait_for(&echo, 4)[3], "not accepted: the handshake took too long");
    assert_eq!(server.handle.stats().failed_handshakes, 3);
    server.wait_until(|server| server.handle.stats().connections == 0);
}

fn a_tls_peer_that_does_not_read_is_ended(driver: Driver) {
    let (ends, echo) = (Ends::new(), Echo::default());
    let limits =
        Limits::default().with_write_timeout(SHORT).with_max_queued(100 << 20).with_max_queued_total(400 << 20);
    let (server, _) = secure(driver, &ends, limits, echo.clone());
    let mut deaf = ends.connect(server.address);
    exchange(&mut deaf, "hello");
    server.handle.queue(To::All, &Header::new("much", "binary", 50_000_000), vec![0; 50_000_000]).unwrap();
    assert_eq!(wait_for(&echo, 1), ["the peer took what was sent to it too slowly"]);
    drop(deaf);
}
