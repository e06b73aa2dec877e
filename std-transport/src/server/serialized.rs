//! Memory in which values are serialised, for one after the other.

use std::cell::Cell;

use jsonframe::append_json;
use serde::Serialize;

use crate::Error;

/// The most memory that a thread keeps for the next value, in bytes.
const KEPT: usize = 256 * 1024;

thread_local! {
    static MEMORY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Serialises a value as JSON content, and has it sent.
pub(super) fn with_json<T: Serialize + ?Sized>(
    value: &T,
    send: impl FnOnce(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    // A value that sends another one while it is serialised finds none here, and leaves its own.
    let mut content = MEMORY.try_with(Cell::take).unwrap_or_default();
    content.clear();
    let outcome = match append_json(value, &mut content) {
        Ok(()) => send(&content),
        Err(error) => Err(error.into()),
    };
    if content.len() <= KEPT {
        // It may have grown to twice what it holds.
        content.shrink_to(KEPT);
        let _ = MEMORY.try_with(|memory| memory.set(content));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use serde::Serializer;

    use super::*;

    /// Where the content of this value was, and its length.
    fn place(value: &impl Serialize) -> (*const u8, usize) {
        let mut place = (ptr::null(), 0);
        let sent = with_json(value, |content| {
            place = (content.as_ptr(), content.len());
            Ok(())
        });
        sent.unwrap();
        place
    }

    fn kept() -> usize {
        let content = MEMORY.take();
        let capacity = content.capacity();
        MEMORY.set(content);
        capacity
    }

    #[test]
    fn memory_serves_one_value_after_the_other_unless_it_is_very_much() {
        let text = "x".repeat(KEPT - 2);
        let (_, length) = place(&text);
        assert_eq!((length, kept()), (KEPT, KEPT));
        let again = place(&text);
        assert_eq!((again.1, kept()), (KEPT, KEPT));
        assert_eq!((place(&1), kept()), ((again.0, 1), KEPT));
        assert_eq!(place(&[&text, ""]).1, KEPT + 6);
        assert_eq!(kept(), 0);
    }

    #[test]
    fn a_value_that_sends_another_one_is_sent_whole() {
        struct Nested;

        impl Serialize for Nested {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                place(&"inside");
                serializer.serialize_str("outside")
            }
        }

        let mut sent = Vec::new();
        with_json(&[Nested, Nested], |content| {
            sent.extend_from_slice(content);
            Ok(())
        })
        .unwrap();
        assert_eq!(sent, br#"["outside", "outside"]"#);
    }

    #[test]
    fn a_value_without_a_form_in_json_is_not_sent() {
        let value = std::collections::BTreeMap::from([((), 1)]);
        let outcome = with_json(&value, |_| panic!("it has none"));
        assert!(matches!(outcome, Err(Error::Json(_))));
        assert_eq!(place(&2).1, 1);
    }
}
