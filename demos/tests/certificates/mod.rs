//! Certificates, in files, for programs to be started with.
#![allow(dead_code, reason = "each test program uses what it needs")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// Who certifies others.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A folder with an authority's certificate `ca.pem`, and `server` for localhost and `client`, whom it has certified, each with
/// its `.pem` and its `.key`; and with a `stranger.pem` whom another authority has, of `other-ca.pem`.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        let files = Self(TempDir::new().unwrap());
        for (ca, certified) in
            [("ca", &[("server", "localhost"), ("client", "client")][..]), ("other-ca", &[("stranger", "client")])]
        {
            let authority = Authority::new(ca);
            files.write(&format!("{ca}.pem"), &authority.0.pem());
            for (file, name) in certified {
                let key = KeyPair::generate().unwrap();
                let certificate = named(name).signed_by(&key, &authority.0).unwrap();
                files.write(&format!("{file}.pem"), &certificate.pem());
                files.write(&format!("{file}.key"), &key.serialize_pem());
            }
        }
        files
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The options of a server that speaks TLS.
    pub(crate) fn of_server(&self) -> [String; 4] {
        self.own("server")
    }

    /// The options of a program that has this certificate.
    pub(crate) fn own(&self, name: &str) -> [String; 4] {
        let [certificate, key] = ["pem", "key"].map(|ending| self.path(&format!("{name}.{ending}")));
        ["--tls-cert".into(), certificate, "--tls-key".into(), key]
    }
}

/// Sends a record of TLS, a byte in each tenth of a second, to a server, and returns how many bytes it has left, of how many.
pub(crate) fn drip(server: SocketAddr, ca: &str, content: &[u8]) -> (usize, usize) {
    let config = jsonframe_std::tls::client_config(Path::new(ca), None).unwrap();
    let mut session = rustls::ClientConnection::new(config.into(), "localhost".try_into().unwrap()).unwrap();
    let mut stream = TcpStream::connect(server).unwrap();
    session.complete_io(&mut stream).unwrap();
    session.writer().write_all(content).unwrap();
    let mut record = Vec::new();
    session.write_tls(&mut record).unwrap();
    (trickle(&stream, &record, 1), record.len())
}

/// Sends this many bytes in each tenth of a second for as long as they are taken, and returns how many they were.
fn trickle(mut stream: &TcpStream, bytes: &[u8], at_once: usize) -> usize {
    let is_taken = |piece: &&[u8]| {
        thread::sleep(Duration::from_millis(100));
        stream.write_all(piece).is_ok()
    };
    bytes.chunks(at_once).take_while(is_taken).map(<[u8]>::len).sum()
}

/// A server over TLS, which answers the first request with these bytes, each part in a record of its own. The last record comes
/// in pieces of this many bytes, one in each tenth of a second. What is returned in the end is how many of it were taken, of how
/// many.
pub(crate) fn dripping_server(
    files: &Files,
    answer: [Vec<u8>; 2],
    at_once: usize,
) -> (SocketAddr, JoinHandle<(usize, usize)>) {
    let [certificate, key] = ["server.pem", "server.key"].map(|name| files.path(name));
    let config = jsonframe_std::tls::server_config(Path::new(&certificate), Path::new(&key), None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let drips = move || {
        let mut session = rustls::ServerConnection::new(config.into()).unwrap();
        let mut stream = listener.accept().unwrap().0;
        session.complete_io(&mut stream).unwrap();
        assert!(rustls::Stream::new(&mut session, &mut stream).read(&mut [0; 1000]).unwrap() > 0);
        let [first, last] = answer.map(|part| {
            session.writer().write_all(&part).unwrap();
            let mut record = Vec::new();
            while session.wants_write() {
                session.write_tls(&mut record).unwrap();
            }
            record
        });
        stream.write_all(&first).unwrap();
        (trickle(&stream, &last, at_once), last.len())
    };
    (address, thread::spawn(drips))
}

/// A server that begins its part of TLS's handshake and goes on with a byte in each tenth of a second. What is returned in the
/// end is how many of them were taken, of how many.
pub(crate) fn dripping_handshake() -> (SocketAddr, JoinHandle<(usize, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let drips = move || {
        let mut stream = listener.accept().unwrap().0;
        assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
        // The head of a record of 100 bytes of the handshake.
        stream.write_all(&[22, 3, 3, 0, 100]).unwrap();
        (trickle(&stream, &[2; 100], 1), 100)
    };
    (address, thread::spawn(drips))
}

/// Options as programs take them.
pub(crate) fn words(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}
