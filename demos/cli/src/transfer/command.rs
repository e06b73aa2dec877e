//! Sends files over the network, each as one message.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::{self, ExitCode};

use super::{Limits, Progress, Receiver, Store, send};
use crate::address::Address;
use crate::connect::ServerOptions;
use crate::console::Console;
use crate::limits::Seconds;
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

    #[command(flatten)]
    limits: Limits,
}

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
    let Receive { directory, address, once, overwrite, limits, .. } = arguments;
    let store = Store::open(directory, *overwrite, limits.max_total)
        .map_err(|error| format!("cannot write to {}: {error}", directory.display()))?;
    let tls = arguments.tls.config_at(address)?;
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
    let receiver = Receiver::new(listener, tls, *limits, store.clone(), progress.clone());
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
