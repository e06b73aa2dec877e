//! A server that never blocks, for as many clients as there are, in one thread: `cargo run -p jsonframe-std --example server`.
//!
//! It doubles numbers. Small requests are collected; what is not JSON is counted as it comes, and kept nowhere. Three
//! clients in threads ask it, and then it is shut down.

use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, CloseReason, ContentMode, Handler, Id, Limits, Peer, Server};
use jsonframe_std::{Connection, Error};

struct Doubler;

impl Handler for Doubler {
    /// How much of the content under way has come.
    type State = usize;

    fn header(&mut self, _: &mut Peer<'_>, count: &mut usize, header: &Header<'_>) -> ContentMode {
        if header.content_type() == "text/json" {
            return ContentMode::Whole;
        }
        *count = 0;
        ContentMode::Streamed { max: 1_000_000_000 }
    }

    fn message(&mut self, peer: &mut Peer<'_>, _: &mut usize, message: Message<'_>) {
        let sent = match message.json::<u32>() {
            Ok(number) => peer.send_json(&(2 * u64::from(number))),
            Err(error) => peer.send_json(&error.to_string()),
        };
        if sent.is_err() {
            peer.close();
        }
    }

    fn content(&mut self, _: &mut Peer<'_>, count: &mut usize, piece: &[u8]) {
        *count += piece.len();
    }

    fn end(&mut self, peer: &mut Peer<'_>, count: &mut usize) {
        if peer.send_json(&(2 * *count)).is_err() {
            peer.close();
        }
    }

    fn disconnected(&mut self, _: Id, address: Address, _: usize, why: &CloseReason) {
        println!("{address}: {why}");
    }
}

fn main() -> Result<(), Error> {
    // Limits and deadlines are finite unless you say otherwise; these are tighter than the defaults.
    let limits =
        Limits::default().with_max_connections(100).with_max_content(1024).with_idle_timeout(Duration::from_secs(60));
    let server = Server::bind("127.0.0.1:0", limits)?;
    let (address, handle) = (server.address(), server.handle());
    let server = thread::spawn(move || server.run(Doubler));

    let clients: Vec<_> = (1..=3).map(|number| thread::spawn(move || ask(address, number))).collect();
    for client in clients {
        client.join().expect("the client does not panic")?;
    }

    // What is under way may take another second.
    handle.shutdown(Duration::from_secs(1));
    server.join().expect("the server does not panic")?;
    Ok(())
}

fn ask(address: Address, number: u32) -> Result<(), Error> {
    let mut connection = Connection::connect(address)?;
    let zeros = vec![0; 100_000];

    // All requests first, then the answers: they come in the same order.
    connection.send_json(&number)?;
    connection.send(&Header::new("zeros", "binary", zeros.len() as u64), &zeros)?;
    connection.send_json("two")?;

    assert_eq!(connection.receive()?.expect("an answer").json::<u64>()?, 2 * u64::from(number));
    assert_eq!(connection.receive()?.expect("an answer").json::<u64>()?, 200_000);
    let refusal: String = connection.receive()?.expect("an answer").json()?;
    assert!(refusal.contains("invalid type"), "{refusal}");
    Ok(())
}
