//! A server that runs while a test talks to it, and whose end is waited for, with a deadline.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(unreachable_pub, reason = "a module of several test programs")]

#[cfg(target_os = "linux")]
pub mod child;
#[cfg(target_os = "linux")]
pub mod crowd;
pub mod driver;
#[cfg(feature = "tokio")]
mod over_tokio;
#[cfg(feature = "tls")]
pub mod tls;

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jsonframe_std::Connection;
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{Address, CloseReason, Handle, Handler, Id, Limits, NotAccepted, Peer, Server};

/// No test waits longer than this for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a shutdown may take that is to be over at once: so long that a server that waits for half of it is found.
pub const GRACE: Duration = Duration::from_secs(180);

/// What a server has noted, in order.
pub type Notes = Arc<Mutex<Vec<String>>>;

/// Sends back what it gets, says what was wrong with it, and notes why each connection has ended.
#[derive(Clone, Debug, Default)]
pub struct Echo {
    pub notes: Notes,
    pub peers: Arc<Mutex<Vec<Id>>>,
}

impl Echo {
    /// What has been noted so far.
    pub fn noted(&self) -> Vec<String> {
        self.notes.lock().unwrap().clone()
    }

    fn note(&self, text: &impl ToString) {
        self.notes.lock().unwrap().push(text.to_string());
    }
}

impl Handler for Echo {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        self.peers.lock().unwrap().push(peer.id());
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(&message.header(), message.content());
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, (): &mut (), why: &CloseReason) {
        if matches!(why, CloseReason::Shutdown) {
            return;
        }
        let text = why.to_string();
        peer.send(&Header::new("error", "utf-8", text.len() as u64), text.as_bytes()).unwrap();
    }

    fn disconnected(&mut self, _: Id, _: Address, (): (), why: &CloseReason) {
        self.note(why);
    }

    fn not_accepted(&mut self, why: &NotAccepted) {
        self.note(&format_args!("not accepted: {why}"));
    }
}

/// A server in a thread of its own, shut down when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub handle: Handle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// A server whose workers are set up by the test.
    pub fn spawn(limits: Limits, run: impl FnOnce(Server) -> io::Result<()> + Send + 'static) -> Self {
        let server = Server::bind("127.0.0.1:0", limits).unwrap();
        let (address, handle) = (driver::tcp_address(server.address()), server.handle());
        let thread = Some(thread::spawn(move || run(server)));
        Self { address, handle, thread }
    }

    pub fn connect(&self) -> Connection<TcpStream> {
        connect(self.address)
    }

    /// Connects this many times, one after the other, so that the ids are in the order of the connections.
    pub fn connect_in_order(&self, count: usize, echo: &Echo) -> Vec<Connection<TcpStream>> {
        let before = echo.peers.lock().unwrap().len();
        let connect = |number| {
            let connection = self.connect();
            wait_until(|| echo.peers.lock().unwrap().len() == before + number);
            connection
        };
        (1..=count).map(connect).collect()
    }

    /// Waits until the server says that it is so.
    pub fn wait_until(&self, mut so: impl FnMut(&Self) -> bool) {
        wait_until(|| so(self));
    }

    /// Waits for the end of the server, which something else must bring about.
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            wait_until(|| thread.is_finished());
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown(Duration::ZERO);
        if !thread::panicking() {
            self.wait();
        }
    }
}

/// A connection that gives up where a test would wait for ever.
pub fn connect(address: SocketAddr) -> Connection<TcpStream> {
    let connection = Connection::connect(address).unwrap();
    connection.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    connection.get_ref().set_write_timeout(Some(PATIENCE)).unwrap();
    connection
}

pub fn wait_until(mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a text and expects it back.
pub fn exchange<S: Read + Write>(connection: &mut Connection<S>, text: &str) {
    connection.send(&Header::new("text", "utf-8", text.len() as u64), text.as_bytes()).unwrap();
    assert_eq!(receive(connection).as_deref(), Some(text));
}

/// The next message's content as text, or `None` at the end of the stream.
pub fn receive<S: Read>(connection: &mut Connection<S>) -> Option<String> {
    let mut incoming = connection.receive().unwrap()?;
    Some(String::from_utf8(incoming.content().unwrap()).unwrap())
}

/// Waits until the server has closed the connection, however it did.
pub fn is_closed(mut stream: &TcpStream) {
    let mut scrap = vec![0; 65_536];
    loop {
        match stream.read(&mut scrap) {
            Ok(1..) => {}
            Ok(0) => return,
            Err(error) => {
                assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "it is still open");
                return;
            }
        }
    }
}

/// A message of these bytes, encoded.
pub fn message(content: &[u8]) -> Vec<u8> {
    let header = Header::new("bytes", "binary", content.len() as u64);
    Message::new(header, content).unwrap().to_vec().unwrap()
}

/// Writes a line that is seen even if the test passes.
pub fn aloud(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
