//! What the servers are measured beside: TCP, with the same bytes, system calls and rooms, and nothing else.

use std::io::{self, Read, Write};
use std::net::{self, SocketAddr};
use std::thread;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::clients::{bulk_length, reply_to_bulk};
use crate::messages::CHUNK;

const ECHO: Token = Token(usize::MAX);
const SINK: Token = Token(usize::MAX - 1);

/// Where the servers listen.
#[derive(Clone, Copy)]
pub(crate) struct Bare {
    /// An echo and a sink in one thread, on the poller that the server has too.
    pub(crate) polled: SocketAddr,
    pub(crate) sink: SocketAddr,
    /// An echo and a sink in a thread for each connection.
    pub(crate) blocking: SocketAddr,
    pub(crate) blocking_sink: SocketAddr,
}

impl Bare {
    /// Starts the servers, in threads that live as long as the process.
    pub(crate) fn start() -> io::Result<Self> {
        let server = Server::bind()?;
        let (polled, sink) = (server.echo.local_addr()?, server.sink.local_addr()?);
        thread::spawn(move || server.run());
        Ok(Self { polled, sink, blocking: blocking(echo)?, blocking_sink: blocking(swallow)? })
    }
}

/// Serves all connections in one thread.
pub(crate) struct Server {
    poll: Poll,
    pub(crate) echo: TcpListener,
    sink: TcpListener,
}

struct Peer {
    stream: TcpStream,
    /// Of a sink, how many bytes are still to come.
    missing: Option<u64>,
}

impl Server {
    pub(crate) fn bind() -> io::Result<Self> {
        let poll = Poll::new()?;
        let listen = |token| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
            socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
            socket.listen(1024)?;
            socket.set_nonblocking(true)?;
            let mut listener = TcpListener::from_std(socket.into());
            poll.registry().register(&mut listener, token, Interest::READABLE)?;
            io::Result::Ok(listener)
        };
        Ok(Self { echo: listen(ECHO)?, sink: listen(SINK)?, poll })
    }

    pub(crate) fn run(mut self) -> io::Result<()> {
        let (mut peers, mut events, mut place) = (Slab::new(), Events::with_capacity(1024), vec![0; CHUNK]);
        loop {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                let (listener, missing) = match event.token() {
                    ECHO => (&self.echo, None),
                    SINK => (&self.sink, Some(bulk_length())),
                    Token(slot) => {
                        if let Some(peer) = peers.get_mut(slot) {
                            if serve(peer, &mut place).is_err() || event.is_read_closed() {
                                peers.remove(slot);
                            }
                        }
                        continue;
                    }
                };
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    self.poll.registry().register(&mut stream, Token(peers.vacant_key()), Interest::READABLE)?;
                    peers.insert(Peer { stream, missing });
                }
            }
        }
    }
}

fn serve(peer: &mut Peer, place: &mut [u8]) -> io::Result<()> {
    loop {
        let count = match peer.stream.read(place) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            read => read?,
        };
        match &mut peer.missing {
            None => peer.stream.write_all(&place[..count])?,
            Some(missing) => {
                *missing = missing.saturating_sub(count as u64);
                if *missing == 0 {
                    return peer.stream.write_all(&reply_to_bulk());
                }
            }
        }
        // Less than there was room for is all there was.
        if count < place.len() {
            return Ok(());
        }
    }
}

fn blocking(serve: fn(net::TcpStream) -> io::Result<()>) -> io::Result<SocketAddr> {
    let listener = net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(address)
}

fn echo(mut stream: net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut place = vec![0; CHUNK];
    loop {
        let count = stream.read(&mut place)?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&place[..count])?;
    }
}

fn swallow(mut stream: net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut place, mut missing) = (vec![0; CHUNK], bulk_length());
    while missing > 0 {
        match stream.read(&mut place)? {
            0 => return Ok(()),
            count => missing = missing.saturating_sub(count as u64),
        }
    }
    stream.write_all(&reply_to_bulk())
}
