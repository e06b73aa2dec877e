//! The client of the sockets tutorial: sends requests and prints the answers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use jsonframe_cli::address::Address;
use jsonframe_cli::console::Console;
use jsonframe_cli::dial::without_brackets;
use jsonframe_cli::dialect::DialectOptions;
use jsonframe_cli::limits::Seconds;
use jsonframe_cli::tls::ClientTls;
use jsonframe_demos::application::request;
use jsonframe_demos::client::{Client, connect};

/// Send requests to app-server over one connection, and show them and the answers.
///
/// The action `search` is sent as JSON, {"action": "search", "value": VALUE}. Any other is sent as binary content: ACTION,
/// then VALUE.
///
/// Two words are ACTION and VALUE, and the server is at 127.0.0.1 65432. Of four words or more the first two are HOST and
/// PORT, and each further pair is a request. Where requests are given with --request, the words can only be HOST and PORT.
/// With --unix there is neither host nor port, and each pair is a request.
#[derive(Parser)]
#[command(name = "app-client", version, override_usage = USAGE, after_help = EXAMPLES)]
struct Arguments {
    #[arg(hide = true)]
    words: Vec<String>,

    /// A request; any number of times
    #[arg(short, long = "request", value_names = ["ACTION", "VALUE"], num_args = 2, allow_hyphen_values = true)]
    requests: Vec<String>,

    /// Connect to the server's Unix socket
    #[arg(long, value_name = "PATH", conflicts_with = "ca")]
    unix: Option<PathBuf>,

    /// Send all requests before the first answer is shown; not over TLS
    #[arg(short, long, conflicts_with = "ca")]
    pipeline: bool,

    /// How long to wait for a connection, and then for each answer, all of it; with --pipeline, for all answers together
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    timeout: Seconds,

    /// For how long to try again when there is no connection, more and more seldom [default: not at all]
    #[arg(long, value_name = "SECONDS")]
    retry: Option<Seconds>,

    #[command(flatten)]
    dialects: DialectOptions,

    #[command(flatten)]
    tls: ClientTls,
}

const USAGE: &str = "\
app-client [OPTIONS] ACTION VALUE
       app-client [OPTIONS] HOST PORT ACTION VALUE [ACTION VALUE]...
       app-client [OPTIONS] [HOST PORT] --request ACTION VALUE [--request ACTION VALUE]...
       app-client [OPTIONS] --unix PATH ACTION VALUE [ACTION VALUE]...";

const EXAMPLES: &str = "\
Examples:
  app-client search morpheus
  app-client 127.0.0.1 65432 search needle
  app-client 127.0.0.1 65432 search ring search morpheus
  app-client --pipeline -r search ring -r dance 'first ten bytes of this'
  app-client search -- -5
  app-client --retry 30 search ring      wait for a server that is yet to be started
  app-client --dialect u32,no-byteorder search ring
  app-client --unix /run/jsonframe.sock search ring
  app-client --tls-ca ca.pem example.org 65432 search ring
  app-client --tls-ca ca.pem --tls-name example.org search ring
  app-client --tls-ca ca.pem --tls-cert client.pem --tls-key client.key search ring

Exit status:
  0  every request was answered
  1  one was not, or with an error
  2  the command line is wrong";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (server, requests) = arguments.server_and_requests();
    let console = Console::standard();
    let outcome = arguments.talk(&server, requests, &console);
    console.finish("app-client", outcome)
}

impl Arguments {
    fn server_and_requests(&self) -> (Address, &[[String; 2]]) {
        let Self { words, requests: listed, unix, .. } = self;
        let (server, requests, expected) = match (unix, listed.is_empty()) {
            (None, true) => {
                let (server, requests) = words.split_at(if words.len() < 4 { 0 } else { 2 });
                (server, requests, "expected ACTION VALUE, or HOST PORT and such pairs")
            }
            (None, false) => (&words[..], &listed[..], "with --request, there can only be HOST PORT besides"),
            (Some(_), true) => (&[][..], &words[..], "with --unix, expected pairs of ACTION VALUE"),
            (Some(_), false) => (&words[..], &listed[..], "with --unix and --request, there can be no words besides"),
        };
        let (requests, odd) = requests.as_chunks();
        let server = match (unix, server) {
            _ if requests.is_empty() || !odd.is_empty() => None,
            (Some(path), []) => Some(Address::Unix(path.clone())),
            (None, []) => Some(Address::default()),
            (None, [host, port]) => Some(Address::Tcp(without_brackets(host).into(), port_number(port))),
            _ => None,
        };
        match server {
            Some(server) => (server, requests),
            None => usage_error(ErrorKind::WrongNumberOfValues, expected),
        }
    }

    fn talk(&self, server: &Address, requests: &[[String; 2]], console: &Console) -> Result<(), String> {
        let requests: Result<Vec<_>, _> = requests.iter().map(|[action, value]| request(action, value)).collect();
        let requests = requests.map_err(|error| error.to_string())?;
        let timeout = self.timeout.into();
        let config = self.tls.config()?.map(Arc::new);
        let patience = self.retry.map_or(Duration::ZERO, Duration::from);
        let (stream, address) = connect(server, timeout, patience, console)?;
        let client = Client { server: &address, dialects: self.dialects.dialects(), timeout, console };
        match (server, config) {
            (Address::Tcp(host, _), Some(config)) => {
                client.exchange_over_tls(stream, (self.tls.name(host), &config), &requests).map(drop)
            }
            _ if self.pipeline => client.pipeline(stream, &requests),
            _ => client.exchange(stream, &requests).map(drop),
        }
    }
}

fn port_number(text: &str) -> u16 {
    text.parse().unwrap_or_else(|_| {
        usage_error(ErrorKind::ValueValidation, &format!("the PORT {text:?} is not a number from 0 to 65535"))
    })
}

fn usage_error(kind: ErrorKind, message: &str) -> ! {
    Arguments::command().error(kind, message).exit()
}
