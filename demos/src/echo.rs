//! The echo pair of the tutorial: bytes over one connection, without messages.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use jsonframe_cli::console::Console;
use jsonframe_cli::dial::dial;
use jsonframe_cli::text::ByteString;
use jsonframe_cli::watched::{Watched, no_answer};

/// How much is read at a time, in bytes.
const CHUNK: usize = 16 * 1024;

/// Accepts one connection and sends back what comes, until its client leaves.
///
/// # Errors
///
/// Why that came to another end, in words.
pub fn serve(listener: &TcpListener, console: &Console) -> Result<(), String> {
    let (mut stream, peer) = loop {
        match listener.accept() {
            // A client may be gone before it is accepted.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            accepted => break accepted.map_err(|error| format!("cannot accept a connection: {error}"))?,
        }
    };
    console.say(format_args!("Connected by: {peer}"));
    send_back(&mut stream).map_err(|error| format!("the connection to {peer} failed: {error}"))
}

fn send_back(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => stream.write_all(&chunk[..count])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sends bytes to an echo server and prints what comes back, for which there is the time given in all.
///
/// # Errors
///
/// Why the same bytes did not come back, in words.
pub fn converse(server: (&str, u16), message: &[u8], timeout: Duration, console: &Console) -> Result<(), String> {
    let (stream, address) = dial(server, timeout, |_| ())?;
    let in_words = |error: io::Error| no_answer(error, address);
    let watched = |doing: &str| {
        let stream = Watched::new(stream.try_clone().map_err(in_words)?);
        stream.within(timeout);
        stream.doing(format!("{doing} {address}"));
        Ok::<_, String>(stream)
    };
    let (sending, receiving) = (watched("sending to")?, watched("waiting for what comes back from")?);
    let (sent, received) = thread::scope(|scope| {
        // A long message comes back while it is still being sent, and fills every buffer if nobody takes it.
        let sending = scope.spawn(move || (&sending).write_all(message));
        let mut received = Vec::new();
        let outcome = (&receiving).take(message.len() as u64).read_to_end(&mut received);
        if outcome.is_err() {
            // Nothing is left to send for. The stream may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        (sending.join(), outcome.map(|_| received))
    });
    let received = received.map_err(in_words)?;
    console.say(format_args!("Received {}", ByteString(&received)));
    sent.map_err(|_| "the sending thread panicked")?.map_err(in_words)?;
    if received.len() < message.len() {
        let missing = message.len() - received.len();
        return Err(format!("the server closed the connection; bytes missing: {missing}"));
    }
    if received == message { Ok(()) } else { Err("other bytes came back than were sent".into()) }
}
