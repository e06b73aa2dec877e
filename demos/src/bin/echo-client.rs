//! The echo client of the sockets tutorial: sends a text and prints what comes back.

use std::process::ExitCode;

use clap::Parser;
use jsonframe_cli::console::Console;
use jsonframe_cli::limits::Seconds;
use jsonframe_demos::echo::converse;

/// Send a text to echo-server, and print what comes back.
#[derive(Parser)]
#[command(name = "echo-client", version, after_help = EXAMPLES)]
struct Arguments {
    /// The server
    #[arg(default_value = "127.0.0.1")]
    host: String,

    /// Its port
    #[arg(default_value_t = 65432)]
    port: u16,

    /// What to send, as UTF-8
    #[arg(long, value_name = "TEXT", default_value = "Hello,world", allow_hyphen_values = true)]
    message: String,

    /// How long to wait for a connection, and then for all that is to come back
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    timeout: Seconds,
}

const EXAMPLES: &str = "\
Examples:
  echo-client
  echo-client 127.0.0.1 65432 --message 'Any text'

Exit status:
  0  the text came back as it was sent
  1  it did not
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { host, port, message, timeout } = Arguments::parse();
    let console = Console::standard();
    let outcome = converse((host.as_str(), port), message.as_bytes(), timeout.into(), &console);
    console.finish("echo-client", outcome)
}
