//! The state machine of a decoder, apart from the room for a header that it works on.
//!
//! It is compiled once, not once for each kind of room.

use crate::emitted::parse_emitted;
use crate::encode::PROTO_HEADER_LEN;
use crate::parse::{Fields, parse, plain_integer};
use crate::{DecodeError, DecodeErrorKind};

/// What a decoder knows besides the bytes in its room.
#[derive(Clone, Debug)]
pub(crate) struct State {
    phase: Phase,
    /// How many bytes of the stream have been taken.
    position: u64,
    /// The length of the header in the room, or of the one to come.
    header_length: u16,
    /// Whether the header in the room is that of the message under way, or of the last one before the next has begun.
    is_current: bool,
    /// What the header in the room says.
    fields: Fields,
}

/// The part of the message under way.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The proto-header, of which this is the first byte.
    ProtoHeader(Option<u8>),
    /// The header, of which so many bytes are in the room.
    Header(u16),
    /// The content, of which so many bytes are to come: one at least.
    Content(u64),
    /// The end is due.
    End,
    Failed(DecodeError),
}

/// An [`Event`](crate::Event) that borrows nothing from the decoder.
pub(crate) enum Step<'i> {
    Header,
    Content(&'i [u8]),
    End,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self { phase: Phase::ProtoHeader(None), position: 0, header_length: 0, is_current: false, fields: Fields::NONE }
    }

    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn header_length(&self) -> usize {
        usize::from(self.header_length)
    }

    /// Forgets what is in the room, which may be another one from here on: false within a message.
    pub(crate) const fn forget_room(&mut self) -> bool {
        let between = matches!(self.phase, Phase::ProtoHeader(None));
        if between {
            self.is_current = false;
            self.fields.digits = 0;
        }
        between
    }

    /// What the current header says, if there is one.
    pub(crate) fn fields(&self) -> Option<&Fields> {
        self.is_current.then_some(&self.fields)
    }

    #[inline]
    pub(crate) fn step<'i>(&mut self, room: &mut [u8], input: &mut &'i [u8]) -> Result<Option<Step<'i>>, DecodeError> {
        loop {
            match self.phase {
                Phase::ProtoHeader(first) => {
                    let lacking = if first.is_some() { 1 } else { PROTO_HEADER_LEN };
                    let length = match (first, self.take(input, lacking as u64)) {
                        (_, []) => return Ok(None),
                        (None, [byte]) => {
                            self.phase = Phase::ProtoHeader(Some(*byte));
                            self.is_current = false;
                            return Ok(None);
                        }
                        (None, [first, second, ..]) => [*first, *second],
                        (Some(first), [second, ..]) => [first, *second],
                    };
                    self.is_current = false;
                    self.begin_header(u16::from_be_bytes(length), room.len())?;
                }
                Phase::Header(filled) => {
                    return Ok(self.header(filled, room, input)?.then_some(Step::Header));
                }
                Phase::Content(left) => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    let piece = self.take(input, left);
                    self.lack_content(left.saturating_sub(piece.len() as u64));
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

    /// Takes at most so many bytes from the front of the input.
    fn take<'i>(&mut self, input: &mut &'i [u8], limit: u64) -> &'i [u8] {
        let count = usize::try_from(limit).map_or(input.len(), |limit| limit.min(input.len()));
        let (taken, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
        *input = rest;
        self.position = self.position.saturating_add(taken.len() as u64);
        taken
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

    /// Takes what there is of the header, of which `filled` bytes are in the room: true if it is whole now.
    ///
    /// Apart from [`step`](Self::step), whose other ways are short and want few registers.
    #[inline(never)]
    fn header(&mut self, filled: u16, room: &mut [u8], input: &mut &[u8]) -> Result<bool, DecodeError> {
        let lacking = self.header_length.saturating_sub(filled);
        let piece = self.take(input, u64::from(lacking));
        let is_whole = piece.len() == self.header_length();
        if is_whole && self.is_alike(room, piece) {
            self.end_header();
            return Ok(true);
        }
        // In the input, where it has been for longer, a header is read faster than in the room right after it came there.
        let emitted = if is_whole { parse_emitted(piece) } else { None };
        let free = room.get_mut(usize::from(filled)..).unwrap_or_default();
        if let Some((place, _)) = free.split_at_mut_checked(piece.len()) {
            place.copy_from_slice(piece);
        }
        if piece.len() < usize::from(lacking) {
            self.phase = Phase::Header(filled.saturating_add(u16::try_from(piece.len()).unwrap_or(u16::MAX)));
            return Ok(false);
        }
        self.fields = match emitted {
            Some(fields) => fields,
            None => self.parse(room)?,
        };
        self.end_header();
        Ok(true)
    }

    fn parse(&mut self, room: &mut [u8]) -> Result<Fields, DecodeError> {
        let header = room.get_mut(..self.header_length()).unwrap_or_default();
        parse(header).map_err(|fault| {
            let start = self.position.saturating_sub(u64::from(self.header_length));
            self.fail(fault.kind, start.saturating_add(fault.at as u64))
        })
    }

    /// Whether the header is the one in the room but for its content length, which is then taken over.
    ///
    /// Most streams repeat one header in the emitted form. Then the digits are all that needs to be read.
    fn is_alike(&mut self, room: &[u8], header: &[u8]) -> bool {
        let digits = usize::from(self.fields.digits);
        let (Some((same, tail)), Some(known)) = (header.split_at_checked(digits), room.get(..digits)) else {
            return false;
        };
        if digits == 0 || same != known {
            return false;
        }
        let Some(content_length) = tail.strip_suffix(b"}").and_then(plain_integer) else {
            return false;
        };
        self.fields.content_length = content_length;
        true
    }

    const fn end_header(&mut self) {
        self.is_current = true;
        self.lack_content(self.fields.content_length);
    }

    const fn lack_content(&mut self, left: u64) {
        self.phase = if left == 0 { Phase::End } else { Phase::Content(left) };
    }

    /// Counts bytes of content as taken that did not come by: how many of them were content.
    pub(crate) fn pass_content(&mut self, count: u64) -> u64 {
        let Phase::Content(left) = self.phase else {
            return 0;
        };
        let passed = count.min(left);
        self.position = self.position.saturating_add(passed);
        self.lack_content(left.saturating_sub(passed));
        passed
    }

    pub(crate) fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        let length = self.fields.content_length;
        match self.phase {
            Phase::Failed(error) => Err(error),
            Phase::Content(left) if length > limit => {
                let start = self.position.saturating_sub(length.saturating_sub(left));
                Err(self.fail(DecodeErrorKind::ContentTooLong { length, limit }, start))
            }
            _ => Ok(()),
        }
    }

    pub(crate) const fn needs(&self) -> u64 {
        match self.phase {
            Phase::ProtoHeader(None) => PROTO_HEADER_LEN as u64,
            Phase::ProtoHeader(Some(_)) => 1,
            Phase::Header(filled) => self.header_length.saturating_sub(filled) as u64,
            Phase::Content(left) => left,
            Phase::End | Phase::Failed(_) => 0,
        }
    }

    pub(crate) const fn finish(&self) -> Result<(), DecodeError> {
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
    pub(crate) const fn fail(&mut self, kind: DecodeErrorKind, offset: u64) -> DecodeError {
        let error = DecodeError::new(kind, offset);
        self.phase = Phase::Failed(error);
        error
    }
}
