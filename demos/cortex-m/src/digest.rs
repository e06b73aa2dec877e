//! What the device keeps of content that may be longer than its memory.

use heapless::Vec;

/// The first bytes of a content, its length and its checksum.
pub(crate) struct Digest {
    first: Vec<u8, 64>,
    length: u64,
    checksum: u32,
}

impl Digest {
    /// That of no content.
    pub(crate) const fn new() -> Self {
        Self { first: Vec::new(), length: 0, checksum: 0x811C_9DC5 }
    }

    /// Adds a piece of content.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        for byte in piece {
            // Full is full.
            let _ = self.first.push(*byte);
            self.checksum = (self.checksum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        self.length = self.length.saturating_add(piece.len() as u64);
    }

    /// The first 64 bytes at most.
    pub(crate) fn first(&self) -> &[u8] {
        &self.first
    }

    /// How many bytes there were.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Their checksum: FNV-1a of 32 bits.
    pub(crate) const fn checksum(&self) -> u32 {
        self.checksum
    }
}
