//! The encodings from before Unicode: those of `encoding_rs`, which are the web's, corrected to agree with Python's.

mod several;
mod single;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use encoding_rs::{DecoderResult, Encoding as Web};

use self::several::SEVERAL;
use self::single::SINGLE;
use super::decoder::Run;
use super::label::{Label, Labels};

/// An encoding of the web, except for some byte sequences. All of them are supersets of ASCII.
#[derive(Debug)]
pub(super) struct Legacy {
    name: &'static str,
    labels: Labels,
    web: &'static Web,
    shape: Shape,
    /// The sequences that the web's encoding has and this one lacks, as ranges of the first byte and of the second:
    /// `0xA1A9_40A0` means A1 to A9, followed by 40 to A0.
    without: &'static [u32],
    /// A bit for each first byte in those ranges. The lowest bit is for 80.
    without_firsts: u128,
    /// The sequences, as big-endian numbers, that stand for another character than in the web's encoding, or for one that
    /// the web's encoding spells otherwise.
    with: &'static [(u32, char)],
    /// Whether the bytes from 80 to 9F are the control characters U+0080 to U+009F.
    controls: bool,
}

/// How the length of a character that is not ASCII follows from its first bytes.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// One byte.
    Single,
    /// Two bytes.
    Pairs,
    /// Two bytes. The web's encoding also has sequences of four, whose second byte is a digit.
    Gbk,
    ShiftJis,
    EucJp,
    Gb18030,
}

/// What the next bytes are.
enum Next {
    /// This number of bytes, which the web's encoding decodes or refuses.
    Shared(usize),
    /// This number of bytes, which are another character than in the web's encoding.
    Own(usize, char),
    /// Bytes that are not a character.
    Malformed,
    /// An incomplete character, or the end.
    Incomplete,
}

/// The number of bytes given to the web's decoder at a time.
const STEP: usize = 1024;
/// The number of bytes of text that the web's decoder returns at a time.
const DECODED: usize = 512;

impl Legacy {
    const fn new(name: &'static str, labels: Labels, web: &'static Web, shape: Shape) -> Self {
        Self { name, labels, web, shape, without: &[], without_firsts: 0, with: &[], controls: false }
    }

    const fn without(self, without: &'static [u32]) -> Self {
        let mut without_firsts: u128 = 0;
        let mut rest = without;
        while let [ranges, after @ ..] = rest {
            let [from, to, _, _] = ranges.to_be_bytes();
            // The bits of `from` to `to`, both of which are at least 0x80.
            without_firsts |= u128::MAX << (from & 0x7F) & u128::MAX >> (0x7F & !to);
            rest = after;
        }
        Self { without, without_firsts, ..self }
    }

    const fn with(self, with: &'static [(u32, char)]) -> Self {
        Self { with, ..self }
    }

    const fn with_controls(self) -> Self {
        Self { controls: true, ..self }
    }

    pub(super) fn for_label(label: &Label) -> Option<&'static Self> {
        SINGLE.iter().chain(&SEVERAL).find(|legacy| label.is_one_of(&legacy.labels))
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn decode(&self, bytes: &[u8], text: &mut String) -> Run {
        let mut decoded: usize = 0;
        // The bytes from `decoded` to `seen` are left to the web's decoder.
        let mut seen: usize = 0;
        loop {
            let rest = bytes.get(seen..).unwrap_or_default();
            let next = self.next(rest);
            if let Next::Shared(length) = next {
                seen = seen.saturating_add(length);
                if seen.saturating_sub(decoded) < STEP {
                    continue;
                }
            }
            if let Err(length) = self.decode_shared(bytes.get(decoded..seen).unwrap_or_default(), text) {
                return Run { taken: decoded.saturating_add(length), malformed: true };
            }
            match next {
                Next::Shared(_) => {}
                Next::Own(length, character) => {
                    text.push(character);
                    seen = seen.saturating_add(length);
                }
                Next::Malformed => return Run { taken: seen, malformed: true },
                Next::Incomplete => return Run { taken: seen, malformed: false },
            }
            decoded = seen;
        }
    }

    fn next(&self, bytes: &[u8]) -> Next {
        let Some(first) = bytes.first() else { return Next::Incomplete };
        if first.is_ascii() {
            let ascii = bytes.iter().take(STEP).position(|byte| !byte.is_ascii());
            return Next::Shared(ascii.unwrap_or(bytes.len().min(STEP)));
        }
        if self.controls && *first < 0xA0 {
            return Next::Own(1, char::from(*first));
        }
        let Some(length) = self.shape.length(bytes) else { return Next::Incomplete };
        let Some((sequence, _)) = bytes.split_at_checked(length) else { return Next::Incomplete };
        let number = sequence.iter().fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
        if let Some((_, character)) = self.with.iter().find(|(own, _)| *own == number) {
            return Next::Own(length, *character);
        }
        let second = if length == 2 { sequence.last().copied().unwrap_or_default() } else { 0 };
        if self.is_without(*first, second) { Next::Malformed } else { Next::Shared(length) }
    }

    fn is_without(&self, first: u8, second: u8) -> bool {
        if matches!(self.shape, Shape::Gbk) && second.is_ascii_digit() {
            return true;
        }
        self.without_firsts >> (first & 0x7F) & 1 == 1
            && self.without.iter().any(|ranges| {
                let [from, to, second_from, second_to] = ranges.to_be_bytes();
                (from..=to).contains(&first) && (second_from..=second_to).contains(&second)
            })
    }

    /// Decodes by the web's encoding. The error is the offset of the first malformed byte.
    fn decode_shared(&self, bytes: &[u8], text: &mut String) -> Result<(), usize> {
        let mut decoder = self.web.new_decoder_without_bom_handling();
        let mut taken: usize = 0;
        // Not into `text` directly: each call would initialise all of its spare capacity.
        let mut decoded = [0; DECODED];
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut decoded, true);
            taken = taken.saturating_add(read);
            let decoded = decoded.get(..written).unwrap_or_default();
            text.push_str(core::str::from_utf8(decoded).unwrap_or_default());
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, beyond) => {
                    return Err(taken.saturating_sub(usize::from(length)).saturating_sub(usize::from(beyond)));
                }
            }
        }
    }

    /// Encodes a text. The error is the offset of the first character that the encoding lacks.
    pub(super) fn encode<'t>(&self, text: &'t str) -> Result<Cow<'t, [u8]>, usize> {
        let (bytes, _, unmappable) = self.web.encode(text);
        if !unmappable && self.decodes_to(&bytes, text) {
            return Ok(bytes);
        }
        let mut bytes = Vec::with_capacity(text.len());
        for (offset, character) in text.char_indices() {
            self.encode_character(character, &mut bytes).ok_or(offset)?;
        }
        Ok(bytes.into())
    }

    fn encode_character(&self, character: char, bytes: &mut Vec<u8>) -> Option<()> {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() || self.controls && byte < 0xA0 => {
                bytes.push(byte);
                return Some(());
            }
            _ => {}
        }
        if let Some((own, _)) = self.with.iter().find(|(_, own)| *own == character) {
            bytes.extend(own.to_be_bytes().iter().skip_while(|byte| **byte == 0));
            return Some(());
        }
        let mut buffer = [0; 4];
        let text = character.encode_utf8(&mut buffer);
        let (sequence, _, unmappable) = self.web.encode(text);
        if unmappable || !self.decodes_to(&sequence, text) {
            return None;
        }
        bytes.extend_from_slice(&sequence);
        Some(())
    }

    /// Returns whether `bytes` decode to `text`.
    fn decodes_to(&self, bytes: &[u8], text: &str) -> bool {
        let mut decoded = String::new();
        let run = self.decode(bytes, &mut decoded);
        run.taken == bytes.len() && decoded == text
    }
}

impl Shape {
    /// Returns the length of the first character, which is not ASCII, or `None` if more bytes are needed to tell.
    fn length(self, bytes: &[u8]) -> Option<usize> {
        let (first, second) = (*bytes.first()?, bytes.get(1));
        Some(match (self, first) {
            (Self::Single, _) | (Self::ShiftJis, 0x80 | 0xA0..=0xDF | 0xFD..) => 1,
            (Self::EucJp, 0x8F) => 3,
            (Self::Gb18030, _) if second?.is_ascii_digit() => 4,
            _ => 2,
        })
    }
}

/// Compares names, which are unique.
impl PartialEq for Legacy {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Legacy {}

impl Hash for Legacy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
