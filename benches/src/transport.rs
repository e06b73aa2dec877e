//! The work done by jsonframe-std: a small message received and answered, over a stream in memory and by a server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jsonframe::{Event, Header, Message};
use jsonframe_std::server::{Handle, Handler, Limits, Listener, Peer, Server};
use jsonframe_std::{Fill, Flush, Session};
use tokio::runtime::Builder;

use crate::headers::{SEED, wire};
use crate::ours::head;
use crate::sink::Sink;
use crate::work::Work;

/// The content of the golden request.
const REQUEST: &[u8] = br#"{"action": "search", "value": "needle"}"#;
/// The content of its answer.
const ANSWER: &[u8] = br#"{"result": "No match for \"needle\"."}"#;

fn request() -> Vec<u8> {
    [wire(SEED), REQUEST.to_vec()].concat()
}

/// The answer's header.
fn answer() -> Header<'static> {
    Header::for_json(ANSWER.len() as u64)
}

/// A stream in memory on which a request comes whenever it is put there.
#[derive(Debug, Default)]
struct Memory {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Read for Memory {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.incoming.as_slice().read(space)?;
        self.incoming.drain(..count);
        Ok(count)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Receives the golden request in a [`Session`] over a stream in memory and answers it, a number of times.
#[derive(Debug)]
pub struct Sessions {
    session: Session<Memory>,
    request: Vec<u8>,
    repetitions: u64,
}

impl Sessions {
    /// So many times.
    #[must_use]
    pub fn new(repetitions: u64) -> Self {
        Self { session: Session::new(Memory::default()), request: request(), repetitions }
    }
}

impl Work for Sessions {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let Self { session, request, .. } = self;
        for _ in 0..self.repetitions {
            session.get_mut().incoming.extend_from_slice(request);
            loop {
                match session.next_event().expect("a valid request") {
                    Some(Event::Header(header)) => sink.head(&head(&header)),
                    Some(Event::Content(piece)) => sink.content(piece),
                    Some(Event::End) => {
                        sink.end();
                        let sent = session.send(&answer(), ANSWER).expect("memory takes everything");
                        assert_eq!(sent, Flush::Done);
                    }
                    None => {
                        if session.fill().expect("memory does not fail") == Fill::Blocked {
                            break;
                        }
                    }
                }
            }
            sink.content(&session.get_ref().outgoing);
            session.get_mut().outgoing.clear();
        }
    }
}

/// Under which loop a server runs.
#[derive(Clone, Copy, Debug)]
pub enum Driver {
    /// A poller: [`Server`].
    Poller,
    /// A runtime of tokio's: [`jsonframe_std::tokio::Server`].
    Tokio,
}

/// Sends the answer, whatever the request is.
struct Answers;

impl Handler for Answers {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        peer.send(&answer(), ANSWER).expect("the client reads its answers");
    }
}

impl jsonframe_std::tokio::Handler for Answers {
    type State = ();

    async fn message(&self, peer: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        peer.send(&answer(), ANSWER).expect("the client reads its answers");
    }
}

/// Has a server of a thread answer the golden request, a number of times, one after the other. What its client does counts too,
/// which is little.
#[derive(Debug)]
pub struct Served {
    stream: TcpStream,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    request: Vec<u8>,
    answer: Vec<u8>,
    repetitions: u64,
}

impl Served {
    /// So many times.
    #[must_use]
    pub fn new(driver: Driver, repetitions: u64) -> Self {
        let listener = Listener::tcp("127.0.0.1:0").expect("a free port");
        let (address, limits) = (listener.address().to_string(), Limits::default());
        let (handle, thread) = match driver {
            Driver::Poller => {
                let server = Server::new(listener, limits);
                (server.handle(), thread::spawn(move || server.run(Answers).expect("a poller")))
            }
            Driver::Tokio => {
                let server = jsonframe_std::tokio::Server::new(listener, limits);
                let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
                (server.handle(), thread::spawn(move || runtime.block_on(server.run(Answers)).expect("a runtime")))
            }
        };
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("a socket that can be set");
        let answer = vec![0; answer().encoded_len() + ANSWER.len()];
        Self { stream, handle, thread: Some(thread), request: request(), answer, repetitions }
    }
}

impl Work for Served {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.repetitions {
            self.stream.write_all(&self.request).expect("the server reads");
            self.stream.read_exact(&mut self.answer).expect("an answer");
            sink.content(&self.answer);
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.handle.shutdown(Duration::ZERO);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
