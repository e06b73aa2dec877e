//! How content is shown to a person.

use std::borrow::Cow;

use jsonframe::{Encoding, Header, TextDecoder};

use super::hint::is_pickle;
use super::pretty::pretty;
use crate::text::Printable;

/// How much is shown as text of a content that is not at hand as a whole, and how much of any as hex, in bytes.
pub(crate) const BEGINNING: usize = 1024;
const DUMP: usize = 256;

/// What is shown of a content.
pub(super) struct View<'a> {
    /// What the content is taken for.
    pub(super) kind: String,
    pub(super) body: Body<'a>,
    /// How many bytes of the content the body stands for.
    pub(super) shown: usize,
}

pub(super) enum Body<'a> {
    Json(String),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

impl<'a> View<'a> {
    /// The view of a content of this header that begins with these bytes, or consists of them.
    pub(super) fn of(header: &Header<'_>, bytes: &'a [u8]) -> Self {
        let whole = bytes.len() as u64 == header.content_length();
        let Some((text, shown)) = header.encoding().and_then(|encoding| text(encoding, bytes, whole)) else {
            let shown = bytes.len().min(DUMP);
            let kind = match header.encoding() {
                _ if is_pickle(bytes) => "binary, which looks like a Python pickle".into(),
                Some(_) => format!("not {}", Printable(header.content_encoding())),
                None => "binary".into(),
            };
            return Self { kind, body: Body::Bytes(&bytes[..shown]), shown };
        };
        let (kind, body) = if whole && shown < bytes.len() {
            ("text that ends inside a character".into(), Body::Text(text))
        } else if whole && header.is_json() {
            match pretty(&text) {
                Ok(json) => ("JSON".into(), Body::Json(json)),
                Err(error) => (format!("not JSON: {error}"), Body::Text(text)),
            }
        } else {
            ("text".into(), Body::Text(text))
        };
        Self { kind, body, shown }
    }
}

/// The content as text, if it is text in this encoding, and of how many bytes; only the beginning unless it is whole.
fn text(encoding: Encoding, bytes: &[u8], whole: bool) -> Option<(Cow<'_, str>, usize)> {
    if whole && let Ok(text) = encoding.decode(bytes) {
        return Some((text, bytes.len()));
    }
    let part = if whole { bytes } else { &bytes[..bytes.len().min(BEGINNING)] };
    // The last character may be cut in two.
    let mut decoder = TextDecoder::new(encoding);
    let mut text = String::new();
    decoder.decode(part, &mut text).ok()?;
    let shown = usize::try_from(decoder.position()).ok()?;
    (shown > 0 || !whole).then(|| (text.into(), shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of view, and how many bytes it shows.
    fn view(content_type: &str, encoding: &str, length: u64, bytes: &[u8]) -> (String, usize) {
        let view = View::of(&Header::new(content_type, encoding, length), bytes);
        (view.kind, view.shown)
    }

    #[test]
    fn json_is_what_its_type_says_it_is() {
        for name in ["text/json", "application/json", "application/problem+json", "Application/JSON; charset=utf-8"] {
            assert_eq!(view(name, "UTF-8", 2, b"{}"), ("JSON".into(), 2), "{name}");
        }
        for name in ["text/plain", "json", "text/json5", ""] {
            assert_eq!(view(name, "utf-8", 2, b"{}"), ("text".into(), 2), "{name}");
        }
        let not_json = "not JSON: EOF while parsing an object at line 1 column 1";
        assert_eq!(view("text/json", "utf-8", 1, b"{"), (not_json.into(), 1));
    }

    #[test]
    fn text_is_what_its_encoding_says_it_is() {
        let text = "é".as_bytes();
        for (encoding, kind) in [
            ("utf8", "text"),
            ("ascii", "not ascii"),
            ("latin-1", "text"),
            ("utf-16", "text"),
            ("utf-32", "not utf-32"),
            ("binary", "binary"),
        ] {
            assert_eq!(view("x", encoding, 2, text), (kind.into(), 2), "{encoding}");
        }
        assert_eq!(view("x", "US-ASCII", 1, b"e"), ("text".into(), 1));
        assert_eq!(view("x", "utf-8", 2, b"e\xFF"), ("not utf-8".into(), 2));
        assert_eq!(view("text/json", "binary", 2, b"{}"), ("binary".into(), 2));
        let header = Header::new("text/plain", "cp1252", 3);
        assert!(matches!(View::of(&header, b"5 \x80").body, Body::Text(text) if text == "5 €"));
        let header = Header::new("text/json", "utf-16-be", 6);
        assert!(matches!(View::of(&header, b"\0[\0 \0]").body, Body::Json(text) if text == "[]"));
    }

    #[test]
    fn content_that_is_cut_inside_a_character_is_shown_up_to_it() {
        let cut = "text that ends inside a character";
        assert_eq!(view("text/json", "utf-8", 3, b"{\"\xC3"), (cut.into(), 2));
        assert_eq!(view("x", "utf-16-le", 5, b"a\0b\0c"), (cut.into(), 4));
        assert_eq!(view("x", "utf-8", 4, b"\xC3\xC3\xA9\xC3"), ("not utf-8".into(), 4));
    }

    #[test]
    fn of_a_part_the_beginning_is_shown() {
        let text = "é".repeat(2000);
        assert_eq!(view("x", "utf-8", 4000, text.as_bytes()), ("text".into(), 4000));
        assert_eq!(view("x", "utf-8", 4001, text.as_bytes()), ("text".into(), 1024));
        assert_eq!(view("x", "utf-8", 4001, &text.as_bytes()[1..]), ("not utf-8".into(), 256));
        let shifted = format!("e{text}");
        assert_eq!(view("x", "utf-8", 5000, shifted.as_bytes()), ("text".into(), 1023));
        assert_eq!(view("x", "utf-8", 2, &text.as_bytes()[..1]), ("text".into(), 0));
        assert_eq!(view("x", "utf-16-le", 7, b"\xE9\0\x3D\xD8\x36"), ("text".into(), 2));
    }
}
