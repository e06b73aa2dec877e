//! Memory that fills as bytes arrive: of fixed capacity, or growing up to a limit.

use thiserror::Error;

/// A storage of fixed capacity, or one with a limit, has no room for what should be put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the storage is full")]
pub struct StorageFull;

/// Memory for bytes that arrive piece by piece, up to a limit.
///
/// An [`Assembler`](crate::Assembler) keeps content in one, an [`OwnedHeader`](crate::OwnedHeader) its text. Implemented
/// for `heapless::Vec<u8, N>` (feature `heapless`) and for [`Growable`](crate::Growable) (feature `alloc`); implement it
/// for memory of your own.
///
/// [`AsRef`] and [`AsMut`] give the bytes stored so far.
pub trait Storage: AsRef<[u8]> + AsMut<[u8]> {
    /// How many bytes can be stored at most.
    fn limit(&self) -> usize;

    /// Forgets the bytes stored.
    fn clear(&mut self);

    /// Stores these bytes after those stored before.
    ///
    /// No collection has a method of this name that does something else: `extend` of `heapless::Vec` panics when it is full.
    ///
    /// # Errors
    ///
    /// [`StorageFull`] if they would go over the limit, or if there is no memory for them. Nothing is stored then.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageFull>;
}

#[cfg(feature = "heapless")]
impl<const N: usize> Storage for heapless::Vec<u8, N> {
    fn limit(&self) -> usize {
        N
    }

    fn clear(&mut self) {
        self.truncate(0);
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageFull> {
        // `extend_from_slice` adds lengths: with overflow checks on, nobody can show that it does not panic.
        let length = self.len();
        let longer = length.checked_add(bytes.len()).ok_or(StorageFull)?;
        self.resize_default(longer).map_err(|_| StorageFull)?;
        let place = self.get_mut(length..).and_then(|free| free.get_mut(..bytes.len()));
        place.ok_or(StorageFull)?.copy_from_slice(bytes);
        Ok(())
    }
}

#[cfg(feature = "alloc")]
pub use growable::Growable;

#[cfg(feature = "alloc")]
mod growable {
    use alloc::vec::Vec;

    use super::Storage;
    use crate::StorageFull;

    /// A [`Storage`] on the heap, which grows as bytes arrive, up to a limit.
    ///
    /// It never reserves more than twice what has arrived, whatever a header announces. Its memory is used again for what
    /// comes next; when it is cleared, all above 65,535 bytes is given back.
    ///
    /// ```
    /// use jsonframe::{Growable, Storage};
    ///
    /// let mut storage = Growable::with_limit(8);
    /// storage.append(b"12345678")?;
    /// assert!(storage.append(b"9").is_err());
    /// assert_eq!(storage.as_ref(), b"12345678");
    /// # Ok::<(), jsonframe::StorageFull>(())
    /// ```
    #[derive(Clone, Debug)]
    pub struct Growable {
        bytes: Vec<u8>,
        limit: usize,
    }

    impl Growable {
        /// The memory that [`clear`](Storage::clear) keeps at most, in bytes.
        const KEPT: usize = u16::MAX as usize;

        /// An empty storage for at most `limit` bytes. Allocates nothing yet.
        pub const fn with_limit(limit: usize) -> Self {
            Self { bytes: Vec::new(), limit }
        }

        /// How many bytes it could hold now without asking for memory.
        pub const fn capacity(&self) -> usize {
            self.bytes.capacity()
        }

        /// The bytes stored, to keep.
        pub fn into_vec(self) -> Vec<u8> {
            self.bytes
        }
    }

    impl AsRef<[u8]> for Growable {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }

    impl AsMut<[u8]> for Growable {
        fn as_mut(&mut self) -> &mut [u8] {
            &mut self.bytes
        }
    }

    impl Storage for Growable {
        fn limit(&self) -> usize {
            self.limit
        }

        fn clear(&mut self) {
            self.bytes.clear();
            self.bytes.shrink_to(Self::KEPT);
        }

        fn append(&mut self, bytes: &[u8]) -> Result<(), StorageFull> {
            let length = self.bytes.len().saturating_add(bytes.len());
            if length > self.limit {
                return Err(StorageFull);
            }
            if length > self.bytes.capacity() {
                // Twice the length makes the copying linear in all; the limit keeps the last step small.
                let capacity = length.saturating_mul(2).min(self.limit);
                let more = capacity.saturating_sub(self.bytes.len());
                self.bytes.try_reserve_exact(more).map_err(|_| StorageFull)?;
            }
            self.bytes.extend_from_slice(bytes);
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn memory_follows_what_has_arrived() {
            let mut storage = Growable::with_limit(usize::MAX);
            for _ in 0..1000 {
                storage.append(&[0; 100]).unwrap();
                assert!(storage.capacity() <= 2 * storage.as_ref().len());
            }
        }

        #[test]
        fn memory_never_exceeds_the_limit() {
            let mut storage = Growable::with_limit(1000);
            for _ in 0..10 {
                storage.append(&[0; 100]).unwrap();
            }
            assert_eq!(storage.capacity(), 1000);
            assert_eq!(storage.append(&[0]), Err(StorageFull));
            assert_eq!(storage.as_ref().len(), 1000);
        }

        #[test]
        fn a_large_content_is_given_back_and_a_small_one_kept() {
            let mut storage = Growable::with_limit(usize::MAX);
            storage.append(&[0; 65_536]).unwrap();
            storage.append(&[0; 1_000]).unwrap();
            storage.clear();
            assert!(storage.capacity() <= Growable::KEPT);

            storage.append(&[0; 1000]).unwrap();
            let kept = storage.capacity();
            storage.clear();
            assert_eq!(storage.capacity(), kept);
        }
    }
}
