//! A small JSON library: [`cursor`] reads, [`scan`] knows the grammar, [`unescape`] what escapes stand for, [`swar`] how far
//! a text goes on without anything special, [`number`] integers, and [`write`](mod@write) the canonical form.
//!
//! Nothing here recurses, allocates or copies the text. Each byte is looked at once, but for one check of the rest of the
//! text when the first byte beyond ASCII is met.
//!
//! Hints to inline are off in a `small` build: there they cost flash and stack, and are followed even where the compiler is
//! asked for size.

pub(crate) mod cursor;
pub(crate) mod number;
pub(crate) mod scan;
pub(crate) mod swar;
pub(crate) mod unescape;
pub(crate) mod write;

/// How many objects and arrays of a header may be open at once, the header's own object being the first
/// ([SPEC §6](crate::spec#6-limits)).
pub const MAX_DEPTH: u8 = 64;

/// How many of the first bytes are well-formed UTF-8.
fn utf8_prefix(text: &[u8]) -> usize {
    match core::str::from_utf8(text) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    }
}
