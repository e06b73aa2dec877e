//! Peers that would keep others out: each address has its places, and an idle connection makes room.

use std::collections::VecDeque;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::running::driver::{Driver, on_all_drivers_at_once, on_each_driver, on_one_thread};
use crate::running::{Echo, GRACE, PATIENCE, Running, exchange, is_closed, message, receive, wait_until};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, AtLimit, CloseReason, Handler, Id, Limits, Peer, Reply};
use jsonframe_std::{Connection, Error};

on_each_driver! {
    connections_of_an_address_beyond_its_limit_are_refused_until_one_ends,
    an_idle_connection_makes_room_for_a_new_one,
    a_connection_on_which_something_is_under_way_makes_no_room,
    while_no_connection_is_idle_new_ones_wait,
    a_connection_that_is_being_closed_makes_room,
    one_that_waits_for_a_place_is_served_in_a_shutdown,
}

on_one_thread! {
    peers_that_send_a_message_now_and_then_make_room_before_one_that_works,
}

on_all_drivers_at_once! {
    many_more_peers_than_there_are_places_are_all_served,
}

const ADDRESS_LIMIT: &str = "not accepted: there are as many connections from this address as there may be";
const MADE_ROOM: &str = "closed to make room for another connection";

/// Limits of so many places, of which one that is idle makes room for a new one. No other time is ever over.
fn places(count: usize) -> Limits {
    Limits::default()
        .with_max_connections(count)
        .with_at_limit(AtLimit::CloseIdle)
        .with_handshake_timeout(10 * PATIENCE)
        .with_header_timeout(10 * PATIENCE)
        .with_rate_window(10 * PATIENCE)
        .with_idle_timeout(10 * PATIENCE)
        .with_linger(10 * PATIENCE)
        .with_linger_silence(10 * PATIENCE)
}

fn connections_of_an_address_beyond_its_limit_are_refused_until_one_ends(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default().with_max_per_address(2), echo.clone());
    for round in 1..=2 {
        let mut served = [server.connect(), server.connect()];
        for connection in &mut served {
            exchange(connection, "served");
        }
        is_closed(server.connect().get_ref());
        wait_until(|| echo.noted().last().is_some_and(|note| note == ADDRESS_LIMIT));
        #[cfg(target_os = "linux")]
        exchange(&mut connect_from([127, 0, 0, 2], &server), "another address");
        #[cfg(unix)]
        for _ in 0..3 {
            let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
            server.handle.adopt(other).unwrap();
            exchange(&mut Connection::new(one), "no address");
        }
        assert_eq!(server.handle.stats().refused, round);
        drop(served);
        server.wait_until(|server| server.handle.stats().connections == 0);
    }
}

/// A connection from another address of this machine.
#[cfg(target_os = "linux")]
fn connect_from(ip: [u8; 4], server: &Running) -> Connection<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((ip, 0)).into()).unwrap();
    socket.connect(&server.address.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    Connection::new(socket.into())
}

fn an_idle_connection_makes_room_for_a_new_one(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(places(2), echo.clone());
    let mut idle = server.connect_in_order(2, &echo);
    for connection in &mut idle {
        exchange(connection, "hello");
    }
    exchange(&mut server.connect(), "there is room");
    wait_until(|| echo.noted().len() == 2);
    assert_eq!(echo.noted(), [MADE_ROOM, "the peer has ended the connection"]);
    // The newcomer has left its place again, so nobody has to go now.
    exchange(&mut server.connect(), "and a place");
    let closed = idle.iter_mut().map(|connection| match receive_now(connection) {
        Some(text) => text == MADE_ROOM,
        None => panic!("it should have been told"),
    });
    assert_eq!(closed.filter(|closed| *closed).count(), 1);
}

/// What has been sent on a connection, or "still open" if it answers.
fn receive_now(connection: &mut Connection<TcpStream>) -> Option<String> {
    let _ = connection.send(&Header::new("text", "utf-8", 10), b"still open");
    receive(connection)
}

/// Owes replies to what is called "later".
#[derive(Clone, Default)]
struct Debtor {
    replies: Arc<Mutex<Vec<Reply>>>,
    ends: Arc<Mutex<Vec<String>>>,
}

impl Handler for Debtor {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if message.header().content_type() == "later" {
            return self.replies.lock().unwrap().push(peer.reply_later());
        }
        peer.send(&message.header(), message.content()).unwrap();
    }

    fn disconnected(&mut self, _: Id, _: Address, (): (), why: &CloseReason) {
        self.ends.lock().unwrap().push(why.to_string());
    }
}

fn a_connection_on_which_something_is_under_way_makes_no_room(driver: Driver) {
    let debtor = Debtor::default();
    let server = driver.start(places(4), debtor.clone());
    let [mut in_header, mut in_content, mut owed, mut idle] = [0; 4].map(|_| server.connect());
    // The idle one has been active last of all, and makes room all the same.
    let whole = message(b"content");
    in_header.get_mut().write_all(&whole[..10]).unwrap();
    in_content.get_mut().write_all(&whole[..whole.len() - 1]).unwrap();
    owed.send(&Header::new("later", "utf-8", 0), b"").unwrap();
    wait_until(|| debtor.replies.lock().unwrap().len() == 1);
    exchange(&mut idle, "hello");

    let mut newcomer = server.connect();
    exchange(&mut newcomer, "there is room");
    assert_eq!(receive(&mut idle), None);
    assert_eq!(*debtor.ends.lock().unwrap(), [MADE_ROOM]);
    in_header.get_mut().write_all(&whole[10..]).unwrap();
    in_content.get_mut().write_all(&whole[whole.len() - 1..]).unwrap();
    debtor.replies.lock().unwrap().pop().unwrap().send(&Header::new("text", "utf-8", 5), b"reply").unwrap();
    assert_eq!(receive(&mut in_header).as_deref(), Some("content"));
    assert_eq!(receive(&mut in_content).as_deref(), Some("content"));
    assert_eq!(receive(&mut owed).as_deref(), Some("reply"));
}

fn while_no_connection_is_idle_new_ones_wait(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(places(1), echo.clone());
    let mut busy = server.connect();
    exchange(&mut busy, "hello");
    let whole = message(b"content");
    busy.get_mut().write_all(&whole[..10]).unwrap();
    let mut newcomer = server.connect();
    newcomer.send(&Header::for_json(2), b"{}").unwrap();
    newcomer.get_ref().set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
    assert!(matches!(newcomer.receive(), Err(Error::Io(_))));
    assert_eq!((server.handle.stats().accepted, server.handle.stats().connections), (1, 1));
    busy.get_mut().write_all(&whole[10..]).unwrap();
    assert_eq!(receive(&mut busy).as_deref(), Some("content"));
    // It is idle from now on.
    newcomer.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(receive(&mut newcomer).as_deref(), Some("{}"));
    assert_eq!((receive(&mut busy).as_deref(), receive(&mut busy)), (Some(MADE_ROOM), None));
    assert_eq!(echo.noted(), [MADE_ROOM]);
    assert_eq!(server.handle.stats().refused, 0);
}

fn one_that_waits_for_a_place_is_served_in_a_shutdown(driver: Driver) {
    let server = driver.start(places(1), Echo::default());
    let mut busy = server.connect();
    exchange(&mut busy, "hello");
    let whole = message(b"content");
    busy.get_mut().write_all(&whole[..10]).unwrap();
    let mut newcomer = server.connect();
    newcomer.send(&Header::for_json(2), b"{}").unwrap();
    server.handle.shutdown(GRACE);
    busy.get_mut().write_all(&whole[10..]).unwrap();
    assert_eq!((receive(&mut busy).as_deref(), receive(&mut busy)), (Some("content"), None));
    drop(busy);
    assert_eq!((receive(&mut newcomer).as_deref(), receive(&mut newcomer)), (Some("{}"), None));
    drop(newcomer);
    server.join();
}

fn a_connection_that_is_being_closed_makes_room(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(places(1), echo.clone());
    let mut lingering = server.connect();
    lingering.get_mut().write_all(&[0xFF, 0xFF]).unwrap();
    let told = receive(&mut lingering).unwrap();
    assert!(told.starts_with("the header is 65535 bytes long"), "{told}");
    assert_eq!(echo.noted().len(), 0, "its peer is waited for");
    exchange(&mut server.connect(), "there is room");
    assert_eq!(echo.noted()[0], told);
}

fn peers_that_send_a_message_now_and_then_make_room_before_one_that_works(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(places(4), echo.clone());
    let mut working = server.connect();
    exchange(&mut working, "hello");
    let mut occupants = VecDeque::from(server.connect_in_order(3, &echo));
    for _ in 0..3 {
        // As each would do just before its time is over.
        for occupant in &mut occupants {
            exchange(occupant, "still here");
        }
        exchange(&mut working, "work");
        let mut newcomer = server.connect();
        exchange(&mut newcomer, "there is room");
        let mut longest_idle = occupants.pop_front().unwrap();
        assert_eq!((receive(&mut longest_idle).as_deref(), receive(&mut longest_idle)), (Some(MADE_ROOM), None));
        occupants.push_back(newcomer);
    }
    assert_eq!(echo.noted(), [MADE_ROOM; 3]);
}

fn many_more_peers_than_there_are_places_are_all_served(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(places(4), echo.clone());
    let address = server.address;
    let peers: Vec<_> = (0..12)
        .map(|_| {
            thread::spawn(move || {
                let mut connection = crate::running::connect(address);
                exchange(&mut connection, "hello");
                connection
            })
        })
        .collect();
    wait_until(|| {
        assert!(server.handle.stats().connections <= 4);
        peers.iter().all(thread::JoinHandle::is_finished)
    });
    let connections: Vec<_> = peers.into_iter().map(|peer| peer.join().unwrap()).collect();
    assert_eq!(server.handle.stats().accepted, 12);
    let noted = echo.noted();
    assert!(noted.len() >= 8 && noted.iter().all(|note| note == MADE_ROOM), "{noted:?}");
    drop(connections);
}

mod behind_a_proxy {
    use std::io::Read;

    use jsonframe_std::server::{Listener, Server};

    use super::*;
    use crate::running::connect;
    use crate::running::driver::Bound;

    on_each_driver! {
        the_address_of_the_client_counts_once_it_is_known,
        a_connection_that_never_comes_to_its_messages_makes_room,
    }

    fn proxied(driver: Driver, limits: Limits, echo: &Echo) -> Running {
        driver.serve(vec![Listener::tcp("127.0.0.1:0").unwrap().with_proxy_header()], limits, echo.clone())
    }

    fn client(server: &Running, header: &str) -> Connection<TcpStream> {
        let mut connection = server.connect();
        connection.get_mut().write_all(header.as_bytes()).unwrap();
        connection
    }

    const V4: &str = "PROXY TCP4 192.0.2.1 198.51.100.7 4711 80\r\n";
    const MAPPED: &str = "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::7 4711 80\r\n";
    const V6: &str = "PROXY TCP6 2001:db8:0:1::1 2001:db8::7 4711 80\r\n";
    const SAME_NETWORK: &str = "PROXY TCP6 2001:db8:0:1:2::2 2001:db8::7 4711 80\r\n";
    const OTHER_NETWORK: &str = "PROXY TCP6 2001:db8:0:2::1 2001:db8::7 4711 80\r\n";
    const OWN: &str = "PROXY UNKNOWN\r\n";

    fn the_address_of_the_client_counts_once_it_is_known(driver: Driver) {
        let echo = Echo::default();
        let server = proxied(driver, Limits::default().with_max_per_address(1), &echo);
        let mut served = [V4, V6, OTHER_NETWORK, OWN, OWN].map(|header| client(&server, header));
        for connection in &mut served {
            exchange(connection, "served");
        }
        for header in [V4, MAPPED, V6, SAME_NETWORK] {
            is_closed(client(&server, header).get_ref());
        }
        wait_until(|| echo.noted().len() == 4);
        assert_eq!(echo.noted(), [ADDRESS_LIMIT; 4]);
        assert_eq!((server.handle.stats().refused, server.handle.stats().failed_handshakes), (4, 0));
        assert_eq!(echo.peers.lock().unwrap().len(), served.len(), "the handler has heard of those alone");
        drop(served);
        server.wait_until(|server| server.handle.stats().connections == 0);
        for header in [MAPPED, SAME_NETWORK] {
            exchange(&mut client(&server, header), "there is a place again");
        }
    }

    #[test]
    fn a_message_to_those_that_are_refused_is_sent_where_messages_come_first() {
        let [plain, proxied] = [0; 2].map(|_| Listener::tcp("127.0.0.1:0").unwrap());
        let addresses = [&plain, &proxied].map(|listener| listener.address().socket_addr().unwrap());
        let server = Server::new(plain, Limits::default().with_max_per_address(0))
            .with_listener(proxied.with_proxy_header())
            .with_refusal(&Header::new("text", "utf-8", 4), b"full")
            .unwrap();
        let (handle, run) = (server.handle(), Box::new(|| server.run(Echo::default())));
        let server = Bound { address: addresses[0], handle, run }.start();
        let mut refused = server.connect();
        assert_eq!((receive(&mut refused).as_deref(), receive(&mut refused)), (Some("full"), None));
        let mut refused = connect(addresses[1]);
        refused.get_mut().write_all(V4.as_bytes()).unwrap();
        assert!(!matches!(refused.get_mut().read(&mut [0]), Ok(1)), "the client may expect TLS");
        server.wait_until(|server| server.handle.stats().refused == 2);
    }

    fn a_connection_that_never_comes_to_its_messages_makes_room(driver: Driver) {
        let echo = Echo::default();
        let server = proxied(driver, places(1), &echo);
        let silent = server.connect();
        server.wait_until(|server| server.handle.stats().connections == 1);
        exchange(&mut client(&server, V4), "there is room");
        is_closed(silent.get_ref());
        assert_eq!(echo.noted()[0], format!("not accepted: {MADE_ROOM}"));
        assert_eq!(server.handle.stats().failed_handshakes, 1);
    }
}
