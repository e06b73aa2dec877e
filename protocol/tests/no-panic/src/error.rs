//! The errors, as values. Their texts are written through `core::fmt`, see the README.

use jsonframe::{DecodeError, DecodeErrorKind, InvalidJson, Member};

crate::prove::prove! {
    "",

    "DecodeError::kind"
    fn kind(error: &DecodeError) -> DecodeErrorKind {
        error.kind()
    }

    "DecodeError::offset"
    fn offset(error: &DecodeError) -> u64 {
        error.offset()
    }

    "DecodeError::looks_like"
    fn looks_like(error: &DecodeError) -> Option<&'static str> {
        error.looks_like()
    }

    "DecodeErrorKind::name"
    fn name(kind: &DecodeErrorKind) -> &'static str {
        kind.name()
    }

    "DecodeErrorKind::member"
    fn member(kind: &DecodeErrorKind) -> Option<Member> {
        kind.member()
    }

    "InvalidJson::offset"
    fn json_offset(error: &InvalidJson) -> usize {
        error.offset()
    }
}
