//! What a header that is refused says of its own fault: its length, and the values of its members.

use jsonframe::{ByteOrder, DecodeErrorKind, Member, ProtoHeader};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::length::{Content, json_end};
use super::super::spelling::{members, names};
use super::foreign::notation;
use super::{SHOWN, Suspicion};
use crate::dialect::underscored;
use crate::encoded::other_than_utf8;
use crate::hint::json;
use crate::text::Printable;

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
        let (header, after) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
        let counted = self.counted(announced, header, after);
        let packed = packed(self.message.framing.proto_header);
        (!is_swapped).then(|| {
            format!(
                "the header length is {announced}, but {json}{counted}: struct.pack(\"{packed}\", len(header)) in Python, of the \
                 encoded bytes"
            )
        })
    }

    /// What a header length seems to count that is not the length of this header, after which these bytes come.
    fn counted(&self, announced: u32, header: &[u8], after: &[u8]) -> &'static str {
        let is = |count: usize| usize::try_from(announced) == Ok(count);
        let own = self.message.framing.len();
        let with = |more: u64| usize::try_from(more).is_ok_and(|more| is(header.len().saturating_add(more)));
        let content =
            members::<Value>(header).into_iter().find(|(name, _)| name == self.name_of(Member::ContentLength));
        let content = content.and_then(|(_, value)| value.as_u64());
        let padding = (announced as usize).saturating_sub(header.len());
        if after.get(..padding).is_some_and(|padding| !padding.is_empty() && padding.iter().all(|byte| *byte == 0)) {
            "; it is padded with null bytes, and JSON may be padded with spaces only"
        } else if with(own as u64) {
            "; it seems to count itself too"
        } else if content.is_some_and(|content| with(content) || with(content.saturating_add(own as u64))) {
            "; it seems to count the content too"
        } else if is(members::<IgnoredAny>(header).len()) {
            "; it seems to be the number of the members"
        } else if str::from_utf8(header).is_ok_and(|text| is(text.chars().count())) {
            "; it seems to count characters"
        } else if header.get(..announced as usize).is_some_and(is_without_last) {
            "; it may have been taken before members were added, so encode the header once, then measure it"
        } else {
            ""
        }
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

    /// Whether its byte order is another text than the two that there are.
    pub(super) fn byte_order(&self) -> Option<String> {
        let DecodeErrorKind::InvalidByteOrder = self.kind else { return None };
        let (name, value) = (self.name_of(Member::ByteOrder), self.value(Member::ByteOrder)?);
        Some(format!("{name} is {} and must be \"little\" or \"big\": sys.byteorder in Python", brief(&value)))
    }

    /// Whether a header that seems to be meant as one lacks a member, or has it twice.
    pub(super) fn lacking(&self) -> Option<String> {
        match self.kind {
            DecodeErrorKind::MissingMember { member } => {
                let names = names(self.message.header());
                let is_there = |member: &Member| names.iter().any(|name| spelt_like(name, self.name_of(*member)));
                // What has none of them is another object.
                Member::ALL.iter().any(is_there).then(|| self.missing(&[member]).join("; "))
            }
            DecodeErrorKind::DuplicateMember { member } => Some(format!(
                "the header has {} twice: a dict has each name once, json.dumps(header) in Python",
                self.name_of(member)
            )),
            _ => None,
        }
    }

    /// What is to be said of members that are not there, or only by names that are like their own.
    pub(super) fn missing(&self, members: &[Member]) -> Vec<String> {
        let names = names(self.message.header());
        let similar = |member: Member| names.iter().find(|name| spelt_like(name, self.name_of(member)));
        let misspelt =
            members.iter().copied().find_map(|member| Some((member, similar(member)?))).map(|(member, other)| {
                let (other, name) = (brief(&Value::from(&**other)), self.name_of(member));
                format!(
                    "the header has {other} and no \"{name}\": the name of a member must be the same in every letter"
                )
            });
        let absent: Vec<_> = members.iter().copied().filter(|member| similar(*member).is_none()).collect();
        let listed: Vec<_> = absent.iter().map(|member| self.name_of(*member)).collect();
        let written = |member: &Member| format!("\"{}\": {}", self.name_of(*member), in_python(*member));
        let written: Vec<_> = absent.iter().map(written).collect();
        let absent = (!absent.is_empty()).then(|| {
            format!(
                "the header has no {}, which every header must have: {} in Python",
                listed.join(" and no "),
                written.join(", ")
            )
        });
        misspelt.into_iter().chain(absent).collect()
    }

    /// Whether it is no JSON in UTF-8, but something else that is meant as a header.
    pub(super) fn no_json(&self) -> Option<String> {
        let header = self.message.header();
        match self.kind {
            DecodeErrorKind::ByteOrderMark => Some(json::with_mark("header")),
            DecodeErrorKind::NotUtf8 if header.starts_with(b"{\"") => {
                let at = str::from_utf8(header).err()?.valid_up_to();
                Some(format!(
                    "the header is not UTF-8: byte {:02x} at offset {at} of it: json.dumps(header).encode(\"utf-8\") in Python",
                    header[at]
                ))
            }
            DecodeErrorKind::NotAnObject { found: b'"' } if header.starts_with(b"\"{") => {
                Some("the header is a string that holds JSON: call json.dumps on it once, not twice".into())
            }
            DecodeErrorKind::NotAnObject { .. } => {
                let notation = notation(header)?;
                Some(format!(
                    "the header looks like {notation} and must be JSON: json.dumps(header).encode(\"utf-8\") in Python"
                ))
            }
            DecodeErrorKind::UnexpectedByte { .. }
            | DecodeErrorKind::UnexpectedEnd { .. }
            | DecodeErrorKind::TrailingData { .. } => json::of_text(header, "header"),
            _ => None,
        }
    }

    /// Whether the length is that of the content before it was compressed.
    pub(super) fn compressed(&self) -> Option<String> {
        let (DecodeErrorKind::Truncated { .. }, true) = (self.kind, self.has_header) else { return None };
        let Content { kept, received, announced, .. } = &self.message.content;
        // Data of gzip ends with its length before that, modulo 2^32.
        let (_, size) = kept.split_last_chunk::<4>().filter(|_| kept.starts_with(b"\x1F\x8B"))?;
        let is_size = u64::from(u32::from_le_bytes(*size)) == announced & u64::from(u32::MAX);
        (is_size && self.message.content.is_kept()).then(|| {
            format!(
                "content-length looks like the length before compression: it is {announced}, and {received} bytes of gzip data \
                 have come: len(content) of what is sent, in Python"
            )
        })
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

/// Whether these names are the same but for case, hyphens and underscores.
pub(super) fn spelt_like(name: &str, other: &str) -> bool {
    let letters = |name: &str| name.replace(['-', '_', ' '], "").to_ascii_lowercase();
    letters(name) == letters(other)
}

/// Whether this beginning of a header is as long as the header without its last members.
fn is_without_last(beginning: &[u8]) -> bool {
    let closed = beginning.strip_suffix(b",").map(|members| [members, b"}"].concat());
    closed.is_some_and(|header| json_end(&header) == Some(header.len()))
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

/// JSON, or the beginning of long JSON, that is safe to print.
fn brief(value: &Value) -> String {
    let json = value.to_string();
    let shown: String = json.chars().take(SHOWN).collect();
    format!("{}{}", Printable(&shown), if shown.len() < json.len() { " …" } else { "" })
}

fn of_none(value: &Value) -> &'static str {
    if value.is_null() { " (None in Python becomes null in JSON)" } else { "" }
}
