//! What a header says by `serde_json` and the rules of SPEC 3 and 5, in the plainest form: a second opinion.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

pub const REQUIRED: [&str; 4] = ["byteorder", "content-type", "content-encoding", "content-length"];

/// How many objects and arrays may be open at once.
pub const DEEPEST: usize = 64;

/// A header that is to be accepted.
#[derive(Debug, PartialEq)]
pub struct Reading<'t> {
    pub byte_order: String,
    pub content_type: String,
    pub content_encoding: String,
    pub content_length: u64,
    /// In the order of the header: names, and the JSON texts of the values.
    pub extensions: Vec<(String, &'t str)>,
}

/// A member of the header: its name, and the JSON text of its value.
pub type Member<'t> = (String, &'t str);

/// What `serde_json` makes of a text, of which more may follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// It is a JSON value.
    Whole,
    /// It could become one.
    Unfinished,
    /// Nothing that follows could make it one.
    Wrong,
}

/// The grammar of JSON, as `serde_json` has it when it ignores all values: numbers of any size, any nesting. It does not
/// look at surrogates then, nor at UTF-8.
pub fn outcome(text: &[u8]) -> Outcome {
    let judge = |text: &[u8]| match serde_json::from_slice::<IgnoredAny>(text) {
        Ok(_) => Outcome::Whole,
        Err(error) if error.is_eof() => Outcome::Unfinished,
        Err(_) => Outcome::Wrong,
    };
    match (judge(text), text.last()) {
        // That a digit is still to come is the end of the text to `serde_json` at some places, and a wrong number at others.
        (Outcome::Wrong, Some(b'-' | b'+' | b'.' | b'e' | b'E')) => match judge(&[text, b"0"].concat()) {
            Outcome::Wrong => Outcome::Wrong,
            Outcome::Whole | Outcome::Unfinished => Outcome::Unfinished,
        },
        (outcome, _) => outcome,
    }
}

/// The reading of a header, if it is to be accepted.
pub fn read(header: &[u8]) -> Option<Reading<'_>> {
    let text = std::str::from_utf8(header).ok()?;
    if outcome(header) != Outcome::Whole || deepest(text) > DEEPEST || !surrogates_are_paired(text) {
        return None;
    }
    let (members, complete) = members(text);
    if !complete {
        return None;
    }
    let required = REQUIRED.map(|name| only(&members, name));
    let [byte_order, content_type, content_encoding, content_length] = required;
    Some(Reading {
        byte_order: string(byte_order?).filter(|order| order == "little" || order == "big")?,
        content_type: string(content_type?)?,
        content_encoding: string(content_encoding?)?,
        content_length: plain_integer(content_length?)?,
        extensions: members.into_iter().filter(|(name, _)| !REQUIRED.contains(&name.as_str())).collect(),
    })
}

/// The members of an object up to the first fault in it, and whether there is none.
pub fn members(text: &str) -> (Vec<Member<'_>>, bool) {
    let mut members = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome = InOrder(&mut members).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    (members, outcome.is_ok())
}

/// The value of the only member of this name.
pub fn only<'t>(members: &[Member<'t>], name: &str) -> Option<&'t str> {
    let mut values = members.iter().filter(|member| member.0 == name).map(|member| member.1);
    let value = values.next();
    value.filter(|_| values.next().is_none())
}

/// The text of a JSON string.
pub fn string(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// The number, in the one way that it may be spelt in.
pub fn plain_integer(json: &str) -> Option<u64> {
    json.parse().ok().filter(|number: &u64| number.to_string() == json)
}

/// How many brackets are open at once at the deepest place. The brackets need not be closed.
pub fn deepest(json: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for_each_token(json, |token| match token {
        "[" | "{" => {
            open += 1;
            most = most.max(open);
        }
        "]" | "}" => open = open.saturating_sub(1),
        _ => {}
    });
    most
}

/// Whether every string that is whole is one to `serde_json` also when it does not ignore it.
pub fn surrogates_are_paired(json: &str) -> bool {
    let mut paired = true;
    for_each_token(json, |token| {
        // A string that is cut off has no closing quote, though it may end in an escaped one.
        if token.starts_with('"') && string_length(token).is_some() && token.contains("\\u") {
            paired &= string(token).is_some();
        }
    });
    paired
}

/// Goes through the strings of a JSON text, with their quotes, and through the characters between them.
fn for_each_token<'t>(json: &'t str, mut visit: impl FnMut(&'t str)) {
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' { string_length(rest).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, after) = rest.split_at(length);
        visit(token);
        rest = after;
    }
}

/// The length of the string that the text begins with, its quotes included, unless it is cut off.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Collects the members of an object one by one, so that those before a fault are there.
struct InOrder<'m, 't>(&'m mut Vec<Member<'t>>);

impl<'t> DeserializeSeed<'t> for InOrder<'_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'t> Visitor<'t> for InOrder<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            self.0.push((name, value.get()));
        }
        Ok(())
    }
}
