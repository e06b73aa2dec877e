//! A fast way through the header that nearly every peer sends: the emitted form, without extensions and without escapes
//! ([SPEC §4.1](crate::spec#41-the-emitted-form)).
//!
//! It answers as the general scanner does, or not at all; on a small machine, where the general one is fast enough, never.

use crate::ByteOrder;
use crate::header::parse::{Fields, plain_integer};
use crate::header::text::Text;
use crate::json::scan::RawString;
use crate::json::swar::{IS_SMALL, plain_run};

impl Fields {
    /// Takes over what a header in the emitted form says; `None`, with nothing changed, for every other header.
    pub(crate) fn take_emitted(&mut self, header: &[u8]) -> Option<()> {
        if IS_SMALL {
            return None;
        }
        let rest = header.strip_prefix(b"{\"byteorder\": \"")?;
        let (byte_order, rest) = match rest.strip_prefix(b"little\", \"content-type\": \"") {
            Some(rest) => (ByteOrder::Little, rest),
            None => (ByteOrder::Big, rest.strip_prefix(b"big\", \"content-type\": \"")?),
        };
        // Most messages are JSON in UTF-8. To compare all of that at once is faster than to look for its ends.
        let (content_type, content_encoding, rest) =
            match rest.strip_prefix(b"text/json\", \"content-encoding\": \"utf-8\", \"content-length\": ") {
                Some(rest) => (Text::TEXT_JSON, Text::UTF_8, rest),
                None => texts(header, rest)?,
            };
        let digits = u16::try_from(header.len().checked_sub(rest.len())?).ok()?;
        let content_length = plain_integer(rest.strip_suffix(b"}")?)?;
        *self = Self { content_length, content_type, content_encoding, digits, byte_order };
        Some(())
    }
}

/// The required members of a header in the emitted form; `None` for every other header, valid or not.
pub(crate) fn parse_emitted(header: &[u8]) -> Option<Fields> {
    let mut fields = Fields::NONE;
    fields.take_emitted(header).map(|()| fields)
}

/// The content type with which this rest of the header begins, the content encoding after it, and what follows them.
fn texts<'a>(header: &[u8], rest: &'a [u8]) -> Option<(Text, Text, &'a [u8])> {
    let (content_type, rest) = text(header, rest)?;
    let rest = rest.strip_prefix(b"\", \"content-encoding\": \"")?;
    let (content_encoding, rest) = text(header, rest)?;
    let rest = rest.strip_prefix(b"\", \"content-length\": ")?;
    Some((content_type, content_encoding, rest))
}

/// The plain text at the beginning of this rest of the header, and what follows it.
fn text<'a>(header: &[u8], rest: &'a [u8]) -> Option<(Text, &'a [u8])> {
    let (text, rest) = rest.split_at_checked(plain_run(rest))?;
    let end = header.len().checked_sub(rest.len())?;
    let start = end.checked_sub(text.len())?;
    Some((Text::find(header, RawString { start, end }), rest))
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::header::parse::parse_any;

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
        let fast = parse_emitted(header);
        if let Some(fast) = fast {
            let general =
                parse_any(&mut Vec::from(header), None).map(|fields| Fields { digits: fast.digits, ..fields });
            prop_assert_eq!(general, Ok(fast), "{}", header.escape_ascii());
            prop_assert!(header[..usize::from(fast.digits)].ends_with(b"\"content-length\": "));
        }
        Ok(fast.is_some())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_fast_way_answers_as_the_general_one(
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
    fn a_header_in_the_emitted_form_goes_the_fast_way() {
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
