//! The client of the tutorial: one request, one answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use jsonframe::Message;
use jsonframe_std::Connection;

use crate::application::{Answer, Draft, JSON};
use crate::console::Console;
use crate::text::{ByteString, Printable};
use crate::wire::{in_words, prepare, send};

/// Connects to the server, at the first of its addresses that answers, within this time in all.
///
/// # Errors
///
/// Why that was not possible, in words.
pub fn connect(
    address: impl ToSocketAddrs,
    timeout: Duration,
    console: &Console,
) -> Result<(TcpStream, SocketAddr), String> {
    let deadline = Instant::now() + timeout;
    let mut failure = "the name has no address".into();
    for address in address.to_socket_addrs().map_err(|error| format!("cannot look up the host: {error}"))? {
        console.say(format_args!("starting connection to {address}"));
        let time_left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let stream = TcpStream::connect_timeout(&address, time_left);
        match stream.and_then(|stream| prepare(&stream, timeout).map(|()| stream)) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => failure = format!("cannot connect to {address}: {error}"),
        }
    }
    Err(failure)
}

/// Sends a request to the server over this stream and prints its answer.
///
/// # Errors
///
/// Why there was no answer, or which error the server answered, in words.
pub fn exchange(
    stream: impl Read + Write,
    server: SocketAddr,
    request: &Draft,
    console: &Console,
) -> Result<(), String> {
    let mut connection = Connection::new(stream);
    let outcome = ask(&mut connection, server, request, console);
    console.say(format_args!("closing connection to {server}"));
    outcome
}

fn ask(
    connection: &mut Connection<impl Read + Write>,
    server: SocketAddr,
    request: &Draft,
    console: &Console,
) -> Result<(), String> {
    send(connection, request, server, console).map_err(in_words)?;
    let response = connection.receive().map_err(in_words)?;
    let mut response = response.ok_or("the server closed the connection without an answer")?;
    let content = response.content().map_err(in_words)?;
    let header = response.header();

    if header.content_type() != JSON {
        console.say(format_args!("received {} response from {server}", Printable(header.content_type())));
        console.say(format_args!("got response: {}", ByteString(&content)));
        return Ok(());
    }
    let text = String::from_utf8_lossy(&content);
    console.say(format_args!("received response {} from {server}", Printable(&text)));
    match Message::new(header, &content).map_err(in_words)?.json().map_err(in_words)? {
        Answer::Result(result) => {
            console.say(format_args!("got result: {}", Printable(&result)));
            Ok(())
        }
        Answer::Error(reason) => Err(format!("the server answers with an error: {reason}")),
    }
}
