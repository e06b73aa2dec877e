//! How much memory of a server a connection takes.
//!
//! The server is this program again, in a process of its own, so that its memory is only its own.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use clap::ValueEnum;
use jsonframe_std::protocol::{Header, Message};

use crate::clients::connect;
use crate::ends::Ends;
use crate::messages::{Echo, server};
use crate::{Result, bare};

/// Who serves.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Side {
    Messages,
    Bare,
}

/// What connections there are.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A message has been exchanged and none is under way.
    Idle,
    /// The same over TLS.
    IdleTls,
    /// The server has answered the first message of the handshake.
    Handshake,
}

/// How many connections are open, if there can be so many.
const CONNECTIONS: usize = 5_000;

/// So many are open before the memory is looked at first.
const BEFORE: usize = 100;

/// Bytes of user space, resident, for a connection.
pub(crate) fn of_a_connection(kind: Kind, side: Side) -> Result<f64> {
    let name = match side {
        Side::Messages => "messages",
        Side::Bare => "bare",
    };
    let folder = tempfile::tempdir()?;
    let ends = Ends::make(folder.path())?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--serve", name]).stdin(Stdio::piped()).stdout(Stdio::piped());
    if !matches!(kind, Kind::Idle) {
        command.arg("--certificate").arg(folder.path());
    }
    let mut child = Server(command.spawn()?);
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse()?;
    let mut streams = Vec::new();
    let mut open = |count: usize| -> Result<u64> {
        while streams.len() < count {
            let stream = open_one(kind, &ends, address).map_err(|error| {
                format!("cannot open connection {}: {error}; `ulimit -n` shows and sets the limit", streams.len() + 1)
            })?;
            streams.push(stream);
        }
        resident(&child.0)
    };
    let before = open(BEFORE)?;
    let after = open(CONNECTIONS)?;
    let (memory, connections) = (u32::try_from(after.saturating_sub(before))?, u32::try_from(CONNECTIONS - BEFORE)?);
    Ok(f64::from(memory) / f64::from(connections))
}

/// What holds a connection open.
type Held = Box<dyn std::any::Any>;

fn open_one(kind: Kind, ends: &Ends, address: SocketAddr) -> io::Result<Held> {
    Ok(match kind {
        Kind::Idle => Box::new(exchange(connect(address)?)?),
        Kind::IdleTls => Box::new(exchange(ends.connect(address)?)?),
        Kind::Handshake => Box::new(ends.begin(address)?),
    })
}

/// Exchanges one message.
fn exchange<S: Read + Write>(mut stream: S) -> io::Result<S> {
    let message = Message::new(Header::for_json(2), b"{}").and_then(|message| message.to_vec());
    let message = message.map_err(io::Error::other)?;
    stream.write_all(&message)?;
    stream.read_exact(&mut vec![0; message.len()])?;
    Ok(stream)
}

/// The resident memory of a process, in bytes.
fn resident(process: &Child) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))
        .map_err(|error| format!("the memory of a process can be looked at on Linux only: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// A server in a process of its own, which ends when this is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves until standard input ends; over TLS with the certificate in a folder, if there is one.
pub(crate) fn serve(side: Side, certificate: Option<&Path>) -> Result<()> {
    let tls = certificate.map(Ends::load).transpose()?.map(|ends| ends.server);
    let address = match side {
        Side::Messages => {
            let server = server(tls)?;
            let address = server.address().socket_addr().expect("it listens on TCP");
            thread::spawn(move || server.run(Echo));
            address
        }
        Side::Bare => {
            let server = bare::Server::bind(tls)?;
            let address = server.echo.local_addr()?;
            thread::spawn(move || server.run());
            address
        }
    };
    println!("{address}");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
