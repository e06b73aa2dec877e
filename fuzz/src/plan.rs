//! The messages that a side of a transport is to send.

use std::sync::LazyLock;

use jsonframe_std::protocol::{ByteOrder, Header};

use crate::input::Input;

/// A message that is to be sent, and how it is handed over.
#[derive(Clone, Debug)]
pub struct Planned {
    number: usize,
    name: String,
    length: usize,
    /// Which of the three ways it is handed over in.
    pub how: u8,
}

impl Planned {
    pub fn new(input: &mut Input<'_>, number: usize) -> Self {
        let length = match (input.byte(), input.byte()) {
            (0..32, _) => 0,
            (32..200, length) => length.into(),
            // Longer than what is read ahead, and up to longer than what is copied.
            (times, length) => usize::from(times - 199) * 350 + usize::from(length),
        };
        Self { number, name: number.to_string(), length, how: u8::try_from((length + number) % 3).unwrap_or_default() }
    }

    /// Its own part of the bytes that all contents are taken from.
    pub fn content(&self) -> &'static [u8] {
        static BYTES: LazyLock<Vec<u8>> =
            LazyLock::new(|| (0..0x6000_u32).map(|n| ((n * n) >> 7).to_le_bytes()[0]).collect());
        let start = 97 * self.number;
        &BYTES[start..start + self.length]
    }

    pub fn header(&self) -> Header<'_> {
        let kind = if self.length % 5 == 0 { "binary/x" } else { "text/json" };
        Header::new(kind, &self.name, self.length as u64).with_byte_order(ByteOrder::Little)
    }

    pub fn encoded_len(&self) -> usize {
        self.header().encoded_len() + self.length
    }

    /// How many bytes the part under way lacks, of a message of which so many have come.
    pub fn missing(&self, come: usize) -> usize {
        let head = self.header().encoded_len();
        match come {
            0 | 1 => 2 - come,
            _ if come < head => head - come,
            _ => head + self.length - come,
        }
    }
}
