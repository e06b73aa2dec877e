//! A transport of your own: `cargo run -p jsonframe-std --example own_transport`.
//!
//! A [`Connection`] runs over whatever reads and writes. Here that is a serial line, made of two channels: each holds at
//! most 16 bytes, as the buffer of a UART would. Messages do not mind how they are cut.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jsonframe_std::protocol::Header;
use jsonframe_std::{Connection, Error};

/// One end of a serial line.
struct SerialPort {
    receive: Receiver<u8>,
    transmit: SyncSender<u8>,
}

/// What the buffers of its hardware hold, in bytes.
const BUFFER: usize = 16;

impl Read for SerialPort {
    /// Waits for one byte, and takes what else is there. `Ok(0)` means that the other end is gone.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((first, rest)) = buffer.split_first_mut() else { return Ok(0) };
        let Ok(byte) = self.receive.recv() else { return Ok(0) };
        *first = byte;
        Ok(1 + rest.iter_mut().zip(self.receive.try_iter()).map(|(place, byte)| *place = byte).count())
    }
}

impl Write for SerialPort {
    /// Takes what fits, and says how much that was; the connection writes the rest.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((first, rest)) = bytes.split_first() else { return Ok(0) };
        self.transmit.send(*first).map_err(|_| ErrorKind::BrokenPipe)?;
        Ok(1 + rest.iter().take_while(|byte| self.transmit.try_send(**byte).is_ok()).count())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Both ends of a line.
fn line() -> (SerialPort, SerialPort) {
    let (to_left, left) = sync_channel(BUFFER);
    let (to_right, right) = sync_channel(BUFFER);
    (SerialPort { receive: left, transmit: to_right }, SerialPort { receive: right, transmit: to_left })
}

fn main() -> Result<(), Error> {
    let (host, device) = line();
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
