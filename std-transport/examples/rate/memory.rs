//! How much memory of a server an idle connection takes.
//!
//! The server is this program again, in a process of its own, so that its memory is only its own.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use clap::ValueEnum;
use jsonframe_std::protocol::{Header, Message};

use crate::messages::{Echo, server};
use crate::{Result, bare};

/// Who serves.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Side {
    Messages,
    Bare,
}

/// How many connections are open, if there can be so many.
const CONNECTIONS: usize = 5_000;

/// So many are open before the memory is looked at first.
const BEFORE: usize = 100;

/// Bytes of user space, resident, for a connection on which a message has been exchanged and none is under way.
pub(crate) fn of_an_idle_connection(side: Side) -> Result<f64> {
    let name = match side {
        Side::Messages => "messages",
        Side::Bare => "bare",
    };
    let mut child = Server(
        Command::new(std::env::current_exe()?)
            .args(["--serve", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse()?;
    let mut streams = Vec::new();
    let mut open = |count: usize| -> Result<u64> {
        while streams.len() < count {
            let stream = exchange(address).map_err(|error| {
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

/// Opens a connection on which one message is exchanged.
fn exchange(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
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

/// Serves until standard input ends.
pub(crate) fn serve(side: Side) -> Result<()> {
    let address = match side {
        Side::Messages => {
            let server = server()?;
            let address = server.address().socket_addr().expect("it listens on TCP");
            thread::spawn(move || server.run(Echo));
            address
        }
        Side::Bare => {
            let server = bare::Server::bind()?;
            let address = server.echo.local_addr()?;
            thread::spawn(move || server.run());
            address
        }
    };
    println!("{address}");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
