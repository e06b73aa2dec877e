//! Converts a stream to JSON lines and back.

use std::io::{self, BufReader, BufWriter, Cursor, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::assemble::Assembly;
use super::choice::{Choice, Which};
use super::lines::Lines;
use super::packets;
use super::written::{To, Written};
use crate::capture::{Format, Source, invalid};
use crate::dialect::DialectOption;
use crate::inspect::Options;
use crate::reading::read;

/// Convert a stream to JSON lines that can be edited, and back.
///
/// The lines are those of `inspect --json`, with all of the content, in pieces, and with the exact bytes of a header where
/// its members would be written otherwise (`head`, which counts before them). What follows a fault is there as it is, in
/// lines `raw`. So the way back gives the same bytes again, whatever they are.
///
/// For a stream that is written by hand these suffice: {"event":"header"}, with what is not to be text/json, utf-8 and
/// little, and {"event":"content","text":"…"}; without `content_length` the content is counted.
///
/// Of a capture of packets, pcap or pcapng, or of a log that names connections, there are the lines of every connection and
/// direction, which they say: with
/// --connection and --direction one stream is converted, from the capture or from its lines. A line that says neither is of
/// the stream of the line before it. Lines become the bytes of a stream, never a capture of packets again.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The stream, or JSON lines; standard input if it is left out, or `-`
    file: Option<PathBuf>,

    /// What to convert it to [default: bytes from JSON lines, JSON lines from anything else]
    #[arg(long, value_enum, value_name = "FORM")]
    to: Option<To>,

    #[command(flatten)]
    which: Which,

    /// Of a capture of packets or of a log, take the connections with this port; they are counted without the others
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// What the input is, unless it is JSON lines, which are recognised by their first
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, hide_default_value = true)]
    format: Format,

    #[command(flatten)]
    dialect: DialectOption,

    /// Take a stream, or each of a capture of packets, for one in the dialect that its first 64 KiB look like
    ///
    /// It must begin with the first byte of a message. Where no dialect fits, it is taken for the standard.
    #[arg(long, conflicts_with = "dialect")]
    guess: bool,
}

const EXAMPLES: &str = r#"Examples:
  jsonframe convert capture.bin > stream.jsonl
  jsonframe convert stream.jsonl > edited.bin
  jsonframe convert --to python capture.bin
  jsonframe convert --guess traffic.pcap > traffic.jsonl
  jsonframe convert --connection 1 --direction to-server traffic.jsonl > edited.bin
  echo '{"event":"header"} {"event":"content","text":"{}"}' | tr ' ' '\n' | jsonframe convert --to hex

Exit status:
  0    all was converted
  1    all was converted, and a stream is at fault, has a gap or ends too early; or something cannot be read
  2    the command line is wrong, or the lines or the text that stands for the stream
  141  whoever reads the output left before its end"#;

/// Does what the command line says.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    read(arguments.file.as_deref(), |input| convert(arguments, input, io::stdout().lock()))
}

/// How much is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// How JSON lines begin.
const EVENT: &[u8] = b"{\"event\"";

fn convert(arguments: &Arguments, input: &mut dyn Read, output: impl Write) -> io::Result<bool> {
    let mut beginning = Vec::new();
    while EVENT.starts_with(&beginning) && beginning.len() < EVENT.len() {
        if (&mut *input).take(1).read_to_end(&mut beginning)? == 0 {
            break;
        }
    }
    let is_lines = arguments.format == Format::Auto && beginning == EVENT;
    let mut input = Cursor::new(beginning).chain(input);
    let to = arguments.to.unwrap_or(if is_lines { To::Bytes } else { To::JsonLines });
    let mut output = Written::new(BufWriter::with_capacity(BUFFER, output), to);
    let is_whole = if is_lines {
        if to == To::JsonLines || arguments.guess {
            return Err(invalid(
                "these are JSON lines already, which say their dialect: give another --to, and no --guess",
            ));
        }
        let input = BufReader::with_capacity(BUFFER, input);
        Assembly::new(&mut output, arguments.dialect.name(), arguments.which).run(input)?;
        true
    } else {
        convert_stream(arguments, &mut input, &mut output)?
    };
    output.finish()?;
    Ok(is_whole)
}

fn convert_stream(arguments: &Arguments, input: &mut dyn Read, output: &mut Written<impl Write>) -> io::Result<bool> {
    let options = Options { format: arguments.format, dialect: arguments.dialect.name(), ..Options::default() };
    let dialect = if arguments.guess { None } else { Some(options.dialect) };
    let choice = Choice::new(arguments.which, output.to == To::JsonLines);
    let mut bytes = match options.open(input)? {
        Source::Several(several) => return packets::convert(several, arguments.port, output, choice, dialect),
        Source::Stream { bytes, .. } => bytes,
    };
    choice.finish()?;
    if output.to != To::JsonLines {
        return io::copy(&mut bytes, output).map(|_| true);
    }
    let mut lines = Lines::new(dialect, None);
    let mut buffer = vec![0; BUFFER];
    loop {
        output.flush()?;
        match bytes.read(&mut buffer) {
            Ok(0) => return lines.finish(output),
            Ok(count) => lines.feed(&buffer[..count], output)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
