//! An echo of bytes, and nothing else: the least that a server has to do.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::thread;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

/// How much is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Starts an echo in a thread of its own, which lives as long as the process.
pub(super) fn start() -> io::Result<SocketAddr> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(socket.into());
    let address = listener.local_addr()?;
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    thread::spawn(move || serve(poll, &listener));
    Ok(address)
}

fn serve(mut poll: Poll, listener: &TcpListener) -> io::Result<()> {
    let mut lines: Slab<Line> = Slab::new();
    let mut events = Events::with_capacity(1024);
    let mut chunk = vec![0; CHUNK];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                // Whatever goes wrong here shows in the figures of whoever measures.
                while let Ok((mut stream, _)) = listener.accept() {
                    let both = Interest::READABLE | Interest::WRITABLE;
                    let _ = stream.set_nodelay(true);
                    poll.registry().register(&mut stream, Token(lines.vacant_key()), both)?;
                    lines.insert(Line { stream, unsent: Vec::new() });
                }
            } else if let Some(line) = lines.get_mut(event.token().0)
                && !line.proceed(&mut chunk, event.is_read_closed()).unwrap_or(false)
            {
                lines.remove(event.token().0);
            }
        }
    }
}

struct Line {
    stream: TcpStream,
    unsent: Vec<u8>,
}

impl Line {
    /// Sends back what has come, until the stream blocks: false at its end.
    fn proceed(&mut self, chunk: &mut [u8], has_ended: bool) -> io::Result<bool> {
        loop {
            if !self.unsent.is_empty() {
                let count = write(&mut self.stream, &self.unsent)?;
                self.unsent.drain(..count);
                if !self.unsent.is_empty() {
                    return Ok(true);
                }
            }
            let count = match self.stream.read(chunk) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            if count == 0 {
                return Ok(false);
            }
            let written = write(&mut self.stream, &chunk[..count])?;
            self.unsent.extend_from_slice(&chunk[written..count]);
            // On Linux, a read that does not fill the buffer has got all there was, but for an end.
            if cfg!(target_os = "linux") && count < chunk.len() && written == count && !has_ended {
                return Ok(true);
            }
        }
    }
}

/// Writes as far as the stream takes it.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}
