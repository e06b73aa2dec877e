//! A received header: from its bytes to its required members.

use super::required::{RequiredMembers, Text};
use super::resolved::Escapes;
use crate::json::cursor::{Cursor, Fault, Result, unexpected};
use crate::json::number::leading_integer;
use crate::json::scan::{COMMA_OR_BRACE, FIRST_NAME, NAME, RawString, VALUE};
use crate::member::Kind;
use crate::{ByteOrder, DecodeErrorKind, Dialect, Member};

/// Checks a header, and finds its required members and the escapes that are still to be resolved; or says what is wrong and
/// at which index. If `members` are known already, from the canonical form, only the `rest` after them is read.
#[inline(never)]
pub(crate) fn parse(
    header: &[u8],
    rest: Option<&[u8]>,
    dialect: Option<&'static Dialect>,
    members: &mut RequiredMembers,
    escapes: &mut Escapes,
) -> Result<(), (DecodeErrorKind, usize)> {
    // The canonical form is valid in every dialect.
    let (start, found) = if let Some(rest) = rest {
        (header.len().wrapping_sub(rest.len()), ALL)
    } else {
        *members = RequiredMembers::NONE;
        (0, 0)
    };
    let mut cursor = Cursor::at(header, start);
    let mut parser = Parser { dialect, current: Member::ByteOrder, found, members, escapes };
    parser.object(&mut cursor).map_err(|fault| parser.report(cursor, fault))
}

/// All required members, as bits of their indices.
const ALL: u8 = (1 << Member::ALL.len()) - 1;

const fn bit(member: Member) -> u8 {
    1 << member.index()
}

/// What has been found so far. The cursor is apart, so that it can stay in registers.
struct Parser<'m> {
    /// `None` is the standard.
    dialect: Option<&'static Dialect>,
    /// The required member that a fault is about, if it is about one.
    current: Member,
    /// Which required members have been there, as bits of their indices.
    found: u8,
    members: &'m mut RequiredMembers,
    escapes: &'m mut Escapes,
}

impl Parser<'_> {
    /// Moves over the object, or over the rest of it after its required members.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn object(&mut self, cursor: &mut Cursor<'_>) -> Result {
        let mut expected = NAME;
        let mut is_first = self.found == 0;
        if is_first {
            open_object(cursor)?;
            expected = FIRST_NAME;
        }
        loop {
            if !is_first || cursor.peek() == Some(b'}') {
                if !cursor.separator(b',') {
                    break;
                }
                expected = NAME;
            }
            is_first = false;
            self.member(cursor, expected)?;
        }
        if cursor.peek() != Some(b'}') {
            return Err(COMMA_OR_BRACE);
        }
        if self.found != ALL {
            self.stand_in()?;
        }
        cursor.bump(1);
        cursor.skip_whitespace();
        cursor.end()
    }

    /// Moves over a member, and keeps what it says if it is a required one.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn member(&mut self, cursor: &mut Cursor<'_>, expected: Fault) -> Result {
        let start = cursor.offset();
        let member = self.name(cursor, expected)?;
        if let Some(member) = member {
            self.current = member;
            if self.found & bit(member) != 0 {
                return cursor.fail_at(start, &DecodeErrorKind::DuplicateMember { member: Member::ByteOrder });
            }
        }
        cursor.colon()?;
        let Some(member) = member else {
            return self.extension(cursor);
        };
        match member.kind() {
            Kind::ByteOrder => self.members.byte_order = byte_order(cursor)?,
            Kind::Text(index) => {
                let text = self.text(cursor)?;
                if let Some(place) = self.members.texts.get_mut(index) {
                    *place = text;
                }
            }
            Kind::Length => self.members.content_length = length(cursor)?,
        }
        self.found |= bit(member);
        Ok(())
    }

    /// Moves over a member's name, and returns the required member that bears it.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn name(&mut self, cursor: &mut Cursor<'_>, expected: Fault) -> Result<Option<Member>> {
        if let Some(member) = literal_name(cursor) {
            return Ok(Some(member));
        }
        let name = cursor.string(expected)?;
        let is = |known: &str| cursor.says(name, known);
        let member = match self.dialect {
            Some(dialect) => dialect.member(is),
            None if cfg!(feature = "small") || name.is_escaped => {
                Member::ALL.iter().copied().find(|member| is(member.as_str()))
            }
            None => None,
        };
        if name.is_escaped && (member.is_none() || self.dialect.is_some()) {
            self.escapes.add(name);
        }
        Ok(member)
    }

    /// Moves over the value of an extension member.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn extension(&mut self, cursor: &mut Cursor<'_>) -> Result {
        match cursor.peek() {
            Some(b'"') => {
                let string = cursor.string(VALUE)?;
                if string.is_escaped {
                    self.escapes.add(string);
                }
            }
            Some(b'{' | b'[') => cursor.apart(|cursor| cursor.value(1))?,
            _ => cursor.scalar()?,
        }
        Ok(())
    }

    #[cfg_attr(not(feature = "small"), inline(always))]
    fn text(&mut self, cursor: &mut Cursor<'_>) -> Result<Text> {
        if self.dialect.is_some_and(Dialect::keeps_raw_json) && cursor.peek() != Some(b'"') {
            let start = cursor.offset();
            cursor.apart(|cursor| cursor.value(1))?;
            return Ok(Text::at(start..cursor.offset()));
        }
        let string = required_string(cursor)?;
        let found = Text::find(string.start..string.end, |known| cursor.says(string, known));
        if string.is_escaped && found.is_in_header() {
            self.escapes.add(string);
        }
        Ok(found)
    }

    /// Checks that the dialect has something to stand in for the required members that have not been there.
    #[inline(never)]
    fn stand_in(&mut self) -> Result {
        for member in Member::ALL.iter().copied().filter(|member| self.found & bit(*member) == 0) {
            if !self.dialect.is_some_and(|dialect| dialect.may_lack(member)) {
                self.current = member;
                return Err(&DecodeErrorKind::MissingMember { member: Member::ByteOrder });
            }
        }
        let byte_order = self.dialect.and_then(Dialect::byte_order);
        if let (0, Some(byte_order)) = (self.found & bit(Member::ByteOrder), byte_order) {
            self.members.byte_order = byte_order;
        }
        Ok(())
    }

    /// What is wrong, and where, once something has failed.
    #[cold]
    #[inline(never)]
    fn report(&self, cursor: Cursor<'_>, fault: Fault) -> (DecodeErrorKind, usize) {
        let (kind, at) = cursor.report(fault);
        let member = self.current;
        let kind = match kind {
            DecodeErrorKind::MissingMember { .. } => DecodeErrorKind::MissingMember { member },
            DecodeErrorKind::DuplicateMember { .. } => DecodeErrorKind::DuplicateMember { member },
            DecodeErrorKind::WrongType { .. } => DecodeErrorKind::WrongType { member },
            kind => kind,
        };
        (kind, at)
    }
}

/// Moves over the header's opening brace, and over the white space around it.
#[cfg_attr(not(feature = "small"), inline(always))]
fn open_object(cursor: &mut Cursor<'_>) -> Result {
    if cursor.rest().starts_with(b"\xEF\xBB\xBF") {
        return Err(&DecodeErrorKind::ByteOrderMark);
    }
    cursor.skip_whitespace();
    if !cursor.eat(b'{') {
        return Err(&DecodeErrorKind::NotAnObject { found: 0 });
    }
    cursor.skip_whitespace();
    Ok(())
}

/// Moves over the name of a required member that stands there as it is.
///
/// To compare is faster than to look for the name's end first, which is what a small build does.
#[cfg_attr(not(feature = "small"), inline(always))]
fn literal_name(cursor: &mut Cursor<'_>) -> Option<Member> {
    if cfg!(feature = "small") {
        return None;
    }
    let body = cursor.rest().strip_prefix(b"\"")?;
    let first = body.first()?;
    if Member::ALL.iter().all(|member| member.as_str().as_bytes().first() != Some(first)) {
        return None;
    }
    // The names differ in length, so hardly more than one is compared.
    let member = Member::ALL.iter().copied().find(|member| {
        let name = member.as_str().as_bytes();
        body.get(name.len()) == Some(&b'"') && body.starts_with(name)
    })?;
    cursor.bump(member.as_str().len().wrapping_add(2));
    Some(member)
}

/// Moves over the string that is the value of a required member.
#[cfg_attr(not(feature = "small"), inline(always))]
fn required_string(cursor: &mut Cursor<'_>) -> Result<RawString> {
    match cursor.peek() {
        Some(b'{' | b'[' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => {
            Err(&DecodeErrorKind::WrongType { member: Member::ByteOrder })
        }
        _ => cursor.string(const { &unexpected("a string") }),
    }
}

#[cfg_attr(not(feature = "small"), inline(always))]
fn byte_order(cursor: &mut Cursor<'_>) -> Result<ByteOrder> {
    let before = cursor.offset();
    let string = required_string(cursor)?;
    let orders = [ByteOrder::Little, ByteOrder::Big];
    match orders.into_iter().find(|order| cursor.says(string, order.as_str())) {
        Some(order) => Ok(order),
        None => cursor.fail_at(before, &DecodeErrorKind::InvalidByteOrder),
    }
}

/// Moves over a plain non-negative integer: no sign, no fraction, no exponent, no leading zero, no more than 64 bits.
#[cfg_attr(not(feature = "small"), inline(always))]
fn length(cursor: &mut Cursor<'_>) -> Result<u64> {
    let is_token = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'+' | b'-' | b'.');
    match leading_integer(cursor.rest()) {
        Some((length, rest)) if !rest.first().is_some_and(is_token) => {
            cursor.bump(cursor.rest().len().wrapping_sub(rest.len()));
            Ok(length)
        }
        _ => Err(&DecodeErrorKind::InvalidContentLength),
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;

    use proptest::prelude::*;

    use super::*;
    use crate::header::canonical::Canonical;

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
        let Some(canonical) = Canonical::read(header) else { return Ok(false) };
        let read = |rest, mut members| {
            let mut escapes = Escapes::NONE;
            parse(header, rest, None, &mut members, &mut escapes).map(|()| members)
        };
        let general = read(None, RequiredMembers::NONE);
        prop_assert_eq!(general, read(Some(canonical.rest), canonical.members), "{}", header.escape_ascii());
        prop_assert!(header[..usize::from(canonical.digits)].ends_with(b"\"content-length\": "));
        let is_all = canonical.rest == b"}";
        if is_all {
            prop_assert_eq!(general, Ok(canonical.members), "{}", header.escape_ascii());
        }
        Ok(is_all)
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
