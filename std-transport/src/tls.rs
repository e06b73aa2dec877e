//! TLS: configurations from PEM files, and connections that block.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use jsonframe_std::tls;
//!
//! let config = tls::client_config(Path::new("ca.pem"), None)?;
//! let mut connection = tls::connect("example.org:65432", "example.org", &Arc::new(config))?;
//! connection.send_json("request")?;
//! let answer: String = connection.receive()?.ok_or("the server has gone")?.json()?;
//! tls::finish(&mut connection)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! All of it is rustls's: a configuration of your own, with other certificates, roots or verifiers, serves as well, and should
//! name [`ALPN`] among its protocols. A client and a server that both name protocols need one in common; a peer that names
//! none is welcome.
//!
//! **The end.** A stream of TLS ends with a `close_notify`. If it ends without, it may have been cut off, and receiving fails
//! with [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) where it would have been the end.
//!
//! **Sessions** are resumed when a client connects again with the same configuration, by rustls's defaults: keep the `Arc`.
//!
//! **Versions and cryptography.** The configurations made here use the provider that the program has
//! [installed](CryptoProvider::install_default), otherwise ring. They speak TLS 1.3, and 1.2 if the program depends on rustls
//! with its feature `tls12`.
//!
//! **Deadlines** are those of the stream below: a [`Timed`](crate::Timed) stream that [`client`] is given, whose
//! [`set_deadline`](crate::Timed::set_deadline) is called through the connection. A timeout of the socket is no deadline: it
//! counts anew for each part of a record, which a peer may send byte by byte.
//!
//! **Splitting** a connection into halves is not possible, for the directions of TLS share their state: use a
//! [`Session`](crate::Session), or tokio, whose `split` shares the stream.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::ops::DerefMut;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, RootCertStore, ServerConfig, SideData, StreamOwned};

use crate::Connection;

/// The name of the protocol for application-layer protocol negotiation.
pub const ALPN: &[u8] = b"jsonframe";

/// A client's stream of TLS that blocks.
pub type TlsStream<S = TcpStream> = StreamOwned<ClientConnection, S>;

/// Why a configuration cannot be made of these files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read, or has not the expected part in PEM.
    #[error("{expected} in {}: {source}", path.display())]
    Pem {
        /// What the file was read for.
        expected: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },

    /// The certificate, the key or an authority's certificate is not valid, or they do not fit each other.
    #[error(transparent)]
    Tls(#[from] rustls::Error),

    /// Clients cannot be verified by the certificates of these authorities.
    #[error("the authorities of clients: {0}")]
    Verifier(#[from] VerifierBuilderError),
}

/// Makes a server's configuration of PEM files: its certificate with those that certify it, and its private key.
///
/// With the certificates of authorities in `client_ca`, each client must have a certificate of one of them. Without, clients
/// need none.
///
/// ```no_run
/// use std::path::Path;
///
/// use jsonframe_std::tls;
///
/// let mut config = tls::server_config(Path::new("cert.pem"), Path::new("key.pem"), None)?;
/// // What rustls lets one choose can still be chosen.
/// config.send_tls13_tickets = 1;
/// # Ok::<(), tls::ConfigError>(())
/// ```
///
/// # Errors
///
/// [`ConfigError`] if a file cannot be read or is not what it should be.
pub fn server_config(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> Result<ServerConfig, ConfigError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match client_ca {
        Some(path) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots(path)?.into(), provider()).build()?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(certificates(certificate)?, private_key(key)?)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// Makes a client's configuration of PEM files: the certificates of the authorities that certify servers, and if servers want to
/// know the client, its own certificate with its private key.
///
/// ```no_run
/// use std::path::Path;
///
/// use jsonframe_std::tls;
///
/// let own = (Path::new("cert.pem"), Path::new("key.pem"));
/// let config = tls::client_config(Path::new("ca.pem"), Some(own))?;
/// # Ok::<(), tls::ConfigError>(())
/// ```
///
/// # Errors
///
/// [`ConfigError`] if a file cannot be read or is not what it should be.
pub fn client_config(ca: &Path, own: Option<(&Path, &Path)>) -> Result<ClientConfig, ConfigError> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = builder.with_root_certificates(roots(ca)?);
    let mut config = match own {
        Some((certificate, key)) => builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// The provider of the program's choice, otherwise ring.
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| ring::default_provider().into())
}

fn roots(path: &Path) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// One certificate or more.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let all = || {
        let all = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(all) }
    };
    all().map_err(|source| ConfigError::Pem { expected: "a certificate", path: path.into(), source })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ConfigError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| ConfigError::Pem {
        expected: "a private key",
        path: path.into(),
        source,
    })
}

/// Connects to a server over TCP and TLS. `name` is what the server's certificate must be for: a DNS name or an IP address.
///
/// # Errors
///
/// Those of [`Connection::connect`] and of [`client`].
pub fn connect(
    address: impl ToSocketAddrs,
    name: &str,
    config: &Arc<ClientConfig>,
) -> io::Result<Connection<TlsStream>> {
    let (stream, _) = Connection::connect(address)?.into_parts();
    client(stream, name, config)
}

/// Begins TLS as the client over any stream that blocks, and completes the handshake: over a `UnixStream`, or a
/// [`Timed`](crate::Timed) stream with a deadline for the handshake too.
///
/// ```no_run
/// use std::net::TcpStream;
/// use std::path::Path;
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
///
/// use jsonframe_std::{Timed, tls};
///
/// let config = Arc::new(tls::client_config(Path::new("ca.pem"), None)?);
/// let mut stream = Timed::new(TcpStream::connect("example.org:65432")?);
/// stream.set_deadline(Some(Instant::now() + Duration::from_secs(10)));
/// let mut connection = tls::client(stream, "example.org", &config)?;
/// connection.get_mut().sock.set_deadline(None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) if `name` is neither a DNS name nor an IP address;
/// [`InvalidData`](io::ErrorKind::InvalidData) with the error of rustls in it, if the server cannot be trusted or one refuses
/// the other; otherwise what the stream fails with. That the server has refused the client's certificate comes later, when
/// something is received.
pub fn client<S: Read + Write>(
    stream: S,
    name: &str,
    config: &Arc<ClientConfig>,
) -> io::Result<Connection<TlsStream<S>>> {
    let name =
        ServerName::try_from(name.to_owned()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let session = ClientConnection::new(Arc::clone(config), name)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let mut stream = StreamOwned::new(session, stream);
    while stream.conn.is_handshaking() {
        // If something had come before a read was too late, rustls does not say that it was: the next read will be.
        if stream.conn.complete_io(&mut stream.sock)? == (0, 0) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Connection::new(stream))
}

/// Ends the sending direction of a connection over TLS, the client's or the server's, so that the peer sees the end of the
/// stream. Messages can still be received.
///
/// To be called before a connection is dropped, or the peer takes the stream for cut off.
///
/// # Errors
///
/// If the stream fails.
pub fn finish<C, D, S>(connection: &mut Connection<StreamOwned<C, S>>) -> io::Result<()>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
    S: Read + Write,
{
    let stream = connection.get_mut();
    stream.conn.send_close_notify();
    stream.flush()
}
