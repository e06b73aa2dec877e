//! The report as JSON lines, for programs: one object an event.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use jsonframe::{DecodeErrorKind, Header, Value};

use super::Output;
use super::first_bytes::FirstBytes;
use super::message::Message;
use super::report::{Fault, Report};
use crate::capture::log::Counts;
use crate::capture::packets::{Direction, Passed};
use crate::capture::{EndOf, Ended};
use crate::dialect::DialectName;
use crate::text::acts_on_terminal;

/// How much of a content is shown, in bytes.
const SHOWN: usize = 64;

pub(super) struct JsonLines<'a> {
    output: Output<'a>,
    /// The last members of every object.
    last: String,
}

impl<'a> JsonLines<'a> {
    pub(super) fn new(output: Output<'a>, dialect: DialectName, direction: Option<&Direction>) -> io::Result<Self> {
        let mut lines = Self { output, last: last_members(dialect, direction) };
        begin(&mut lines.output, direction, &lines.last)?;
        Ok(lines)
    }
}

impl Report for JsonLines<'_> {
    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        writeln!(self.output, "{}", header_line(message, header, &self.last))
    }

    fn end(&mut self, message: &Message, _: &Header<'_>) -> io::Result<()> {
        let content = &message.content;
        writeln!(
            self.output,
            r#"{{"event":"content","offset":{},"length":{},"hex":"{}"{}{}}}"#,
            message.content_start(),
            content.received,
            hex::encode(&content.kept[..content.kept.len().min(SHOWN)]),
            member("hint", content.hint()),
            self.last,
        )?;
        writeln!(self.output, "{}", end_line(message, &self.last))
    }

    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()> {
        let first_bytes = member("first_bytes", fault.first_bytes.as_ref().map(FirstBytes::as_str));
        let line = fault.line.map_or_else(String::new, |line| format!(r#","line":{line}"#));
        let more = line + &first_bytes + &member("hint", fault.cause.as_ref().map(|cause| &cause.words));
        // What the decoder says of the first bytes, the cause says better.
        let in_brief = || format!("{} (at byte {})", fault.kind, fault.offset);
        let words = if fault.cause.is_some() { in_brief() } else { fault.words.clone() };
        writeln!(self.output, "{}", fault_line(fault.kind, fault.offset, &words, &(more + &self.last)))
    }

    fn finish(&mut self, _: &Message) -> io::Result<()> {
        Ok(())
    }

    fn skipped(&mut self, offset: u64, length: u64, is_found: bool) -> io::Result<()> {
        let last = &self.last;
        writeln!(self.output, r#"{{"event":"skipped","offset":{offset},"length":{length},"found":{is_found}{last}}}"#)
    }

    fn gap(&mut self, offset: u64, length: u64) -> io::Result<()> {
        writeln!(self.output, "{}", gap_line(offset, length, &self.last))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// What every line about a stream ends with: the dialect, unless it is the standard, and which stream of a capture it is.
pub(crate) fn last_members(dialect: DialectName, direction: Option<&Direction>) -> String {
    let dialect = member("dialect", Some(dialect).filter(|dialect| *dialect != DialectName::STANDARD));
    let of = |of: &Direction| format!(r#","connection":{},"direction":"{}""#, of.connection, of.towards.name());
    dialect + &direction.map_or_else(String::new, of)
}

/// Writes the line with which a stream of a capture begins.
pub(crate) fn begin(output: &mut dyn Write, direction: Option<&Direction>, last: &str) -> io::Result<()> {
    let Some(Direction { from, to, is_joined, .. }) = direction else { return Ok(()) };
    let ends = member("from", from.as_ref()) + &member("to", to.as_ref());
    let line = format!(r#"{{"event":"stream"{ends},"begins_anywhere":{is_joined}{last}}}"#);
    writeln!(output, "{}", Harmless(&line))
}

/// The line of the end of a message.
pub(crate) fn end_line(message: &Message, last: &str) -> String {
    format!(r#"{{"event":"end","offset":{}{last}}}"#, message.end())
}

/// The line of bytes that were not captured.
pub(crate) fn gap_line(offset: u64, length: u64, last: &str) -> String {
    format!(r#"{{"event":"gap","offset":{offset},"length":{length}{last}}}"#)
}

/// The line at the end of what holds several streams.
pub(crate) fn ended_line(ended: &Ended) -> String {
    let connections = ended.connections;
    match ended.kind {
        EndOf::Packets(Passed { other, fragments }) => format!(
            r#"{{"event":"capture","connections":{connections},"other_packets":{other},"fragments":{fragments}}}"#
        ),
        EndOf::Log(counts) => log_line(Some(connections), counts),
    }
}

/// The line at the end of a log, which has a number of connections if its lines name them.
pub(crate) fn log_line(connections: Option<u64>, counts: Counts) -> String {
    let Counts { literals, lines, other_lines, given_up } = counts;
    let connections = connections
        .map_or_else(String::new, |connections| format!(r#","connections":{connections},"given_up":{given_up}"#));
    let lines = lines.map_or_else(String::new, |[first, last]| format!(r#","first_line":{first},"last_line":{last}"#));
    format!(r#"{{"event":"log"{connections},"literals":{literals}{lines},"other_lines":{other_lines}}}"#)
}

/// The line of a header, with these members at its end.
pub(crate) fn header_line(message: &Message, header: &Header<'_>, last: &str) -> String {
    let line = format!(
        r#"{{"event":"header","offset":{}{},"header_length":{},"byteorder":{},"content_type":{},"content_encoding":{},"content_length":{},"extensions":{}{last}}}"#,
        message.start,
        member("prefix", Some(message.prefix()).filter(|prefix| !prefix.is_empty()).map(hex::encode)),
        message.header().len(),
        Value::from(header.byte_order().as_str()),
        Value::from(header.content_type()),
        Value::from(header.content_encoding()),
        header.content_length(),
        Extensions(header),
    );
    Harmless(&line).to_string()
}

/// The line of a fault, with these members at its end.
pub(crate) fn fault_line(kind: DecodeErrorKind, offset: u64, words: &str, last: &str) -> String {
    if let DecodeErrorKind::Truncated { missing } = kind {
        return format!(r#"{{"event":"truncated","offset":{offset},"missing":{missing}{last}}}"#);
    }
    let name = kind.name();
    let about = kind.member().map_or_else(String::new, |member| format!(r#","member":"{member}""#));
    let numbers = match kind {
        DecodeErrorKind::HeaderTooLong { length, capacity } => format!(r#","length":{length},"capacity":{capacity}"#),
        DecodeErrorKind::ContentTooLong { length, limit } => format!(r#","length":{length},"limit":{limit}"#),
        DecodeErrorKind::TooDeep { limit } => format!(r#","limit":{limit}"#),
        _ => String::new(),
    };
    let words = quoted(words);
    format!(r#"{{"event":"error","kind":"{name}"{about}{numbers},"offset":{offset},"message":{words}{last}}}"#)
}

/// One more member of an object, if there is something to say in it.
fn member(name: &str, text: Option<impl Display>) -> String {
    text.map_or_else(String::new, |text| format!(r#","{name}":{}"#, quoted(text)))
}

/// The text as a string of JSON.
pub(crate) fn quoted(text: impl Display) -> String {
    Value::from(text.to_string().as_str()).to_string()
}

/// JSON with those characters escaped that would act on a terminal. Beyond ASCII, and DEL, they stand in strings alone.
pub(crate) struct Harmless<'a>(pub(crate) &'a str);

impl Display for Harmless<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let acts = |character| character >= '\u{7F}' && acts_on_terminal(character);
        let mut rest = self.0;
        while let Some((before, character)) =
            rest.find(acts).and_then(|at| Some((&rest[..at], rest[at..].chars().next()?)))
        {
            write!(f, "{before}\\u{:04x}", u32::from(character))?;
            rest = &rest[before.len() + character.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// The extension members as one object; of several with the same name the last, as a receiver goes by it.
pub(crate) struct Extensions<'a>(pub(crate) &'a Header<'a>);

impl Display for Extensions<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let members = || self.0.extensions().enumerate();
        let last: HashMap<&str, usize> = members().map(|(index, (name, _))| (name, index)).collect();
        let mut separator = "{";
        for (index, (name, value)) in members() {
            if last.get(name) == Some(&index) {
                write!(f, "{separator}{}:{value}", Value::from(name))?;
                separator = ",";
            }
        }
        f.write_str(if separator == "{" { "{}" } else { "}" })
    }
}
