//! A received header: from its bytes to its required members.

use super::canonical::Canonical;
use super::required::{RequiredMembers, Text};
use super::resolved::Edits;
use crate::json::cursor::Cursor;
use crate::json::number::plain_integer;
use crate::json::unescape::spells;
use crate::member::Kind;
use crate::{ByteOrder, DecodeErrorKind, Dialect, Member};

/// What is found in a header that is not only its required members in the canonical form.
pub(crate) struct Parsed {
    pub(crate) members: RequiredMembers,
    /// What is still to be done with its bytes.
    pub(crate) edits: Edits,
}

/// Checks a header and finds its required members, or says what is wrong and at which index. Those in the canonical form
/// at its beginning, if they are known, are not looked at again.
#[inline(never)]
pub(crate) fn parse(
    header: &[u8],
    canonical: Option<Canonical<'_>>,
    dialect: Option<&'static Dialect>,
) -> Result<Parsed, (DecodeErrorKind, usize)> {
    let mut parser = match canonical {
        // The canonical form is valid in every dialect.
        Some(Canonical { members, rest, .. }) => {
            Parser { cursor: Cursor::before(header, rest), dialect, found: ALL, members, edits: Edits::NONE }
        }
        None => Parser {
            cursor: Cursor::new(header),
            dialect,
            found: 0,
            members: RequiredMembers::NONE,
            edits: Edits::NONE,
        },
    };
    match parser.object() {
        Some(()) => Ok(Parsed { members: parser.members, edits: parser.edits }),
        None => Err(parser.cursor.failure()),
    }
}

/// All required members, as bits of their indices.
const ALL: u8 = (1 << Member::ALL.len()) - 1;

const fn bit(member: Member) -> u8 {
    1 << member.index()
}

struct Parser<'h> {
    cursor: Cursor<'h>,
    /// `None` is the standard.
    dialect: Option<&'static Dialect>,
    /// Which required members have been there, as bits of their indices.
    found: u8,
    members: RequiredMembers,
    edits: Edits,
}

impl Parser<'_> {
    /// Moves over the object, or over the rest of it after its required members.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn object(&mut self) -> Option<()> {
        let mut expected = "a member name";
        let mut is_first = self.found == 0;
        if is_first {
            self.open_object()?;
            expected = "a member name or `}`";
        }
        loop {
            if !is_first || self.cursor.peek() == Some(b'}') {
                self.cursor.skip_whitespace();
                if !self.cursor.eat(b',') {
                    break;
                }
                self.cursor.skip_whitespace();
                expected = "a member name";
            }
            is_first = false;
            self.member(expected)?;
        }
        if self.cursor.peek() != Some(b'}') {
            return self.cursor.unexpected("`,` or `}`");
        }
        self.complete()?;
        self.cursor.bump(1);
        self.cursor.skip_whitespace();
        self.cursor.end()
    }

    /// Moves over the header's opening brace, and over the white space around it.
    fn open_object(&mut self) -> Option<()> {
        if self.cursor.rest().starts_with(b"\xEF\xBB\xBF") {
            return self.cursor.fail(DecodeErrorKind::ByteOrderMark);
        }
        self.cursor.skip_whitespace();
        if !self.cursor.eat(b'{') {
            let found = self.cursor.peek().unwrap_or_default();
            return self.cursor.refuse(DecodeErrorKind::NotAnObject { found }, "a JSON object, `{`");
        }
        self.cursor.skip_whitespace();
        Some(())
    }

    /// Moves over a member, and keeps what it says if it is a required one.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn member(&mut self, expected: &'static str) -> Option<()> {
        let start = self.cursor.offset();
        let member = self.name(expected)?;
        if let Some(member) = member
            && self.found & bit(member) != 0
        {
            return self.cursor.fail_at(start, DecodeErrorKind::DuplicateMember { member });
        }
        self.cursor.colon()?;
        let Some(member) = member else {
            return self.extension();
        };
        match member.kind() {
            Kind::ByteOrder => self.members.byte_order = self.byte_order(member)?,
            Kind::Text(index) => {
                let text = self.text(member)?;
                if let Some(place) = self.members.texts.get_mut(index) {
                    *place = text;
                }
            }
            Kind::Length => self.members.content_length = self.length()?,
        }
        self.found |= bit(member);
        Some(())
    }

    /// Moves over a member's name, and returns the required member that bears it.
    #[cfg_attr(not(feature = "small"), inline(always))]
    #[allow(clippy::option_option, reason = "a failure, or a name that is an extension's, or a member")]
    fn name(&mut self, expected: &'static str) -> Option<Option<Member>> {
        if !cfg!(feature = "small")
            && let Some(member) = self.literal_name()
        {
            return Some(Some(member));
        }
        let name = self.cursor.string(expected)?;
        let text = self.cursor.between(name.start, name.end);
        // Those of most extensions are too short for a required member, and need not be compared.
        if self.dialect.is_none() && text.len() < Member::SHORTEST_NAME {
            self.edits.has_escapes |= name.is_escaped;
            return Some(None);
        }
        let member = match self.dialect {
            None if !name.is_escaped => Member::from_name(text),
            None => Member::ALL.into_iter().find(|member| spells(text, member.as_str().as_bytes())),
            Some(dialect) => dialect.member(|known| spells(text, known.as_bytes())),
        };
        match member {
            Some(member) if text != member.as_str().as_bytes() => self.edits.rename(member, name.start, name.end),
            Some(_) => {}
            None => self.edits.has_escapes |= name.is_escaped,
        }
        Some(member)
    }

    /// Moves over the name of a required member that stands there as it is.
    ///
    /// To compare is faster than to look for the name's end first.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn literal_name(&mut self) -> Option<Member> {
        let [b'"', body @ ..] = self.cursor.rest() else { return None };
        let first = body.first()?;
        if Member::ALL.iter().all(|member| member.as_str().as_bytes().first() != Some(first)) {
            return None;
        }
        let member = Member::ALL
            .into_iter()
            .find(|member| body.strip_prefix(member.as_str().as_bytes()).is_some_and(|rest| rest.starts_with(b"\"")))?;
        self.cursor.bump(member.as_str().len().wrapping_add(2));
        Some(member)
    }

    /// Moves over the value of an extension member.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn extension(&mut self) -> Option<()> {
        match self.cursor.peek() {
            Some(b'"') => self.edits.has_escapes |= self.cursor.string("a value")?.is_escaped,
            Some(b'{' | b'[') => self.cursor.apart(|cursor| cursor.value(1))?,
            _ => self.cursor.scalar()?,
        }
        Some(())
    }

    fn byte_order(&mut self, member: Member) -> Option<ByteOrder> {
        let start = self.cursor.offset();
        self.check_string(member)?;
        let string = self.cursor.string("a string")?;
        let text = self.cursor.between(string.start, string.end);
        match text {
            b"little" => Some(ByteOrder::Little),
            b"big" => Some(ByteOrder::Big),
            _ if string.is_escaped && spells(text, b"little") => Some(ByteOrder::Little),
            _ if string.is_escaped && spells(text, b"big") => Some(ByteOrder::Big),
            _ => self.cursor.fail_at(start, DecodeErrorKind::InvalidByteOrder),
        }
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    fn text(&mut self, member: Member) -> Option<Text> {
        if self.dialect.is_some_and(Dialect::keeps_raw_json) && self.cursor.peek() != Some(b'"') {
            let start = self.cursor.offset();
            self.cursor.value(1)?;
            return Some(Text::at(start..self.cursor.offset()));
        }
        self.check_string(member)?;
        let string = self.cursor.string("a string")?;
        let text = self.cursor.between(string.start, string.end);
        let found = if string.is_escaped {
            Text::find(string.start..string.end, |known| spells(text, known))
        } else {
            Text::find(string.start..string.end, |known| known == text)
        };
        self.edits.has_escapes |= string.is_escaped && matches!(found, Text::At(..));
        Some(found)
    }

    /// Checks that a value of no other JSON type comes next.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn check_string(&mut self, member: Member) -> Option<()> {
        match self.cursor.peek() {
            Some(b'{' | b'[' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => {
                self.cursor.fail(DecodeErrorKind::WrongType { member })
            }
            _ => Some(()),
        }
    }

    /// Moves over a plain non-negative integer: no sign, no fraction, no exponent, no leading zero, no more than 64 bits.
    fn length(&mut self) -> Option<u64> {
        let start = self.cursor.offset();
        let is_token = |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'+' | b'-' | b'.');
        while self.cursor.peek().is_some_and(is_token) {
            self.cursor.bump(1);
        }
        let number = plain_integer(self.cursor.since(start));
        number.or_else(|| {
            self.cursor.fail_at::<()>(start, DecodeErrorKind::InvalidContentLength);
            self.cursor.refuse(DecodeErrorKind::InvalidContentLength, "the value of `content-length`")
        })
    }

    /// Checks that the required members have all been there, or that the dialect has something to stand in for them. The
    /// cursor is at the header's closing brace.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn complete(&mut self) -> Option<()> {
        if self.found == ALL { Some(()) } else { self.stand_in() }
    }

    fn stand_in(&mut self) -> Option<()> {
        for member in Member::ALL.into_iter().filter(|member| self.found & bit(*member) == 0) {
            if !self.dialect.is_some_and(|dialect| dialect.may_lack(member)) {
                return self.cursor.fail(DecodeErrorKind::MissingMember { member });
            }
        }
        if self.found & bit(Member::ByteOrder) == 0
            && let Some(byte_order) = self.dialect.and_then(Dialect::byte_order)
        {
            self.members.byte_order = byte_order;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;

    use proptest::prelude::*;

    use super::*;

    fn header() -> impl Strategy<Value = String> {
        let length = prop_oneof!["[0-9]{1,21}", "[-+0-9.e]{1,4}", any::<u64>().prop_map(|length| format!("{length}"))];
        ("little|big|BIG|", "[ -~]{0,20}", "[a-z0-9é-]{0,9}", length).prop_map(|(order, kind, encoding, length)| {
            format!(
                "{{\"byteorder\": \"{order}\", \"content-type\": \"{kind}\", \"content-encoding\": \"{encoding}\", \
                 \"content-length\": {length}}}"
            )
        })
    }

    fn assert_indistinguishable(header: &[u8]) -> Result<bool, TestCaseError> {
        let members = |canonical| parse(header, canonical, None).map(|parsed| parsed.members);
        let Some(canonical) = Canonical::read(header) else { return Ok(false) };
        prop_assert_eq!(members(None), members(Some(canonical)), "{}", header.escape_ascii());
        prop_assert!(header[..usize::from(canonical.digits)].ends_with(b"\"content-length\": "));
        if canonical.is_all() {
            prop_assert_eq!(members(None), Ok(canonical.members), "{}", header.escape_ascii());
        }
        Ok(canonical.is_all())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_canonical_form_is_read_as_the_general_parser_reads_it(
            header in header(),
            change in prop::option::of((any::<prop::sample::Index>(), any::<u8>(), any::<bool>())),
        ) {
            let mut header = header.into_bytes();
            if let Some((place, byte, insert)) = change {
                let at = place.index(header.len());
                if insert {
                    header.insert(at, byte);
                } else {
                    header[at] = byte;
                }
            }
            assert_indistinguishable(&header)?;
        }
    }

    #[test]
    #[cfg_attr(feature = "small", ignore = "small builds go the general way")]
    fn a_header_in_the_canonical_form_goes_the_fast_way() {
        let golden = "{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \
                      \"content-length\": 39}";
        let other = "{\"byteorder\": \"big\", \"content-type\": \"image/png\", \"content-encoding\": \"binary\", \
                     \"content-length\": 0}";
        for header in [golden, other] {
            assert!(assert_indistinguishable(header.as_bytes()).unwrap());
            for end in 0..header.len() {
                assert!(!assert_indistinguishable(&header.as_bytes()[..end]).unwrap());
            }
        }
    }
}
