//! Shows what a captured stream of messages holds.

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{Options, guess, inspect};
use crate::capture::Format;
use crate::dialect::DialectOption;
use crate::reading::read;
use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use clap::Args;

/// Show what a captured stream of messages holds.
///
/// Every message is shown with the offsets of its parts: the proto-header, the members of the header, the content, the
/// end. What is wrong with a stream is shown at the byte that is wrong, after the likely cause. Content that is not in the
/// encoding that its header names is shown with the first byte that is not, wherever it is.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The stream; standard input if it is left out, or `-`
    file: Option<PathBuf>,

    /// What the input is
    ///
    /// What is recognised begins like it. A stream that begins with a message is never taken for text. Where a stream that
    /// is written as text is at fault, that is shown after all of the text has been read, which may be wrong further on.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, hide_default_value = true)]
    format: Format,

    /// Begin at this byte of the stream, or of each stream of a capture or of a log
    #[arg(long, value_name = "OFFSET", default_value_t = 0, hide_default_value = true)]
    from: u64,

    /// Look for the next message, where a stream does not begin with one
    ///
    /// Where one seems to begin is a guess: a proto-header, and a header after it that is valid.
    #[arg(long)]
    find: bool,

    /// Show the connections with this port, of a capture of packets or of a log that names them
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    #[command(flatten)]
    dialect: DialectOption,

    /// Say which dialect the stream looks like, and why, instead of showing what it holds
    ///
    /// The stream must begin with the first byte of a message. Of a capture of packets, and of a log
    /// that names connections, that is said of each direction.
    #[arg(long, conflicts_with_all = ["dialect", "from", "find"])]
    guess: bool,

    /// Write one JSON object a line, for programs
    ///
    /// In a log, a fault has the `line` of the literal that holds its byte, and the `event` `log` at the end says how many literals
    /// were read, from which line to which, and how many lines of other text were passed over.
    #[arg(long)]
    json: bool,

    /// Decode at most this many bytes at a time; the output is the same
    #[arg(long, value_name = "BYTES", default_value_t = Options::default().chunk)]
    chunk: NonZeroUsize,

    /// Refuse longer headers
    #[arg(long, value_name = "BYTES", default_value_t = Options::default().max_header)]
    max_header: u16,

    /// Refuse longer content [default: unlimited]
    #[arg(long, value_name = "BYTES")]
    max_content: Option<u64>,
}

const EXAMPLES: &str = r#"Examples:
  jsonframe inspect capture.bin
  nc -l 65432 | jsonframe inspect --max-content 1000000
  jsonframe inspect --guess capture.bin
  jsonframe inspect --dialect u32,no-byteorder capture.bin
  jsonframe inspect --json capture.bin | jq 'select(.event == "error")'
  jsonframe inspect --port 65432 traffic.pcapng
  python3 -u app-client.py 127.0.0.1 65432 search ring 2>&1 | jsonframe inspect --format python
  jsonframe inspect --find rest-of-a-stream.bin
  echo '00 02 7b7d' | jsonframe inspect

Exit status:
  0    the stream is nothing but whole messages, and text is in the encoding that its header names; with --guess, a dialect
       fits, in each direction
  1    it is at fault, has a gap or ends too early, content is not in its encoding, or it cannot be read; with --guess, no
       dialect fits
  2    the command line is wrong, or the text or the capture that stands for the stream
  141  whoever reads the output left before its end, so that there is no verdict; as if SIGPIPE had ended it"#;

/// Does what the command line says.
pub fn run(arguments: &Arguments) -> ExitCode {
    read(arguments.file.as_deref(), |mut input| {
        let mut output = io::stdout().lock();
        let options = arguments.options(&output);
        if arguments.guess {
            guess(&mut input, &mut output, &options)
        } else {
            inspect(&mut input, &mut output, &options)
        }
    })
}

impl Arguments {
    fn options(&self, output: &impl RawStream) -> Options {
        Options {
            dialect: self.dialect.name(),
            format: self.format,
            from: self.from,
            find: self.find,
            port: self.port,
            json: self.json,
            color: AutoStream::choice(output) != ColorChoice::Never,
            chunk: self.chunk,
            max_header: self.max_header,
            max_content: self.max_content.unwrap_or(Options::default().max_content),
            live: None,
        }
    }
}
