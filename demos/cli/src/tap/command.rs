//! Shows what two programs say to each other.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::Arc;

use clap::Args;

use super::capture::Folder;
use super::connection::Tap;
use super::journal::Clock;
use super::totals::Totals;
use crate::address::Address;
use crate::console::Console;
use crate::dialect::{DialectName, DialectOption};
use crate::dialer::Dialer;
use crate::inspect;
use crate::limits::{Seconds, at_least_one};
use crate::listener::Listener;
use crate::signals;
use crate::slots::Slots;
use crate::threads::serve_each;
use crate::tls::BothTls;

/// Stand between two programs, and show every message of both directions as it passes.
///
/// The client connects to the tap instead of the server. Bytes pass unchanged and at once, also those that are not understood; an
/// end of one direction passes as such, a reset as a reset. What is wrong with a direction is said once, and its bytes pass on.
///
/// When nothing more comes of a message for two seconds, that is said with what may be the cause. When nothing moves for three
/// seconds and the client has sent more messages than the server, that is said once, and again at the end; whether each is to
/// have an answer, the tap cannot know.
///
/// Nobody waits for the tap: when its output is not read, lines are left out, and when messages come faster than they can be
/// looked at, some of them pass unseen. Both are said. Of contents over 64 KiB only the beginning is looked at.
///
/// With --tls-cert the client speaks TLS with the tap, and with --tls-ca the tap with the server: one does not need the other.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Where to listen for the client: HOST:PORT, port 0 for a free one, or unix:PATH
    #[arg(long, value_name = "ADDRESS")]
    listen: Address,

    /// The server: HOST:PORT, or unix:PATH
    #[arg(long, value_name = "ADDRESS")]
    to: Address,

    #[command(flatten)]
    tls: BothTls,

    #[command(flatten)]
    dialect: DialectOption,

    /// The dialect in which the server sends, if it is not the client's
    #[arg(long, value_name = "DIALECT")]
    server_dialect: Option<DialectName>,

    /// Write one JSON object a line, for programs
    ///
    /// The lines about messages are those of `jsonframe inspect --json`, with `time`, `connection` and `direction` added. Others
    /// have the `event` `listening`, `open`, `waiting`, `unanswered`, `unseen`, `hint`, `close`,
    /// `reset`, `failure`, `left_out` or `summary`.
    #[arg(long)]
    json: bool,

    /// Keep what passes in files of this folder: DATE-TIME-CONNECTION-to-server.bin, and to-client.bin
    ///
    /// `jsonframe inspect` reads them. The folder is made if it is not there, and no file is written over.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,

    /// How many connections there are at a time; others wait to be accepted
    #[arg(long, value_name = "N", default_value = "64", value_parser = at_least_one)]
    max_connections: NonZeroUsize,

    /// How long to wait for a connection to the server
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    timeout: Seconds,
}

const EXAMPLES: &str = "\
Examples:
  jsonframe tap --listen 127.0.0.1:65433 --to 127.0.0.1:65432
  jsonframe tap --listen 127.0.0.1:65433 --to 127.0.0.1:65432 --write captures
  jsonframe tap --listen 127.0.0.1:65433 --to example.org:65432 --tls-ca ca.pem
  jsonframe tap --listen 127.0.0.1:65433 --tls-cert server.pem --tls-key server.key --to example.org:65432 --tls-ca ca.pem
  jsonframe tap --listen unix:/tmp/tap.sock --to unix:/run/app.sock
  jsonframe tap --listen 127.0.0.1:0 --to 127.0.0.1:65432 --json | jq 'select(.event == \"error\")'

Exit status:
  0  it was ended by Ctrl-C or SIGTERM
  1  it cannot listen, or a certificate or the folder cannot be used
  2  the command line is wrong";

/// Does what the command line says.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let console = if arguments.json { Console::for_json_server() } else { Console::for_server() };
    match start(arguments, &console) {
        Ok((listener, tap)) => {
            let slots = Slots::new(arguments.max_connections.get());
            serve_each(&listener, &slots, &console, move |number, accepted, peer| {
                tap.converse(number, accepted, &peer);
            });
            console.finish("jsonframe", Ok(()))
        }
        Err(reason) => console.finish("jsonframe", Err(reason)),
    }
}

fn start(arguments: &Arguments, console: &Console) -> Result<(Listener, Arc<Tap>), String> {
    let client = inspect::Options { dialect: arguments.dialect.name(), json: arguments.json, ..Default::default() };
    let server = arguments.server_dialect.unwrap_or(client.dialect);
    let folder = arguments
        .write
        .as_ref()
        .map(|path| Folder::open(path).map_err(|error| format!("cannot write to {}: {error}", path.display())));
    let tap = Arc::new(Tap {
        tls: arguments.tls.server.config_at(&arguments.listen)?,
        server: Dialer::new(&arguments.to, &arguments.tls.client())?,
        forms: [client.clone(), inspect::Options { dialect: server, ..client }],
        folder: folder.transpose()?,
        console: console.clone(),
        timeout: arguments.timeout.into(),
        clock: Clock::default(),
        totals: Arc::<Totals>::default(),
    });
    let in_words = |error| format!("cannot listen on {}: {error}", arguments.listen);
    let listener = Listener::bind(&arguments.listen).map_err(in_words)?;
    let name = listener.address().map_err(in_words)?;
    end_cleanly(&listener, &tap)?;
    if arguments.json {
        console.say(serde_json::json!({"event": "listening", "address": name.to_string()}));
    } else {
        console.say(format_args!("listening on {name}"));
    }
    Ok((listener, tap))
}

/// Makes Ctrl-C, and what else asks a program to end, say what has passed.
fn end_cleanly(listener: &Listener, tap: &Arc<Tap>) -> Result<(), String> {
    #[cfg(unix)]
    let file = listener.file();
    #[cfg(not(unix))]
    let _ = listener;
    let tap = Arc::clone(tap);
    let end = move || {
        #[cfg(unix)]
        file.iter().for_each(crate::listener::SocketFile::remove);
        if tap.forms[0].json {
            tap.console.say(tap.totals.in_json());
        } else {
            tap.console.say(tap.totals.in_words());
        }
        tap.console.finish("jsonframe", Ok(()));
        process::exit(0);
    };
    signals::on_end(end).map_err(|error| format!("cannot prepare for Ctrl-C: {error}"))
}
