//! A message on its way out, through writes that may be short.

use crate::{Dialect, EncodeError, Header};

/// A message to be written: its encoded head and its content, and how much of them is left to write.
///
/// The content is borrowed, not copied. Write both parts at once with a vectored write.
///
/// ```
/// use jsonframe::{Header, Outgoing};
///
/// let mut buffer = [0; 128];
/// let mut message = Outgoing::new(&Header::for_json(2), b"{}", &mut buffer)?;
///
/// // Writes at most seven bytes at a time.
/// let mut written = Vec::new();
/// while !message.is_empty() {
///     let [head, content] = message.parts();
///     let taken = [head, content].concat().into_iter().take(7);
///     let before = written.len();
///     written.extend(taken);
///     message.advance(written.len() - before);
/// }
/// assert!(written.ends_with(b"\"content-length\": 2}{}"));
/// # Ok::<(), jsonframe::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is sent until its parts are written"]
pub struct Outgoing<'a> {
    head: &'a [u8],
    content: &'a [u8],
}

impl<'a> Outgoing<'a> {
    /// Encodes the head of a message into `buffer`, of which it takes [`Header::encoded_len`] bytes.
    ///
    /// [`Dialect::outgoing`] does it in another dialect.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LengthMismatch`] if the header announces another length than that of the content; otherwise see
    /// [`Header::encode`].
    pub fn new(header: &Header<'_>, content: &'a [u8], buffer: &'a mut [u8]) -> Result<Self, EncodeError> {
        Dialect::STANDARD.outgoing(header, content, buffer)
    }

    /// Creates a message from bytes that are already encoded, such as the [`parts`](Self::parts) left by an earlier write.
    pub const fn from_parts([head, content]: [&'a [u8]; 2]) -> Self {
        Self { head, content }
    }

    /// Returns the unwritten bytes of the head and of the content. Either may be empty.
    pub const fn parts(&self) -> [&'a [u8]; 2] {
        [self.head, self.content]
    }

    /// Returns the number of unwritten bytes.
    pub const fn len(&self) -> usize {
        self.head.len().saturating_add(self.content.len())
    }

    /// Returns whether everything has been written.
    pub const fn is_empty(&self) -> bool {
        self.head.is_empty() && self.content.is_empty()
    }

    /// Marks `count` bytes as written. Saturates at [`len`](Self::len).
    pub fn advance(&mut self, count: usize) {
        let beyond_head = count.saturating_sub(self.head.len());
        self.head = self.head.get(count..).unwrap_or_default();
        self.content = self.content.get(beyond_head..).unwrap_or_default();
    }
}

/// Checks that the header announces the content's length.
pub(crate) const fn check_length(header: &Header<'_>, content: &[u8]) -> Result<(), EncodeError> {
    let (announced, actual) = (header.content_length(), content.len() as u64);
    if announced == actual { Ok(()) } else { Err(EncodeError::LengthMismatch { announced, actual }) }
}
