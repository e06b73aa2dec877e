//! The extension members of a header, one by one.

use core::{fmt, slice};

use crate::header::Members;
use crate::json::scan::{Utf8, colon, skip_whitespace, value};
use crate::json::swar::run_to;
use crate::json::unescape::MARK;
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
    Received {
        header: &'a [u8],
        at: usize,
        utf8: Utf8,
    },
}

impl<'a> Extensions<'a> {
    pub(crate) fn new(members: Members<'a>) -> Self {
        Self(match members {
            Members::Listed(members) => Source::Listed(members.iter()),
            Members::Received(header) => Source::Received { header, at: 0, utf8: Utf8::default() },
        })
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (&'a str, Value<'a>);

    #[cfg_attr(not(feature = "small"), inline)]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Listed(members) => members.next().copied(),
            Source::Received { header, at, utf8 } => loop {
                let (name, value, behind) = member(header, *at, utf8)?;
                *at = behind;
                if Member::from_name(name.as_bytes()).is_none() {
                    return Some((name, value));
                }
            },
        }
    }
}

/// Those that are still to come.
impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

/// The next member of a valid header whose own strings are resolved, and the index behind it.
fn member<'a>(header: &'a [u8], at: usize, utf8: &mut Utf8) -> Option<(&'a str, Value<'a>, usize)> {
    let mut at = skip_whitespace(header, at);
    if let Some(b'{' | b',') = header.get(at) {
        at = skip_whitespace(header, at.wrapping_add(1));
    }
    let (name, behind) = text(header, at)?;
    let at = colon(header, behind).ok()?;
    if let Some((text, behind)) = text(header, at) {
        return Some((name, text.into(), behind));
    }
    let behind = value(header, at, 1, utf8).ok()?;
    let json = core::str::from_utf8(header.get(at..behind)?).ok()?;
    Some((name, Value::from_valid_json(json), behind))
}

/// A string without escapes, between quotes or marks, and the index behind it.
fn text(header: &[u8], at: usize) -> Option<(&str, usize)> {
    let (quote, body) = header.get(at..)?.split_first()?;
    let (b'"' | MARK) = *quote else {
        return None;
    };
    let length = run_to(*quote, body);
    let text = core::str::from_utf8(body.get(..length)?).ok()?;
    Some((text, at.wrapping_add(length).wrapping_add(2)))
}
