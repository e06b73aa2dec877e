//! Memory that fills as bytes arrive: of fixed capacity, or growing up to a limit.

use thiserror::Error;

/// The error of a [`Storage`] that cannot take the bytes appended to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the storage is full")]
pub struct StorageFull;

/// Stores bytes as they arrive, up to a limit.
///
/// An [`Assembler`](crate::Assembler) keeps the content in a `Storage`, and an [`OwnedHeader`](crate::OwnedHeader) its
/// text. `heapless::Vec<u8, N>` is one (feature `heapless`), and so is [`Growable`](crate::Growable) (feature `alloc`).
/// Implement the trait for memory of your own.
///
/// [`AsRef`] and [`AsMut`] return the bytes stored so far.
pub trait Storage: AsRef<[u8]> + AsMut<[u8]> {
    /// Returns the greatest number of bytes that can be stored.
    fn limit(&self) -> usize;

    /// Removes all stored bytes.
    fn clear(&mut self);

    /// Appends `bytes` to the stored bytes.
    ///
    /// # Errors
    ///
    /// [`StorageFull`] if the limit would be exceeded or memory runs out. Nothing is stored then.
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
        // Not `extend_from_slice`: it adds lengths unchecked, so the no-panic proof cannot cover it.
        let length = self.len();
        let longer = length.checked_add(bytes.len()).ok_or(StorageFull)?;
        self.resize_default(longer).map_err(|_| StorageFull)?;
        let added = self.get_mut(length..).and_then(|free| free.get_mut(..bytes.len()));
        added.ok_or(StorageFull)?.copy_from_slice(bytes);
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

    /// A [`Storage`] on the heap that grows as bytes arrive, up to a limit.
    ///
    /// It never reserves more than twice the bytes that have arrived, whatever a header announces. When it is cleared, it
    /// keeps up to 65,535 bytes of memory for the next message and frees the rest.
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
        /// The most memory that [`clear`](Storage::clear) keeps, in bytes.
        const KEPT: usize = u16::MAX as usize;

        /// Creates an empty storage for up to `limit` bytes. Does not allocate.
        pub const fn with_limit(limit: usize) -> Self {
            Self { bytes: Vec::new(), limit }
        }

        /// Creates an empty storage of any limit, with memory for this many bytes if there is as much.
        pub(crate) fn with_capacity(capacity: usize) -> Self {
            let mut bytes = Vec::new();
            // If memory has run out, `append` says so.
            let _ = bytes.try_reserve_exact(capacity);
            Self { bytes, limit: usize::MAX }
        }

        /// Returns the number of bytes that fit without another allocation.
        pub fn capacity(&self) -> usize {
            self.bytes.capacity()
        }

        /// Returns the stored bytes.
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
                // Doubling keeps the total copying linear.
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
        fn clear_frees_large_memory_and_keeps_small() {
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
