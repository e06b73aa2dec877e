//! The likely cause of a fault, where it is recognised.

use jsonframe::DecodeErrorKind;

use super::guess::likely;
use super::length::json_end;
use super::message::Message;
use crate::capture::{Format, PRINT_BYTES, Resembled};
use crate::dialect::DialectName;

/// What is known where a stream is at fault.
pub(super) struct Suspicion<'a> {
    pub(super) kind: DecodeErrorKind,
    pub(super) message: &'a Message,
    /// Whether the header was valid.
    pub(super) has_header: bool,
    /// What came after what the message has.
    pub(super) ahead: &'a [u8],
    pub(super) dialect: DialectName,
    pub(super) may_guess: bool,
    pub(super) resembles: Option<Resembled>,
}

/// What to tell about it.
pub(super) fn of(suspicion: &Suspicion<'_>) -> Option<String> {
    suspicion.length().or_else(|| suspicion.header_length()).or_else(|| suspicion.beginning())
}

impl Suspicion<'_> {
    /// Whether the last content length was wrong.
    fn length(&self) -> Option<String> {
        let Message { number, framing, content, previous, .. } = self.message;
        let hint = if self.has_header {
            let ended = matches!(self.kind, DecodeErrorKind::Truncated { .. });
            content.hint(*number, &[], *framing).filter(|_| ended)
        } else {
            previous.as_ref()?.hint(number - 1, &[self.message.head(), self.ahead].concat(), *framing)
        };
        hint.map(|hint| hint.to_string())
    }

    /// Whether a header is there of whose length only the lowest byte was written, as far as it has been read.
    fn header_length(&self) -> Option<String> {
        let Message { framing, .. } = *self.message;
        if self.has_header || framing.proto_header.len() < 2 {
            return None;
        }
        let announced = framing.announced(self.message.proto_header_bytes())?;
        let length = json_end(&[self.message.header(), self.ahead].concat())?;
        (length > 0xFF && u32::try_from(length & 0xFF) == Ok(announced)).then(|| {
            format!(
                "the header looks {length} bytes long: of that number only the lowest byte, {announced}, was written"
            )
        })
    }

    /// Whether it is something else that the stream begins with.
    fn beginning(&self) -> Option<String> {
        if self.has_header || self.message.number > 1 || self.message.start > 0 {
            return None;
        }
        if let Some(Resembled::Format(format)) = self.resembles {
            let what = if format == Format::Pcap { "a capture file" } else { "text that stands for bytes" };
            return Some(format!("this looks like {what}: read it with --format {}", format.name()));
        }
        let stream = [self.message.head(), self.ahead].concat();
        if is_pickle(&stream) {
            return Some("the stream begins like a Python pickle, without a length and a header before it".into());
        }
        if stream.first() == Some(&b'{') && json_end(&stream).is_some() {
            return Some("the stream begins with JSON: there is no length before the header".into());
        }
        let dialect = likely(&stream, self.dialect).filter(|_| self.may_guess).and_then(of_dialect);
        let is_prose = self.resembles == Some(Resembled::Prose);
        dialect.or_else(|| is_prose.then(|| format!("this is text; if a program has printed it, {PRINT_BYTES}")))
    }
}

/// How this dialect differs from the protocol, how to correct that, and the option that accepts it.
pub(crate) fn of_dialect(dialect: DialectName) -> Option<String> {
    let name = dialect.to_string();
    let name = name.strip_prefix("standard,").unwrap_or(&name);
    // What is given on a command line must not be more than one word.
    if !name.chars().all(|character| character.is_alphanumeric() || "-_.,=".contains(character)) {
        return None;
    }
    let cause = match name {
        "u16-le" => {
            "the header length is little-endian, and the protocol's is big-endian: struct.pack(\">H\", n) in Python"
        }
        "u32" | "u32-le" => {
            "the header length has four bytes, and the protocol's has two: struct.pack(\">H\", n) in Python"
        }
        "u8" => "the header length has one byte, and the protocol's has two: struct.pack(\">H\", n) in Python",
        "underscores" => "the names of the members have underscores, and the protocol's have hyphens: content-length",
        _ => "this looks like another dialect",
    };
    Some(format!("{cause}; to accept it as it is: --dialect {name}"))
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
