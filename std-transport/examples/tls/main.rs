//! Messages over TLS: `cargo run -p jsonframe-std --example tls`.
//!
//! A stream of TLS reads and writes, and a [`Connection`] wants no more. The deadline is that of the TCP stream below.

mod ends;

use std::error::Error;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ends::{Ends, finish};
use jsonframe_std::protocol::Header;
use jsonframe_std::{Connection, Timed};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The length of a long content, in bytes.
const LENGTH: u64 = 100_000_000;

fn main() -> Outcome {
    let ends = Ends::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::scope(|scope| {
        let server = scope.spawn(|| serve(&ends, listener.accept()?.0));
        ask(&ends, TcpStream::connect(address)?)?;
        server.join().unwrap_or_else(|_| Err("the server has panicked".into()))
    })
}

fn ask(ends: &Ends, stream: TcpStream) -> Outcome {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(ends.client(Timed::new(stream))?);
    // For everything that follows.
    connection.get_mut().sock.set_deadline(Some(Instant::now() + Duration::from_mins(1)));

    connection.send_json("Is anybody listening?")?;
    let answer: String = connection.receive()?.ok_or("the server has gone")?.json()?;
    let tls = &connection.get_ref().conn;
    println!("client: answered {answer:?} over {:?}, {:?}", tls.protocol_version(), tls.negotiated_cipher_suite());

    connection.send_stream(&Header::new("zeros", "binary", LENGTH), &mut std::io::repeat(0))?;
    let answer: String = connection.receive()?.ok_or("the server has gone")?.json()?;
    println!("client: answered {answer:?}");
    Ok(finish(connection)?)
}

fn serve(ends: &Ends, stream: TcpStream) -> Outcome {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(ends.server(stream)?).with_max_content(LENGTH);
    while let Some(mut message) = connection.receive()? {
        let mut length = 0;
        let mut place = vec![0; 64 * 1024];
        loop {
            match message.read(&mut place)? {
                0 => break,
                count => length += count,
            }
        }
        connection.send_json(&format!("{length} bytes have come"))?;
    }
    println!("server: the client has ended");
    Ok(())
}
