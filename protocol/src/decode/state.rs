//! The state machine of a decoder, apart from the buffer that it works on.
//!
//! It is compiled once, not once for each kind of buffer.

use crate::framing::PROTO_HEADER_LEN;
use crate::framing::foreign::Start;
use crate::header::canonical::Canonical;
#[cfg(feature = "tokio")]
use crate::header::found::Found;
use crate::header::parse::parse;
use crate::header::required::RequiredMembers;
use crate::header::resolved::Escapes;
use crate::json::cursor::Cursor;
use crate::json::number::plain_integer;
use crate::json::write::fill;
use crate::{DecodeError, DecodeErrorKind, Dialect, Header, ProtoHeader};

/// Where the first header of a stream begins.
const FIRST_HEADER: u64 = PROTO_HEADER_LEN as u64;

/// What a decoder knows besides the bytes in its buffer, where a header is received after its prefix, if it has one.
#[derive(Clone, Debug)]
pub(crate) struct State {
    phase: Phase,
    /// How many bytes of the stream have been taken.
    position: u64,
    /// The length of the header in the buffer, or of the one to come.
    header_length: u16,
    /// If not 0, the header is remembered: the buffer holds its first `remembered` bytes, which are all before the digits of
    /// its content length in the canonical form, it has no extensions, and all that `members` say but the content length is
    /// what those bytes say. What the buffer holds after them may be from an earlier header.
    remembered: u8,
    /// Whether the error says more than its kind and its offset do.
    says_more: bool,
    /// What the header in the buffer says.
    members: RequiredMembers,
    /// `None` is the standard, which costs nothing then.
    dialect: Option<&'static Dialect>,
}

/// The part of the message under way.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// None: the next message has not begun, and this is whether the buffer still holds the last header.
    Between(bool),
    /// The prefix, of which this many bytes are in the buffer.
    Prefix(u16),
    /// The proto-header, of which this many bytes have come, and this is what they say so far.
    ProtoHeader(u8, u32),
    /// The header, of which this many bytes are in the buffer, all of them white space.
    Blank(u16),
    /// The header, of which this many bytes are in the buffer.
    Header(u16),
    /// The content, of which this many bytes are to come: one at least.
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
            phase: Phase::Between(false),
            position: 0,
            header_length: 0,
            remembered: 0,
            says_more: false,
            members: RequiredMembers::NONE,
            dialect,
        }
    }

    const fn proto_header(&self) -> ProtoHeader {
        match self.dialect {
            None => ProtoHeader::STANDARD,
            Some(dialect) => dialect.proto_header(),
        }
    }

    /// The length of the prefix, which is where a header begins in the buffer.
    const fn prefix_len(&self) -> usize {
        match self.dialect {
            None => 0,
            Some(dialect) => dialect.prefix().len(),
        }
    }

    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    /// Forgets what is in the buffer, which may be another one from here on: false within a message.
    pub(crate) const fn forget_buffer(&mut self) -> bool {
        let between = matches!(self.phase, Phase::Between(_));
        if between {
            self.phase = Phase::Between(false);
            self.remembered = 0;
        }
        between
    }

    /// Whether the buffer holds the header of the message under way, or of the last one while the next has not begun.
    #[cfg_attr(not(feature = "small"), inline)]
    const fn has_header(&self) -> bool {
        match self.phase {
            Phase::Content(_) | Phase::End | Phase::Between(true) => true,
            // Both are about the content, whose header stays.
            Phase::Failed(kind, _) => {
                matches!(kind, DecodeErrorKind::ContentTooLong { .. } | DecodeErrorKind::OutOfMemory)
            }
            _ => false,
        }
    }

    /// The header of the message under way, or of the last one while the next has not begun.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn header<'a>(&self, buffer: &'a [u8]) -> Option<Header<'a>> {
        if !self.has_header() {
            return None;
        }
        let header = self.header_in(buffer)?;
        let prefix = buffer.get(..self.prefix_len())?;
        Some(Header::received(header, &self.members, self.dialect, self.remembered == 0).with_prefix(prefix))
    }

    /// The bytes of the header in the buffer.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn header_in<'a>(&self, buffer: &'a [u8]) -> Option<&'a [u8]> {
        buffer.get(self.prefix_len()..)?.get(..usize::from(self.header_length))
    }

    /// What was found in the current header.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn found(&self) -> Option<Found> {
        let Self { members, header_length, remembered, dialect, .. } = *self;
        self.has_header().then_some(Found { members, length: header_length, has_extensions: remembered == 0, dialect })
    }

    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn step<'i>(&mut self, buffer: &mut [u8], input: &mut &'i [u8]) -> Step<'i> {
        match self.phase {
            Phase::Content(_) if input.is_empty() => Step::Nothing,
            Phase::Content(left) => {
                let piece = self.take(input, left);
                self.await_content(left.wrapping_sub(piece.len() as u64));
                Step::Content(piece)
            }
            Phase::End => {
                self.phase = Phase::Between(true);
                Step::End
            }
            Phase::Header(filled) if input.len() < usize::from(self.header_length.wrapping_sub(filled)) => {
                // Serial lines deliver byte by byte.
                if let ([byte], None, Some(place)) = (*input, self.dialect, buffer.get_mut(usize::from(filled))) {
                    *place = *byte;
                    *input = &[];
                    self.position = self.position.wrapping_add(1);
                    self.phase = Phase::Header(filled.wrapping_add(1));
                } else {
                    self.keep(filled, buffer, input);
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

    /// Takes at most `limit` bytes from the front of the input.
    #[cfg_attr(not(feature = "small"), inline)]
    fn take<'i>(&mut self, input: &mut &'i [u8], limit: u64) -> &'i [u8] {
        let count = usize::try_from(limit).unwrap_or(usize::MAX);
        let (taken, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
        *input = rest;
        self.position = self.position.saturating_add(taken.len() as u64);
        taken
    }

    /// Takes what there is of what comes before the content: true if the header is whole now.
    #[inline(never)]
    pub(crate) fn head(&mut self, buffer: &mut [u8], input: &mut &[u8]) -> bool {
        let whole = match (self.phase, self.dialect) {
            (Phase::Between(_), None) if !cfg!(feature = "small") => split_head(input, buffer.len()),
            _ => None,
        };
        let (filled, piece) = if let Some((length, header, rest)) = whole {
            *input = rest;
            self.header_length = length;
            self.position = self.position.wrapping_add(FIRST_HEADER).wrapping_add(length.into());
            (0, header)
        } else if let Some(piece) = self.head_in_pieces(buffer, input) {
            piece
        } else {
            return false;
        };
        let place = buffer.get_mut(self.prefix_len()..).unwrap_or_default();
        if filled == 0 && !cfg!(feature = "small") {
            return self.whole_header(place, piece);
        }
        fill(place, filled.into(), piece);
        let mut escapes = Escapes::NONE;
        let outcome = self.read(place.get(..usize::from(self.header_length)).unwrap_or_default(), &mut escapes);
        self.end_read(place, outcome, &escapes)
    }

    /// Takes a header that is all there, to this place in the buffer.
    #[cfg_attr(not(feature = "small"), inline)]
    fn whole_header(&mut self, place: &mut [u8], header: &[u8]) -> bool {
        if self.is_remembered(place, header) {
            self.end_header();
            return true;
        }
        let mut escapes = Escapes::NONE;
        // Where it has been for longer, a header is read faster than in the buffer right after it came there.
        let outcome = self.read(header, &mut escapes);
        fill(place, 0, header);
        self.end_read(place, outcome, &escapes)
    }

    /// Reads a header, in which nothing is changed.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn read(&mut self, header: &[u8], escapes: &mut Escapes) -> Result<(), (DecodeErrorKind, usize)> {
        self.remembered = 0;
        let mut rest = None;
        if let Some(canonical) = Canonical::read(header) {
            // Kept at once, they come from registers: to read from memory what was just written there in parts takes long.
            self.members = canonical.members;
            if canonical.rest == b"}" {
                self.remembered = u8::try_from(canonical.digits).unwrap_or(0);
                return Ok(());
            }
            rest = Some(canonical.rest);
        }
        parse(header, rest, self.dialect, &mut self.members, escapes)
    }

    /// Takes what there is of a head that is not all there, or must be refused, one part after the other. Returns the rest of
    /// the header, if it is whole now, and how many bytes before it are in the buffer.
    #[inline(never)]
    fn head_in_pieces<'i>(&mut self, buffer: &mut [u8], input: &mut &'i [u8]) -> Option<(u16, &'i [u8])> {
        loop {
            let goes_on = match self.phase {
                Phase::Between(_) => !input.is_empty() && self.prefix(0, buffer, input),
                Phase::Prefix(filled) => self.prefix(filled, buffer, input),
                Phase::ProtoHeader(taken, length) => self.announced(taken, length, buffer.len(), input),
                Phase::Blank(filled) | Phase::Header(filled) => {
                    let missing = self.header_length.wrapping_sub(filled);
                    if input.len() < usize::from(missing) {
                        self.begin_object(filled, buffer, input);
                        return None;
                    }
                    return Some((filled, self.take(input, missing.into())));
                }
                _ => false,
            };
            if !goes_on {
                return None;
            }
        }
    }

    /// Takes what there is of a prefix of which `filled` bytes are in the buffer: true if it is whole now.
    fn prefix(&mut self, filled: u16, buffer: &mut [u8], input: &mut &[u8]) -> bool {
        let length = self.prefix_len();
        if length > 0 {
            let piece = self.take(input, (length as u64).saturating_sub(filled.into()));
            fill(buffer, filled.into(), piece);
            let filled = filled.saturating_add(u16::try_from(piece.len()).unwrap_or(u16::MAX));
            self.remembered = 0;
            if usize::from(filled) < length {
                self.phase = Phase::Prefix(filled);
                return false;
            }
        }
        self.phase = Phase::ProtoHeader(0, 0);
        true
    }

    /// Takes what there is of a proto-header of which `taken` bytes have come before: true if it is whole now, and announces a
    /// header that fits in a buffer of this size.
    fn announced(&mut self, mut taken: u8, mut length: u32, buffer: usize, input: &mut &[u8]) -> bool {
        let proto_header = self.proto_header();
        while taken < proto_header.len() {
            let Some((byte, rest)) = input.split_first() else {
                self.phase = Phase::ProtoHeader(taken, length);
                return false;
            };
            *input = rest;
            self.position = self.position.wrapping_add(1);
            length = proto_header.with_byte(length, taken, *byte);
            taken = taken.saturating_add(1);
        }
        let capacity = u16::try_from(buffer.saturating_sub(self.prefix_len())).unwrap_or(u16::MAX);
        match u16::try_from(length) {
            Ok(length @ 1..) if length <= capacity => {
                self.header_length = length;
                self.phase = Phase::Header(0);
                true
            }
            _ => {
                let kind = match length {
                    0 => DecodeErrorKind::EmptyHeader,
                    _ => DecodeErrorKind::HeaderTooLong { length, capacity: capacity.into() },
                };
                self.says_more = self.is_first(self.position);
                self.fail(kind, self.position.wrapping_sub(proto_header.len().into()));
                false
            }
        }
    }

    /// Takes what there is of a header of which only white space is in the buffer, unless it is sure to be no object.
    ///
    /// It may be another protocol, which might never send as many bytes as it seems to announce. Bytes beyond ASCII may begin
    /// a byte order mark, or what is not UTF-8.
    fn begin_object(&mut self, filled: u16, buffer: &mut [u8], input: &mut &[u8]) {
        let mut cursor = Cursor::new(input);
        cursor.skip_whitespace();
        match cursor.peek() {
            Some(found) if found.is_ascii() && found != b'{' => {
                let start = self.position.wrapping_sub(filled.into());
                let at = usize::from(filled).saturating_add(cursor.offset());
                self.take(input, (cursor.offset() as u64).saturating_add(1));
                self.fail_in_header(DecodeErrorKind::NotAnObject { found }, start, at);
            }
            Some(_) => self.keep(filled, buffer, input),
            None => {
                self.keep(filled, buffer, input);
                if let Phase::Header(filled) = self.phase {
                    self.phase = Phase::Blank(filled);
                }
            }
        }
    }

    /// Takes all of the input, which does not complete the header.
    #[inline(never)]
    fn keep(&mut self, filled: u16, buffer: &mut [u8], input: &mut &[u8]) {
        let piece = self.take(input, u64::MAX);
        fill(buffer, self.prefix_len().saturating_add(filled.into()), piece);
        self.phase = Phase::Header(filled.saturating_add(u16::try_from(piece.len()).unwrap_or(u16::MAX)));
        self.remembered = 0;
    }

    /// Resolves the escapes of the header at this place in the buffer, and ends it; or fails.
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn end_read(&mut self, place: &mut [u8], outcome: Result<(), (DecodeErrorKind, usize)>, escapes: &Escapes) -> bool {
        if let Err((kind, at)) = outcome {
            let start = self.position.wrapping_sub(self.header_length.into());
            self.fail_in_header(kind, start, at);
            return false;
        }
        if !escapes.is_empty() {
            let header = place.get_mut(..usize::from(self.header_length)).unwrap_or_default();
            escapes.resolve(header, &mut self.members);
        }
        self.end_header();
        true
    }

    /// Whether the header is the remembered one but for its content length, which is then taken over.
    ///
    /// Most streams repeat one header in the canonical form. Then the digits are all that needs to be read.
    #[cfg_attr(not(feature = "small"), inline)]
    fn is_remembered(&mut self, buffer: &[u8], header: &[u8]) -> bool {
        let digits = usize::from(self.remembered);
        if digits == 0 {
            return false;
        }
        let (Some((same, tail)), Some(known)) = (header.split_at_checked(digits), buffer.get(..digits)) else {
            return false;
        };
        if same != known {
            return false;
        }
        let Some(content_length) = tail.strip_suffix(b"}").and_then(plain_integer) else {
            return false;
        };
        self.members.content_length = content_length;
        true
    }

    const fn end_header(&mut self) {
        self.await_content(self.members.content_length);
    }

    const fn await_content(&mut self, left: u64) {
        self.phase = if left == 0 { Phase::End } else { Phase::Content(left) };
    }

    /// Counts bytes of content as taken that did not pass through the decoder, and returns how many of them were content.
    pub(crate) fn pass_content(&mut self, count: u64) -> u64 {
        let Phase::Content(left) = self.phase else {
            return 0;
        };
        let passed = count.min(left);
        self.position = self.position.saturating_add(passed);
        self.await_content(left.wrapping_sub(passed));
        passed
    }

    pub(crate) fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        let length = self.members.content_length;
        match self.phase {
            Phase::Failed(kind, offset) => Err(self.error(kind, offset)),
            Phase::Content(left) if length > limit => {
                let start = self.position.wrapping_sub(length.wrapping_sub(left));
                Err(self.fail(DecodeErrorKind::ContentTooLong { length, limit }, start))
            }
            _ => Ok(()),
        }
    }

    pub(crate) const fn needs(&self) -> u64 {
        let proto_header = self.proto_header().len();
        match self.phase {
            Phase::Between(_) => (self.prefix_len() as u64).saturating_add(proto_header as u64),
            Phase::Prefix(filled) => {
                (self.prefix_len() as u64).saturating_sub(filled as u64).saturating_add(proto_header as u64)
            }
            Phase::ProtoHeader(taken, _) => proto_header.saturating_sub(taken) as u64,
            Phase::Blank(filled) | Phase::Header(filled) => self.header_length.saturating_sub(filled) as u64,
            Phase::Content(left) => left,
            Phase::End | Phase::Failed(..) => 0,
        }
    }

    pub(crate) const fn finish(&self) -> Result<(), DecodeError> {
        match self.phase {
            Phase::Between(_) | Phase::End => Ok(()),
            Phase::Failed(kind, offset) => Err(self.error(kind, offset)),
            _ => {
                let error = DecodeError::new(DecodeErrorKind::Truncated { missing: self.needs() }, self.position);
                Err(if let Phase::Content(_) = self.phase { error.in_content() } else { error })
            }
        }
    }

    /// Fails for what stands `at` bytes after the offset at which the header starts.
    #[cold]
    fn fail_in_header(&mut self, kind: DecodeErrorKind, start: u64, at: usize) {
        self.says_more = matches!(kind, DecodeErrorKind::NotAnObject { .. }) && self.is_first(start);
        self.fail(kind, start.wrapping_add(at as u64));
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

/// The header at the front of the input, its length and what follows it, if it is all there and fits in the buffer.
#[cfg_attr(not(feature = "small"), inline)]
fn split_head(input: &[u8], capacity: usize) -> Option<(u16, &[u8], &[u8])> {
    let (proto_header, rest) = input.split_first_chunk::<PROTO_HEADER_LEN>()?;
    let length = u16::from_be_bytes(*proto_header);
    let (header, rest) = rest.split_at_checked(usize::from(length))?;
    let fits = length > 0 && header.len() <= capacity;
    fits.then_some((length, header, rest))
}
