//! A received header apart from its bytes, which are not in the decoder's buffer any more.

use crate::header::parse::Fields;
use crate::{Dialect, Header};

/// What was found in a received header.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) fields: Fields,
    /// The length of the header in bytes.
    pub(crate) length: u16,
    /// `None` is the standard.
    pub(crate) dialect: Option<&'static Dialect>,
}

impl Found {
    /// The header, which is at the end of `bytes`, with its escapes resolved.
    #[inline]
    pub(crate) fn header<'a>(&self, bytes: &'a [u8]) -> Header<'a> {
        let header = bytes.get(bytes.len().saturating_sub(self.length.into())..).unwrap_or_default();
        Header::received(header, &self.fields, self.fields.members(header), self.dialect)
    }
}
