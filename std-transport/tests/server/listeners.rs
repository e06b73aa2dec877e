//! A server that listens at several places, and what it serves that somebody else has opened.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::running::driver::{Driver, on_each_driver};
use crate::running::{Echo, GRACE, PATIENCE, exchange, receive};
use jsonframe_std::Connection;
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, Handler, Limits, Listener, NotAccepted, Peer, To};

on_each_driver! {
    peers_on_a_unix_socket_are_served_and_its_file_is_removed_at_the_end,
    a_broadcast_reaches_the_peers_of_all_listeners,
    a_shutdown_serves_what_waits_at_each_listener,
    streams_that_somebody_else_has_accepted_are_served,
    adopted_streams_wait_as_others_do_in_the_backlog,
}

/// A place for a socket's file, removed when dropped.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("jsonframe-{}-{}.sock", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn patient(stream: UnixStream) -> Connection<UnixStream> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    Connection::new(stream)
}

fn dial(path: &Path) -> Connection<UnixStream> {
    patient(UnixStream::connect(path).unwrap())
}

/// Says to each peer where it is.
#[derive(Clone)]
struct Locator;

impl Handler for Locator {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        let text = peer.address().to_string();
        peer.send(&Header::new("text", "utf-8", text.len() as u64), text.as_bytes()).unwrap();
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        peer.send(&message.header(), message.content()).unwrap();
    }
}

fn peers_on_a_unix_socket_are_served_and_its_file_is_removed_at_the_end(driver: Driver) {
    let place = Place::new();
    let listener = Listener::unix(&place.0).unwrap();
    assert_eq!(listener.address(), Address::Unix);
    let server = driver.serve(vec![listener], Limits::default(), Locator);
    let mut connections = [dial(&place.0), dial(&place.0)];
    for connection in &mut connections {
        assert_eq!(receive(connection).as_deref(), Some("a Unix socket"));
        exchange(connection, "hello");
        exchange(connection, &"long".repeat(500_000));
    }
    server.handle.shutdown(GRACE);
    for connection in &mut connections {
        assert_eq!(receive(connection), None);
    }
    drop(connections);
    server.join();
    assert!(!place.0.exists());
}

fn a_broadcast_reaches_the_peers_of_all_listeners(driver: Driver) {
    let (place, echo) = (Place::new(), Echo::default());
    let listeners = [Listener::tcp("127.0.0.1:0"), Listener::tcp("127.0.0.1:0"), Listener::unix(&place.0)];
    let listeners = listeners.map(Result::unwrap);
    let [first, second, _] = listeners.each_ref().map(Listener::address);
    let server = driver.serve(listeners.into(), Limits::default(), echo.clone());
    assert_eq!(Address::Ip(server.address), first);
    let mut over_tcp = [first, second].map(|address| Connection::connect(address).unwrap());
    let mut over_unix = dial(&place.0);
    for connection in &mut over_tcp {
        exchange(connection, "hello");
    }
    exchange(&mut over_unix, "hello");
    assert_eq!(server.handle.stats().connections, 3);

    server.handle.send(To::All, &Header::new("text", "utf-8", 3), b"all").unwrap();
    for connection in &mut over_tcp {
        assert_eq!(receive(connection).as_deref(), Some("all"));
    }
    assert_eq!(receive(&mut over_unix).as_deref(), Some("all"));
    // They count as one.
    drop(over_unix);
    server.wait_until(|server| server.handle.stats().connections == 2);
}

fn a_shutdown_serves_what_waits_at_each_listener(driver: Driver) {
    let (place, adopted) = (Place::new(), UnixStream::pair().unwrap());
    let listeners = [Listener::tcp("127.0.0.1:0"), Listener::tcp("127.0.0.1:0"), Listener::unix(&place.0)];
    let listeners = listeners.map(Result::unwrap);
    let [first, second, _] = listeners.each_ref().map(Listener::address);
    let server = driver.bind_to(listeners.into(), Limits::default(), Echo::default());
    let mut over_tcp = [first, second].map(|address| Connection::connect(address).unwrap());
    let mut over_unix = [dial(&place.0), patient(adopted.0)];
    server.handle.adopt(adopted.1).unwrap();
    let header = Header::for_json(2);
    for connection in &mut over_tcp {
        connection.send(&header, b"{}").unwrap();
    }
    for connection in &mut over_unix {
        connection.send(&header, b"{}").unwrap();
    }
    server.handle.shutdown(GRACE);
    let server = server.start();
    for connection in &mut over_tcp {
        assert_eq!((receive(connection).as_deref(), receive(connection)), (Some("{}"), None));
    }
    for connection in &mut over_unix {
        assert_eq!((receive(connection).as_deref(), receive(connection)), (Some("{}"), None));
    }
    drop((over_tcp, over_unix));
    server.join();
}

fn streams_that_somebody_else_has_accepted_are_served(driver: Driver) {
    let server = driver.start(Limits::default(), Locator);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut over_tcp: Vec<_> = (0..5)
        .map(|_| {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            server.handle.adopt(listener.accept().unwrap().0).unwrap();
            Connection::new(stream)
        })
        .collect();
    let (one, other) = UnixStream::pair().unwrap();
    server.handle.adopt(other).unwrap();
    let mut over_unix = patient(one);
    for connection in &mut over_tcp {
        let address = connection.get_ref().local_addr().unwrap().to_string();
        assert_eq!(receive(connection), Some(address));
        exchange(connection, "hello");
    }
    assert_eq!(receive(&mut over_unix).as_deref(), Some("a Unix socket"));
    exchange(&mut over_unix, "hello");
    assert_eq!((server.handle.stats().connections, server.handle.stats().accepted), (6, 6));

    server.handle.shutdown(GRACE);
    let late = server.handle.adopt(UnixStream::pair().unwrap().0);
    assert!(matches!(late, Err(NotAccepted::Closed)), "{late:?}");
}

fn adopted_streams_wait_as_others_do_in_the_backlog(driver: Driver) {
    let limits = Limits::default().with_max_connections(1).with_backlog(2);
    let server = driver.bind(limits, Echo::default());
    let [first, second, third] = [0, 1, 2].map(|_| UnixStream::pair().unwrap());
    server.handle.adopt(first.1).unwrap();
    server.handle.adopt(second.1).unwrap();
    let refused = server.handle.adopt(third.1);
    assert!(matches!(refused, Err(NotAccepted::AtLimit(Address::Unix))), "{refused:?}");
    let server = server.start();
    let (mut first, mut second) = (patient(first.0), patient(second.0));
    exchange(&mut first, "hello");
    second.send(&Header::for_json(2), b"{}").unwrap();
    assert_eq!(server.handle.stats().connections, 1);
    drop(first);
    assert_eq!(receive(&mut second).as_deref(), Some("{}"));
}

/// Listens on a Unix socket as a server does that is killed.
fn leave_a_file(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
    assert!(path.exists());
}

#[test]
fn a_file_that_a_server_has_left_is_replaced() {
    let place = Place::new();
    leave_a_file(&place.0);
    let listener = Listener::unix(&place.0).unwrap();
    UnixStream::connect(&place.0).unwrap();
    drop(listener);
    assert!(!place.0.exists());
}

#[test]
fn a_socket_on_which_somebody_listens_is_not_taken_over() {
    let place = Place::new();
    let listener = UnixListener::bind(&place.0).unwrap();
    let error = Listener::unix(&place.0).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!(error.to_string(), format!("{}: a server listens there already", place.0.display()));
    UnixStream::connect(&place.0).unwrap();
    drop(listener);
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let place = Place::new();
    fs::write(&place.0, "precious").unwrap();
    let error = Listener::unix(&place.0).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!(error.to_string(), format!("{}: there is a file that is no socket", place.0.display()));
    assert_eq!(fs::read_to_string(&place.0).unwrap(), "precious");
}

#[test]
fn a_file_that_is_not_the_servers_any_more_is_not_removed() {
    let place = Place::new();
    let listener = Listener::unix(&place.0).unwrap();
    fs::remove_file(&place.0).unwrap();
    let other = UnixListener::bind(&place.0).unwrap();
    drop(listener);
    UnixStream::connect(&place.0).unwrap();
    drop(other);
}

#[test]
fn the_file_of_a_listener_that_came_from_elsewhere_is_not_removed() {
    let place = Place::new();
    drop(Listener::try_from(UnixListener::bind(&place.0).unwrap()).unwrap());
    assert!(place.0.exists());
}

/// What systemd does: it listens, and starts the program with the sockets.
#[cfg(all(feature = "listenfd", target_os = "linux"))]
mod inherited {
    use std::env;
    use std::os::fd::OwnedFd;
    use std::process::Stdio;

    use super::*;
    use crate::running::child::{Helper, ROLE, say};

    on_each_driver! {
        listeners_with_which_the_program_was_started_are_served,
    }

    fn listeners_with_which_the_program_was_started_are_served(driver: Driver) {
        if env::var(ROLE).is_ok() {
            let listeners = Listener::inherited().unwrap();
            say(format_args!("inherited {}", listeners.len()));
            let server = driver.serve(listeners, Limits::default(), Locator);
            return server.join();
        }
        let place = Place::new();
        let (over_tcp, over_unix) = (TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(&place.0).unwrap());
        let address = over_tcp.local_addr().unwrap();
        let [first, second] = [OwnedFd::from(over_tcp), OwnedFd::from(over_unix)].map(Stdio::from);
        let test = driver.name_of("listeners::inherited::listeners_with_which_the_program_was_started_are_served");
        let commands = "exec 3<&0 4<&2 </dev/null 2>/dev/null && export LISTEN_FDS=2 LISTEN_PID=$$";
        let mut helper = Helper::run_after(commands, &test, "serve", [first, second]);
        assert_eq!(helper.expect("inherited "), "2");
        let mut connection = Connection::connect(address).unwrap();
        assert!(receive(&mut connection).unwrap().starts_with("127.0.0.1:"));
        exchange(&mut connection, "hello");
        let mut connection = dial(&place.0);
        assert_eq!(receive(&mut connection).as_deref(), Some("a Unix socket"));
        exchange(&mut connection, "hello");
    }
}
