//! JSON with a space after each comma and each colon, as Python writes it.

use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::io::{self, Write};

use serde::Serialize;
#[cfg(feature = "std")]
use serde_json::ser::{Formatter, Serializer};

use crate::json::swar::unescaped_run;

/// Appends the JSON of a value to `bytes`, which on error are unchanged.
#[cfg(feature = "std")]
pub(super) fn append<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let before = bytes.len();
    let outcome = value.serialize(&mut Serializer::with_formatter(Growing(bytes), Spaced));
    if outcome.is_err() {
        bytes.truncate(before);
    }
    outcome
}

/// Appends the JSON of a value to `bytes`, which on error are unchanged. Without std, serde_json takes no formatter.
#[cfg(not(feature = "std"))]
pub(super) fn append<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    append_spaced(&serde_json::to_string(value)?, bytes);
    Ok(())
}

/// Bytes that grow as far as there is memory: that there is none is an error, for a value may be as long as what a peer sends.
#[cfg(feature = "std")]
struct Growing<'a>(&'a mut Vec<u8>);

#[cfg(feature = "std")]
impl Write for Growing<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.try_reserve(bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has serde_json write the spaces.
#[cfg(feature = "std")]
struct Spaced;

#[cfg(feature = "std")]
impl Formatter for Spaced {
    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin_array_value(writer, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    /// What is JSON already, such as a `RawValue`.
    fn write_raw_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut spaced = Vec::new();
        append_spaced(fragment, &mut spaced);
        writer.write_all(&spaced)
    }
}

/// Appends compact JSON to `bytes`, with a space after each comma and each colon that is not part of a string.
fn append_spaced(compact: &str, bytes: &mut Vec<u8>) {
    bytes.reserve(compact.len().saturating_add(compact.len() / 4));
    let mut in_string = false;
    let mut rest = compact;
    loop {
        let plain = if in_string { unescaped_run(rest) } else { run_outside_strings(rest) };
        let Some((run, special)) = rest.split_at_checked(plain) else { return };
        bytes.extend_from_slice(run.as_bytes());
        let (taken, space) = match special.as_bytes() {
            [b'\\', ..] => (2, ""),
            [b'"', ..] => {
                in_string = !in_string;
                (1, "")
            }
            _ => (1, if in_string { "" } else { " " }),
        };
        // Nothing special is left at the end.
        let Some((special, after)) = special.split_at_checked(taken) else { return };
        bytes.extend_from_slice(special.as_bytes());
        bytes.extend_from_slice(space.as_bytes());
        rest = after;
    }
}

/// Returns the number of bytes before the next string or separator.
fn run_outside_strings(json: &str) -> usize {
    json.bytes().take_while(|byte| !matches!(byte, b'"' | b',' | b':')).count()
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;

    fn spaced(value: &(impl Serialize + ?Sized)) -> String {
        let mut bytes = Vec::new();
        append(value, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn separators_within_strings_stay_as_they_are() {
        let value = json!({"a,b": [1, "c:d\\", "\",\"", {}], "": []});
        assert_eq!(spaced(&value), r#"{"": [], "a,b": [1, "c:d\\", "\",\"", {}]}"#);
    }

    #[test]
    fn every_escape_is_passed_over_whole() {
        let value = json!(["\\", "\"", "\\\"", "\u{1},:", "é,:🐶\\", ",\n:\"", {"\"": ":"}]);
        let json = spaced(&value);
        assert_eq!(json, r#"["\\", "\"", "\\\"", "\u0001,:", "é,:🐶\\", ",\n:\"", {"\"": ":"}]"#);
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    }

    #[test]
    fn what_is_json_already_is_spaced_too() {
        let raw: &RawValue = serde_json::from_str(r#"{"a":[1,"b:c,d"]}"#).unwrap();
        assert_eq!(spaced(&[raw, raw]), r#"[{"a": [1, "b:c,d"]}, {"a": [1, "b:c,d"]}]"#);
    }

    #[test]
    fn a_value_that_has_no_form_in_json_appends_nothing() {
        let mut bytes = b"before".to_vec();
        append(&(1, [((), 2)].into_iter().collect::<std::collections::BTreeMap<_, _>>()), &mut bytes).unwrap_err();
        assert_eq!(bytes, b"before");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = || prop_oneof![".*", r#"[\\",:{}\[\] a]*"#];
        let number = prop_oneof![any::<u64>().prop_map(Value::from), any::<i64>().prop_map(Value::from)];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number,
            any::<f64>().prop_map(Value::from),
            text().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 8, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..8).prop_map(Value::from),
                btree_map(text(), inner, 0..8).prop_map(|members| members.into_iter().collect())
            ]
        })
    }

    proptest! {
        #[test]
        fn spaces_written_at_once_and_spaces_added_to_compact_json_are_the_same(value in any_value()) {
            let mut added = Vec::new();
            append_spaced(&serde_json::to_string(&value).unwrap(), &mut added);
            prop_assert_eq!(spaced(&value).into_bytes(), added);
        }
    }
}
