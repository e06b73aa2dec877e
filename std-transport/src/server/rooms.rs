//! Memory that the connections of a worker use in turns, so that those that wait need none.

use super::collected::Collected;

/// What is lent to a connection for its turn.
#[derive(Debug)]
pub(super) struct Rooms {
    /// To read ahead.
    pub(super) ahead: Box<[u8]>,
    /// For a header.
    pub(super) header: Box<[u8]>,
    /// For what is to be written.
    pub(super) tail: Vec<u8>,
    /// For content that is collected.
    pub(super) content: Collected,
}

impl Rooms {
    /// How many bytes are read at a time.
    const AHEAD: usize = 64 * 1024;

    pub(super) fn new() -> Self {
        Self { ahead: Box::default(), header: Box::default(), tail: Vec::new(), content: Collected::default() }
    }

    /// Makes sure that there is something to lend.
    pub(super) fn prepare(&mut self) {
        if self.ahead.is_empty() {
            self.ahead = vec![0; Self::AHEAD].into();
        }
    }
}
