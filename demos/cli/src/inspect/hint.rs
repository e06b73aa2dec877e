//! The likely cause of a fault, where it is recognised.

mod header;

use jsonframe::{ByteOrder, DecodeErrorKind, Member, ProtoHeader};

use super::first_bytes::FirstBytes;
use super::guess::likely;
use super::length::json_end;
use super::message::Message;
use crate::capture::{Format, PRINT_BYTES, Resembled};
use crate::dialect::{DialectName, underscored};
use crate::hint::Cause;
use crate::text::Printable;

/// How much of JSON, or of a line of text, is shown that is no message, in bytes.
const SHOWN: usize = 60;

/// How much white space is shown that belongs to no message, in bytes.
const STRAY: usize = 8;

/// What is known where a stream is at fault.
pub(super) struct Suspicion<'a> {
    pub(super) kind: DecodeErrorKind,
    /// What the decoder says about it.
    pub(super) words: &'a str,
    pub(super) message: &'a Message,
    /// Whether the header was valid.
    pub(super) has_header: bool,
    /// What came after what the message has.
    pub(super) ahead: &'a [u8],
    pub(super) dialect: DialectName,
    pub(super) may_guess: bool,
    pub(super) resembles: Option<Resembled>,
}

/// The likely cause.
pub(super) fn of(suspicion: &Suspicion<'_>) -> Option<Cause> {
    let stream = suspicion.length().or_else(|| suspicion.stray()).or_else(|| suspicion.lowest_byte());
    let header = || {
        let length = suspicion.content_length().or_else(|| suspicion.header_length());
        length.or_else(|| suspicion.missing()).or_else(|| suspicion.encoding()).map(Cause::of_fault)
    };
    stream.map(Cause::of_fault).or_else(|| suspicion.beginning()).or_else(header)
}

impl Suspicion<'_> {
    /// Whether the last content length was wrong.
    fn length(&self) -> Option<String> {
        let Message { number, framing, content, previous, .. } = self.message;
        let hint = if self.has_header {
            let ended = matches!(self.kind, DecodeErrorKind::Truncated { .. });
            content.length_hint(*number, &[], *framing).filter(|_| ended)
        } else {
            previous.as_ref()?.length_hint(number - 1, &[self.message.head(), self.ahead].concat(), *framing)
        };
        hint.map(|hint| hint.to_string())
    }

    /// Whether white space alone comes after a whole message, and then nothing, or a message.
    fn stray(&self) -> Option<String> {
        let Message { number, framing, previous, .. } = self.message;
        // In other forms a line end may be the length of a short header.
        let is_no_length =
            matches!(framing.proto_header, ProtoHeader::U16(ByteOrder::Big) | ProtoHeader::U32(ByteOrder::Big));
        if previous.is_none() || self.has_header || framing.prefix > 0 || !is_no_length {
            return None;
        }
        let after = [self.message.head(), self.ahead].concat();
        let (blank, rest) = after.split_at(after.len() - after.trim_ascii_start().len());
        if blank.is_empty() || !(rest.iter().all(|byte| *byte == 0) || framing.begins_message(rest)) {
            return None;
        }
        let what = if matches!(blank, b"\n" | b"\r\n") { "a line end" } else { "white space" };
        let shown = &blank[..blank.len().min(STRAY)];
        let left_out = if shown.len() < blank.len() { " …" } else { "" };
        let digits: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(format!(
            "after message {}, which is whole, comes {what} ({}{left_out}) that belongs to no message: do not send b\"{}\"{left_out} \
             after it",
            number - 1,
            digits.join(" "),
            shown.escape_ascii()
        ))
    }

    /// Whether it is something else that the stream begins with.
    fn beginning(&self) -> Option<Cause> {
        if self.has_header || self.message.number > 1 || self.message.start > 0 {
            return None;
        }
        let stream = [self.message.head(), self.ahead].concat();
        let dialect = || {
            let lone = || lone_length(&stream).filter(|_| self.dialect == DialectName::STANDARD);
            likely(&stream, self.dialect).or_else(lone).filter(|_| self.may_guess)
        };
        let other = |words| Some(Cause { words, is_enough: true });
        // Base64 has no spaces, and other text has.
        let is_words = self.resembles == Some(Resembled::Format(Format::Base64)) && first_line(&stream).contains(&b' ');
        if let Some(Resembled::Format(format)) = self.resembles.filter(|_| !is_words) {
            let what = if format == Format::Pcap { "a capture file" } else { "text that stands for bytes" };
            other(format!("this looks like {what}: read it with --format {}", format.name()))
        } else if is_html(&stream) {
            other("this looks like HTML, as servers of HTTP send it".into())
        } else if is_pickle(&stream) {
            other("the stream begins like a Python pickle, without a length and a header before it".into())
        } else if let Some(json) = json_alone(&stream) {
            other(json)
        } else if let Some(dialect) = dialect() {
            self.of_dialect(dialect).map(Cause::of_fault)
        } else {
            self.other_protocol(&stream).and_then(other)
        }
    }

    /// What is to be said of text, and of a protocol that the decoder knows by its first bytes.
    fn other_protocol(&self, stream: &[u8]) -> Option<String> {
        let line = first_line(stream);
        let is_text = line.len() >= 4 && line.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        let name = self.words.rsplit_once(", which looks like ").map(|(_, name)| format!(", which looks like {name}"));
        if is_text && !self.message.framing.begins_message(stream) {
            let is_prose = self.resembles == Some(Resembled::Prose);
            let mend = if is_prose { format!("; if a program has printed it, {PRINT_BYTES}") } else { String::new() };
            Some(format!("this is text, not messages: \"{}\"{}{mend}", line.escape_ascii(), name.unwrap_or_default()))
        } else {
            let first_bytes = FirstBytes::of(stream);
            name.map(|name| {
                format!("these are not messages: the stream begins with \"{}\"{name}", first_bytes.as_str())
            })
        }
    }

    /// How this dialect differs from the protocol, how to correct that, and the option that accepts it.
    fn of_dialect(&self, dialect: DialectName) -> Option<String> {
        let name = dialect.to_string();
        let name = name.strip_prefix("standard,").unwrap_or(&name);
        // What is given on a command line must not be more than one word.
        if !name.chars().all(|character| character.is_alphanumeric() || "-_.,=".contains(character)) {
            return None;
        }
        let cause = match (name, self.kind) {
            ("u16-le", _) => {
                "the header length is little-endian, and the protocol's is big-endian: struct.pack(\">H\", n) in Python"
                    .into()
            }
            ("u32" | "u32-le", _) => {
                "the header length has four bytes, and the protocol's has two: struct.pack(\">H\", n) in Python".into()
            }
            ("u8", _) => {
                "the header length has one byte, and the protocol's has two: struct.pack(\">H\", n) in Python".into()
            }
            ("underscores", _) => {
                let member = self.kind.member().filter(|member| underscored(*member) != member.as_str());
                let member = member.unwrap_or(Member::ContentLength);
                format!(
                    "the names of the members have underscores, and the protocol's have hyphens: {member}, not {}",
                    underscored(member)
                )
            }
            _ => {
                let no_text = self.no_text().filter(|_| dialect.raw_json);
                no_text.or_else(|| self.missing()).unwrap_or_else(|| "this looks like another dialect".into())
            }
        };
        Some(format!("{cause}; to accept it as it is: --dialect {name}"))
    }
}

/// The first line, with its end, or the beginning of a long one.
fn first_line(stream: &[u8]) -> &[u8] {
    let beginning = &stream[..stream.len().min(SHOWN)];
    beginning.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default()
}

fn is_html(stream: &[u8]) -> bool {
    let beginnings: [&[u8]; 2] = [b"<!doctype html", b"<html"];
    let begins = |with: &[u8]| stream.get(..with.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(with));
    beginnings.into_iter().any(begins)
}

/// What is to be said of JSON with nothing before it, or of how Python shows its bytes: a header, or content alone.
fn json_alone(stream: &[u8]) -> Option<String> {
    let literal = [b"b'", b"b\""].into_iter().any(|quote| stream.starts_with(quote) && stream[2..].starts_with(b"{"));
    let json = if literal {
        stream.split(|byte| *byte == b'\n').next()?
    } else {
        stream.get(..json_end(stream).filter(|_| stream[0] == b'{')?)?
    };
    let is_header = json.windows(16).any(|name| name == b"\"content-length\"");
    let shown = String::from_utf8_lossy(&json[..json.len().min(SHOWN)]);
    let left_out = if json.len() > SHOWN { " …" } else { "" };
    let lacks = if is_header {
        "a header, without its length before it: struct.pack(\">H\", len(header)) in Python"
    } else {
        "without a length and a header before it: sock.sendall(struct.pack(\">H\", len(header)) + header + content) in Python"
    };
    Some(format!("the stream begins with JSON, {lacks}; it is {}{left_out}", Printable(&shown)))
}

/// The dialect of a header length of four bytes, of which nothing else has come: many programs send it by itself.
fn lone_length(stream: &[u8]) -> Option<DialectName> {
    let is_length = |length: u32| (2..=u16::MAX.into()).contains(&length);
    let bytes = stream.try_into().ok()?;
    let order = [(u32::from_be_bytes(bytes), ByteOrder::Big), (u32::from_le_bytes(bytes), ByteOrder::Little)];
    let (_, order) = order.into_iter().find(|(length, _)| is_length(*length))?;
    Some(DialectName { proto_header: ProtoHeader::U32(order), ..DialectName::STANDARD })
}

/// Whether these bytes begin like a pickle of a protocol that has a mark.
pub(super) fn is_pickle(bytes: &[u8]) -> bool {
    match bytes {
        [0x80, 4 | 5, 0x95, ..] => true,
        // Older ones have no frame: a container, a text or a global comes next.
        [0x80, 2 | 3, next, ..] => b"}](cXUK)Jc".contains(next),
        _ => false,
    }
}
