//! The report for a person: everything at its offset, and a caret under the byte at fault.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jsonframe::{ByteOrder, DecodeError, DecodeErrorKind, Header, Member, ProtoHeader, Value};

use super::Output;
use super::content::{Body, View};
use super::drive::{Message, Report};
use super::excerpt::Excerpt;
use super::spelling::{Spelling, Spellings, underscored};
use crate::dialect::DialectName;
use crate::text::Printable;

/// The column where a line says what is at its offset, and the one where the parts of that begin.
const LABELS: usize = 12;
const MARGIN: usize = 14;

const PROTO_HEADER: &str = "proto-header";

/// How many bytes a row of a dump shows.
const ROW: usize = 16;

pub(super) struct Annotated<'a> {
    output: Output<'a>,
    dialect: DialectName,
    styles: Styles,
    /// How many messages have begun.
    messages: u64,
}

/// How the parts of the report look.
#[derive(Default)]
struct Styles {
    title: Style,
    offset: Style,
    name: Style,
    error: Style,
}

impl Styles {
    const COLORED: Self = Self {
        title: Style::new().bold(),
        offset: Style::new().dimmed(),
        name: AnsiColor::Cyan.on_default(),
        error: AnsiColor::Red.on_default().bold(),
    };
}

impl<'a> Annotated<'a> {
    pub(super) fn new(output: Output<'a>, dialect: DialectName, color: bool) -> Self {
        let styles = if color { Styles::COLORED } else { Styles::default() };
        Self { output, dialect, styles, messages: 0 }
    }

    /// Starts a line about what is at this offset.
    fn at(&mut self, offset: u64) -> io::Result<()> {
        let style = self.styles.offset;
        write!(self.output, "{style}{offset:>0$}{style:#}  ", LABELS - 2)
    }

    fn caret(&mut self, column: usize, width: usize) -> io::Result<()> {
        let style = self.styles.error;
        writeln!(self.output, "{:column$}{style}{:^<width$}{style:#}", "", "")
    }

    fn proto_header(&mut self, message: &Message) -> io::Result<()> {
        self.messages += 1;
        let (style, number) = (self.styles.title, self.messages);
        writeln!(self.output, "{}{style}message {number}{style:#}", if number > 1 { "\n" } else { "" })?;
        self.at(message.start)?;
        let bytes = message.proto_header();
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(self.output, "{PROTO_HEADER} {}", digits.join(" "))?;
        match announced(self.dialect.proto_header, bytes) {
            Some(length) => writeln!(self.output, ", {} of header", count(length.into(), "byte")),
            None => writeln!(self.output),
        }
    }

    fn member(&mut self, name: &str, value: Value<'_>, note: &str) -> io::Result<()> {
        let style = self.styles.name;
        // Quoted unless it is plain to see where it ends.
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        let name = if plain { name.into() } else { Value::from(name).to_string() };
        let (name, value) = (Printable(&name).to_string(), value.to_string());
        writeln!(self.output, "{:MARGIN$}{style}{name:16}{style:#}  {}{note}", "", Printable(&value))
    }

    fn content(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        let (received, announced) = (message.received, header.content_length());
        let part = if received < announced { format!("{received} of ") } else { String::new() };
        self.at(message.content_start())?;
        write!(self.output, "content, {part}{}", count(announced, "byte"))?;
        if received == 0 {
            return writeln!(self.output);
        }
        let View { kind, body, shown } = View::of(header, &message.content);
        writeln!(self.output, ", {kind}")?;
        match body {
            Body::Json(text) => self.lines(&text)?,
            Body::Text(text) => self.lines(&text)?,
            Body::Bytes(bytes) => self.dump(message.content_start(), bytes)?,
        }
        match received - shown as u64 {
            0 => Ok(()),
            left_out => writeln!(self.output, "{:MARGIN$}… and {left_out} more bytes", ""),
        }
    }

    fn lines(&mut self, text: &str) -> io::Result<()> {
        let mut lines = text.split_terminator('\n');
        lines.try_for_each(|line| writeln!(self.output, "{:MARGIN$}{}", "", Printable(line)))
    }

    fn dump(&mut self, mut offset: u64, bytes: &[u8]) -> io::Result<()> {
        for row in bytes.chunks(ROW) {
            let digits: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            let visible = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
            let text: String = row.iter().map(visible).collect();
            self.at(offset)?;
            writeln!(self.output, "  {:47}  {text}", digits.join(" "))?;
            offset += row.len() as u64;
        }
        Ok(())
    }

    /// Points to the byte at fault in a header that has not been reported, or to where the next byte is missing.
    fn point(&mut self, error: &DecodeError, message: &Message) -> io::Result<()> {
        let header = message.header();
        let part = match error.kind() {
            DecodeErrorKind::Truncated { .. } if header.is_empty() => return Ok(()),
            DecodeErrorKind::Truncated { missing } => {
                let length = header.len() as u64;
                format!(", {length} of {}", count(length + missing, "byte"))
            }
            _ if header.is_empty() => {
                // Two digits a byte, and a space between.
                let width = message.proto_header().len() * 3 - 1;
                return self.caret(LABELS + PROTO_HEADER.len() + 1, width);
            }
            _ => String::new(),
        };
        self.at(message.header_start())?;
        writeln!(self.output, "header{part}")?;
        let index = error.offset().saturating_sub(message.header_start());
        let Excerpt { line, column } = Excerpt::around(header, usize::try_from(index).unwrap_or(usize::MAX));
        writeln!(self.output, "{:MARGIN$}{line}", "")?;
        self.caret(MARGIN + column, 1)
    }
}

impl Report for Annotated<'_> {
    const KEPT: usize = 64 * 1024;

    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        self.proto_header(message)?;
        self.at(message.header_start())?;
        writeln!(self.output, "header")?;
        let standard = self.dialect == DialectName::STANDARD;
        let spellings = if standard { Spellings::own() } else { Spellings::of(message.header()) };
        for (member, spelling) in spellings.each() {
            let value = match member {
                Member::ByteOrder => header.byte_order().as_str().into(),
                Member::ContentType => header.content_type().into(),
                Member::ContentEncoding => header.content_encoding().into(),
                Member::ContentLength => Value::from(header.content_length()),
            };
            match spelling {
                Spelling::Own => self.member(member.as_str(), value, "")?,
                Spelling::Underscore => self.member(underscored(member), value, "")?,
                Spelling::Absent => self.member(member.as_str(), value, " (absent)")?,
            }
        }
        header.extensions().try_for_each(|(name, value)| self.member(name, value, ""))
    }

    fn end(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        self.content(message, header)?;
        self.at(message.end())?;
        writeln!(self.output, "end")
    }

    fn fault(&mut self, error: &DecodeError, message: &Message, header: Option<&Header<'_>>) -> io::Result<()> {
        let kind = error.kind();
        match header {
            None => {
                self.proto_header(message)?;
                self.point(error, message)?;
            }
            Some(header) if matches!(kind, DecodeErrorKind::Truncated { .. }) => self.content(message, header)?,
            // The content was not wanted.
            Some(_) => {}
        }
        self.at(error.offset())?;
        let style = self.styles.error;
        writeln!(self.output, "{style}{}{style:#}: {error}", kind.name())
    }

    fn finish(&mut self, offset: u64) -> io::Result<()> {
        if self.messages > 0 {
            writeln!(self.output)?;
        }
        self.at(offset)?;
        writeln!(self.output, "end of the stream, {}", count(self.messages, "message"))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// The length of the header that a proto-header announces, if it is whole.
fn announced(proto_header: ProtoHeader, bytes: &[u8]) -> Option<u32> {
    Some(match proto_header {
        ProtoHeader::U8 => u8::from_be_bytes(bytes.try_into().ok()?).into(),
        ProtoHeader::U16(ByteOrder::Big) => u16::from_be_bytes(bytes.try_into().ok()?).into(),
        ProtoHeader::U16(ByteOrder::Little) => u16::from_le_bytes(bytes.try_into().ok()?).into(),
        ProtoHeader::U32(ByteOrder::Big) => u32::from_be_bytes(bytes.try_into().ok()?),
        ProtoHeader::U32(ByteOrder::Little) => u32::from_le_bytes(bytes.try_into().ok()?),
    })
}

/// So many of what this is the word for.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
