//! The layer against rustls itself, over a stream in memory.

mod certificates;
mod faults;
mod flow;
mod handshake;

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};

use crate::stream::wire::{Half, Wire};
use crate::stream::{Sink, Stream};
use certificates::{Authority, Identity, NAME};

/// Which end is the stream, and which rustls's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Server,
    Client,
}

const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// What both ends are configured with.
struct Ends {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

fn chain(identity: &Identity) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    (vec![certificate], PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap())
}

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    roots
}

impl Ends {
    /// A server whose certificate the client trusts, and a client without one.
    fn new() -> Self {
        Self::of(&Authority::new(), None, None)
    }

    /// The same with certificates of clients: whom the server asks for one by, and the client's own.
    fn of(authority: &Authority, verifier: Option<&Authority>, own: Option<&Identity>) -> Self {
        let server = ServerConfig::builder();
        let server = match verifier {
            Some(clients) => {
                server.with_client_cert_verifier(WebPkiClientVerifier::builder(roots(clients).into()).build().unwrap())
            }
            None => server.with_no_client_auth(),
        };
        let (certificates, key) = chain(&authority.certify());
        let server = server.with_single_cert(certificates, key).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots(authority));
        let client = match own.map(chain) {
            Some((certificates, key)) => client.with_client_auth_cert(certificates, key).unwrap(),
            None => client.with_no_client_auth(),
        };
        Self { server: server.into(), client: client.into() }
    }

    /// The same without sessions that are resumed: each handshake is as long as the others.
    fn forgetful() -> Self {
        let mut ends = Self::new();
        Arc::get_mut(&mut ends.client).unwrap().resumption = Resumption::disabled();
        ends
    }

    fn name() -> ServerName<'static> {
        ServerName::try_from(NAME).unwrap()
    }

    fn pair(&self, role: Role) -> Pair {
        self.pair_over(role, Stream::new(Wire::default()))
    }

    fn pair_over(&self, role: Role, stream: Stream<Wire>) -> Pair {
        let server = ServerConnection::new(Arc::clone(&self.server)).unwrap().into();
        let client = ClientConnection::new(Arc::clone(&self.client), Self::name()).unwrap().into();
        let (session, peer) = match role {
            Role::Server => (server, client),
            Role::Client => (client, server),
        };
        Pair {
            stream: stream.secured(session),
            peer,
            received: Vec::new(),
            carried: 0,
            cut: usize::MAX,
            held: None,
            failure: None,
        }
    }

    /// The same after the handshake.
    fn opened(&self, role: Role) -> Pair {
        let mut pair = self.pair(role);
        pair.open().unwrap();
        pair
    }
}

/// A stream and its peer.
struct Pair {
    stream: Stream<Wire>,
    peer: Connection,
    /// What the peer has received.
    received: Vec<u8>,
    /// How many bytes have gone from the peer to the stream, and after how many the stream is cut off.
    carried: usize,
    cut: usize,
    /// What comes after the cut, if it is only held up.
    held: Option<Vec<u8>>,
    /// Why the peer does not go on.
    failure: Option<rustls::Error>,
}

impl Pair {
    /// Carries everything both ways: false if there was nothing.
    fn carry(&mut self) -> bool {
        let sent = std::mem::take(&mut self.stream.get_mut().outgoing);
        let mut unread = sent.as_slice();
        while !unread.is_empty() && self.failure.is_none() {
            self.peer.read_tls(&mut unread).unwrap();
            self.failure = self.peer.process_new_packets().err();
            self.read_peer();
        }
        let mut bytes = Vec::new();
        while self.peer.wants_write() {
            self.peer.write_tls(&mut bytes).unwrap();
        }
        let rest = bytes.split_off(bytes.len().min(self.cut - self.carried));
        self.carried += bytes.len();
        let wire = self.stream.get_mut();
        let mut moves = !sent.is_empty() || !bytes.is_empty();
        wire.incoming.extend(bytes);
        match &mut self.held {
            Some(held) => held.extend(rest),
            None if self.carried == self.cut && !wire.ends => {
                wire.ends = true;
                moves = true;
            }
            None => {}
        }
        moves
    }

    fn read_peer(&mut self) {
        let mut space = [0; 5_000];
        while let Ok(count @ 1..) = self.peer.reader().read(&mut space) {
            self.received.extend(&space[..count]);
        }
    }

    /// Does something until it is no longer blocked.
    fn drive<T>(&mut self, mut step: impl FnMut(&mut Stream<Wire>) -> io::Result<T>) -> io::Result<T> {
        const PATIENCE: usize = 20;
        let mut patience = PATIENCE;
        loop {
            let incoming = self.stream.get_ref().incoming.len();
            match step(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => {
                    self.carry();
                    return outcome;
                }
            }
            let has_read = self.stream.get_ref().incoming.len() < incoming;
            patience = if self.carry() || has_read { PATIENCE } else { patience - 1 };
            assert!(patience > 0, "neither end goes on: {:?}", self.stream.get_ref());
        }
    }

    fn open(&mut self) -> io::Result<()> {
        self.drive(Stream::open)?;
        // The last message of the handshake, and tickets.
        self.drive(Stream::flush)
    }

    /// Sends to the stream.
    fn send(&mut self, bytes: &[u8]) {
        self.peer.set_buffer_limit(None);
        self.peer.writer().write_all(bytes).unwrap();
        self.carry();
    }

    /// Reads from the stream until its end, or a given number of bytes.
    fn receive(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut received = Vec::new();
        let mut space = [0; 5_000];
        while received.len() < length {
            match self.drive(|stream| stream.read(&mut space))? {
                0 => break,
                count => received.extend(&space[..count]),
            }
        }
        Ok(received)
    }

    /// Writes to the stream until the peer has it all.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut left = bytes;
        while !left.is_empty() {
            let (head, tail) = left.split_at(left.len().min(3));
            let written = self.drive(|stream| stream.write_vectored(&[IoSlice::new(head), IoSlice::new(tail)]))?;
            left = &left[written..];
        }
        self.drive(Stream::flush)
    }
}

/// Bytes that are not all the same.
fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
