//! The server of the sockets tutorial under tokio: looks values up in a small table, as `app-server` does.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Parser;
use jsonframe_cli::console::Console;
use jsonframe_demos::listen::Listening;
use jsonframe_demos::server::Options;
use jsonframe_std::tokio::Server;
use tokio::runtime::{Builder, Runtime};

/// Answer searches from a small table, and show every message received and sent: app-server, under tokio.
///
/// A message that cannot be understood is answered with {"error": "…"}, and the connection closed. Nothing that a peer does
/// ends the server. Ctrl-C and SIGTERM do: requests under way are answered first. A second one ends it at once.
#[derive(Parser)]
#[command(name = "tokio-server", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  tokio-server                             listen on 127.0.0.1:65432
  tokio-server 127.0.0.1 0                 listen on a free port; the first line says which
  tokio-server :: 65432 --idle-timeout 5   listen on all addresses, for peers that do not dawdle
  tokio-server --dialect u16-le            serve peers of this dialect, and no others
  tokio-server --unix /run/jsonframe.sock  listen on a Unix socket too
  tokio-server --proxy-protocol            serve the clients of a proxy on this machine
  tokio-server --metrics 127.0.0.1:9100    serve figures for Prometheus at http://127.0.0.1:9100/metrics
  tokio-server :: 65432 --tls-cert server.pem --tls-key server.key
  tokio-server :: 65432 --tls-cert server.pem --tls-key server.key --tls-client-ca clients.pem
  systemd-socket-activate -l 65432 tokio-server
  tokio-server --quiet --workers 4 --max-connections 10000 --at-limit refuse

Exit status:
  0  it was ended by Ctrl-C or SIGTERM
  1  an address cannot be listened on, or a certificate cannot be used
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { options } = Arguments::parse();
    // Before there are threads.
    let listening = options.listen.listen();
    let console = Console::for_server();
    let outcome =
        listening.and_then(|listening| runtime(options.workers)?.block_on(serve(&options, listening, &console)));
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

async fn serve(options: &Options, listening: Listening, console: &Console) -> Result<(), String> {
    let Listening { first, others, names } = listening;
    let application = options.application(console);
    let server = others.into_iter().fold(Server::new(first, options.limits()), Server::with_listener);
    let server = server.with_dialect(application.dialects.received).with_sending_dialect(application.dialects.sent);
    options.announce(&names, server.handle(), console)?;
    server.run(application).await.map_err(|error| format!("cannot wait for events: {error}"))
}
