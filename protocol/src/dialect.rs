//! What some programs in the field do otherwise.

use crate::header::encode::Filler;
use crate::json::scan::RawString;
use crate::{ByteOrder, EncodeError, Header, Member, ProtoHeader};

/// How the messages of some programs depart from the protocol ([SPEC C](crate::spec#appendix-c-dialects)): in their
/// proto-header, in the names of their headers' members, and in which of these they leave out.
///
/// A constant, most often, that a program chooses when it starts. A decoder of the standard dialect takes no longer than
/// one that knows no dialects. Whatever a dialect says, a header is at most 65,535 bytes long, and has a content length.
///
/// ```
/// use jsonframe::{ByteOrder, Decoder, Dialect, Event, Header, ProtoHeader};
///
/// /// Four bytes of length, `content_length` and the like, and no `byteorder`.
/// const GATEWAY: Dialect = Dialect::STANDARD
///     .with_proto_header(ProtoHeader::U32(ByteOrder::Big))
///     .with_underscores()
///     .byte_order_or(ByteOrder::Little);
///
/// let header = Header::for_json(2).with_byte_order(ByteOrder::Little);
/// let mut buffer = [0; 128];
/// let head = GATEWAY.encode(&header, &mut buffer)?;
/// assert_eq!(
///     head,
///     b"\0\0\0O{\"content_type\": \"text/json\", \"content_encoding\": \"utf-8\", \"content_length\": 2}",
/// );
///
/// let mut decoder = Decoder::new([0; 256]).with_dialect(&GATEWAY);
/// assert_eq!(decoder.decode(&mut &*head)?, Some(Event::Header(header)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    proto_header: ProtoHeader,
    underscores: bool,
    byte_order: Option<ByteOrder>,
    content_type: Option<&'static str>,
    content_encoding: Option<&'static str>,
}

impl Dialect {
    /// The protocol as it is specified.
    pub const STANDARD: Self = Self {
        proto_header: ProtoHeader::STANDARD,
        underscores: false,
        byte_order: None,
        content_type: None,
        content_encoding: None,
    };

    /// The same dialect with another proto-header.
    #[must_use]
    pub const fn with_proto_header(self, proto_header: ProtoHeader) -> Self {
        Self { proto_header, ..self }
    }

    /// The same dialect with `content_length`, `content_type` and `content_encoding` for the names with hyphens, which are
    /// still understood.
    #[must_use]
    pub const fn with_underscores(self) -> Self {
        Self { underscores: true, ..self }
    }

    /// The same dialect with headers that may lack `byteorder`, which is this one then.
    ///
    /// What is sent lacks it if it is this one. That goes for the other two as well.
    #[must_use]
    pub const fn byte_order_or(self, byte_order: ByteOrder) -> Self {
        Self { byte_order: Some(byte_order), ..self }
    }

    /// The same dialect with headers that may lack `content-type`, which is this one then.
    #[must_use]
    pub const fn content_type_or(self, content_type: &'static str) -> Self {
        Self { content_type: Some(content_type), ..self }
    }

    /// The same dialect with headers that may lack `content-encoding`, which is this one then.
    #[must_use]
    pub const fn content_encoding_or(self, content_encoding: &'static str) -> Self {
        Self { content_encoding: Some(content_encoding), ..self }
    }

    /// How long a header is announced.
    pub const fn proto_header(&self) -> ProtoHeader {
        self.proto_header
    }

    /// Whether it is [`STANDARD`](Self::STANDARD).
    pub const fn is_standard(&self) -> bool {
        matches!(
            self,
            Self {
                proto_header: ProtoHeader::STANDARD,
                underscores: false,
                byte_order: None,
                content_type: None,
                content_encoding: None,
            }
        )
    }

    /// How many bytes the proto-header and this header take in this dialect.
    pub fn encoded_len(&self, header: &Header<'_>) -> usize {
        if self.is_standard() {
            return header.encoded_len();
        }
        let mut nowhere = Filler::new(&mut []);
        let _ = header.write_head(self, &mut nowhere);
        nowhere.written()
    }

    /// Writes the proto-header and the header in this dialect to the beginning of a buffer, and returns them.
    ///
    /// To send them with the content: [`Outgoing::from_parts`](crate::Outgoing::from_parts).
    ///
    /// # Errors
    ///
    /// As [`Header::encode`]. With a proto-header of one byte, a header longer than 255 is too long; with underscores, the
    /// names with underscores are reserved too.
    pub fn encode<'b>(&self, header: &Header<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        if self.is_standard() {
            return header.encode(buffer);
        }
        self.check_names(header)?;
        let available = buffer.len();
        let mut filler = Filler::new(buffer);
        let _ = header.write_head(self, &mut filler);
        let needed = filler.written();
        let (place, limit) = (usize::from(self.proto_header.len()), self.proto_header.limit());
        let length = needed.saturating_sub(place);
        let announced = u16::try_from(length).ok().filter(|length| *length <= limit);
        let announced = announced.ok_or(EncodeError::HeaderTooLong { length, limit })?;
        let head = buffer.get_mut(..needed).ok_or(EncodeError::BufferTooSmall { needed, available })?;
        self.proto_header.write(announced, head.get_mut(..place).unwrap_or_default());
        Ok(head)
    }

    /// Checks that no extension is a required member in this dialect.
    fn check_names(&self, header: &Header<'_>) -> Result<(), EncodeError> {
        if !self.underscores {
            return header.check_names();
        }
        // Extensions of a header that was received in another dialect may be aliases in this one.
        match header.extensions().find_map(|(name, _)| self.member(name.as_bytes())) {
            None => Ok(()),
            Some(member) => Err(EncodeError::ReservedName { member }),
        }
    }

    pub(crate) const fn byte_order(&self) -> Option<ByteOrder> {
        self.byte_order
    }

    pub(crate) const fn content_type(&self) -> Option<&'static str> {
        self.content_type
    }

    pub(crate) const fn content_encoding(&self) -> Option<&'static str> {
        self.content_encoding
    }

    /// The required member's name in this dialect.
    pub(crate) const fn name(&self, member: Member) -> &'static str {
        match member {
            Member::ContentType if self.underscores => "content_type",
            Member::ContentEncoding if self.underscores => "content_encoding",
            Member::ContentLength if self.underscores => "content_length",
            _ => member.as_str(),
        }
    }

    /// The required member that bears this name in this dialect.
    fn member(&self, name: &[u8]) -> Option<Member> {
        let alias = || Member::ALL.into_iter().find(|member| self.name(*member).as_bytes() == name);
        Member::from_name(name).or_else(alias)
    }

    /// The required member whose alias this name of a header is. From there on it bears its own name.
    #[inline(never)]
    pub(crate) fn alias(&self, header: &mut [u8], name: RawString) -> Option<Member> {
        let name = header.get_mut(name.start..name.end)?;
        let member = self.member(name)?;
        // They are equally long: only the hyphen differs.
        for (place, byte) in name.iter_mut().zip(member.as_str().bytes()) {
            *place = byte;
        }
        Some(member)
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Self::STANDARD
    }
}
