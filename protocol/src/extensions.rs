//! The extension members of a header, one by one.

use core::{fmt, slice};

use crate::escape::MARK;
use crate::header::Members;
use crate::json::{Position, Scanner};
use crate::{Member, Value};

/// The extension members of a [`Header`](crate::Header), each a name and a value, in the order of the header.
///
/// Made by [`Header::extensions`](crate::Header::extensions). One look at the header's bytes serves all of them.
#[derive(Clone)]
pub struct Extensions<'a>(Source<'a>);

#[derive(Clone)]
enum Source<'a> {
    Listed(slice::Iter<'a, (&'a str, Value<'a>)>),
    /// The bytes of a received header, and how far they have been gone through.
    Received(&'a [u8], Position),
}

impl<'a> Extensions<'a> {
    pub(crate) fn new(members: Members<'a>) -> Self {
        Self(match members {
            Members::Listed(members) => Source::Listed(members.iter()),
            Members::Received(header) => Source::Received(header, Position::default()),
        })
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Listed(members) => members.next().copied(),
            Source::Received(header, position) => {
                // One scanner's knowledge is handed on to the next, or text beyond ASCII would be checked again for each.
                let mut scanner = Scanner::resume(header, *position);
                loop {
                    let (name, value) = next_member(&mut scanner)?;
                    if Member::from_name(name.as_bytes()).is_none() {
                        *position = scanner.position();
                        return Some((name, value));
                    }
                }
            }
        }
    }
}

/// Those that are still to come.
impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

/// Takes the next member of a valid header whose own strings are resolved.
fn next_member<'a>(scanner: &mut Scanner<'a>) -> Option<(&'a str, Value<'a>)> {
    scanner.skip_whitespace();
    if !scanner.take(b',') {
        scanner.take(b'{');
    }
    scanner.skip_whitespace();
    let name = text(scanner)?;
    scanner.colon().ok()?;
    let value = match scanner.peek()? {
        b'"' | MARK => text(scanner)?.into(),
        _ => {
            let json = scanner.rest();
            scanner.value(1).ok()?;
            let length = json.len().saturating_sub(scanner.rest().len());
            Value::from_json(core::str::from_utf8(json.get(..length)?).ok()?)
        }
    };
    Some((name, value))
}

/// A string without escapes, between quotes or marks.
fn text<'a>(scanner: &mut Scanner<'a>) -> Option<&'a str> {
    let quote = scanner.peek().filter(|quote| matches!(*quote, b'"' | MARK))?;
    scanner.advance(1);
    let body = scanner.rest();
    let length = body.iter().position(|byte| *byte == quote)?;
    scanner.advance(length.saturating_add(1));
    core::str::from_utf8(body.get(..length)?).ok()
}
