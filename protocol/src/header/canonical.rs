//! A fast way over the members that nearly every peer sends: in the canonical form
//! ([SPEC §4.1](crate::spec#41-the-emitted-form)), without escapes.
//!
//! It finds what the general parser finds, or nothing; in a small build nothing, where the general one is fast enough.

use super::required::{RequiredMembers, Text};
use crate::ByteOrder;
use crate::json::number::leading_integer;
use crate::json::swar::plain_run;

/// The required members of a header that begins with them in the canonical form.
#[derive(Clone, Copy)]
pub(crate) struct Canonical<'h> {
    pub(crate) members: RequiredMembers,
    /// Where the digits of the content length begin.
    pub(crate) digits: u16,
    /// What follows the digits: no more than a brace, or further members.
    pub(crate) rest: &'h [u8],
}

impl<'h> Canonical<'h> {
    /// Reads the required members, if the header begins with them.
    ///
    /// Most messages are JSON in UTF-8. To compare all of that at once is faster than to look for its ends.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn read(header: &'h [u8]) -> Option<Self> {
        if cfg!(feature = "small") {
            return None;
        }
        let rest = header.strip_prefix(b"{\"byteorder\": \"")?;
        let (byte_order, rest) = match rest.strip_prefix(b"little\", \"content-type\": \"") {
            Some(rest) => (ByteOrder::Little, rest),
            None => (ByteOrder::Big, rest.strip_prefix(b"big\", \"content-type\": \"")?),
        };
        // In two parts the compiler compares them with no call.
        let json = rest.strip_prefix(b"text/json\", \"content-encoding");
        let (texts, rest) = match json.and_then(|rest| rest.strip_prefix(b"\": \"utf-8\", \"content-length\": ")) {
            Some(rest) => ([Text::TEXT_JSON, Text::UTF_8], rest),
            None => texts(header, rest)?,
        };
        let digits = u16::try_from(header.len().wrapping_sub(rest.len())).ok()?;
        let (content_length, rest) = leading_integer(rest)?;
        let members = RequiredMembers { content_length, texts, byte_order };
        matches!(rest, [b',' | b'}', ..]).then_some(Self { members, digits, rest })
    }
}

/// The content type with which this rest of the header begins, the content encoding after it, and what follows them.
#[cfg_attr(not(feature = "small"), inline)]
fn texts<'h>(header: &[u8], rest: &'h [u8]) -> Option<([Text; 2], &'h [u8])> {
    let (content_type, rest) = text(header, rest)?;
    let (content_encoding, rest) = text(header, rest.strip_prefix(b"\", \"content-encoding\": \"")?)?;
    Some(([content_type, content_encoding], rest.strip_prefix(b"\", \"content-length\": ")?))
}

/// The text without anything special in it with which this rest of the header begins, and what follows it.
#[cfg_attr(not(feature = "small"), inline)]
fn text<'h>(header: &[u8], rest: &'h [u8]) -> Option<(Text, &'h [u8])> {
    let start = header.len().wrapping_sub(rest.len());
    let (text, rest) = rest.split_at_checked(plain_run(rest))?;
    Some((Text::find(start..start.wrapping_add(text.len()), |known| known.as_bytes() == text), rest))
}
