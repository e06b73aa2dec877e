//! The report for a person: everything at its offset, and a caret under the byte at fault.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use jsonframe::{DecodeErrorKind, Header, Member, Value};

use super::content::{Body, View};
use super::excerpt::Excerpt;
use super::message::Message;
use super::report::{Fault, Report};
use super::spelling::spellings;
use super::{Live, Output};
use crate::capture::packets::Direction;
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
    /// The direction of a capture whose stream it is.
    direction: Option<Direction>,
    /// There if a fault is pointed to, and what is wrong is said by somebody else.
    pub(super) live: Option<&'a Live>,
    /// Whether something has been shown.
    has_begun: bool,
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
    pub(super) fn new(
        output: Output<'a>,
        dialect: DialectName,
        color: bool,
        direction: Option<Direction>,
    ) -> io::Result<Self> {
        let styles = if color { Styles::COLORED } else { Styles::default() };
        let mut report = Self { output, dialect, styles, direction, live: None, has_begun: false };
        if let Some(direction @ Direction { is_joined: true, .. }) = &report.direction {
            writeln!(report.output, "{direction}: its beginning was not captured, so where messages begin is a guess")?;
        }
        Ok(report)
    }

    /// Separates what comes from what comes before, of this stream or of another.
    fn separate(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.has_begun, true) || self.direction.is_some() {
            writeln!(self.output)?;
        }
        Ok(())
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
        let (style, number) = (self.styles.title, message.number);
        self.separate()?;
        write!(self.output, "{style}message {number}{style:#}")?;
        match &self.direction {
            Some(direction) => writeln!(self.output, " of {direction}")?,
            None => writeln!(self.output)?,
        }
        let mut start = message.start;
        if !message.prefix().is_empty() {
            self.at(start)?;
            writeln!(self.output, "prefix {}", digits(message.prefix()))?;
            start += message.prefix().len() as u64;
        }
        let bytes = message.proto_header_bytes();
        if bytes.is_empty() && !message.prefix().is_empty() {
            return Ok(());
        }
        self.at(start)?;
        write!(self.output, "{PROTO_HEADER} {}", digits(bytes))?;
        match message.framing.announced(bytes) {
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
        let (received, announced) = (message.content.received, header.content_length());
        let part = if received < announced { format!("{received} of ") } else { String::new() };
        self.at(message.content_start())?;
        write!(self.output, "content, {part}{}", count(announced, "byte"))?;
        if received == 0 {
            return writeln!(self.output);
        }
        let View { kind, body, shown } = View::of(header, &message.content.kept);
        writeln!(self.output, ", {kind}")?;
        match body {
            Body::Json(text) => self.lines(&text)?,
            Body::Text(text) => self.lines(&text)?,
            Body::Bytes(bytes) => self.dump(message.content_start(), bytes)?,
        }
        match received - shown as u64 {
            0 => {}
            left_out => writeln!(self.output, "{:MARGIN$}… and {}", "", count(left_out, "more byte"))?,
        }
        let is_echo = self.live.is_some_and(|live| live.is_echo.load(Ordering::Relaxed));
        match message.content.hint_for_person().filter(|_| !is_echo) {
            Some(hint) => writeln!(self.output, "{:LABELS$}hint: {hint}", ""),
            None => Ok(()),
        }
    }

    fn lines(&mut self, text: &str) -> io::Result<()> {
        let mut lines = text.split_terminator('\n');
        lines.try_for_each(|line| writeln!(self.output, "{:MARGIN$}{}", "", Printable(line)))
    }

    fn dump(&mut self, mut offset: u64, bytes: &[u8]) -> io::Result<()> {
        for row in bytes.chunks(ROW) {
            let visible = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
            let text: String = row.iter().map(visible).collect();
            self.at(offset)?;
            writeln!(self.output, "  {:47}  {text}", digits(row))?;
            offset += row.len() as u64;
        }
        Ok(())
    }

    /// Points to the byte at fault in a header that has not been reported, or to where the next byte is missing.
    fn point(&mut self, kind: DecodeErrorKind, offset: u64, message: &Message) -> io::Result<()> {
        let header = message.header();
        let part = match kind {
            DecodeErrorKind::Truncated { .. } if header.is_empty() => return Ok(()),
            DecodeErrorKind::Truncated { missing } => {
                let length = header.len() as u64;
                format!(", {length} of {}", count(length + missing, "byte"))
            }
            _ if header.is_empty() => {
                return self.caret(LABELS + PROTO_HEADER.len() + 1, digits(message.proto_header_bytes()).len());
            }
            _ => String::new(),
        };
        self.at(message.header_start())?;
        writeln!(self.output, "header{part}")?;
        let index = offset.saturating_sub(message.header_start());
        let Excerpt { line, column } = Excerpt::around(header, usize::try_from(index).unwrap_or(usize::MAX));
        writeln!(self.output, "{:MARGIN$}{line}", "")?;
        self.caret(MARGIN + column, 1)
    }
}

impl Report for Annotated<'_> {
    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        self.proto_header(message)?;
        self.at(message.header_start())?;
        writeln!(self.output, "header")?;
        for (member, name) in Member::ALL.iter().copied().zip(spellings(message.header(), &self.dialect)) {
            let value = match member {
                Member::ByteOrder => header.byte_order().as_str().into(),
                Member::ContentType => header.content_type().into(),
                Member::ContentEncoding => header.content_encoding().into(),
                _ => Value::from(header.content_length()),
            };
            match name {
                Some(name) => self.member(name, value, "")?,
                None => self.member(member.as_str(), value, " (absent)")?,
            }
        }
        header.extensions().try_for_each(|(name, value)| self.member(name, value, ""))
    }

    fn end(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        self.content(message, header)?;
        self.at(message.end())?;
        writeln!(self.output, "end")
    }

    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()> {
        let Fault { kind, offset, message, header, .. } = fault;
        let (kind, offset) = (*kind, *offset);
        match header {
            None => {
                self.proto_header(message)?;
                self.point(kind, offset, message)?;
            }
            Some(header) if matches!(kind, DecodeErrorKind::Truncated { .. }) => self.content(message, header)?,
            // The content was not wanted.
            Some(_) => {}
        }
        if let Some(hint) = fault.hint().filter(|_| self.live.is_none()) {
            writeln!(self.output, "{:LABELS$}{hint}", "")?;
        }
        if self.live.is_none() {
            self.at(offset)?;
            let style = self.styles.error;
            writeln!(self.output, "{style}{}{style:#}: {}", kind.name(), fault.error())?;
            if let Some(line) = fault.line {
                writeln!(self.output, "{:LABELS$}line {line} of the log", "")?;
            }
        }
        match fault.first_bytes() {
            Some(first_bytes) => writeln!(self.output, "{:LABELS$}{first_bytes}", ""),
            None => Ok(()),
        }
    }

    fn finish(&mut self, message: &Message) -> io::Result<()> {
        let messages = message.number - 1;
        let is = |flag: fn(&Live) -> &AtomicBool| self.live.map(|live| flag(live).load(Ordering::Relaxed));
        let what = match (is(|live| &live.is_sent), is(|live| &live.has_ended)) {
            (Some(true), _) if message.start == 0 => return Ok(()),
            (Some(false), Some(false)) if message.start == 0 => "nothing has come",
            (Some(false), Some(false)) => "nothing more has come",
            _ => "end of the stream",
        };
        if self.has_begun || self.direction.is_some() {
            writeln!(self.output)?;
        }
        self.at(message.start)?;
        write!(self.output, "{what}, {}", count(messages, "message"))?;
        match &self.direction {
            Some(direction) => writeln!(self.output, ", of {direction}"),
            None => writeln!(self.output),
        }
    }

    fn skipped(&mut self, offset: u64, length: u64, is_found: bool) -> io::Result<()> {
        self.separate()?;
        self.at(offset)?;
        let length = count(length, "byte");
        if is_found {
            writeln!(self.output, "{length} passed over: a message seems to begin after them, which is a guess")
        } else {
            writeln!(self.output, "{length}, and nothing in them looks like the beginning of a message")
        }
    }

    fn gap(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.separate()?;
        self.at(offset)?;
        let style = self.styles.error;
        let of = self.direction.as_ref().map_or_else(String::new, |direction| format!(" of {direction}"));
        let length = count(length, "byte");
        writeln!(self.output, "{style}gap{style:#}: {length}{of} not captured; the next message is looked for")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Bytes as hex digits, with a space between two of them.
pub(super) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The number, and the word for what there is so much of: `1 byte`, `2 bytes`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
