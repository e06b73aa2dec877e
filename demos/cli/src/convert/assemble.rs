//! From lines to the bytes of a stream.

use std::io::{self, BufRead, Read, Write};

use jsonframe::{ByteOrder, Header, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::choice::{Choice, Which};
use crate::capture::packets::Towards;
use crate::dialect::DialectName;
use crate::inspect::spelling::members;
use crate::text::Printable;

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// The longest content whose length is counted, in bytes.
const LONGEST_COUNTED: usize = 64 * 1024 * 1024;

/// A line. What says where something was is not looked at: it changes with whatever comes before.
#[derive(Deserialize)]
struct Line<'l> {
    event: String,
    /// All the bytes before the content, if they are not what the members below make.
    head: Option<String>,
    prefix: Option<String>,
    byteorder: Option<String>,
    content_type: Option<String>,
    content_encoding: Option<String>,
    content_length: Option<u64>,
    #[serde(borrow)]
    extensions: Option<&'l RawValue>,
    dialect: Option<String>,
    connection: Option<u64>,
    direction: Option<Towards>,
    hex: Option<String>,
    text: Option<String>,
    length: Option<u64>,
}

/// The bytes before the content that a line of a header stands for.
pub(super) fn head_of(line: &str, dialect: DialectName) -> Result<Vec<u8>, String> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let length = line.content_length.ok_or("no length of the content")?;
    line.head(&dialect, length)
}

impl Line<'_> {
    fn head(&self, dialect: &DialectName, content_length: u64) -> Result<Vec<u8>, String> {
        if let Some(head) = &self.head {
            return bytes("head", head);
        }
        let byte_order = match self.byteorder.as_deref() {
            None | Some("little") => ByteOrder::Little,
            Some("big") => ByteOrder::Big,
            Some(other) => return Err(format!("`byteorder` is \"{}\"; expected little or big", Printable(other))),
        };
        let content_type = self.content_type.as_deref().unwrap_or("text/json");
        let content_encoding = self.content_encoding.as_deref().unwrap_or("utf-8");
        let raw = self.extensions.map_or("{}", RawValue::get);
        if !raw.starts_with('{') {
            return Err("`extensions` is no object".into());
        }
        let extensions = members::<&RawValue>(raw.as_bytes());
        let mut known = Vec::new();
        for (name, text) in &extensions {
            let Ok(value) = Value::from_json(text.get()) else {
                return Err("a value of `extensions` cannot be sent".into());
            };
            known.push((name.as_ref(), value));
        }
        let prefix = self.prefix.as_ref().map(|digits| bytes("prefix", digits)).transpose()?;
        let header = Header::new(content_type, content_encoding, content_length)
            .with_byte_order(byte_order)
            .with_extensions(&known);
        let header = prefix.as_deref().map_or(header, |prefix| header.with_prefix(prefix));
        let dialect = dialect.dialect();
        let mut head = vec![0; dialect.encoded_len(&header)];
        dialect.encode(&header, &mut head).map_err(|error| error.to_string())?;
        Ok(head)
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        let bytes = match (&self.hex, &self.text) {
            (Some(digits), None) => bytes("hex", digits)?,
            (None, Some(text)) => text.as_bytes().to_vec(),
            _ => return Err("expected either `hex` or `text`".into()),
        };
        match self.length {
            Some(length) if self.hex.is_some() && length > bytes.len() as u64 => Err(format!(
                "`hex` has {} of {length} bytes: `inspect --json` shows the beginning; `convert` writes all of them",
                bytes.len()
            )),
            _ => Ok(bytes),
        }
    }
}

fn bytes(name: &str, digits: &str) -> Result<Vec<u8>, String> {
    hex::decode(digits).map_err(|error| format!("`{name}`: {error}"))
}

/// Writes the stream of lines that are read one after the other.
pub(super) struct Assembly<W> {
    output: W,
    /// The dialect of lines that do not say it, and the last that was said.
    dialect: DialectName,
    said: Option<(String, DialectName)>,
    choice: Choice,
    /// The stream of the last line that said it.
    stream: Which,
    /// A header whose content length is not said, and what has come of its content.
    counted: Option<(String, Vec<u8>)>,
}

impl<W: Write> Assembly<W> {
    pub(super) fn new(output: W, dialect: DialectName, chosen: Which) -> Self {
        let choice = Choice::new(chosen, false);
        Self { output, dialect, said: None, choice, stream: Which::default(), counted: None }
    }

    /// Writes the stream of all lines, or of those that are chosen.
    pub(super) fn run(mut self, mut input: impl BufRead) -> io::Result<()> {
        let mut text = String::new();
        for number in 1_u64.. {
            text.clear();
            let invalid =
                |fault: String| io::Error::new(io::ErrorKind::InvalidData, format!("line {number} is wrong: {fault}"));
            let length = match input.by_ref().take(LONGEST_LINE).read_line(&mut text) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(invalid("not UTF-8".into())),
                length => length?,
            };
            if length == 0 {
                break;
            }
            if length as u64 == LONGEST_LINE {
                return Err(invalid(format!("it is longer than {LONGEST_LINE} bytes")));
            }
            if !text.trim().is_empty() {
                self.take(&text, &invalid)?;
            }
        }
        self.write_counted()?;
        self.choice.finish()?;
        self.output.flush()
    }

    fn take(&mut self, text: &str, invalid: &dyn Fn(String) -> io::Error) -> io::Result<()> {
        let line: Line<'_> =
            serde_json::from_str(text).map_err(|error| invalid(Printable(&error.to_string()).to_string()))?;
        if line.connection.is_some() || line.direction.is_some() {
            self.stream = Which { connection: line.connection, direction: line.direction };
        }
        // What is about a capture, or only says what can be seen from the bytes.
        if matches!(&*line.event, "end" | "error" | "truncated" | "stream" | "capture" | "log")
            || !self.choice.takes(self.stream).map_err(invalid)?
        {
            return Ok(());
        }
        match line.event.as_str() {
            "header" => {
                self.write_counted()?;
                let dialect = self.dialect_of(&line).map_err(invalid)?;
                if let Some(length) = line.content_length.or(line.head.as_ref().map(|_| 0)) {
                    let head = line.head(&dialect, length).map_err(invalid)?;
                    return self.output.write_all(&head);
                }
                // Whether the rest is right is seen now, where the line is known.
                line.head(&dialect, 0).map_err(invalid)?;
                self.counted = Some((text.into(), Vec::new()));
            }
            "content" => {
                let bytes = line.bytes().map_err(invalid)?;
                match &mut self.counted {
                    Some((_, content)) if content.len() + bytes.len() > LONGEST_COUNTED => {
                        return Err(invalid(format!(
                            "give `content_length`: it is counted up to {LONGEST_COUNTED} bytes"
                        )));
                    }
                    Some((_, content)) => content.extend(bytes),
                    None => self.output.write_all(&bytes)?,
                }
            }
            "raw" => {
                self.write_counted()?;
                self.output.write_all(&line.bytes().map_err(invalid)?)?;
            }
            "gap" | "skipped" => return Err(invalid(format!("there are no bytes for an event `{}`", line.event))),
            other => return Err(invalid(format!("`{}` is no event", Printable(other)))),
        }
        Ok(())
    }

    fn dialect_of(&mut self, line: &Line<'_>) -> Result<DialectName, String> {
        let Some(text) = &line.dialect else { return Ok(self.dialect) };
        match &self.said {
            Some((known, dialect)) if known == text => Ok(*dialect),
            _ => {
                let dialect = text.parse().map_err(|fault: String| Printable(&fault).to_string())?;
                self.said = Some((text.clone(), dialect));
                Ok(dialect)
            }
        }
    }

    /// Writes the message whose content has been counted.
    fn write_counted(&mut self) -> io::Result<()> {
        let Some((text, content)) = self.counted.take() else { return Ok(()) };
        let line: Line<'_> = serde_json::from_str(&text)?;
        let dialect = self.dialect_of(&line).map_err(io::Error::other)?;
        let head = line.head(&dialect, content.len() as u64).map_err(io::Error::other)?;
        self.output.write_all(&head)?;
        self.output.write_all(&content)
    }
}
