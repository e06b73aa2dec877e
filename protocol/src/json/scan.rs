//! The grammar of JSON (RFC 8259): each method moves a [`Cursor`] over a part of a text, or says why it is none.

use super::MAX_DEPTH;
use super::cursor::{Cursor, Fault, Result, unexpected};
use super::unescape::spells;
use crate::DecodeErrorKind;

/// Where the text of a string is, between its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawString {
    /// The index after the opening quote.
    pub(crate) start: usize,
    /// The index of the closing quote.
    pub(crate) end: usize,
    /// Whether it has escapes.
    pub(crate) is_escaped: bool,
}

impl Cursor<'_> {
    /// Moves over the end of the text, after which there is nothing.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn end(&mut self) -> Result {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(&DecodeErrorKind::TrailingData { found: 0 }),
        }
    }

    /// Moves over the colon between a name and a value, and over the white space around it.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn colon(&mut self) -> Result {
        if self.separator(b':') { Ok(()) } else { Err(const { &unexpected("`:`") }) }
    }

    /// Moves over a string.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn string(&mut self, expected: Fault) -> Result<RawString> {
        if !self.eat(b'"') {
            return Err(expected);
        }
        let start = self.offset();
        self.skip_plain();
        let is_escaped = if self.eat(b'"') { false } else { self.apart(Self::special_string)? };
        Ok(RawString { start, end: self.offset().wrapping_sub(1), is_escaped })
    }

    /// Moves over the rest of a string, and says whether it has escapes.
    #[inline(never)]
    fn special_string(&mut self) -> Result<bool> {
        self.apart(Self::rest_of_string)
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    fn rest_of_string(&mut self) -> Result<bool> {
        let mut is_escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.bump(1);
                    return Ok(is_escaped);
                }
                Some(b'\\') => {
                    self.escape()?;
                    is_escaped = true;
                }
                Some(..0x20) => return Err(&DecodeErrorKind::ControlCharacter { found: 0 }),
                Some(0x80..) => self.apart(Self::beyond_ascii)?,
                Some(_) => self.skip_plain(),
                None => return Err(const { &unexpected("the string's closing quote") }),
            }
        }
    }

    /// Whether a string that the cursor has moved over is this text, once its escapes are resolved.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn says(&self, string: RawString, text: &str) -> bool {
        let (raw, text) = (self.between(string.start, string.end), text.as_bytes());
        match raw.first() {
            _ if !string.is_escaped => raw == text,
            // Most differ in their first byte.
            Some(first) if *first != b'\\' && text.first() != Some(first) => false,
            _ => spells(raw, text),
        }
    }

    /// Moves over a value of any type, around which `depth` objects and arrays are open.
    #[inline(never)]
    pub(crate) fn value(&mut self, depth: u8) -> Result {
        self.apart(|cursor| cursor.nested_value(depth))
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    fn nested_value(&mut self, depth: u8) -> Result {
        let mut nesting = Nesting::within(depth);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string(VALUE)?;
                }
                Some(opening @ (b'{' | b'[')) => {
                    let is_object = opening == b'{';
                    if !nesting.open(is_object) {
                        return Err(&DecodeErrorKind::TooDeep { limit: MAX_DEPTH });
                    }
                    self.bump(1);
                    if self.peek_token() != Some(if is_object { b'}' } else { b']' }) {
                        if is_object {
                            self.apart(|cursor| cursor.name(FIRST_NAME))?;
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            match self.after_value(&mut nesting)? {
                Next::Member => self.apart(|cursor| cursor.name(NAME))?,
                Next::Element => {}
                Next::End => return Ok(()),
            }
        }
    }

    /// Moves over a member's name and the colon.
    #[inline(never)]
    fn name(&mut self, expected: Fault) -> Result {
        self.string(expected)?;
        self.colon()
    }

    /// Moves over the brackets that close after a value, and over the comma after them.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn after_value(&mut self, nesting: &mut Nesting) -> Result<Next> {
        while let Some(in_object) = nesting.innermost() {
            match self.peek_token() {
                Some(b',') => {
                    self.bump(1);
                    self.skip_whitespace();
                    return Ok(if in_object { Next::Member } else { Next::Element });
                }
                Some(b'}') if in_object => nesting.close(),
                Some(b']') if !in_object => nesting.close(),
                _ if in_object => return Err(COMMA_OR_BRACE),
                _ => return Err(const { &unexpected("`,` or `]`") }),
            }
            self.bump(1);
        }
        Ok(Next::End)
    }

    /// Moves over a number, `true`, `false` or `null`.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn scalar(&mut self) -> Result {
        match self.peek() {
            Some(b'1'..=b'9') => self.number(),
            Some(b'0') => {
                self.bump(1);
                self.fraction()
            }
            Some(b'-') => self.apart(Self::negative),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => Err(VALUE),
        }
    }

    #[inline(never)]
    fn negative(&mut self) -> Result {
        self.bump(1);
        match self.peek() {
            Some(b'0'..=b'9') => self.scalar(),
            _ => Err(DIGIT),
        }
    }

    /// Moves over a number whose first digit stands next and is not 0.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn number(&mut self) -> Result {
        self.bump(1);
        self.skip_digits();
        self.fraction()
    }

    /// Moves over the fraction and the exponent of a number, if it has them.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn fraction(&mut self) -> Result {
        match self.peek() {
            Some(b'.' | b'e' | b'E') => self.apart(Self::fraction_and_exponent),
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn fraction_and_exponent(&mut self) -> Result {
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'-') || self.eat(b'+');
            self.digits()?;
        }
        Ok(())
    }

    /// Moves over one digit or more.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn digits(&mut self) -> Result {
        let start = self.offset();
        self.skip_digits();
        if self.offset() == start { Err(DIGIT) } else { Ok(()) }
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    fn literal(&mut self, literal: &[u8]) -> Result {
        if !cfg!(feature = "small") && self.rest().starts_with(literal) {
            self.bump(literal.len());
            return Ok(());
        }
        self.apart(|cursor| cursor.wrong_literal(literal))
    }

    #[inline(never)]
    fn wrong_literal(&mut self, literal: &[u8]) -> Result {
        for byte in literal {
            if !self.eat(*byte) {
                return Err(const { &unexpected("`true`, `false` or `null`") });
            }
        }
        Ok(())
    }
}

const DIGIT: Fault = &unexpected("a digit");
pub(crate) const VALUE: Fault = &unexpected("a value");
pub(crate) const FIRST_NAME: Fault = &unexpected("a member name or `}`");
pub(crate) const NAME: Fault = &unexpected("a member name");
pub(crate) const COMMA_OR_BRACE: Fault = &unexpected("`,` or `}`");

/// What comes after a value.
enum Next {
    /// A member of an object.
    Member,
    /// An element of an array.
    Element,
    /// Nothing: all brackets are closed.
    End,
}

/// Which of the open brackets are those of objects: a stack of bits, the innermost lowest.
struct Nesting {
    objects: u64,
    open: u8,
    limit: u8,
}

impl Nesting {
    /// No brackets open yet, within `depth` others.
    const fn within(depth: u8) -> Self {
        Self { objects: 0, open: 0, limit: MAX_DEPTH.saturating_sub(depth) }
    }

    /// Opens an object or an array: false if that is one too many.
    #[must_use]
    const fn open(&mut self, object: bool) -> bool {
        if self.open >= self.limit {
            return false;
        }
        self.open = self.open.wrapping_add(1);
        self.objects = self.objects << 1 | object as u64;
        true
    }

    const fn close(&mut self) {
        self.open = self.open.wrapping_sub(1);
        self.objects >>= 1;
    }

    /// Whether the innermost open bracket is that of an object, if one is open.
    const fn innermost(&self) -> Option<bool> {
        if self.open == 0 { None } else { Some(self.objects & 1 == 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_from_the_depth_the_value_stands_at() {
        let at_limit = ["[".repeat(63), "]".repeat(63)].concat();
        let mut cursor = Cursor::new(at_limit.as_bytes());
        assert_eq!((cursor.value(1), cursor.offset()), (Ok(()), 126));
        let mut cursor = Cursor::new(at_limit.as_bytes());
        let fault = cursor.value(2).unwrap_err();
        assert_eq!(cursor.report(fault), (DecodeErrorKind::TooDeep { limit: 64 }, 62));
    }
}
