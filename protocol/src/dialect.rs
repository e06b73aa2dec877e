//! What some programs in the field do otherwise.

use crate::member::{Kind, TEXTS};
use crate::{ByteOrder, Member, ProtoHeader};

/// How the messages of some programs depart from the protocol ([SPEC C](crate::spec#appendix-c-dialects)): in what comes
/// before their headers, in the names of their headers' members, and in which of these they leave out.
///
/// A value that a program chooses when it starts, and most often a constant. A decoder of the standard dialect takes no
/// longer than one that knows no dialects. In every dialect a header is JSON, of at most 65,535 bytes, and lengths count
/// bytes. A member that may be absent is sent all the same, unless [`omit`](Self::omit) says otherwise.
///
/// ```
/// use jsonframe::{ByteOrder, Decoder, Dialect, Event, Header, Member, ProtoHeader};
///
/// /// Four bytes of length, `content_length` and the like, and no `byteorder`.
/// const GATEWAY: Dialect = Dialect::STANDARD
///     .with_proto_header(ProtoHeader::U32(ByteOrder::Big))
///     .with_underscores()
///     .byte_order_or(ByteOrder::Little)
///     .omit(Member::ByteOrder);
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
    prefix: &'static [u8],
    proto_header: ProtoHeader,
    /// What each member is called.
    names: [&'static str; Member::ALL.len()],
    /// What stands in for an absent member.
    byte_order: Option<ByteOrder>,
    texts: [Option<&'static str>; TEXTS],
    without_length: bool,
    /// Which members are left out when they say what stands in for them, as bits of their indices.
    omitted: u8,
    raw_json: bool,
    /// Known beforehand, because everything that encodes asks for it.
    is_standard: bool,
}

impl Dialect {
    /// The protocol as it is specified.
    pub const STANDARD: Self = Self {
        prefix: &[],
        proto_header: ProtoHeader::STANDARD,
        names: [
            Member::ByteOrder.as_str(),
            Member::ContentType.as_str(),
            Member::ContentEncoding.as_str(),
            Member::ContentLength.as_str(),
        ],
        byte_order: None,
        texts: [None; TEXTS],
        without_length: false,
        omitted: 0,
        raw_json: false,
        is_standard: true,
    };

    /// The same dialect with another proto-header.
    #[must_use]
    pub const fn with_proto_header(self, proto_header: ProtoHeader) -> Self {
        let is_standard = self.is_standard && matches!(proto_header, ProtoHeader::STANDARD);
        Self { proto_header, is_standard, ..self }
    }

    /// The same dialect with a prefix of this length, at most 65,535 bytes, before each proto-header: a version, a request's
    /// id, or the length of the whole message.
    ///
    /// A received prefix is not looked at; [`Header::prefix`](crate::Header::prefix) returns it. The prefix of a header is
    /// sent, or this one if it has none. A decoder's buffer holds the prefix as well as the header.
    ///
    /// ```
    /// use jsonframe::{Decoder, Dialect, Event, Header};
    ///
    /// /// A version before the length of the header.
    /// const VERSIONED: Dialect = Dialect::STANDARD.with_prefix(b"\x00\x01");
    ///
    /// let mut buffer = [0; 128];
    /// let head = VERSIONED.encode(&Header::for_json(2), &mut buffer)?;
    /// assert!(head.starts_with(b"\x00\x01\x00f{"));
    ///
    /// let mut decoder = Decoder::new([0; 256]).with_dialect(&VERSIONED);
    /// let Some(Event::Header(header)) = decoder.decode(&mut &*head)? else { panic!("the header is whole") };
    /// assert_eq!(header.prefix(), b"\x00\x01");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_prefix(self, prefix: &'static [u8]) -> Self {
        Self { prefix, is_standard: self.is_standard && prefix.is_empty(), ..self }
    }

    /// The same dialect with another name for a member. Its own name is still understood.
    ///
    /// No name may be that of two members: which of them is meant then is not specified.
    ///
    /// ```
    /// use jsonframe::{Dialect, Header, Member};
    ///
    /// const SHORT: Dialect = Dialect::STANDARD.with_name(Member::ContentLength, "content-len");
    /// assert!(SHORT.encode(&Header::for_json(2), &mut [0; 128])?.ends_with(b", \"content-len\": 2}"));
    /// # Ok::<(), jsonframe::EncodeError>(())
    /// ```
    #[must_use]
    pub const fn with_name(self, member: Member, name: &'static str) -> Self {
        let [byte_order, content_type, content_encoding, content_length] = self.names;
        let names = match member {
            Member::ByteOrder => [name, content_type, content_encoding, content_length],
            Member::ContentType => [byte_order, name, content_encoding, content_length],
            Member::ContentEncoding => [byte_order, content_type, name, content_length],
            Member::ContentLength => [byte_order, content_type, content_encoding, name],
        };
        Self { names, is_standard: false, ..self }
    }

    /// The same dialect with `content_length`, `content_type` and `content_encoding` for the names with hyphens, which are
    /// still understood.
    #[must_use]
    pub const fn with_underscores(self) -> Self {
        self.with_name(Member::ContentType, "content_type")
            .with_name(Member::ContentEncoding, "content_encoding")
            .with_name(Member::ContentLength, "content_length")
    }

    /// The same dialect with headers that may lack `byteorder`, which is this one then.
    #[must_use]
    pub const fn byte_order_or(self, byte_order: ByteOrder) -> Self {
        Self { byte_order: Some(byte_order), is_standard: false, ..self }
    }

    /// The same dialect with headers that may lack `content-type`, which is this one then.
    #[must_use]
    pub const fn content_type_or(self, content_type: &'static str) -> Self {
        let [_, content_encoding] = self.texts;
        Self { texts: [Some(content_type), content_encoding], is_standard: false, ..self }
    }

    /// The same dialect with headers that may lack `content-encoding`, which is this one then.
    #[must_use]
    pub const fn content_encoding_or(self, content_encoding: &'static str) -> Self {
        let [content_type, _] = self.texts;
        Self { texts: [content_type, Some(content_encoding)], is_standard: false, ..self }
    }

    /// The same dialect with headers that may lack `content-length`, which is 0 then: the message has no content.
    #[must_use]
    pub const fn content_length_or_zero(self) -> Self {
        Self { without_length: true, is_standard: false, ..self }
    }

    /// The same dialect with headers that are sent without this member when it says what stands in for it.
    ///
    /// Nothing changes for a member that headers may not lack.
    #[must_use]
    pub const fn omit(self, member: Member) -> Self {
        Self { omitted: self.omitted | 1 << member.index(), is_standard: false, ..self }
    }

    /// The same dialect with a `content-type` and a `content-encoding` of any JSON type. One that is no string is kept as
    /// its JSON text.
    ///
    /// A text that begins with `[` or `{` and is JSON is sent as it is, and not as a string.
    ///
    /// ```
    /// use jsonframe::{Dialect, Header};
    ///
    /// const LISTS: Dialect = Dialect::STANDARD.with_raw_json();
    ///
    /// let header = Header::new("binary/array", "[\"float32\"]", 48);
    /// let mut buffer = [0; 128];
    /// let head = LISTS.encode(&header, &mut buffer)?;
    /// assert!(head.ends_with(b"\"content-encoding\": [\"float32\"], \"content-length\": 48}"));
    /// # Ok::<(), jsonframe::EncodeError>(())
    /// ```
    #[must_use]
    pub const fn with_raw_json(self) -> Self {
        Self { raw_json: true, is_standard: false, ..self }
    }

    /// How the length of a header is announced.
    pub const fn proto_header(&self) -> ProtoHeader {
        self.proto_header
    }

    /// What comes before each proto-header, unless a header says otherwise: as many bytes, and empty most often.
    pub const fn prefix(&self) -> &'static [u8] {
        self.prefix
    }

    /// Whether it is [`STANDARD`](Self::STANDARD).
    pub const fn is_standard(&self) -> bool {
        self.is_standard
    }

    /// The size of the buffer that takes what precedes the content of a message that begins with these bytes, but for its
    /// proto-header: at most this many bytes, which is known from the proto-header on.
    ///
    /// Lets a server with many decoders give each no larger a buffer than its message needs.
    ///
    /// ```
    /// use jsonframe::Dialect;
    ///
    /// assert_eq!(Dialect::STANDARD.longest_header(b"\x01\x02"), 0x0102);
    /// assert_eq!(Dialect::STANDARD.longest_header(b"\x01"), 0x01FF);
    /// assert_eq!(Dialect::STANDARD.longest_header(b""), 65_535);
    /// ```
    pub fn longest_header(&self, first: &[u8]) -> usize {
        let first = first.get(self.prefix.len()..).unwrap_or_default();
        usize::from(self.proto_header.longest(first)).saturating_add(self.prefix.len())
    }

    pub(crate) const fn byte_order(&self) -> Option<ByteOrder> {
        self.byte_order
    }

    /// What stands in for the text at this index of a header's texts.
    pub(crate) fn stand_in(&self, text: usize) -> Option<&'static str> {
        self.texts.get(text).copied().flatten()
    }

    pub(crate) const fn keeps_raw_json(&self) -> bool {
        self.raw_json
    }

    /// Whether headers may lack this member.
    pub(crate) fn may_lack(&self, member: Member) -> bool {
        match member.kind() {
            Kind::ByteOrder => self.byte_order.is_some(),
            Kind::Text(index) => self.stand_in(index).is_some(),
            Kind::Length => self.without_length,
        }
    }

    /// Whether this member is left out when it says what stands in for it.
    pub(crate) const fn omits(&self, member: Member) -> bool {
        self.omitted & 1 << member.index() != 0
    }

    /// The member's name in this dialect.
    pub(crate) fn name(&self, member: Member) -> &'static str {
        self.names.get(member.index()).copied().unwrap_or_default()
    }

    /// The required member one of whose names this is.
    pub(crate) fn member(&self, is: impl Fn(&str) -> bool) -> Option<Member> {
        Member::ALL.iter().copied().find(|member| is(member.as_str()) || is(self.name(*member)))
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Self::STANDARD
    }
}
