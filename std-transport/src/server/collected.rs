//! Content that is collected to a whole message.

use std::collections::TryReserveError;

/// The content of a message, as far as it has come. Its memory grows as content arrives, to less than twice that.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Filled with anything behind the content.
    storage: Vec<u8>,
    length: usize,
}

impl Collected {
    /// The most memory that is kept for the next message, in bytes.
    const KEPT: usize = 1024 * 1024;

    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// How many bytes of memory it holds.
    pub(super) fn held(&self) -> usize {
        self.storage.capacity()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.storage[..self.length]
    }

    /// Adds a piece, after which so much is still to come.
    pub(super) fn push(&mut self, piece: &[u8], left: u64) -> Result<(), TryReserveError> {
        let end = self.length + piece.len();
        if end > self.storage.len() {
            self.grow(end, left)?;
        }
        self.storage[self.length..end].copy_from_slice(piece);
        self.length = end;
        Ok(())
    }

    /// Memory for some of what is still to come, of which there is some: as much as there is of it, or else as much as has
    /// come.
    pub(super) fn room(&mut self, left: u64) -> Result<&mut [u8], TryReserveError> {
        if self.length == self.storage.len() {
            self.grow(self.length, left)?;
        }
        let room = &mut self.storage[self.length..];
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
        Ok(&mut room[..wanted])
    }

    /// Counts so many bytes that have been put in the room as content.
    pub(super) fn fill(&mut self, count: usize) {
        self.length = self.length.saturating_add(count).min(self.storage.len());
    }

    /// Makes room for what has come, and for as much of what is to come.
    fn grow(&mut self, come: usize, left: u64) -> Result<(), TryReserveError> {
        let more = usize::try_from(left).unwrap_or(usize::MAX).min(come);
        let wanted = come.saturating_add(more);
        self.storage.try_reserve_exact(wanted - self.storage.len())?;
        self.storage.resize(wanted, 0);
        Ok(())
    }

    /// Takes memory from who has some to lend, if it has none itself.
    pub(super) fn borrow(&mut self, lender: &mut Self) {
        if self.storage.is_empty() {
            std::mem::swap(&mut self.storage, &mut lender.storage);
        }
    }

    /// Gives it back if that is more by far than what has come needs. To be called when no more comes for now.
    pub(super) fn make_do(&mut self, lender: &mut Self) {
        if self.storage.len() / 4 > self.length {
            let storage = self.bytes().to_vec();
            lender.keep(std::mem::replace(&mut self.storage, storage));
        }
    }

    /// Drops the content, and gives its memory to who may lend it again.
    pub(super) fn finish(&mut self, lender: &mut Self) {
        self.length = 0;
        lender.keep(std::mem::take(&mut self.storage));
    }

    fn keep(&mut self, storage: Vec<u8>) {
        if storage.len() > self.storage.len() && storage.len() <= Self::KEPT {
            self.storage = storage;
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
                let room = collected.room(left).unwrap();
                assert!((1..=100_000).contains(&room.len()));
                room[0] = 2;
                collected.fill(1);
                left -= 1;
            }
            assert!(collected.storage.capacity() <= 2 * collected.len() + 200, "{}", collected.storage.capacity());
        }
        assert_eq!(collected.bytes().len(), 50_500);
        assert_eq!(collected.bytes()[..102], [&[1; 100][..], &[2, 1]].concat());
    }

    #[test]
    fn no_more_room_is_made_than_there_is_to_come() {
        let mut collected = Collected::default();
        collected.push(&[1; 70], 30).unwrap();
        assert_eq!(collected.room(30).unwrap().len(), 30);
        collected.fill(30);
        assert_eq!(collected.storage.capacity(), 100);
    }

    #[test]
    fn memory_is_lent_and_comes_back_and_nothing_of_it_shows() {
        let (mut lender, mut collected) = (Collected::default(), Collected::default());
        for content in [&[1; 1000][..], &[2; 10], &[3; 500]] {
            collected.borrow(&mut lender);
            collected.push(content, 0).unwrap();
            assert_eq!(collected.bytes(), content);
            collected.finish(&mut lender);
            assert_eq!((collected.storage.capacity(), lender.storage.len()), (0, 1000));
        }
        // Who has little and waits for more must not keep much.
        collected.borrow(&mut lender);
        collected.push(&[4; 10], 990).unwrap();
        collected.make_do(&mut lender);
        assert_eq!((collected.storage.capacity(), lender.storage.len()), (10, 1000));
        collected.push(&[5; 10], 980).unwrap();
        assert_eq!(collected.bytes(), [[4; 10], [5; 10]].concat());
        // And what is very much is kept by nobody.
        let mut large = Collected::default();
        large.push(&vec![6; Collected::KEPT + 1], 0).unwrap();
        large.finish(&mut lender);
        assert_eq!(lender.storage.len(), 1000);
    }
}
