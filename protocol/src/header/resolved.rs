//! The bytes of a received header, its strings resolved in place.

use core::ops::Range;

use super::required::{RequiredMembers, Text};
use crate::Dialect;
use crate::json::cursor::Cursor;
use crate::json::scan::{RawString, VALUE};
use crate::json::swar::run_to;
use crate::json::unescape::resolve;

/// The bytes of a valid header of which every extension's name, and every string that is its value, is resolved.
///
/// Where that took a change, [`RESOLVED`] stands in place of both quotes. The name of a required member of the standard, and
/// what it says, may have escapes left, but none of a quote.
#[derive(Clone, Copy)]
pub(crate) struct Resolved<'a> {
    pub(super) header: &'a [u8],
    /// The dialect that says which members are required ones. `None` is the standard.
    pub(super) dialect: Option<&'static Dialect>,
}

/// Stands in place of both quotes of a resolved string. UTF-8 has no such byte, so no text can be mistaken for its end.
const RESOLVED: u8 = 0xFF;

/// Where the strings of a header are whose escapes are to be resolved once it is known to be valid, so that its bytes are
/// [`Resolved`].
#[derive(Debug)]
pub(crate) struct Escapes {
    /// The first of them, by the indices at which their texts begin and end.
    listed: [(u16, u16); LISTED],
    /// How many there are; more than are listed are looked for.
    count: u16,
}

const LISTED: usize = if cfg!(feature = "small") { 0 } else { 6 };

impl Escapes {
    pub(crate) const NONE: Self = Self { listed: [(0, 0); LISTED], count: 0 };

    #[cold]
    #[inline(never)]
    pub(super) fn add(&mut self, string: RawString) {
        if let Some(place) = self.listed.get_mut(usize::from(self.count)) {
            *place = Text::at(string.start..string.end).place();
        }
        self.count = self.count.saturating_add(1);
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Resolves these escapes in the bytes of the header, and moves the ends of its texts.
    #[inline(never)]
    pub(crate) fn resolve(&self, header: &mut [u8], members: &mut RequiredMembers) {
        match self.listed.get(..self.count.into()) {
            Some(listed) => {
                for (start, end) in listed {
                    resolve_text(header, usize::from(*start)..usize::from(*end));
                }
            }
            None => resolve_strings(header),
        }
        for text in &mut members.texts {
            let Some(start) = text.start() else { continue };
            let quoted = header.get(start.wrapping_sub(1)..).and_then(<[u8]>::split_first);
            if let Some((&RESOLVED, rest)) = quoted {
                *text = Text::at(start..start.wrapping_add(run_to(RESOLVED, rest)));
            }
        }
    }
}

/// Resolves the string whose text is this range. Spaces fill what becomes free, and [`RESOLVED`] stands where both quotes
/// were:
///
/// ```text
/// "a\u002db": 1      before
/// Xa-bX     : 1      after, where X is RESOLVED
/// ```
fn resolve_text(header: &mut [u8], string: Range<usize>) {
    let end = resolve(header, string.clone());
    header.get_mut(end..=string.end).unwrap_or_default().fill(b' ');
    for at in [string.start.wrapping_sub(1), end] {
        if let Some(place) = header.get_mut(at) {
            *place = RESOLVED;
        }
    }
}

/// Resolves the names and the string values of a valid header's members.
#[inline(never)]
fn resolve_strings(header: &mut [u8]) {
    let mut at = 0;
    while let Some(name) = Cursor::at(header, at).next_member() {
        let after = resolve_string(header, name);
        let mut cursor = Cursor::at(header, after);
        let _ = cursor.colon();
        at = resolve_string(header, cursor.offset());
    }
}

/// Resolves the string that begins at this index, or passes over a value of another type, and returns the index after it.
fn resolve_string(header: &mut [u8], at: usize) -> usize {
    let mut cursor = Cursor::in_utf8(header, at);
    match cursor.peek() {
        Some(b'"') => {
            let string = cursor.string(VALUE);
            let after = cursor.offset();
            if let Ok(RawString { start, end, is_escaped: true }) = string {
                resolve_text(header, start..end);
            }
            return after;
        }
        _ => {
            let _ = cursor.value(1);
        }
    }
    cursor.offset()
}

impl<'t> Cursor<'t> {
    /// Moves over the brace or the comma before a member, in resolved bytes, and returns where the member begins.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(super) fn next_member(&mut self) -> Option<usize> {
        let follows = self.separator(b',') || self.separator(b'{');
        if follows && self.peek() != Some(b'}') { Some(self.offset()) } else { None }
    }

    /// Moves over a resolved string, and returns its text and whether it is as received.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(super) fn resolved_string(&mut self) -> Option<(&'t [u8], bool)> {
        let quote = self.peek().filter(|byte| matches!(*byte, b'"' | RESOLVED))?;
        self.bump(1);
        let start = self.offset();
        self.skip_to(quote);
        let text = self.since(start);
        self.bump(1);
        Some((text, quote == b'"'))
    }
}
