//! One connection of the client.

use std::io::{self, ErrorKind, Read, Write};

use jsonframe_cli::console::Console;
use jsonframe_cli::text::ByteString;

use super::unsent::Unsent;

/// What each connection sends.
const MESSAGES: [&[u8]; 2] = [b"Message 1 from client.", b"Message 2 from client."];

/// What is said on a connection: two messages, and the same bytes back.
#[derive(Debug)]
pub(super) struct Dialogue {
    /// The number of the connection, from 1.
    number: usize,
    /// How many messages have been begun.
    begun: usize,
    unsent: Unsent,
    /// What is still to come back.
    awaited: Vec<u8>,
}

impl Dialogue {
    pub(super) fn new(number: usize) -> Self {
        Self { number, begun: 0, unsent: Unsent::default(), awaited: MESSAGES.concat() }
    }

    /// Says and hears what the stream is ready for: true when everything came back.
    pub(super) fn proceed(&mut self, stream: &mut (impl Read + Write), console: &Console) -> Result<bool, String> {
        self.send(stream, console).map_err(|error| error.to_string())?;
        // The server may send nothing before it is heard, so this does not depend on what could be sent.
        self.receive(stream, console)
    }

    /// How many bytes are still to come back.
    pub(super) fn missing(&self) -> usize {
        self.awaited.len()
    }

    fn send(&mut self, stream: &mut impl Write, console: &Console) -> io::Result<()> {
        while self.unsent.flush(stream)? {
            let Some(message) = MESSAGES.get(self.begun) else { break };
            console.say(format_args!("sending {} to connection {}", ByteString(message), self.number));
            self.unsent.push(message);
            self.begun += 1;
        }
        Ok(())
    }

    fn receive(&mut self, stream: &mut impl Read, console: &Console) -> Result<bool, String> {
        let mut chunk = [0; 1024];
        while !self.awaited.is_empty() {
            match stream.read(&mut chunk) {
                Ok(0) => {
                    let missing = self.awaited.len();
                    return Err(format!("the server closed the connection; bytes missing: {missing}"));
                }
                Ok(count) => {
                    let received = &chunk[..count];
                    console.say(format_args!("received {} from connection {}", ByteString(received), self.number));
                    if !self.awaited.starts_with(received) {
                        return Err("other bytes came back than were sent".into());
                    }
                    self.awaited.drain(..count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(true)
    }
}
