//! How many requests a second a server answers, beside a bare TCP echo of the same bytes:
//! `cargo run --release -p jsonframe-std --example rate`.
//!
//! Clients and server share the machine, so that the figures are of use only side by side. Each is the best of several,
//! taken in turn.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Handler, Limits, Peer, Server, Take};
use jsonframe_std::{Connection, UNLIMITED};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(1);

struct Echo;

impl Handler for Echo {
    fn header(&mut self, _: &mut Peer<'_>, header: &Header<'_>) -> Take {
        if header.content_type() == "bulk" { Take::Streamed { max: UNLIMITED } } else { Take::Whole }
    }

    fn end(&mut self, peer: &mut Peer<'_>) {
        let _ = peer.send(&Header::json(2), b"{}");
    }

    fn message(&mut self, peer: &mut Peer<'_>, message: Message<'_>) {
        let _ = peer.send(&Header::json(message.content().len() as u64), message.content());
    }
}

fn main() -> io::Result<()> {
    let content = br#"{"action": "search", "value": "needle"}"#;
    let message = Message::new(Header::json(content.len() as u64), content).map_err(io::Error::other)?;
    let message = message.to_vec().map_err(io::Error::other)?;

    let server = Server::bind("127.0.0.1:0", Limits::default())?;
    let (address, handle) = (server.address(), server.handle());
    let server = thread::spawn(move || server.run(Echo));
    let bare = bare_echo()?;
    println!("requests a second           server   bare echo");
    for (connections, pipeline) in [(1, 1), (1, 100), (100, 1), (100, 10)] {
        let [ours, theirs] = best([address, bare], |address| Ok(rate(address, connections, &message, pipeline)))?;
        println!("{connections:4} connections × {pipeline:3}: {ours:12.0} {theirs:11.0}  {:.2}", ours / theirs);
    }
    let [ours, theirs] = best([address, bare], accepted)?;
    println!("connections a second:    {ours:10.0} {theirs:11.0}  {:.2}", ours / theirs);
    let [ours, theirs] = best([Some(address), None], |address| address.map_or_else(bare_bulk, bulk))?;
    println!("MB a second of 1 GiB:    {:10.0} {:11.0}  {:.2}", ours / 1e6, theirs / 1e6, ours / theirs);
    handle.shutdown(Duration::from_secs(1));
    server.join().unwrap_or_else(|_| Err(io::Error::other("the handler has panicked")))
}

/// The best figure for each of the two, measured in turn.
fn best<T: Copy>(sides: [T; 2], measure: impl Fn(T) -> io::Result<f64>) -> io::Result<[f64; 2]> {
    let mut best = [0.0; 2];
    for _ in 0..5 {
        for (best, side) in best.iter_mut().zip(sides) {
            *best = f64::max(*best, measure(side)?);
        }
    }
    Ok(best)
}

/// An echo of whatever comes, in one thread, on the same poller, and nothing else.
fn bare_echo() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let mut listener = mio::net::TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, Token(usize::MAX), Interest::READABLE)?;
    thread::spawn(move || -> io::Result<()> {
        let (mut streams, mut events) = (Slab::new(), Events::with_capacity(1024));
        let mut place = vec![0; 65_536];
        loop {
            poll.poll(&mut events, None)?;
            for event in &events {
                if let Some(stream) = streams.get_mut(event.token().0) {
                    if echo(stream, &mut place).is_err() || event.is_read_closed() {
                        streams.remove(event.token().0);
                    }
                    continue;
                }
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    poll.registry().register(&mut stream, Token(streams.vacant_key()), Interest::READABLE)?;
                    streams.insert(stream);
                }
            }
        }
    });
    Ok(address)
}

fn echo(stream: &mut mio::net::TcpStream, place: &mut [u8]) -> io::Result<()> {
    loop {
        let count = stream.read(place)?;
        stream.write_all(&place[..count])?;
        // Less than there was room for is all there was.
        if count < place.len() {
            return Ok(());
        }
    }
}

/// Requests a second of all connections together, each of which has so many under way.
fn rate(address: SocketAddr, connections: usize, message: &[u8], pipeline: usize) -> f64 {
    let batch = message.repeat(pipeline);
    let start = Instant::now();
    let answered: usize = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| requests(address, &batch, start).unwrap_or(0))).collect();
        clients.into_iter().map(|client| client.join().unwrap_or(0)).sum()
    });
    f64::from(u32::try_from(answered * pipeline).unwrap_or(u32::MAX)) / start.elapsed().as_secs_f64()
}

fn requests(address: SocketAddr, batch: &[u8], start: Instant) -> io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut place = vec![0; batch.len()];
    let mut answered = 0;
    while start.elapsed() < TIME {
        stream.write_all(batch)?;
        stream.read_exact(&mut place)?;
        answered += 1;
    }
    Ok(answered)
}

/// New connections a second, each of which is closed by both sides.
fn accepted(address: SocketAddr) -> io::Result<f64> {
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < TIME {
        let mut stream = TcpStream::connect(address)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        // The other side closes in turn.
        let _ = stream.read(&mut [0])?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

const GIB: u64 = 1024 * 1024 * 1024;

/// Bytes a second of one message of 1 GiB, until it is answered.
fn bulk(address: SocketAddr) -> io::Result<f64> {
    let mut connection = Connection::connect(address)?;
    let start = Instant::now();
    connection.send_stream(&Header::new("bulk", "binary", GIB), &mut Zeros).map_err(io::Error::other)?;
    connection.receive().map_err(io::Error::other)?;
    Ok(bytes_a_second(start))
}

/// The same of bare bytes, read into as much memory as the server reads them into.
fn bare_bulk() -> io::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let sink = thread::spawn(move || -> io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut place = vec![0; 65_536];
        while stream.read(&mut place)? > 0 {}
        stream.write_all(b"{}")
    });
    let start = Instant::now();
    let chunk = vec![0; 65_536];
    for _ in 0..GIB / 65_536 {
        stream.write_all(&chunk)?;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_exact(&mut [0; 2])?;
    let rate = bytes_a_second(start);
    sink.join().unwrap_or(Ok(())).map(|()| rate)
}

fn bytes_a_second(start: Instant) -> f64 {
    f64::from(u32::try_from(GIB).unwrap_or(u32::MAX)) / start.elapsed().as_secs_f64()
}

/// A source that takes no time.
struct Zeros;

impl Read for Zeros {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        Ok(place.len())
    }
}
