//! Both ends of TLS: the same configurations for all that is measured.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use jsonframe_std::tls::{self, TlsStream};
use rustls::{ClientConfig, ServerConfig};

use crate::Result;

/// The name that the certificate is for.
const NAME: &str = "localhost";

#[derive(Clone)]
pub(crate) struct Ends {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
}

impl Ends {
    /// Makes a certificate, in a folder for other processes to [load](Self::load) it from.
    pub(crate) fn make(folder: &Path) -> Result<Self> {
        let own = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        fs::write(folder.join("cert.pem"), own.cert.pem())?;
        fs::write(folder.join("key.pem"), own.signing_key.serialize_pem())?;
        Self::load(folder)
    }

    pub(crate) fn load(folder: &Path) -> Result<Self> {
        let certificate = folder.join("cert.pem");
        let client = tls::client_config(&certificate, None)?.into();
        let server = tls::server_config(&certificate, &folder.join("key.pem"), None)?.into();
        Ok(Self { client, server })
    }

    /// A client's stream, with the handshake done.
    pub(crate) fn connect(&self, address: SocketAddr) -> io::Result<TlsStream> {
        Ok(tls::connect(address, NAME, &self.client)?.into_parts().0)
    }

    /// A client that has sent its first message of the handshake, and got some of the answer.
    pub(crate) fn begin(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let name = NAME.try_into().map_err(io::Error::other)?;
        let mut session = rustls::ClientConnection::new(Arc::clone(&self.client), name).map_err(io::Error::other)?;
        let mut stream = TcpStream::connect(address)?;
        session.write_tls(&mut stream)?;
        stream.peek(&mut [0])?;
        Ok(stream)
    }
}
