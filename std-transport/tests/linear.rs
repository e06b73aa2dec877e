//! Receiving is linear, counted in instructions: four times the content takes four times the work, however it is received
//! and however the stream is cut.
//!
//! The test runs itself under valgrind, which counts the same instructions every time.
#![cfg(all(target_os = "linux", feature = "json", feature = "server"))]
#![allow(clippy::cast_precision_loss, reason = "counts are compared as ratios")]

#[path = "../../protocol/tests/counted/mod.rs"]
mod counted;

use std::hint::black_box;
use std::io::{self, BufRead, Read};
use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::{Event, Header, Message};
use jsonframe_std::server::{ContentMode, Handler, Limits, Peer, Server};
use jsonframe_std::{Connection, Fill, Incoming, Session, UNLIMITED};

const MIB: u64 = 1 << 20;

/// Of how much content the work is counted.
const SIZES: [u64; 4] = [MIB, 4 * MIB, 16 * MIB, 64 * MIB];

/// How many bytes a read gets at the most: a whole buffer, or a segment of TCP.
const LARGE: usize = 65_536;
const SMALL: usize = 1_448;

/// The ways to receive, and how the stream is cut. With sockets, that varies a little.
const WAYS: [(&str, usize); 9] = [
    ("collected", LARGE),
    ("collected", SMALL),
    ("streamed", LARGE),
    ("streamed-little", LARGE),
    ("buffered", LARGE),
    ("session", LARGE),
    ("session", SMALL),
    ("server-whole", LARGE),
    ("server-streamed", LARGE),
];

/// A message that comes in pieces.
struct Pieces {
    head: io::Cursor<Vec<u8>>,
    left: u64,
    size: usize,
}

impl Pieces {
    fn new(length: u64, size: usize) -> Self {
        let header = header(length);
        let mut head = vec![0; header.encoded_len()];
        header.encode(&mut head).unwrap();
        Self { head: io::Cursor::new(head), left: length, size }
    }
}

impl Read for Pieces {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let length = place.len().min(self.size);
        let place = &mut place[..length];
        let in_head = self.head.read(place)?;
        if in_head > 0 {
            return Ok(in_head);
        }
        let count = usize::try_from(self.left).unwrap().min(length);
        place[..count].fill(b'x');
        self.left -= count as u64;
        Ok(count)
    }
}

fn header(length: u64) -> Header<'static> {
    Header::new("bytes", "binary", length)
}

/// Receives as the last argument says, when the test is run by another of its kind. The count is that of all content.
#[test]
fn workload() {
    let Some(workload) = counted::workload() else { return };
    let words: Vec<&str> = workload.split(' ').collect();
    let [way, length, size] = words[..] else { panic!("no workload {workload}") };
    let length: u64 = length.parse().unwrap();
    let stream = Pieces::new(length, size.parse().unwrap());
    let received = match way {
        "collected" => receive(stream, |incoming| incoming.content().unwrap().len() as u64),
        "streamed" => receive(stream, |incoming| read(incoming, 65_536)),
        "streamed-little" => receive(stream, |incoming| read(incoming, 1_000)),
        "buffered" => receive(stream, buffered),
        "session" => session(stream),
        "server-whole" => server(length, ContentMode::Whole),
        "server-streamed" => server(length, ContentMode::Streamed { max: UNLIMITED }),
        other => panic!("no way {other}"),
    };
    assert_eq!(received, length);
}

fn receive(stream: Pieces, content: impl FnOnce(&mut Incoming<'_, Pieces>) -> u64) -> u64 {
    let mut connection = Connection::new(stream).with_max_content(UNLIMITED);
    let received = content(&mut connection.receive().unwrap().unwrap());
    assert!(connection.receive().unwrap().is_none());
    received
}

fn read(incoming: &mut impl Read, size: usize) -> u64 {
    let (mut place, mut received) = (vec![0; size], 0);
    loop {
        match incoming.read(&mut place).unwrap() {
            0 => return received,
            count => received += black_box(&place[..count]).len() as u64,
        }
    }
}

fn buffered(incoming: &mut Incoming<'_, Pieces>) -> u64 {
    let mut received = 0;
    loop {
        let count = black_box(incoming.fill_buf().unwrap()).len();
        if count == 0 {
            return received;
        }
        incoming.consume(count);
        received += count as u64;
    }
}

fn session(stream: Pieces) -> u64 {
    let mut session = Session::new(stream).with_max_content(UNLIMITED);
    let mut received = 0;
    loop {
        while let Some(event) = session.next_event().unwrap() {
            if let Event::Content(piece) = event {
                received += black_box(piece).len() as u64;
            }
        }
        if session.fill().unwrap() == Fill::Eof {
            return received;
        }
    }
}

/// Counts the content of each message.
struct Counter {
    take: ContentMode,
    received: u64,
}

impl Handler for Counter {
    type State = ();

    fn header(&mut self, _: &mut Peer<'_>, (): &mut (), _: &Header<'_>) -> ContentMode {
        self.take
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.received = message.content().len() as u64;
        self.end(peer, &mut ());
    }

    fn content(&mut self, _: &mut Peer<'_>, (): &mut (), piece: &[u8]) {
        self.received += black_box(piece).len() as u64;
    }

    fn end(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        peer.send_json(&self.received).unwrap();
    }
}

/// Sends the content to a server, with sockets, for how much of it has arrived there.
fn server(length: u64, take: ContentMode) -> u64 {
    let limits = Limits::default().with_max_content(UNLIMITED).with_max_collected(usize::MAX);
    let server = Server::bind("127.0.0.1:0", limits).unwrap();
    let (address, handle) = (server.address(), server.handle());
    let serving = thread::spawn(move || server.run(Counter { take, received: 0 }));
    let mut client = Connection::connect(address).unwrap();
    client.send_stream(&header(length), &mut io::repeat(b'x')).unwrap();
    let received = client.receive().unwrap().unwrap().json().unwrap();
    drop(client);
    handle.shutdown(Duration::from_secs(60));
    serving.join().unwrap().unwrap();
    received
}

fn instructions(workload: &str) -> Option<u64> {
    counted::instructions("workload", workload)
}

#[test]
fn four_times_the_content_takes_four_times_the_work() {
    println!("{:24}{:>8}{:>16}{:>10}{:>12}", "way, bytes at a time", "MiB", "instructions", "a KiB", "of before");
    for (way, size) in WAYS {
        let Some(start) = instructions(&format!("{way} 0 {size}")) else { return };
        let mut before = None;
        for length in SIZES {
            let count = instructions(&format!("{way} {length} {size}")).unwrap() - start;
            let growth = before.map(|before| count as f64 / before as f64);
            println!(
                "{:24}{:8}{count:16}{:10}{:>12}",
                format!("{way}, {size}"),
                length / MIB,
                count / (length / 1024),
                growth.map_or_else(String::new, |growth| format!("{growth:.3}")),
            );
            let most = if way.starts_with("server") { 6.0 } else { 4.1 };
            assert!(growth.is_none_or(|growth| growth < most), "{way}: four times the content, {growth:?} the work");
            before = Some(count);
        }
    }
}
