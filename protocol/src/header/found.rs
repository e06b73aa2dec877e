//! What is known of a received header whose bytes are no longer in the decoder's buffer.

use super::required::RequiredMembers;
use crate::{Dialect, Header};

/// What was found in a received header.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) members: RequiredMembers,
    /// The length of the header in bytes.
    pub(crate) length: u16,
    /// Whether the header may have extensions.
    pub(crate) has_extensions: bool,
    /// `None` is the standard.
    pub(crate) dialect: Option<&'static Dialect>,
}

impl Found {
    /// Returns the header at the end of `head`, where its escapes are resolved. `head` begins with the prefix, if any.
    #[inline]
    pub(crate) fn header<'a>(&self, head: &'a [u8]) -> Header<'a> {
        let header = head.get(head.len().saturating_sub(self.length.into())..).unwrap_or_default();
        let prefix = self.dialect.map_or(0, |dialect| dialect.prefix().len());
        Header::received(header, &self.members, self.dialect, self.has_extensions)
            .with_prefix(head.get(..prefix).unwrap_or_default())
    }
}
