//! How many may connect, and who goes when one more comes: `cargo run -p jsonframe-std --example places`.

use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::Header;
use jsonframe_std::server::{AtLimit, Limits, Server, from_fn};
use jsonframe_std::{Connection, Error, Incoming};

type Client = Connection<std::net::TcpStream>;

/// Starts a server with these limits, and gives the test its address. It ends after that.
fn with_server(limits: Limits, test: impl FnOnce(&dyn Fn() -> Client) -> Result<(), Error>) -> Result<(), Error> {
    let full = b"\"too many connections\"";
    let server = Server::bind("127.0.0.1:0", limits)?.with_refusal(&Header::for_json(full.len() as u64), full)?;
    let (address, handle) = (server.address(), server.handle());
    let serving = thread::spawn(move || {
        server.run(from_fn(|peer, message| peer.send(&message.header(), message.content()).expect("it fits")))
    });
    test(&|| Connection::connect(address).expect("somebody listens"))?;
    handle.shutdown(Duration::from_secs(5));
    Ok(serving.join().expect("it does not panic")?)
}

fn ask(client: &mut Client) -> Result<Option<String>, Error> {
    client.send_json("echo")?;
    client.receive()?.map(Incoming::json).transpose()
}

fn main() -> Result<(), Error> {
    // No address has more than two places; the third connection is told so and closed.
    with_server(Limits::default().with_max_per_address(2), |connect| {
        let (mut first, mut second) = (connect(), connect());
        assert_eq!((ask(&mut first)?, ask(&mut second)?), (Some("echo".into()), Some("echo".into())));
        let mut third = connect();
        let refusal: String = third.receive()?.expect("a message").json()?;
        println!("the third: {refusal}");
        assert_eq!(refusal, "too many connections");
        assert!(third.receive()?.is_none());
        Ok(())
    })?;

    // When all places are taken, whoever has been idle for longest makes room.
    with_server(Limits::default().with_max_connections(2).with_at_limit(AtLimit::CloseIdle), |connect| {
        let (mut first, mut second) = (connect(), connect());
        assert_eq!((ask(&mut second)?, ask(&mut first)?), (Some("echo".into()), Some("echo".into())));
        assert_eq!(ask(&mut connect())?, Some("echo".into()));
        assert!(second.receive()?.is_none(), "it was idle for longest");
        assert_eq!(ask(&mut first)?, Some("echo".into()));
        println!("the second has made room");
        Ok(())
    })
}
