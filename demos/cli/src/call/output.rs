//! Where the answers go, and in which form.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use jsonframe::{Header, TextDecoder, Value};

use crate::encoded::Encoded;
use crate::exchange::{Content, object};
use crate::inspect::pretty;
use crate::text::{Printable, PrintableLines, count_of_bytes};

/// The longest content that is made one line of JSON, and the longest that is made pretty on a terminal, in bytes.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;
const LONGEST_PRETTY: u64 = 1024 * 1024;

/// What the answers are written to.
pub(super) struct Output {
    writer: BufWriter<Box<dyn Write>>,
    form: Form,
    with_header: bool,
    under_way: UnderWay,
    /// Whether it is a terminal, where lines of stderr go too.
    is_terminal: bool,
    /// Whether a line of content has begun.
    is_in_line: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it came.
    Plain,
    /// As text that does not act on a terminal.
    Terminal,
    JsonLines,
}

/// The content of the answer that is being received.
enum UnderWay {
    Plain,
    Text(TextDecoder),
    /// It is kept until it is whole.
    Kept(Vec<u8>),
}

/// Why an answer cannot be written.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody reads on.
    ReaderGone,
    /// It has been said.
    Told,
    Other(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Other(format!("cannot write the output: {error}")),
        }
    }
}

impl Output {
    /// Writes to this file, otherwise to standard output, which is protected if it is a terminal. With `-` for the file it is
    /// not.
    pub(super) fn new(file: Option<&Path>, with_header: bool, json_lines: bool) -> Self {
        let is_stdout = file.is_none_or(|path| path.as_os_str() == "-");
        let is_terminal = is_stdout && io::stdout().is_terminal();
        let writer: Box<dyn Write> = match file {
            Some(path) if !is_stdout => Box::new(LateFile { path: path.into(), file: None }),
            _ => Box::new(io::stdout()),
        };
        let form = match (json_lines, is_terminal && file.is_none()) {
            (true, _) => Form::JsonLines,
            (_, true) => Form::Terminal,
            _ => Form::Plain,
        };
        Self {
            writer: BufWriter::new(writer),
            form,
            with_header,
            under_way: UnderWay::Plain,
            is_terminal,
            is_in_line: false,
        }
    }

    /// Begins with the answer of this header.
    pub(super) fn begin(&mut self, header: &Header<'_>) -> Result<(), Failure> {
        if self.with_header && self.form != Form::JsonLines {
            self.header(header)?;
        }
        let length = header.content_length();
        self.under_way = match self.form {
            Form::Plain => UnderWay::Plain,
            Form::JsonLines if length > LONGEST_LINE => {
                let (length, longest) = (count_of_bytes(length), count_of_bytes(LONGEST_LINE));
                return Err(Failure::Other(format!(
                    "an answer of {length} is too long for --json-lines: over {longest}"
                )));
            }
            Form::JsonLines => UnderWay::Kept(Vec::new()),
            Form::Terminal if length == 0 => UnderWay::Plain,
            Form::Terminal => {
                let decoder = TextDecoder::for_content(header).map_err(|_| unprintable(header, None))?;
                if header.is_json() && length <= LONGEST_PRETTY {
                    UnderWay::Kept(Vec::new())
                } else {
                    UnderWay::Text(decoder)
                }
            }
        };
        Ok(())
    }

    /// Writes the next bytes of its content.
    pub(super) fn piece(&mut self, header: &Header<'_>, piece: &[u8], encoded: &Encoded) -> Result<(), Failure> {
        match &mut self.under_way {
            UnderWay::Plain => {
                self.writer.write_all(piece)?;
                self.is_in_line = !piece.ends_with(b"\n");
            }
            UnderWay::Kept(content) => content.extend_from_slice(piece),
            UnderWay::Text(decoder) => {
                let mut text = String::new();
                decoder.decode(piece, &mut text).map_err(|_| unprintable(header, encoded.hint()))?;
                write!(self.writer, "{}", PrintableLines(&text))?;
                self.is_in_line = if text.is_empty() { self.is_in_line } else { !text.ends_with('\n') };
            }
        }
        Ok(())
    }

    /// Ends the answer. Whoever reads has it then.
    pub(super) fn end(&mut self, header: &Header<'_>, encoded: &Encoded) -> Result<(), Failure> {
        match std::mem::replace(&mut self.under_way, UnderWay::Plain) {
            // As it came; between headers there is a line's end at least.
            UnderWay::Plain if self.with_header && header.content_length() > 0 => self.new_line()?,
            UnderWay::Plain => {}
            UnderWay::Text(decoder) => {
                decoder.finish().map_err(|_| unprintable(header, encoded.hint()))?;
                if self.is_in_line {
                    self.new_line()?;
                }
            }
            UnderWay::Kept(content) if self.form == Form::JsonLines => {
                let content = Content { bytes: &content, length: content.len() as u64 };
                writeln!(self.writer, "{}", object("", header, content))?;
            }
            UnderWay::Kept(content) => {
                let decoded = header.encoding().and_then(|encoding| encoding.decode(&content).ok());
                let text = decoded.ok_or_else(|| unprintable(header, encoded.hint()))?;
                let lines = pretty(&text).unwrap_or_else(|_| text.into_owned());
                let end = if lines.ends_with('\n') { "" } else { "\n" };
                write!(self.writer, "{}{end}", PrintableLines(&lines))?;
            }
        }
        Ok(self.writer.flush()?)
    }

    fn new_line(&mut self) -> io::Result<()> {
        self.is_in_line = false;
        self.writer.write_all(b"\n")
    }

    /// Ends the line on a terminal, before one of stderr.
    pub(super) fn end_line(&mut self) {
        if self.is_terminal && self.is_in_line {
            // What comes next fails then too.
            let _ = self.new_line().and_then(|()| self.writer.flush());
        }
    }

    /// Makes visible what has come of an answer that does not end.
    pub(super) fn give_up(&mut self) {
        self.end_line();
        if !self.writer.buffer().is_empty() {
            // Something else has failed first.
            let _ = self.writer.flush();
        }
    }

    fn header(&mut self, header: &Header<'_>) -> io::Result<()> {
        let required = [
            ("byteorder", header.byte_order().as_str().into()),
            ("content-type", header.content_type().into()),
            ("content-encoding", header.content_encoding().into()),
            ("content-length", Value::from(header.content_length())),
        ];
        for (name, value) in required.into_iter().chain(header.extensions()) {
            // Quoted unless it is plain to see where it ends.
            let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
            let name = if plain { name.into() } else { Value::from(name).to_string() };
            writeln!(self.writer, "{}: {}", PrintableLines(&name), PrintableLines(&value.to_string()))?;
        }
        writeln!(self.writer)
    }
}

/// Says what to do about content that a terminal must not have: text that is not what its header says, or no text.
fn unprintable(header: &Header<'_>, wrong: Option<String>) -> Failure {
    let size = count_of_bytes(header.content_length());
    let content_type = Printable(header.content_type());
    let what = format!("({size} of {content_type})");
    Failure::Other(match wrong {
        Some(wrong) => {
            format!("{wrong}; the answer {what} is not written to a terminal; to keep it, use --output FILE")
        }
        None => {
            format!("the answer is not text {what} and is not written to a terminal; to keep it, use --output FILE")
        }
    })
}

/// A file that is made, or emptied, when there is something to write to it.
struct LateFile {
    path: PathBuf,
    file: Option<File>,
}

impl LateFile {
    fn named(&self, error: &io::Error) -> io::Error {
        // Whoever has left is somebody else.
        io::Error::other(format!("{}: {error}", self.path.display()))
    }
}

impl Write for LateFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = Some(File::create(&self.path).map_err(|error| self.named(&error))?);
        }
        let outcome = self.file.as_mut().map_or(Ok(0), |file| file.write(bytes));
        outcome.map_err(|error| self.named(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        // An answer without content makes an empty file.
        self.write(&[]).map(drop)
    }
}
