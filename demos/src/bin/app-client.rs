//! The client of the sockets tutorial: sends requests and prints the answers.

use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use jsonframe_demos::application::{Draft, request};
use jsonframe_demos::client::{connect_patiently, exchange, pipeline};
use jsonframe_demos::console::Console;
use jsonframe_demos::dialect::DialectOptions;
use jsonframe_demos::limits::Seconds;

/// Send requests to app-server over one connection, and show them and the answers.
///
/// The action `search` is sent as JSON, {"action": "search", "value": VALUE}. Any other is sent as binary content: ACTION,
/// then VALUE.
///
/// Two words are ACTION and VALUE, and the server is at 127.0.0.1 65432. Of four words or more the first two are HOST and
/// PORT, and each further pair is a request. Where requests are given with --request, the words can only be HOST and PORT.
#[derive(Parser)]
#[command(name = "app-client", version, override_usage = USAGE, after_help = EXAMPLES)]
struct Arguments {
    #[arg(hide = true)]
    words: Vec<String>,

    /// A request; any number of times
    #[arg(short, long = "request", value_names = ["ACTION", "VALUE"], num_args = 2, allow_hyphen_values = true)]
    requests: Vec<String>,

    /// Send all requests before the first answer is shown
    #[arg(short, long)]
    pipeline: bool,

    /// How long to wait for a connection, and then for each answer, all of it; with --pipeline, for all answers together
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    timeout: Seconds,

    /// For how long to try again when there is no connection, more and more seldom [default: not at all]
    #[arg(long, value_name = "SECONDS")]
    retry: Option<Seconds>,

    #[command(flatten)]
    dialects: DialectOptions,
}

const USAGE: &str = "\
app-client [OPTIONS] ACTION VALUE
       app-client [OPTIONS] HOST PORT ACTION VALUE [ACTION VALUE]...
       app-client [OPTIONS] [HOST PORT] --request ACTION VALUE [--request ACTION VALUE]...";

const EXAMPLES: &str = "\
Examples:
  app-client search morpheus
  app-client 127.0.0.1 65432 search needle
  app-client 127.0.0.1 65432 search ring search morpheus
  app-client --pipeline -r search ring -r dance 'first ten bytes of this'
  app-client search -- -5
  app-client --retry 30 search ring      wait for a server that is yet to be started
  app-client --dialect u32,no-byteorder search ring

Exit status:
  0  every request was answered
  1  one was not, or with an error
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { words, requests, pipeline: is_pipelined, timeout, retry, dialects } = Arguments::parse();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let listed: Vec<&str> = requests.iter().map(String::as_str).collect();
    let (host, port, requests) = match (words.as_slice(), listed.as_slice()) {
        ([], listed @ [_, ..]) => ("127.0.0.1", 65432, listed),
        ([host, port], listed @ [_, ..]) => (*host, port_number(port), listed),
        (request @ [_, _], []) => ("127.0.0.1", 65432, request),
        ([host, port, requests @ ..], []) if requests.len() % 2 == 0 => (*host, port_number(port), requests),
        (_, []) => usage_error(ErrorKind::WrongNumberOfValues, "expected ACTION VALUE, or HOST PORT and such pairs"),
        _ => usage_error(ErrorKind::WrongNumberOfValues, "with --request, there can only be HOST PORT besides"),
    };
    let timeout = timeout.into();
    let console = Console::standard();
    let outcome = drafts(requests).and_then(|requests| {
        let patience = retry.map_or(Duration::ZERO, Duration::from);
        let (stream, server) = connect_patiently((host, port), timeout, patience, &console)?;
        let dialects = dialects.dialects();
        if is_pipelined {
            pipeline(stream, dialects, server, &requests, timeout, &console)
        } else {
            exchange(stream, dialects, server, &requests, timeout, &console)
        }
    });
    console.finish("app-client", outcome)
}

fn drafts(words: &[&str]) -> Result<Vec<Draft>, String> {
    let (pairs, _) = words.as_chunks();
    pairs.iter().map(|[action, value]| request(action, value).map_err(|error| error.to_string())).collect()
}

fn port_number(text: &str) -> u16 {
    text.parse().unwrap_or_else(|_| {
        usage_error(ErrorKind::ValueValidation, &format!("the PORT {text:?} is not a number from 0 to 65535"))
    })
}

fn usage_error(kind: ErrorKind, message: &str) -> ! {
    Arguments::command().error(kind, message).exit()
}
