//! The server of the sockets tutorial: looks values up in a small table.

use std::iter::repeat_n;
use std::process::ExitCode;

use clap::Parser;
use jsonframe_cli::console::Console;
use jsonframe_demos::listen::Listening;
use jsonframe_demos::server::Options;
use jsonframe_std::server::Server;

/// Answer searches from a small table, and show every message received and sent.
///
/// A message that cannot be understood is answered with {"error": "…"}, and the connection closed. Nothing that a peer does
/// ends the server. Ctrl-C and SIGTERM do: requests under way are answered first. A second one ends it at once.
#[derive(Parser)]
#[command(name = "app-server", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  app-server                             listen on 127.0.0.1:65432
  app-server 127.0.0.1 0                 listen on a free port; the first line says which
  app-server :: 65432 --idle-timeout 5   listen on all addresses, for peers that do not dawdle
  app-server --dialect u16-le            serve peers of this dialect, and no others
  app-server --unix /run/jsonframe.sock  listen on a Unix socket too
  app-server --proxy-protocol            serve the clients of a proxy on this machine
  app-server --metrics 127.0.0.1:9100    serve figures for Prometheus at http://127.0.0.1:9100/metrics
  app-server :: 65432 --tls-cert server.pem --tls-key server.key
  app-server :: 65432 --tls-cert server.pem --tls-key server.key --tls-client-ca clients.pem
  systemd-socket-activate -l 65432 app-server
  app-server --quiet --max-connections 10000 --at-limit refuse

Exit status:
  0  it was ended by Ctrl-C or SIGTERM
  1  an address cannot be listened on, or a certificate cannot be used
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { options } = Arguments::parse();
    // Before there are threads.
    let listening = options.listen.listen();
    let console = Console::for_server();
    let outcome = listening.and_then(|listening| serve(&options, listening, &console));
    console.finish("app-server", outcome)
}

fn serve(options: &Options, listening: Listening, console: &Console) -> Result<(), String> {
    let Listening { first, others, names } = listening;
    let application = options.application(console);
    let server = others.into_iter().fold(Server::new(first, options.limits()), Server::with_listener);
    let server = server.with_dialect(application.dialects.received).with_sending_dialect(application.dialects.sent);
    options.announce(&names, server.handle(), console)?;
    let outcome = match options.workers.get() {
        // One thread is this one.
        1 => server.run(&application),
        several => server.run_workers(repeat_n(&application, several)),
    };
    outcome.map_err(|error| format!("cannot wait for events: {error}"))
}
