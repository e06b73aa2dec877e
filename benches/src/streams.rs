//! The streams of messages that are measured.

use jsonframe::{ByteOrder, Header};

/// The content of the golden request: 39 bytes, so that the message has 144.
pub const CONTENT: &[u8] = br#"{"action": "search", "value": "needle"}"#;

/// A message, its header apart from its content.
#[derive(Clone, Debug)]
pub struct Message {
    /// The header, without the proto-header.
    pub header: Vec<u8>,
    /// The content.
    pub content: Vec<u8>,
}

impl Message {
    fn new(header: Header<'_>, content: Vec<u8>) -> Self {
        let mut head = vec![0; header.encoded_len()];
        header.with_byte_order(ByteOrder::Little).encode(&mut head).expect("a header that can be sent");
        Self { header: head.split_off(2), content }
    }

    /// A message of the golden request's kind with content of this length.
    #[must_use]
    pub fn of_length(length: usize) -> Self {
        let content: Vec<u8> = CONTENT.iter().copied().cycle().take(length).collect();
        Self::new(Header::for_json(length as u64), content)
    }
}

/// The golden request, so many times: messages of 144 bytes with equal headers.
#[must_use]
pub fn equal(count: usize) -> Vec<Message> {
    vec![Message::of_length(CONTENT.len()); count]
}

/// Messages that differ in the length of their content, from 0 to 255 bytes at random.
#[must_use]
pub fn varied(count: usize) -> Vec<Message> {
    let mut random = Random(1);
    (0..count).map(|_| Message::of_length(random.below(256))).collect()
}

/// Messages of three kinds and of 0 to 255 bytes of content, at random: hardly a header is like the one before.
#[must_use]
pub fn mixed(count: usize) -> Vec<Message> {
    const KINDS: [(&str, &str); 3] = [
        ("text/json", "utf-8"),
        ("binary/custom-client-binary-type", "binary"),
        ("application/vnd.example.reading", "latin-1"),
    ];
    let mut random = Random(2);
    let mut message = || {
        let (content_type, content_encoding) = KINDS[random.below(KINDS.len())];
        let length = random.below(256);
        let content = vec![b'x'; length];
        Message::new(Header::new(content_type, content_encoding, length as u64), content)
    };
    (0..count).map(|_| message()).collect()
}

/// The messages as they go over the wire.
#[must_use]
pub fn wire(messages: &[Message]) -> Vec<u8> {
    let mut stream = Vec::new();
    for Message { header, content } in messages {
        let length = u16::try_from(header.len()).expect("a header of at most 65,535 bytes");
        stream.extend_from_slice(&length.to_be_bytes());
        stream.extend_from_slice(header);
        stream.extend_from_slice(content);
    }
    stream
}

/// A generator of numbers that are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^= word >> 31;
        usize::try_from(word % end as u64).expect("less than `end`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_request_has_144_bytes() {
        let stream = wire(&equal(2));
        assert_eq!(stream.len(), 288);
        assert!(stream.starts_with(&crate::headers::wire(crate::headers::SEED)));
    }
}
