//! The message under way, as far as it has come.

use jsonframe::{ByteOrder, DecodeError, Dialect, ProtoHeader};

use super::length::Content;

/// What comes before a header.
#[derive(Clone, Copy)]
pub(crate) struct Framing {
    /// How many bytes come before the proto-header.
    pub(crate) prefix: usize,
    pub(crate) proto_header: ProtoHeader,
}

pub(crate) struct Message {
    /// How many messages have begun, with this one.
    pub(crate) number: u64,
    pub(crate) framing: Framing,
    /// The offset of its first byte in the stream.
    pub(crate) start: u64,
    /// Its prefix, its proto-header and its header: 65,535 bytes and a few at most.
    head: Vec<u8>,
    pub(crate) content: Content,
    /// The content of the message before.
    pub(crate) previous: Option<Content>,
}

impl Message {
    /// The first one, of which nothing has come.
    pub(crate) fn first(framing: Framing) -> Self {
        Self { number: 1, framing, start: 0, head: Vec::new(), content: Content::default(), previous: None }
    }

    /// What comes before the content, as far as it has come.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The prefix, the proto-header and the header, each as far as it has come.
    fn parts(&self) -> [&[u8]; 3] {
        let (prefix, rest) = self.head.split_at(self.head.len().min(self.framing.prefix));
        let (proto_header, header) = rest.split_at(rest.len().min(self.framing.proto_header.len().into()));
        [prefix, proto_header, header]
    }

    pub(crate) fn prefix(&self) -> &[u8] {
        let [prefix, ..] = self.parts();
        prefix
    }

    /// The proto-header, as far as it has come.
    pub(crate) fn proto_header_bytes(&self) -> &[u8] {
        let [_, proto_header, _] = self.parts();
        proto_header
    }

    pub(crate) fn header(&self) -> &[u8] {
        let [.., header] = self.parts();
        header
    }

    /// The offset of the header in the stream.
    pub(crate) fn header_start(&self) -> u64 {
        self.content_start() - self.header().len() as u64
    }

    /// The offset of the content in the stream.
    pub(crate) fn content_start(&self) -> u64 {
        self.start + self.head.len() as u64
    }

    /// The offset after the last byte that has come.
    pub(crate) fn end(&self) -> u64 {
        self.content_start() + self.content.received
    }

    /// Becomes a message that begins at this offset, and that nothing is known to come before.
    pub(crate) fn restart(&mut self, offset: u64) {
        self.start = offset;
        self.head.clear();
        self.content.clear();
        self.previous = None;
    }

    pub(crate) fn receive_head(&mut self, piece: &[u8]) {
        self.head.extend_from_slice(piece);
    }

    /// Becomes the message after this one.
    pub(crate) fn advance(&mut self) {
        self.number += 1;
        self.start = self.end();
        self.head.clear();
        // Both keep the memory they have.
        let mut next = self.previous.take().unwrap_or_default();
        next.clear();
        self.previous = Some(std::mem::replace(&mut self.content, next));
    }
}

impl Framing {
    pub(crate) const fn of(dialect: &Dialect) -> Self {
        Self { prefix: dialect.prefix().len(), proto_header: dialect.proto_header() }
    }

    /// How many bytes come before a header.
    pub(crate) fn len(self) -> usize {
        self.prefix + usize::from(self.proto_header.len())
    }

    /// The length of the header that a proto-header announces, if it is whole.
    pub(crate) fn announced(self, proto_header: &[u8]) -> Option<u32> {
        Some(match self.proto_header {
            ProtoHeader::U8 => u8::from_be_bytes(proto_header.try_into().ok()?).into(),
            ProtoHeader::U16(ByteOrder::Big) => u16::from_be_bytes(proto_header.try_into().ok()?).into(),
            ProtoHeader::U16(ByteOrder::Little) => u16::from_le_bytes(proto_header.try_into().ok()?).into(),
            ProtoHeader::U32(ByteOrder::Big) => u32::from_be_bytes(proto_header.try_into().ok()?),
            ProtoHeader::U32(ByteOrder::Little) => u32::from_le_bytes(proto_header.try_into().ok()?),
        })
    }

    /// The part of a message that is under way, in words: this is its head, and the header may be whole.
    pub(crate) fn part(self, head: &[u8], header_is_whole: bool) -> &'static str {
        match head.len() {
            _ if header_is_whole => "the content",
            length if length < self.prefix => "the prefix",
            length if length < self.len() => "the proto-header",
            _ => "the header",
        }
    }

    /// Whether a message seems to begin here: a prefix of any bytes, a proto-header, and an object that may be so long.
    pub(crate) fn begins_message(self, bytes: &[u8]) -> bool {
        let Some((before, header)) = bytes.split_at_checked(self.len()) else { return false };
        let begins_object = match header.trim_ascii_start() {
            [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [] | [b'"' | b'}', ..]),
            _ => false,
        };
        begins_object
            && self.announced(&before[self.prefix..]).is_some_and(|length| (2..=u16::MAX.into()).contains(&length))
    }
}

/// Where an error is in a stream, of a decoder that began at this offset, and what it says.
pub(crate) fn located(error: &DecodeError, base: u64) -> (u64, String) {
    let (offset, words) = (base + error.offset(), error.to_string());
    let at = |offset| format!("(at byte {offset})");
    (offset, words.replacen(&at(error.offset()), &at(offset), 1))
}
