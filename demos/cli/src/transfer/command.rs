//! Sends files over the network, each as one message.

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{self, ExitCode};

use super::{Limits, Progress, Receiver, Store, send};
use crate::address::Address;
use crate::connect::ServerOptions;
use crate::console::Console;
use crate::limits::{Seconds, at_least_one};
use crate::listener::Listener;
#[cfg(unix)]
use crate::listener::SocketFile;
use crate::signals;
use crate::tls::ServerTls;
use clap::{Args, Subcommand};

/// Send a file of any size, or receive files.
///
/// A file is one message of the protocol: the header has its name and its checksum, the content is streamed in constant
/// memory on both sides. On a terminal a bar shows how far it is, how fast, and the time left.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Send(Send),
    Receive(Receive),
}

/// Send a file to a receiver, and wait until it is stored there.
///
/// The file is read twice: first for its checksum, then to be sent. Should it change meanwhile, the receiver does not
/// get it whole, and does not keep it.
#[derive(Args)]
#[command(after_help = SEND_EXAMPLES)]
struct Send {
    /// The file
    file: PathBuf,

    #[command(flatten)]
    receiver: ServerOptions,

    /// How long to wait for a connection, and, when all is sent, for the whole answer
    ///
    /// While the file is sent, however long that takes, the receiver must in each such time take 128 bytes per second.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    timeout: Seconds,
}

/// Receive files to a directory, until stopped.
///
/// A file is written under a temporary name, `.transfer-….part`, and gets its own when it is whole, verified and on the
/// disk. The peer chooses the name, but only a plain one that leads nowhere else on any system, does not begin with a dot,
/// and has no characters in it that cannot be seen; a file that is there is not replaced. Ctrl-C removes what is unfinished.
///
/// A sender that is too slow is told so, and left. Files are received even when nobody reads the lines about them.
#[derive(Args)]
#[command(after_help = RECEIVE_EXAMPLES)]
struct Receive {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// Where to listen: HOST:PORT, port 0 for a free one, or unix:PATH
    #[arg(default_value_t)]
    address: Address,

    #[command(flatten)]
    tls: ServerTls,

    /// Receive one file from the first peer that connects, then end
    #[arg(long)]
    once: bool,

    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,

    /// Refuse files that come without a checksum; otherwise the line about them says so
    #[arg(long)]
    require_checksum: bool,

    /// The largest file accepted
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().size)]
    max_size: u64,

    /// How much is stored in all until the receiver ends, unfinished files included; each counts for 4096 bytes or more
    #[arg(long, value_name = "BYTES", default_value_t = MAX_TOTAL)]
    max_total: u64,

    /// How many connections are served at a time; others wait to be accepted
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().max_connections, value_parser = at_least_one)]
    max_connections: NonZeroUsize,

    /// How long a sender may take for TLS's handshake, to begin a file, and to take the answer
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().timeout.into())]
    timeout: Seconds,

    /// How long a header may take, from its first byte to its last
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().header_timeout.into())]
    header_timeout: Seconds,

    /// The least rate of content, in bytes per second
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().min_rate)]
    min_rate: u64,

    /// The time over which that rate is measured
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().rate_window.into())]
    rate_window: Seconds,
}

/// How much is stored in all by default: 64 GiB.
const MAX_TOTAL: u64 = 64 * 1024 * 1024 * 1024;

const EXAMPLES: &str = "\
Examples:
  jsonframe transfer receive downloads            receive to a directory, on 127.0.0.1:65432
  jsonframe transfer send photo.jpg               send a file there

Exit status:
  0  the file was sent or received; `receive` was stopped while no file was under way
  1  it was not
  2  the command line is wrong";

const SEND_EXAMPLES: &str = "\
Examples:
  jsonframe transfer send photo.jpg
  jsonframe transfer send photo.jpg 192.168.0.7:65432 --timeout 10
  jsonframe transfer send photo.jpg example.org:65432 --tls-ca ca.pem
  jsonframe transfer send photo.jpg unix:/run/files.sock

Exit status:
  0  the receiver has stored the file
  1  it has not, or has not said so
  2  the command line is wrong";

const RECEIVE_EXAMPLES: &str = "\
Examples:
  jsonframe transfer receive downloads
  jsonframe transfer receive downloads [::]:65432 listen on all addresses
  jsonframe transfer receive . 127.0.0.1:0 --once --require-checksum
  jsonframe transfer receive downloads [::]:65432 --tls-cert server.pem --tls-key server.key
  jsonframe transfer receive downloads unix:/run/files.sock

Exit status:
  0  it was stopped while no file was under way; with --once, the file was received
  1  it was stopped in the middle of a file; with --once, no file was received; it cannot listen or write
  2  the command line is wrong";

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let console = match arguments.command {
        // Lines between bars must be written when it is their turn.
        Command::Receive(_) if !io::stderr().is_terminal() => Console::for_server(),
        _ => Console::standard(),
    };
    let progress = Progress::standard(console.clone());
    let outcome = match arguments.command {
        Command::Send(Send { file, receiver, timeout }) => send(&file, &receiver, timeout.into(), &progress),
        Command::Receive(arguments) => receive(&arguments, &progress),
    };
    console.finish("jsonframe", outcome)
}

fn receive(arguments: &Receive, progress: &Progress) -> Result<(), String> {
    let Receive { directory, address, once, overwrite, .. } = arguments;
    let store = Store::open(directory, *overwrite, arguments.max_total)
        .map_err(|error| format!("cannot write to {}: {error}", directory.display()))?;
    let tls = arguments.tls.config_at(address)?;
    let limits = Limits {
        max_connections: arguments.max_connections,
        timeout: arguments.timeout.into(),
        header_timeout: arguments.header_timeout.into(),
        min_rate: arguments.min_rate,
        rate_window: arguments.rate_window.into(),
        size: arguments.max_size,
        require_checksum: arguments.require_checksum,
    };
    let in_words = |error| format!("cannot listen on {address}: {error}");
    let listener = Listener::bind(address).map_err(in_words)?;
    let name = listener.address().map_err(in_words)?;
    #[cfg(unix)]
    let file = listener.file();
    let remove = move || {
        #[cfg(unix)]
        file.iter().for_each(SocketFile::remove);
    };
    end_cleanly(store.clone(), progress.clone(), *once, remove.clone())?;
    progress.say(format_args!("listening on {name}"));
    let receiver = Receiver::new(listener, tls, limits, store.clone(), progress.clone());
    let outcome = if *once {
        receiver.run_once()
    } else {
        receiver.run();
        Ok(())
    };
    store.close();
    remove();
    outcome
}

/// Makes Ctrl-C, and what else asks a program to end, remove the unfinished files first.
fn end_cleanly(
    store: Store,
    progress: Progress,
    once: bool,
    remove: impl Fn() + std::marker::Send + 'static,
) -> Result<(), String> {
    let end = move || {
        let removed = store.close();
        remove();
        progress.clear();
        let outcome = match removed {
            1.. => Err(format!("stopped; unfinished files removed: {removed}")),
            0 if once => Err("stopped before a file was received".into()),
            0 => Ok(()),
        };
        let failed = outcome.is_err();
        progress.console().finish("jsonframe", outcome);
        process::exit(i32::from(failed));
    };
    signals::on_end(end).map_err(|error| format!("cannot prepare for Ctrl-C: {error}"))
}
