//! A server that blocks, with a deadline for each request.

use std::error::Error;
use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use jsonframe_std::{Connection, Timed};

use super::ends::Ends;

pub(crate) type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Answers each request of one client with the length of its content, until the client ends.
///
/// A request, its content and its answer must be over within `patience`, counted from the last answer; the handshake is part
/// of the first. However slowly bytes come, a client cannot hold the server for longer.
pub(crate) fn serve(ends: &Ends, stream: TcpStream, max_content: u64, patience: Duration) -> Outcome {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(ends.server(Timed::new(stream))?).with_max_content(max_content);
    loop {
        connection.get_mut().sock.set_deadline(Some(Instant::now() + patience));
        let Some(mut message) = connection.receive()? else { return Ok(()) };
        let mut length = 0;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match message.read(&mut buffer)? {
                0 => break,
                count => length += count,
            }
        }
        connection.send_json(&format!("{length} bytes have come"))?;
    }
}
