//! Sends requests to a server and shows its answers.

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, Command};

use super::conversation::{Annotations, Conversation};
use super::output::{Failure, Output};
use crate::connect::ServerOptions;
use crate::console::{Console, READER_GONE};
use crate::dialect::{DialectName, DialectOptions};
use crate::exchange::{Annotation, Data, HeaderOptions, Meter, Request, json};
use crate::limits::{Seconds, at_least_one};

/// Send requests to a server, and write its answers to standard output.
///
/// Content is written as it is. On a terminal, JSON is made pretty, what would act on the terminal is escaped, and what is not
/// text is refused. Content of any length is streamed, in both directions, in constant memory.
///
/// After the last answer, the sending direction is ended. What the server sends then, until it ends its own or for a tenth of a
/// second, belongs to no answer and is said on standard error. It does not change the exit status.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
#[command(after_help = EXAMPLES, group = ArgGroup::new("content").required(true).multiple(false))]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerOptions,

    /// Send this JSON, as it is written; several times for several requests
    #[arg(long, value_name = "TEXT", group = "content", value_parser = json)]
    json: Vec<String>,

    /// Send this text, the content of a file, or with `-` standard input; several times for several requests
    ///
    /// A header says how long the content is, so that standard input, and a file without a length such as a pipe, is copied to
    /// a temporary file first.
    #[arg(long, value_name = "TEXT|@FILE|-", group = "content", value_parser = Data::parse, allow_hyphen_values = true)]
    data: Vec<Data>,

    #[command(flatten)]
    header: HeaderOptions,

    /// Send the requests this many times, over the same connection
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one)]
    repeat: NonZeroUsize,

    /// Send each request without waiting for the answer to the one before
    #[arg(long)]
    pipeline: bool,

    /// How long to wait for a connection, and for an answer after its request has been sent
    ///
    /// Content may take longer, if only some of it moves in each such time.
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    timeout: Seconds,

    /// Write the header of each answer too, a member a line, before its content
    #[arg(short = 'i', long)]
    include: bool,

    /// Write each answer as one JSON object on a line, for scripts
    ///
    /// It has the members of the header by the names of `jsonframe inspect --json`, and the content as `json`, `text` or `hex`.
    /// Content of more than 64 MiB is refused.
    #[arg(long, conflicts_with = "include")]
    json_lines: bool,

    /// Write the answers to this file; with `-`, to standard output even if it is a terminal
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Show every byte that is sent (>) and received (<) on standard error, as `jsonframe inspect` does
    #[arg(short = 'v', long)]
    verbose: bool,

    #[command(flatten)]
    dialects: DialectOptions,
}

const EXAMPLES: &str = r#"Examples:
  jsonframe call --json '{"action": "search", "value": "morpheus"}'
  jsonframe call 127.0.0.1:65432 --json '{"action": "search", "value": "ring"}' -i
  jsonframe call 127.0.0.1:65432 --json '{}' -v                   what goes over the wire, byte for byte
  jsonframe call 127.0.0.1:65432 --data @photo.jpg --type image/jpeg -H name=photo.jpg -o answer
  tar c src | jsonframe call 127.0.0.1:65432 --data -
  jsonframe call 127.0.0.1:65432 --json 1 --json 2 --pipeline --json-lines | jq .json
  jsonframe call unix:/run/jsonframe.sock --json '{}' --dialect u32,no-byteorder
  jsonframe call example.org:65432 --tls-ca ca.pem --json '{}'

Exit status:
  0    every request was answered, with whatever answer
  1    one was not, and standard error says why, and what the server seems to speak instead; or an answer is faulty, and
       standard error says how: its JSON is cut short, or its content is not in the encoding that its header names
  2    the command line is wrong
  141  whoever reads the answers left before their end, as if SIGPIPE had ended it"#;

/// Does what the command line says.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let console = Console::standard();
    match call(arguments, &console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::ReaderGone) => ExitCode::from(READER_GONE),
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Other(failure)) => console.finish("jsonframe", Err(failure)),
    }
}

fn call(arguments: &Arguments, console: &Console) -> Result<(), Failure> {
    let timeout = arguments.timeout.into();
    let dialects = arguments.dialects.dialects();
    let (received, sent) = arguments.dialects.names();
    let requests = requests(arguments)?;
    let extensions = arguments.header.extensions();
    for request in &requests {
        if let Err(error) = request.check(&extensions, dialects.sent) {
            usage_error(format!("the request cannot be sent: {error}"));
        }
    }
    let output = arguments.output.as_deref();
    // A bar and lines on the same terminal would be in each other's way.
    let has_terminal = output.is_none_or(|path| path.as_os_str() == "-") && io::stdout().is_terminal();
    let meter = Meter::new(!has_terminal && !arguments.verbose);
    let stream = arguments.server.connect(timeout).map_err(Failure::Other)?;
    let mut annotations = Annotations::default();
    // Where there is no connection there is nothing to be shown.
    if arguments.verbose {
        annotations.sent = Some(annotated(sent, "> ")?);
        annotations.received = Some(annotated(received, "< ")?);
    }
    let mut output = Output::new(output, arguments.include, arguments.json_lines);
    let conversation = Conversation {
        requests,
        repeat: arguments.repeat.get(),
        extensions: &extensions,
        pipelined: arguments.pipeline,
        dialects,
        dialect: received,
        timeout,
        meter,
        console,
    };
    conversation.run(stream, arguments.server.address(), annotations, &mut output)
}

fn usage_error(message: String) -> ! {
    Arguments::augment_args(Command::new("jsonframe call")).error(ErrorKind::ValueValidation, message).exit()
}

fn requests(arguments: &Arguments) -> Result<Vec<Request>, Failure> {
    let Arguments { json, data, header, .. } = arguments;
    let dialect = arguments.dialects.dialects().sent;
    let json = json.iter().map(|text| Request::json(text, header, dialect));
    json.chain(data.iter().map(|data| Request::data(data, header))).collect::<Result<_, _>>().map_err(Failure::Other)
}

/// An annotation on standard error, of lines that begin so.
fn annotated(dialect: DialectName, mark: &'static str) -> Result<Annotation, Failure> {
    let color = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let write = move |lines: &str| {
        let lines: Vec<_> = lines.lines().map(|line| format!("{mark}{line}")).collect();
        // Nowhere is left to report that this fails.
        let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
    };
    Annotation::start(dialect, color, write).map_err(|error| Failure::Other(format!("cannot annotate: {error}")))
}
