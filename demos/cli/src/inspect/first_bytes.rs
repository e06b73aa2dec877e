//! The first bytes of a stream that may be another protocol's.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

/// How many of them are shown.
const SHOWN: usize = 32;

/// As in the strings of a program: printable ASCII as it is, all else escaped.
#[derive(Serialize)]
pub(super) struct FirstBytes(String);

impl FirstBytes {
    pub(super) fn of(stream: &[u8]) -> Self {
        Self(stream[..stream.len().min(SHOWN)].escape_ascii().to_string())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for FirstBytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "first bytes: \"{}\"", self.0)
    }
}
