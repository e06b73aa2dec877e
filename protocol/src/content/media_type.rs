//! Content types as media types: `text/json; charset=utf-8`.

mod grammar;
mod parameter;

use core::fmt;
use core::hash::{Hash, Hasher};
use core::iter;

use thiserror::Error;

pub use self::parameter::{ParameterValue, Parameters};
use crate::Header;

/// A `content-type` read as a media type ([RFC 9110 §8.3.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1)):
/// `type/subtype`, then parameters.
///
/// The protocol does not require this form: any string is a valid `content-type`.
///
/// Two content types are equal if they differ only in white space, in the case of types and of parameter names, and in the
/// quoting of values. The order of parameters counts.
///
/// The encoding of text is given by `content-encoding` ([`Header::encoding`]), not by a parameter `charset`.
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
/// assert_eq!(ContentType::parse("TEXT/csv;Header=present")?, ContentType::parse("text/csv; header=\"present\"")?);
/// # Ok::<(), jsonframe::InvalidContentType>(())
/// ```
#[derive(Clone, Copy)]
pub struct ContentType<'a> {
    main: &'a str,
    subtype: &'a str,
    /// Both, and the slash between.
    essence: &'a str,
    /// All that follows, which the grammar has accepted as parameters.
    parameters: &'a str,
}

/// Says why a text is not a media type, and where.
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
    /// Returns the offset of the first byte at fault, or the length of the text if it ends too early.
    pub const fn offset(self) -> usize {
        self.offset
    }
}

impl<'a> ContentType<'a> {
    /// Parses a media type. White space around it is ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidContentType`] if the text is not a media type: if it lacks a slash, contains a character that a token cannot
    /// contain, or has a parameter without a value or a quoted string without an end.
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
        let Some((_, start)) = split_at(text, before) else { return Err(InvalidContentType { offset: 0 }) };
        let length = grammar::token(start.as_bytes());
        let (Some((main, rest)), true) = (split_at(start, length), length > 0) else {
            return Err(InvalidContentType { offset: before });
        };
        let slash = before.saturating_add(length);
        let (Some((_, subtype)), [b'/', ..]) = (split_at(rest, 1), rest.as_bytes()) else {
            return Err(InvalidContentType { offset: slash });
        };
        let after_slash = slash.saturating_add(1);
        let subtype_length = grammar::token(subtype.as_bytes());
        let (Some((subtype, rest)), true) = (split_at(subtype, subtype_length), subtype_length > 0) else {
            return Err(InvalidContentType { offset: after_slash });
        };
        let end = after_slash.saturating_add(subtype_length);
        if let Err(offset) = grammar::parameters(rest.as_bytes()) {
            return Err(InvalidContentType { offset: end.saturating_add(offset) });
        }
        let essence = match split_at(start, end.saturating_sub(before)) {
            Some((essence, _)) => essence,
            None => start,
        };
        Ok(Self { main, subtype, essence, parameters: rest })
    }

    /// Returns the part before the slash, as it is written: `text`.
    pub const fn main_type(&self) -> &'a str {
        self.main
    }

    /// Returns the part after the slash, as it is written, including its suffix: `problem+json`.
    pub const fn subtype(&self) -> &'a str {
        self.subtype
    }

    /// Returns the part after the last `+` of the subtype, if there is one: `json`.
    pub fn suffix(&self) -> Option<&'a str> {
        let length = self.subtype.bytes().rev().take_while(|byte| *byte != b'+').count();
        let (before, suffix) = self.subtype.split_at_checked(self.subtype.len().saturating_sub(length))?;
        (!before.is_empty()).then_some(suffix)
    }

    /// Returns the type and subtype, as they are written and without parameters: `text/json`.
    pub const fn essence(&self) -> &'a str {
        self.essence
    }

    /// Returns whether this is the type `essence`, given as `type/subtype`. Case and parameters are ignored.
    pub const fn is(&self, essence: &str) -> bool {
        grammar::equal(self.essence.as_bytes(), essence.as_bytes())
    }

    /// Returns whether the content is JSON: `text/json`, `application/json`, or any type with the suffix `+json`.
    pub fn is_json(&self) -> bool {
        self.is("text/json") || self.is("application/json") || self.has_suffix("json")
    }

    /// Returns whether the content is text: `text/…`, JSON, `application/xml`, or any type with the suffix `+xml`.
    pub fn is_text(&self) -> bool {
        grammar::equal(self.main.as_bytes(), b"text")
            || self.is_json()
            || self.is("application/xml")
            || self.has_suffix("xml")
    }

    fn has_suffix(&self, wanted: &str) -> bool {
        self.suffix().is_some_and(|suffix| suffix.eq_ignore_ascii_case(wanted))
    }

    /// Iterates over the names and values of the parameters, in order.
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

    /// Returns the value of the first parameter of this name. Case is ignored.
    pub fn parameter(&self, name: &str) -> Option<ParameterValue<'a>> {
        self.parameters().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Iterates over the parts that comparisons and hashes go by: the essence, then the parameters.
    fn parts(&self) -> impl Iterator<Item = (AnyCase<'a>, Option<ParameterValue<'a>>)> {
        let parameters = self.parameters().map(|(name, value)| (AnyCase(name), Some(value)));
        iter::once((AnyCase(self.essence), None)).chain(parameters)
    }
}

impl PartialEq for ContentType<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.parts().eq(other.parts())
    }
}

impl Eq for ContentType<'_> {}

impl Hash for ContentType<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().for_each(|part| part.hash(state));
    }
}

/// Text that is compared and hashed without regard to the case of ASCII letters.
struct AnyCase<'a>(&'a str);

impl PartialEq for AnyCase<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Hash for AnyCase<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
        // As `str` does, so that the end of one text is not the beginning of the next.
        state.write_u8(0xFF);
    }
}

impl fmt::Debug for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContentType").field(&format_args!("{self}")).finish()
    }
}

/// Writes the media type as it was written, without the white space around it.
impl fmt::Display for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.essence)?;
        f.write_str(self.parameters.trim_ascii_end())
    }
}

impl Header<'_> {
    /// Returns whether the content type is one of JSON: `text/json`, `application/json` or `…+json`, in any case, with or
    /// without parameters.
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

/// `str::split_at_checked`, which is not const in Rust 1.85.
const fn split_at(text: &str, at: usize) -> Option<(&str, &str)> {
    let Some((before, after)) = text.as_bytes().split_at_checked(at) else { return None };
    match (core::str::from_utf8(before), core::str::from_utf8(after)) {
        (Ok(before), Ok(after)) => Some((before, after)),
        _ => None,
    }
}
