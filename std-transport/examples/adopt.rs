//! A server of connections that somebody else accepts: `cargo run -p jsonframe-std --example adopt`.
//!
//! Here one port serves two protocols: whoever begins with `GET` is answered in HTTP, and all others are jsonframe's.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use jsonframe_std::Connection;
use jsonframe_std::server::{Handle, Limits, Server, from_fn};

/// Looks at the first byte without taking it, and hands the stream to the one who serves that.
fn sort(mut stream: TcpStream, handle: &Handle) -> io::Result<()> {
    let mut first = [0];
    stream.peek(&mut first)?;
    if first == *b"G" {
        return stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    }
    handle.adopt(stream).map_err(io::Error::other)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A server has a listener of its own; nobody knows this one.
    let server = Server::bind("127.0.0.1:0", Limits::default())?;
    let handle = server.handle();
    let serving = thread::spawn(move || {
        server.run(from_fn(|peer, message| peer.send(&message.header(), message.content()).expect("it fits")))
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;

    let mut connection = Connection::connect(address)?;
    connection.send_json("hello")?;
    sort(listener.accept()?.0, &handle)?;
    let answer: String = connection.receive()?.expect("an answer").json()?;
    println!("jsonframe: {answer}");
    assert_eq!(answer, "hello");

    let mut browser = TcpStream::connect(address)?;
    browser.write_all(b"GET")?;
    sort(listener.accept()?.0, &handle)?;
    let mut answer = String::new();
    browser.take(12).read_to_string(&mut answer)?;
    println!("HTTP: {answer}");
    assert_eq!(answer, "HTTP/1.1 204");

    handle.shutdown(Duration::from_secs(5));
    serving.join().expect("it does not panic")?;
    Ok(())
}
