//! A message as one line of JSON, of the members that `inspect --json` has.

use jsonframe::{Header, Value};
use serde::de::IgnoredAny;

use crate::inspect::{Extensions, Harmless, quoted};

/// The content of a message, as far as it is at hand.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    /// All of it, or its beginning.
    pub(crate) bytes: &'a [u8],
    pub(crate) length: u64,
}

/// The message as an object, after the members that `first` holds, of which each ends with a comma.
///
/// Its content is `json` where its header says so and it is, otherwise `text` if it is text in the encoding that its header
/// names, otherwise `hex`. Of content that is not at hand as a whole the beginning is `hex`, and `left_out` says how much more
/// there is.
pub(crate) fn object(first: &str, header: &Header<'_>, content: Content<'_>) -> String {
    let line = format!("{{{first}{},{}}}", header_members(header), content_members(header, content));
    Harmless(&line).to_string()
}

/// The members of the header, without the braces of an object.
fn header_members(header: &Header<'_>) -> String {
    format!(
        r#""byteorder":{},"content_type":{},"content_encoding":{},"content_length":{},"extensions":{}"#,
        Value::from(header.byte_order().as_str()),
        Value::from(header.content_type()),
        Value::from(header.content_encoding()),
        header.content_length(),
        Extensions(header),
    )
}

fn content_members(header: &Header<'_>, content: Content<'_>) -> String {
    let left_out = content.length - content.bytes.len() as u64;
    if left_out > 0 {
        return format!(r#""hex":"{}","left_out":{left_out}"#, hex::encode(content.bytes));
    }
    let Some(text) = header.encoding().and_then(|encoding| encoding.decode(content.bytes).ok()) else {
        return format!(r#""hex":"{}""#, hex::encode(content.bytes));
    };
    match one_line(&text).filter(|_| header.is_json()) {
        Some(json) => format!(r#""json":{json}"#),
        None => format!(r#""text":{}"#, quoted(text)),
    }
}

/// The same JSON on one line, its numbers and its strings as they are written.
fn one_line(json: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let mut line = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if !in_string && character.is_ascii_whitespace() {
            continue;
        }
        line.push(character);
        in_string ^= character == '"' && !escaped;
        escaped = in_string && character == '\\' && !escaped;
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_on_one_line_is_the_same_json() {
        let json = "{ \"a b\\\" \\\\\": [1.50,\r\n\t1e400 ,\n{}], \"\": \"\\u0020 \" }";
        assert_eq!(one_line(json).unwrap(), "{\"a b\\\" \\\\\":[1.50,1e400,{}],\"\":\"\\u0020 \"}");
        assert_eq!(one_line("{} {}"), None);
    }

    #[test]
    fn content_is_what_its_header_says_if_it_is() {
        let shown = |content_type, encoding, bytes: &[u8], length| {
            content_members(&Header::new(content_type, encoding, length), Content { bytes, length })
        };
        assert_eq!(shown("text/json", "utf-8", b"[1]", 3), r#""json":[1]"#);
        assert_eq!(shown("text/json", "utf-8", b"[1", 2), r#""text":"[1""#);
        assert_eq!(shown("text/json", "utf-8", b"[1\xFF", 3), r#""hex":"5b31ff""#);
        assert_eq!(shown("x", "latin-1", b"\xE9", 1), "\"text\":\"\u{e9}\"");
        assert_eq!(shown("x", "binary", b"x", 1), r#""hex":"78""#);
        assert_eq!(shown("text/json", "utf-8", b"[1]", 5), r#""hex":"5b315d","left_out":2"#);
    }
}
