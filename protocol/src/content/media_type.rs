//! What the content is, as media types say it: `text/json; charset=utf-8`.

mod grammar;
mod parameter;

use core::fmt;

use thiserror::Error;

pub use self::parameter::{ParameterValue, Parameters};
use crate::Header;

/// A `content-type` read as a media type ([RFC 9110 §8.3.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1)):
/// `type/subtype`, and parameters behind it.
///
/// The protocol does not ask for this form: to a receiver the member is any string. What has another form is no error but
/// has no type. Types are compared without regard to case. Needs no allocator.
///
/// The encoding of text is what `content-encoding` says ([`Header::encoding`]), whatever a parameter `charset` says.
///
/// ```
/// use jsonframe::ContentType;
///
/// const PROBLEM: Result<ContentType<'_>, jsonframe::InvalidContentType> =
///     ContentType::parse("Application/Problem+JSON; charset=utf-8; title=\"say \\\"no\\\"\"");
///
/// let problem = PROBLEM?;
/// assert!(problem.is_json() && problem.is("application/problem+json"));
/// assert_eq!((problem.essence(), problem.suffix()), ("Application/Problem+JSON", Some("JSON")));
/// assert_eq!(problem.parameter("Charset").and_then(|value| value.as_str()), Some("utf-8"));
/// assert_eq!(problem.parameter("title").map(|value| value.to_string()).as_deref(), Some("say \"no\""));
/// # Ok::<(), jsonframe::InvalidContentType>(())
/// ```
#[derive(Clone, Copy)]
pub struct ContentType<'a> {
    main: &'a str,
    subtype: &'a str,
    /// Both, and the slash between.
    essence: &'a str,
    /// What is behind, known to be parameters: empty, or from the first semicolon on.
    parameters: &'a str,
}

/// Why a text is not a media type.
///
/// ```
/// use jsonframe::ContentType;
///
/// let error = ContentType::parse("text/json; charset").unwrap_err();
/// assert_eq!(error.to_string(), "not a media type (at byte 18)");
/// assert_eq!(error.offset(), 18);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a media type (at byte {offset})")]
pub struct InvalidContentType {
    offset: usize,
}

impl InvalidContentType {
    /// Where it is wrong: the first byte that cannot stand there, or the length where something is missing at the end.
    pub const fn offset(self) -> usize {
        self.offset
    }
}

impl<'a> ContentType<'a> {
    /// Reads a media type. White space around it is passed over.
    ///
    /// # Errors
    ///
    /// [`InvalidContentType`] if it is none: no slash, a character that a token cannot have, a parameter without a value, a
    /// quoted string that does not end.
    ///
    /// ```
    /// use jsonframe::ContentType;
    ///
    /// assert!(ContentType::parse("binary/custom-client-binary-type").is_ok());
    /// for text in ["", "json", "text/", "text / json", "text/json charset=utf-8", "text/json; charset=\"utf-8"] {
    ///     assert!(ContentType::parse(text).is_err());
    /// }
    /// ```
    pub const fn parse(text: &'a str) -> Result<Self, InvalidContentType> {
        let before = grammar::spaces(text.as_bytes());
        let Some((_, start)) = text.split_at_checked(before) else { return Err(InvalidContentType { offset: 0 }) };
        let length = grammar::token(start.as_bytes());
        let (Some((main, rest)), true) = (start.split_at_checked(length), length > 0) else {
            return Err(InvalidContentType { offset: before });
        };
        let slash = before.saturating_add(length);
        let (Some((_, subtype)), [b'/', ..]) = (rest.split_at_checked(1), rest.as_bytes()) else {
            return Err(InvalidContentType { offset: slash });
        };
        let after_slash = slash.saturating_add(1);
        let subtype_length = grammar::token(subtype.as_bytes());
        let (Some((subtype, rest)), true) = (subtype.split_at_checked(subtype_length), subtype_length > 0) else {
            return Err(InvalidContentType { offset: after_slash });
        };
        let end = after_slash.saturating_add(subtype_length);
        if let Err(offset) = grammar::parameters(rest.as_bytes()) {
            return Err(InvalidContentType { offset: end.saturating_add(offset) });
        }
        let essence = match start.split_at_checked(end.saturating_sub(before)) {
            Some((essence, _)) => essence,
            None => start,
        };
        Ok(Self { main, subtype, essence, parameters: rest })
    }

    /// What stands before the slash, as it is written: `text`.
    pub const fn main_type(&self) -> &'a str {
        self.main
    }

    /// What stands behind the slash, as it is written, with its suffix: `problem+json`.
    pub const fn subtype(&self) -> &'a str {
        self.subtype
    }

    /// What stands behind the last `+` of the subtype, if there is one: `json`.
    pub fn suffix(&self) -> Option<&'a str> {
        let length = self.subtype.bytes().rev().take_while(|byte| *byte != b'+').count();
        let (before, suffix) = self.subtype.split_at_checked(self.subtype.len().saturating_sub(length))?;
        (!before.is_empty()).then_some(suffix)
    }

    /// Type and subtype as they are written, without parameters: `text/json`.
    pub const fn essence(&self) -> &'a str {
        self.essence
    }

    /// Whether it is this type, given as `type/subtype`; case and parameters do not matter.
    pub const fn is(&self, essence: &str) -> bool {
        grammar::equal(self.essence.as_bytes(), essence.as_bytes())
    }

    /// Whether the content is JSON: `text/json`, `application/json`, or what ends in `+json`.
    pub fn is_json(&self) -> bool {
        self.is("text/json") || self.is("application/json") || self.has_suffix("json")
    }

    /// Whether the content is text, and its encoding that of its characters: `text/…`, JSON, and XML as `application/xml` or
    /// what ends in `+xml`.
    pub fn is_text(&self) -> bool {
        grammar::equal(self.main.as_bytes(), b"text")
            || self.is_json()
            || self.is("application/xml")
            || self.has_suffix("xml")
    }

    fn has_suffix(&self, wanted: &str) -> bool {
        self.suffix().is_some_and(|suffix| suffix.eq_ignore_ascii_case(wanted))
    }

    /// The parameters in their order, each a name and a value.
    ///
    /// ```
    /// use jsonframe::ContentType;
    ///
    /// let content_type = ContentType::parse("text/csv;header=present ; ; sep=\";\"")?;
    /// let parameters: Vec<_> = content_type.parameters().map(|(name, value)| format!("{name}: {value}")).collect();
    /// assert_eq!(parameters, ["header: present", "sep: ;"]);
    /// # Ok::<(), jsonframe::InvalidContentType>(())
    /// ```
    pub const fn parameters(&self) -> Parameters<'a> {
        Parameters::new(self.parameters)
    }

    /// The value of the first parameter of this name, of which case does not matter.
    pub fn parameter(&self, name: &str) -> Option<ParameterValue<'a>> {
        self.parameters().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl fmt::Debug for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContentType").field(&format_args!("{self}")).finish()
    }
}

/// As it is written, without white space around it.
impl fmt::Display for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.essence)?;
        f.write_str(self.parameters.trim_ascii_end())
    }
}

impl Header<'_> {
    /// Whether the content type is one of JSON's: `text/json`, `application/json`, `…+json`, in any case, with or without
    /// parameters.
    ///
    /// ```
    /// use jsonframe::Header;
    ///
    /// assert!(Header::new("TEXT/JSON; charset=utf-8", "utf-8", 2).is_json());
    /// assert!(!Header::new("text/plain", "utf-8", 2).is_json());
    /// assert!(!Header::new("", "utf-8", 2).is_json());
    /// ```
    pub fn is_json(&self) -> bool {
        ContentType::parse(self.content_type()).is_ok_and(|content_type| content_type.is_json())
    }
}
