//! How a command that never blocks reaches its server.

use std::io;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::address::Address;
use crate::dial::dial;
#[cfg(unix)]
use crate::dial::dial_path;
use crate::stream::Stream;
use crate::tls::ClientTls;
use crate::wire::{Place, Wire};

/// A server's address, and what is spoken there.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    address: Address,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Dialer {
    /// Reads what TLS needs, if TLS is to be spoken.
    ///
    /// # Errors
    ///
    /// What is wrong with a file or with the address, in words.
    pub(crate) fn new(address: &Address, tls: &ClientTls) -> Result<Self, String> {
        let address = address.clone();
        let Some(config) = tls.config()? else { return Ok(Self { address, tls: None }) };
        let Address::Tcp(host, _) = &address else { return Err("there is no TLS over a Unix socket".into()) };
        let name = tls.name(host).to_owned();
        let parsed = ServerName::try_from(name.clone()).map_err(|error| format!("no TLS with {name:?}: {error}"))?;
        Ok(Self { address, tls: Some((Arc::new(config), parsed)) })
    }

    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// Connects within this time, and leaves TLS's handshake to whoever reads and writes.
    ///
    /// # Errors
    ///
    /// Why that is not possible, in words that name the server.
    pub(crate) fn connect(&self, timeout: Duration) -> Result<Wire, String> {
        let failed = |error: io::Error| format!("cannot connect to {}: {error}", self.address);
        let (host, port) = match &self.address {
            Address::Tcp(host, port) => (host.as_str(), *port),
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = dial_path(path, timeout)?;
                stream.set_nonblocking(true).map_err(failed)?;
                return Ok(Wire::Unix(mio::net::UnixStream::from_std(stream)));
            }
            #[cfg(not(unix))]
            Address::Unix(_) => return Err("there are no Unix sockets on this system".into()),
        };
        let (stream, _) = dial((host, port), timeout, |_| ())?;
        let Some((config, name)) = &self.tls else { return Wire::tcp(stream).map_err(failed) };
        let session = ClientConnection::new(Arc::clone(config), name.clone());
        let session = session.map_err(|error| format!("no TLS with {}: {error}", self.address))?;
        Wire::tls(stream, session.into()).map_err(failed)
    }

    /// The server's address, of several the one that this connection to it has found.
    ///
    /// # Errors
    ///
    /// That the connection is gone.
    pub(crate) fn place(&self, found: &Stream) -> io::Result<Place> {
        let address = match found {
            #[cfg(unix)]
            Stream::Unix(stream) => {
                return Ok(Place::Unix(stream.peer_addr()?.as_pathname().unwrap_or(Path::new("")).into()));
            }
            Stream::Tcp(stream) => stream.peer_addr()?,
            Stream::Tls(stream) => stream.sock.tcp().peer_addr()?,
            Stream::TlsServer(stream) => stream.sock.tcp().peer_addr()?,
        };
        Ok(match &self.tls {
            None => Place::Tcp(address),
            Some((config, name)) => Place::Tls(address, Arc::clone(config), name.clone()),
        })
    }
}
