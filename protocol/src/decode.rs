//! From bytes, cut anywhere, to messages.

use crate::encode::PROTO_HEADER_LEN;
use crate::parse::{Fields, parse};
use crate::{DecodeError, DecodeErrorKind, Header};

/// What a [`Decoder`] reports of a message, in this order: its header, its content in pieces, its end
/// ([SPEC §5.1](crate::spec#51-events)).
///
/// The content borrows from the input (`'i`) and outlives the borrow of the decoder (`'d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'d, 'i> {
    /// The header of a message, which is whole and valid.
    Header(Header<'d>),
    /// The next piece of the content, never empty. A message without content has none.
    Content(&'i [u8]),
    /// The message is whole. It follows the last piece of content, or the header, without another byte of input.
    End,
}

/// Decodes messages from a stream of bytes, however the stream is cut.
///
/// The decoder does no I/O and no allocation. It owns room for one header, `B`, of the size the caller chooses:
/// `[u8; N]`, `&mut [u8]`, `Box<[u8]>`; a header that does not fit is an error. Content is lent from the input, so there
/// is no limit to its length.
///
/// ```text
///        +-- proto-header --> header --> content --> end --+
///        |                      |           | ^       ^    |
///        |                      |           +-+       |    |
///        |                      +---- no content -----+    |
///        +<------------------------------------------------+
/// ```
///
/// - **However the input is cut**, the events are the same but for the cuts in the content, and so are errors and their
///   offsets.
/// - **`None` means that the input is used up.** There is nothing to keep and nothing to feed again.
/// - **It never takes a byte of the next message** before the end of this one has been reported. What is left of the
///   input belongs to whoever comes next.
/// - **Errors are final.** They are returned again by every call.
///
/// ```
/// use jsonframe::{Decoder, Event};
///
/// let mut decoder = Decoder::new([0; 256]);
/// let mut received = Vec::new();
///
/// // As from a socket: the first read ends inside the header, the second inside the content of a second message.
/// let wire = b"\x00f{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
///              \"content-encoding\": \"utf-8\", \"content-length\": 2}{}";
/// let stream = [wire.as_slice(), wire.as_slice()].concat();
/// for mut input in [&stream[..20], &stream[20..stream.len() - 1]] {
///     while let Some(event) = decoder.decode(&mut input)? {
///         match event {
///             Event::Header(header) => assert_eq!(header.content_length(), 2),
///             Event::Content(piece) => received.extend_from_slice(piece),
///             Event::End => assert_eq!(received, b"{}"),
///         }
///     }
/// }
///
/// // The stream ended one byte too early.
/// assert_eq!(decoder.needs(), 1);
/// assert!(decoder.finish().is_err());
/// # Ok::<(), jsonframe::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<B> {
    buffer: B,
    state: State,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Decoder<B> {
    /// A decoder at the beginning of a stream, with this room for a header.
    ///
    /// 65,535 bytes of room take every header there can be; 256 take what most programs send. What the room holds now
    /// does not matter. A storage that does not keep its length or its bytes makes the decoder report wrong headers, but
    /// does no other harm.
    pub const fn new(buffer: B) -> Self {
        Self { buffer, state: State::new() }
    }

    /// Takes bytes from the front of the input until there is something to report, or until the input is used up.
    ///
    /// To be called until it returns `None`; with the end of a message due, that takes no further input.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not a sequence of messages. Everything before the message at fault has been
    /// reported by then. The error is returned again by every later call.
    pub fn decode<'d, 'i>(&'d mut self, input: &mut &'i [u8]) -> Result<Option<Event<'d, 'i>>, DecodeError> {
        let step = self.state.step(self.buffer.as_mut(), input)?;
        Ok(match step {
            None => None,
            Some(Step::Header) => self.header().map(Event::Header),
            Some(Step::Content(piece)) => Some(Event::Content(piece)),
            Some(Step::End) => Some(Event::End),
        })
    }

    /// The header of the message under way, or of the last one, until a byte of the next message is taken.
    pub fn header(&self) -> Option<Header<'_>> {
        let length = usize::from(self.state.header_length);
        let header = self.buffer.as_ref().get(..length)?;
        self.state.fields.as_ref().map(|fields| Header::received(header, fields))
    }

    /// How many bytes the part of the message under way still lacks: its proto-header, its header or its content.
    ///
    /// Who reads no more than this from a stream never reads past the end of a message. It is 0 only when the end of a
    /// message is due, or after an error.
    pub const fn needs(&self) -> u64 {
        self.state.needs()
    }

    /// How many bytes have been taken since the decoder was made, and so the offset of the next one.
    pub const fn position(&self) -> u64 {
        self.state.position
    }

    /// Counts up to `count` bytes of content that were received past the decoder, straight into a file or into the memory
    /// where they belong. Returns how many of them were content of the message under way.
    ///
    /// The bytes that were not are to be decoded. There are none if no more than [`needs`](Self::needs) were received.
    #[must_use = "bytes beyond the content belong to the next message"]
    pub fn content_bypassed(&mut self, count: u64) -> u64 {
        self.state.pass_content(count)
    }

    /// Refuses the message under way if its content is longer than `limit` bytes; to be called at its
    /// [`Event::Header`], before anything is done about its content.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::ContentTooLong`], which every later call returns again; or an error from before.
    ///
    /// ```
    /// use jsonframe::{Decoder, DecodeErrorKind, Event};
    ///
    /// let mut decoder = Decoder::new([0; 256]);
    /// let mut input = &b"\x00l{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
    ///                    \"content-encoding\": \"utf-8\", \"content-length\": 3000000}"[..];
    /// assert!(matches!(decoder.decode(&mut input)?, Some(Event::Header(_))));
    ///
    /// let error = decoder.limit_content(1_000_000).unwrap_err();
    /// assert_eq!(error.kind(), DecodeErrorKind::ContentTooLong { length: 3_000_000, limit: 1_000_000 });
    /// # Ok::<(), jsonframe::DecodeError>(())
    /// ```
    pub fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        self.state.limit_content(limit)
    }

    /// Says that the stream has ended.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] if it ended inside a message; or the error from before. A message whose end is due
    /// is whole.
    ///
    /// ```
    /// use jsonframe::{DecodeErrorKind, Decoder};
    ///
    /// let mut decoder = Decoder::new([0; 256]);
    /// assert_eq!(decoder.finish(), Ok(()));
    ///
    /// decoder.decode(&mut &b"\0"[..])?;
    /// assert_eq!(decoder.finish().unwrap_err().kind(), DecodeErrorKind::Truncated { missing: 1 });
    /// # Ok::<(), jsonframe::DecodeError>(())
    /// ```
    pub const fn finish(&self) -> Result<(), DecodeError> {
        self.state.finish()
    }

    /// Makes the decoder fail for a reason outside the stream.
    #[cold]
    pub(crate) fn fail(&mut self, kind: DecodeErrorKind) -> DecodeError {
        self.state.fail(kind, self.state.position)
    }
}

/// What a decoder knows besides the bytes of the header; on its own so that it is compiled once, not once for each kind
/// of room.
#[derive(Clone, Debug)]
struct State {
    phase: Phase,
    /// How many bytes of the stream have been taken.
    position: u64,
    /// The length of the header under way, or of the one that `fields` are about.
    header_length: u16,
    /// What the header says, once it is whole and until the next message begins.
    fields: Option<Fields>,
}

/// The part of the message under way.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The proto-header, of which this is the first byte.
    ProtoHeader(Option<u8>),
    /// The header, of which so many bytes are in the buffer.
    Header(u16),
    /// The content, of which so many bytes are to come: one at least.
    Content(u64),
    /// The end is due.
    End,
    Failed(DecodeError),
}

/// An [`Event`] that borrows nothing from the decoder.
enum Step<'i> {
    Header,
    Content(&'i [u8]),
    End,
}

impl State {
    const fn new() -> Self {
        Self { phase: Phase::ProtoHeader(None), position: 0, header_length: 0, fields: None }
    }

    fn step<'i>(&mut self, buffer: &mut [u8], input: &mut &'i [u8]) -> Result<Option<Step<'i>>, DecodeError> {
        loop {
            match self.phase {
                Phase::ProtoHeader(first) => {
                    let Some((byte, rest)) = input.split_first() else {
                        return Ok(None);
                    };
                    *input = rest;
                    self.position = self.position.saturating_add(1);
                    match first {
                        None => {
                            self.fields = None;
                            self.phase = Phase::ProtoHeader(Some(*byte));
                        }
                        Some(first) => self.begin_header(u16::from_be_bytes([first, *byte]), buffer.len())?,
                    }
                }
                Phase::Header(filled) => {
                    let Some(header) = self.fill_header(filled, buffer, input) else {
                        return Ok(None);
                    };
                    self.end_header(header)?;
                    return Ok(Some(Step::Header));
                }
                Phase::Content(_) => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    let taken = self.pass_content(input.len() as u64);
                    let taken = usize::try_from(taken).unwrap_or(usize::MAX);
                    let (piece, rest) = input.split_at_checked(taken).unwrap_or((input, &[]));
                    *input = rest;
                    return Ok(Some(Step::Content(piece)));
                }
                Phase::End => {
                    self.phase = Phase::ProtoHeader(None);
                    return Ok(Some(Step::End));
                }
                Phase::Failed(error) => return Err(error),
            }
        }
    }

    fn begin_header(&mut self, length: u16, capacity: usize) -> Result<(), DecodeError> {
        let start = self.position.saturating_sub(PROTO_HEADER_LEN as u64);
        if length == 0 {
            return Err(self.fail(DecodeErrorKind::EmptyHeader, start));
        }
        if let Ok(capacity) = u16::try_from(capacity)
            && length > capacity
        {
            return Err(self.fail(DecodeErrorKind::HeaderTooLong { length, capacity }, start));
        }
        self.header_length = length;
        self.phase = Phase::Header(0);
        Ok(())
    }

    /// Moves what there is of the header to the buffer, of which `filled` bytes are in use: the header once it is whole.
    fn fill_header<'b>(&mut self, filled: u16, buffer: &'b mut [u8], input: &mut &[u8]) -> Option<&'b mut [u8]> {
        let header = buffer.get_mut(..usize::from(self.header_length))?;
        let room = header.get_mut(usize::from(filled)..)?;
        let length = room.len().min(input.len());
        let (place, lacking) = room.split_at_mut_checked(length)?;
        let (piece, rest) = input.split_at_checked(length)?;
        place.copy_from_slice(piece);
        *input = rest;
        self.position = self.position.saturating_add(length as u64);
        if lacking.is_empty() {
            return Some(header);
        }
        self.phase = Phase::Header(filled.saturating_add(u16::try_from(length).unwrap_or(u16::MAX)));
        None
    }

    fn end_header(&mut self, header: &mut [u8]) -> Result<(), DecodeError> {
        match parse(header) {
            Ok(fields) => {
                self.phase = match fields.content_length {
                    0 => Phase::End,
                    length => Phase::Content(length),
                };
                self.fields = Some(fields);
                Ok(())
            }
            Err(fault) => {
                let start = self.position.saturating_sub(header.len() as u64);
                Err(self.fail(fault.kind, start.saturating_add(fault.at as u64)))
            }
        }
    }

    fn pass_content(&mut self, count: u64) -> u64 {
        let Phase::Content(left) = self.phase else {
            return 0;
        };
        let passed = count.min(left);
        self.position = self.position.saturating_add(passed);
        self.phase = match left.saturating_sub(passed) {
            0 => Phase::End,
            left => Phase::Content(left),
        };
        passed
    }

    fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        match (self.phase, &self.fields) {
            (Phase::Failed(error), _) => Err(error),
            (Phase::Content(left), Some(Fields { content_length, .. })) if *content_length > limit => {
                let length = *content_length;
                let start = self.position.saturating_sub(length.saturating_sub(left));
                Err(self.fail(DecodeErrorKind::ContentTooLong { length, limit }, start))
            }
            _ => Ok(()),
        }
    }

    const fn needs(&self) -> u64 {
        match self.phase {
            Phase::ProtoHeader(None) => PROTO_HEADER_LEN as u64,
            Phase::ProtoHeader(Some(_)) => 1,
            Phase::Header(filled) => self.header_length.saturating_sub(filled) as u64,
            Phase::Content(left) => left,
            Phase::End | Phase::Failed(_) => 0,
        }
    }

    const fn finish(&self) -> Result<(), DecodeError> {
        match self.phase {
            Phase::ProtoHeader(None) | Phase::End => Ok(()),
            Phase::Failed(error) => Err(error),
            _ => {
                let missing = self.needs();
                Err(DecodeError::new(DecodeErrorKind::Truncated { missing }, self.position))
            }
        }
    }

    #[cold]
    const fn fail(&mut self, kind: DecodeErrorKind, offset: u64) -> DecodeError {
        let error = DecodeError::new(kind, offset);
        self.phase = Phase::Failed(error);
        error
    }
}
