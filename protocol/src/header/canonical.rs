//! A fast way over the members that nearly every peer sends: in the canonical form
//! ([SPEC §4.1](crate::spec#41-the-emitted-form)), without escapes.
//!
//! It finds what the general parser finds, or nothing; in a small build nothing, where the general one is fast enough.

use super::required::{RequiredMembers, Text};
use crate::ByteOrder;
use crate::json::cursor::Cursor;
use crate::json::number::plain_integer;

/// Moves over the required members of a header that begins with them in the canonical form, and returns also where the
/// digits of the content length begin.
///
/// What follows the digits is not looked at, but for that it goes on no number.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn required_members(cursor: &mut Cursor<'_>) -> Option<(RequiredMembers, usize)> {
    if cfg!(feature = "small") || !cursor.eat_all(b"{\"byteorder\": \"") {
        return None;
    }
    let byte_order = if cursor.eat_all(b"little\", \"content-type\": \"") {
        ByteOrder::Little
    } else if cursor.eat_all(b"big\", \"content-type\": \"") {
        ByteOrder::Big
    } else {
        return None;
    };
    // Most messages are JSON in UTF-8. To compare all of that at once is faster than to look for its ends.
    let texts = if cursor.eat_all(b"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": ") {
        [Text::TEXT_JSON, Text::UTF_8]
    } else {
        let content_type = text(cursor, b"\", \"content-encoding\": \"")?;
        [content_type, text(cursor, b"\", \"content-length\": ")?]
    };
    let digits = cursor.offset();
    cursor.skip_digits();
    let content_length = plain_integer(cursor.since(digits))?;
    match cursor.peek() {
        Some(b',' | b'}') => Some((RequiredMembers { content_length, texts, byte_order }, digits)),
        _ => None,
    }
}

/// Moves over a text without anything special in it, and over what must follow.
#[cfg_attr(not(feature = "small"), inline)]
fn text(cursor: &mut Cursor<'_>, after: &[u8]) -> Option<Text> {
    let start = cursor.offset();
    cursor.skip_plain();
    let text = Text::find(start..cursor.offset(), |known| known == cursor.since(start));
    cursor.eat_all(after).then_some(text)
}
