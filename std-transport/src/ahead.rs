//! Bytes read ahead of what has been decoded.

use std::io::{self, Read};

/// Room for what is read ahead, and what of it is unread.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Empty until the first read.
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Ahead {
    /// How many bytes are read ahead at most, unless room of another size is lent.
    pub(crate) const SIZE: usize = 8 * 1024;

    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Counts bytes as read: at most those that are unread.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// The last `count` bytes that were counted as read.
    pub(crate) fn last(&self, count: usize) -> &[u8] {
        &self.bytes[self.start - count..self.start]
    }

    /// Counts all as read but the last `count` bytes.
    pub(crate) const fn leave(&mut self, count: usize) {
        self.start = self.end - count;
    }

    /// Reads once, when there is nothing unread.
    pub(crate) fn fill(&mut self, stream: &mut impl Read) -> io::Result<usize> {
        if self.bytes.is_empty() {
            self.bytes = vec![0; Self::SIZE].into();
        }
        (self.start, self.end) = (0, 0);
        // A stream that says it has read more than there is room for must not be believed.
        self.end = retry(|| stream.read(&mut self.bytes))?.min(self.bytes.len());
        Ok(self.end)
    }

    /// How many bytes there is room for.
    #[cfg(feature = "server")]
    pub(crate) const fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Drops what is unread.
    #[cfg(feature = "server")]
    pub(crate) const fn forget(&mut self) {
        self.start = self.end;
    }

    /// Gives the room back to the allocator. Nothing may be unread.
    pub(crate) fn release(&mut self) {
        *self = Self::default();
    }

    /// Takes room from who has some to lend, when nothing is unread.
    #[cfg(feature = "server")]
    pub(crate) fn borrow_room(&mut self, lender: &mut Box<[u8]>) {
        if self.is_empty() && self.bytes.len() < lender.len() {
            self.release();
            std::mem::swap(&mut self.bytes, lender);
        }
    }

    /// Gives the room back, and keeps what is unread in as much memory as that takes, if that is less by far.
    #[cfg(feature = "server")]
    pub(crate) fn return_room(&mut self, lender: &mut Box<[u8]>) {
        let unread = self.unread();
        if unread.len() > self.bytes.len() / 4 {
            return;
        }
        let unread = Box::<[u8]>::from(unread);
        let (start, end) = (0, unread.len());
        let room = std::mem::replace(self, Self { bytes: unread, start, end }).bytes;
        if room.len() > lender.len() {
            *lender = room;
        }
    }
}

/// Calls again after an interruption by a signal.
pub(crate) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_unread_keeps_the_room_if_it_needs_much_of_it() {
        for (unread, kept, lent) in [(0, 0, 100), (25, 25, 100), (26, 100, 0)] {
            let mut ahead = Ahead::default();
            let mut lender = vec![0; 100].into_boxed_slice();
            ahead.borrow_room(&mut lender);
            ahead.fill(&mut &[b'x'; 60][..]).unwrap();
            ahead.consume(60 - unread);
            ahead.return_room(&mut lender);
            assert_eq!((ahead.size(), lender.len()), (kept, lent), "{unread}");
            assert_eq!(ahead.unread(), vec![b'x'; unread]);
        }
    }

    #[test]
    fn only_a_longer_room_is_exchanged() {
        let mut ahead = Ahead::default();
        ahead.fill(&mut &b""[..]).unwrap();
        let mut shorter = vec![0; Ahead::SIZE - 1].into_boxed_slice();
        ahead.borrow_room(&mut shorter);
        assert_eq!((ahead.size(), shorter.len()), (Ahead::SIZE, Ahead::SIZE - 1));
        ahead.return_room(&mut shorter);
        assert_eq!((ahead.size(), shorter.len()), (0, Ahead::SIZE));
    }
}
