//! A server and greedy peers: how much of theirs is done before somebody else has a turn, counted and not timed.
//!
//! The handler stops at a message until everything that is to compete has arrived. From then on the order in which it is
//! called shows whose turn it was.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::running::driver::{Driver, on_one_thread};
use crate::running::{PATIENCE, Running, message, wait_until};
use jsonframe_std::UNLIMITED;
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{ContentMode, Handler, Id, Limits, Peer};
use socket2::SockRef;

on_one_thread! {
    a_flood_of_messages_delays_others_by_one_turn,
    endless_content_delays_others_by_one_turn,
    five_floods_delay_others_by_five_turns,
    long_answers_delay_others_by_one_turn,
    an_answer_waits_for_no_other_handler_after_a_slow_one,
}

/// How many messages of one connection are handled in a turn, how many bytes are read, and how many are written, as
/// documented.
const MESSAGES: usize = 64;
const BYTES: usize = 256 * 1024;
const WRITTEN: usize = 1024 * 1024;

/// What one read may take beyond that.
const READ: usize = 64 * 1024;

/// Where a handler says that it is there, and where it waits.
type Gate = (mpsc::Sender<()>, mpsc::Receiver<()>);

/// Writes down whose message or how many bytes it is given, from the opening of a gate on.
#[derive(Clone)]
struct Referee {
    gate: Arc<Mutex<Option<Gate>>>,
    calls: Arc<Mutex<Vec<(Id, usize)>>>,
}

impl Referee {
    fn note(&self, id: Id, bytes: usize) {
        self.calls.lock().unwrap().push((id, bytes));
    }
}

impl Handler for Referee {
    type State = ();

    fn header(&mut self, _: &mut Peer<'_>, (): &mut (), header: &Header<'_>) -> ContentMode {
        if header.content_length() > 1000 { ContentMode::Streamed { max: UNLIMITED } } else { ContentMode::Whole }
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if message.content() == b"gate" {
            let (there, gate) = self.gate.lock().unwrap().take().unwrap();
            self.calls.lock().unwrap().clear();
            there.send(()).unwrap();
            gate.recv_timeout(PATIENCE).unwrap();
        }
        self.note(peer.id(), 0);
        match message.content() {
            b"answer" => peer.send(&message.header(), message.content()).unwrap(),
            b"much" => peer.send(&Header::new("much", "binary", 50_000), &[0; 50_000]).unwrap(),
            _ => {}
        }
    }

    fn content(&mut self, peer: &mut Peer<'_>, (): &mut (), piece: &[u8]) {
        self.note(peer.id(), piece.len());
    }
}

/// Peers that have one short message to send, against greedy ones.
struct Match {
    /// Runs until the end of the match.
    _server: Running,
    gate: mpsc::Sender<()>,
    calls: Arc<Mutex<Vec<(Id, usize)>>>,
    modest: Vec<TcpStream>,
    greedy: Vec<TcpStream>,
    /// The server's ends of their connections.
    ends: Vec<TcpStream>,
}

impl Match {
    /// All are connected, and the server waits at the gate.
    fn new(driver: Driver, modest: usize, greedy: usize) -> Self {
        let (gate, opened) = mpsc::channel();
        let (there, waits) = mpsc::channel();
        let calls = Arc::default();
        let referee = Referee { gate: Arc::new(Mutex::new(Some((there, opened)))), calls: Arc::clone(&calls) };
        let server = driver.start(Limits::default(), referee);
        let (listener, mut ends) = (TcpListener::bind("127.0.0.1:0").unwrap(), Vec::new());
        // Room for more than a turn, where the system allows that.
        SockRef::from(&listener).set_recv_buffer_size(4 * BYTES).unwrap();
        // Each has had a turn, so that from here on they have turns in the order in which they send.
        let mut connect = |_| {
            let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let (end, _) = listener.accept().unwrap();
            ends.push(end.try_clone().unwrap());
            server.handle.adopt(end).unwrap();
            ask(&mut stream);
            hear(&mut stream);
            stream
        };
        let modest: Vec<_> = (0..modest).map(&mut connect).collect();
        let greedy: Vec<_> = (0..greedy).map(&mut connect).collect();
        connect(0).write_all(&message(b"gate")).unwrap();
        // Of the gate nothing more is expected.
        ends.pop();
        // Before that, what the greedy ones send would come with the first message, and they would have a turn more.
        waits.recv_timeout(PATIENCE).unwrap();
        Self { _server: server, gate, calls, modest, greedy, ends }
    }

    /// Has the greedy ones send one thing and then another for ever; how many calls there were for others than this one,
    /// and with how many bytes, before the first one for each modest peer.
    fn play(mut self, first: &[u8], again: &[u8]) -> Vec<(usize, usize)> {
        for stream in &self.greedy {
            let mut writing = stream.try_clone().unwrap();
            let (first, again) = (first.to_vec(), again.to_vec());
            let (sender, written) = mpsc::channel();
            thread::spawn(move || {
                let mut next = &first[..];
                while let Ok(count @ 1..) = writing.write(next) {
                    next = &next[count..];
                    if next.is_empty() {
                        next = &again;
                    }
                    let _ = sender.send(());
                }
            });
            // Until it has not gone on for a while, for nobody reads.
            while written.recv_timeout(Duration::from_millis(200)).is_ok() {}
        }
        self.modest.iter_mut().for_each(ask);
        // What has been written arrives a little later if the machine is busy.
        let length = message(b"answer").len();
        for end in self.ends.drain(..) {
            wait_until(|| end.peek(&mut vec![0; length]).is_ok_and(|count| count == length));
        }
        self.gate.send(()).unwrap();
        self.modest.iter_mut().for_each(hear);
        for stream in &self.greedy {
            stream.shutdown(Shutdown::Both).unwrap();
        }
        let calls = self.calls.lock().unwrap();
        let mut ids: Vec<_> = calls.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), self.modest.len() + self.greedy.len() + 1, "all have had turns");
        let before = |modest: &Id| {
            let others = calls.iter().take_while(|(id, _)| id != modest);
            others.fold((0, 0), |(count, bytes), (_, more)| (count + 1, bytes + more))
        };
        // Ids are in the order of acceptance.
        ids[..self.modest.len()].iter().map(before).collect()
    }
}

/// Sends a message that is answered.
fn ask(stream: &mut TcpStream) {
    stream.write_all(&message(b"answer")).unwrap();
}

fn hear(stream: &mut TcpStream) {
    stream.read_exact(&mut vec![0; message(b"answer").len()]).unwrap();
}

/// Messages without content: the most work for the fewest bytes.
fn flood() -> Vec<u8> {
    message(b"").repeat(1000)
}

fn a_flood_of_messages_delays_others_by_one_turn(driver: Driver) {
    for (messages, _) in Match::new(driver, 10, 1).play(&flood(), &flood()) {
        assert!(messages <= MESSAGES + 11, "{messages} messages before a peer with one");
    }
}

fn endless_content_delays_others_by_one_turn(driver: Driver) {
    let mut head = [0; 200];
    let head = Header::new("endless", "binary", u64::MAX).encode(&mut head).unwrap();
    let content = vec![b'x'; 1_000_000];
    for (_, bytes) in Match::new(driver, 10, 1).play(&[head, &content].concat(), &content) {
        assert!(bytes <= BYTES + READ, "{bytes} bytes before a peer with few");
    }
}

fn five_floods_delay_others_by_five_turns(driver: Driver) {
    for (messages, _) in Match::new(driver, 10, 5).play(&flood(), &flood()) {
        assert!(messages <= 5 * MESSAGES + 11, "{messages} messages before a peer with one");
    }
}

fn long_answers_delay_others_by_one_turn(driver: Driver) {
    let requests = message(b"much").repeat(1000);
    for (messages, _) in Match::new(driver, 10, 1).play(&requests, &requests) {
        assert!(messages <= WRITTEN / 50_000 + 1 + 11, "{messages} long answers before a short one");
    }
}

/// Sends back what comes, when it has waited if it is asked to.
#[derive(Clone)]
struct Waiter {
    there: mpsc::Sender<()>,
    gate: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Handler for Waiter {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        match message.content() {
            b"gate" => {
                self.there.send(()).unwrap();
                self.gate.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            }
            b"slow" => thread::sleep(Duration::from_millis(1)),
            _ => {}
        }
        peer.send(&message.header(), message.content()).unwrap();
    }
}

fn an_answer_waits_for_no_other_handler_after_a_slow_one(driver: Driver) {
    let ((there, waits), (open, gate)) = (mpsc::channel(), mpsc::channel());
    let server = driver.start(Limits::default(), Waiter { there, gate: Arc::new(Mutex::new(gate)) });
    let mut streams = [(); 3].map(|()| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        ask(&mut stream);
        hear(&mut stream);
        stream
    });
    let [first, slow, last] = &mut streams;
    first.write_all(&message(b"gate")).unwrap();
    waits.recv_timeout(PATIENCE).unwrap();
    // These two have their turns one after the other.
    slow.write_all(&message(b"slow")).unwrap();
    last.write_all(&message(b"gate")).unwrap();
    open.send(()).unwrap();
    waits.recv_timeout(PATIENCE).unwrap();
    slow.read_exact(&mut message(b"slow")).unwrap();
    open.send(()).unwrap();
    last.read_exact(&mut message(b"gate")).unwrap();
}
