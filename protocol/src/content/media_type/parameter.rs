//! The parameters of a content type.

use core::fmt::{self, Write};
use core::hash::{Hash, Hasher};
use core::iter::FusedIterator;

use super::grammar;

/// An iterator over the names and values of the parameters of a [`ContentType`](super::ContentType).
#[derive(Clone, Debug)]
pub struct Parameters<'a>(&'a str);

impl<'a> Parameters<'a> {
    /// Creates an iterator over a text that the grammar has accepted as parameters.
    pub(super) const fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a str, ParameterValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let text = self.0;
            let found = grammar::parameter(text.as_bytes()).ok()??;
            self.0 = text.get(found.end..)?;
            let name = text.get(found.name.0..found.name.1)?;
            if !name.is_empty() {
                return Some((name, ParameterValue(text.get(found.value.0..found.value.1)?)));
            }
        }
    }
}

impl FusedIterator for Parameters<'_> {}

/// The value of a parameter: a token or a quoted string.
///
/// Values are equal if their characters are, quoted or not. Case counts.
///
/// ```
/// use jsonframe::ContentType;
///
/// let content_type = ContentType::parse("text/plain; a=token; b=\"quoted\"; c=\"with a \\\"\"")?;
/// let values: Vec<_> = content_type.parameters().map(|(_, value)| value).collect();
/// assert_eq!(values.iter().map(|value| value.as_str()).collect::<Vec<_>>(), [Some("token"), Some("quoted"), None]);
/// assert_eq!(values[2], "with a \"");
/// assert_eq!(values[2].chars().count(), 8);
/// # Ok::<(), jsonframe::InvalidContentType>(())
/// ```
#[derive(Clone, Copy)]
pub struct ParameterValue<'a>(&'a str);

impl<'a> ParameterValue<'a> {
    /// Returns the value, or `None` if it contains escapes.
    pub fn as_str(&self) -> Option<&'a str> {
        let text = self.unquoted();
        (!text.contains('\\')).then_some(text)
    }

    /// Iterates over the characters of the value, with escapes resolved.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        let mut rest = self.unquoted().chars();
        core::iter::from_fn(move || match rest.next() {
            Some('\\') => rest.next(),
            other => other,
        })
    }

    /// Returns the text between the quotes, or the token, which contains neither quotes nor backslashes.
    fn unquoted(&self) -> &'a str {
        self.0.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(self.0)
    }
}

impl PartialEq for ParameterValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for ParameterValue<'_> {}

impl PartialEq<str> for ParameterValue<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

impl PartialEq<&str> for ParameterValue<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl Hash for ParameterValue<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chars().for_each(|character| character.hash(state));
        state.write_u8(0xFF);
    }
}

impl fmt::Debug for ParameterValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ParameterValue").field(&format_args!("{}", self.0)).finish()
    }
}

/// Writes the value with escapes resolved.
impl fmt::Display for ParameterValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|character| f.write_char(character))
    }
}
