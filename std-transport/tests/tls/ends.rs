//! Both ends of TLS, with a certificate made on the spot. With certificates in files, see [`jsonframe_std::tls`].

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// A server's certificate, and clients that trust it and no other.
pub(crate) struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Ends {
    /// The name that the certificate is for.
    pub(crate) const NAME: &str = "localhost";

    /// Makes a certificate.
    pub(crate) fn new() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let own = rcgen::generate_simple_self_signed([Self::NAME.to_owned()])?;
        let mut trusted = RootCertStore::empty();
        trusted.add(own.cert.der().clone())?;
        let client = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
        let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let server = ServerConfig::builder().with_no_client_auth();
        let server = server.with_single_cert(vec![own.cert.der().clone()], key)?;
        Ok(Self { client: client.into(), server: server.into() })
    }

    /// The client's end over this stream.
    pub(crate) fn client<S: Read + Write>(&self, stream: S) -> io::Result<StreamOwned<ClientConnection, S>> {
        let name = ServerName::try_from(Self::NAME).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&self.client), name).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }

    /// The server's end over this stream.
    pub(crate) fn server<S: Read + Write>(&self, stream: S) -> io::Result<StreamOwned<ServerConnection, S>> {
        let connection = ServerConnection::new(Arc::clone(&self.server)).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }
}
