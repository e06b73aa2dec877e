//! The two directions of a stream, for two threads, over TLS too.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonframe_std::Timeouts;
use rustls::Connection;

use crate::connect::Stream;
use crate::socket::Socket;
use crate::watched::Moving;

/// A handle on a stream, of which there are two: one thread reads from its own, another writes to the other.
#[derive(Debug)]
pub enum Half {
    /// Of TCP.
    Tcp(TcpStream),
    /// Of a Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
    /// Of TLS over TCP.
    Tls(Tls),
}

/// The two handles on this stream.
///
/// # Errors
///
/// If the system has no other handle to give.
pub fn halves(stream: Stream) -> io::Result<[Half; 2]> {
    Ok(match stream {
        Stream::Tcp(stream) => [Half::Tcp(stream.try_clone()?), Half::Tcp(stream)],
        #[cfg(unix)]
        Stream::Unix(stream) => [Half::Unix(stream.try_clone()?), Half::Unix(stream)],
        Stream::Tls(stream) => over_tls(stream.conn.into(), stream.sock)?,
        Stream::TlsServer(stream) => over_tls(stream.conn.into(), stream.sock)?,
    })
}

fn over_tls(session: Connection, socket: Socket) -> io::Result<[Half; 2]> {
    let session = Arc::new(Session { state: Mutex::new(session), outgoing: Mutex::default() });
    let half = |socket| Half::Tls(Tls { session: Arc::clone(&session), socket, incoming: Incoming::default() });
    Ok([half(socket.try_clone()?), half(socket)])
}

impl Half {
    /// Says, where the stream has a word for it, that nothing more is sent.
    pub(crate) fn say_end(&mut self) {
        if let Self::Tls(stream) = self {
            lock(&stream.session.state).send_close_notify();
            // A peer that has gone need not be told.
            let _ = stream.socket.set_write_timeout(Some(Stream::END)).and_then(|()| stream.flush());
        }
    }

    /// Ends both directions, which wakes the other half.
    pub(crate) fn abandon(&self) {
        self.shut_down(Shutdown::Both);
    }

    /// Ends the sending direction, without a word.
    pub(crate) fn end_sending(&self) {
        self.shut_down(Shutdown::Write);
    }

    fn shut_down(&self, how: Shutdown) {
        // It may have ended by itself.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(how),
            Self::Tls(stream) => stream.socket.tcp().shutdown(how),
        };
    }
}

impl Read for Half {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(place),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(place),
            Self::Tls(stream) => stream.read(place),
        }
    }
}

impl Write for Half {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(parts),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write_vectored(parts),
            Self::Tls(stream) => stream.write_vectored(parts),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            #[cfg(unix)]
            Self::Unix(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl Timeouts for Half {
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(time),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_read_timeout(time),
            Self::Tls(stream) => stream.socket.set_read_timeout(time),
        }
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(time),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_write_timeout(time),
            Self::Tls(stream) => stream.socket.set_write_timeout(time),
        }
    }
}

impl Moving for Half {
    fn moved_below(&self) -> u64 {
        if let Self::Tls(stream) = self { stream.socket.moved() } else { 0 }
    }
}

/// One of two handles on a stream of TLS. The socket is waited for while nobody holds the session.
#[derive(Debug)]
pub struct Tls {
    session: Arc<Session>,
    socket: Socket,
    incoming: Incoming,
}

#[derive(Debug)]
struct Session {
    state: Mutex<Connection>,
    /// What is encrypted and not yet written, in its order. Taken before the state.
    outgoing: Mutex<Vec<u8>>,
}

/// What was read from the socket and not yet given to the session.
#[derive(Debug, Default)]
struct Incoming {
    bytes: Vec<u8>,
    taken: usize,
    has_ended: bool,
}

impl Incoming {
    /// How much is read at a time: a record of TLS, about.
    const SIZE: usize = 16 * 1024;

    const fn is_empty(&self) -> bool {
        self.taken == self.bytes.len() && !self.has_ended
    }

    fn fill(&mut self, socket: &mut Socket) -> io::Result<()> {
        self.bytes.resize(Self::SIZE, 0);
        let outcome = socket.read(&mut self.bytes);
        self.bytes.truncate(*outcome.as_ref().unwrap_or(&0));
        self.taken = 0;
        self.has_ended = matches!(outcome, Ok(0));
        outcome.map(drop)
    }

    /// Gives the session as much as it takes.
    fn feed(&mut self, state: &mut Connection) -> io::Result<()> {
        self.taken += state.read_tls(&mut &self.bytes[self.taken..])?;
        let processed = state.process_new_packets();
        processed.map(drop).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }
}

impl Read for Tls {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut state = lock(&self.session.state);
            match state.reader().read(place) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if self.incoming.is_empty() {
                drop(state);
                self.incoming.fill(&mut self.socket)?;
                continue;
            }
            let outcome = self.incoming.feed(&mut state);
            let answers = state.wants_write();
            drop(state);
            // An answer of TLS itself. Whoever is writing takes it along.
            if answers && let Ok(mut outgoing) = self.session.outgoing.try_lock() {
                self.session.encrypt(&mut outgoing)?;
                let _ = write_out(&mut self.socket, &mut outgoing);
            }
            outcome?;
        }
    }
}

impl Write for Tls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut outgoing = lock(&self.session.outgoing);
        write_out(&mut self.socket, &mut outgoing)?;
        let count = lock(&self.session.state).writer().write(bytes)?;
        self.session.encrypt(&mut outgoing)?;
        // What cannot be written now goes before the next bytes, which then fail.
        let _ = write_out(&mut self.socket, &mut outgoing);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut outgoing = lock(&self.session.outgoing);
        self.session.encrypt(&mut outgoing)?;
        write_out(&mut self.socket, &mut outgoing)
    }
}

impl Session {
    fn encrypt(&self, outgoing: &mut Vec<u8>) -> io::Result<()> {
        let mut state = lock(&self.state);
        while state.wants_write() {
            state.write_tls(outgoing)?;
        }
        Ok(())
    }
}

/// Writes as much as the socket takes. What it does not take stays.
fn write_out(socket: &mut Socket, outgoing: &mut Vec<u8>) -> io::Result<()> {
    let mut written = 0;
    let outcome = loop {
        if written == outgoing.len() {
            break Ok(());
        }
        match socket.write(&outgoing[written..]) {
            Ok(0) => break Err(ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    outgoing.drain(..written);
    outcome
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
