//! Listens for clients, shows what they send, and answers.

use std::ffi::OsString;
use std::io;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use clap::Args;

use super::answer::Answer;
use super::converse::Server;
use super::limits::LimitOptions;
use super::process::Runner;
use super::show::{Show, Whose};
use crate::address::Address;
use crate::connect::Stream;
use crate::console::Console;
use crate::dialect::DialectOptions;
use crate::exchange::json;
use crate::listener::Listener;
#[cfg(unix)]
use crate::listener::SocketFile;
use crate::signals;
use crate::slots::Slots;
use crate::threads::serve_each;
use crate::tls::ServerTls;

/// Listen for clients, show each message that comes, and answer it: with the same again, unless something else is said.
///
/// For trying a client: what is wrong with what it sends is said on standard error, with the likely cause, and its connection
/// closed. An answer to a request that has a `request-id` says so in `reply-to`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Where to listen: HOST:PORT, with port 0 for a free one, or unix:PATH
    #[arg(default_value_t)]
    address: Address,

    /// Answer each request with this JSON
    #[arg(long, value_name = "TEXT", value_parser = json, conflicts_with = "exec")]
    reply_json: Option<String>,

    /// Answer each request with what a program writes to its standard output, which is named after `--`
    ///
    /// A process is started for each request, never through a shell, with the content on its standard input, and in its
    /// environment `JSONFRAME_CONTENT_TYPE`, `JSONFRAME_CONTENT_ENCODING`, `JSONFRAME_CONTENT_LENGTH`, `JSONFRAME_BYTEORDER`,
    /// `JSONFRAME_EXTENSIONS` (a JSON object) and `JSONFRAME_PEER`, which are the client's words. The answer is of the type and the
    /// encoding of its request. What the program writes to its standard error is passed on, escaped. If it fails, takes too long
    /// or writes too much, the connection is closed without an answer. What it has started in its process group is killed when it ends.
    #[arg(long, requires = "program")]
    exec: bool,

    /// The program and its arguments, for --exec
    #[arg(last = true, value_name = "PROGRAM", requires = "exec")]
    program: Vec<OsString>,

    /// Show every byte that is received (<) and sent (>), as `jsonframe inspect` does
    #[arg(short = 'v', long, conflicts_with = "json")]
    verbose: bool,

    /// Write each message as one JSON object on a line, for programs
    ///
    /// It has the members of the header by the names of `jsonframe inspect --json`, and the content as `json`, `text` or `hex`;
    /// of more than 64 KiB, the beginning as `hex`.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    dialects: DialectOptions,

    #[command(flatten)]
    tls: ServerTls,

    #[command(flatten)]
    limits: LimitOptions,
}

const EXAMPLES: &str = r#"Examples:
  jsonframe listen                                         an echo on 127.0.0.1:65432
  jsonframe listen 127.0.0.1:0 -v                          every byte annotated, on a free port
  jsonframe listen --reply-json '{"result": "ok"}' --json | jq .json
  jsonframe listen --exec -- jq '{result: .value}'         one process a request
  jsonframe listen unix:/tmp/try.sock --dialect u32
  jsonframe listen [::]:65432 --tls-cert server.pem --tls-key server.key

Exit status:
  0  it was ended by Ctrl-C or SIGTERM
  1  the address cannot be listened on, or a certificate cannot be used
  2  the command line is wrong"#;

/// How long processes are waited for at the end, once they are killed.
const FAREWELL: Duration = Duration::from_secs(2);

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let console = Console::for_server();
    let outcome = listen(arguments, &console);
    console.finish("jsonframe", outcome)
}

fn listen(arguments: Arguments, console: &Console) -> Result<(), String> {
    let tls = arguments.tls.config_at(&arguments.address)?;
    let limits = arguments.limits;
    let connections = Slots::new(limits.max_connections.get());
    let processes = Slots::new(limits.max_processes.get());
    let mut program = arguments.program.into_iter();
    let answer = match (arguments.reply_json, program.next()) {
        (Some(text), _) => Answer::Json(text),
        (None, Some(name)) => Answer::Output(Runner {
            program: name,
            arguments: program.collect(),
            time: limits.exec_timeout.into(),
            max_output: limits.max_output,
            slots: processes.clone(),
            console: console.clone(),
        }),
        (None, None) => Answer::Echo,
    };
    let color = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let server = Arc::new(Server {
        answer,
        show: Show { console: console.clone(), json: arguments.json },
        limits,
        dialects: arguments.dialects.dialects(),
        names: arguments.dialects.names(),
        tls,
        annotated: arguments.verbose.then_some(color),
    });
    let listener = Listener::bind(&arguments.address);
    let listening = listener.and_then(|listener| Ok((listener.address()?, listener)));
    let (name, listener) = listening.map_err(|error| format!("cannot listen on {}: {error}", arguments.address))?;
    end_cleanly(&listener, processes, console)?;
    console.say(format_args!("listening on {name}"));
    serve_each(&listener, &connections, console, move |connection, accepted, peer| {
        if let Ok(stream) = Stream::accepted(accepted, None) {
            server.converse(stream, &Whose { connection, peer: &peer });
        }
    });
    Ok(())
}

/// Makes Ctrl-C, and what else asks a program to end, kill the processes and remove the socket's file first.
fn end_cleanly(listener: &Listener, processes: Slots, console: &Console) -> Result<(), String> {
    let console = console.clone();
    #[cfg(unix)]
    let file = listener.file();
    let end = move || {
        processes.close(FAREWELL);
        #[cfg(unix)]
        file.iter().for_each(SocketFile::remove);
        console.finish("jsonframe", Ok(()));
        process::exit(0);
    };
    signals::on_end(end).map_err(|error| format!("cannot prepare for Ctrl-C: {error}"))
}
