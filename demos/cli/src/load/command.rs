//! A load generator for servers of any kind.

use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::request::{Request, SMALLEST, search};
use super::{Plan, Report, measure, page, reach};
use crate::connect::ServerOptions;
use crate::console::Console;
use crate::dialect::DialectOptions;
use crate::exchange::{self, Data, HeaderOptions, json};
use crate::limits::{ReportForm, Seconds, at_least_one};
use crate::signals;
use clap::Args;
use jsonframe::Dialect;

/// Send requests to a server on many connections, and show how many are answered and how long that takes.
///
/// Requests are searches of the tutorial's application, whose answers count as errors if they are; with --json or --data they are
/// whatever is given, and each whole message that comes is an answer, whatever it says.
///
/// Without --rate each connection sends the next request when there is an answer. With --rate requests are due at that rate
/// whatever the server does, and the time to the answer counts from when a request was due: to be late with sending, for
/// the server is late with answering, does not make the figures better.
///
/// Ctrl-C ends it early, with the figures of what was measured until then.
///
/// Everything happens in one thread. With --rate it does not sleep for less than a millisecond, but waits on the processor.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerOptions,

    /// How many connections send requests
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = at_least_one)]
    connections: NonZeroUsize,

    /// How many requests are sent each second, on all connections together
    #[arg(short, long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,

    /// How many requests may be under way on a connection
    #[arg(short, long, value_name = "DEPTH", default_value = "1", value_parser = at_least_one)]
    pipeline: NonZeroUsize,

    /// The length of each search's content; the answers are about as long [default: 39]
    #[arg(long, value_name = "BYTES", value_parser = content_size, conflicts_with_all = ["json", "data"])]
    content_size: Option<usize>,

    /// Send this JSON instead of searches
    #[arg(long, value_name = "TEXT", conflicts_with = "data", value_parser = json)]
    json: Option<String>,

    /// Send this text, the content of a file, or with `-` standard input, instead of searches
    #[arg(long, value_name = "TEXT|@FILE|-", value_parser = Data::parse, allow_hyphen_values = true)]
    data: Option<Data>,

    #[command(flatten)]
    header: HeaderOptions,

    /// For how long requests are sent
    #[arg(short, long, value_name = "SECONDS", default_value = "10")]
    duration: Seconds,

    /// How many more connections are there that only stay open
    #[arg(long, value_name = "N", default_value_t = 0)]
    idle: usize,

    /// Replace each connection by a new one after N requests
    #[arg(long, value_name = "N", value_parser = number_of_requests)]
    per_connection: Option<NonZeroU64>,

    /// Measure an echo of the same bytes too, in turns of a second, and compare
    #[arg(long)]
    raw: bool,

    /// How to print the figures: as lines for a person, or as a JSON object
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ReportForm::Text)]
    report: ReportForm,

    /// Write a page with the figures, and pictures of the latency and of the answers over time
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// How long to wait for connections, and for the last answers
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    timeout: Seconds,

    #[command(flatten)]
    dialects: DialectOptions,
}

const EXAMPLES: &str = r#"Examples:
  jsonframe load --connections 100 --duration 5
  jsonframe load 127.0.0.1:65432 --connections 100 --rate 5000
  jsonframe load --pipeline 16 --raw              compare with an echo of the same bytes
  jsonframe load --per-connection 1 --raw         a new connection for each request
  jsonframe load --idle 1000 --report json        besides 1000 connections that do nothing
  jsonframe load --json '{"action": "ping"}' --html load.html
  jsonframe load unix:/run/app.sock --data @picture.png --type image/png
  jsonframe load example.org:65432 --tls-ca ca.pem --connections 10
  jsonframe load --json '{}' -H session=7 --dialect u32,no-byteorder

app-server should run with --quiet, or it measures the terminal.

Exit status:
  0    there were answers
  1    nothing was answered, or the server could not be reached
  2    the command line is wrong
  130  it was interrupted, whatever was answered until then"#;

/// How a program ends that was interrupted.
const INTERRUPTED: u8 = 130;

/// Does what the command line says.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let console = Console::standard();
    let stop = Arc::new(AtomicBool::new(false));
    let report = load(arguments, &stop);
    let is_stopped = stop.load(Ordering::Relaxed);
    let outcome = match report {
        Ok(report) => show(&report, arguments, &console),
        // Without an answer there are no figures.
        Err(_) if is_stopped => Ok(()),
        Err(reason) => Err(reason),
    };
    let code = console.finish("jsonframe", outcome);
    if is_stopped { INTERRUPTED.into() } else { code }
}

fn load(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<Report, String> {
    let plan = Plan {
        connections: arguments.connections,
        rate: arguments.rate,
        pipeline: arguments.pipeline,
        per_connection: arguments.per_connection,
        duration: arguments.duration.into(),
        idle: arguments.idle,
        timeout: arguments.timeout.into(),
        raw: arguments.raw,
        dialects: arguments.dialects.dialects(),
    };
    let extensions = arguments.header.extensions();
    let (mut asked, is_search) = asked(arguments, plan.dialects.sent)?;
    let request = Request::new(&mut asked, &extensions, plan.dialects.sent, is_search)?;
    let target = reach(&arguments.server, &plan)?;
    // Until now there was nothing to be shown.
    end_early(Arc::clone(stop))?;
    measure(target, &plan, &request, stop)
}

/// What is to be sent, and whether it is a search.
fn asked(arguments: &Arguments, dialect: &Dialect) -> Result<(exchange::Request, bool), String> {
    let Arguments { json, data, header, content_size, .. } = arguments;
    let (asked, is_search) = match (json, data) {
        (Some(text), _) => (exchange::Request::json(text, header, dialect), false),
        (None, Some(data)) => (exchange::Request::data(data, header), false),
        (None, None) if header.content_type.is_some() || header.content_encoding.is_some() => {
            return Err("--type and --encoding are for --json and --data".into());
        }
        (None, None) => (exchange::Request::json(&search(content_size.unwrap_or(39))?, header, dialect), true),
    };
    Ok((asked?, is_search))
}

fn show(report: &Report, arguments: &Arguments, console: &Console) -> Result<(), String> {
    let text = match arguments.report {
        ReportForm::Json => serde_json::to_string_pretty(report).map_err(|error| error.to_string())?,
        ReportForm::Text => report.to_string(),
    };
    console.say(text.trim_end());
    let Some(path) = &arguments.html else { return Ok(()) };
    let page = page::page(report, &arguments.server.address().to_string())?;
    fs::write(path, page).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Makes Ctrl-C, and what else asks a program to end, stop what is measured; a second time, the program.
fn end_early(stop: Arc<AtomicBool>) -> Result<(), String> {
    let end = move || {
        if stop.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
    };
    signals::on_end(end).map_err(|error| format!("cannot prepare for Ctrl-C: {error}"))
}

fn number_of_requests(text: &str) -> Result<NonZeroU64, String> {
    let number: u64 = text.parse().map_err(|_| "not a number of requests")?;
    NonZeroU64::new(number).ok_or_else(|| "must be at least 1".into())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number")?;
    if rate > 0.0 && rate <= 1e7 { Ok(rate) } else { Err("not more than 0 and at most ten millions".into()) }
}

fn content_size(text: &str) -> Result<usize, String> {
    const MOST: usize = 1 << 30;
    let size = text.parse().map_err(|_| "not a number of bytes")?;
    if (SMALLEST..=MOST).contains(&size) { Ok(size) } else { Err(format!("not from {SMALLEST} to {MOST}")) }
}
