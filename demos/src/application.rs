//! What the client and the server of the tutorial say to each other.

use std::borrow::Cow;
use std::fmt::{self, Display};

use jsonframe::{Dialect, EncodeError, Header, JsonError, Message, to_json};
use jsonframe_cli::text::ByteString;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Serialize, Serializer};

/// The content type of requests and answers in JSON.
///
/// Content of any other type is taken for binary, `application/json` and `TEXT/JSON` among them, as by the programs of the
/// tutorial, so that both give the same answers. As by them, JSON may be in any encoding of text that is known.
pub const JSON: &str = "text/json";

/// How many bytes of a binary request its answer repeats.
pub const REPEATED: u64 = 10;

/// What can be asked in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

/// What is answered in JSON: `{"result": "…"}` or `{"error": "…"}`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer<T> {
    /// What came out.
    Result(T),
    /// Why the request could not be understood.
    Error(String),
}

/// A text of three parts, which are put together as it is written.
#[derive(Debug)]
pub struct Words<'a>(&'static str, Cow<'a, str>, &'static str);

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = [self.0, &self.1, self.2];
        // Every answer is put together here, and `write!` would go through a formatter for each part.
        serializer.collect_str(&fmt::from_fn(|f| parts.iter().try_for_each(|part| f.write_str(part))))
    }
}

/// A message to be sent.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Its header, of the content's length.
    pub header: Header<'a>,
    /// Its content.
    pub content: Vec<u8>,
}

impl<'a> Draft<'a> {
    /// A message of JSON content.
    ///
    /// # Errors
    ///
    /// See [`to_json`]; there are none for text.
    pub fn json(value: &impl Serialize) -> Result<Self, JsonError> {
        let content = to_json(value)?;
        Ok(Self { header: Header::new(JSON, "utf-8", content.len() as u64), content })
    }

    fn binary(content_type: &'a str, content: Vec<u8>) -> Self {
        Self { header: Header::new(content_type, "binary", content.len() as u64), content }
    }

    /// The message as it goes over the wire in a dialect.
    ///
    /// # Errors
    ///
    /// See [`Dialect::encode`]; there are none for the messages of this module.
    pub fn frame(&self, dialect: &Dialect) -> Result<Vec<u8>, EncodeError> {
        dialect.to_vec(&Message::new(self.header, &self.content)?)
    }

    /// The same, to be printed.
    pub(crate) fn framed(&self, dialect: &Dialect) -> impl Display {
        fmt::from_fn(|f| match self.frame(dialect) {
            Ok(frame) => ByteString(&frame).fmt(f),
            Err(error) => write!(f, "nothing, for {error},"),
        })
    }
}

/// The client's request: a search in JSON, every other action as binary content.
///
/// # Errors
///
/// See [`to_json`]; there are none for text.
pub fn request(action: &str, value: &str) -> Result<Draft<'static>, JsonError> {
    if action == "search" {
        return Draft::json(&Request { action: action.into(), value: value.into() });
    }
    Ok(Draft::binary("binary/custom-client-binary-type", [action, value].concat().into_bytes()))
}

/// The server's answer to a request that is this text in JSON.
///
/// # Errors
///
/// [`JsonError`] if it is not a JSON object with text as `action` and as `value`.
pub fn answer_json(request: &str) -> Result<Answer<Words<'_>>, JsonError> {
    // What derives `Deserialize` would take an array for an object without names.
    if !request.trim_ascii_start().starts_with('{') {
        serde_json::from_str::<IgnoredAny>(request)?;
        return Err(serde_json::Error::custom("expected an object").into());
    }
    let Request { action, value } = serde_json::from_str(request)?;
    Ok(Answer::Result(match (&*action, look_up(&value)) {
        ("search", Some(entry)) => Words(entry, "".into(), ""),
        ("search", None) => Words("No match for \"", value, "\"."),
        _ => Words("Error: invalid action \"", action, "\"."),
    }))
}

/// The server's answer to a binary request that begins with these bytes.
pub fn answer_binary(beginning: &[u8]) -> Draft<'static> {
    Draft::binary("binary/custom-server-binary-type", [b"First 10 bytes of request: ", beginning].concat())
}

fn look_up(value: &str) -> Option<&'static str> {
    match value {
        "morpheus" => Some("Follow the white rabbit. 🐰"),
        "ring" => Some("In the caves beneath the Misty Mountains. 💍"),
        "🐶" => Some("🐾 Playing ball! 🏐"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jsonframe::Encoding;

    use super::*;

    fn answer(request: &str) -> Result<String, String> {
        let content = answer_json(request).and_then(|answer| Ok(Draft::json(&answer)?.content));
        content.map(|content| String::from_utf8(content).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_search_finds_what_is_in_the_table() {
        for (value, result) in [
            ("morpheus", "Follow the white rabbit. 🐰"),
            ("ring", "In the caves beneath the Misty Mountains. 💍"),
            ("🐶", "🐾 Playing ball! 🏐"),
            ("needle", "No match for \\\"needle\\\"."),
            ("", "No match for \\\"\\\"."),
        ] {
            let content = request("search", value).unwrap().content;
            let content = String::from_utf8(content).unwrap();
            assert_eq!(content, format!("{{\"action\": \"search\", \"value\": \"{value}\"}}"));
            assert_eq!(answer(&content).unwrap(), format!("{{\"result\": \"{result}\"}}"));
        }
    }

    #[test]
    fn another_action_in_json_is_invalid() {
        assert_eq!(
            answer(r#"{"value": "", "action": "d\u0061nce", "more": [{}]}"#).unwrap(),
            r#"{"result": "Error: invalid action \"dance\"."}"#
        );
    }

    #[test]
    fn other_json_is_no_request() {
        for (content, reason) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            (r#" ["search", "ring"]"#, "expected an object"),
            (r#""search""#, "expected an object"),
            (r#"{"action": "search"}"#, "missing field `value` at line 1 column 20"),
            (r#"{"action": "search", "value": 7}"#, "invalid type: integer `7`, expected a string at line 1 column 31"),
            (r#"{"action": "search", "value": ""} x"#, "trailing characters at line 1 column 35"),
        ] {
            assert_eq!(answer(content).unwrap_err(), format!("the content does not fit: {reason}"));
        }
    }

    #[test]
    fn a_request_may_be_in_any_encoding_of_text() {
        let request = r#"{"action": "search", "value": "é"}"#;
        for label in ["utf-8", "latin-1", "UTF-16", "utf-32-be", "cp1252"] {
            let content = label.parse::<Encoding>().unwrap().encode(request).unwrap();
            let message = Message::new(Header::new(JSON, label, content.len() as u64), &content).unwrap();
            let text = message.text().unwrap();
            assert_eq!(answer(&text).unwrap(), r#"{"result": "No match for \"é\"."}"#, "{label}");
        }
        let message = Message::new(Header::new(JSON, "ascii", 1), b"\xE9").unwrap();
        assert_eq!(message.text().unwrap_err().to_string(), "the content is not text in ascii (at its byte 0)");
    }

    #[test]
    fn every_other_action_is_sent_as_binary_content() {
        let draft = request("dance", "🐶").unwrap();
        assert_eq!(draft.header, Header::new("binary/custom-client-binary-type", "binary", 9));
        assert_eq!(draft.content, "dance🐶".as_bytes());

        let draft = answer_binary(&draft.content[..8]);
        assert_eq!(draft.header, Header::new("binary/custom-server-binary-type", "binary", 35));
        assert_eq!(draft.content, b"First 10 bytes of request: dance\xF0\x9F\x90");
    }
}
