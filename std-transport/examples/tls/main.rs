//! Messages over TLS: `cargo run -p jsonframe-std --example tls --features tls`.
//!
//! A stream of TLS reads and writes, and a [`Connection`] wants no more. The deadlines are those of the TCP stream below.

mod ends;
mod serve;

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ends::Ends;
use jsonframe_std::protocol::Header;
use jsonframe_std::{Connection, Timed, tls};
use serve::{Outcome, serve};

/// The length of a long content, in bytes.
const LENGTH: u64 = 100_000_000;

/// How long the client waits for everything, and the server for each request.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Outcome {
    let ends = Ends::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::scope(|scope| {
        let server = scope.spawn(|| serve(&ends, listener.accept()?.0, LENGTH, PATIENCE));
        ask(&ends, TcpStream::connect(address)?)?;
        server.join().unwrap_or_else(|_| Err("the server has panicked".into()))?;
        println!("server: the client has ended");
        Ok(())
    })
}

fn ask(ends: &Ends, stream: TcpStream) -> Outcome {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(ends.client(Timed::new(stream))?);
    // For everything that follows.
    connection.get_mut().sock.set_deadline(Some(Instant::now() + PATIENCE));

    connection.send_json("Is anybody listening?")?;
    let answer: String = connection.receive()?.ok_or("the server has gone")?.json()?;
    let session = &connection.get_ref().conn;
    let (version, suite) = (session.protocol_version(), session.negotiated_cipher_suite());
    println!("client: answered {answer:?} over {version:?}, {suite:?}");

    connection.send_stream(&Header::new("zeros", "binary", LENGTH), &mut std::io::repeat(0))?;
    let answer: String = connection.receive()?.ok_or("the server has gone")?.json()?;
    println!("client: answered {answer:?}");
    // Without it, the server would take the stream for cut off.
    tls::finish(&mut connection)?;
    Ok(())
}
