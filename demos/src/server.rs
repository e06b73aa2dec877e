//! The server of the tutorial: a thread for each connection.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jsonframe::Message;
use jsonframe_std::{Connection, Error, Incoming};

use crate::application::{self, Draft, JSON};
use crate::console::Console;
use crate::slots::{Slot, Slots};
use crate::text::Printable;
use crate::wire::{content_error, in_words, prepare, send};

/// What a server grants its peers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections are served at a time. Others wait to be accepted.
    pub connections: NonZeroUsize,
    /// For how long nothing may move on a connection.
    pub timeout: Duration,
    /// The longest content that is accepted, in bytes.
    pub content: u64,
}

impl Default for Limits {
    /// 256 connections, a minute, 64 MiB.
    fn default() -> Self {
        Self {
            connections: const { NonZeroUsize::new(256).unwrap() },
            timeout: Duration::from_secs(60),
            content: 64 * 1024 * 1024,
        }
    }
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    slots: Slots,
    console: Console,
}

impl Server {
    /// How long the server waits when it cannot accept a connection: others may end meanwhile and set resources free.
    const PAUSE: Duration = Duration::from_millis(100);

    /// A server at this address. Its lines go to the console.
    ///
    /// # Errors
    ///
    /// Those of [`TcpListener::bind`].
    pub fn bind(address: impl ToSocketAddrs, limits: Limits, console: Console) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Arc::new(Self { listener, address, limits, slots: Slots::new(limits.connections.get()), console }))
    }

    /// The address at which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the console has failed. Nothing that a peer does ends it.
    pub fn run(self: &Arc<Self>) {
        self.console.say(format_args!("listening on {}", self.address));
        while !self.console.has_failed() {
            if let Err(error) = self.accept(self.slots.take()) {
                self.console.complain(format_args!("error: cannot accept a connection: {error}"));
                thread::sleep(Self::PAUSE);
            }
        }
    }

    fn accept(self: &Arc<Self>, slot: Slot) -> io::Result<()> {
        let (stream, peer) = self.listener.accept()?;
        self.console.say(format_args!("accepted connection from {peer}"));
        let server = Arc::clone(self);
        thread::Builder::new().spawn(move || {
            let _slot = slot;
            server.converse(stream, peer);
        })?;
        Ok(())
    }

    /// One connection, from its beginning to its end.
    fn converse(&self, stream: TcpStream, peer: SocketAddr) {
        let mut connection = Connection::new(stream).with_max_content(self.limits.content);
        let mut lingers = false;
        if let Err(error) = self.answer_all(&mut connection, peer) {
            let misunderstood = !matches!(error, Error::Io(_));
            let reason = in_words(error);
            self.console.complain(format_args!("error: {reason} from {peer}"));
            // A stream that failed takes no answer any more; a peer that was not understood should hear why.
            lingers = misunderstood && self.answer_error(&mut connection, peer, reason).is_ok();
        }
        self.console.say(format_args!("closing connection to {peer}"));
        if lingers {
            close_lingeringly(connection.into_parts().0);
        }
    }

    fn answer_all(&self, connection: &mut Connection<TcpStream>, peer: SocketAddr) -> Result<(), Error> {
        prepare(connection.get_ref(), self.limits.timeout)?;
        while let Some(request) = connection.receive()? {
            let answer = self.answer(request, peer)?;
            send(connection, &answer, peer, &self.console)?;
        }
        Ok(())
    }

    fn answer(&self, mut request: Incoming<'_, TcpStream>, peer: SocketAddr) -> Result<Draft, Error> {
        if request.header().content_type() == JSON {
            let content = request.content()?;
            let text = String::from_utf8_lossy(&content);
            self.console.say(format_args!("received request {} from {peer}", Printable(&text)));
            Ok(application::answer_json(&Message::new(request.header(), &content)?)?)
        } else {
            let mut beginning = Vec::new();
            request.by_ref().take(application::REPEATED).read_to_end(&mut beginning).map_err(content_error)?;
            io::copy(&mut request, &mut io::sink()).map_err(content_error)?;
            let content_type = Printable(request.header().content_type());
            self.console.say(format_args!("received {content_type} request from {peer}"));
            Ok(application::answer_binary(&beginning))
        }
    }

    fn answer_error(
        &self,
        connection: &mut Connection<TcpStream>,
        peer: SocketAddr,
        reason: String,
    ) -> Result<(), Error> {
        send(connection, &application::answer_error(reason)?, peer, &self.console)
    }
}

/// Closes a connection so that what was sent last arrives, even if the peer is still sending.
///
/// To close with bytes unread would make TCP reset the connection, and a reset makes the peer forget what it has not read
/// yet.
fn close_lingeringly(mut stream: TcpStream) {
    const IN_ALL: Duration = Duration::from_secs(10);
    const SILENCE: Duration = Duration::from_secs(2);
    const MOST_BYTES: usize = 256 * 1024 * 1024;

    let deadline = Instant::now() + IN_ALL;
    let mut scrap = [0; 16 * 1024];
    let mut discarded = 0;
    let mut open = stream.shutdown(Shutdown::Write).is_ok();
    while open && discarded < MOST_BYTES {
        let time_left = deadline.saturating_duration_since(Instant::now());
        // With no time left this fails, for no stream takes a timeout of zero.
        let count = stream.set_read_timeout(Some(time_left.min(SILENCE))).and_then(|()| stream.read(&mut scrap));
        open = matches!(count, Ok(1..));
        discarded += count.unwrap_or(0);
    }
}
