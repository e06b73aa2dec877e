//! UTF-16 and UTF-32.

use alloc::string::String;
use alloc::vec::Vec;

use super::decoder::Run;
use super::label::{Label, Labels};
use crate::ByteOrder;

/// An encoding in units of two or four bytes, and their byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wide {
    unit: Unit,
    order: ByteOrder,
    /// Whether a byte-order mark may precede the text.
    marked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Two,
    Four,
}

static LABELS: [(Labels, Wide); 6] = {
    use ByteOrder::{Big, Little};
    use Unit::{Four, Two};

    [
        (Labels::new("utf_16", &["u16", "utf16"]), Wide::new(Two, ByteOrder::NATIVE, true)),
        (Labels::new("utf_16_le", &["unicodelittleunmarked", "utf_16le"]), Wide::new(Two, Little, false)),
        (Labels::new("utf_16_be", &["unicodebigunmarked", "utf_16be"]), Wide::new(Two, Big, false)),
        (Labels::new("utf_32", &["u32", "utf32"]), Wide::new(Four, ByteOrder::NATIVE, true)),
        (Labels::new("utf_32_le", &["utf_32le"]), Wide::new(Four, Little, false)),
        (Labels::new("utf_32_be", &["utf_32be"]), Wide::new(Four, Big, false)),
    ]
};

const MARK: char = '\u{FEFF}';

impl Wide {
    const fn new(unit: Unit, order: ByteOrder, marked: bool) -> Self {
        Self { unit, order, marked }
    }

    pub(super) fn for_label(label: &Label) -> Option<Self> {
        LABELS.iter().find(|(labels, _)| label.is_one_of(labels)).map(|(_, wide)| *wide)
    }

    pub(super) const fn name(self) -> &'static str {
        match (self.unit, self.marked, self.order) {
            (Unit::Two, true, _) => "utf-16",
            (Unit::Two, false, ByteOrder::Little) => "utf-16-le",
            (Unit::Two, false, ByteOrder::Big) => "utf-16-be",
            (Unit::Four, true, _) => "utf-32",
            (Unit::Four, false, ByteOrder::Little) => "utf-32-le",
            (Unit::Four, false, ByteOrder::Big) => "utf-32-be",
        }
    }

    pub(super) const fn byte_order(self) -> ByteOrder {
        self.order
    }

    /// Sets the byte order, unless the encoding itself fixes it.
    pub(super) const fn with_byte_order(self, order: ByteOrder) -> Self {
        if self.marked { Self { order, ..self } } else { self }
    }

    /// Returns the length of the byte-order mark at the front of `bytes`, and the encoding of what follows it. `None` if
    /// more bytes are needed to tell.
    pub(super) fn resolve(self, bytes: &[u8]) -> Option<(usize, Self)> {
        if !self.marked {
            return Some((0, self));
        }
        let unmarked = |order| Self { order, marked: false, ..self };
        for order in [ByteOrder::Little, ByteOrder::Big] {
            if unmarked(order).first(bytes)? == u32::from(MARK) {
                return Some((self.width(), unmarked(order)));
            }
        }
        Some((0, unmarked(self.order)))
    }

    const fn width(self) -> usize {
        match self.unit {
            Unit::Two => 2,
            Unit::Four => 4,
        }
    }

    /// Returns the first unit of `bytes`, if it is whole.
    fn first(self, bytes: &[u8]) -> Option<u32> {
        match self.unit {
            Unit::Two => bytes.first_chunk().map(|unit| u32::from(self.unit_16(*unit))),
            Unit::Four => bytes.first_chunk().map(|unit| match self.order {
                ByteOrder::Little => u32::from_le_bytes(*unit),
                ByteOrder::Big => u32::from_be_bytes(*unit),
            }),
        }
    }

    const fn unit_16(self, unit: [u8; 2]) -> u16 {
        match self.order {
            ByteOrder::Little => u16::from_le_bytes(unit),
            ByteOrder::Big => u16::from_be_bytes(unit),
        }
    }

    pub(super) fn decode(self, bytes: &[u8], text: &mut String) -> Run {
        let mut rest = bytes;
        let malformed = loop {
            let Some(unit) = self.first(rest) else { break false };
            let (character, width) = match (self.unit, unit) {
                (Unit::Two, 0xD800..0xDC00) => {
                    let Some(pair) = rest.first_chunk::<4>() else { break false };
                    let [a, b, c, d] = *pair;
                    let units = [self.unit_16([a, b]), self.unit_16([c, d])];
                    (char::decode_utf16(units).next().and_then(Result::ok), 4)
                }
                _ => (char::from_u32(unit), self.width()),
            };
            let (Some(character), Some((_, after))) = (character, rest.split_at_checked(width)) else { break true };
            text.push(character);
            rest = after;
        };
        Run { taken: bytes.len().saturating_sub(rest.len()), malformed }
    }

    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len().saturating_mul(2));
        let mark = self.marked.then_some(MARK);
        for character in mark.into_iter().chain(text.chars()) {
            match (self.unit, self.order) {
                (Unit::Two, order) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        bytes.extend(match order {
                            ByteOrder::Little => unit.to_le_bytes(),
                            ByteOrder::Big => unit.to_be_bytes(),
                        });
                    }
                }
                (Unit::Four, ByteOrder::Little) => bytes.extend(u32::from(character).to_le_bytes()),
                (Unit::Four, ByteOrder::Big) => bytes.extend(u32::from(character).to_be_bytes()),
            }
        }
        bytes
    }
}
