//! A handler that panics: the connection whose turn it was ends, and nothing else does.

use std::io::Write;
use std::net::Shutdown;

use crate::running::driver::{Driver, on_each_driver};
use crate::running::{Echo, exchange, message, receive, wait_until};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, CloseReason, ContentMode, Handler, Id, Limits, NotAccepted, Peer};

on_each_driver! {
    a_handler_that_panics_ends_one_connection_and_the_worker_goes_on,
    a_handler_that_panics_over_a_refused_connection_does_not_end_the_server,
}

/// Panics where it is told to.
#[derive(Clone)]
struct Fragile {
    echo: Echo,
    at: &'static str,
}

impl Fragile {
    fn panic_at(&self, place: &str) {
        assert_ne!(self.at, place, "this panic is part of the test");
    }
}

impl Handler for Fragile {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        self.echo.connected(peer, &mut ());
        // The first connection is to be there when another one fails.
        if self.echo.peers.lock().unwrap().len() > 1 {
            self.panic_at("connected");
        }
    }

    fn header(&mut self, _: &mut Peer<'_>, (): &mut (), header: &Header<'_>) -> ContentMode {
        if header.content_type() == "fragile" {
            self.panic_at("header");
            return ContentMode::Streamed { max: 1000 };
        }
        ContentMode::Whole
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.echo.message(peer, &mut (), message);
        if message.content() == b"fragile" {
            self.panic_at("message");
        }
    }

    fn content(&mut self, _: &mut Peer<'_>, (): &mut (), _: &[u8]) {
        self.panic_at("content");
    }

    fn end(&mut self, _: &mut Peer<'_>, (): &mut ()) {
        self.panic_at("end");
    }

    fn farewell(&mut self, _: &mut Peer<'_>, (): &mut (), _: &CloseReason) {
        self.panic_at("farewell");
    }

    fn disconnected(&mut self, id: Id, address: Address, (): (), why: &CloseReason) {
        self.echo.disconnected(id, address, (), why);
        self.panic_at("disconnected");
    }

    fn not_accepted(&mut self, _: &NotAccepted) {
        self.panic_at("not_accepted");
    }
}

fn a_handler_that_panics_ends_one_connection_and_the_worker_goes_on(driver: Driver) {
    let mut streamed = vec![0; 200];
    let length = Header::new("fragile", "binary", 5).encode(&mut streamed).unwrap().len();
    streamed.truncate(length);
    streamed.extend_from_slice(b"12345");
    let zero_length = b"\0\0";
    for (at, sent, why) in [
        ("connected", &b""[..], "the handler panicked"),
        ("header", &streamed, "the handler panicked"),
        ("content", &streamed, "the handler panicked"),
        ("end", &streamed, "the handler panicked"),
        ("message", &message(b"fragile"), "the handler panicked"),
        ("farewell", zero_length, "the header length is 0; a header is at least a JSON object (at byte 0)"),
        ("disconnected", b"", "the peer has ended the connection"),
    ] {
        let fragile = Fragile { echo: Echo::default(), at };
        let echo = fragile.echo.clone();
        let server = driver.start(Limits::default(), fragile);
        let mut others: Vec<_> = (0..if at == "connected" { 1 } else { 2 }).map(|_| server.connect()).collect();
        for other in &mut others {
            exchange(other, "before");
        }
        let mut broken = server.connect();
        // What it was answered before arrives, and nothing of what it sends after that is handled.
        let _ = broken.get_mut().write_all(&[sent, &message(b"too late")].concat());
        if at == "disconnected" {
            broken.get_ref().shutdown(Shutdown::Write).unwrap();
            assert_eq!(receive(&mut broken).as_deref(), Some("too late"));
        } else if at == "message" {
            assert_eq!(receive(&mut broken).as_deref(), Some("fragile"));
        }
        assert_eq!(receive(&mut broken), None, "{at}");
        drop(broken);
        wait_until(|| echo.noted() == [why]);
        server.wait_until(|server| server.handle.stats().connections == others.len());
        assert_eq!(server.handle.stats().panics, 1, "{at}");
        for other in &mut others {
            exchange(other, "after");
        }
    }
}

fn a_handler_that_panics_over_a_refused_connection_does_not_end_the_server(driver: Driver) {
    let limits = Limits::default().with_max_connections(1).with_at_limit(jsonframe_std::server::AtLimit::Refuse);
    let fragile = Fragile { echo: Echo::default(), at: "not_accepted" };
    let server = driver.start(limits, fragile);
    let mut first = server.connect();
    exchange(&mut first, "before");
    assert_eq!(receive(&mut server.connect()), None);
    exchange(&mut first, "after");
    // The refused peer sees the end before the handler is told, and of several threads or tasks, another one serves the first peer.
    server.wait_until(|server| server.handle.stats().panics == 1);
}
