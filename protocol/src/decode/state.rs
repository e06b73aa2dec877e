//! The state machine of a decoder, apart from the room for a header that it works on.
//!
//! It is compiled once, not once for each kind of room.

use crate::framing::PROTO_HEADER_LEN;
use crate::framing::foreign::Start;
use crate::header::parse::{Fields, parse, plain_integer};
use crate::json::scan::skip_whitespace;
use crate::{DecodeError, DecodeErrorKind, Dialect, ProtoHeader};

/// Where the first header of a stream begins.
const FIRST_HEADER: u64 = PROTO_HEADER_LEN as u64;

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
    /// Whether the error says more than its kind and its offset do.
    says_more: bool,
    /// What the header in the room says.
    fields: Fields,
    /// `None` is the standard, which costs nothing then.
    dialect: Option<&'static Dialect>,
}

/// The part of the message under way.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The proto-header.
    ProtoHeader,
    /// The rest of the proto-header, of which so many bytes have come, and this is what they say so far.
    Begun(u8, u32),
    /// The header, of which so many bytes are in the room, all of them white space.
    Blank(u16),
    /// The header, of which so many bytes are in the room.
    Header(u16),
    /// The content, of which so many bytes are to come: one at least.
    Content(u64),
    /// The end is due.
    End,
    Failed(DecodeErrorKind, u64),
}

/// What is to be done next.
pub(crate) enum Step<'i> {
    /// Report this piece of content.
    Content(&'i [u8]),
    /// Report the end.
    End,
    /// Wait for input.
    Nothing,
    /// Take a [`head`](State::head), or fail.
    Head,
}

impl State {
    pub(crate) const fn new(dialect: &'static Dialect) -> Self {
        let dialect = if dialect.is_standard() { None } else { Some(dialect) };
        Self {
            phase: Phase::ProtoHeader,
            position: 0,
            header_length: 0,
            is_current: false,
            says_more: false,
            fields: Fields::NONE,
            dialect,
        }
    }

    /// `None` is the standard.
    pub(crate) const fn dialect(&self) -> Option<&'static Dialect> {
        self.dialect
    }

    const fn proto_header(&self) -> ProtoHeader {
        match self.dialect {
            None => ProtoHeader::STANDARD,
            Some(dialect) => dialect.proto_header(),
        }
    }

    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn header_length(&self) -> usize {
        usize::from(self.header_length)
    }

    /// Forgets what is in the room, which may be another one from here on: false within a message.
    pub(crate) const fn forget_room(&mut self) -> bool {
        let between = matches!(self.phase, Phase::ProtoHeader);
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

    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn step<'i>(&mut self, room: &mut [u8], input: &mut &'i [u8]) -> Step<'i> {
        match self.phase {
            Phase::Content(_) if input.is_empty() => Step::Nothing,
            Phase::Content(left) => {
                let piece = self.take(input, left);
                self.lack_content(left.saturating_sub(piece.len() as u64));
                Step::Content(piece)
            }
            Phase::End => {
                self.phase = Phase::ProtoHeader;
                Step::End
            }
            Phase::Header(filled) if input.len() < usize::from(self.header_length.wrapping_sub(filled)) => {
                // Serial lines deliver byte by byte.
                if let ([byte], Some(place)) = (*input, room.get_mut(usize::from(filled))) {
                    *place = *byte;
                    *input = &[];
                    self.position = self.position.wrapping_add(1);
                    self.phase = Phase::Header(filled.wrapping_add(1));
                } else {
                    self.keep(filled, room, input);
                }
                Step::Nothing
            }
            _ => Step::Head,
        }
    }

    /// The error that every call returns from here on; nothing if there is none.
    #[inline(never)]
    pub(crate) const fn failure<T>(&self) -> Result<Option<T>, DecodeError> {
        match self.phase {
            Phase::Failed(kind, offset) => Err(self.error(kind, offset)),
            _ => Ok(None),
        }
    }

    /// Takes at most so many bytes from the front of the input.
    #[cfg_attr(not(feature = "small"), inline)]
    fn take<'i>(&mut self, input: &mut &'i [u8], limit: u64) -> &'i [u8] {
        let count = usize::try_from(limit).unwrap_or(usize::MAX);
        let (taken, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
        *input = rest;
        self.position = self.position.saturating_add(taken.len() as u64);
        taken
    }

    /// Takes what there is of the proto-header and of the header: true if the header is whole now.
    #[inline(never)]
    pub(crate) fn head(&mut self, room: &mut [u8], input: &mut &[u8]) -> bool {
        if let Phase::ProtoHeader = self.phase
            && self.dialect.is_none()
            && let Some((length, header, rest)) = split_head(input, room.len())
        {
            *input = rest;
            self.header_length = length;
            self.position = self.position.saturating_add(PROTO_HEADER_LEN as u64).saturating_add(length.into());
            self.whole_header(room, header)
        } else {
            self.head_in_pieces(room, input)
        }
    }

    /// Takes a header that is all there.
    #[cfg_attr(not(feature = "small"), inline)]
    fn whole_header(&mut self, room: &mut [u8], header: &[u8]) -> bool {
        if !self.is_alike(room, header) {
            self.is_current = false;
            // Where it has been for longer, a header is read faster than in the room right after it came there.
            let is_emitted = self.fields.take_emitted(header).is_some();
            fill(room, 0, header);
            if !is_emitted {
                return self.parse(room);
            }
        }
        self.end_header();
        true
    }

    /// [`head`](Self::head) for a head that is not all there, or that must be refused.
    #[inline(never)]
    fn head_in_pieces(&mut self, room: &mut [u8], input: &mut &[u8]) -> bool {
        match self.phase {
            Phase::ProtoHeader => self.begin(0, 0, room, input),
            Phase::Begun(taken, length) => self.begin(taken, length, room, input),
            Phase::Blank(filled) | Phase::Header(filled) => self.go_on(filled, room, input),
            _ => false,
        }
    }

    /// Takes what there is of a proto-header of which some bytes may have come before.
    fn begin(&mut self, mut taken: u8, mut length: u32, room: &mut [u8], input: &mut &[u8]) -> bool {
        let proto_header = self.proto_header();
        while taken < proto_header.len() {
            let [byte] = *self.take(input, 1) else {
                return false;
            };
            self.is_current = false;
            length = proto_header.with_byte(length, taken, byte);
            taken = taken.saturating_add(1);
            self.phase = Phase::Begun(taken, length);
        }
        self.begin_header(length, room, input)
    }

    fn begin_header(&mut self, length: u32, room: &mut [u8], input: &mut &[u8]) -> bool {
        let capacity = u16::try_from(room.len()).unwrap_or(u16::MAX);
        self.header_length = match u16::try_from(length) {
            Ok(length @ 1..) if length <= capacity => length,
            _ => {
                let kind = match length {
                    0 => DecodeErrorKind::EmptyHeader,
                    _ => DecodeErrorKind::HeaderTooLong { length, capacity: capacity.into() },
                };
                self.says_more = self.is_first(self.position);
                self.fail(kind, self.position.saturating_sub(self.proto_header().len().into()));
                return false;
            }
        };
        self.go_on(0, room, input)
    }

    /// Takes what there is of a header that comes in pieces, of which `filled` bytes are in the room.
    fn go_on(&mut self, filled: u16, room: &mut [u8], input: &mut &[u8]) -> bool {
        let lacking = self.header_length.saturating_sub(filled);
        if input.len() < usize::from(lacking) {
            self.begin_object(filled, room, input);
            return false;
        }
        let piece = self.take(input, u64::from(lacking));
        if filled == 0 {
            return self.whole_header(room, piece);
        }
        fill(room, filled, piece);
        self.parse(room)
    }

    /// Takes what there is of a header of which only white space is in the room, unless it is sure to be no object.
    ///
    /// It may be another protocol, which might never send as many bytes as it seems to announce. Bytes beyond ASCII may begin
    /// a byte order mark, or what is not UTF-8.
    fn begin_object(&mut self, filled: u16, room: &mut [u8], input: &mut &[u8]) {
        let blank = skip_whitespace(input, 0);
        match input.get(blank) {
            Some(found) if found.is_ascii() && *found != b'{' => {
                let start = self.position.saturating_sub(filled.into());
                let at = usize::from(filled).saturating_add(blank);
                self.take(input, (blank as u64).saturating_add(1));
                self.fail_in_header(DecodeErrorKind::NotAnObject { found: *found }, start, at);
            }
            Some(_) => self.keep(filled, room, input),
            None => {
                self.keep(filled, room, input);
                if let Phase::Header(filled) = self.phase {
                    self.phase = Phase::Blank(filled);
                }
            }
        }
    }

    /// Takes all of the input, which does not complete the header.
    #[inline(never)]
    fn keep(&mut self, filled: u16, room: &mut [u8], input: &mut &[u8]) {
        let piece = self.take(input, u64::MAX);
        fill(room, filled, piece);
        self.phase = Phase::Header(filled.saturating_add(u16::try_from(piece.len()).unwrap_or(u16::MAX)));
    }

    #[inline(never)]
    fn parse(&mut self, room: &mut [u8]) -> bool {
        let header = room.get_mut(..self.header_length()).unwrap_or_default();
        match parse(header, self.dialect) {
            Ok(fields) => {
                self.fields = fields;
                self.end_header();
                true
            }
            Err(fault) => {
                let start = self.position.saturating_sub(u64::from(self.header_length));
                self.fail_in_header(fault.kind.reported(), start, fault.at);
                false
            }
        }
    }

    /// Whether the header is the one in the room but for its content length, which is then taken over.
    ///
    /// Most streams repeat one header in the emitted form. Then the digits are all that needs to be read.
    #[cfg_attr(not(feature = "small"), inline)]
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
            Phase::Failed(kind, offset) => Err(self.error(kind, offset)),
            Phase::Content(left) if length > limit => {
                let start = self.position.saturating_sub(length.saturating_sub(left));
                Err(self.fail(DecodeErrorKind::ContentTooLong { length, limit }, start))
            }
            _ => Ok(()),
        }
    }

    pub(crate) const fn needs(&self) -> u64 {
        match self.phase {
            Phase::ProtoHeader => self.proto_header().len() as u64,
            Phase::Begun(taken, _) => self.proto_header().len().saturating_sub(taken) as u64,
            Phase::Blank(filled) | Phase::Header(filled) => self.header_length.saturating_sub(filled) as u64,
            Phase::Content(left) => left,
            Phase::End | Phase::Failed(..) => 0,
        }
    }

    pub(crate) const fn finish(&self) -> Result<(), DecodeError> {
        match self.phase {
            Phase::ProtoHeader | Phase::End => Ok(()),
            Phase::Failed(kind, offset) => Err(self.error(kind, offset)),
            _ => {
                let error = DecodeError::new(DecodeErrorKind::Truncated { missing: self.needs() }, self.position);
                Err(if let Phase::Content(_) = self.phase { error.in_content() } else { error })
            }
        }
    }

    /// Fails for what stands `at` bytes behind the offset at which the header starts.
    #[cold]
    fn fail_in_header(&mut self, kind: DecodeErrorKind, start: u64, at: usize) {
        self.says_more = matches!(kind, DecodeErrorKind::NotAnObject { .. }) && self.is_first(start);
        self.fail(kind, start.saturating_add(at as u64));
    }

    /// Whether this is where the first header of a stream begins, after a length in the standard form.
    fn is_first(&self, header: u64) -> bool {
        header == FIRST_HEADER && self.proto_header() == ProtoHeader::STANDARD
    }

    /// The error of a decoder that has failed.
    ///
    /// Only what it cannot be made of again is kept, which is less.
    const fn error(&self, kind: DecodeErrorKind, offset: u64) -> DecodeError {
        let error = DecodeError::new(kind, offset);
        match kind {
            _ if !self.says_more => error,
            DecodeErrorKind::HeaderTooLong { length, .. } => error.at_start(Start::of_length(length)),
            DecodeErrorKind::NotAnObject { found } if offset == FIRST_HEADER => {
                error.at_start(Start::of_header(self.header_length, found))
            }
            DecodeErrorKind::NotAnObject { .. } => error.at_start(Start::of_length(self.header_length as u32)),
            _ => error.in_content(),
        }
    }

    #[cold]
    pub(crate) const fn fail(&mut self, kind: DecodeErrorKind, offset: u64) -> DecodeError {
        self.phase = Phase::Failed(kind, offset);
        self.error(kind, offset)
    }

    /// Fails as a stream that ends here, if it cannot.
    #[cfg(feature = "tokio")]
    pub(crate) const fn end(&mut self) -> Result<(), DecodeError> {
        let outcome = self.finish();
        if let Err(error) = outcome {
            self.says_more = matches!(self.phase, Phase::Content(_));
            self.fail(error.kind(), error.offset());
        }
        outcome
    }
}

/// The header at the front of the input, its length and what follows it, if it is all there and fits in the room.
#[cfg_attr(not(feature = "small"), inline)]
fn split_head(input: &[u8], capacity: usize) -> Option<(u16, &[u8], &[u8])> {
    let (proto_header, rest) = input.split_first_chunk::<PROTO_HEADER_LEN>()?;
    let length = u16::from_be_bytes(*proto_header);
    let (header, rest) = rest.split_at_checked(usize::from(length))?;
    let fits = length > 0 && header.len() <= capacity;
    fits.then_some((length, header, rest))
}

/// Puts a piece of the header to its place in the room.
#[cfg_attr(not(feature = "small"), inline)]
fn fill(room: &mut [u8], filled: u16, piece: &[u8]) {
    let free = room.get_mut(usize::from(filled)..).unwrap_or_default();
    if let Some((place, _)) = free.split_at_mut_checked(piece.len()) {
        place.copy_from_slice(piece);
    }
}
