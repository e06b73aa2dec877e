//! An iterative scanner for JSON (RFC 8259): it accepts or refuses, says where, and copies nothing.
//!
//! The scanner never recurses, so the peer's nesting costs it 64 bits and not the stack, and it looks at every byte once,
//! but for one check of the rest of the header when the first byte beyond ASCII is met.

use crate::DecodeErrorKind;
use crate::run::plain_run;

/// How many objects and arrays of a header may be open at once, the header's own object being the first
/// ([SPEC §6](crate::spec#6-limits)).
pub const MAX_DEPTH: u8 = 64;

/// An error, and the index of the byte at fault in the scanned text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: DecodeErrorKind,
    pub(crate) at: usize,
}

pub(crate) type Result<T> = core::result::Result<T, Fault>;

/// A string of the text, without its quotes.
#[derive(Clone, Copy)]
pub(crate) struct RawString<'a> {
    /// The bytes between the quotes, escapes unresolved.
    pub(crate) bytes: &'a [u8],
    /// The index of the first of them.
    pub(crate) start: usize,
    /// Whether there is an escape among them.
    pub(crate) escaped: bool,
}

/// How far a scanner has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    /// The index of the next byte.
    pub(crate) at: usize,
    /// Everything before this index is known to be UTF-8; 0 until the first byte beyond ASCII is met.
    utf8_before: usize,
}

/// Passes over a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    rest: &'a [u8],
    utf8_before: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self { text, rest: text, utf8_before: 0 }
    }

    /// Goes on where a scanner of this text has come to. What it has passed over may have changed since.
    pub(crate) fn resume(text: &'a [u8], position: Position) -> Self {
        let rest = text.get(position.at..).unwrap_or_default();
        Self { text, rest, utf8_before: position.utf8_before }
    }

    pub(crate) const fn position(&self) -> Position {
        Position { at: self.at(), utf8_before: self.utf8_before }
    }

    /// The index of the next byte.
    pub(crate) const fn at(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }

    /// The next byte.
    pub(crate) const fn peek(&self) -> Option<u8> {
        match self.rest {
            [byte, ..] => Some(*byte),
            [] => None,
        }
    }

    /// What has not been passed over.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Passes over `count` bytes, or what is left of them.
    pub(crate) fn advance(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Passes over the next byte if it is this one.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn skip_whitespace(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// An error about the next byte, or about there being none.
    #[cold]
    pub(crate) fn unexpected(&self, expected: &'static str) -> Fault {
        let found = self.peek().unwrap_or_default();
        self.refused(DecodeErrorKind::UnexpectedByte { found, expected }, expected)
    }

    /// Like [`unexpected`](Self::unexpected), with another kind of error about the next byte.
    ///
    /// Bytes that are not UTF-8 are refused as such wherever they stand.
    #[cold]
    pub(crate) fn refused(&self, kind: DecodeErrorKind, expected: &'static str) -> Fault {
        let kind = match self.peek() {
            None => DecodeErrorKind::UnexpectedEnd { expected },
            Some(found) if found.is_ascii() || utf8_prefix(self.rest) > 0 => kind,
            Some(_) => DecodeErrorKind::NotUtf8,
        };
        Fault { kind, at: self.at() }
    }

    /// Refuses anything but the end.
    pub(crate) fn end(&self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(found) => Err(self.refused(DecodeErrorKind::TrailingData { found }, "")),
        }
    }

    /// Passes over a string, from its opening quote to behind its closing one.
    pub(crate) fn string(&mut self, expected: &'static str) -> Result<RawString<'a>> {
        if !self.take(b'"') {
            return Err(self.unexpected(expected));
        }
        let (start, body) = (self.at(), self.rest);
        let mut escaped = false;
        loop {
            self.advance(plain_run(self.rest));
            match self.rest {
                [b'"', rest @ ..] => {
                    let length = body.len().saturating_sub(self.rest.len());
                    self.rest = rest;
                    return Ok(RawString { bytes: body.get(..length).unwrap_or_default(), start, escaped });
                }
                [b'\\', ..] => {
                    self.escape()?;
                    escaped = true;
                }
                [found @ ..0x20, ..] => {
                    return Err(Fault { kind: DecodeErrorKind::ControlCharacter { found: *found }, at: self.at() });
                }
                [_, ..] => self.beyond_ascii()?,
                [] => return Err(self.unexpected("the string's closing quote")),
            }
        }
    }

    /// Passes over a run of bytes beyond ASCII.
    fn beyond_ascii(&mut self) -> Result<()> {
        let at = self.at();
        if at >= self.utf8_before {
            self.utf8_before = at.saturating_add(utf8_prefix(self.rest));
        }
        let known = self.rest.get(..self.utf8_before.saturating_sub(at)).unwrap_or_default();
        match known.iter().take_while(|byte| !byte.is_ascii()).count() {
            0 => Err(Fault { kind: DecodeErrorKind::NotUtf8, at }),
            run => {
                self.advance(run);
                Ok(())
            }
        }
    }

    /// Passes over an escape, from its backslash.
    fn escape(&mut self) -> Result<()> {
        let backslash = self.at();
        self.advance(1);
        match self.rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => {
                self.rest = rest;
                Ok(())
            }
            [b'u', rest @ ..] => {
                self.rest = rest;
                match self.code_unit(backslash)? {
                    0xD800..=0xDBFF => self.low_surrogate(backslash),
                    0xDC00..=0xDFFF => Err(Fault { kind: DecodeErrorKind::LoneSurrogate, at: backslash }),
                    _ => Ok(()),
                }
            }
            [_, ..] => Err(Fault { kind: DecodeErrorKind::InvalidEscape, at: backslash }),
            [] => Err(self.unexpected("the rest of an escape")),
        }
    }

    /// Passes over the four digits of the escape that begins at `backslash`.
    fn code_unit(&mut self, backslash: usize) -> Result<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else {
                return Err(self.unexpected("the rest of an escape"));
            };
            let Some(digit) = hex_digit(byte) else {
                return Err(Fault { kind: DecodeErrorKind::InvalidEscape, at: backslash });
            };
            unit = unit << 4 | digit;
            self.advance(1);
        }
        Ok(unit)
    }

    /// Passes over the escape of a low surrogate, the second half of the pair that begins at `backslash`.
    fn low_surrogate(&mut self, backslash: usize) -> Result<()> {
        for place in 0..6 {
            match self.peek() {
                Some(byte) if belongs_to_low_surrogate(place, byte) => self.advance(1),
                Some(_) => return Err(Fault { kind: DecodeErrorKind::LoneSurrogate, at: backslash }),
                None => return Err(self.unexpected("the rest of a surrogate pair")),
            }
        }
        Ok(())
    }

    /// Passes over the colon between a member's name and its value, and over the white space around it.
    pub(crate) fn colon(&mut self) -> Result<()> {
        self.skip_whitespace();
        if !self.take(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.skip_whitespace();
        Ok(())
    }

    /// Passes over a value of any type that stands `depth` objects and arrays deep, from its first byte.
    pub(crate) fn value(&mut self, depth: u8) -> Result<()> {
        let mut nesting = Nesting::below(depth);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string("a value")?;
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(opening @ (b'{' | b'[')) => {
                    if !nesting.open(opening == b'{') {
                        return Err(Fault { kind: DecodeErrorKind::TooDeep { limit: MAX_DEPTH }, at: self.at() });
                    }
                    self.advance(1);
                    self.skip_whitespace();
                    match (opening, self.peek()) {
                        (b'{', Some(b'}')) | (b'[', Some(b']')) => {}
                        (b'{', _) => {
                            self.name("a member name or `}`")?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                _ => return Err(self.unexpected("a value")),
            }
            if self.close(&mut nesting)? {
                return Ok(());
            }
        }
    }

    /// Passes over what follows a value, up to the next value of the same nesting: true if there is none.
    fn close(&mut self, nesting: &mut Nesting) -> Result<bool> {
        while let Some(in_object) = nesting.innermost() {
            self.skip_whitespace();
            match (in_object, self.peek()) {
                (true, Some(b'}')) | (false, Some(b']')) => {
                    self.advance(1);
                    nesting.close();
                }
                (true, Some(b',')) => {
                    self.advance(1);
                    self.skip_whitespace();
                    self.name("a member name")?;
                    return Ok(false);
                }
                (false, Some(b',')) => {
                    self.advance(1);
                    self.skip_whitespace();
                    return Ok(false);
                }
                (true, _) => return Err(self.unexpected("`,` or `}`")),
                (false, _) => return Err(self.unexpected("`,` or `]`")),
            }
        }
        Ok(true)
    }

    fn name(&mut self, expected: &'static str) -> Result<()> {
        self.string(expected)?;
        self.colon()
    }

    fn number(&mut self) -> Result<()> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'-') {
                self.take(b'+');
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Passes over one digit or more.
    fn digits(&mut self) -> Result<()> {
        match self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
            0 => Err(self.unexpected("a digit")),
            run => {
                self.advance(run);
                Ok(())
            }
        }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<()> {
        for byte in literal {
            if !self.take(*byte) {
                return Err(self.unexpected("`true`, `false` or `null`"));
            }
        }
        Ok(())
    }
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

pub(crate) fn hex_digit(byte: u8) -> Option<u16> {
    let digit = char::from(byte).to_digit(16)?;
    u16::try_from(digit).ok()
}

/// Whether the byte may stand at this place of `\uDC00` to `\uDFFF`.
const fn belongs_to_low_surrogate(place: u8, byte: u8) -> bool {
    match place {
        0 => byte == b'\\',
        1 => byte == b'u',
        2 => matches!(byte, b'd' | b'D'),
        3 => matches!(byte, b'c'..=b'f' | b'C'..=b'F'),
        _ => byte.is_ascii_hexdigit(),
    }
}

/// How many of the first bytes are well-formed UTF-8.
fn utf8_prefix(bytes: &[u8]) -> usize {
    match core::str::from_utf8(bytes) {
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
        assert_eq!(Scanner::new(at_limit.as_bytes()).value(1), Ok(()));
        assert_eq!(
            Scanner::new(at_limit.as_bytes()).value(2),
            Err(Fault { kind: DecodeErrorKind::TooDeep { limit: 64 }, at: 62 })
        );
    }
}
