//! How a command reaches a server: over TCP, TLS or a Unix socket.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jsonframe_std::{Timeouts, tls};
use rustls::ServerConfig;

use crate::address::Address;
use crate::dial::dial;
#[cfg(unix)]
use crate::dial::dial_path;
use crate::dialer::Dialer;
use crate::socket::Socket;
pub use crate::stream::Stream;
use crate::tls::ClientTls;

/// Which server to connect to.
#[derive(Args)]
pub struct ServerOptions {
    /// The server: HOST:PORT, or unix:PATH
    #[arg(default_value_t)]
    address: Address,

    #[command(flatten)]
    tls: ClientTls,
}

impl ServerOptions {
    /// Where the server is.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// How TLS is spoken by whoever plays the server at this address instead, if it is.
    ///
    /// # Errors
    ///
    /// What is wrong with a file or with the address, in words.
    pub(crate) fn tls_of_server(&self, address: &Address) -> Result<Option<Arc<ServerConfig>>, String> {
        self.tls.server_config_at(address)
    }

    /// How to reach the server without blocking.
    ///
    /// # Errors
    ///
    /// What is wrong with a file or with the address, in words.
    pub(crate) fn dialer(&self) -> Result<Dialer, String> {
        Dialer::new(&self.address, &self.tls)
    }

    /// Connects to the server, within `timeout` to each of: the connection, and TLS's handshake. Reads and writes of the
    /// stream have no time limit afterwards.
    ///
    /// # Errors
    ///
    /// Why that is not possible, in words that name the server.
    pub fn connect(&self, timeout: Duration) -> Result<Stream, String> {
        let config = self.tls.config()?.map(Arc::new);
        if config.is_some() && matches!(self.address, Address::Unix(_)) {
            return Err("there is no TLS over a Unix socket".into());
        }
        let (stream, address) = reach(&self.address, timeout, |_| ())?;
        let (host, stream, config) = match (&self.address, stream, config) {
            (Address::Tcp(host, _), Stream::Tcp(stream), Some(config)) => (host, stream, config),
            (_, stream, _) => return Ok(stream),
        };
        let failed = |error: std::io::Error| {
            if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) {
                format!("no TLS with {address}: timed out after {} s", timeout.as_secs_f64())
            } else {
                format!("no TLS with {address}: {error}")
            }
        };
        let stream = Socket::new(stream);
        stream.set_read_timeout(Some(timeout)).map_err(failed)?;
        let connection = tls::client(stream, self.tls.name(host), &config).map_err(failed)?;
        // A server has nothing to say before it is asked; what it says all the same would be in the second part.
        let stream = Stream::Tls(Box::new(connection.into_parts().0));
        stream.set_read_timeout(None).map_err(failed)?;
        Ok(stream)
    }
}

/// Connects to the server at this address, without TLS, within this time in all. Each of its addresses is announced before it is
/// tried; the first that answers is returned beside the connection.
///
/// # Errors
///
/// Why that is not possible, in words that name the server.
pub fn reach(
    server: &Address,
    timeout: Duration,
    mut announce: impl FnMut(String),
) -> Result<(Stream, String), String> {
    match server {
        Address::Tcp(host, port) => {
            let (stream, address) = dial((host, *port), timeout, |address| announce(address.to_string()))?;
            Ok((Stream::Tcp(stream), address.to_string()))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let address = path.display().to_string();
            announce(address.clone());
            Ok((Stream::Unix(dial_path(path, timeout)?), address))
        }
        #[cfg(not(unix))]
        Address::Unix(_) => Err("there are no Unix sockets on this system".into()),
    }
}
