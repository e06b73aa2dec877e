//! An iterative scanner for JSON (RFC 8259): it accepts or refuses, says where, and copies nothing.
//!
//! Every function passes over a part of a text, from the index `at` on, and returns the index behind that part. The
//! scanner never recurses, so the peer's nesting costs it 64 bits and not the stack, and it looks at every byte once, but
//! for one check of the rest of the text when the first byte beyond ASCII is met.
//!
//! Hints to inline are for large machines alone: on a small one they cost flash and stack, and are followed even where the
//! compiler is asked for size.

use crate::json::fault::{Expected, Fault, FaultKind, Result};
use crate::json::swar::plain_run;
use crate::json::unescape::escape;

/// How many objects and arrays of a header may be open at once, the header's own object being the first
/// ([SPEC §6](crate::spec#6-limits)).
pub const MAX_DEPTH: u8 = 64;

/// An error about the byte at this index, or about there being none.
#[cold]
pub(crate) fn unexpected(text: &[u8], at: usize, expected: Expected) -> Fault {
    let found = text.get(at).copied().unwrap_or_default();
    refused(text, at, FaultKind::UnexpectedByte(found, expected), expected)
}

/// Like [`unexpected`], with another kind of error about the byte.
///
/// Bytes that are not UTF-8 are refused as such wherever they stand.
#[cold]
pub(crate) fn refused(text: &[u8], at: usize, kind: FaultKind, expected: Expected) -> Fault {
    let kind = match text.get(at) {
        None => FaultKind::UnexpectedEnd(expected),
        Some(found) if found.is_ascii() || utf8_prefix(text, at) > 0 => kind,
        Some(_) => FaultKind::NotUtf8,
    };
    Fault { kind, at }
}

/// Refuses anything but the end.
pub(crate) fn end(text: &[u8], at: usize) -> Result<()> {
    match text.get(at) {
        None => Ok(()),
        Some(found) => Err(refused(text, at, FaultKind::TrailingData(*found), Expected::Nothing)),
    }
}

/// The index of the first byte that is not white space.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn skip_whitespace(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(at) {
        at = at.wrapping_add(1);
    }
    at
}

/// Passes over the colon between a member's name and its value, and over the white space around it.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn colon(text: &[u8], at: usize) -> Result<usize> {
    let at = skip_whitespace(text, at);
    match text.get(at) {
        Some(b':') => Ok(skip_whitespace(text, at.wrapping_add(1))),
        _ => Err(unexpected(text, at, Expected::Colon)),
    }
}

/// How much of a text is known to be UTF-8.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf8 {
    /// Everything before this index is; 0 until the first byte beyond ASCII is met.
    before: usize,
}

/// What stands between the quotes of a string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawString {
    /// The index behind the opening quote.
    pub(crate) start: usize,
    /// The index of the closing quote.
    pub(crate) end: usize,
}

impl RawString {
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn bytes(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// The beginning of a string, from its opening quote on: up to its closing quote, or to the first byte that is special in
/// another way.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn open_string(text: &[u8], at: usize, expected: Expected) -> Result<RawString> {
    let Some([b'"', body @ ..]) = text.get(at..) else {
        return Err(unexpected(text, at, expected));
    };
    let start = at.wrapping_add(1);
    Ok(RawString { start, end: start.wrapping_add(plain_run(body)) })
}

/// Passes over a string, from its opening quote on.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn string(text: &[u8], at: usize, expected: Expected, utf8: &mut Utf8) -> Result<usize> {
    let string = open_string(text, at, expected)?;
    match text.get(string.end) {
        Some(b'"') => Ok(string.end.wrapping_add(1)),
        _ => special_string(text, string.end, utf8),
    }
}

/// Passes over the rest of a string.
#[inline(never)]
fn special_string(text: &[u8], mut at: usize, utf8: &mut Utf8) -> Result<usize> {
    loop {
        at = match text.get(at) {
            Some(b'"') => return Ok(at.wrapping_add(1)),
            Some(b'\\') => escape(text, at)?.1,
            Some(found @ ..0x20) => return Err(FaultKind::ControlCharacter(*found).at(at)),
            Some(0x80..) => beyond_ascii(text, at, utf8)?,
            Some(_) => at.wrapping_add(plain_run(text.get(at..).unwrap_or_default())),
            None => return Err(unexpected(text, at, Expected::ClosingQuote)),
        }
    }
}

/// Passes over a run of bytes beyond ASCII.
pub(crate) fn beyond_ascii(text: &[u8], at: usize, utf8: &mut Utf8) -> Result<usize> {
    if at >= utf8.before {
        utf8.before = at.wrapping_add(utf8_prefix(text, at));
    }
    let known = text.get(at..utf8.before).unwrap_or_default();
    match known.iter().take_while(|byte| !byte.is_ascii()).count() {
        0 => Err(FaultKind::NotUtf8.at(at)),
        run => Ok(at.wrapping_add(run)),
    }
}

/// Passes over a value of any type that stands `depth` objects and arrays deep, from its first byte.
pub(crate) fn value(text: &[u8], mut at: usize, depth: u8, utf8: &mut Utf8) -> Result<usize> {
    let mut nesting = Nesting::below(depth);
    loop {
        at = match text.get(at) {
            Some(b'"') => string(text, at, Expected::Value, utf8)?,
            Some(opening @ (b'{' | b'[')) => {
                let is_object = *opening == b'{';
                if !nesting.open(is_object) {
                    return Err(FaultKind::TooDeep.at(at));
                }
                at = skip_whitespace(text, at.wrapping_add(1));
                match text.get(at) {
                    Some(b'}') if is_object => at,
                    Some(b']') if !is_object => at,
                    _ if is_object => {
                        at = name(text, at, Expected::FirstMember, utf8)?;
                        continue;
                    }
                    _ => continue,
                }
            }
            _ => scalar(text, at)?,
        };
        match behind_value(text, at, &mut nesting)? {
            Next::Member(next) => at = name(text, next, Expected::Member, utf8)?,
            Next::Element(next) => at = next,
            Next::End(behind) => return Ok(behind),
        }
    }
}

/// What comes behind a value, and its index.
enum Next {
    /// A member of an object.
    Member(usize),
    /// An element of an array.
    Element(usize),
    /// Nothing: all brackets are closed.
    End(usize),
}

/// Passes over the brackets that close behind a value, and over the comma behind them.
#[cfg_attr(not(feature = "small"), inline)]
fn behind_value(text: &[u8], mut at: usize, nesting: &mut Nesting) -> Result<Next> {
    while let Some(in_object) = nesting.innermost() {
        at = skip_whitespace(text, at);
        match text.get(at) {
            Some(b',') => {
                let next = skip_whitespace(text, at.wrapping_add(1));
                return Ok(if in_object { Next::Member(next) } else { Next::Element(next) });
            }
            Some(b'}') if in_object => nesting.close(),
            Some(b']') if !in_object => nesting.close(),
            _ if in_object => return Err(unexpected(text, at, Expected::CommaOrBrace)),
            _ => return Err(unexpected(text, at, Expected::CommaOrBracket)),
        }
        at = at.wrapping_add(1);
    }
    Ok(Next::End(at))
}

/// Passes over a member's name and the colon.
fn name(text: &[u8], at: usize, expected: Expected, utf8: &mut Utf8) -> Result<usize> {
    let behind = string(text, at, expected, utf8)?;
    colon(text, behind)
}

/// Passes over a value that is a number, `true`, `false` or `null`.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn scalar(text: &[u8], at: usize) -> Result<usize> {
    match text.get(at) {
        Some(b'-' | b'0'..=b'9') => number(text, at),
        Some(b't') => literal(text, at, b"true"),
        Some(b'f') => literal(text, at, b"false"),
        Some(b'n') => literal(text, at, b"null"),
        _ => Err(unexpected(text, at, Expected::Value)),
    }
}

fn number(text: &[u8], at: usize) -> Result<usize> {
    let mut at = match text.get(at) {
        Some(b'-') => at.wrapping_add(1),
        _ => at,
    };
    at = match text.get(at) {
        Some(b'0') => at.wrapping_add(1),
        _ => digits(text, at)?,
    };
    if let Some(b'.') = text.get(at) {
        at = digits(text, at.wrapping_add(1))?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let exponent = at.wrapping_add(1);
        at = match text.get(exponent) {
            Some(b'-' | b'+') => digits(text, exponent.wrapping_add(1))?,
            _ => digits(text, exponent)?,
        };
    }
    Ok(at)
}

/// Passes over one digit or more.
#[cfg_attr(not(feature = "small"), inline)]
fn digits(text: &[u8], first: usize) -> Result<usize> {
    let mut at = first;
    while let Some(b'0'..=b'9') = text.get(at) {
        at = at.wrapping_add(1);
    }
    if at == first { Err(unexpected(text, at, Expected::Digit)) } else { Ok(at) }
}

fn literal(text: &[u8], mut at: usize, literal: &[u8]) -> Result<usize> {
    for byte in literal {
        if text.get(at) != Some(byte) {
            return Err(unexpected(text, at, Expected::Literal));
        }
        at = at.wrapping_add(1);
    }
    Ok(at)
}

/// Which of the open brackets are those of objects: a stack of bits, the innermost lowest.
struct Nesting {
    objects: u64,
    open: u8,
    room: u8,
}

impl Nesting {
    /// No brackets open yet, inside `depth` others.
    const fn below(depth: u8) -> Self {
        Self { objects: 0, open: 0, room: MAX_DEPTH.saturating_sub(depth) }
    }

    /// Opens an object or an array: false if that is one too many.
    #[must_use]
    const fn open(&mut self, object: bool) -> bool {
        if self.open >= self.room {
            return false;
        }
        self.open = self.open.saturating_add(1);
        self.objects = self.objects << 1 | object as u64;
        true
    }

    const fn close(&mut self) {
        self.open = self.open.saturating_sub(1);
        self.objects >>= 1;
    }

    /// Whether the innermost open bracket is that of an object, if one is open.
    const fn innermost(&self) -> Option<bool> {
        if self.open == 0 { None } else { Some(self.objects & 1 == 1) }
    }
}

/// How many bytes from this index on are well-formed UTF-8.
fn utf8_prefix(text: &[u8], at: usize) -> usize {
    match core::str::from_utf8(text.get(at..).unwrap_or_default()) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_from_the_depth_the_value_stands_at() {
        let at_limit = ["[".repeat(63), "]".repeat(63)].concat();
        let scan = |depth| value(at_limit.as_bytes(), 0, depth, &mut Utf8::default());
        assert_eq!(scan(1), Ok(126));
        assert_eq!(scan(2), Err(FaultKind::TooDeep.at(62)));
    }
}
