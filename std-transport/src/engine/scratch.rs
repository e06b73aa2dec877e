//! Memory that connections use in turns, so that those that wait need none.

use super::collected::Collected;

/// What a connection borrows for its turn.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// To read ahead.
    pub(crate) ahead: Box<[u8]>,
    /// For a header.
    pub(crate) header: Box<[u8]>,
    /// For what is to be written.
    pub(crate) tail: Vec<u8>,
    /// For content that is collected.
    pub(crate) content: Collected,
}

impl Scratch {
    /// How many bytes are read at a time.
    const AHEAD: usize = 64 * 1024;

    /// Makes sure that there is something to lend.
    pub(crate) fn prepare(&mut self) {
        if self.ahead.is_empty() {
            self.ahead = vec![0; Self::AHEAD].into();
        }
    }
}
