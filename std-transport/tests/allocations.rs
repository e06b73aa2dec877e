//! How often memory is allocated for a message, once the first ones have been exchanged.
//!
//! Apart from the others, and one test: allocations are counted in the whole process.
#![cfg(all(feature = "server", feature = "json"))]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

#[cfg(all(feature = "client", feature = "tokio"))]
use jsonframe_std::client::{Client, Options};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Handle, Handler, Limits, Peer, Server};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many messages are counted, and how many come before them.
const MESSAGES: usize = 1000;

/// How often a client allocates for a call, at most: for the reply that it hands to its caller.
#[cfg(all(feature = "client", feature = "tokio"))]
const CALL: usize = 1;

/// Answers as its peer has asked, with a value or with bytes.
#[derive(Clone)]
struct Answers;

impl Handler for Answers {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), request: Message<'_>) {
        let asked: &str = request.json().unwrap();
        let sent = match asked {
            "value" => peer.send_json(&["found", asked]),
            _ => peer.send(&Header::new("bytes", "binary", 5), b"found"),
        };
        sent.unwrap();
    }
}

#[cfg(feature = "tokio")]
impl jsonframe_std::tokio::Handler for Answers {
    type State = ();

    async fn message(&self, peer: &mut Peer<'_>, (): &mut (), request: Message<'_>) {
        Handler::message(&mut Self, peer, &mut (), request);
    }
}

/// How often memory is allocated for the second half of these exchanges.
fn allocations(mut exchange: impl FnMut()) -> usize {
    (0..MESSAGES).for_each(|_| exchange());
    let region = Region::new(ALLOCATOR);
    (0..MESSAGES).for_each(|_| exchange());
    let change = region.change();
    change.allocations + change.reallocations
}

/// Has a peer that allocates nothing ask a server, and returns how often that allocates.
///
/// One request at a time: of several, those that no longer fit in a turn are kept in memory of their own.
fn allocations_of_server(address: SocketAddr, asked: &str) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let request = jsonframe_std::protocol::to_json_message(asked).unwrap();
    let mut answer = [0; 256];
    let mut exchange = || {
        stream.write_all(&request).unwrap();
        let length = stream.read(&mut answer).unwrap();
        assert!(answer[..length].windows(5).any(|word| word == b"found"));
    };
    allocations(&mut exchange)
}

/// Runs a server, and says at first where it listens.
type Run = fn(mpsc::Sender<(SocketAddr, Handle)>);

/// The servers, by their names.
fn servers() -> Vec<(&'static str, Run)> {
    vec![
        ("server", |started| {
            let server = Server::bind("127.0.0.1:0", Limits::default()).unwrap();
            started.send((server.address().to_string().parse().unwrap(), server.handle())).unwrap();
            server.run(Answers).unwrap();
        }),
        #[cfg(feature = "tokio")]
        ("server of tokio", |started| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = jsonframe_std::tokio::Server::bind("127.0.0.1:0", Limits::default()).await.unwrap();
                started.send((server.address().to_string().parse().unwrap(), server.handle())).unwrap();
                server.run(Answers).await.unwrap();
            });
        }),
    ]
}

#[test]
fn a_small_message_allocates_nothing_in_a_server_and_little_in_a_client() {
    for (name, run) in servers() {
        let (started, address) = mpsc::channel();
        let thread = thread::spawn(move || run(started));
        let (address, handle) = address.recv().unwrap();
        for asked in ["value", "bytes"] {
            assert_eq!(allocations_of_server(address, asked), 0, "{asked} of the {name}");
        }
        #[cfg(all(feature = "client", feature = "tokio"))]
        for options in [Options::default(), Options::default().with_ids()] {
            let (header, content) = (Header::for_json(7), b"\"bytes\"");
            let client = Client::new(move || TcpStream::connect(address), options.clone()).unwrap();
            let blocking = allocations(|| assert_eq!(client.call(&header, content).unwrap().content(), b"found"));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let client = runtime.block_on(jsonframe_std::tokio::Client::connect(address, options)).unwrap();
            let call = || runtime.block_on(client.call(&header, content)).unwrap();
            let of_tokio = allocations(|| assert_eq!(call().content(), b"found"));
            for (client, allocated) in [("client", blocking), ("client of tokio", of_tokio)] {
                assert!(allocated <= CALL * MESSAGES, "the {client} of the {name}: {allocated}");
            }
        }
        handle.shutdown(Duration::ZERO);
        thread.join().unwrap();
    }
}
