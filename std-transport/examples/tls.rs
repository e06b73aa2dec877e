//! A server and a client over TLS: `cargo run -p jsonframe-std --features tls --example tls`.
//!
//! The certificate is made on the spot, and the client trusts it and no other. Yours comes from an authority.

use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jsonframe_std::server::{Limits, Listener, Server, from_fn};
use jsonframe_std::tls;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    fs::write(&certificate, own.cert.pem())?;
    fs::write(&key, own.signing_key.serialize_pem())?;

    let config = tls::server_config(&certificate, &key, None)?;
    let listener = Listener::tcp("127.0.0.1:0")?.with_tls(config.into());
    let server = Server::new(listener, Limits::default());
    let (address, handle) = (server.address().socket_addr().expect("it listens on TCP"), server.handle());
    let serving = thread::spawn(move || {
        server.run(from_fn(|peer, message| peer.send(&message.header(), message.content()).expect("it fits")))
    });

    let config = Arc::new(tls::client_config(&certificate, None)?);
    let mut connection = tls::connect(address, "localhost", &config)?;
    connection.send_json("hello")?;
    let answer: String = connection.receive()?.expect("an answer").json()?;
    println!("{answer:?} over {:?}", connection.get_ref().conn.protocol_version());
    assert_eq!(answer, "hello");
    // Without it, the server would take the stream for cut off.
    tls::finish(&mut connection)?;
    assert!(connection.receive()?.is_none());

    // A server with the certificate of another name is not the one that was meant.
    let error = tls::connect(address, "example.org", &config).expect_err("its certificate is for localhost");
    println!("{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidData);

    handle.shutdown(Duration::from_secs(5));
    serving.join().expect("it does not panic")?;
    Ok(())
}
