//! A server on a socket that its supervisor has opened, as systemd does it for a `.socket` unit:
//! `cargo run -p jsonframe-std --features listenfd --example inherited`.
//!
//! The socket outlives the server: clients that come while it restarts wait, and are not refused.

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use jsonframe_std::server::{Limits, Listener, Server, from_fn};

    let mut listeners = Listener::inherited()?.into_iter();
    let Some(first) = listeners.next() else { return supervise() };
    let server = listeners.fold(Server::new(first, Limits::default()), Server::with_listener);
    let handle = server.handle();
    server.run(from_fn(move |peer, message| {
        let answer = format!("process {} got {:?}", std::process::id(), message.json::<String>());
        peer.send_json(&answer).expect("a short text fits");
        // One request is enough here.
        handle.shutdown(std::time::Duration::from_secs(5));
    }))?;
    Ok(())
}

/// Does what systemd does: listens, starts this program as the server with the socket as descriptor 3, and again when it ends.
#[cfg(unix)]
fn supervise() -> Result<(), Box<dyn std::error::Error>> {
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;
    use std::process::Command;

    use jsonframe_std::Connection;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    for _ in 0..2 {
        // Nobody accepts yet, and nobody is refused.
        let mut connection = Connection::connect(listener.local_addr()?)?;
        connection.send_json("hello")?;
        let mut server = Command::new("sh")
            .args(["-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" 3<&0 </dev/null"])
            .arg(std::env::current_exe()?)
            .stdin(OwnedFd::from(listener.try_clone()?))
            .spawn()?;
        let answer: String = connection.receive()?.expect("an answer").json()?;
        println!("{answer}");
        assert_eq!(answer, format!("process {} got Ok(\"hello\")", server.id()));
        drop(connection);
        assert!(server.wait()?.success());
    }
    Ok(())
}

#[cfg(not(unix))]
fn main() {}
