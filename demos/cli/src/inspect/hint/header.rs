//! What a header that is refused says of its own fault: its length, and the values of its members.

use jsonframe::{ByteOrder, DecodeErrorKind, Member, ProtoHeader};
use serde_json::Value;

use super::super::length::json_end;
use super::super::spelling::{members, names};
use super::{SHOWN, Suspicion};
use crate::dialect::underscored;
use crate::encoded::other_than_utf8;

impl Suspicion<'_> {
    /// How long the header is by its proto-header, and how long its JSON is, as far as it has been read.
    fn header_lengths(&self) -> Option<(u32, usize)> {
        let announced =
            self.message.framing.announced(self.message.proto_header_bytes()).filter(|_| !self.has_header)?;
        Some((announced, json_end(&[self.message.header(), self.ahead].concat())?))
    }

    /// Whether a header is there of whose length only the lowest byte was written.
    pub(super) fn lowest_byte(&self) -> Option<String> {
        let (announced, length) = self.header_lengths().filter(|_| self.message.framing.proto_header.len() >= 2)?;
        (length > 0xFF && u32::try_from(length & 0xFF) == Ok(announced)).then(|| {
            format!(
                "the header looks {length} bytes long: of that number only the lowest byte, {announced}, was written"
            )
        })
    }

    /// Whether a header is there that is longer or shorter than its length says.
    pub(super) fn header_length(&self) -> Option<String> {
        let may_explain = matches!(
            self.kind,
            DecodeErrorKind::TrailingData { .. }
                | DecodeErrorKind::UnexpectedEnd { .. }
                | DecodeErrorKind::NotUtf8
                | DecodeErrorKind::Truncated { .. }
        );
        let (announced, length) = self.header_lengths().filter(|_| may_explain)?;
        let bytes = [self.message.header(), self.ahead].concat();
        let is_header = names(bytes.get(..length)?).iter().any(|name| name == self.name_of(Member::ContentLength));
        let length = u32::try_from(length).ok().filter(|length| is_header && *length != announced)?;
        let is_swapped = u16::try_from(length).is_ok_and(|length| u32::from(length.swap_bytes()) == announced);
        let json = if announced > length {
            format!("the header's JSON ends after {length} bytes")
        } else {
            format!("the header's JSON goes on after that, and is {length} bytes long")
        };
        let packed = packed(self.message.framing.proto_header);
        (!is_swapped).then(|| {
            format!(
                "the header length is {announced}, but {json}: struct.pack(\"{packed}\", len(header)) in Python, of the \
                 encoded bytes"
            )
        })
    }

    fn name_of(&self, member: Member) -> &'static str {
        self.dialect.departure(member).name
    }

    /// The value of a member.
    fn value(&self, member: Member) -> Option<Value> {
        let names = [self.name_of(member), underscored(member)];
        let mut members = members::<Value>(self.message.header()).into_iter();
        members.find(|(name, _)| names.iter().any(|known| name == known)).map(|(_, value)| value)
    }

    /// Whether its content length is no whole number.
    pub(super) fn content_length(&self) -> Option<String> {
        let DecodeErrorKind::InvalidContentLength = self.kind else { return None };
        let value = self.value(Member::ContentLength)?;
        let name = self.name_of(Member::ContentLength);
        Some(match &value {
            Value::String(text) => match text.trim().parse::<u64>() {
                Ok(number) => format!(
                    "{name} is the string {} and must be a number, {number}, without quotes: len(content) in Python, not \
                     str(len(content))",
                    brief(&value)
                ),
                Err(_) => {
                    format!("{name} is the string {} and must be a number: len(content) in Python", brief(&value))
                }
            },
            _ => format!(
                "{name} is {} and must be a whole number, not below 0 and without a point: len(content) in Python{}",
                brief(&value),
                of_none(&value)
            ),
        })
    }

    /// Whether it is in another encoding than UTF-8.
    pub(super) fn encoding(&self) -> Option<String> {
        let may_explain = matches!(
            self.kind,
            DecodeErrorKind::NotUtf8 | DecodeErrorKind::NotAnObject { .. } | DecodeErrorKind::UnexpectedByte { .. }
        );
        let name = other_than_utf8(self.message.header()).filter(|_| may_explain && !self.has_header)?;
        Some(format!("the header looks like {name} and must be UTF-8: json.dumps(header).encode(\"utf-8\") in Python"))
    }

    /// Whether a member is missing, or is there by nearly its name.
    pub(super) fn missing(&self) -> Option<String> {
        let DecodeErrorKind::MissingMember { member } = self.kind else { return None };
        let letters = |name: &str| name.replace(['-', '_', ' '], "").to_ascii_lowercase();
        let known = names(self.message.header());
        let similar = |name: &str| known.iter().find(|other| letters(other) == letters(name));
        let name = self.name_of(member);
        match similar(name) {
            Some(other) => {
                let other = brief(&Value::from(&**other));
                Some(format!(
                    "the header has {other} and no \"{name}\": the name of a member must be the same in every letter"
                ))
            }
            // What has none of them is another object.
            None => Member::ALL.iter().any(|member| similar(self.name_of(*member)).is_some()).then(|| {
                format!(
                    "the header has no {name}, which every header must have: \"{name}\": {} in Python",
                    in_python(member)
                )
            }),
        }
    }

    /// Whether a member that must be text is other JSON.
    pub(super) fn no_text(&self) -> Option<String> {
        let DecodeErrorKind::WrongType { member } = self.kind else { return None };
        let value = self.value(member)?;
        let example = match member {
            Member::ContentType => "\"text/json\"",
            Member::ContentEncoding => "\"utf-8\"",
            _ => "\"little\"",
        };
        let name = self.name_of(member);
        Some(format!("{name} is {} and must be a string, such as {example}{}", brief(&value), of_none(&value)))
    }
}

/// How a program in Python should write a member that is missing.
const fn in_python(member: Member) -> &'static str {
    match member {
        Member::ByteOrder => "sys.byteorder",
        Member::ContentType => "\"text/json\"",
        Member::ContentEncoding => "\"utf-8\"",
        _ => "len(content)",
    }
}

/// What Python's module `struct` calls a proto-header.
const fn packed(proto_header: ProtoHeader) -> &'static str {
    match proto_header {
        ProtoHeader::U8 => "B",
        ProtoHeader::U16(ByteOrder::Big) => ">H",
        ProtoHeader::U16(ByteOrder::Little) => "<H",
        ProtoHeader::U32(ByteOrder::Big) => ">I",
        ProtoHeader::U32(ByteOrder::Little) => "<I",
    }
}

/// JSON, or the beginning of long JSON.
fn brief(value: &Value) -> String {
    let json = value.to_string();
    let shown: String = json.chars().take(SHOWN).collect();
    if shown.len() < json.len() { shown + " …" } else { shown }
}

fn of_none(value: &Value) -> &'static str {
    if value.is_null() { " (None in Python becomes null in JSON)" } else { "" }
}
