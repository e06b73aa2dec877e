//! The bytes of an input, used up one choice after the other. When none are left, every choice is 0.

/// What is left of an input.
#[derive(Clone, Debug)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub fn long(&mut self) -> u64 {
        let bytes = self.take(8);
        bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A number below that of the choices, of which there are 256 at most.
    pub fn pick(&mut self, choices: usize) -> usize {
        usize::from(self.byte()) % choices
    }

    /// So many bytes, or what is left.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// A limit on content: about a power of two, or none.
    pub fn content_limit(&mut self) -> u64 {
        match self.byte() {
            255 => u64::MAX,
            power => (1_u64 << (power % 64)).saturating_sub((power / 64).into()),
        }
    }
}
