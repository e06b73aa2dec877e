//! Connections over TLS that are configured from PEM files.
#![cfg(feature = "tls")]

#[path = "../src/stream/tls/tests/certificates.rs"]
mod certificates;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use certificates::{Authority, Identity, NAME};
use jsonframe_std::protocol::Header;
use jsonframe_std::tls::{self, ConfigError, TlsStream};
use jsonframe_std::{Connection, Error};
use rustls::{ClientConfig, HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

type Server<S = TcpStream> = Connection<StreamOwned<ServerConnection, S>>;

/// Files of an authority and of those whom it certifies.
struct Files {
    folder: TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: TempDir::new().unwrap(), authority: Authority::new() };
        let ca = files.authority.pem();
        for (name, Identity { certificate, key }) in
            [("server", files.authority.certify()), ("client", files.authority.certify())]
        {
            // Those that certify it may follow, and other things be before it.
            files.write(&format!("{name}.pem"), &format!("of {name}\n{certificate}{ca}"));
            files.write(&format!("{name}.key"), &key);
        }
        files.write("ca.pem", &ca);
        files.write("empty", "");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn server_config(
        &self,
        certificate: &str,
        key: &str,
        client_ca: Option<&str>,
    ) -> Result<ServerConfig, ConfigError> {
        let client_ca = client_ca.map(|name| self.path(name));
        tls::server_config(&self.path(certificate), &self.path(key), client_ca.as_deref())
    }

    fn client_config(&self, ca: &str, own: Option<(&str, &str)>) -> Result<ClientConfig, ConfigError> {
        let own = own.map(|(certificate, key)| (self.path(certificate), self.path(key)));
        tls::client_config(&self.path(ca), own.as_ref().map(|(certificate, key)| (certificate as &Path, key as &Path)))
    }

    fn ends(&self, client_ca: Option<&str>, own: Option<(&str, &str)>) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
        let server = self.server_config("server.pem", "server.key", client_ca).unwrap();
        (server.into(), self.client_config("ca.pem", own).unwrap().into())
    }
}

fn serve<S: Read + Write>(config: &Arc<ServerConfig>, stream: S) -> Server<S> {
    Connection::new(StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream))
}

/// Sends what comes back, and says how the stream ended. The server ends too.
fn echo<S: Read + Write>(mut connection: Server<S>) -> Result<Server<S>, Error> {
    while let Some(mut message) = connection.receive()? {
        let content = message.content()?;
        connection.send(&header(&content), &content)?;
    }
    tls::finish(&mut connection)?;
    Ok(connection)
}

fn header(content: &[u8]) -> Header<'static> {
    Header::new("bytes", "binary", content.len() as u64)
}

fn ask<S: Read + Write>(connection: &mut Connection<TlsStream<S>>, content: &[u8]) -> Result<Vec<u8>, Error> {
    connection.send(&header(content), content)?;
    connection.receive()?.ok_or(ErrorKind::NotConnected).map_err(io::Error::from)?.content()
}

/// One exchange and the end of it, with each side's view of the other.
fn exchange(
    (server, client): (&Arc<ServerConfig>, &Arc<ClientConfig>),
) -> (Connection<TlsStream>, Result<Server, Error>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::scope(|scope| {
        let served = scope.spawn(|| echo(serve(server, listener.accept().unwrap().0)));
        let mut connection = tls::connect(address, NAME, client).unwrap();
        assert_eq!(ask(&mut connection, b"question").unwrap(), b"question");
        tls::finish(&mut connection).unwrap();
        assert!(connection.receive().unwrap().is_none(), "the server has ended as well");
        (connection, served.join().unwrap())
    })
}

#[test]
fn messages_go_both_ways_and_the_end_is_clean() {
    let (server, client) = Files::new().ends(None, None);
    let (connection, served) = exchange((&server, &client));
    let mut served = served.unwrap();
    assert_eq!(connection.get_ref().conn.alpn_protocol(), Some(tls::ALPN));
    assert_eq!(served.get_mut().conn.alpn_protocol(), Some(tls::ALPN));
    assert_eq!(served.get_ref().conn.peer_certificates(), None);
}

#[test]
fn sessions_are_resumed_with_the_same_configuration() {
    let (server, client) = Files::new().ends(None, None);
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
        let (connection, _) = exchange((&server, &client));
        assert_eq!(connection.get_ref().conn.handshake_kind(), Some(expected));
    }
}

#[test]
fn client_with_its_certificate_is_known_to_the_server() {
    let (server, client) = Files::new().ends(Some("ca.pem"), Some(("client.pem", "client.key")));
    let (_, served) = exchange((&server, &client));
    assert_eq!(served.unwrap().get_ref().conn.peer_certificates().map(<[_]>::len), Some(2));
}

#[test]
fn client_without_certificate_is_refused_when_it_receives() {
    let (server, client) = Files::new().ends(Some("ca.pem"), None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::scope(|scope| {
        let served = scope.spawn(|| echo(serve(&server, listener.accept().unwrap().0)));
        let mut connection = tls::connect(address, NAME, &client).unwrap();
        let error = connection.receive().map(drop).unwrap_err();
        assert_eq!(error.to_string(), "received fatal alert: CertificateRequired");
        assert_eq!(served.join().unwrap().map(drop).unwrap_err().to_string(), "peer sent no certificates");
    });
}

#[test]
fn server_of_another_name_or_authority_is_not_trusted() {
    let files = Files::new();
    let (server, client) = files.ends(None, None);
    let stranger = Files::new().ends(None, None).1;
    for (name, client, expected) in [("example.org", &client, "not valid for name"), (NAME, &stranger, "invalid peer")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::scope(|scope| {
            let served = scope.spawn(|| echo(serve(&server, listener.accept().unwrap().0)));
            let error = tls::connect(address, name, client).map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert!(error.to_string().contains(expected), "{error}");
            assert!(served.join().unwrap().is_err());
        });
    }
    let error = tls::client(io::Cursor::new(Vec::new()), "no name", &client).map(drop).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidInput, "invalid dns name"));
}

#[test]
fn server_that_ends_during_the_handshake_is_an_error() {
    let (_, client) = Files::new().ends(None, None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            // Without this the connection would be reset.
            let _ = stream.read(&mut [0; 4_096]).unwrap();
        });
        let error = tls::connect(address, NAME, &client).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
#[cfg(unix)]
fn unix_socket_carries_tls_too() {
    use std::os::unix::net::UnixStream;

    let (server, client) = Files::new().ends(None, None);
    let (one, other) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        let served = scope.spawn(|| echo(serve(&server, one)).map(drop));
        let mut connection = tls::client(other, NAME, &client).unwrap();
        let content = vec![7; 100_000];
        assert_eq!(ask(&mut connection, &content).unwrap(), content);
        tls::finish(&mut connection).unwrap();
        served.join().unwrap().unwrap();
    });
}

#[test]
fn unusable_files_are_named() {
    let files = Files::new();
    let path = |name| files.path(name).display().to_string();
    let pem = |error: ConfigError| match &error {
        ConfigError::Pem { .. } => error.to_string(),
        other => panic!("{other:?}"),
    };
    let none = files.server_config("empty", "server.key", None).map(drop).unwrap_err();
    assert_eq!(pem(none), format!("a certificate in {}: no items found", path("empty")));
    let none = files.server_config("server.pem", "ca.pem", None).map(drop).unwrap_err();
    assert_eq!(pem(none), format!("a private key in {}: no items found", path("ca.pem")));
    let none = files.server_config("server.pem", "server.key", Some("empty")).map(drop).unwrap_err();
    assert_eq!(pem(none), format!("a certificate in {}: no items found", path("empty")));
    let none = files.client_config("nowhere", None).map(drop).unwrap_err();
    assert!(pem(none).starts_with(&format!("a certificate in {}: I/O error: ", path("nowhere"))));

    let error = files.server_config("server.pem", "client.key", None).map(drop).unwrap_err();
    assert!(matches!(error, ConfigError::Tls(rustls::Error::InconsistentKeys(_))), "{error:?}");
    files.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let error = files.client_config("broken.pem", None).map(drop).unwrap_err();
    assert!(matches!(error, ConfigError::Tls(rustls::Error::InvalidCertificate(_))), "{error:?}");
}
