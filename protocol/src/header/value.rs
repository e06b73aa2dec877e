//! The values of extension members.

use core::fmt;

use crate::InvalidJson;
use crate::json::cursor::{self, Cursor, unexpected};
use crate::json::number::{plain_integer, write_integer};
use crate::json::write::{Sink, write_again, write_string};

/// The value of an extension member, received or to be sent ([SPEC §3.5](crate::spec#35-extension-members)).
///
/// Text, integers and booleans convert by [`From`]; other values come from JSON by [`Value::from_json`]. Each getter returns
/// `None` if the value is of another type. [`Display`](fmt::Display) writes the value as JSON. Arrays, objects and numbers
/// that are not integers are equal when their texts are.
///
/// ```
/// use jsonframe::Value;
///
/// let value = Value::from("a.txt");
/// assert_eq!(value.as_str(), Some("a.txt"));
/// assert_eq!(value.as_u64(), None);
/// assert_eq!(value.to_string(), "\"a.txt\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value<'a>(Repr<'a>);

/// Each value has only one representation, so that equal values compare equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Repr<'a> {
    Null,
    Bool(bool),
    Natural(u64),
    /// Below zero.
    Negative(i64),
    Text(&'a str),
    /// An array, an object, or a number that is none of the above.
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// JSON's `null`.
    pub const NULL: Self = Self(Repr::Null);

    /// Creates a value from its JSON text: an array, an object, a number of any size, `true`, `false` or `null`.
    ///
    /// It is sent in the canonical form ([SPEC §4.1](crate::spec#41-the-emitted-form)), however it is spaced and escaped
    /// here. For a string use [`From`], which escapes it.
    ///
    /// # Errors
    ///
    /// [`InvalidJson`] if `text` is not one such value, or is nested too deeply for a header
    /// ([`MAX_DEPTH`](crate::MAX_DEPTH), the header itself included).
    ///
    /// ```
    /// use jsonframe::Value;
    ///
    /// assert_eq!(Value::from_json("[1,2.5]")?.to_string(), "[1, 2.5]");
    /// assert_eq!(Value::from_json("3")?, Value::from(3_u64));
    /// assert!(Value::from_json("[1, 2,]").is_err());
    /// # Ok::<(), jsonframe::InvalidJson>(())
    /// ```
    pub fn from_json(text: &'a str) -> Result<Self, InvalidJson> {
        let mut cursor = Cursor::new(text.as_bytes());
        Self::read(text, &mut cursor).map_err(|fault| {
            let (kind, offset) = cursor.report(fault);
            InvalidJson::new(kind, offset)
        })
    }

    fn read(text: &'a str, cursor: &mut Cursor<'_>) -> cursor::Result<Self> {
        cursor.skip_whitespace();
        let start = cursor.offset();
        if cursor.peek() == Some(b'"') {
            return Err(const { &unexpected("an array, an object, a number, `true`, `false` or `null`") });
        }
        cursor.value(1)?;
        let end = cursor.offset();
        cursor.skip_whitespace();
        cursor.end()?;
        Ok(Self::from_valid_json(text.get(start..end).unwrap_or_default()))
    }

    /// Creates the value of a valid JSON text that is not a string.
    pub(crate) fn from_valid_json(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        Self(match bytes {
            b"null" => Repr::Null,
            b"true" => Repr::Bool(true),
            b"false" => Repr::Bool(false),
            [b'-', digits @ ..] => match plain_integer(digits).and_then(|number| 0_i64.checked_sub_unsigned(number)) {
                None | Some(0) => Repr::Json(text),
                Some(number) => Repr::Negative(number),
            },
            digits => plain_integer(digits).map_or(Repr::Json(text), Repr::Natural),
        })
    }

    /// Returns the text, its escapes resolved, if the value is a string.
    pub const fn as_str(&self) -> Option<&'a str> {
        match self.0 {
            Repr::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, if the value is an integer below 2<sup>64</sup> without sign, fraction or exponent.
    ///
    /// ```
    /// # use jsonframe::Value;
    /// assert_eq!(Value::from(7).as_u64(), Some(7));
    /// assert_eq!(Value::from(-7).as_u64(), None);
    /// ```
    pub const fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Repr::Natural(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the number, if the value is an integer from -2<sup>63</sup> to 2<sup>63</sup> - 1, without fraction or
    /// exponent.
    ///
    /// ```
    /// # use jsonframe::Value;
    /// assert_eq!(Value::from(-7).as_i64(), Some(-7));
    /// assert_eq!(Value::from(u64::MAX).as_i64(), None);
    /// ```
    pub const fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Natural(number) => 0_i64.checked_add_unsigned(number),
            Repr::Negative(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the boolean, if the value is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match self.0 {
            Repr::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Returns whether the value is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self.0, Repr::Null)
    }

    /// Returns the JSON text, if the value is an array, an object, or a number that neither [`as_u64`](Self::as_u64) nor
    /// [`as_i64`](Self::as_i64) returns.
    ///
    /// The text is as it was received, valid JSON without white space around it. `text.parse::<f64>()` reads such a number.
    pub const fn as_json(&self) -> Option<&'a str> {
        match self.0 {
            Repr::Json(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn write_json(&self, out: &mut impl Sink) -> fmt::Result {
        match self.0 {
            Repr::Null => out.put(b"null"),
            Repr::Bool(true) => out.put(b"true"),
            Repr::Bool(false) => out.put(b"false"),
            Repr::Natural(number) => write_integer(out, number),
            Repr::Negative(number) => {
                out.put(b"-")?;
                write_integer(out, number.unsigned_abs())
            }
            Repr::Text(text) => write_string(out, text),
            Repr::Json(text) => write_again(out, text),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self(Repr::Text(text))
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self(Repr::Bool(truth))
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self(Repr::Natural(number))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self(u64::try_from(number).map_or(Repr::Negative(number), Repr::Natural))
    }
}

macro_rules! from_narrower {
    ($wide:ident: $($narrow:ident)*) => {$(
        impl From<$narrow> for Value<'_> {
            #[allow(clippy::cast_lossless, reason = "`usize` has no `From`")]
            fn from(number: $narrow) -> Self {
                (number as $wide).into()
            }
        }
    )*};
}

from_narrower!(u64: u8 u16 u32 usize);
from_narrower!(i64: i8 i16 i32 isize);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_json(f)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_number_is_as_wide_as_it_needs_to_be() {
        for (text, natural, integer) in [
            ("0", Some(0), Some(0)),
            ("9223372036854775807", Some(i64::MAX as u64), Some(i64::MAX)),
            ("9223372036854775808", Some(1 << 63), None),
            ("18446744073709551615", Some(u64::MAX), None),
            ("18446744073709551616", None, None),
            ("-1", None, Some(-1)),
            ("-9223372036854775808", None, Some(i64::MIN)),
            ("-9223372036854775809", None, None),
            ("-0", None, None),
            ("1.0", None, None),
            ("1e2", None, None),
        ] {
            let value = Value::from_json(text).unwrap();
            assert_eq!((value.as_u64(), value.as_i64()), (natural, integer), "{text}");
            assert_eq!(value.as_json().is_some(), natural.is_none() && integer.is_none(), "{text}");
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn json_says_where_it_is_wrong() {
        for (text, message) in [
            ("[1, 2,]", "not a JSON value: unexpected `]`; expected a value (at byte 6)"),
            (
                "  \"a\"",
                "not a JSON value: unexpected `\"`; expected an array, an object, a number, `true`, `false` or `null` (at byte 2)",
            ),
            ("1 2", "not a JSON value: unexpected `2` after the JSON; expected only white space (at byte 2)"),
            ("", "not a JSON value: unexpected end of the JSON; expected a value (at byte 0)"),
        ] {
            assert_eq!(Value::from_json(text).unwrap_err().to_string(), message);
        }
    }
}
