//! The client of the sockets tutorial: sends one request and prints the answer.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use jsonframe_demos::application::request;
use jsonframe_demos::client::{connect, exchange};
use jsonframe_demos::console::Console;

/// Send one request to app-server, and show it and the answer.
///
/// The action `search` is sent as JSON, {"action": "search", "value": VALUE}. Any other is sent as binary content: ACTION,
/// then VALUE. HOST and PORT are 127.0.0.1 65432 if left out.
#[derive(Parser)]
#[command(version, override_usage = "app-client [OPTIONS] [HOST PORT] ACTION VALUE", after_help = EXAMPLES)]
struct Arguments {
    #[arg(hide = true)]
    words: Vec<String>,

    /// How long to wait for a connection, and while nothing moves on it
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    timeout: NonZeroU32,
}

const EXAMPLES: &str = "\
Examples:
  app-client search morpheus
  app-client 127.0.0.1 65432 search needle
  app-client dance 'first ten bytes of this'
  app-client search -- -5

Exit status:
  0  the request was answered
  1  it was not, or with an error
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { words, timeout } = Arguments::parse();
    let (host, port, action, value) = match words.as_slice() {
        [action, value] => ("127.0.0.1", 65432, action, value),
        [host, port, action, value] => (host.as_str(), port_number(port), action, value),
        _ => usage_error(ErrorKind::WrongNumberOfValues, "ACTION and VALUE are needed, or HOST PORT ACTION VALUE"),
    };
    let timeout = Duration::from_secs(timeout.get().into());
    let console = Console::standard();
    let outcome = request(action, value).map_err(|error| error.to_string()).and_then(|request| {
        let (stream, server) = connect((host, port), timeout, &console)?;
        exchange(stream, server, &request, &console)
    });
    console.finish("app-client", outcome)
}

fn port_number(text: &str) -> u16 {
    text.parse().unwrap_or_else(|_| {
        usage_error(ErrorKind::ValueValidation, &format!("the PORT {text:?} is not a number from 0 to 65535"))
    })
}

fn usage_error(kind: ErrorKind, message: &str) -> ! {
    Arguments::command().error(kind, message).exit()
}
