//! Checks programs that speak the protocol.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::AutoStream;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::client::Clients;
use super::page::page;
use super::play::Patience;
use super::report::{Outcome, Report};
use super::rule::{Roles, Rule};
use super::sample::Sample;
use super::server::Server;
use super::{rules, table};
use crate::address::Address;
use crate::connect::ServerOptions;
use crate::limits::{ReportForm, Seconds, at_least_one};
use crate::listener::Listener;
#[cfg(unix)]
use crate::listener::SocketFile;
use crate::signals;
use crate::text::Printable;

/// Check whether a server, or a client, holds to the protocol: in any language, by what can be seen from outside.
///
/// Each rule of SPEC.md has a connection of its own. What is sent is made of one good message, which the program under test
/// must understand; after each rule a server must still answer it on a new connection. Whether an answer is one to a good
/// message is known by comparison with the answer to that.
///
/// A fault is refused by an error answer, by the end of the connection, or by both. Silence is no refusal, for nobody can
/// tell it from waiting for more.
///
/// Every run comes to an end. A server that does not answer the good message at the beginning is given up after one
/// --timeout, or three if it sends bytes that make no message. Otherwise silence costs a --timeout wherever a rule waits,
/// which is at most four times; whoever takes or sends single bytes makes a rule last for up to forty of them. Rules that wait
/// for --deadline take that long besides.
///
/// With --listen it is a server's part that is played, and what is judged is a client: whether it ends its connection,
/// hangs or asks again; and with a COMMAND, which is run for each rule, whether it succeeds.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerOptions,

    /// The content of a good message, in JSON: a request that the server answers, or with --listen an answer
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["request", "list"])]
    json: Option<String>,

    /// A file of the bytes of one good message, in place of --json
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    request: Option<PathBuf>,

    /// Play a server's part to clients that connect to this address, HOST:PORT or unix:PATH
    ///
    /// With --tls-cert and --tls-key it speaks TLS, with that certificate
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["address", "name"], group = "peer")]
    listen: Option<Address>,

    /// Run this client for each rule; {host}, {port} and {address} stand for where to connect to
    #[arg(last = true, requires = "listen", conflicts_with = "address", value_name = "COMMAND")]
    command: Vec<String>,

    /// After this time without a byte it is silence
    #[arg(long, value_name = "SECONDS", default_value = "2")]
    timeout: Seconds,

    /// How long the program may take to give a silent peer up; without it the rules on that are skipped
    ///
    /// With a COMMAND it is also how long that may run, by default five times --timeout
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<Seconds>,

    /// How many rules are played at a time, over a connection each
    ///
    /// With more than one, a server that no longer answers is found so, but not always at the rule that has done it
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one, conflicts_with = "listen")]
    jobs: NonZeroUsize,

    /// Play this rule only; may be given more than once
    #[arg(long, value_name = "RULE", value_parser = rule_name)]
    only: Vec<String>,

    /// Show the rules, and play none
    #[arg(long)]
    list: bool,

    /// How to print the outcome: as a table for a person, or as a JSON object
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ReportForm::Text)]
    report: ReportForm,

    /// Write the outcome to a page, of one file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

const EXAMPLES: &str = r#"Examples:
  jsonframe check 127.0.0.1:65432 --json '{"action": "search", "value": "needle"}'
  jsonframe check 127.0.0.1:65432 --request request.bin --html report.html
  jsonframe check 127.0.0.1:65432 --json '{"action": "search", "value": "x"}' --deadline 30 --jobs 8
  jsonframe check --list
  jsonframe check --listen 127.0.0.1:65432 --json '{"result": "found"}' -- python3 client.py {host} {port}
  jsonframe check --listen 127.0.0.1:65432 --json '{"result": "found"}'     and start the client again and again
  jsonframe check --listen 127.0.0.1:65432 --json '{"result": "found"}' --tls-cert server.pem --tls-key server.key

Exit status:
  0    all MUSTs hold
  1    one does not, or the server cannot be reached, or the command cannot be run, or a certificate cannot be used
  2    the command line is wrong
  130  it was interrupted; what was found until then is shown"#;

/// How a program ends that was interrupted.
const INTERRUPTED: u8 = 130;

/// Does what the command line says.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let stop = Arc::new(AtomicBool::new(false));
    let outcome = if arguments.list { list(arguments) } else { check(arguments, &stop) };
    match outcome {
        Ok(_) if stop.load(Ordering::Relaxed) => INTERRUPTED.into(),
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            // Nowhere is left to report that this fails.
            let _ = writeln!(io::stderr(), "jsonframe: {}", Printable(&reason));
            ExitCode::FAILURE
        }
    }
}

/// The rules that are to be played.
fn chosen(arguments: &Arguments) -> Vec<(&'static str, &'static Rule)> {
    let other = if arguments.listen.is_some() { Roles::Servers } else { Roles::Clients };
    let rules = rules::all().filter(|(_, rule)| rule.roles != other);
    rules.filter(|(_, rule)| arguments.only.is_empty() || arguments.only.iter().any(|name| name == rule.name)).collect()
}

fn list(arguments: &Arguments) -> Result<bool, String> {
    let mut output = BufWriter::new(io::stdout().lock());
    let mut lines = chosen(arguments).into_iter().map(|(family, rule)| {
        let Rule { name, section, level, sends, .. } = rule;
        writeln!(output, "{name:30} {family:8} {:6} {section:5} {sends}", level.name())
    });
    let outcome = lines.try_for_each(|line| line);
    drop(lines);
    written(outcome.and_then(|()| output.flush())).map(|()| true)
}

fn check(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<bool, String> {
    let sample = match (&arguments.json, &arguments.request) {
        (Some(text), _) => Sample::json(text),
        (None, Some(path)) => Sample::read(path),
        (None, None) => Err("--json or --request is needed".into()),
    }?;
    let timeout = arguments.timeout.into();
    let patience = Patience { timeout, deadline: arguments.deadline.map_or(5 * timeout, Into::into) };
    let has_deadline = arguments.deadline.is_some();
    let rules = chosen(arguments);
    let bar = bar(rules.len());
    end_early(stop)?;
    let (target, outcomes) = match &arguments.listen {
        None => {
            let connect = || arguments.server.connect(timeout);
            let server = Server { connect: &connect, sample: &sample, patience, has_deadline };
            let outcomes = server.check(&rules, arguments.jobs.get(), stop, &|outcome| tell(&bar, outcome))?;
            (format!("server at {}", arguments.server.address()), outcomes)
        }
        Some(address) => {
            let tls = arguments.server.tls_of_server(address)?;
            let failed = |error: io::Error| format!("cannot listen on {address}: {error}");
            let listener = Listener::bind(address).map_err(failed)?;
            listener.do_not_wait().map_err(failed)?;
            let address = listener.address().map_err(failed)?;
            #[cfg(unix)]
            let file = listener.file();
            // Whoever starts the client waits for this line.
            let _ = writeln!(io::stderr(), "listening on {address}");
            let command = &arguments.command;
            let clients = Clients { listener, tls, sample: &sample, patience, has_deadline, command };
            let outcomes = clients.check(&rules, stop, &|outcome| {
                if arguments.command.is_empty() && bar.is_hidden() {
                    let _ = writeln!(io::stderr(), "{}", table::progress(outcome));
                }
                tell(&bar, outcome);
            });
            #[cfg(unix)]
            file.iter().for_each(SocketFile::remove);
            let client = arguments
                .command
                .first()
                .map_or_else(|| format!("client of {address}"), |name| format!("client {name}"));
            (client, outcomes?)
        }
    };
    bar.finish_and_clear();
    let report = Report::new(target, timeout, outcomes);
    if let Some(path) = &arguments.html {
        fs::write(path, page(&report)).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    written(show(&report, arguments.report))?;
    Ok(report.summary.fail == 0)
}

fn show(report: &Report, form: ReportForm) -> io::Result<()> {
    if form == ReportForm::Json {
        let mut output = io::stdout().lock();
        serde_json::to_writer_pretty(&mut output, report)?;
        return writeln!(output);
    }
    let mut text = Vec::new();
    table::write(report, &mut text)?;
    let mut output = AutoStream::auto(io::stdout()).lock();
    output.write_all(&text)?;
    output.flush()
}

/// Whether the output could be written; whoever has left before its end has seen enough.
fn written(outcome: io::Result<()>) -> Result<(), String> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write the output: {error}")),
        _ => Ok(()),
    }
}

/// Shows on a terminal how far it is.
fn bar(rules: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{pos}/{len} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(rules as u64).with_style(style)
}

fn tell(bar: &ProgressBar, outcome: &Outcome) {
    bar.inc(1);
    bar.set_message(table::progress(outcome));
}

/// Makes Ctrl-C, and what else asks a program to end, skip the remaining rules; a second time, end the program.
fn end_early(stop: &Arc<AtomicBool>) -> Result<(), String> {
    let stop = Arc::clone(stop);
    let end = move || {
        if stop.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
    };
    signals::on_end(end).map_err(|error| format!("cannot prepare for Ctrl-C: {error}"))
}

fn rule_name(text: &str) -> Result<String, String> {
    if rules::all().any(|(_, rule)| rule.name == text) {
        return Ok(text.into());
    }
    Err("there is no such rule; --list shows all".into())
}
