//! One server on a Unix socket and on TCP: `cargo run -p jsonframe-std --example unix`.

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use jsonframe_std::Connection;
    use jsonframe_std::server::{Limits, Listener, Server, from_fn};

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("server.sock");
    let server = Server::bind("127.0.0.1:0", Limits::default())?.with_listener(Listener::unix(&path)?);
    let (address, handle) = (server.address(), server.handle());
    // It says to each peer where that comes from.
    let echo = from_fn(|peer, _| {
        let from = peer.address().to_string();
        peer.send_json(&from).expect("a short text fits");
    });
    let serving = std::thread::spawn(move || server.run(echo));

    let mut local = Connection::new(UnixStream::connect(&path)?);
    local.send_json("Where am I?")?;
    let from: String = local.receive()?.expect("an answer").json()?;
    println!("through {}: {from}", path.display());
    assert_eq!(from, "a Unix socket");

    let mut remote = Connection::connect(address)?;
    remote.send_json("Where am I?")?;
    let from: String = remote.receive()?.expect("an answer").json()?;
    println!("through {address}: {from}");
    assert_eq!(from, remote.get_ref().local_addr()?.to_string());

    handle.shutdown(Duration::from_secs(5));
    serving.join().expect("it does not panic")?;
    assert!(!path.exists(), "the file goes with the server");
    Ok(())
}

#[cfg(not(unix))]
fn main() {}
