//! What begins like no message: text, other protocols, JSON and other data that lack what comes before them.

use std::io::Read;

use jsonframe::{ByteOrder, Member, ProtoHeader};

use super::super::first_bytes::FirstBytes;
use super::super::length::json_end;
use super::super::message::Framing;
use super::super::spelling::names;
use super::header::spelt_like;
use super::{SHOWN, Suspicion};
use crate::capture::{self, Format, PRINT_BYTES, Resembled, Source};
use crate::dialect::{Absent, DialectName, usual};
use crate::text::Printable;

/// How a program in Python sends a message.
const SEND: &str = "sock.sendall(struct.pack(\">H\", len(header)) + header + content) in Python";

/// How many bytes there can be before JSON or other data that is looked for.
const BEFORE: usize = 32;

impl Suspicion<'_> {
    /// What else than messages the stream is.
    pub(super) fn no_messages(&self, stream: &[u8]) -> Option<String> {
        if let Some(words) = printed_length(stream) {
            return Some(words);
        }
        // Base64 has no spaces, and other text has.
        let is_words = self.resembles == Some(Resembled::Format(Format::Base64)) && first_line(stream).contains(&b' ');
        if let Some(Resembled::Format(format)) = self.resembles.filter(|_| !is_words) {
            let what = if format == Format::Pcap { "a capture file" } else { "text that stands for bytes" };
            return Some(format!("this looks like {what}: read it with --format {}", format.name()));
        }
        if is_html(stream) {
            return Some("this looks like HTML, as servers of HTTP send it".into());
        }
        json_alone(stream, self.message.framing)
            .or_else(|| length_in_digits(stream, self.message.framing))
            .or_else(|| packed(stream))
            .or_else(|| self.written(stream))
            .or_else(|| self.greeting(stream))
    }

    /// Whether the bytes of a message are written down as text.
    fn written(&self, stream: &[u8]) -> Option<String> {
        if !first_line(stream).is_ascii() || stream.contains(&0) {
            return None;
        }
        let begins_message = |bytes: &[u8]| self.message.framing.begins_message(bytes);
        let stands_for_message = |format: &Format| {
            let mut text = stream;
            let Ok(Source::Stream { bytes, .. }) = capture::open(&mut text, *format, &begins_message) else {
                return false;
            };
            let mut beginning = Vec::new();
            // What is wrong further on is nothing else.
            let _ = bytes.take(SHOWN as u64).read_to_end(&mut beginning);
            begins_message(&beginning)
        };
        let (what, mend) = match [Format::Hex, Format::Python, Format::Base64].into_iter().find(stands_for_message)? {
            Format::Hex => ("in hex digits", "data, not data.hex(), in Python"),
            Format::Python => ("as Python prints its bytes", "data, not str(data) or repr(data), in Python"),
            _ => ("in base64", "data, not base64.b64encode(data), in Python"),
        };
        Some(format!("this looks like a message {what}: send the bytes themselves: {mend}"))
    }

    /// Whether a line of text comes before a message.
    fn greeting(&self, stream: &[u8]) -> Option<String> {
        let (line, rest) = stream.split_at(first_line(stream).len());
        let is_greeting =
            line.ends_with(b"\n") && is_text(line) && !is_field(line) && self.message.framing.begins_message(rest);
        is_greeting.then(|| {
            format!(
                "a line of text comes before the first message, \"{}\": leave it out, for the protocol has no greeting",
                line.escape_ascii()
            )
        })
    }

    /// What is to be said of text, and of a protocol that the decoder knows by its first bytes.
    pub(super) fn other_protocol(&self, stream: &[u8]) -> Option<String> {
        let line = first_line(stream);
        let name = self.looks_like.map(|name| format!(", which looks like {name}"));
        if line.len() >= 4 && is_text(line) && !self.message.framing.begins_message(stream) {
            let is_prose = self.resembles == Some(Resembled::Prose);
            let mend = match name {
                _ if is_prose => format!("; if a program has printed it, {PRINT_BYTES}"),
                Some(_) => String::new(),
                None if is_field(line) => {
                    "; HTTP and the protocols of language servers have such fields: a message begins with the length of its \
                     header in two bytes, and its header is JSON"
                        .into()
                }
                None => "; a message begins with the length of its header in two bytes, and no greeting comes before it".into(),
            };
            let line = String::from_utf8_lossy(line);
            Some(format!("this is text, not messages: \"{}\"{}{mend}", line.escape_debug(), name.unwrap_or_default()))
        } else {
            let first_bytes = FirstBytes::of(stream);
            name.map(|name| {
                format!("these are not messages: the stream begins with \"{}\"{name}", first_bytes.as_str())
            })
        }
    }
}

/// The first line, with its end, or the beginning of a long one.
fn first_line(stream: &[u8]) -> &[u8] {
    let beginning = &stream[..stream.len().min(SHOWN)];
    beginning.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// Whether it is text, of which the last character may be cut in two.
fn is_text(line: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    !line.iter().any(is_control) && str::from_utf8(line).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Whether it is a field of a header as HTTP has them.
fn is_field(line: &[u8]) -> bool {
    let name = b"content-length:";
    line.get(..name.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(name))
}

fn is_html(stream: &[u8]) -> bool {
    let beginnings: [&[u8]; 2] = [b"<!doctype html", b"<html"];
    let begins = |with: &[u8]| stream.get(..with.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(with));
    beginnings.into_iter().any(begins)
}

/// What is to be said of a header, as text or as Python shows bytes, after the bytes of its length as Python shows them.
fn printed_length(stream: &[u8]) -> Option<String> {
    let (quote, rest) = stream.strip_prefix(b"b")?.split_first().filter(|(quote, _)| b"'\"".contains(quote))?;
    let end = rest.iter().take(BEFORE).skip(1).position(|byte| byte == quote)? + 1;
    let header = &rest[end + 1..];
    let header = header.strip_prefix(b"b'").unwrap_or(header);
    let is_header = header.starts_with(b"{") && header.windows(11).any(|name| name == b"\"byteorder\"");
    is_header.then(|| {
        let length = Printable(&String::from_utf8_lossy(&stream[..end + 3])).to_string();
        format!(
            "the header length is sent as Python prints bytes, {length}: add bytes to bytes, \
             struct.pack(\">H\", n) + header.encode() in Python, not an f-string or str()"
        )
    })
}

/// What is to be said of JSON with nothing before it, or of how Python shows its bytes: a header, or content alone.
fn json_alone(stream: &[u8], framing: Framing) -> Option<String> {
    let literal = [b"b'", b"b\""].into_iter().any(|quote| stream.starts_with(quote) && stream[2..].starts_with(b"{"));
    let json = if literal {
        stream.split(|byte| *byte == b'\n').next()?
    } else {
        stream.get(..json_end(stream).filter(|_| stream[0] == b'{')?)?
    };
    let is_header = json.windows(16).any(|name| name == b"\"content-length\"");
    if !is_header && framing.begins_message(&stream[json.len()..]) {
        return Some(content_first());
    }
    let shown = String::from_utf8_lossy(&json[..json.len().min(SHOWN)]);
    let left_out = if json.len() > SHOWN { " …" } else { "" };
    let after = &stream[json.len()..];
    let has_line = !literal && [&b"\n"[..], b"\r\n"].into_iter().any(|end| after.starts_with(end));
    let line = if has_line { ", and with a line end after it, but this protocol has no lines" } else { "" };
    let lacks = if is_header {
        "a header, without its length before it: struct.pack(\">H\", len(header)) in Python".into()
    } else {
        format!("without a length and a header before it{line}: {SEND}")
    };
    Some(format!("the stream begins with JSON, {lacks}; it is {}{left_out}", Printable(&shown)))
}

/// What is to be said of JSON whose length comes before it in decimal digits.
fn length_in_digits(stream: &[u8], framing: Framing) -> Option<String> {
    let at = stream.iter().take(BEFORE).position(|byte| *byte == b'{')?;
    let (before, rest) = stream.split_at(at);
    let json = rest.get(..json_end(rest)?)?;
    let before = str::from_utf8(before).ok()?;
    let number = before.trim_end_matches(|character: char| character.is_ascii_whitespace() || character == ':');
    let is_number = !number.is_empty() && number.trim_start().bytes().all(|byte| byte.is_ascii_digit());
    // The number need not be right; two digits may be the length of a very long header.
    if !is_number || framing.announced(before.as_bytes()).is_some_and(|length| length as usize == json.len()) {
        return None;
    }
    let digits = before.escape_debug();
    let is_netstring = before.ends_with(':') && rest.get(json.len()) == Some(&b',');
    let form = if is_netstring { ", as in a netstring" } else { "" };
    Some(if is_header(json) {
        format!(
            "the header length is written in decimal digits{form}, \"{digits}\", and the protocol's is two bytes: \
             struct.pack(\">H\", len(header)) in Python, not str(len(header))"
        )
    } else {
        format!(
            "the stream begins with JSON after its length in decimal digits{form}, \"{digits}\", without a header: {SEND}"
        )
    })
}

/// What is to be said of data in another notation than JSON, with or without a length before it.
fn packed(stream: &[u8]) -> Option<String> {
    let (length, notation) = [0, 1, 2, 4, 8].into_iter().find_map(|length| {
        let data = stream.get(length..)?;
        let halves = stream[..length].split_at(length / 2);
        // No length is so large that all of its bytes count.
        let is_length = length <= 2 || [halves.0, halves.1].iter().any(|half| half.iter().all(|byte| *byte == 0));
        notation(data).filter(|_| is_length).map(|notation| (length, notation))
    })?;
    Some(match length {
        0 => format!("the stream begins like {notation}, without a length and a header before it: {SEND}"),
        _ => format!(
            "{length} bytes that may be a length come before what looks like {notation}, without a header of JSON: {SEND}"
        ),
    })
}

/// What this is, if it begins like data in a notation for the same things as JSON.
pub(super) fn notation(bytes: &[u8]) -> Option<&'static str> {
    let is_name = |bytes: &[u8], length: u8| {
        let name = bytes.get(..length.into()).unwrap_or_default();
        length > 0 && !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    match bytes {
        _ if is_pickle(bytes) => Some("a Python pickle"),
        [0x81..=0x8F, name @ 0xA1..=0xBF, rest @ ..] if is_name(rest, name & 0x1F) => Some("MessagePack"),
        [0xA1..=0xB7, name @ 0x61..=0x77, rest @ ..] if is_name(rest, name & 0x1F) => Some("CBOR"),
        _ => None,
    }
}

/// What is to be said of JSON that is no header where one is expected, and the dialect in which such JSON is a message.
pub(super) fn headerless(stream: &[u8]) -> Option<(String, Option<DialectName>)> {
    let forms = [
        (ProtoHeader::STANDARD, ">H"),
        (ProtoHeader::U32(ByteOrder::Big), ">I"),
        (ProtoHeader::U32(ByteOrder::Little), "<I"),
        (ProtoHeader::U16(ByteOrder::Little), "<H"),
    ];
    forms.into_iter().find_map(|(proto_header, packed)| {
        let framing = Framing { prefix: 0, proto_header };
        let (length, rest) = stream.split_at_checked(framing.len())?;
        let (json, after) = rest.split_at(json_end(rest).filter(|_| rest.starts_with(b"{"))?);
        if is_header(json) || json == b"{}" {
            return None;
        }
        let header = after.get(..json_end(after).unwrap_or_default()).filter(|json| is_header(json));
        if header.is_some() {
            return Some((content_first(), None));
        }
        let is_its_length = usize::try_from(framing.announced(length)?) == Ok(json.len());
        let is_all = after.is_empty() || framing.begins_message(after);
        let mut dialect = DialectName { proto_header, ..DialectName::STANDARD };
        for member in Member::ALL.iter().copied() {
            dialect.departure_mut(member).absent = Some(Absent { stand_in: usual(member), is_omitted: true });
        }
        (is_its_length && is_all).then(|| {
            let words = format!(
                "the stream is JSON after its length in {} bytes ({packed}), without a header: {SEND}",
                proto_header.len()
            );
            (words, Some(dialect))
        })
    })
}

fn content_first() -> String {
    format!("the content comes before the header, and after its length must come the header: {SEND}")
}

/// Whether this JSON has a member that only headers have, by a name like it.
fn is_header(json: &[u8]) -> bool {
    let names = names(json);
    Member::ALL.iter().copied().any(|member| names.iter().any(|name| spelt_like(name, member.as_str())))
}

/// Whether these bytes begin like a pickle of a protocol that has a mark.
pub(in super::super) fn is_pickle(bytes: &[u8]) -> bool {
    match bytes {
        [0x80, 4 | 5, 0x95, ..] => true,
        // Older ones have no frame: a container, a text or a global comes next.
        [0x80, 2 | 3, next, ..] => b"}](cXUK)Jc".contains(next),
        _ => false,
    }
}
