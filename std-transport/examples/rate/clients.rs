//! The clients that measure.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::{Connection, UNLIMITED};

use crate::Result;
use crate::messages::{BULK, CHUNK, THANKS};
use crate::processors::{Measured, Watch, be_server};

/// How long each measurement takes, but for that of a transfer.
const TIME: Duration = Duration::from_millis(150);

/// How many connections are opened before the first of them is used.
const BURST: usize = 50;

const CONTENT: &[u8] = br#"{"action": "search", "value": "needle"}"#;

pub(crate) const GIB: u64 = 1 << 30;

/// The same in megabytes.
const MEGABYTES: f64 = 1_073.741_824;

/// Into how many messages 1 GiB is divided where the messages are collected.
const PARTS: u64 = 16;

/// Who sends and receives.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Messages,
    Bare,
}

pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A message to the byte.
fn frame(header: Header<'_>, content: &[u8]) -> Vec<u8> {
    Message::new(header, content).and_then(|message| message.to_vec()).expect("the header suits the content")
}

fn request() -> Vec<u8> {
    frame(Header::for_json(CONTENT.len() as u64), CONTENT)
}

pub(crate) fn reply_to_bulk() -> Vec<u8> {
    frame(Header::for_json(THANKS.len() as u64), THANKS)
}

fn bulk_header(length: u64) -> Header<'static> {
    Header::new(BULK, "binary", length)
}

/// How many bytes are 1 GiB in one message.
pub(crate) fn bulk_length() -> u64 {
    bulk_header(GIB).encoded_len() as u64 + GIB
}

/// Requests a second of an echo that is asked on all these connections at a time.
///
/// The client knows bytes only, whoever is measured. All connections are asked before the first reply is awaited.
pub(crate) fn requests(mut streams: Vec<impl Read + Write>) -> Result<Measured> {
    let request = request();
    let mut place = vec![0; request.len()];
    let (mut answered, watch) = (0, Watch::start());
    while watch.start.elapsed() < TIME {
        for stream in &mut streams {
            stream.write_all(&request)?;
        }
        for stream in &mut streams {
            stream.read_exact(&mut place)?;
        }
        answered += u32::try_from(streams.len())?;
    }
    let rate = watch.rate(answered);
    if place == request { Ok(rate) } else { Err("another reply than expected".into()) }
}

/// Requests a second, one after the other, of a client and a server of messages.
pub(crate) fn converse(stream: impl Read + Write) -> Result<Measured> {
    let mut connection = Connection::new(stream);
    let (mut answered, watch) = (0, Watch::start());
    while watch.start.elapsed() < TIME {
        connection.send(&Header::for_json(CONTENT.len() as u64), CONTENT)?;
        if connection.receive()?.ok_or("no reply")?.content()? != CONTENT {
            return Err("another reply than expected".into());
        }
        answered += 1;
    }
    Ok(watch.rate(answered))
}

/// New connections a second, each for one request.
pub(crate) fn churn(address: SocketAddr) -> Result<Measured> {
    let request = request();
    let mut place = vec![0; request.len()];
    let (mut opened, watch) = (0, Watch::start());
    while watch.start.elapsed() < TIME {
        let mut streams = (0..BURST).map(|_| connect(address)).collect::<io::Result<Vec<_>>>()?;
        for stream in &mut streams {
            stream.write_all(&request)?;
        }
        for mut stream in streams {
            stream.read_exact(&mut place)?;
            opened += 1;
        }
    }
    Ok(watch.rate(opened))
}

/// Megabytes a second of 1 GiB in one message, until it is answered.
pub(crate) fn bulk(stream: impl Read + Write) -> Result<Measured> {
    let mut connection = Connection::new(stream);
    let watch = Watch::start();
    connection.send_stream(&bulk_header(GIB), &mut Zeros)?;
    let reply = connection.receive()?.ok_or("no reply")?.content()?;
    let rate = watch.rate(MEGABYTES);
    if reply == THANKS { Ok(rate) } else { Err("another reply than expected".into()) }
}

/// The same of bytes.
pub(crate) fn bare_bulk(mut stream: impl Read + Write) -> Result<Measured> {
    let mut reply = reply_to_bulk();
    let head = head(&bulk_header(GIB))?;
    let watch = Watch::start();
    send_bare(&mut stream, &head, GIB)?;
    stream.read_exact(&mut reply)?;
    let rate = watch.rate(MEGABYTES);
    if reply == reply_to_bulk() { Ok(rate) } else { Err("another reply than expected".into()) }
}

fn head(header: &Header<'_>) -> Result<Vec<u8>> {
    let mut head = vec![0; header.encoded_len()];
    header.encode(&mut head)?;
    Ok(head)
}

fn send_bare(stream: &mut impl Write, head: &[u8], length: u64) -> io::Result<()> {
    let chunk = vec![0; CHUNK];
    stream.write_all(head)?;
    for _ in 0..length / CHUNK as u64 {
        stream.write_all(&chunk)?;
    }
    Ok(())
}

/// Megabytes a second of 1 GiB in several messages, or as many bytes, each of which is collected in memory of its own.
pub(crate) fn collected(side: Side) -> Result<Measured> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = connect(listener.local_addr()?)?;
    let peer = listener.accept()?.0;
    let header = bulk_header(GIB / PARTS);
    let head = head(&header)?;
    let mut room = head.clone();
    let watch = Watch::start();
    let sender = thread::spawn(move || -> Result<()> {
        be_server()?;
        let (mut stream, mut connection) = (stream.try_clone()?, Connection::new(stream));
        for _ in 0..PARTS {
            match side {
                Side::Messages => connection.send_stream(&header, &mut Zeros)?,
                Side::Bare => send_bare(&mut stream, &head, header.content_length())?,
            }
        }
        Ok(())
    });
    let received = match side {
        Side::Messages => {
            let mut connection = Connection::new(peer).with_max_content(UNLIMITED);
            let mut received = 0;
            while let Some(mut message) = connection.receive()? {
                received += message.content()?.len() as u64;
            }
            received
        }
        Side::Bare => {
            let (mut peer, mut received) = (peer, 0);
            for _ in 0..PARTS {
                peer.read_exact(&mut room)?;
                let mut content = Vec::new();
                received += (&mut peer).take(GIB / PARTS).read_to_end(&mut content)? as u64;
            }
            received
        }
    };
    let rate = watch.rate(MEGABYTES);
    sender.join().map_err(|_| "the sender has panicked")??;
    if received == GIB { Ok(rate) } else { Err("not all has come".into()) }
}

/// A source that takes no time.
struct Zeros;

impl Read for Zeros {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        Ok(place.len())
    }
}
