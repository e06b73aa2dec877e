//! A transport of your own: `cargo run -p jsonframe-std --example own_transport`.
//!
//! A [`Connection`] runs over whatever reads and writes. Here that is a serial line, made of two pipes: it takes and gives
//! at most 16 bytes at a time, as the buffer of a UART would. Messages do not mind how they are cut.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::thread;

use jsonframe_std::protocol::Header;
use jsonframe_std::{Connection, Error};

/// One end of a serial line.
struct SerialPort {
    receive: PipeReader,
    transmit: PipeWriter,
}

/// What the buffers of its hardware hold, in bytes.
const BUFFER: usize = 16;

impl Read for SerialPort {
    /// `Ok(0)` means that the line is dead: at the end of the pipe.
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let room = place.len().min(BUFFER);
        self.receive.read(&mut place[..room])
    }
}

impl Write for SerialPort {
    /// Takes what fits, and says how much that was; the connection writes the rest.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.transmit.write(&bytes[..bytes.len().min(BUFFER)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transmit.flush()
    }
}

/// Both ends of a line.
fn line() -> io::Result<(SerialPort, SerialPort)> {
    let (left, to_left) = io::pipe()?;
    let (right, to_right) = io::pipe()?;
    Ok((SerialPort { receive: left, transmit: to_right }, SerialPort { receive: right, transmit: to_left }))
}

fn main() -> Result<(), Error> {
    let (host, device) = line()?;
    let device = thread::spawn(move || -> Result<(), Error> {
        let mut connection = Connection::new(device).with_max_content(4096);
        while let Some(mut message) = connection.receive()? {
            let reversed: Vec<u8> = message.content()?.into_iter().rev().collect();
            connection.send(&Header::new("text/plain", "ascii", reversed.len() as u64), &reversed)?;
        }
        Ok(())
    });

    let mut connection = Connection::new(host);
    let text = b"a text that is longer than the buffer of either end of the line";
    connection.send(&Header::new("text/plain", "ascii", text.len() as u64), text)?;
    let answer = connection.receive()?.expect("an answer").content()?;
    println!("{}", String::from_utf8_lossy(&answer));
    assert!(answer.iter().rev().eq(text));

    // The line goes; what was read beyond the messages, if anything, comes with it.
    let (port, unread) = connection.into_parts();
    assert!(unread.is_empty());
    drop(port);
    device.join().expect("the device does not panic")
}
