//! The header of JSON content in a dialect.

use crate::member::{CONTENT_ENCODING, CONTENT_TYPE};
use crate::{ByteOrder, Dialect, Encoding, Header};

impl Dialect {
    /// Creates a header for `content_length` bytes of JSON in UTF-8.
    ///
    /// It is that of [`Header::for_json`], but for the values that this dialect gives to absent members, as far as they also
    /// mean JSON in UTF-8.
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Dialect, Header};
    ///
    /// const PEER: Dialect = Dialect::STANDARD.byte_order_or(ByteOrder::Big).content_type_or("application/json");
    ///
    /// assert_eq!(PEER.json_header(2), Header::new("application/json", "utf-8", 2).with_byte_order(ByteOrder::Big));
    /// assert_eq!(Dialect::STANDARD.json_header(2), Header::for_json(2));
    /// assert_eq!(Dialect::STANDARD.content_type_or("image/png").json_header(2), Header::for_json(2));
    /// ```
    pub fn json_header(&self, content_length: u64) -> Header<'static> {
        let standard = Header::for_json(content_length);
        let is_json = |kind: &&str| Header::new(kind, "", 0).is_json();
        let content_type = self.stand_in(CONTENT_TYPE).filter(is_json).unwrap_or(standard.content_type());
        let is_utf8 = |label: &&str| label.parse() == Ok(Encoding::UTF_8);
        let content_encoding = self.stand_in(CONTENT_ENCODING).filter(is_utf8).unwrap_or(standard.content_encoding());
        Header::new(content_type, content_encoding, content_length)
            .with_byte_order(self.byte_order().unwrap_or(ByteOrder::NATIVE))
    }
}
