//! The servers that are measured: echoes of messages.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{ContentMode, Handler, Limits, Listener, Peer, Server};
use jsonframe_std::{Connection, Error, UNLIMITED};
use rustls::ServerConfig;

use crate::bare::{blocking, secure};

/// The content type of what is not sent back, but counted.
pub(crate) const BULK: &str = "bulk";

/// What answers it.
pub(crate) const THANKS: &[u8] = b"{}";

/// How much is read at a time, in bytes; on the bare side too.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Where the servers listen.
#[derive(Clone, Copy)]
pub(crate) struct Messages {
    pub(crate) server: SocketAddr,
    pub(crate) blocking: SocketAddr,
}

impl Messages {
    /// Starts the servers, in threads that live as long as the process.
    pub(crate) fn start() -> io::Result<Self> {
        Ok(Self::serve(server(None)?, blocking(serve)?))
    }

    /// The same over TLS.
    pub(crate) fn start_tls(config: &Arc<ServerConfig>) -> io::Result<Self> {
        let (tls, config) = (Some(Arc::clone(config)), Arc::clone(config));
        Ok(Self::serve(server(tls)?, blocking(move |stream| serve(secure(&config, stream)?))?))
    }

    fn serve(server: Server, blocking: SocketAddr) -> Self {
        let address = server.address().socket_addr().expect("it listens on TCP");
        thread::spawn(move || server.run(Echo));
        Self { server: address, blocking }
    }
}

/// The server on a poller. To serve, it wants an [`Echo`].
pub(crate) fn server(tls: Option<Arc<ServerConfig>>) -> io::Result<Server> {
    let listener = Listener::tcp("127.0.0.1:0")?;
    let listener = match tls {
        Some(config) => listener.with_tls(config),
        None => listener,
    };
    let patience = Duration::from_secs(3600);
    let limits = Limits::default().with_max_connections(100_000).with_handshake_timeout(patience);
    Ok(Server::new(listener, limits))
}

/// Sends back what comes.
pub(crate) struct Echo;

impl Handler for Echo {
    type State = ();

    fn header(&mut self, _: &mut Peer<'_>, (): &mut (), header: &Header<'_>) -> ContentMode {
        if header.content_type() == BULK { ContentMode::Streamed { max: UNLIMITED } } else { ContentMode::Whole }
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(&message.header(), message.content());
    }

    fn end(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        let _ = peer.send(&Header::for_json(THANKS.len() as u64), THANKS);
    }
}

/// The same, for one connection, and blocking.
fn serve(stream: impl Read + Write) -> Result<(), Error> {
    let mut connection = Connection::new(stream).with_max_content(UNLIMITED);
    let mut place = vec![0; CHUNK];
    while let Some(mut message) = connection.receive()? {
        if message.header().content_type() == BULK {
            while message.read(&mut place)? > 0 {}
            connection.send(&Header::for_json(THANKS.len() as u64), THANKS)?;
        } else {
            let content = message.content()?;
            connection.send(&Header::for_json(content.len() as u64), &content)?;
        }
    }
    Ok(())
}
