//! JSON as headers hold it: scanned, resolved and written piece by piece, without recursion and without a copy.

pub(crate) mod fault;
pub(crate) mod scan;
pub(crate) mod swar;
pub(crate) mod unescape;
pub(crate) mod write;
