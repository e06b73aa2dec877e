//! What a stream looks like that does not begin with a message.

use core::fmt;

/// The first bytes of a stream, as far as they are known when it is refused for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    bytes: [u8; 3],
    known: u8,
}

/// What other protocols begin with, the likelier one first where the bytes known do not tell two apart.
const PROTOCOLS: [(&str, &[&[u8]]); 9] = [
    ("TLS", &[b"\x16\x03", b"\x15\x03"]),
    ("SSH", &[b"SSH"]),
    ("a PROXY header", &[b"PRO", b"\r\n\r"]),
    ("HTTP", &[b"GET", b"HEA", b"POS", b"PUT", b"DEL", b"CON", b"OPT", b"TRA", b"PAT", b"PRI", b"HTT"]),
    ("SMTP or FTP", &[b"220"]),
    ("Redis", &[b"-ER", b"-DE", b"-NO", b"+PO", b"*1\r", b"*2\r", b"*3\r"]),
    ("Redis or POP3", &[b"+OK"]),
    ("pickle", &[b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"]),
    ("JSON without a header length", &[b"{\"", b"{ ", b"{\r", b"{\n"]),
];

impl Start {
    pub(crate) const UNKNOWN: Self = Self { bytes: [0; 3], known: 0 };

    /// That of a stream whose first two bytes are a header length, of which no more is known.
    pub(crate) const fn of_length(length: u32) -> Self {
        let [_, _, first, second] = length.to_be_bytes();
        Self { bytes: [first, second, 0], known: 2 }
    }

    /// That of a stream whose first two bytes are a header length, and whose third is this.
    pub(crate) const fn of_header(length: u16, third: u8) -> Self {
        let [first, second] = length.to_be_bytes();
        Self { bytes: [first, second, third], known: 3 }
    }

    /// The bytes, if they tell something, and the protocol that they look like.
    pub(crate) fn parts(&self) -> (&[u8], Option<&'static str>) {
        match (self.bytes(), self.protocol()) {
            // A length may also be just that.
            ([_, _], None) => (&[], None),
            parts => parts,
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.known.into()).unwrap_or_default()
    }

    fn protocol(self) -> Option<&'static str> {
        match self.bytes() {
            [] => None,
            [_, 0, 0] => Some("MySQL or a little-endian length"),
            [_, b'{', b'"'] => Some("a header length of one byte"),
            known => {
                let begins = |start: &&[u8]| start.iter().zip(known).all(|(one, other)| one == other);
                PROTOCOLS.iter().find_map(|(name, starts)| starts.iter().any(begins).then_some(*name))
            }
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, protocol) = self.parts();
        if bytes.is_empty() {
            return Ok(());
        }
        write!(f, "; the stream begins with \"{}\"", bytes.escape_ascii())?;
        match protocol {
            Some(protocol) => write!(f, ", which looks like {protocol}"),
            None => Ok(()),
        }
    }
}
