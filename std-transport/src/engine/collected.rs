//! Content that is collected to a whole message.

use std::collections::TryReserveError;
use std::mem;

/// The content of a message, as far as it has come. Its memory grows as content arrives, to less than twice that.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Holds anything after the content.
    storage: Box<[u8]>,
    length: usize,
}

impl Collected {
    /// The most memory that is kept for the next message, in bytes.
    const KEPT: usize = 768 * 1024;

    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// How many bytes of memory it holds.
    pub(crate) const fn held(&self) -> usize {
        self.storage.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.storage[..self.length]
    }

    /// Appends a piece, after which `left` bytes are still to come.
    pub(crate) fn push(&mut self, piece: &[u8], left: u64) -> Result<(), TryReserveError> {
        let end = self.length + piece.len();
        if end > self.storage.len() {
            self.grow(end, left)?;
        }
        self.storage[self.length..end].copy_from_slice(piece);
        self.length = end;
        Ok(())
    }

    /// Where to read some of the `left` bytes to that are still to come, at least one: as many as there are, or else as
    /// many as have come.
    pub(crate) fn space(&mut self, left: u64) -> Result<&mut [u8], TryReserveError> {
        if self.length == self.storage.len() {
            self.grow(self.length, left)?;
        }
        let space = &mut self.storage[self.length..];
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(space.len());
        Ok(&mut space[..wanted])
    }

    /// Takes the first `count` bytes of the [space](Self::space) as content. Saturates at its length.
    pub(crate) fn fill(&mut self, count: usize) {
        self.length = self.length.saturating_add(count).min(self.storage.len());
    }

    /// Reserves memory for what has come, and for as much of what is to come.
    fn grow(&mut self, come: usize, left: u64) -> Result<(), TryReserveError> {
        let more = usize::try_from(left).unwrap_or(usize::MAX).min(come);
        let wanted = come.saturating_add(more);
        let mut storage = mem::take(&mut self.storage).into_vec();
        let outcome = storage.try_reserve_exact(wanted - storage.len());
        if outcome.is_ok() {
            storage.resize(wanted, 0);
        }
        self.storage = storage.into();
        outcome
    }

    /// Drops the content, and keeps the memory.
    pub(crate) const fn clear(&mut self) {
        self.length = 0;
    }

    /// Borrows memory, if there is none.
    pub(crate) fn borrow(&mut self, lender: &mut Self) {
        if self.storage.is_empty() {
            mem::swap(&mut self.storage, &mut lender.storage);
        }
    }

    /// Gives the memory back. What has come is kept in as much as it takes, unless that is much of it.
    pub(crate) fn give_back(&mut self, lender: &mut Self) {
        if !self.storage.is_empty() && self.storage.len() / 4 >= self.length {
            let content = Box::from(self.bytes());
            let storage = mem::replace(&mut self.storage, content);
            if storage.len() > lender.storage.len() && storage.len() <= Self::KEPT {
                lender.storage = storage;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_what_has_come() {
        let mut collected = Collected::default();
        let mut left = u64::MAX;
        for round in 0..1000 {
            if round % 2 == 0 {
                left -= 100;
                collected.push(&[1; 100], left).unwrap();
            } else {
                let space = collected.space(left).unwrap();
                assert!((1..=100_000).contains(&space.len()));
                space[0] = 2;
                collected.fill(1);
                left -= 1;
            }
            assert!(collected.storage.len() <= 2 * collected.len() + 200, "{}", collected.storage.len());
        }
        assert_eq!(collected.bytes().len(), 50_500);
        assert_eq!(collected.bytes()[..102], [&[1; 100][..], &[2, 1]].concat());
    }

    #[test]
    fn no_more_is_reserved_than_there_is_to_come() {
        let mut collected = Collected::default();
        collected.push(&[1; 70], 30).unwrap();
        assert_eq!(collected.space(30).unwrap().len(), 30);
        collected.fill(30);
        assert_eq!(collected.storage.len(), 100);
    }

    #[test]
    fn memory_is_borrowed_and_given_back_and_nothing_of_it_shows() {
        let (mut lender, mut collected) = (Collected::default(), Collected::default());
        for content in [&[1; 1000][..], &[2; 10], &[3; 500]] {
            collected.borrow(&mut lender);
            collected.push(content, 0).unwrap();
            assert_eq!(collected.bytes(), content);
            collected.clear();
            collected.give_back(&mut lender);
            assert_eq!((collected.storage.len(), lender.storage.len()), (0, 1000));
        }
        // A little content that waits for more must not keep much memory.
        collected.borrow(&mut lender);
        collected.push(&[4; 10], 990).unwrap();
        collected.give_back(&mut lender);
        assert_eq!((collected.storage.len(), lender.storage.len()), (10, 1000));
        collected.push(&[5; 10], 980).unwrap();
        assert_eq!(collected.bytes(), [[4; 10], [5; 10]].concat());
        // And what is very much is kept by nobody.
        for (length, kept) in [(Collected::KEPT + 1, 1000), (Collected::KEPT, Collected::KEPT)] {
            let mut large = Collected::default();
            large.push(&vec![6; length], 0).unwrap();
            large.clear();
            large.give_back(&mut lender);
            assert_eq!(lender.storage.len(), kept);
        }
    }

    #[test]
    fn content_that_fills_its_memory_grows_and_gives_back_nothing() {
        let (mut lender, mut collected) = (Collected::default(), Collected::default());
        collected.push(&[1; 10], 990).unwrap();
        // Half of the memory is in use, and then all of it.
        for content in [[1; 10].as_slice(), &[1; 20]] {
            collected.push(&content[collected.len()..], 1000 - content.len() as u64).unwrap();
            collected.give_back(&mut lender);
            assert_eq!((collected.held(), lender.held()), (20, 0));
            assert_eq!(collected.bytes(), content);
        }
    }
}
