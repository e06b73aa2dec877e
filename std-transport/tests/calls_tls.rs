//! Calls of many threads over TLS, in the thread of a client that never blocks.
#![cfg(all(feature = "client", feature = "json", feature = "tls"))]

#[allow(dead_code, reason = "each test program uses a part of it")]
#[path = "tls/ends.rs"]
mod ends;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ends::Ends;
use jsonframe_std::client::{CallError, Client, Options};
use jsonframe_std::protocol::Header;
use jsonframe_std::{Backoff, Connection, Error};

/// A client, and a server that does this with each connection, as often as there is one.
fn client(serve: impl Fn(TcpStream, &Ends) + Send + 'static, options: Options) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ends = Arc::new(Ends::new().unwrap());
    let of_server = Arc::clone(&ends);
    thread::spawn(move || listener.incoming().for_each(|stream| serve(stream.unwrap(), &of_server)));
    // The handshake is the client's affair.
    Client::new(move || ends.client(TcpStream::connect(address)?), options).unwrap()
}

fn echo(stream: TcpStream, ends: &Ends) {
    let mut server = Connection::new(ends.server(stream).unwrap());
    while let Ok(Some(request)) = server.receive() {
        let request = request.into_message().unwrap();
        server.send(&request.header(), request.content()).unwrap();
    }
}

#[test]
fn eight_threads_over_tls_get_replies_of_any_length() {
    let client = client(echo, Options::default());
    let threads = [0, 1, 2, 3, 4, 5, 6, 7].map(|thread: u8| {
        let client = client.clone();
        thread::spawn(move || {
            for length in [0, 1, 1_000, 16_384, 20_000, 300_000] {
                let content = vec![thread; length];
                let reply = client.call(&Header::new("bytes", "binary", length as u64), &content).unwrap();
                assert!(reply.content() == content, "{length}");
            }
        })
    });
    let _ = threads.map(|thread| thread.join().unwrap());
    assert_eq!(client.stats().connections, 1);
}

#[test]
fn when_the_last_client_is_dropped_the_peer_is_told_that_it_was_all() {
    let (sender, seen) = std::sync::mpsc::channel();
    let serve = move |stream: TcpStream, ends: &Ends| {
        let mut server = Connection::new(ends.server(stream).unwrap());
        let request: u64 = server.receive().unwrap().unwrap().json().unwrap();
        server.send_json(&request).unwrap();
        sender.send(server.receive().map(|next| next.is_none()).map_err(|error| error.to_string())).unwrap();
    };
    let client = client(serve, Options::default());
    assert_eq!(client.call_json::<u64>(&1).unwrap(), 1);
    drop(client);
    assert_eq!(seen.recv().unwrap(), Ok(true));
}

#[test]
fn a_server_that_cannot_speak_tls_or_is_not_trusted_fails_calls_unsent() {
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(1)).with_attempts(2);
    let no_tls = |mut stream: TcpStream, _: &Ends| {
        let _ = stream.write_all(b"220 mail.example.org ESMTP\r\n");
    };
    let another = |stream: TcpStream, _: &Ends| echo(stream, &Ends::new().unwrap());
    for client in [
        client(no_tls, Options::default().with_backoff(backoff.clone())),
        client(another, Options::default().with_backoff(backoff)),
    ] {
        let error = client.call_json::<u64>(&1).unwrap_err();
        assert!(matches!(&error, CallError::Lost { is_sent: false, why } if matches!(**why, Error::Io(_))), "{error}");
    }
}

#[test]
fn a_handshake_that_never_ends_is_given_up() {
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(1)).with_attempts(1);
    let options = Options::default().with_backoff(backoff).with_max_silence(Duration::from_millis(30));
    let client = client(|stream, _| std::mem::forget(stream), options);
    let error = client.call_json::<u64>(&1).unwrap_err();
    assert!(!error.is_sent() && error.to_string().ends_with(": the peer has been silent for too long"), "{error}");
}

/// Under tokio the handshake is the affair of whoever connects.
#[cfg(feature = "tokio")]
#[tokio::test]
async fn tasks_call_over_tokio_rustls_and_the_peer_is_told_that_it_was_all() {
    use jsonframe_std::tokio::{Client, Connection};
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore, ServerConfig};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    let own = rcgen::generate_simple_self_signed([Ends::NAME.to_owned()]).unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(own.cert.der().clone()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connect = move || {
        let connector = connector.clone();
        async move {
            let stream = tokio::net::TcpStream::connect(address).await?;
            connector.connect(ServerName::try_from(Ends::NAME).unwrap(), stream).await
        }
    };
    let client = Client::new(connect, Options::default());
    let server = tokio::spawn(async move {
        let mut server = Connection::new(acceptor.accept(listener.accept().await?.0).await?);
        while let Some(request) = server.receive_message().await? {
            server.send(&request.header(), request.content()).await?;
        }
        Ok::<(), Error>(())
    });
    for length in [0, 1, 20_000, 300_000] {
        let content = vec![7; length];
        let reply = client.call(&Header::new("bytes", "binary", length as u64), &content).await.unwrap();
        assert!(reply.content() == content, "{length}");
    }
    drop(client);
    server.await.unwrap().unwrap();
}
