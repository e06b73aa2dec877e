//! Bytes read ahead of what has been decoded.

/// A buffer, and what of it is unread.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffer {
    /// Empty until the first read.
    pub(super) bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    /// How many bytes are read at a time, unless a buffer of another size is borrowed.
    pub(crate) const SIZE: usize = 8 * 1024;

    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Marks bytes as read: at most those that are unread.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// The last `count` bytes that were marked as read.
    pub(crate) fn last(&self, count: usize) -> &[u8] {
        &self.bytes[self.start - count..self.start]
    }

    /// Marks all as read but the last `count` bytes.
    pub(crate) const fn leave(&mut self, count: usize) {
        self.start = self.end - count;
    }

    /// Where to read to, when nothing is unread.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = vec![0; Self::SIZE].into();
        }
        (self.start, self.end) = (0, 0);
        &mut self.bytes
    }

    /// Takes the first `count` bytes of the [space](Self::space) as unread, and returns how many they are: a stream that says
    /// it has read more than fits is not believed.
    pub(crate) fn fill(&mut self, count: usize) -> usize {
        (self.start, self.end) = (0, count.min(self.bytes.len()));
        self.end
    }

    /// Returns the memory to the allocator. Nothing may be unread.
    pub(crate) fn release(&mut self) {
        *self = Self::default();
    }

    /// Borrows a longer buffer, when nothing is unread.
    pub(crate) fn borrow(&mut self, lender: &mut Box<[u8]>) {
        if self.is_empty() && self.bytes.len() < lender.len() {
            self.release();
            std::mem::swap(&mut self.bytes, lender);
        }
    }

    /// Gives the buffer back. What is unread is kept in as much memory as it takes, unless that is most of the buffer.
    pub(crate) fn give_back(&mut self, lender: &mut Box<[u8]>) {
        let unread = self.unread();
        if unread.len() > self.bytes.len() / 4 {
            return;
        }
        let unread = Box::<[u8]>::from(unread);
        let (start, end) = (0, unread.len());
        let buffer = std::mem::replace(self, Self { bytes: unread, start, end }).bytes;
        if buffer.len() > lender.len() {
            *lender = buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_bytes_keep_the_buffer_if_they_fill_much_of_it() {
        for (unread, kept, lent) in [(0, 0, 100), (25, 25, 100), (26, 100, 0)] {
            let mut buffer = ReadBuffer::default();
            let mut lender = vec![0; 100].into_boxed_slice();
            buffer.borrow(&mut lender);
            buffer.space()[..60].fill(b'x');
            buffer.fill(60);
            buffer.consume(60 - unread);
            buffer.give_back(&mut lender);
            assert_eq!((buffer.bytes.len(), lender.len()), (kept, lent), "{unread}");
            assert_eq!(buffer.unread(), vec![b'x'; unread]);
        }
    }

    #[test]
    fn only_a_longer_buffer_is_borrowed() {
        let mut buffer = ReadBuffer::default();
        buffer.space();
        let mut shorter = vec![0; ReadBuffer::SIZE - 1].into_boxed_slice();
        buffer.borrow(&mut shorter);
        assert_eq!((buffer.bytes.len(), shorter.len()), (ReadBuffer::SIZE, ReadBuffer::SIZE - 1));
        buffer.give_back(&mut shorter);
        assert_eq!((buffer.bytes.len(), shorter.len()), (0, ReadBuffer::SIZE));
    }

    #[test]
    fn a_count_beyond_the_buffer_is_not_believed() {
        let mut buffer = ReadBuffer::default();
        buffer.space();
        assert_eq!((buffer.fill(usize::MAX), buffer.unread().len()), (ReadBuffer::SIZE, ReadBuffer::SIZE));
    }
}
