//! The bytes of a received header, its strings resolved in place.

use core::ops::Range;

use super::required::{RequiredMembers, Text};
use crate::Member;
use crate::json::cursor::Cursor;
use crate::json::scan::{RawString, VALUE};
use crate::json::swar::run_to;
use crate::json::unescape::resolve;

/// The bytes of a valid header of which every extension's name, and every string that is its value, is resolved.
///
/// Where that took a change, [`RESOLVED`] stands in place of both quotes. A required member whose name is spelled in another
/// way than its own has [`RENAMED`] there; what it says may have escapes left, but none of a quote.
#[derive(Clone, Copy)]
pub(crate) struct Resolved<'a>(pub(super) &'a [u8]);

/// Stands in place of both quotes of a resolved string. UTF-8 has no such byte, so no text can be mistaken for its end.
const RESOLVED: u8 = 0xFF;

/// Stands in place of both quotes of a required member's name that is an alias or has escapes.
const RENAMED: u8 = 0xFE;

impl<'a> Resolved<'a> {
    /// The bytes of a header that has been parsed, and whose [`Edits`] have been made.
    pub(crate) const fn new(header: &'a [u8]) -> Self {
        Self(header)
    }
}

/// What is to be done with the bytes of a header once it is known to be valid, so that they are [`Resolved`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edits {
    /// Where the names of required members are that are spelled in another way.
    renamed: [Place; Member::ALL.len()],
    has_renamed: bool,
    /// Where the first strings are whose escapes are to be resolved.
    escaped: [Place; LISTED],
    /// How many strings have such escapes; more than are listed are looked for.
    escaped_count: u16,
}

/// The indices at which the text of a string begins and ends.
type Place = (u16, u16);

const LISTED: usize = if cfg!(feature = "small") { 0 } else { 6 };

impl Edits {
    pub(crate) const NONE: Self =
        Self { renamed: [(0, 0); Member::ALL.len()], has_renamed: false, escaped: [(0, 0); LISTED], escaped_count: 0 };

    pub(super) fn rename(&mut self, member: Member, name: Range<usize>) {
        if let Some(place) = self.renamed.get_mut(member.index()) {
            *place = Text::at(name).place();
            self.has_renamed = true;
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn resolve(&mut self, string: Range<usize>) {
        if let Some(place) = self.escaped.get_mut(usize::from(self.escaped_count)) {
            *place = Text::at(string).place();
        }
        self.escaped_count = self.escaped_count.saturating_add(1);
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) const fn are_needed(&self) -> bool {
        self.escaped_count > 0 || self.has_renamed
    }

    /// Makes the edits in the bytes of the header that they were found in, and moves the ends of its texts.
    #[inline(never)]
    pub(crate) fn make(self, header: &mut [u8], members: &mut RequiredMembers) {
        for (start, end) in self.renamed.into_iter().filter(|(start, _)| *start > 0) {
            mark(header, start.into()..end.into(), RENAMED);
        }
        match self.escaped.get(..self.escaped_count.into()) {
            Some(listed) => {
                for (start, end) in listed {
                    resolve_text(header, usize::from(*start)..usize::from(*end));
                }
            }
            None => resolve_strings(header),
        }
        if self.escaped_count > 0 {
            for text in &mut members.texts {
                let Some(start) = text.start() else { continue };
                let quoted = header.get(start.wrapping_sub(1)..).and_then(<[u8]>::split_first);
                if let Some((&RESOLVED, rest)) = quoted {
                    *text = Text::at(start..start.wrapping_add(run_to(RESOLVED, rest)));
                }
            }
        }
    }
}

/// Puts this in place of both quotes of the string whose text is this range.
fn mark(header: &mut [u8], string: Range<usize>, quote: u8) {
    for at in [string.start.wrapping_sub(1), string.end] {
        if let Some(place) = header.get_mut(at) {
            *place = quote;
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
    mark(header, string.start..end, RESOLVED);
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
    let mut cursor = Cursor::at(header, at);
    match cursor.peek() {
        Some(b'"') => {
            let string = cursor.string(VALUE);
            let after = cursor.offset();
            if let Ok(RawString { start, end, is_escaped: true }) = string {
                resolve_text(header, start..end);
            }
            return after;
        }
        Some(RENAMED) => {
            cursor.resolved_string();
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
        self.skip_whitespace();
        if !self.eat(b',') && !self.eat(b'{') {
            return None;
        }
        self.skip_whitespace();
        if self.peek() == Some(b'}') { None } else { Some(self.offset()) }
    }

    /// Moves over a resolved string, and returns its text, and whether it is the name of a renamed required member.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(super) fn resolved_string(&mut self) -> Option<(&'t [u8], bool)> {
        let quote = self.peek().filter(|byte| matches!(*byte, b'"' | RESOLVED | RENAMED))?;
        self.bump(1);
        let start = self.offset();
        self.skip_to(quote);
        let text = self.since(start);
        self.bump(1);
        Some((text, quote == RENAMED))
    }
}
