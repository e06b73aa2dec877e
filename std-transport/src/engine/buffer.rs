//! Memory for bytes that are received: those read ahead of what has been decoded, and content that is collected.

use std::collections::TryReserveError;
use std::mem;

/// A buffer, and where in it bytes are that have come and not been used.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// Holds anything before and after them. Empty until it is needed.
    memory: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// How many bytes are read at a time, unless a buffer of another size is borrowed.
    pub(crate) const SIZE: usize = 8 * 1024;

    /// The longest buffer that is given back for others to use, in bytes.
    const COMMON: usize = 768 * 1024;

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How many bytes of memory it holds.
    pub(crate) const fn held(&self) -> usize {
        self.memory.len()
    }

    /// Marks bytes as used: at most those that have come.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// The last `count` bytes that were marked as used.
    pub(crate) fn last(&self, count: usize) -> &[u8] {
        &self.memory[self.start - count..self.start]
    }

    /// Marks all as used but the last `count` bytes.
    pub(crate) const fn leave(&mut self, count: usize) {
        self.start = self.end - count;
    }

    /// Drops all bytes, and keeps the memory.
    pub(crate) const fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Where to read to, in place of what has been used.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.memory.is_empty() {
            self.memory = vec![0; Self::SIZE].into();
        }
        self.clear();
        &mut self.memory
    }

    /// Where to read some of the `left` bytes to that are still to come, after those that have come, at least one: as many as
    /// there are, or else as many as have come.
    pub(crate) fn space_after(&mut self, left: u64) -> Result<&mut [u8], TryReserveError> {
        if self.end == self.memory.len() {
            self.grow(self.end, left)?;
        }
        let space = &mut self.memory[self.end..];
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(space.len());
        Ok(&mut space[..wanted])
    }

    /// Takes the first `count` bytes of the space as having come, and returns how many they are: a stream that says it has
    /// read more than fits is not believed.
    pub(crate) fn fill(&mut self, count: usize) -> usize {
        let before = self.end;
        self.end = before.saturating_add(count).min(self.memory.len());
        self.end.saturating_sub(before)
    }

    /// Appends a piece, after which `left` bytes are still to come.
    pub(crate) fn push(&mut self, piece: &[u8], left: u64) -> Result<(), TryReserveError> {
        let end = self.end + piece.len();
        if end > self.memory.len() {
            self.grow(end, left)?;
        }
        self.memory[self.end..end].copy_from_slice(piece);
        self.end = end;
        Ok(())
    }

    /// Reserves memory for what has come, and for as much of what is to come: less than twice of what has come.
    fn grow(&mut self, come: usize, left: u64) -> Result<(), TryReserveError> {
        let more = usize::try_from(left).unwrap_or(usize::MAX).min(come);
        let wanted = come.saturating_add(more);
        let mut memory = mem::take(&mut self.memory).into_vec();
        let outcome = memory.try_reserve_exact(wanted - memory.len());
        if outcome.is_ok() {
            memory.resize(wanted, 0);
        }
        self.memory = memory.into();
        outcome
    }

    /// Borrows longer memory, when there are no bytes in its own.
    pub(crate) fn borrow(&mut self, lender: &mut Box<[u8]>) {
        if self.is_empty() && self.memory.len() < lender.len() {
            *self = Self { memory: mem::take(lender), start: 0, end: 0 };
        }
    }

    /// Gives the memory back. The bytes are kept in as much as they take, unless that is much of it.
    pub(crate) fn give_back(&mut self, lender: &mut Box<[u8]>) {
        let end = self.bytes().len();
        if end >= self.memory.len().div_ceil(4) {
            return;
        }
        let memory = if end == 0 { Box::default() } else { self.bytes().into() };
        let given = mem::replace(self, Self { memory, start: 0, end }).memory;
        if given.len() > lender.len() && given.len() <= Self::COMMON {
            *lender = given;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_the_memory_if_they_fill_much_of_it() {
        for (unread, kept, lent) in [(0, 0, 100), (24, 24, 100), (25, 100, 0)] {
            let mut buffer = Buffer::default();
            let mut lender = vec![0; 100].into_boxed_slice();
            buffer.borrow(&mut lender);
            buffer.space()[..60].fill(b'x');
            buffer.fill(60);
            buffer.consume(60 - unread);
            buffer.give_back(&mut lender);
            assert_eq!((buffer.held(), lender.len()), (kept, lent), "{unread}");
            assert_eq!(buffer.bytes(), vec![b'x'; unread]);
        }
    }

    #[test]
    fn only_longer_memory_is_borrowed() {
        let mut buffer = Buffer::default();
        buffer.space();
        let mut shorter = vec![0; Buffer::SIZE - 1].into_boxed_slice();
        buffer.borrow(&mut shorter);
        assert_eq!((buffer.held(), shorter.len()), (Buffer::SIZE, Buffer::SIZE - 1));
        buffer.give_back(&mut shorter);
        assert_eq!((buffer.held(), shorter.len()), (0, Buffer::SIZE));
    }

    #[test]
    fn a_count_beyond_the_memory_is_not_believed() {
        let mut buffer = Buffer::default();
        buffer.space();
        assert_eq!((buffer.fill(usize::MAX), buffer.bytes().len()), (Buffer::SIZE, Buffer::SIZE));
    }

    #[test]
    fn memory_follows_what_has_come() {
        let mut collected = Buffer::default();
        let mut left = u64::MAX;
        for round in 0..1000 {
            if round % 2 == 0 {
                left -= 100;
                collected.push(&[1; 100], left).unwrap();
            } else {
                let space = collected.space_after(left).unwrap();
                assert!((1..=100_000).contains(&space.len()));
                space[0] = 2;
                collected.fill(1);
                left -= 1;
            }
            assert!(collected.held() <= 2 * collected.bytes().len() + 200, "{}", collected.held());
        }
        assert_eq!(collected.bytes().len(), 50_500);
        assert_eq!(collected.bytes()[..102], [&[1; 100][..], &[2, 1]].concat());
    }

    #[test]
    fn no_more_is_reserved_than_there_is_to_come() {
        let mut collected = Buffer::default();
        collected.push(&[1; 70], 30).unwrap();
        assert_eq!(collected.space_after(30).unwrap().len(), 30);
        collected.fill(30);
        assert_eq!(collected.held(), 100);
    }

    #[test]
    fn memory_is_borrowed_and_given_back_and_nothing_of_it_shows() {
        let (mut lender, mut collected) = (Box::default(), Buffer::default());
        for content in [&[1; 1000][..], &[2; 10], &[3; 500]] {
            collected.borrow(&mut lender);
            collected.push(content, 0).unwrap();
            assert_eq!(collected.bytes(), content);
            collected.clear();
            collected.give_back(&mut lender);
            assert_eq!((collected.held(), lender.len()), (0, 1000));
        }
        // A little content that waits for more must not keep much memory.
        collected.borrow(&mut lender);
        collected.push(&[4; 10], 990).unwrap();
        collected.give_back(&mut lender);
        assert_eq!((collected.held(), lender.len()), (10, 1000));
        collected.push(&[5; 10], 980).unwrap();
        assert_eq!(collected.bytes(), [[4; 10], [5; 10]].concat());
        // And what is very much is kept by nobody.
        for (length, kept) in [(Buffer::COMMON + 1, 1000), (Buffer::COMMON, Buffer::COMMON)] {
            let mut large = Buffer::default();
            large.push(&vec![6; length], 0).unwrap();
            large.clear();
            large.give_back(&mut lender);
            assert_eq!(lender.len(), kept);
        }
    }

    #[test]
    fn content_that_fills_its_memory_grows_and_gives_back_nothing() {
        let (mut lender, mut collected) = (Box::default(), Buffer::default());
        collected.push(&[1; 10], 990).unwrap();
        // Half of the memory is in use, and then all of it.
        for content in [[1; 10].as_slice(), &[1; 20]] {
            collected.push(&content[collected.bytes().len()..], 1000 - content.len() as u64).unwrap();
            collected.give_back(&mut lender);
            assert_eq!((collected.held(), lender.len()), (20, 0));
            assert_eq!(collected.bytes(), content);
        }
    }
}
