//! A storage that an application without an allocator might write: an array and a length.

use jsonframe::{Storage, StorageFull};

#[derive(Clone)]
pub(crate) struct Array<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> AsRef<[u8]> for Array<N> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl<const N: usize> AsMut<[u8]> for Array<N> {
    fn as_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.length).unwrap_or_default()
    }
}

impl<const N: usize> Storage for Array<N> {
    fn limit(&self) -> usize {
        N
    }

    fn clear(&mut self) {
        self.length = 0;
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageFull> {
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        let (place, _) = free.split_at_mut_checked(bytes.len()).ok_or(StorageFull)?;
        place.copy_from_slice(bytes);
        self.length = self.length.saturating_add(bytes.len());
        Ok(())
    }
}
