//! The likely cause of a fault, where it is recognised.

mod dialect;
mod foreign;
mod header;

use jsonframe::{ByteOrder, DecodeErrorKind, ProtoHeader};

use self::dialect::{accepted, lone_length};
use self::foreign::headerless;
use super::guess::likely;
use super::message::Message;
use crate::capture::Resembled;
use crate::dialect::DialectName;
use crate::hint::Cause;

pub(super) use self::foreign::is_pickle;

/// How much of JSON, or of a line of text, is shown that is no message, in bytes.
const SHOWN: usize = 60;

/// How much white space is shown that belongs to no message, in bytes.
const STRAY: usize = 8;

/// What is known where a stream is at fault.
pub(super) struct Suspicion<'a> {
    pub(super) kind: DecodeErrorKind,
    /// What the stream begins with, as far as the decoder knows it.
    pub(super) looks_like: Option<&'static str>,
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
        let value = || suspicion.byte_order().or_else(|| suspicion.no_text()).or_else(|| suspicion.lacking());
        let json = || suspicion.encoding().or_else(|| suspicion.no_json());
        length.or_else(value).or_else(json).or_else(|| suspicion.compressed()).map(Cause::of_fault)
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

    /// Whether white space alone comes after a whole message, and then nothing, or a message; or null bytes and a message.
    fn stray(&self) -> Option<String> {
        let Message { number, framing, previous, .. } = self.message;
        // In other forms a line end may be the length of a short header.
        let is_no_length =
            matches!(framing.proto_header, ProtoHeader::U16(ByteOrder::Big) | ProtoHeader::U32(ByteOrder::Big));
        if previous.is_none() || self.has_header || framing.prefix > 0 || !is_no_length {
            return None;
        }
        let after = [self.message.head(), self.ahead].concat();
        let (mut blank, rest) = after.split_at(after.len() - after.trim_ascii_start().len());
        let is_stray = !blank.is_empty() && (rest.iter().all(|byte| *byte == 0) || framing.begins_message(rest));
        if !is_stray {
            // The first byte of most messages is one too.
            if framing.begins_message(&after) {
                return None;
            }
            let nulls = after.iter().take(STRAY).take_while(|byte| **byte == 0).count();
            let count = (1..=nulls).find(|count| framing.begins_message(&after[*count..]))?;
            blank = &after[..count];
        }
        let what = match blank {
            b"\n" | b"\r\n" => "a line end",
            [0] => "a null byte",
            [0, ..] => "null bytes",
            _ => "white space",
        };
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
        let other = |words| Cause { words, is_enough: true };
        let headerless = || {
            let (words, dialect) = headerless(&stream)?;
            let option = dialect.filter(|dialect| *dialect != self.dialect && self.may_guess);
            let option = option.map_or_else(String::new, |dialect| format!("; {}", accepted(dialect)));
            Some(Cause::of_fault(words + &option))
        };
        let dialect = || {
            let lone = || lone_length(&stream).filter(|_| self.dialect == DialectName::STANDARD);
            let dialect = likely(&stream, self.dialect).or_else(lone).filter(|_| self.may_guess)?;
            self.of_dialect(dialect, &stream).map(Cause::of_fault)
        };
        let cause = self.no_messages(&stream).map(other).or_else(headerless).or_else(dialect);
        cause.or_else(|| self.other_protocol(&stream).map(other))
    }
}
