//! The message under way, as far as it has come.

use jsonframe::{ByteOrder, ProtoHeader};

use super::length::Content;

pub(super) struct Message {
    /// How many messages have begun, with this one.
    pub(super) number: u64,
    /// The form of its proto-header.
    pub(super) proto_header: ProtoHeader,
    /// The offset of its first byte in the stream.
    pub(super) start: u64,
    /// Its proto-header and its header: 65,535 bytes and a few at most.
    head: Vec<u8>,
    pub(super) content: Content,
    /// The content of the message before.
    pub(super) previous: Option<Content>,
}

impl Message {
    /// The first one, of which nothing has come.
    pub(super) fn first(proto_header: ProtoHeader) -> Self {
        Self { number: 1, proto_header, start: 0, head: Vec::new(), content: Content::default(), previous: None }
    }

    /// The proto-header and the header, as far as they have come.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The proto-header, as far as it has come.
    pub(super) fn proto_header_bytes(&self) -> &[u8] {
        &self.head[..self.head.len().min(self.proto_header.len().into())]
    }

    pub(super) fn header(&self) -> &[u8] {
        &self.head[self.proto_header_bytes().len()..]
    }

    /// The offset of the header in the stream.
    pub(super) fn header_start(&self) -> u64 {
        self.start + self.proto_header_bytes().len() as u64
    }

    /// The offset of the content in the stream.
    pub(super) fn content_start(&self) -> u64 {
        self.start + self.head.len() as u64
    }

    /// The offset after the last byte that has come.
    pub(super) fn end(&self) -> u64 {
        self.content_start() + self.content.received
    }

    pub(super) fn receive_head(&mut self, piece: &[u8]) {
        self.head.extend_from_slice(piece);
    }

    /// Becomes the message after this one.
    pub(super) fn advance(&mut self) {
        self.number += 1;
        self.start = self.end();
        self.head.clear();
        // Both keep the memory they have.
        let mut next = self.previous.take().unwrap_or_default();
        next.clear();
        self.previous = Some(std::mem::replace(&mut self.content, next));
    }
}

/// The length of the header that a proto-header of this form announces, if it is whole.
pub(super) fn announced(proto_header: ProtoHeader, bytes: &[u8]) -> Option<u32> {
    Some(match proto_header {
        ProtoHeader::U8 => u8::from_be_bytes(bytes.try_into().ok()?).into(),
        ProtoHeader::U16(ByteOrder::Big) => u16::from_be_bytes(bytes.try_into().ok()?).into(),
        ProtoHeader::U16(ByteOrder::Little) => u16::from_le_bytes(bytes.try_into().ok()?).into(),
        ProtoHeader::U32(ByteOrder::Big) => u32::from_be_bytes(bytes.try_into().ok()?),
        ProtoHeader::U32(ByteOrder::Little) => u32::from_le_bytes(bytes.try_into().ok()?),
    })
}

/// The part of a message that is under way, in words: this is its head, and the header may be whole.
pub(super) fn part(head: &[u8], proto_header: ProtoHeader, header_is_whole: bool) -> &'static str {
    if header_is_whole {
        "the content"
    } else if head.len() < proto_header.len().into() {
        "the proto-header"
    } else {
        "the header"
    }
}

/// Whether a message seems to begin here: a proto-header of this form, and an object that may be so long.
pub(super) fn begins_message(bytes: &[u8], proto_header: ProtoHeader) -> bool {
    let Some((length, header)) = bytes.split_at_checked(proto_header.len().into()) else { return false };
    let begins_object = match header.trim_ascii_start() {
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [] | [b'"' | b'}', ..]),
        _ => false,
    };
    begins_object && announced(proto_header, length).is_some_and(|length| (2..=u16::MAX.into()).contains(&length))
}
