//! The server of the sockets tutorial under tokio: looks values up in a small table, as `app-server` does.

use std::mem;
use std::num::NonZeroUsize;
use std::process::{self, ExitCode};

use clap::Parser;
use jsonframe_demos::console::Console;
use jsonframe_demos::dial::without_brackets;
use jsonframe_demos::dialect::DialectOptions;
use jsonframe_demos::limits::{Seconds, workers};
use jsonframe_demos::signals;
use jsonframe_demos::tokio_server::{Limits, Server, Settings};
use tokio::runtime::{Builder, Runtime};

/// Answer searches from a small table, and show every message received and sent: app-server, under tokio.
///
/// A message that cannot be understood is answered with {"error": "…"}, and the connection closed. Nothing that a peer does
/// ends the server. Ctrl-C and SIGTERM do: requests under way are answered first. A second one ends it at once.
#[derive(Parser)]
#[command(name = "tokio-server", version, after_help = EXAMPLES)]
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

    #[command(flatten)]
    dialects: DialectOptions,

    #[command(flatten)]
    limits: Limits,
}

const EXAMPLES: &str = "\
Examples:
  tokio-server                             listen on 127.0.0.1:65432
  tokio-server 127.0.0.1 0                 listen on a free port; the first line says which
  tokio-server :: 65432 --idle-timeout 5   listen on all addresses, for peers that do not dawdle
  tokio-server --dialect u16-le            serve peers of this dialect, and no others
  tokio-server --quiet --workers 4 --max-connections 10000 --at-limit refuse

Exit status:
  0  it was ended by Ctrl-C or SIGTERM
  1  the address cannot be listened on
  2  the command line is wrong";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let console = Console::for_server();
    let outcome = runtime(arguments.workers).and_then(|runtime| runtime.block_on(serve(arguments, console.clone())));
    console.finish("tokio-server", outcome)
}

/// The connections are served by these threads alone; one thread is this one.
fn runtime(workers: NonZeroUsize) -> Result<Runtime, String> {
    let mut builder = match workers.get() {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(workers.get()).enable_io().enable_time().build();
    runtime.map_err(|error| format!("cannot wait for events: {error}"))
}

async fn serve(arguments: Arguments, console: Console) -> Result<(), String> {
    let Arguments { host, port, shutdown_timeout, close_after_reply, quiet, dialects, limits, .. } = arguments;
    let settings = Settings { limits, dialects: dialects.dialects(), closes_after_reply: close_after_reply, quiet };
    let server = Server::bind(without_brackets(&host), port, settings, console).await;
    let server = server.map_err(|error| format!("cannot listen on {host} port {port}: {error}"))?;
    let handle = server.handle();
    let mut asked = false;
    signals::on_end(move || {
        if mem::replace(&mut asked, true) {
            process::exit(130);
        }
        handle.shutdown(shutdown_timeout.into());
    })
    .map_err(|error| format!("cannot wait for signals: {error}"))?;
    server.run().await;
    Ok(())
}
