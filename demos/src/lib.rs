//! What the demo programs share.

pub mod inspect;
