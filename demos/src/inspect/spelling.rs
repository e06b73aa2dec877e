//! How a header spells its required members, for dialects in which that may differ.

use std::borrow::Cow;
use std::fmt;

use jsonframe::Member;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// How a required member is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Spelling {
    #[default]
    Absent,
    /// By its own name.
    Own,
    /// By its name with an underscore for the hyphen.
    Underscore,
}

/// How each of the required members is there, in the order of [`Member::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spellings([Spelling; Member::ALL.len()]);

impl Spellings {
    /// Those of a valid header. One that is not valid has none.
    pub(super) fn of(header: &[u8]) -> Self {
        names(header).iter().fold(Self::default(), |mut spellings, name| {
            spellings.see(name);
            spellings
        })
    }

    pub(super) const fn own() -> Self {
        Self([Spelling::Own; Member::ALL.len()])
    }

    /// Each member and how it is there.
    pub(super) fn each(self) -> impl Iterator<Item = (Member, Spelling)> {
        Member::ALL.into_iter().zip(self.0)
    }

    fn see(&mut self, name: &str) {
        for (member, spelling) in Member::ALL.iter().zip(&mut self.0) {
            if name == member.as_str() {
                *spelling = Spelling::Own;
            } else if *spelling == Spelling::Absent && name == underscored(*member) {
                *spelling = Spelling::Underscore;
            }
        }
    }
}

/// The name of a member with an underscore for the hyphen.
pub(super) const fn underscored(member: Member) -> &'static str {
    match member {
        Member::ByteOrder => "byteorder",
        Member::ContentType => "content_type",
        Member::ContentEncoding => "content_encoding",
        Member::ContentLength => "content_length",
    }
}

/// The names of a header's members, in their order. A header that is no JSON object has none.
pub(super) fn names(header: &[u8]) -> Vec<Cow<'_, str>> {
    serde_json::Deserializer::from_slice(header).deserialize_map(Names).unwrap_or_default()
}

/// Goes through the names of an object, and over its values.
struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = members.next_key()? {
            names.push(name);
            members.next_value::<IgnoredAny>()?;
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::{Spelling, Spellings};

    #[test]
    fn a_member_is_there_by_one_name_or_the_other() {
        let spellings = |header: &str| Spellings::of(header.as_bytes()).0;
        let (absent, own, underscore) = (Spelling::Absent, Spelling::Own, Spelling::Underscore);
        assert_eq!(
            spellings(r#"{"content_length": 1, "byteorder": "big", "content-type": [{}]}"#),
            [own, own, absent, underscore]
        );
        assert_eq!(
            spellings(r#"{"content\u005flength": 1, "content\u002dtype": 1e400}"#),
            [absent, own, absent, underscore]
        );
        // What has both has an extension that looks like an alias.
        for header in [r#"{"content_length": 1, "content-length": 2}"#, r#"{"content-length": 1, "content_length": 2}"#]
        {
            assert_eq!(spellings(header), [absent, absent, absent, own], "{header}");
        }
        assert_eq!(spellings("[]"), [absent; 4]);
    }
}
