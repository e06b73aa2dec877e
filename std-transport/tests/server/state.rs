//! What a handler keeps for each connection, and the forms in which there are handlers.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, CloseReason, ContentMode, Handler, Id, Limits, Peer, from_fn};

use crate::running::driver::{Driver, on_each_driver};
use crate::running::{GRACE, Running, exchange, message, receive, wait_until};

on_each_driver! {
    each_connection_has_its_own_state_from_its_beginning_to_its_end,
    every_state_is_dropped_with_its_connection_however_that_ends,
}

/// Writes into the state of a connection all that happens on it, and says it when asked.
#[derive(Clone, Default)]
struct Chronicler {
    /// What has been written of those that have ended.
    ended: Arc<Mutex<Vec<String>>>,
}

impl Handler for Chronicler {
    type State = String;

    fn connected(&mut self, _: &mut Peer<'_>, story: &mut String) {
        story.push('c');
    }

    fn header(&mut self, _: &mut Peer<'_>, story: &mut String, header: &Header<'_>) -> ContentMode {
        story.push('h');
        if header.content_type() == "streamed" { ContentMode::Streamed { max: 1000 } } else { ContentMode::Whole }
    }

    fn message(&mut self, peer: &mut Peer<'_>, story: &mut String, message: Message<'_>) {
        story.push_str(std::str::from_utf8(message.content()).unwrap());
        peer.send(&Header::new("story", "utf-8", story.len() as u64), story.as_bytes()).unwrap();
    }

    fn content(&mut self, _: &mut Peer<'_>, story: &mut String, _: &[u8]) {
        story.push('.');
    }

    fn end(&mut self, _: &mut Peer<'_>, story: &mut String) {
        story.push('e');
    }

    fn farewell(&mut self, _: &mut Peer<'_>, story: &mut String, _: &CloseReason) {
        story.push('f');
    }

    fn disconnected(&mut self, _: Id, _: Address, story: String, _: &CloseReason) {
        self.ended.lock().unwrap().push(story);
    }
}

fn tell_stories(server: &Running, ended: &Mutex<Vec<String>>) {
    let mut connections: Vec<_> = (0..6).map(|_| server.connect()).collect();
    for (number, connection) in connections.iter_mut().enumerate() {
        connection.get_mut().write_all(&message(number.to_string().as_bytes())).unwrap();
        assert_eq!(receive(connection), Some(format!("ch{number}")));
    }
    for (number, connection) in connections.iter_mut().enumerate() {
        connection.send(&Header::new("streamed", "binary", 3), b"...").unwrap();
        connection.get_mut().write_all(&message(b"!")).unwrap();
        assert_eq!(receive(connection), Some(format!("ch{number}h.eh!")));
    }
    server.handle.shutdown(GRACE);
    for connection in &mut connections {
        assert_eq!(receive(connection), None);
    }
    drop(connections);
    wait_until(|| ended.lock().unwrap().len() == 6);
    let mut ended = ended.lock().unwrap();
    ended.sort_unstable();
    assert_eq!(*ended, (0..6).map(|number| format!("ch{number}h.eh!f")).collect::<Vec<_>>());
}

fn each_connection_has_its_own_state_from_its_beginning_to_its_end(driver: Driver) {
    let chronicler = Chronicler::default();
    let server = driver.start(Limits::default(), chronicler.clone());
    tell_stories(&server, &chronicler.ended);
    server.join();
}

#[test]
fn a_boxed_handler_and_a_borrowed_one_do_what_the_handler_does() {
    let chronicler = Chronicler::default();
    let boxed: Box<dyn Handler<State = String> + Send> = Box::new(chronicler.clone());
    let server = Running::spawn(Limits::default(), move |server| server.run(boxed));
    tell_stories(&server, &chronicler.ended);
    server.join();

    let chronicler = Chronicler::default();
    let mut lent = chronicler.clone();
    let server = Running::spawn(Limits::default(), move |server| server.run(&mut lent));
    tell_stories(&server, &chronicler.ended);
    server.join();
}

#[test]
fn a_closure_serves_all_connections_of_its_worker() {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handled);
    let echo = from_fn(move |peer, message| {
        count.fetch_add(1, Ordering::SeqCst);
        peer.send(&message.header(), message.content()).unwrap();
    });
    let server = Running::spawn(Limits::default(), |server| server.run_workers(vec![echo; 2]));
    for connection in &mut [server.connect(), server.connect(), server.connect()] {
        exchange(connection, "hello");
    }
    assert_eq!(handled.load(Ordering::SeqCst), 3);
}

/// How many there are.
static LIVING: AtomicUsize = AtomicUsize::new(0);

/// One test at a time: they count the same.
static ALONE: Mutex<()> = Mutex::new(());

struct Counted;

impl Default for Counted {
    fn default() -> Self {
        LIVING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Panics at every message.
#[derive(Clone)]
struct Panicking;

impl Handler for Panicking {
    type State = Counted;

    fn message(&mut self, _: &mut Peer<'_>, _: &mut Counted, _: Message<'_>) {
        panic!("this panic is part of the test");
    }
}

fn every_state_is_dropped_with_its_connection_however_that_ends(driver: Driver) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = driver.start(Limits::default(), Panicking);
    let mut panicked = server.connect();
    let mut stuck = server.connect();
    stuck.get_mut().write_all(b"\0").unwrap();
    drop(server.connect());
    server.wait_until(|server| server.handle.stats().accepted == 3 && LIVING.load(Ordering::SeqCst) == 2);
    panicked.get_mut().write_all(&message(b"")).unwrap();
    assert_eq!(receive(&mut panicked), None);
    drop(panicked);
    wait_until(|| LIVING.load(Ordering::SeqCst) == 1);
    server.handle.shutdown(Duration::ZERO);
    server.join();
    assert_eq!(LIVING.load(Ordering::SeqCst), 0);
}
