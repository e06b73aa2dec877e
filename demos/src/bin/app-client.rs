//! The client of the sockets tutorial: sends requests and prints the answers.

use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use jsonframe_cli::console::Console;
use jsonframe_cli::dial::without_brackets;
use jsonframe_cli::dialect::DialectOptions;
use jsonframe_cli::limits::Seconds;
use jsonframe_cli::tls::ClientTls;
use jsonframe_demos::application::{Draft, request};
#[cfg(unix)]
use jsonframe_demos::client::connect_to_path;
use jsonframe_demos::client::{connect_patiently, exchange, exchange_over_tls, pipeline};

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
    #[cfg(unix)]
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
    let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    let listed: Vec<&str> = arguments.requests.iter().map(String::as_str).collect();
    let local = ("127.0.0.1", 65432);
    let (server, requests) = match (arguments.path(), words.as_slice(), listed.as_slice()) {
        (_, [], listed @ [_, ..]) => (local, listed),
        (Some(_), requests @ [_, ..], []) if requests.len() % 2 == 0 => (local, requests),
        (Some(_), _, []) => usage_error(ErrorKind::WrongNumberOfValues, "with --unix, expected pairs of ACTION VALUE"),
        (Some(_), ..) => {
            usage_error(ErrorKind::WrongNumberOfValues, "with --unix and --request, there can be no words besides")
        }
        (None, [host, port], listed @ [_, ..]) => ((*host, port_number(port)), listed),
        (None, request @ [_, _], []) => (local, request),
        (None, [host, port, requests @ ..], []) if requests.len() % 2 == 0 => ((*host, port_number(port)), requests),
        (None, _, []) => {
            usage_error(ErrorKind::WrongNumberOfValues, "expected ACTION VALUE, or HOST PORT and such pairs")
        }
        (None, ..) => {
            usage_error(ErrorKind::WrongNumberOfValues, "with --request, there can only be HOST PORT besides")
        }
    };
    let console = Console::standard();
    let outcome = drafts(requests).and_then(|requests| arguments.talk(server, &requests, &console));
    console.finish("app-client", outcome)
}

impl Arguments {
    /// The path of the server's Unix socket, if it is to be reached there.
    #[cfg_attr(not(unix), expect(clippy::unused_self, reason = "there are no Unix sockets"))]
    fn path(&self) -> Option<&Path> {
        #[cfg(unix)]
        let path = self.unix.as_deref();
        #[cfg(not(unix))]
        let path = None;
        path
    }

    fn talk(&self, server: (&str, u16), requests: &[Draft], console: &Console) -> Result<(), String> {
        let (timeout, dialects) = (self.timeout.into(), self.dialects.dialects());
        let patience = self.retry.map_or(Duration::ZERO, Duration::from);
        #[cfg(unix)]
        if let Some(path) = self.path() {
            let stream = connect_to_path(path, timeout, patience, console)?;
            let path = path.display().to_string();
            return if self.pipeline {
                pipeline(stream, dialects, &path, requests, timeout, console)
            } else {
                exchange(stream, dialects, &path, requests, timeout, console)
            };
        }
        let config = self.tls.config()?.map(Arc::new);
        let (stream, address) = connect_patiently(server, timeout, patience, console)?;
        if let Some(config) = &config {
            let name = self.tls.name(without_brackets(server.0));
            exchange_over_tls(stream, (name, config), dialects, address, requests, timeout, console)
        } else if self.pipeline {
            pipeline(stream, dialects, address, requests, timeout, console)
        } else {
            exchange(stream, dialects, address, requests, timeout, console)
        }
    }
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
