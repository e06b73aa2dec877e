//! A place in a JSON text, which moves on only over what has been accepted.

use super::swar::{plain_before, plain_run, run_to};
use super::utf8_prefix;
use crate::DecodeErrorKind;

/// Reads a JSON text from its beginning, and owns all arithmetic on its indices.
///
/// Methods that accept something return it and stand after it. Those that fail return what is wrong where the cursor stands,
/// for [`report`](Self::report).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    /// The text before this index is known to be UTF-8. 0 until the first byte beyond ASCII.
    utf8: usize,
}

/// What is wrong, in one register. What stands there is not in it: [`Cursor::report`] puts it in.
pub(crate) type Fault = &'static DecodeErrorKind;

pub(crate) type Result<T = (), F = Fault> = core::result::Result<T, F>;

/// The fault of a byte that the grammar does not allow, or of there being none, where it allows this.
pub(crate) const fn unexpected(expected: &'static str) -> DecodeErrorKind {
    DecodeErrorKind::UnexpectedByte { found: 0, expected }
}

impl<'t> Cursor<'t> {
    pub(crate) const fn new(text: &'t [u8]) -> Self {
        Self::at(text, 0)
    }

    /// A cursor that stands at this index.
    pub(crate) const fn at(text: &'t [u8], at: usize) -> Self {
        Self { text, at, utf8: 0 }
    }

    /// A cursor that stands at this index of a text that is known to be UTF-8 from there on, so that it is not checked again.
    pub(crate) const fn in_utf8(text: &'t [u8], at: usize) -> Self {
        Self { text, at, utf8: text.len() }
    }

    /// The index at which the cursor stands.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// The text from here on.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
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
        self.text.get(self.at).copied()
    }

    /// Moves on by `count` bytes, all of which must have been looked at.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) const fn bump(&mut self, count: usize) {
        self.at = self.at.wrapping_add(count);
    }

    /// Moves over this byte, if it comes next.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.bump(1);
        }
        is_next
    }

    /// Moves over this separator, if it comes next, and over white space around it.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn separator(&mut self, byte: u8) -> bool {
        // This is nearly always what is there. One comparison is a branch that the processor predicts, so that the next
        // position does not wait for these bytes.
        match self.text.get(self.at..) {
            Some([next, b'!'..=u8::MAX, _, ..]) if *next == byte && !cfg!(feature = "small") => {
                self.bump(1);
                return true;
            }
            Some([next, b' ', b'!'..=u8::MAX, ..]) if *next == byte && !cfg!(feature = "small") => {
                self.bump(2);
                return true;
            }
            Some([next, ..]) if *next == byte => {}
            _ => {
                self.skip_whitespace();
                if self.peek() != Some(byte) {
                    return false;
                }
            }
        }
        self.bump(1);
        self.skip_whitespace();
        true
    }

    /// Moves over white space.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.bump(1);
        }
    }

    /// Moves over white space, and returns the byte that comes next then.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn peek_token(&mut self) -> Option<u8> {
        if let token @ Some(b'!'..) = self.peek() {
            return token;
        }
        self.skip_whitespace();
        self.peek()
    }

    /// Moves over decimal digits, of which there may be none.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn skip_digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.bump(1);
        }
    }

    /// Moves over what can stand in a string as it is and is ASCII. Names are often short.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn skip_plain(&mut self) {
        if let Some(word) = self.word() {
            if let Some(plain) = plain_before(word) {
                return self.bump(plain);
            }
            self.bump(size_of::<usize>());
        }
        self.bump(plain_run(self.rest()));
    }

    /// The machine word that comes next; nothing in a small build.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn word(&self) -> Option<usize> {
        if cfg!(feature = "small") {
            return None;
        }
        let word = self.text.get(self.at..)?.first_chunk()?;
        Some(usize::from_le_bytes(*word))
    }

    /// Moves to the next one of this byte, or to the end.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn skip_to(&mut self, byte: u8) {
        self.bump(run_to(byte, self.rest()));
    }

    /// Moves over a run of bytes beyond ASCII.
    #[inline(never)]
    pub(crate) fn beyond_ascii(&mut self) -> Result {
        if self.offset() >= self.utf8 {
            self.utf8 = self.offset().wrapping_add(utf8_prefix(self.rest()));
        }
        let known = self.between(self.offset(), self.utf8);
        match known.iter().take_while(|byte| !byte.is_ascii()).count() {
            0 => Err(&DecodeErrorKind::NotUtf8),
            count => {
                self.bump(count);
                Ok(())
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

    /// Fails at an index before.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn fail_at<T>(&mut self, at: usize, fault: Fault) -> Result<T> {
        self.at = at;
        Err(fault)
    }

    /// What is wrong, and where, once something has failed.
    ///
    /// Bytes that are not UTF-8 are refused as such wherever they stand.
    #[cold]
    #[inline(never)]
    pub(crate) fn report(self, fault: Fault) -> (DecodeErrorKind, usize) {
        use DecodeErrorKind::{ControlCharacter, NotAnObject, NotUtf8, TrailingData, UnexpectedByte, UnexpectedEnd};
        let kind = match (self.peek(), *fault) {
            (None, UnexpectedByte { expected, .. }) => UnexpectedEnd { expected },
            (None, NotAnObject { .. }) => UnexpectedEnd { expected: "a JSON object, `{`" },
            (None, _) => UnexpectedEnd { expected: "the value of `content-length`" },
            (Some(0x80..), _) if utf8_prefix(self.rest()) == 0 => NotUtf8,
            (Some(found), UnexpectedByte { expected, .. }) => UnexpectedByte { found, expected },
            (Some(found), NotAnObject { .. }) => NotAnObject { found },
            (Some(found), TrailingData { .. }) => TrailingData { found },
            (Some(found), ControlCharacter { .. }) => ControlCharacter { found },
            (_, kind) => kind,
        };
        (kind, self.offset())
    }
}
