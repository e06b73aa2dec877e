//! A received header: from its bytes to the four required members.

use crate::emitted::parse_emitted;
use crate::escape::{MARK, means, resolve_members};
use crate::json::{Fault, RawString, Result, Scanner};
use crate::{ByteOrder, DecodeErrorKind, Member};

/// Where the values of a header's required members are, and what they say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fields {
    pub(crate) byte_order: ByteOrder,
    pub(crate) content_type: Span,
    pub(crate) content_encoding: Span,
    pub(crate) content_length: u64,
    /// In a header of the emitted form without extensions: where the digits of its content length begin. 0 in others.
    pub(crate) digits: u16,
}

impl Fields {
    /// Those of no header.
    pub(crate) const NONE: Self = Self {
        byte_order: ByteOrder::Little,
        content_type: Span { start: 0, end: 0 },
        content_encoding: Span { start: 0, end: 0 },
        content_length: 0,
        digits: 0,
    };
}

/// A part of a header. Two bytes an end are enough, since no header is longer than 65,535 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    pub(crate) fn new(start: usize, length: usize) -> Self {
        let index = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        Self { start: index(start), end: index(start.saturating_add(length)) }
    }

    /// The same string after its escapes, if it had any, were resolved.
    fn resolved(self, header: &[u8]) -> Self {
        let start = usize::from(self.start);
        let text = header.get(start..).unwrap_or_default();
        match start.checked_sub(1).and_then(|quote| header.get(quote)) {
            Some(&MARK) => {
                let length = text.iter().take_while(|byte| **byte != MARK).count();
                Self { end: self.start.saturating_add(u16::try_from(length).unwrap_or(u16::MAX)), ..self }
            }
            _ => self,
        }
    }

    /// The text there.
    pub(crate) fn text(self, header: &[u8]) -> &str {
        match header.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default() {
            // Nearly every header says these. To know them is faster than to check again that they are UTF-8.
            b"text/json" => "text/json",
            b"utf-8" => "utf-8",
            b"binary" => "binary",
            bytes => core::str::from_utf8(bytes).unwrap_or_default(),
        }
    }
}

/// Checks a header, finds its required members and resolves the escapes of all its members' strings in place.
pub(crate) fn parse(header: &mut [u8]) -> Result<Fields> {
    match parse_emitted(header) {
        Some(fields) => Ok(fields),
        None => parse_any(header),
    }
}

/// [`parse`] for every header there can be.
pub(crate) fn parse_any(header: &mut [u8]) -> Result<Fields> {
    let mut found = Found::default();
    let fields = found.header(&mut Scanner::new(header))?;
    if !found.escaped {
        return Ok(fields);
    }
    resolve_members(header);
    Ok(Fields {
        content_type: fields.content_type.resolved(header),
        content_encoding: fields.content_encoding.resolved(header),
        ..fields
    })
}

/// What has been found of a header.
#[derive(Default)]
struct Found {
    byte_order: Option<ByteOrder>,
    content_type: Option<Span>,
    content_encoding: Option<Span>,
    content_length: Option<u64>,
    /// Whether a string of the header's own members holds an escape.
    escaped: bool,
}

impl Found {
    fn header(&mut self, scanner: &mut Scanner<'_>) -> Result<Fields> {
        open_object(scanner)?;
        let mut expected = "a member name or `}`";
        let mut first = true;
        loop {
            scanner.skip_whitespace();
            if first && scanner.peek() == Some(b'}') {
                break;
            }
            self.member(scanner, expected)?;
            scanner.skip_whitespace();
            if !scanner.take(b',') {
                break;
            }
            first = false;
            expected = "a member name";
        }
        if scanner.peek() != Some(b'}') {
            return Err(scanner.unexpected("`,` or `}`"));
        }
        let fields = self.complete(scanner.at())?;
        scanner.advance(1);
        scanner.end()?;
        Ok(fields)
    }

    fn member(&mut self, scanner: &mut Scanner<'_>, expected: &'static str) -> Result<()> {
        let quote = scanner.at();
        let name = scanner.string(expected)?;
        self.escaped |= name.escaped;
        let member = if name.escaped {
            Member::ALL.into_iter().find(|member| means(name.bytes, member.as_str().as_bytes()))
        } else {
            Member::from_name(name.bytes)
        };
        if let Some(member) = member
            && self.has(member)
        {
            return Err(Fault { kind: DecodeErrorKind::DuplicateMember { member }, at: quote });
        }
        scanner.colon()?;
        match member {
            Some(Member::ByteOrder) => self.byte_order = Some(self.byte_order(scanner)?),
            Some(Member::ContentType) => self.content_type = Some(self.text(scanner, Member::ContentType)?),
            Some(Member::ContentEncoding) => {
                self.content_encoding = Some(self.text(scanner, Member::ContentEncoding)?);
            }
            Some(Member::ContentLength) => self.content_length = Some(content_length(scanner)?),
            None if scanner.peek() == Some(b'"') => self.escaped |= scanner.string("a value")?.escaped,
            None => scanner.value(1)?,
        }
        Ok(())
    }

    const fn has(&self, member: Member) -> bool {
        match member {
            Member::ByteOrder => self.byte_order.is_some(),
            Member::ContentType => self.content_type.is_some(),
            Member::ContentEncoding => self.content_encoding.is_some(),
            Member::ContentLength => self.content_length.is_some(),
        }
    }

    fn text(&mut self, scanner: &mut Scanner<'_>, member: Member) -> Result<Span> {
        let string = string_value(scanner, member)?;
        self.escaped |= string.escaped;
        Ok(Span::new(string.start, string.bytes.len()))
    }

    fn byte_order(&mut self, scanner: &mut Scanner<'_>) -> Result<ByteOrder> {
        let quote = scanner.at();
        let string = string_value(scanner, Member::ByteOrder)?;
        self.escaped |= string.escaped;
        let order = [ByteOrder::Little, ByteOrder::Big];
        let named = order.into_iter().find(|order| means(string.bytes, order.as_str().as_bytes()));
        named.ok_or(Fault { kind: DecodeErrorKind::InvalidByteOrder, at: quote })
    }

    /// The four, if they are all there; `end` is the index of the header's closing brace.
    fn complete(&self, end: usize) -> Result<Fields> {
        let missing = |member| Err(Fault { kind: DecodeErrorKind::MissingMember { member }, at: end });
        let Some(byte_order) = self.byte_order else {
            return missing(Member::ByteOrder);
        };
        let Some(content_type) = self.content_type else {
            return missing(Member::ContentType);
        };
        let Some(content_encoding) = self.content_encoding else {
            return missing(Member::ContentEncoding);
        };
        let Some(content_length) = self.content_length else {
            return missing(Member::ContentLength);
        };
        Ok(Fields { byte_order, content_type, content_encoding, content_length, digits: 0 })
    }
}

/// Passes over the header's opening brace.
fn open_object(scanner: &mut Scanner<'_>) -> Result<()> {
    if scanner.rest().starts_with(b"\xEF\xBB\xBF") {
        return Err(Fault { kind: DecodeErrorKind::ByteOrderMark, at: 0 });
    }
    scanner.skip_whitespace();
    if !scanner.take(b'{') {
        let found = scanner.peek().unwrap_or_default();
        return Err(scanner.refused(DecodeErrorKind::NotAnObject { found }, "a JSON object, `{`"));
    }
    Ok(())
}

fn string_value<'a>(scanner: &mut Scanner<'a>, member: Member) -> Result<RawString<'a>> {
    match scanner.peek() {
        Some(b'{' | b'[' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => {
            Err(Fault { kind: DecodeErrorKind::WrongType { member }, at: scanner.at() })
        }
        _ => scanner.string("a string"),
    }
}

/// A plain non-negative integer: no sign, no fraction, no exponent, no leading zero, no more than 64 bits.
fn content_length(scanner: &mut Scanner<'_>) -> Result<u64> {
    let token = |byte: &&u8| matches!(**byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'+' | b'-' | b'.');
    let length = scanner.rest().iter().take_while(token).count();
    let digits = scanner.rest().get(..length).unwrap_or_default();
    let Some(number) = plain_integer(digits) else {
        return Err(scanner.refused(DecodeErrorKind::InvalidContentLength, "the value of `content-length`"));
    };
    scanner.advance(length);
    Ok(number)
}

/// The number that the digits spell, if they spell one as JSON does.
pub(crate) fn plain_integer(digits: &[u8]) -> Option<u64> {
    match digits {
        [] | [b'0', _, ..] => None,
        _ => digits.iter().try_fold(0_u64, |number, byte| {
            let digit = char::from(*byte).to_digit(10)?;
            number.checked_mul(10)?.checked_add(u64::from(digit))
        }),
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
