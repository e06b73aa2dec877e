//! Converts a stream to JSON lines and back.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::assemble::Assembly;
use super::lines::Lines;
use super::written::{To, Written};
use crate::capture::{Format, Source};
use crate::dialect::DialectOption;
use crate::inspect::Options;
use crate::text::Printable;

/// Convert a stream to JSON lines that can be edited, and back.
///
/// The lines are those of `inspect --json`, with all of the content, in pieces, and with the exact bytes of a header where
/// its members would be written otherwise (`head`, which counts before them). What follows a fault is there as it is, in
/// lines `raw`. So the way back gives the same bytes again, whatever they are.
///
/// For a stream that is written by hand these suffice: {"event":"header"}, with what is not to be text/json, utf-8 and
/// little, and {"event":"content","text":"…"}; without `content_length` the content is counted.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The stream, or JSON lines; standard input if it is left out, or `-`
    file: Option<PathBuf>,

    /// What to convert it to [default: bytes from JSON lines, JSON lines from anything else]
    #[arg(long, value_enum, value_name = "FORM")]
    to: Option<To>,

    /// What the input is, unless it is JSON lines, which are recognised by their first
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, hide_default_value = true)]
    format: Format,

    #[command(flatten)]
    dialect: DialectOption,
}

const EXAMPLES: &str = r#"Examples:
  jsonframe convert capture.bin > stream.jsonl
  jsonframe convert stream.jsonl > edited.bin
  jsonframe convert --to python capture.bin
  echo '{"event":"header"} {"event":"content","text":"{}"}' | tr ' ' '\n' | jsonframe convert --to hex

Exit status:
  0    all was converted
  1    all was converted, and the stream is at fault or ends too early; or something cannot be read
  2    the command line is wrong, or the lines or the text that stands for the stream
  141  whoever reads the output left before its end"#;

/// What a shell says of a program that SIGPIPE has ended: 128 and the number of the signal.
const READER_GONE: u8 = 141;

/// How much is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// Does what the command line says.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match convert_input(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(READER_GONE),
        Err(error) => {
            // Nowhere is left to report that this fails.
            let _ = writeln!(io::stderr(), "jsonframe: {}", Printable(&error.to_string()));
            ExitCode::from(if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput) { 2 } else { 1 })
        }
    }
}

fn convert_input(arguments: &Arguments) -> io::Result<bool> {
    let output = io::stdout().lock();
    match &arguments.file {
        Some(path) if path.as_os_str() != "-" => {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            convert(arguments, &mut File::open(path).map_err(named)?, output)
        }
        _ => convert(arguments, &mut io::stdin().lock(), output),
    }
}

/// How JSON lines begin.
const EVENT: &[u8] = b"{\"event\"";

fn convert(arguments: &Arguments, input: &mut dyn Read, output: impl Write) -> io::Result<bool> {
    let mut output = BufWriter::with_capacity(BUFFER, output);
    let mut beginning = Vec::new();
    while EVENT.starts_with(&beginning) && beginning.len() < EVENT.len() {
        if (&mut *input).take(1).read_to_end(&mut beginning)? == 0 {
            break;
        }
    }
    let is_lines = arguments.format == Format::Auto && beginning == EVENT;
    let mut input = Cursor::new(beginning).chain(input);
    let dialect = arguments.dialect.name();
    let to = arguments.to.unwrap_or(if is_lines { To::Bytes } else { To::JsonLines });
    if is_lines {
        if to == To::JsonLines {
            return Err(io::Error::new(ErrorKind::InvalidInput, "these are JSON lines already: give another --to"));
        }
        let mut written = Written::new(output, to);
        Assembly::new(&mut written, dialect).run(BufReader::with_capacity(BUFFER, input))?;
        written.finish()?;
        return Ok(true);
    }
    let options = Options { format: arguments.format, dialect, ..Options::default() };
    let Source::Stream { mut bytes, .. } = options.open(&mut input)? else {
        let words =
            "a capture of packets holds several streams: save one of them first, such as with `tshark -z follow`";
        return Err(io::Error::new(ErrorKind::InvalidInput, words));
    };
    if to != To::JsonLines {
        let mut written = Written::new(output, to);
        io::copy(&mut bytes, &mut written)?;
        written.finish()?;
        return Ok(true);
    }
    let mut lines = Lines::new(&mut output, dialect);
    let mut buffer = vec![0; BUFFER];
    loop {
        lines.flush()?;
        match bytes.read(&mut buffer) {
            Ok(0) => return lines.finish(),
            Ok(count) => lines.feed(&buffer[..count])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
