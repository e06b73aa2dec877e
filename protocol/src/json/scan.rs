//! The grammar of JSON (RFC 8259): each method moves a [`Cursor`] over a part of a text, or says why it is none.

use super::MAX_DEPTH;
use super::cursor::Cursor;
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
    pub(crate) fn end(&mut self) -> Option<()> {
        match self.peek() {
            None => Some(()),
            Some(found) => self.refuse(DecodeErrorKind::TrailingData { found }, "only white space"),
        }
    }

    /// Moves over the colon between a name and a value, and over the white space around it.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn colon(&mut self) -> Option<()> {
        self.skip_whitespace();
        if !self.eat(b':') {
            return self.unexpected("`:`");
        }
        self.skip_whitespace();
        Some(())
    }

    /// Moves over a string.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn string(&mut self, expected: &'static str) -> Option<RawString> {
        if !self.eat(b'"') {
            return self.unexpected(expected);
        }
        let start = self.offset();
        self.skip_plain();
        let mut string = RawString { start, end: self.offset(), is_escaped: false };
        if !self.eat(b'"') {
            string.is_escaped = self.apart(Self::special_string)?;
            string.end = self.offset().wrapping_sub(1);
        }
        Some(string)
    }

    /// Moves over the rest of a string, and says whether it has escapes.
    #[inline(never)]
    fn special_string(&mut self) -> Option<bool> {
        self.apart(Self::rest_of_string)
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    fn rest_of_string(&mut self) -> Option<bool> {
        let mut is_escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.bump(1);
                    return Some(is_escaped);
                }
                Some(b'\\') => {
                    self.escape()?;
                    is_escaped = true;
                }
                Some(found @ ..0x20) => return self.fail(DecodeErrorKind::ControlCharacter { found }),
                Some(0x80..) => self.apart(Self::beyond_ascii)?,
                Some(_) => self.skip_plain(),
                None => return self.unexpected("the string's closing quote"),
            }
        }
    }

    /// Moves over a value of any type, around which `depth` objects and arrays are open.
    #[inline(never)]
    pub(crate) fn value(&mut self, depth: u8) -> Option<()> {
        self.apart(|cursor| cursor.nested_value(depth))
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    fn nested_value(&mut self, depth: u8) -> Option<()> {
        let mut nesting = Nesting::within(depth);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string("a value")?;
                }
                Some(opening @ (b'{' | b'[')) => {
                    let is_object = opening == b'{';
                    if !nesting.open(is_object) {
                        return self.fail(DecodeErrorKind::TooDeep { limit: MAX_DEPTH });
                    }
                    self.bump(1);
                    self.skip_whitespace();
                    match self.peek() {
                        Some(b'}') if is_object => {}
                        Some(b']') if !is_object => {}
                        _ if is_object => {
                            self.name("a member name or `}`")?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                _ => self.scalar()?,
            }
            match self.after_value(&mut nesting)? {
                Next::Member => self.name("a member name")?,
                Next::Element => {}
                Next::End => return Some(()),
            }
        }
    }

    /// Moves over the brackets that close after a value, and over the comma after them.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn after_value(&mut self, nesting: &mut Nesting) -> Option<Next> {
        while let Some(in_object) = nesting.innermost() {
            self.skip_whitespace();
            match self.peek() {
                Some(b',') => {
                    self.bump(1);
                    self.skip_whitespace();
                    return Some(if in_object { Next::Member } else { Next::Element });
                }
                Some(b'}') if in_object => nesting.close(),
                Some(b']') if !in_object => nesting.close(),
                _ if in_object => return self.unexpected("`,` or `}`"),
                _ => return self.unexpected("`,` or `]`"),
            }
            self.bump(1);
        }
        Some(Next::End)
    }

    /// Moves over a member's name and the colon.
    fn name(&mut self, expected: &'static str) -> Option<()> {
        self.string(expected)?;
        self.colon()
    }

    /// Moves over a number, `true`, `false` or `null`.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn scalar(&mut self) -> Option<()> {
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => self.unexpected("a value"),
        }
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    fn number(&mut self) -> Option<()> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        match self.peek() {
            Some(b'.' | b'e' | b'E') => self.apart(Self::fraction_and_exponent),
            _ => Some(()),
        }
    }

    #[inline(never)]
    fn fraction_and_exponent(&mut self) -> Option<()> {
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'-') || self.eat(b'+');
            self.digits()?;
        }
        Some(())
    }

    /// Moves over one digit or more.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn digits(&mut self) -> Option<()> {
        let start = self.offset();
        self.skip_digits();
        if self.offset() == start { self.unexpected("a digit") } else { Some(()) }
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        for byte in literal {
            if !self.eat(*byte) {
                return self.unexpected("`true`, `false` or `null`");
            }
        }
        Some(())
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_from_the_depth_the_value_stands_at() {
        let at_limit = ["[".repeat(63), "]".repeat(63)].concat();
        let mut cursor = Cursor::new(at_limit.as_bytes());
        assert_eq!((cursor.value(1), cursor.offset()), (Some(()), 126));
        let mut cursor = Cursor::new(at_limit.as_bytes());
        assert_eq!(cursor.value(2), None);
        assert_eq!(cursor.failure(), (DecodeErrorKind::TooDeep { limit: 64 }, 62));
    }
}
