//! A server behind a proxy, such as a cloud's load balancer: `cargo run -p jsonframe-std --example behind_proxy`.
//!
//! The proxy sends a PROXY header before the client's first byte, so that the server knows the client's address. Let nobody
//! else connect there: the header is believed.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use jsonframe_std::Connection;
use jsonframe_std::server::{Limits, Listener, Server, from_fn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = Listener::tcp("127.0.0.1:0")?.with_proxy_header();
    let server = Server::new(listener, Limits::default());
    let (address, handle) = (server.address().socket_addr().expect("it listens on TCP"), server.handle());
    let tell = from_fn(|peer, _| {
        let client = peer.address().to_string();
        peer.send_json(&client).expect("a short text fits");
    });
    let serving = thread::spawn(move || server.run(tell));

    // What a proxy does when 203.0.113.7 has connected to it.
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 65432\r\n")?;
    let mut connection = Connection::new(stream);
    connection.send_json("Who am I?")?;
    let client: String = connection.receive()?.expect("an answer").json()?;
    println!("the server sees {client}");
    assert_eq!(client, "203.0.113.7:4711");

    // Whoever comes without a header is not served.
    let mut other = Connection::connect(address)?;
    other.send_json("Who am I?")?;
    assert!(!matches!(other.receive(), Ok(Some(_))));

    handle.shutdown(Duration::from_secs(5));
    serving.join().expect("it does not panic")?;
    assert_eq!(handle.stats().failed_handshakes, 1);
    Ok(())
}
