//! A proxy that does what networks do: delays, splits, and cuts off.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::common::PATIENCE;

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With the end of the stream; the other direction goes on.
    Fin,
    /// With a reset of both connections.
    Rst,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// What is done to a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chaos {
    /// After how many bytes which direction ends, and how.
    pub(crate) cut: Option<(Way, usize, End)>,
    /// How many bytes are written at a time.
    pub(crate) portion: usize,
    /// How long it waits before each write.
    pub(crate) delay: Duration,
}

/// A proxy for one connection.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Proxy {
    pub(crate) fn start(server: SocketAddr, chaos: Chaos) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let client = listener.accept().unwrap().0;
            relay(&[client, TcpStream::connect(server).unwrap()], chaos);
        });
        Self { address, thread }
    }

    pub(crate) fn join(self) {
        self.thread.join().expect("the proxy works");
    }
}

struct Direction<'s> {
    from: &'s TcpStream,
    to: &'s TcpStream,
    /// How many bytes may still pass, and what follows them.
    cut: Option<(usize, End)>,
    /// Whether the receiver has been told of the end.
    closed: bool,
    /// Whether the sender has ended.
    ended: bool,
}

/// Passes bytes both ways until both directions have ended, or one is reset.
fn relay([client, server]: &[TcpStream; 2], chaos: Chaos) {
    for stream in [client, server] {
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
    }
    let cut = |way| chaos.cut.filter(|cut| cut.0 == way).map(|(_, bytes, end)| (bytes, end));
    let direction = |from, to, way| Direction { from, to, cut: cut(way), closed: false, ended: false };
    let mut both = [direction(client, server, Way::ToServer), direction(server, client, Way::ToClient)];
    let deadline = Instant::now() + PATIENCE;
    while !both.iter().all(|direction| direction.ended) {
        assert!(Instant::now() < deadline, "an exchange does not end");
        if both.iter_mut().any(|direction| direction.turn(chaos).is_none()) {
            for stream in [client, server] {
                // It may be gone already.
                let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            }
            return;
        }
        thread::sleep(Duration::from_micros(50));
    }
}

impl Direction<'_> {
    /// Passes on what there is; `None` if both connections are to be reset.
    fn turn(&mut self, chaos: Chaos) -> Option<()> {
        if let Some((0, end)) = self.cut.filter(|_| !self.closed) {
            if end == End::Rst {
                return None;
            }
            self.close();
        }
        let mut room = [0; 4096];
        let read = match (&*self.from).read(&mut room) {
            Ok(0) => {
                self.ended = true;
                self.close();
                0
            }
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => return None,
        };
        // Behind the cut, everything is swallowed.
        let passed = self.cut.map_or(read, |(left, _)| read.min(left));
        for piece in room[..passed].chunks(chaos.portion) {
            thread::sleep(chaos.delay);
            // What is sent here fits into the system's buffers.
            (&*self.to).write_all(piece).ok()?;
        }
        if let Some((left, _)) = &mut self.cut {
            *left -= passed;
        }
        Some(())
    }

    fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            // It may be gone already.
            let _ = self.to.shutdown(Shutdown::Write);
        }
    }
}
