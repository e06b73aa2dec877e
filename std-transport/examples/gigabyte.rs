//! A gigabyte as one message, in constant memory on both sides: `cargo run --release -p jsonframe-std --example gigabyte`.
//!
//! With an argument, that many bytes: `… --example gigabyte -- 50000000`. Prints how much has come, and the most memory
//! that the program has used, where the system tells (Linux).

use std::io::{BufRead, Read};
use std::net::TcpListener;
use std::time::Instant;
use std::{env, fs, io, thread};

use jsonframe_std::protocol::Header;
use jsonframe_std::{Connection, Error, UNLIMITED};

/// The most memory that sender and receiver may need together, whatever they transfer.
const ENOUGH: u64 = 16 * 1024 * 1024;

fn main() -> Result<(), Error> {
    let length = env::args().nth(1).map_or(1_000_000_000, |bytes| bytes.parse().expect("a number of bytes"));
    let before = peak();

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let sender = thread::spawn(move || -> Result<(), Error> {
        // Any `Read` can be sent; of a file, its length is `file.metadata()?.len()`.
        let mut source = Numbers::default();
        let mut connection = Connection::connect(address)?;
        connection.send_stream(&Header::new("application/octet-stream", "binary", length), &mut source)
    });

    // Without a limit of one's own, 64 MiB are the most a connection takes.
    let start = Instant::now();
    let mut connection = Connection::new(listener.accept()?.0).with_max_content(UNLIMITED);
    let mut message = connection.receive()?.expect("a message");
    assert_eq!(message.header().content_length(), length);

    // `message` reads and buffers: `io::copy` to a file works as well. Here each piece is looked at where it lies.
    let mut expected = Numbers::default();
    let mut received = 0;
    let mut same = vec![0; 64 * 1024];
    loop {
        let piece = message.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        let count = piece.len().min(same.len());
        expected.read_exact(&mut same[..count])?;
        assert_eq!(piece[..count], same[..count], "after {received} bytes");
        message.consume(count);
        received += count as u64;
    }
    assert_eq!(received, length);
    println!("{received} bytes in {:.2} s", start.elapsed().as_secs_f64());

    assert!(connection.receive()?.is_none(), "the sender has closed");
    sender.join().expect("the sender does not panic")?;
    if let (Some(before), Some(after)) = (before, peak()) {
        println!("memory at its peak: {} KiB, of which {} KiB since the start", after / 1024, (after - before) / 1024);
        assert!(after - before < ENOUGH, "memory has grown with the content");
    }
    Ok(())
}

/// A source that has no end, and whose bytes say where they belong.
#[derive(Default)]
struct Numbers {
    position: u64,
}

impl Read for Numbers {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        for byte in &mut *place {
            *byte = (self.position % 251) as u8;
            self.position += 1;
        }
        Ok(place.len())
    }
}

/// The most memory that this program has had resident so far, in bytes.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
