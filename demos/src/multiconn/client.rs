//! The client: a number of connections, in one thread.

use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jsonframe_cli::console::Console;
use jsonframe_cli::dial::look_up;
use jsonframe_cli::text::count_of_bytes;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};

use super::dialogue::Dialogue;

/// Opens so many connections to an echo server at once, sends two messages on each, and closes each when they came back.
///
/// A connection that fails does not end the others. When for the time given none of them has been opened or has come to its
/// end, the client ends them: bytes that trickle in are not enough.
///
/// # Errors
///
/// How many connections failed, and why the first of them; or why there cannot be so many.
pub fn converse(server: (&str, u16), connections: usize, patience: Duration, console: &Console) -> Result<(), String> {
    let addresses = look_up(server)?;
    let mut client = Client::new(&addresses, console).map_err(|error| format!("cannot wait for events: {error}"))?;
    for index in 0..connections {
        client.start(index).map_err(|error| {
            let number = index + 1;
            format!("cannot open connection {number} of {connections}: {error}; `ulimit -n` shows and sets the limit")
        })?;
    }
    client.run(patience).map_err(|error| format!("cannot wait for events: {error}"))?;
    match client.first_failure {
        Some((number, reason)) => {
            let failed = client.failed;
            Err(format!("{failed} of {connections} connections failed; connection {number}: {reason}"))
        }
        None => Ok(()),
    }
}

struct Client<'a> {
    poll: Poll,
    addresses: &'a [SocketAddr],
    console: &'a Console,
    /// Each at the index that is its token; `None` is closed.
    connections: Vec<Option<Connection<'a>>>,
    open: usize,
    failed: usize,
    /// The number of the connection that failed first, and why.
    first_failure: Option<(usize, String)>,
}

struct Connection<'a> {
    stream: TcpStream,
    address: SocketAddr,
    connected: bool,
    /// The addresses to try if this one does not answer.
    further: &'a [SocketAddr],
    dialogue: Dialogue,
}

impl<'a> Client<'a> {
    fn new(addresses: &'a [SocketAddr], console: &'a Console) -> io::Result<Self> {
        let poll = Poll::new()?;
        Ok(Self { poll, addresses, console, connections: Vec::new(), open: 0, failed: 0, first_failure: None })
    }

    /// Starts the next connection. It fails only when there is no room for another connection; other failures are the
    /// connection's own.
    fn start(&mut self, index: usize) -> io::Result<()> {
        let number = index + 1;
        let no_address = io::Error::new(ErrorKind::AddrNotAvailable, "the name has no address");
        let connection = match self.connect(index, self.addresses, no_address) {
            Ok((stream, address, further)) => {
                self.open += 1;
                Some(Connection { stream, address, connected: false, further, dialogue: Dialogue::new(number) })
            }
            Err(error) if is_lack_of_room(&error) => return Err(error),
            Err(error) => {
                self.fail(index, error.to_string());
                None
            }
        };
        self.connections.push(connection);
        Ok(())
    }

    /// Begins to connect to the first of these addresses where that is possible, and returns it and those after it. When
    /// there is none, the last failure stands.
    fn connect(
        &self,
        index: usize,
        mut further: &'a [SocketAddr],
        mut failure: io::Error,
    ) -> io::Result<(TcpStream, SocketAddr, &'a [SocketAddr])> {
        let number = index + 1;
        while let Some((address, rest)) = further.split_first() {
            further = rest;
            self.console.say(format_args!("starting connection {number} to {address}"));
            match connect(*address, self.poll.registry(), Token(index)) {
                Ok(stream) => return Ok((stream, *address, further)),
                Err(error) if is_lack_of_room(&error) => return Err(error),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn run(&mut self, patience: Duration) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut last_progress = Instant::now();
        while self.open > 0 {
            match self.poll.poll(&mut events, Some(patience.saturating_sub(last_progress.elapsed()))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                if self.proceed(event.token().0) {
                    last_progress = Instant::now();
                }
            }
            if last_progress.elapsed() >= patience {
                for index in 0..self.connections.len() {
                    self.give_up(index, patience);
                }
            }
        }
        Ok(())
    }

    /// Does what a connection is ready for: whether it has been opened or has come to its end by that.
    fn proceed(&mut self, index: usize) -> bool {
        // A connection may have been reported twice, and be closed by now.
        let Some(Some(connection)) = self.connections.get_mut(index) else { return false };
        let was_connected = connection.connected;
        if !connection.connected {
            match is_connected(&connection.stream) {
                Ok(connected) => connection.connected = connected,
                Err(error) => {
                    let further = mem::take(&mut connection.further);
                    match self.connect(index, further, error) {
                        Ok((stream, address, further)) => {
                            if let Some(connection) = &mut self.connections[index] {
                                (connection.stream, connection.address, connection.further) =
                                    (stream, address, further);
                            }
                            return false;
                        }
                        Err(error) => {
                            self.end(index, Err(error.to_string()));
                            return true;
                        }
                    }
                }
            }
        }
        if !connection.connected {
            return false;
        }
        match connection.dialogue.proceed(&mut connection.stream, self.console) {
            Ok(false) => return !was_connected,
            Ok(true) => self.end(index, Ok(())),
            Err(reason) => self.end(index, Err(reason)),
        }
        true
    }

    /// Ends a connection that has taken too long, if it is open.
    fn give_up(&mut self, index: usize, patience: Duration) {
        let Some(Some(connection)) = self.connections.get(index) else { return };
        let seconds = patience.as_secs_f64();
        let address = connection.address;
        let reason = if connection.connected {
            let missing = count_of_bytes(connection.dialogue.missing() as u64);
            format!("timed out after {seconds} s waiting for {missing} more from {address}")
        } else {
            format!("cannot connect to {address}: timed out after {seconds} s")
        };
        self.end(index, Err(reason));
    }

    /// Closes a connection, if it is open.
    fn end(&mut self, index: usize, outcome: Result<(), String>) {
        if self.connections[index].take().is_some() {
            self.open -= 1;
            self.console.say(format_args!("closing connection {}", index + 1));
            if let Err(reason) = outcome {
                self.fail(index, reason);
            }
        }
    }

    fn fail(&mut self, index: usize, reason: String) {
        self.failed += 1;
        self.first_failure.get_or_insert((index + 1, reason));
    }
}

/// Begins to connect. The poller tells when that came to an end.
fn connect(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    // It works without, only slower.
    let _ = stream.set_nodelay(true);
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}

/// Whether the stream is connected; that it is not may come without an end of trying.
fn is_connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the process or the system has no descriptor left, or no memory.
fn is_lack_of_room(error: &io::Error) -> bool {
    // std has no name for ENFILE and EMFILE, or WSAEMFILE.
    let codes: &[i32] = if cfg!(windows) { &[10024] } else { &[23, 24] };
    error.kind() == ErrorKind::OutOfMemory || error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
