//! Hundreds of connections: requests, pushes and broadcasts at once, and a shutdown in the midst.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::running::driver::{Driver, on_each_driver};
use crate::running::{GRACE, PATIENCE, Running, connect, exchange, wait_until};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, CloseReason, Handle, Handler, Id, Limits, Peer, To};
use jsonframe_std::{Connection, Error};

on_each_driver! {
    a_crowd_loses_nothing_when_the_server_is_shut_down,
}

const CLIENTS: usize = 8;
/// How many connections each client has.
const EACH: usize = 50;
/// How often something is pushed to each connection, and broadcast to all.
const ROUNDS: usize = 100;

/// Sends back what it gets, and keeps the score.
#[derive(Clone, Default)]
struct Player {
    peers: Arc<Mutex<Vec<Id>>>,
    ended: Arc<Mutex<Vec<String>>>,
    handled: Arc<AtomicUsize>,
}

impl Handler for Player {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        self.peers.lock().unwrap().push(peer.id());
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.handled.fetch_add(1, Ordering::SeqCst);
        peer.send(&message.header(), message.content()).unwrap();
    }

    fn disconnected(&mut self, _: Id, _: Address, (): (), why: &CloseReason) {
        self.ended.lock().unwrap().push(why.to_string());
    }
}

fn text(kind: &'static str, content: &str) -> Header<'static> {
    Header::new(kind, "utf-8", content.len() as u64)
}

/// One connection of a client, and what has come over it.
struct Line {
    connection: Connection<TcpStream>,
    requests: usize,
    replies: usize,
    /// What came unasked.
    news: Vec<String>,
}

impl Line {
    fn ask(&mut self) -> Result<(), Error> {
        self.requests += 1;
        let number = self.requests.to_string();
        self.connection.send(&text("request", &number), number.as_bytes())
    }

    /// Receives up to the answer to the last request: false at the end of the stream.
    fn listen(&mut self) -> bool {
        loop {
            let Some(mut incoming) = self.connection.receive().unwrap() else { return false };
            let is_news = incoming.header().content_type() == "news";
            let content = String::from_utf8(incoming.content().unwrap()).unwrap();
            if is_news {
                self.news.push(content);
                continue;
            }
            self.replies += 1;
            assert_eq!(content, self.replies.to_string(), "replies come in order");
            if self.replies == self.requests {
                return true;
            }
        }
    }
}

/// Asks on all its connections, again and again, until the server ends them.
fn client(server: SocketAddr) -> Vec<Line> {
    let line = |_| Line { connection: connect(server), requests: 0, replies: 0, news: Vec::new() };
    let mut open: Vec<Line> = (0..EACH).map(line).collect();
    let mut over = Vec::new();
    while !open.is_empty() {
        for line in &mut open {
            // Whoever has been told that it is over will hear so.
            let _ = line.ask();
        }
        let (still_open, ended): (Vec<_>, Vec<_>) =
            open.into_iter().map(|mut line| (line.listen(), line)).partition(|(is_open, _)| *is_open);
        open = still_open.into_iter().map(|(_, line)| line).collect();
        over.extend(ended.into_iter().map(|(_, line)| line));
    }
    over
}

/// Sends to all and to each, in turns.
fn push(handle: &Handle, peers: &[Id]) {
    for round in 0..ROUNDS {
        let all = format!("to all {round}");
        handle.queue(To::All, &text("news", &all), all.clone()).unwrap();
        let each = format!("to each {round}");
        for id in peers {
            handle.queue(*id, &text("news", &each), each.clone()).unwrap();
        }
    }
}

fn a_crowd_loses_nothing_when_the_server_is_shut_down(driver: Driver) {
    let score = Player::default();
    let mut limits = Limits::default();
    // A client may be busy elsewhere for a while.
    limits.linger_silence = PATIENCE;
    limits.linger = PATIENCE;
    let server = driver.start(limits, score.clone());
    let address = server.address;
    let clients: Vec<_> = (0..CLIENTS).map(|_| thread::spawn(move || client(address))).collect();
    wait_until(|| score.peers.lock().unwrap().len() == CLIENTS * EACH);
    let handled = || score.handled.load(Ordering::SeqCst);

    let (handle, peers) = (server.handle.clone(), score.peers.lock().unwrap().clone());
    let pusher = thread::spawn(move || push(&handle, &peers));
    pusher.join().unwrap();
    let before = handled();
    wait_until(|| handled() > before);
    server.handle.shutdown(GRACE);
    let lines: Vec<_> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    let replies: usize = lines.iter().map(|line| line.replies).sum();
    let expected: Vec<_> =
        (0..ROUNDS).flat_map(|round| [format!("to all {round}"), format!("to each {round}")]).collect();
    assert_eq!(lines.len(), CLIENTS * EACH);
    for line in &lines {
        assert_eq!(line.news, expected);
        assert!(line.requests - line.replies <= 1);
    }
    drop(lines);
    server.join();
    assert_eq!(replies, handled(), "every request that was handled has been answered");
    assert_eq!(*score.ended.lock().unwrap(), vec!["the server has been shut down"; CLIENTS * EACH]);
}

#[test]
fn each_worker_has_its_share_of_the_connections() {
    let players: [Player; 4] = Default::default();
    let handlers = players.clone();
    let server = Running::spawn(Limits::default(), |server| server.run_workers(handlers));
    let mut connections: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for connection in &mut connections {
        exchange(connection, "hello");
    }
    for player in players {
        assert_eq!((player.peers.lock().unwrap().len(), player.handled.load(Ordering::SeqCst)), (10, 10));
    }
}
