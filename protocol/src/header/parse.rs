//! A received header: from its bytes to the four required members.

use crate::header::Members;
use crate::header::canonical::parse_emitted;
use crate::header::text::Text;
use crate::json::fault::{Expected, FaultKind, Result};
use crate::json::scan::{
    RawString, Utf8, colon, end, open_string, refused, scalar, skip_whitespace, unexpected, value,
};
use crate::json::unescape::resolve;
use crate::{ByteOrder, Dialect, Member};

/// What a header's required members say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fields {
    pub(crate) content_length: u64,
    pub(crate) content_type: Text,
    pub(crate) content_encoding: Text,
    /// In a header of the emitted form without extensions: where the digits of its content length begin. 0 in others.
    pub(crate) digits: u16,
    pub(crate) byte_order: ByteOrder,
}

impl Fields {
    /// Those of no header.
    pub(crate) const NONE: Self = Self {
        content_length: 0,
        content_type: Text::At(0, 0),
        content_encoding: Text::At(0, 0),
        digits: 0,
        byte_order: ByteOrder::Little,
    };

    /// The members of the header that these are the fields of.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) const fn members<'a>(&self, header: &'a [u8]) -> Members<'a> {
        // What follows the digits is not kept up to date; there are no extensions there.
        if self.digits == 0 { Members::Received(header) } else { Members::Listed(&[]) }
    }
}

/// Checks a header, finds its required members and resolves the escapes of all its members' strings in place.
pub(crate) fn parse(header: &mut [u8], dialect: Option<&Dialect>) -> Result<Fields> {
    // The emitted form is valid in every dialect.
    match parse_emitted(header) {
        Some(fields) => Ok(fields),
        None => parse_any(header, dialect),
    }
}

/// [`parse`] for every header there can be.
#[inline(never)]
pub(crate) fn parse_any(header: &mut [u8], dialect: Option<&Dialect>) -> Result<Fields> {
    let parser = Parser {
        header,
        dialect,
        utf8: Utf8::default(),
        byte_order: None,
        content_type: None,
        content_encoding: None,
        content_length: None,
    };
    parser.object()
}

/// Goes through a header once, and resolves the escapes of its members' strings on the way.
struct Parser<'h> {
    header: &'h mut [u8],
    /// `None` is the standard.
    dialect: Option<&'h Dialect>,
    utf8: Utf8,
    byte_order: Option<ByteOrder>,
    content_type: Option<Text>,
    content_encoding: Option<Text>,
    content_length: Option<u64>,
}

impl Parser<'_> {
    fn object(mut self) -> Result<Fields> {
        let mut at = open_object(self.header)?;
        if self.header.get(at) != Some(&b'}') {
            let mut expected = Expected::FirstMember;
            loop {
                at = self.member(at, expected)?;
                at = skip_whitespace(self.header, at);
                if self.header.get(at) != Some(&b',') {
                    break;
                }
                at = skip_whitespace(self.header, at.wrapping_add(1));
                expected = Expected::Member;
            }
        }
        if self.header.get(at) != Some(&b'}') {
            return Err(unexpected(self.header, at, Expected::CommaOrBrace));
        }
        let fields = self.complete(at)?;
        end(self.header, skip_whitespace(self.header, at.wrapping_add(1)))?;
        Ok(fields)
    }

    /// Passes over a member, and keeps what it says if it is a required one.
    #[cfg_attr(not(feature = "small"), inline)]
    fn member(&mut self, at: usize, expected: Expected) -> Result<usize> {
        let (member, behind) = self.name(at, expected)?;
        if let Some(member) = member
            && self.has(member)
        {
            return Err(FaultKind::DuplicateMember(member).at(at));
        }
        let at = colon(self.header, behind)?;
        let behind;
        match member {
            None => return self.extension(at),
            Some(Member::ByteOrder) => (self.byte_order, behind) = some_first(self.byte_order(at)?),
            Some(Member::ContentType) => (self.content_type, behind) = some_first(self.text(at, Member::ContentType)?),
            Some(Member::ContentEncoding) => {
                (self.content_encoding, behind) = some_first(self.text(at, Member::ContentEncoding)?);
            }
            Some(Member::ContentLength) => (self.content_length, behind) = some_first(content_length(self.header, at)?),
        }
        Ok(behind)
    }

    /// The required member that bears the name at this index, if one does, and the index behind the name.
    #[cfg_attr(not(feature = "small"), inline)]
    fn name(&mut self, at: usize, expected: Expected) -> Result<(Option<Member>, usize)> {
        let rest = self.header.get(at..).unwrap_or_default();
        if let Some((member, length)) = Member::at_front(rest) {
            return Ok((Some(member), at.wrapping_add(length)));
        }
        let (name, behind) = self.string(at, expected)?;
        // Those of most extensions are too short for a required member, and need not be compared.
        if name.end.wrapping_sub(name.start) < Member::SHORTEST_NAME {
            return Ok((None, behind));
        }
        let member = Member::from_name(name.bytes(self.header));
        Ok((member.or_else(|| self.dialect?.alias(self.header, name)), behind))
    }

    /// Passes over the value of an extension member.
    #[cfg_attr(not(feature = "small"), inline)]
    fn extension(&mut self, at: usize) -> Result<usize> {
        match self.header.get(at) {
            Some(b'"') => Ok(self.string(at, Expected::Value)?.1),
            Some(b'{' | b'[') => value(self.header, at, 1, &mut self.utf8),
            Some(b'0'..=b'9') => number(self.header, at),
            _ => scalar(self.header, at),
        }
    }

    fn byte_order(&mut self, at: usize) -> Result<(ByteOrder, usize)> {
        let (text, behind) = self.required_string(at, Member::ByteOrder)?;
        match text.bytes(self.header) {
            b"little" => Ok((ByteOrder::Little, behind)),
            b"big" => Ok((ByteOrder::Big, behind)),
            _ => Err(FaultKind::InvalidByteOrder.at(at)),
        }
    }

    #[cfg_attr(not(feature = "small"), inline)]
    fn text(&mut self, at: usize, member: Member) -> Result<(Text, usize)> {
        let rest = self.header.get(at..).unwrap_or_default();
        if let Some((text, length)) = Text::at_front(rest) {
            return Ok((text, at.wrapping_add(length)));
        }
        let (text, behind) = self.required_string(at, member)?;
        Ok((Text::find(self.header, text), behind))
    }

    /// The value of a required member that is a string.
    fn required_string(&mut self, at: usize, member: Member) -> Result<(RawString, usize)> {
        match self.header.get(at) {
            Some(b'{' | b'[' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => Err(FaultKind::WrongType(member).at(at)),
            _ => self.string(at, Expected::String),
        }
    }

    /// A string, resolved, and the index behind it.
    #[cfg_attr(not(feature = "small"), inline(always))]
    #[allow(clippy::inline_always, reason = "a name is seldom longer than the call would take")]
    fn string(&mut self, at: usize, expected: Expected) -> Result<(RawString, usize)> {
        let string = open_string(self.header, at, expected)?;
        match self.header.get(string.end) {
            Some(b'"') => Ok((string, string.end.wrapping_add(1))),
            _ => resolve(self.header, string.start, string.end, &mut self.utf8),
        }
    }

    const fn has(&self, member: Member) -> bool {
        match member {
            Member::ByteOrder => self.byte_order.is_some(),
            Member::ContentType => self.content_type.is_some(),
            Member::ContentEncoding => self.content_encoding.is_some(),
            Member::ContentLength => self.content_length.is_some(),
        }
    }

    /// The four, if they are all there or the dialect has something to stand in for them; `at` is the index of the header's
    /// closing brace.
    fn complete(&self, at: usize) -> Result<Fields> {
        let missing = |member| Err(FaultKind::MissingMember(member).at(at));
        let Some(byte_order) = self.byte_order.or_else(|| self.dialect?.byte_order()) else {
            return missing(Member::ByteOrder);
        };
        let content_type = || self.dialect?.content_type().map(|_| Text::NO_CONTENT_TYPE);
        let Some(content_type) = self.content_type.or_else(content_type) else {
            return missing(Member::ContentType);
        };
        let content_encoding = || self.dialect?.content_encoding().map(|_| Text::NO_CONTENT_ENCODING);
        let Some(content_encoding) = self.content_encoding.or_else(content_encoding) else {
            return missing(Member::ContentEncoding);
        };
        let Some(content_length) = self.content_length else {
            return missing(Member::ContentLength);
        };
        Ok(Fields { content_length, content_type, content_encoding, digits: 0, byte_order })
    }
}

/// Passes over the header's opening brace, and over the white space around it.
fn open_object(header: &[u8]) -> Result<usize> {
    if header.starts_with(b"\xEF\xBB\xBF") {
        return Err(FaultKind::ByteOrderMark.at(0));
    }
    let at = skip_whitespace(header, 0);
    match header.get(at) {
        Some(b'{') => Ok(skip_whitespace(header, at.wrapping_add(1))),
        found => {
            let kind = FaultKind::NotAnObject(found.copied().unwrap_or_default());
            Err(refused(header, at, kind, Expected::Object))
        }
    }
}

/// Passes over a number that begins with a digit.
///
/// Most are integers, whose end is where their digits end.
#[cfg_attr(not(feature = "small"), inline)]
fn number(header: &[u8], start: usize) -> Result<usize> {
    let mut at = start;
    while let Some(b'0'..=b'9') = header.get(at) {
        at = at.wrapping_add(1);
    }
    let is_padded = header.get(start) == Some(&b'0') && at > start.wrapping_add(1);
    match header.get(at) {
        Some(b'.' | b'e' | b'E') => scalar(header, start),
        _ if is_padded => scalar(header, start),
        _ => Ok(at),
    }
}

fn some_first<T>((value, behind): (T, usize)) -> (Option<T>, usize) {
    (Some(value), behind)
}

/// A plain non-negative integer, and the index behind it: no sign, no fraction, no exponent, no leading zero, no more than
/// 64 bits.
fn content_length(header: &[u8], at: usize) -> Result<(u64, usize)> {
    let token = |byte: &&u8| matches!(**byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'+' | b'-' | b'.');
    let rest = header.get(at..).unwrap_or_default();
    let length = rest.iter().take_while(token).count();
    let Some(number) = rest.get(..length).and_then(plain_integer) else {
        return Err(refused(header, at, FaultKind::InvalidContentLength, Expected::ContentLength));
    };
    Ok((number, at.wrapping_add(length)))
}

/// The number that the digits spell, if they spell one as JSON does.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn plain_integer(digits: &[u8]) -> Option<u64> {
    /// So many digits always fit.
    const SAFE: usize = 19;

    let mut number = 0_u64;
    for byte in digits.iter().take(SAFE) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    match digits {
        [] | [b'0', _, ..] => None,
        [_, ..] if digits.len() <= SAFE => Some(number),
        [.., last @ b'0'..=b'9'] if digits.len() == SAFE.wrapping_add(1) => {
            number.checked_mul(10)?.checked_add(u64::from(last.wrapping_sub(b'0')))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::plain_integer;

    #[test]
    fn a_plain_integer_fits_64_bits() {
        assert_eq!(plain_integer(b"0"), Some(0));
        assert_eq!(plain_integer(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(plain_integer(b"18446744073709551616"), None);
        assert_eq!(plain_integer(b"100000000000000000000"), None);
    }

    #[test]
    fn nothing_but_digits_is_a_plain_integer() {
        for text in ["", "00", "007", "-1", "-0", "+1", "1.0", "1e2", "x", "1x"] {
            assert_eq!(plain_integer(text.as_bytes()), None, "{text:?}");
        }
    }
}
