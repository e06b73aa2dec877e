//! The extension members of a header, one by one.

use core::{fmt, slice};

use super::Source;
use super::resolved::Resolved;
use crate::json::cursor::Cursor;
use crate::json::swar::run_to;
use crate::{Dialect, Member, Value};

/// The extension members of a [`Header`](crate::Header), each a name and a value, in the order of the header.
///
/// Made by [`Header::extensions`](crate::Header::extensions). One pass over the header's bytes serves all of them.
#[derive(Clone)]
pub struct Extensions<'a>(Remaining<'a>);

#[derive(Clone)]
enum Remaining<'a> {
    Listed(slice::Iter<'a, (&'a str, Value<'a>)>),
    /// The dialect says which members are required ones.
    Received(Cursor<'a>, Option<&'static Dialect>),
}

impl<'a> Extensions<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Self(match source {
            Source::Listed(extensions) => Remaining::Listed(extensions.iter()),
            Source::Received(Resolved { header, dialect }) => Remaining::Received(Cursor::new(header), dialect),
        })
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (&'a str, Value<'a>);

    #[cfg_attr(not(feature = "small"), inline)]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Remaining::Listed(extensions) => extensions.next().copied(),
            Remaining::Received(cursor, dialect) => loop {
                if let (name, Some(value)) = member(cursor, *dialect)? {
                    return Some((core::str::from_utf8(name).ok()?, value));
                }
            },
        }
    }
}

/// Those that remain.
impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

/// The next member of a header whose bytes are resolved: its name, and its value if it is an extension.
#[cfg_attr(not(feature = "small"), inline)]
fn member<'a>(cursor: &mut Cursor<'a>, dialect: Option<&'static Dialect>) -> Option<(&'a [u8], Option<Value<'a>>)> {
    cursor.next_member()?;
    let (name, is_raw) = cursor.resolved_string()?;
    cursor.colon().ok()?;
    let is_required = match dialect {
        Some(dialect) => dialect.member(|known| known.as_bytes() == name).is_some(),
        // Only the names of required members still have escapes.
        None => {
            Member::from_name(name).is_some()
                || is_raw && name.len() > Member::SHORTEST && run_to(b'\\', name) < name.len()
        }
    };
    let start = cursor.offset();
    if let Some((text, _)) = cursor.resolved_string() {
        let value = if is_required { None } else { Some(core::str::from_utf8(text).ok()?.into()) };
        return Some((name, value));
    }
    cursor.value(1).ok()?;
    let json = if is_required { None } else { core::str::from_utf8(cursor.since(start)).ok() };
    Some((name, json.map(Value::from_valid_json)))
}
