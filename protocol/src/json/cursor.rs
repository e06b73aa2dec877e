//! A place in a JSON text, which moves on only over what has been accepted.

use super::swar::{plain_run, run_to};
use super::utf8_prefix;
use crate::DecodeErrorKind;

/// Reads a JSON text from its beginning, and owns all arithmetic on its indices.
///
/// Methods that accept something return it and stand after it. Those that fail return `None`: what is wrong, and that it is
/// wrong where the cursor stands, is kept for [`failure`](Self::failure).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'t> {
    text: &'t [u8],
    /// The text from here on.
    rest: &'t [u8],
    /// The text before this index is known to be UTF-8. 0 until the first byte beyond ASCII.
    utf8: usize,
    failure: Option<DecodeErrorKind>,
}

impl<'t> Cursor<'t> {
    pub(crate) const fn new(text: &'t [u8]) -> Self {
        Self { text, rest: text, utf8: 0, failure: None }
    }

    /// A cursor that stands at this index.
    pub(crate) fn at(text: &'t [u8], at: usize) -> Self {
        Self { rest: text.get(at..).unwrap_or_default(), ..Self::new(text) }
    }

    /// A cursor that stands where `rest` begins, which is the end of the text.
    pub(crate) fn before(text: &'t [u8], rest: &'t [u8]) -> Self {
        Self { rest, ..Self::new(text) }
    }

    /// The index at which the cursor stands.
    pub(crate) const fn offset(&self) -> usize {
        self.text.len().wrapping_sub(self.rest.len())
    }

    /// The text from here on.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) const fn rest(&self) -> &'t [u8] {
        self.rest
    }

    /// The text from this index up to here.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn since(&self, start: usize) -> &'t [u8] {
        self.between(start, self.offset())
    }

    /// The text from one index to another.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn between(&self, start: usize, end: usize) -> &'t [u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Moves on by `count` bytes, all of which must have been looked at.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn bump(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Moves over this byte, if it comes next.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let [first, rest @ ..] = self.rest else { return false };
        if *first == byte {
            self.rest = rest;
        }
        *first == byte
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn skip_whitespace(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Moves over decimal digits, of which there may be none.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn skip_digits(&mut self) {
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Moves over what can stand in a string as it is and is ASCII.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn skip_plain(&mut self) {
        self.bump(plain_run(self.rest));
    }

    /// Moves to the next one of this byte, or to the end.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn skip_to(&mut self, byte: u8) {
        self.bump(run_to(byte, self.rest));
    }

    /// Moves over a run of bytes beyond ASCII.
    #[inline(never)]
    pub(crate) fn beyond_ascii(&mut self) -> Option<()> {
        if self.offset() >= self.utf8 {
            self.utf8 = self.offset().wrapping_add(utf8_prefix(self.rest));
        }
        let known = self.between(self.offset(), self.utf8);
        match known.iter().take_while(|byte| !byte.is_ascii()).count() {
            0 => self.fail(DecodeErrorKind::NotUtf8),
            count => {
                self.bump(count);
                Some(())
            }
        }
    }

    /// Does what is seldom needed, with a copy: so this cursor can stay in registers.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn apart<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        if cfg!(feature = "small") {
            return work(self);
        }
        let mut copy = *self;
        let result = work(&mut copy);
        *self = copy;
        result
    }

    /// Fails for the byte that comes next, or for there being none.
    ///
    /// Bytes that are not UTF-8 are refused as such wherever they stand.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn refuse<T>(&mut self, kind: DecodeErrorKind, expected: &'static str) -> Option<T> {
        self.fail(refused(self.rest, kind, expected))
    }

    /// [`refuse`](Self::refuse) for a byte that the grammar does not allow here.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn unexpected<T>(&mut self, expected: &'static str) -> Option<T> {
        self.fail(unexpected(self.rest, expected))
    }

    /// Fails here.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn fail<T>(&mut self, kind: DecodeErrorKind) -> Option<T> {
        self.failure = Some(kind);
        None
    }

    /// Fails at an index before.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn fail_at<T>(&mut self, at: usize, kind: DecodeErrorKind) -> Option<T> {
        self.rest = self.text.get(at..).unwrap_or_default();
        self.fail(kind)
    }

    /// What is wrong, and where, once something has failed.
    #[cold]
    pub(crate) fn failure(self) -> (DecodeErrorKind, usize) {
        (self.failure.unwrap_or(DecodeErrorKind::NotUtf8), self.offset())
    }
}

#[cold]
#[inline(never)]
fn refused(rest: &[u8], kind: DecodeErrorKind, expected: &'static str) -> DecodeErrorKind {
    match rest.first() {
        None => DecodeErrorKind::UnexpectedEnd { expected },
        Some(found) if found.is_ascii() || utf8_prefix(rest) > 0 => kind,
        Some(_) => DecodeErrorKind::NotUtf8,
    }
}

#[cold]
#[inline(never)]
fn unexpected(rest: &[u8], expected: &'static str) -> DecodeErrorKind {
    let found = rest.first().copied().unwrap_or_default();
    refused(rest, DecodeErrorKind::UnexpectedByte { found, expected }, expected)
}
