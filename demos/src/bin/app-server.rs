//! The server of the sockets tutorial: looks values up in a small table.

use std::mem;
use std::num::NonZeroUsize;
use std::process::{self, ExitCode};
use std::time::Duration;

use clap::{ArgAction, Parser};
use jsonframe_demos::console::{Console, ErrorWriter};
use jsonframe_demos::dial::without_brackets;
use jsonframe_demos::dialect::DialectOptions;
use jsonframe_demos::limits::{LimitOptions, Seconds, workers};
use jsonframe_demos::server::Server;
use jsonframe_demos::signals;
use tracing::{Level, info};

/// Answer searches from a small table, and show every message received and sent.
///
/// A message that cannot be understood is answered with {"error": "…"}, and the connection closed. Nothing that a peer does
/// ends the server. Ctrl-C and SIGTERM do: requests under way are answered first. A second one ends it at once.
#[derive(Parser)]
#[command(name = "app-server", version, after_help = EXAMPLES)]
struct Arguments {
    /// Where to listen: an address, or a name, of whose addresses the first is taken that can be listened on
    #[arg(default_value = "127.0.0.1")]
    host: String,

    /// The port; 0 for a free one
    #[arg(default_value_t = 65432)]
    port: u16,

    /// How many threads serve; one is enough for thousands of connections
    #[arg(long, value_name = "N", default_value = "1", value_parser = workers)]
    workers: NonZeroUsize,

    /// How long requests under way may take when the server is to end
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    shutdown_timeout: Seconds,

    /// Close each connection after the answer to its first request, for clients that read until the end of the stream
    ///
    /// Without, the end comes when the client ends its side, or is idle for too long
    #[arg(long)]
    close_after_reply: bool,

    /// Print only where the server listens, and errors
    #[arg(short, long)]
    quiet: bool,

    /// Log what happens to stderr; twice for more
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    #[command(flatten)]
    dialects: DialectOptions,

    #[command(flatten)]
    limits: LimitOptions,
}

const EXAMPLES: &str = "\
Examples:
  app-server                             listen on 127.0.0.1:65432
  app-server 127.0.0.1 0                 listen on a free port; the first line says which
  app-server :: 65432 --idle-timeout 5   listen on all addresses, for peers that do not dawdle
  app-server --dialect u16-le            serve peers of this dialect, and no others
  app-server --quiet --max-connections 10000 --at-limit refuse

Exit status:
  0  it was ended by Ctrl-C or SIGTERM
  1  the address cannot be listened on
  2  the command line is wrong";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let console = Console::for_server();
    start_log(arguments.verbose, console.error_writer());
    let outcome = serve(arguments, console.clone());
    console.finish("app-server", outcome)
}

fn serve(arguments: Arguments, console: Console) -> Result<(), String> {
    let Arguments { host, port, workers, shutdown_timeout, close_after_reply, quiet, dialects, limits, .. } = arguments;
    let mut server = Server::bind((without_brackets(&host), port), limits.into(), console)
        .map_err(|error| format!("cannot listen on {host} port {port}: {error}"))?
        .with_dialects(dialects.dialects());
    if quiet {
        server = server.quiet();
    }
    if close_after_reply {
        server = server.closing_after_reply();
    }
    let handle = server.handle();
    let mut asked = false;
    signals::on_end(move || {
        if mem::replace(&mut asked, true) {
            process::exit(130);
        }
        info!("shutting down");
        handle.shutdown(Duration::from(shutdown_timeout));
    })
    .map_err(|error| format!("cannot wait for signals: {error}"))?;
    server.run(workers).map_err(|error| format!("cannot wait for events: {error}"))
}

fn start_log(verbosity: u8, writer: ErrorWriter) {
    let level = match verbosity {
        0 => return,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(move || writer.clone()).with_ansi(false).init();
}
