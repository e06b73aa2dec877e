//! `tokio::Connection` over tokio-rustls, which needs no code of this crate.
#![cfg(feature = "tokio")]

#[path = "../src/stream/tls/tests/certificates.rs"]
mod certificates;

use std::io::ErrorKind;
use std::sync::Arc;

use certificates::{Authority, NAME};
use jsonframe_std::Error;
use jsonframe_std::protocol::Header;
use jsonframe_std::tokio::Connection;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{DuplexStream, duplex};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

type Client = Connection<client::TlsStream<DuplexStream>>;
type Server = Connection<server::TlsStream<DuplexStream>>;

/// Both ends of a connection, over a buffer that is shorter than a record.
async fn pair() -> (Client, Server) {
    let authority = Authority::new();
    let identity = authority.certify();
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();

    let (one, other) = duplex(1_000);
    let name = ServerName::try_from(NAME).unwrap();
    let (client, server) = tokio::join!(
        TlsConnector::from(Arc::new(client)).connect(name, one),
        TlsAcceptor::from(Arc::new(server)).accept(other),
    );
    (Connection::new(client.unwrap()), Connection::new(server.unwrap()))
}

fn header(content: &[u8]) -> Header<'static> {
    Header::new("bytes", "binary", content.len() as u64)
}

async fn echo(mut server: Server) -> Result<(), Error> {
    while let Some(message) = server.receive_message().await? {
        server.send(&header(message.content()), message.content()).await?;
    }
    server.finish().await
}

#[tokio::test]
async fn messages_go_both_ways_and_finish_sends_a_close_notify() {
    let (mut client, server) = pair().await;
    let ask = async {
        for length in [0, 1, 1_000, 16_384, 16_385, 100_000] {
            let content = vec![7; length];
            client.send(&header(&content), &content).await.unwrap();
            assert_eq!(client.receive_message().await.unwrap().unwrap().content(), content);
        }
        client.finish().await.unwrap();
        assert!(client.receive_message().await.unwrap().is_none(), "the server has ended as well");
    };
    let ((), served) = tokio::join!(ask, echo(server));
    served.unwrap();
}

#[tokio::test]
async fn halves_share_the_stream() {
    let (client, server) = pair().await;
    let (mut receiving, mut sending) = client.split();
    let content = vec![7; 100_000];
    let send = async {
        sending.send(&header(&content), &content).await.unwrap();
        sending.finish().await.unwrap();
    };
    let receive = async {
        assert_eq!(receiving.receive_message().await.unwrap().unwrap().content(), content);
        assert!(receiving.receive_message().await.unwrap().is_none());
    };
    let ((), (), served) = tokio::join!(send, receive, echo(server));
    served.unwrap();
}

#[tokio::test]
async fn stream_without_close_notify_is_cut_off() {
    let (client, mut server) = pair().await;
    drop(client);
    match server.receive_message().await.unwrap_err() {
        Error::Io(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof),
        other => panic!("{other}"),
    }
}
