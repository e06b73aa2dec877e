//! The extension members of a header, one by one.

use core::slice;

use crate::escape::MARK;
use crate::header::Members;
use crate::json::Scanner;
use crate::{Member, Value};

/// The extension members of a [`Header`](crate::Header), each a name and a value, in the order of the header.
///
/// Made by [`Header::extensions`](crate::Header::extensions). One look at the header's bytes serves all of them.
#[derive(Clone, Debug)]
pub struct Extensions<'a>(Source<'a>);

#[derive(Clone, Debug)]
enum Source<'a> {
    Listed(slice::Iter<'a, (&'a str, Value<'a>)>),
    Received(&'a [u8]),
}

impl<'a> Extensions<'a> {
    pub(crate) fn new(members: Members<'a>) -> Self {
        Self(match members {
            Members::Listed(members) => Source::Listed(members.iter()),
            Members::Received(header) => Source::Received(header),
        })
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Listed(members) => members.next().copied(),
            Source::Received(rest) => loop {
                let (name, value) = next_member(rest)?;
                if Member::from_name(name.as_bytes()).is_none() {
                    return Some((name, value));
                }
            },
        }
    }
}

/// Takes the next member from what is left of a valid header whose own strings are resolved.
fn next_member<'a>(rest: &mut &'a [u8]) -> Option<(&'a str, Value<'a>)> {
    let mut scanner = Scanner::new(rest);
    scanner.skip_whitespace();
    if !scanner.take(b',') {
        scanner.take(b'{');
    }
    scanner.skip_whitespace();
    let name = text(&mut scanner)?;
    scanner.colon().ok()?;
    let value = match scanner.peek()? {
        b'"' | MARK => text(&mut scanner)?.into(),
        _ => {
            let json = scanner.rest();
            scanner.value(1).ok()?;
            let length = json.len().saturating_sub(scanner.rest().len());
            Value::from_json(core::str::from_utf8(json.get(..length)?).ok()?)
        }
    };
    *rest = scanner.rest();
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
