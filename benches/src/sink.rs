//! What becomes of what a decoder finds, ours or a peer's.
//!
//! Every side of a comparison hands all that it found to a [`Sink`]. There are two: [`Record`] keeps everything, so that
//! the two sides can be compared; [`Glance`] is what time is taken with, and does as little as can be without the
//! optimiser seeing that the work is for nothing.

use std::hint::black_box;

use jsonframe::ByteOrder;

/// The four required members of a header.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// `byteorder`
    pub byte_order: ByteOrder,
    /// `content-type`
    pub content_type: &'a str,
    /// `content-encoding`
    pub content_encoding: &'a str,
    /// `content-length`
    pub content_length: u64,
}

/// Takes what a decoder finds.
pub trait Sink {
    /// A header has come.
    fn head(&mut self, head: &Head<'_>);
    /// The header has this extension; its value may be a text or a natural number.
    fn extension(&mut self, name: &str, text: Option<&str>, number: Option<u64>);
    /// A piece of content has come.
    fn content(&mut self, piece: &[u8]);
    /// The message is whole.
    fn end(&mut self);
    /// A whole message has come, header and content in one, of which nothing has been parsed.
    fn frame(&mut self, frame: &[u8]);
    /// A proto-header and a header have been encoded.
    fn encoded(&mut self, head: &[u8]);
    /// A number has been worked out.
    fn number(&mut self, number: u64);
}

/// Looks at everything but for a moment, and adds up what it saw: lengths, numbers and the first byte of each text, the
/// first and the last byte of content. So nothing of the work is for nothing, and the optimiser has to leave it.
#[derive(Debug, Default)]
pub struct Glance {
    /// A sum that is the same for the same work.
    pub sum: u64,
}

impl Glance {
    /// One addition for all that is seen at once, so that the sums do not wait for each other.
    #[inline]
    fn add<const N: usize>(&mut self, seen: [u64; N]) {
        self.sum = self.sum.wrapping_add(seen.into_iter().fold(0, u64::wrapping_add));
    }
}

/// The first byte.
#[inline]
fn first(bytes: &[u8]) -> u64 {
    bytes.first().copied().unwrap_or_default().into()
}

/// The last byte.
#[inline]
fn last(bytes: &[u8]) -> u64 {
    bytes.last().copied().unwrap_or_default().into()
}

impl Sink for Glance {
    #[inline]
    fn head(&mut self, head: &Head<'_>) {
        let (content_type, content_encoding) = (head.content_type.as_bytes(), head.content_encoding.as_bytes());
        self.add([
            head.byte_order as u64,
            content_type.len() as u64,
            first(content_type),
            content_encoding.len() as u64,
            first(content_encoding),
            head.content_length,
        ]);
    }

    #[inline]
    fn extension(&mut self, name: &str, text: Option<&str>, number: Option<u64>) {
        let (name, text) = (name.as_bytes(), text.unwrap_or_default().as_bytes());
        self.add([name.len() as u64, first(name), text.len() as u64, first(text), number.unwrap_or_default()]);
    }

    #[inline]
    fn content(&mut self, piece: &[u8]) {
        self.add([piece.len() as u64, first(piece), last(piece)]);
    }

    #[inline]
    fn end(&mut self) {
        self.add([1]);
    }

    #[inline]
    fn frame(&mut self, frame: &[u8]) {
        self.content(frame);
    }

    #[inline]
    fn encoded(&mut self, head: &[u8]) {
        // The bytes in between were written for somebody, too.
        self.content(black_box(head));
    }

    #[inline]
    fn number(&mut self, number: u64) {
        self.add([number]);
    }
}

/// Keeps everything, but for the cuts in the content.
#[derive(Debug, Default)]
pub struct Record {
    seen: Vec<Seen>,
    /// The last piece of content and its checksum: content is often the same piece again and again.
    last: (Vec<u8>, u64),
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The four required members of a header.
    Head {
        /// Whether `byteorder` is `little`.
        little: bool,
        /// `content-type`
        content_type: String,
        /// `content-encoding`
        content_encoding: String,
        /// `content-length`
        content_length: u64,
    },
    /// An extension member.
    Extension {
        /// Its name.
        name: String,
        /// Its value, if that is a text.
        text: Option<String>,
        /// Its value, if that is a natural number.
        number: Option<u64>,
    },
    /// All the content of a message; none if there is none.
    Content {
        /// How many bytes.
        length: u64,
        /// What they come to.
        checksum: u64,
    },
    /// The message is whole.
    End,
    /// A number.
    Number(u64),
}

impl Record {
    /// What was found.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// A header's JSON, read by `serde_json`; returns what stands behind it.
    fn json<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<serde_json::Value>();
        let header = values.next().expect("a header").expect("a header of JSON");
        let text = |name: &str| header[name].as_str().expect("a text").to_owned();
        self.seen.push(Seen::Head {
            little: text("byteorder") == "little",
            content_type: text("content-type"),
            content_encoding: text("content-encoding"),
            content_length: header["content-length"].as_u64().expect("a natural number"),
        });
        &bytes[values.byte_offset()..]
    }
}

impl Sink for Record {
    fn head(&mut self, head: &Head<'_>) {
        self.seen.push(Seen::Head {
            little: head.byte_order == ByteOrder::Little,
            content_type: head.content_type.to_owned(),
            content_encoding: head.content_encoding.to_owned(),
            content_length: head.content_length,
        });
    }

    fn extension(&mut self, name: &str, text: Option<&str>, number: Option<u64>) {
        self.seen.push(Seen::Extension { name: name.to_owned(), text: text.map(str::to_owned), number });
    }

    fn content(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        if self.last.0 != piece {
            self.last = (piece.to_vec(), checksum(piece));
        }
        let added = self.last.1;
        if let Some(Seen::Content { length, checksum }) = self.seen.last_mut() {
            *length += piece.len() as u64;
            *checksum = checksum.rotate_left(1) ^ added;
        } else {
            self.seen.push(Seen::Content { length: piece.len() as u64, checksum: added });
        }
    }

    fn end(&mut self) {
        self.seen.push(Seen::End);
    }

    fn frame(&mut self, frame: &[u8]) {
        let content = self.json(frame);
        self.content(content);
        self.end();
    }

    fn encoded(&mut self, head: &[u8]) {
        let (length, json) = head.split_first_chunk().expect("a proto-header");
        assert_eq!(usize::from(u16::from_be_bytes(*length)), json.len(), "the header is as long as announced");
        let behind = self.json(json);
        assert_eq!(behind, b"", "there is nothing behind the header");
    }

    fn number(&mut self, number: u64) {
        self.seen.push(Seen::Number(number));
    }
}

/// FNV-1a, which knows every byte and its place.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}
