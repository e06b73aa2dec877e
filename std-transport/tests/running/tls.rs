//! Both ends of TLS, with certificates made on the spot.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use jsonframe_std::Connection;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};

use super::PATIENCE;

/// A client's end that blocks, and gives up where a test would wait for ever.
pub type Secure = Connection<StreamOwned<ClientConnection, TcpStream>>;

/// Two ends that trust each other's certificates.
pub struct Ends {
    pub server: Arc<ServerConfig>,
    /// The client's certificate.
    pub client_certificate: CertificateDer<'static>,
    client: Arc<ClientConfig>,
}

impl Ends {
    const NAME: &str = "localhost";

    pub fn new() -> Self {
        let [(of_server, server_key), (of_client, client_key)] = [(); 2].map(|()| {
            let own = rcgen::generate_simple_self_signed([Self::NAME.to_owned()]).unwrap();
            (own.cert.der().clone(), PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into()))
        });
        let [trusts_server, trusts_client] = [&of_server, &of_client].map(|certificate| {
            let mut trusted = RootCertStore::empty();
            trusted.add(certificate.clone()).unwrap();
            trusted
        });
        let client = ClientConfig::builder().with_root_certificates(trusts_server);
        let client = client.with_client_auth_cert(vec![of_client.clone()], client_key).unwrap();
        let verifier = WebPkiClientVerifier::builder(trusts_client.into()).allow_unauthenticated().build().unwrap();
        let server = ServerConfig::builder().with_client_cert_verifier(verifier);
        let server = server.with_single_cert(vec![of_server], server_key).unwrap();
        Self { server: server.into(), client_certificate: of_client, client: client.into() }
    }

    /// Connects and says this before TLS. The handshake is made when something is sent or received.
    pub fn connect_after(&self, address: SocketAddr, first: &[u8]) -> Secure {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(first).unwrap();
        let name = ServerName::try_from(Self::NAME).unwrap();
        let session = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        Connection::new(StreamOwned::new(session, stream))
    }

    pub fn connect(&self, address: SocketAddr) -> Secure {
        self.connect_after(address, b"")
    }
}

/// Ends the sending direction of a client as TLS wants it.
pub fn finish(connection: &mut Secure) {
    connection.get_mut().conn.send_close_notify();
    connection.get_mut().flush().unwrap();
}
