//! Why what should be JSON is none.

use jsonframe::Header;
use serde::de::IgnoredAny;

use crate::text::count_of_bytes;

/// What is wrong with a whole content that should be JSON, and how to mend it, where that is recognised.
pub(crate) fn of_content(header: &Header<'_>, content: &[u8]) -> Option<String> {
    if !header.is_json() || content.len() as u64 != header.content_length() {
        return None;
    }
    let text = header.encoding()?.decode(content).ok()?;
    let is_cut = first_value(&text).is_some_and(|value| value.is_err_and(|error| error.is_eof()));
    of_whole(&text).or_else(|| {
        is_cut.then(|| match blank_before(content) {
            [] => {
                "the JSON is cut short: is content-length the number of bytes of this content, len(content) in Python?"
                    .into()
            }
            blank => format!(
                "the JSON is cut short, and b\"{}\" comes before it: do not send that between header and content",
                blank.escape_ascii()
            ),
        })
    })
}

/// The white space that a content begins with, if it is as little as a line end or two.
pub(crate) fn blank_before(content: &[u8]) -> &[u8] {
    let length = content.len() - content.trim_ascii_start().len();
    if length <= 4 { &content[..length] } else { &[] }
}

/// What is wrong with this text of a whole content that should be JSON, but for an end that is too early.
pub(crate) fn of_whole(text: &str) -> Option<String> {
    match first_value(text) {
        None => text.starts_with('\u{FEFF}').then(|| with_mark("content")),
        Some(Err(_)) => of_text(text.as_bytes(), "content"),
        Some(Ok(end)) => {
            let rest = text[end..].trim_start();
            let what = match rest.chars().next()? {
                '{' | '[' => "and more JSON follows: send a message for each, or an array of them",
                '\0' if rest.bytes().all(|byte| byte == 0) => "and null bytes follow: leave them out",
                _ => "before the content does: is content-length right, len(content) in Python?",
            };
            Some(format!("the JSON of the content ends after {}, {what}", count_of_bytes(end as u64)))
        }
    }
}

/// Where the object or the array ends with which this text begins, if it does.
fn first_value(text: &str) -> Option<serde_json::Result<usize>> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let value = values.next().filter(|_| text.trim_start().starts_with(['{', '[']))?;
    Some(value.map(|_| values.byte_offset()))
}

/// What is wrong with this text that should be JSON, by how it is written: that of a header, or of a content.
pub(crate) fn of_text(text: &[u8], what: &str) -> Option<String> {
    let wrong = match strange(text)? {
        Strange::Python => {
            return Some(format!(
                "the {what} looks like a dict as Python prints it, which is no JSON: json.dumps({what}) in Python, not \
                 str({what})"
            ));
        }
        Strange::NotFinite(name) => {
            return Some(format!(
                "the {what} has {name} in it, which is no JSON: leave it out, or send null (None in Python); \
                 json.dumps({what}, allow_nan=False) refuses it"
            ));
        }
        Strange::Comma => "a comma before a closing bracket".into(),
        Strange::Comment => "a comment".into(),
        Strange::Name(name) => format!("the name {name} without quotes"),
    };
    Some(format!("the {what} has {wrong}, which is no JSON: json.dumps({what}) in Python writes JSON"))
}

/// What is wrong with a byte order mark, and how to leave it out.
pub(crate) fn with_mark(what: &str) -> String {
    format!(
        "the {what} begins with a byte order mark, which JSON has not: encode(\"utf-8\") in Python, not \"utf-8-sig\""
    )
}

/// What JSON does not have, and other notations do.
enum Strange<'a> {
    Python,
    NotFinite(&'a str),
    Comma,
    Comment,
    Name(&'a str),
}

/// The first thing in this text, outside of strings, that JSON does not have.
fn strange(mut text: &[u8]) -> Option<Strange<'_>> {
    let mut last = b' ';
    loop {
        text = text.trim_ascii_start();
        let (first, mut rest) = text.split_first()?;
        match first {
            b'"' => rest = after_string(rest)?,
            b'\'' => return Some(Strange::Python),
            b'}' | b']' if last == b',' => return Some(Strange::Comma),
            b'/' | b'#' => return Some(Strange::Comment),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                let length = text.iter().position(|byte| !is_in_word(byte)).unwrap_or(text.len());
                let (word, after) = text.split_at(length);
                let word = str::from_utf8(word).ok()?;
                match (word, after.trim_ascii_start().first()) {
                    ("true" | "false" | "null", _) => {}
                    ("NaN" | "Infinity", _) => return Some(Strange::NotFinite(word)),
                    ("None" | "True" | "False", _) | (_, Some(b'\'')) => return Some(Strange::Python),
                    (_, Some(b':')) => return Some(Strange::Name(word)),
                    _ => return None,
                }
                rest = after;
            }
            b'0'..=b'9' | b'-' | b'+' | b'.' => {
                let is_in_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                rest = &text[text.iter().position(|byte| !is_in_number(byte)).unwrap_or(text.len())..];
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => {}
            _ => return None,
        }
        (text, last) = (rest, *first);
    }
}

/// What comes after a string of which these bytes are the rest.
fn after_string(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let at = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if rest[at] == b'"' {
            return Some(&rest[at + 1..]);
        }
        rest = rest.get(at + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_recognised_by_how_it_is_written() {
        for (text, beginning) in [
            ("{'a': 1}", "the header looks like a dict as Python prints it, "),
            ("{\"a\": None}", "the header looks like a dict as Python prints it, "),
            ("{\"a\": [True]}", "the header looks like a dict as Python prints it, "),
            ("{\"a\": b'x'}", "the header looks like a dict as Python prints it, "),
            ("{\"'\\\"\": -1.5e+3, \"a\": NaN}", "the header has NaN in it, "),
            ("{\"a\": -Infinity}", "the header has Infinity in it, "),
            ("{\"a\": [1, ] }", "the header has a comma before a closing bracket, "),
            ("{\"a\": 1} // b", "the header has a comment, "),
            ("{a: 1}", "the header has the name a without quotes, "),
        ] {
            let said = of_text(text.as_bytes(), "header");
            assert!(said.as_ref().is_some_and(|said| said.starts_with(beginning)), "{text}: {said:?}");
        }
        for text in
            ["{\"a\": 'b", "{\"'a\": ", "{\"None\": true, \"b\\", "{\"a\": 01}", "{x", "{\"\n\": null}", "\u{FF}'", ""]
        {
            let is_quoted = text.contains(": '");
            assert_eq!(of_text(text.as_bytes(), "header").is_some(), is_quoted, "{text}");
        }
    }

    #[test]
    fn content_that_is_no_json_is_recognised() {
        let said =
            |encoding, content: &[u8]| of_content(&Header::new("text/json", encoding, content.len() as u64), content);
        for (content, beginning) in [
            ("{\"a\": 1", "the JSON is cut short: "),
            ("{\"a\": NaN}", "the content has NaN in it, "),
            ("{'a': 1}", "the content looks like a dict as Python prints it, "),
            ("{\"a\": 1}\n{\"a\": 2}", "the JSON of the content ends after 8 bytes, and more JSON follows: "),
            ("[1]\0", "the JSON of the content ends after 3 bytes, and null bytes follow: "),
            ("[1]\0g", "the JSON of the content ends after 3 bytes, before the content does: "),
            ("\u{FEFF}{}", "the content begins with a byte order mark, "),
        ] {
            let said = said("utf-8", content.as_bytes());
            assert!(said.as_ref().is_some_and(|said| said.starts_with(beginning)), "{content}: {said:?}");
        }
        // What is JSON, what is not even like it, and what is no text.
        for content in ["{\"a\": 1}\r\n", "[]", "1", "\"a", "hello", "NaN", "", "{\"a\": 1e999}"] {
            assert_eq!(said("utf-8", content.as_bytes()), None, "{content}");
        }
        assert_eq!(said("utf-16-le", b"{\0}\0"), None);
        assert_eq!(said("utf-8", b"{\xFF"), None);
        assert!(said("utf-16-le", b"{\0").is_some());
        assert_eq!(of_content(&Header::new("text/plain", "utf-8", 1), b"{"), None);
        assert_eq!(of_content(&Header::new("text/json", "utf-8", 2), b"{"), None);
    }
}
