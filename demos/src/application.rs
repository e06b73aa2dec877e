//! What the client and the server of the tutorial say to each other.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use jsonframe::{Dialect, EncodeError, Header, JsonError, Message, to_json};
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
pub enum Answer {
    /// What came out.
    Result(String),
    /// Why the request could not be understood.
    Error(String),
}

/// What is answered in JSON to a request that could be understood. Its words are put together as it is serialised.
#[derive(Debug, Serialize)]
pub struct Found<'a> {
    #[serde(serialize_with = "in_words")]
    result: Outcome<'a>,
}

/// What came out.
#[derive(Clone, Copy, Debug)]
enum Outcome<'a> {
    /// This value has this entry in the table.
    Entry(&'static str),
    /// This value has none.
    NoMatch(&'a str),
    /// There is no such action.
    InvalidAction(&'a str),
}

impl Display for Outcome<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let parts = match self {
            Self::Entry(entry) => [*entry, "", ""],
            Self::NoMatch(value) => ["No match for \"", value, "\"."],
            Self::InvalidAction(action) => ["Error: invalid action \"", action, "\"."],
        };
        // Every answer is put together here, and `write!` would go through a formatter for each part.
        parts.iter().try_for_each(|part| f.write_str(part))
    }
}

fn in_words<S: Serializer>(outcome: &Outcome<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(outcome)
}

/// A message to be sent.
#[derive(Debug)]
pub struct Draft {
    content_type: &'static str,
    content_encoding: &'static str,
    content: Vec<u8>,
    prefix: Vec<u8>,
}

impl Draft {
    /// A message of JSON content.
    ///
    /// # Errors
    ///
    /// See [`to_json`]; there are none for text.
    pub fn json(value: &impl Serialize) -> Result<Self, JsonError> {
        Ok(Self { content_type: JSON, content_encoding: "utf-8", content: to_json(value)?, prefix: Vec::new() })
    }

    const fn binary(content_type: &'static str, content: Vec<u8>) -> Self {
        Self { content_type, content_encoding: "binary", content, prefix: Vec::new() }
    }

    /// The same with these bytes before its proto-header: those of the request that it answers.
    ///
    /// In dialects that have a prefix, it is by this that many a client knows which request is answered.
    #[must_use]
    pub fn with_prefix(self, prefix: &[u8]) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// The message's header.
    pub fn header(&self) -> Header<'_> {
        Header::new(self.content_type, self.content_encoding, self.content.len() as u64).with_prefix(&self.prefix)
    }

    /// The message's content.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// The message as it goes over the wire.
    ///
    /// # Errors
    ///
    /// See [`Dialect::encode`]; there are none for the messages of this module.
    pub fn frame(&self) -> Result<Vec<u8>, EncodeError> {
        self.frame_in(&Dialect::STANDARD)
    }

    /// The message as it goes over the wire in a dialect.
    ///
    /// # Errors
    ///
    /// See [`Dialect::encode`]; there are none for the messages of this module.
    pub fn frame_in(&self, dialect: &Dialect) -> Result<Vec<u8>, EncodeError> {
        dialect.to_vec(&Message::new(self.header(), &self.content)?)
    }
}

/// The client's request: a search in JSON, every other action as binary content.
///
/// # Errors
///
/// See [`to_json`]; there are none for text.
pub fn request(action: &str, value: &str) -> Result<Draft, JsonError> {
    if action == "search" {
        return Draft::json(&Request { action: action.into(), value: value.into() });
    }
    Ok(Draft::binary("binary/custom-client-binary-type", [action, value].concat().into_bytes()))
}

/// The server's answer to a request in JSON.
///
/// # Errors
///
/// [`JsonError`] if the content is not text in its encoding, or not a JSON object with text as `action` and as `value`.
pub fn answer_json(request: &Message<'_>) -> Result<Draft, JsonError> {
    answer_json_by(request, |answer| Draft::json(answer))
}

/// Has `answer` give the server's answer to a request in JSON, which borrows from it.
///
/// # Errors
///
/// Those of [`answer_json`], and those of `answer`.
pub fn answer_json_by<T>(
    request: &Message<'_>,
    answer: impl FnOnce(&Found<'_>) -> Result<T, JsonError>,
) -> Result<T, JsonError> {
    let text = request.text()?;
    // What derives `Deserialize` would take an array for an object without names.
    if !text.trim_ascii_start().starts_with('{') {
        serde_json::from_str::<IgnoredAny>(&text)?;
        return Err(serde_json::Error::custom("expected an object").into());
    }
    let Request { action, value } = serde_json::from_str(&text)?;
    let result = if action == "search" {
        look_up(&value).map_or(Outcome::NoMatch(&value), Outcome::Entry)
    } else {
        Outcome::InvalidAction(&action)
    };
    answer(&Found { result })
}

/// The server's answer to a binary request that begins with these bytes.
pub fn answer_binary(beginning: &[u8]) -> Draft {
    Draft::binary("binary/custom-server-binary-type", [b"First 10 bytes of request: ", beginning].concat())
}

/// The server's answer to what it cannot understand.
///
/// # Errors
///
/// See [`to_json`]; there are none for text.
pub fn answer_error(reason: String) -> Result<Draft, JsonError> {
    Draft::json(&Answer::Error(reason))
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

    fn answer(content: &str) -> Result<String, String> {
        let message = Message::new(Header::for_json(content.len() as u64), content.as_bytes()).unwrap();
        let text = |draft: Draft| String::from_utf8(draft.content).unwrap();
        answer_json(&message).map(text).map_err(|error| error.to_string())
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
            let answer = answer_json(&message).unwrap();
            assert_eq!(answer.content(), r#"{"result": "No match for \"é\"."}"#.as_bytes(), "{label}");
        }
        let message = Message::new(Header::new(JSON, "ascii", 1), b"\xE9").unwrap();
        assert_eq!(answer_json(&message).unwrap_err().to_string(), "the content is not text in ascii (at its byte 0)");
    }

    #[test]
    fn every_other_action_is_sent_as_binary_content() {
        let draft = request("dance", "🐶").unwrap();
        assert_eq!(draft.header(), Header::new("binary/custom-client-binary-type", "binary", 9));
        assert_eq!(draft.content(), "dance🐶".as_bytes());

        let draft = answer_binary(&draft.content()[..8]);
        assert_eq!(draft.header(), Header::new("binary/custom-server-binary-type", "binary", 35));
        assert_eq!(draft.content(), b"First 10 bytes of request: dance\xF0\x9F\x90");
    }
}
