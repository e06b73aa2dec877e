//! A proxy that passes messages on, of any length, in constant memory: `cargo run -p jsonframe-std --example proxy`.
//!
//! It connects to the server for each of its clients, and sends on what either side says. A message goes out while it is
//! still coming in.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use jsonframe_std::protocol::Header;
use jsonframe_std::{Connection, Error, ReceivingHalf, SendingHalf, UNLIMITED};

/// How long the content is that goes through the proxy: more than a connection accepts by default.
const LENGTH: u64 = 100_000_000;

/// Sends on messages from one side to the other until the first one has ended.
fn pass_on(mut from: ReceivingHalf<TcpStream>, mut to: SendingHalf<TcpStream>) -> Result<(), Error> {
    while let Some(mut message) = from.receive()? {
        to.forward(&mut message)?;
    }
    Ok(to.finish()?)
}

/// Serves one client.
fn serve(client: TcpStream, server: SocketAddr) -> Result<(), Error> {
    client.set_nodelay(true)?;
    let (from_client, to_client) = Connection::new(client).with_max_content(UNLIMITED).split()?;
    let (from_server, to_server) = Connection::connect(server)?.with_max_content(UNLIMITED).split()?;
    let requests = thread::spawn(move || pass_on(from_client, to_server));
    pass_on(from_server, to_client)?;
    requests.join().expect("it does not panic")
}

/// Answers one client: says how long each content was, and who has sent it.
fn count(listener: &TcpListener) -> Result<(), Error> {
    let mut connection = Connection::new(listener.accept()?.0).with_max_content(UNLIMITED);
    while let Some(mut request) = connection.receive()? {
        let sender = request.header().extension("sender").and_then(|value| value.as_u64());
        let count = io::copy(&mut request, &mut io::sink())?;
        connection.send_json(&(sender, count))?;
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let proxy = TcpListener::bind("127.0.0.1:0")?;
    let (server_address, proxy_address) = (server.local_addr()?, proxy.local_addr()?);
    let counting = thread::spawn(move || count(&server));
    let passing = thread::spawn(move || serve(proxy.accept()?.0, server_address));

    let mut client = Connection::connect(proxy_address)?;
    let extensions = [("sender", 7.into())];
    for length in [0, 3, LENGTH, 5] {
        let header = Header::new("zeros", "binary", length).with_extensions(&extensions);
        client.send_stream(&header, &mut io::repeat(0).take(length))?;
        let answer = client.receive()?.expect("an answer").json::<(u64, u64)>()?;
        println!("sender {} has sent {} bytes", answer.0, answer.1);
        assert_eq!(answer, (7, length));
    }
    // The end is passed on too, and comes back.
    client.finish()?;
    assert!(client.receive()?.is_none());
    counting.join().expect("it does not panic")?;
    passing.join().expect("it does not panic")
}
