//! A received header: from its bytes to the four required members.

use crate::emitted::parse_emitted;
use crate::escape::resolve;
use crate::header::Members;
use crate::json::{Fault, Position, Result, Scanner};
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

    /// The members of the header that these are the fields of.
    pub(crate) const fn members<'a>(&self, header: &'a [u8]) -> Members<'a> {
        // What follows the digits is not kept up to date; there are no extensions there.
        if self.digits == 0 { Members::Received(header) } else { Members::Listed(&[]) }
    }
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

    fn bytes(self, header: &[u8]) -> &[u8] {
        header.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// The text there.
    pub(crate) fn text(self, header: &[u8]) -> &str {
        match self.bytes(header) {
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
    let parser = Parser {
        header,
        position: Position::default(),
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
    position: Position,
    byte_order: Option<ByteOrder>,
    content_type: Option<Span>,
    content_encoding: Option<Span>,
    content_length: Option<u64>,
}

impl Parser<'_> {
    fn object(mut self) -> Result<Fields> {
        self.scan(open_object)?;
        if self.scan(|scanner| Ok(scanner.peek()))? != Some(b'}') {
            self.member("a member name or `}`")?;
            while self.scan(|scanner| Ok(comma(scanner)))? {
                self.member("a member name")?;
            }
        }
        let end = self.position.at;
        if !self.scan(|scanner| Ok(scanner.take(b'}')))? {
            return self.scan(|scanner| Err(scanner.unexpected("`,` or `}`")));
        }
        let fields = self.complete(end)?;
        self.scan(|scanner| {
            scanner.skip_whitespace();
            scanner.end()
        })?;
        Ok(fields)
    }

    /// Goes on with a scanner.
    fn scan<T>(&mut self, pass: impl FnOnce(&mut Scanner<'_>) -> Result<T>) -> Result<T> {
        let mut scanner = Scanner::resume(self.header, self.position);
        let passed = pass(&mut scanner)?;
        self.position = scanner.position();
        Ok(passed)
    }

    fn member(&mut self, expected: &'static str) -> Result<()> {
        let quote = self.position.at;
        let name = self.string(expected)?;
        let member = Member::from_name(name.bytes(self.header));
        if let Some(member) = member
            && self.has(member)
        {
            return Err(Fault { kind: DecodeErrorKind::DuplicateMember { member }, at: quote });
        }
        let first = self.scan(|scanner| {
            scanner.colon()?;
            Ok(scanner.peek())
        })?;
        match (member, first) {
            (Some(Member::ByteOrder), _) => self.byte_order = Some(self.byte_order()?),
            (Some(Member::ContentType), _) => self.content_type = Some(self.text(Member::ContentType)?),
            (Some(Member::ContentEncoding), _) => self.content_encoding = Some(self.text(Member::ContentEncoding)?),
            (Some(Member::ContentLength), _) => self.content_length = Some(self.scan(content_length)?),
            (None, Some(b'"')) => {
                self.string("a value")?;
            }
            (None, _) => self.scan(|scanner| scanner.value(1))?,
        }
        Ok(())
    }

    /// A string, resolved: where its text is now.
    fn string(&mut self, expected: &'static str) -> Result<Span> {
        let (start, length, escaped) = self.scan(|scanner| {
            let string = scanner.string(expected)?;
            Ok((string.start, string.bytes.len(), string.escaped))
        })?;
        if !escaped {
            return Ok(Span::new(start, length));
        }
        let quoted = self.header.get_mut(start.saturating_sub(1)..self.position.at).unwrap_or_default();
        Ok(Span::new(start, resolve(quoted)))
    }

    /// The value of a required member that is a string.
    fn text(&mut self, member: Member) -> Result<Span> {
        let at = self.position.at;
        match self.header.get(at) {
            Some(b'{' | b'[' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => {
                Err(Fault { kind: DecodeErrorKind::WrongType { member }, at })
            }
            _ => self.string("a string"),
        }
    }

    fn byte_order(&mut self) -> Result<ByteOrder> {
        let at = self.position.at;
        match self.text(Member::ByteOrder)?.bytes(self.header) {
            b"little" => Ok(ByteOrder::Little),
            b"big" => Ok(ByteOrder::Big),
            _ => Err(Fault { kind: DecodeErrorKind::InvalidByteOrder, at }),
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

/// Passes over the header's opening brace, and over the white space around it.
fn open_object(scanner: &mut Scanner<'_>) -> Result<()> {
    if scanner.rest().starts_with(b"\xEF\xBB\xBF") {
        return Err(Fault { kind: DecodeErrorKind::ByteOrderMark, at: 0 });
    }
    scanner.skip_whitespace();
    if !scanner.take(b'{') {
        let found = scanner.peek().unwrap_or_default();
        return Err(scanner.refused(DecodeErrorKind::NotAnObject { found }, "a JSON object, `{`"));
    }
    scanner.skip_whitespace();
    Ok(())
}

/// Passes over the comma behind a member, if there is one, and over the white space around it.
fn comma(scanner: &mut Scanner<'_>) -> bool {
    scanner.skip_whitespace();
    let comma = scanner.take(b',');
    scanner.skip_whitespace();
    comma
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
