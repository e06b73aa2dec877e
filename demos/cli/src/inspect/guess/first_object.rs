//! The JSON object that a capture begins with, to find out what stands before it.

use serde::Serialize;

use super::super::annotate::digits;
use super::super::length::json_end;
use super::super::spelling::names;

/// How many bytes there can be before it.
const BEFORE: usize = 32;

#[derive(Serialize)]
pub(super) struct FirstObject {
    /// Where it is in the capture.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// The bytes before it, as hex.
    pub(super) before: String,
    /// Whether the last of these is the lowest byte of its length, which takes more.
    #[serde(skip)]
    pub(super) is_low_byte: bool,
    /// The names of its members.
    pub(super) has: Vec<String>,
}

impl FirstObject {
    /// How much of a capture has to be known, from its beginning, in bytes.
    pub(super) const WITHIN: usize = BEFORE + 64 * 1024;

    /// The one in a capture of this beginning, if it begins with one.
    pub(super) fn of(beginning: &[u8]) -> Option<Self> {
        let offset = beginning.iter().take(BEFORE).position(|byte| *byte == b'{')?;
        let (before, rest) = beginning.split_at(offset);
        let length = json_end(rest)?;
        Some(Self {
            offset: offset as u64,
            length: length as u64,
            before: digits(before),
            is_low_byte: length > 0xFF && offset > 1 && before.ends_with(&length.to_le_bytes()[..1]),
            has: names(&rest[..length]).into_iter().map(Into::into).collect(),
        })
    }
}
