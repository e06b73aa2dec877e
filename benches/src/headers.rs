//! The headers that are measured.

use std::fmt::Write;

/// The header of the golden request: 103 bytes in the emitted form, without extensions.
pub const SEED: &str =
    r#"{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 39}"#;

/// A header in the emitted form whose texts are none of those that the decoder knows.
pub const OTHER_TEXTS: &str = r#"{"byteorder": "big", "content-type": "image/svg+xml", "content-encoding": "iso-8859-1", "content-length": 1024}"#;

/// The same four values as other writers may put them: in another order, with white space and with escapes, one of
/// them in a name.
pub const ANY_ORDER: &str = r#"{
  "content-length": 39,
  "content\u002dtype": "text\/json",
  "content-encoding": "utf\u002d8",
  "byteorder": "little"
}"#;

/// The longest header there can be.
pub const LONGEST: usize = u16::MAX as usize;

/// Extension members of every JSON type; [`with_extensions`] adds one.
const EXTENSIONS: [(&str, &str); 19] = [
    ("request-id", r#""7f3b2c9e-51d0-4a86-9d7e-0c2f1b6a8e44""#),
    ("session", r#""c2Vzc2lvbi0wMDAwMDAwMDAwNDI""#),
    ("timestamp", "1763829600123"),
    ("deadline-ms", "2500"),
    ("attempt", "1"),
    ("priority", "-3"),
    ("ratio", "0.875"),
    ("compressed", "false"),
    ("final", "true"),
    ("reply-to", "null"),
    ("filename", r#""measurements-2025-11-22.csv""#),
    ("language", r#""en-GB""#),
    ("user", r#"{"id": 1207, "name": "Grace Hopper", "roles": ["admin", "operator"]}"#),
    ("route", r#"["edge-3", "core-1", "store-7"]"#),
    ("checksum", r#""sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08""#),
    ("sequence", "184467"),
    ("trace", r#""00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01""#),
    ("title", r#""Mittelwerte der Woche""#),
    ("tags", "[]"),
];

/// A header of 1,024 bytes in the emitted form, with 20 extension members of every JSON type.
#[must_use]
pub fn with_extensions() -> String {
    let mut members = String::new();
    for (name, value) in EXTENSIONS {
        write!(members, ", \"{name}\": {value}").expect("a string takes everything");
    }
    filled(&members, ", \"comment\": \"", "x", "\"", 1024)
}

/// What makes a header of 64 KiB long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// One extension member with a long text: nothing to look at twice.
    Plain,
    /// Extension members like those of [`with_extensions`], again and again.
    Members,
    /// Extension members as short as they can be: the most there can be.
    ShortMembers,
    /// One extension member whose text is nothing but escapes.
    Escapes,
    /// Arrays, as deep as they can be.
    Nesting,
    /// One number.
    Digits,
}

/// A header of 65,535 bytes.
#[must_use]
pub fn longest(filling: Filling) -> String {
    match filling {
        Filling::Plain => filled("", ", \"x\": \"", "x", "\"", LONGEST),
        Filling::Escapes => filled("", ", \"x\": \"", "\\n", "\"", LONGEST),
        Filling::ShortMembers => filled("", "", ",\"x\":0", "", LONGEST),
        Filling::Nesting => {
            let depth = 63;
            filled("", ", \"x\": [", &format!("{}{},", "[".repeat(depth - 1), "]".repeat(depth - 1)), "0]", LONGEST)
        }
        Filling::Digits => filled("", ", \"x\": 1", "2", "", LONGEST),
        Filling::Members => {
            let mut members = String::new();
            let mut number = 0_u32;
            'full: loop {
                for (name, value) in EXTENSIONS {
                    let before = members.len();
                    write!(members, ", \"{name}-{number}\": {value}").expect("a string takes everything");
                    if members.len() > LONGEST - 200 {
                        members.truncate(before);
                        break 'full;
                    }
                }
                number += 1;
            }
            filled(&members, ", \"comment\": \"", "x", "\"", LONGEST)
        }
    }
}

/// [`SEED`] with further members: `members`, then `unit` between `open` and `close` as often as it fits, then white
/// space, so that the header is as long as said.
fn filled(members: &str, open: &str, unit: &str, close: &str, length: usize) -> String {
    let required = SEED.strip_suffix('}').expect("it is an object");
    let room = length - required.len() - members.len() - open.len() - close.len() - "}".len();
    let filling = unit.repeat(room / unit.len());
    let space = " ".repeat(room % unit.len());
    format!("{required}{members}{open}{filling}{close}{space}}}")
}

/// A header as it goes over the wire: the proto-header before it.
#[must_use]
pub fn wire(header: &str) -> Vec<u8> {
    let length = u16::try_from(header.len()).expect("a header of at most 65,535 bytes");
    [&length.to_be_bytes(), header.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_as_long_as_they_say() {
        assert_eq!(SEED.len(), 103);
        assert_eq!(with_extensions().len(), 1024);
        for filling in [
            Filling::Plain,
            Filling::Members,
            Filling::ShortMembers,
            Filling::Escapes,
            Filling::Nesting,
            Filling::Digits,
        ] {
            assert_eq!(longest(filling).len(), LONGEST, "{filling:?}");
        }
    }

    #[test]
    fn the_headers_say_the_same() {
        let seed: serde_json::Value = serde_json::from_str(SEED).unwrap();
        assert_eq!(seed, serde_json::from_str::<serde_json::Value>(ANY_ORDER).unwrap());
        let extended: serde_json::Value = serde_json::from_str(&with_extensions()).unwrap();
        assert_eq!(extended.as_object().unwrap().len(), 4 + 20);
    }
}
