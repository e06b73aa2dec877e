//! What the servers are measured beside: TCP, or rustls over it, with the same bytes, system calls and buffers, and nothing else.

use std::io::{self, Read, Write};
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::thread;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
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
        Self::serve(None, blocking(echo)?, blocking(swallow)?)
    }

    /// The same over TLS.
    pub(crate) fn start_tls(config: &Arc<ServerConfig>) -> io::Result<Self> {
        let over_tls = |serve: fn(Secured) -> io::Result<()>| {
            let config = Arc::clone(config);
            blocking(move |stream| serve(secure(&config, stream)?))
        };
        Self::serve(Some(Arc::clone(config)), over_tls(echo)?, over_tls(swallow)?)
    }

    fn serve(tls: Option<Arc<ServerConfig>>, blocking: SocketAddr, blocking_sink: SocketAddr) -> io::Result<Self> {
        let server = Server::bind(tls)?;
        let (polled, sink) = (server.echo.local_addr()?, server.sink.local_addr()?);
        thread::spawn(move || server.run());
        Ok(Self { polled, sink, blocking, blocking_sink })
    }
}

/// Serves all connections in one thread.
pub(crate) struct Server {
    poll: Poll,
    pub(crate) echo: TcpListener,
    sink: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

struct Peer {
    stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
    /// Of a sink, how many bytes are still to come.
    missing: Option<u64>,
}

impl Server {
    pub(crate) fn bind(tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
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
        Ok(Self { echo: listen(ECHO)?, sink: listen(SINK)?, poll, tls })
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
                    let tls = self.tls.as_ref().map(|config| session(config).map(Box::new)).transpose()?;
                    peers.insert(Peer { stream, tls, missing });
                }
            }
        }
    }
}

fn serve(peer: &mut Peer, place: &mut [u8]) -> io::Result<()> {
    let Peer { stream, tls, missing } = peer;
    if let Some(session) = tls {
        return serve_tls(stream, session, missing, place);
    }
    loop {
        let count = match stream.read(place) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            read => read?,
        };
        answer(missing, &place[..count], stream)?;
        // A read that does not fill the buffer has got all there was.
        if count < place.len() {
            return Ok(());
        }
    }
}

fn serve_tls(
    stream: &mut TcpStream,
    session: &mut ServerConnection,
    missing: &mut Option<u64>,
    place: &mut [u8],
) -> io::Result<()> {
    loop {
        let mut raw = Drained { stream, is_drained: false };
        match session.read_tls(&mut raw) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            read => read?,
        };
        let is_drained = raw.is_drained;
        session.process_new_packets().map_err(io::Error::other)?;
        loop {
            let count = match session.reader().read(place) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => read?,
            };
            answer(missing, &place[..count], &mut session.writer())?;
        }
        while session.wants_write() {
            session.write_tls(stream)?;
        }
        if is_drained {
            return Ok(());
        }
    }
}

/// Notes whether a read has got all there was.
struct Drained<'s> {
    stream: &'s mut TcpStream,
    is_drained: bool,
}

impl Read for Drained<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(place)?;
        self.is_drained = count < place.len();
        Ok(count)
    }
}

/// Sends back what has come, or counts it and answers the last of it.
fn answer(missing: &mut Option<u64>, bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
    let Some(missing) = missing else { return to.write_all(bytes) };
    *missing = missing.saturating_sub(bytes.len() as u64);
    if *missing == 0 { to.write_all(&reply_to_bulk()) } else { Ok(()) }
}

fn session(config: &Arc<ServerConfig>) -> io::Result<ServerConnection> {
    ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)
}

/// The server's end of TLS that blocks.
pub(crate) type Secured = StreamOwned<ServerConnection, net::TcpStream>;

pub(crate) fn secure(config: &Arc<ServerConfig>, stream: net::TcpStream) -> io::Result<Secured> {
    Ok(StreamOwned::new(session(config)?, stream))
}

/// Serves each connection in a thread of its own.
pub(crate) fn blocking<E: From<io::Error> + Send + 'static>(
    serve: impl Fn(net::TcpStream) -> Result<(), E> + Clone + Send + 'static,
) -> io::Result<SocketAddr> {
    let listener = net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || {
                stream.set_nodelay(true)?;
                serve(stream)
            });
        }
    });
    Ok(address)
}

fn echo(mut stream: impl Read + Write) -> io::Result<()> {
    let mut place = vec![0; CHUNK];
    loop {
        let count = stream.read(&mut place)?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&place[..count])?;
    }
}

fn swallow(mut stream: impl Read + Write) -> io::Result<()> {
    let (mut place, mut missing) = (vec![0; CHUNK], Some(bulk_length()));
    while missing > Some(0) {
        match stream.read(&mut place)? {
            0 => return Ok(()),
            count => answer(&mut missing, &place[..count], &mut stream)?,
        }
    }
    Ok(())
}
