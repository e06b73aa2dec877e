//! By which names a header has its members, and what these are, for dialects in which that may differ.

use std::borrow::Cow;
use std::fmt::{self, Formatter};
use std::marker::PhantomData;

use jsonframe::Member;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::dialect::DialectName;

/// By which name each of the required members is there, in the order of [`Member::ALL`].
pub(super) type Spellings = [Option<&'static str>; Member::ALL.len()];

/// Those of a header that is valid in this dialect.
pub(super) fn spellings(header: &[u8], dialect: &DialectName) -> Spellings {
    let names = names(header);
    let mut spellings = Spellings::default();
    for (place, member) in spellings.iter_mut().zip(Member::ALL.iter().copied()) {
        let known = [member.as_str(), dialect.departure(member).name];
        *place = known.into_iter().find(|known| names.iter().any(|name| name == known));
    }
    spellings
}

/// The names of a header's members, in their order. A header that is no JSON object has none.
pub(super) fn names(header: &[u8]) -> Vec<Cow<'_, str>> {
    members::<IgnoredAny>(header).into_iter().map(|(name, _)| name).collect()
}

/// What the value of a member may be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `little` or `big`.
    ByteOrder,
    Text,
    Length,
    Other,
}

/// A header's members, in their order, with what is wanted of their values.
pub(crate) fn members<'h, V: Deserialize<'h>>(header: &'h [u8]) -> Vec<(Cow<'h, str>, V)> {
    serde_json::Deserializer::from_slice(header).deserialize_map(Members(PhantomData)).unwrap_or_default()
}

struct Members<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
    type Value = Vec<(Cow<'de, str>, V)>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyKind)
    }
}

struct AnyKind;

impl<'de> Visitor<'de> for AnyKind {
    type Value = Kind;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(if matches!(text, "little" | "big") { Kind::ByteOrder } else { Kind::Text })
    }

    fn visit_u64<E>(self, _: u64) -> Result<Kind, E> {
        Ok(Kind::Length)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Kind, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Kind::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Kind, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Kind::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, members, spellings};

    #[test]
    fn a_member_is_there_by_one_name_or_the_other() {
        let dialect = "underscores".parse().unwrap();
        let spellings = |header: &str| spellings(header.as_bytes(), &dialect);
        assert_eq!(
            spellings(r#"{"content_length": 1, "byteorder": "big", "content-type": [{}]}"#),
            [Some("byteorder"), Some("content-type"), None, Some("content_length")]
        );
        assert_eq!(
            spellings(r#"{"content\u005flength": 1, "content\u002dtype": 1e400}"#),
            [None, Some("content-type"), None, Some("content_length")]
        );
        // What has both has an extension that looks like an alias.
        for header in [r#"{"content_length": 1, "content-length": 2}"#, r#"{"content-length": 1, "content_length": 2}"#]
        {
            assert_eq!(spellings(header), [None, None, None, Some("content-length")], "{header}");
        }
        assert_eq!(spellings("[]"), [None; 4]);
    }

    #[test]
    fn a_value_may_be_taken_for_what_it_is() {
        let header =
            r#"{"a": "big", "b": "BIG", "c": 7, "d": -7, "e": 7.0, "f": [[1]], "g": {"h": {}}, "i": null, "j": true}"#;
        let kinds: Vec<Kind> = members(header.as_bytes()).into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds[..3], [Kind::ByteOrder, Kind::Text, Kind::Length]);
        assert_eq!(kinds[3..], [Kind::Other; 6]);
    }
}
