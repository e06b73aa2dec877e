//! Recognises other protocols by the first bytes of a stream.

use core::fmt;

/// The first bytes of a refused stream, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    bytes: [u8; 3],
    known: u8,
}

/// Other protocols and the bytes they begin with. Where the known bytes match two, the likelier one is first.
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

    /// Creates the start of a stream of which only the two bytes of the header length are known.
    pub(crate) const fn of_length(length: u32) -> Self {
        let [_, _, first, second] = length.to_be_bytes();
        Self { bytes: [first, second, 0], known: 2 }
    }

    /// Creates the start of a stream of which the header length and the byte after it are known.
    pub(crate) const fn of_header(length: u16, third: u8) -> Self {
        let [first, second] = length.to_be_bytes();
        Self { bytes: [first, second, third], known: 3 }
    }

    /// Returns the bytes worth showing, and the protocol that they look like.
    pub(crate) fn parts(&self) -> (&[u8], Option<&'static str>) {
        match (self.bytes(), self.protocol()) {
            // Two bytes that no protocol begins with are probably a length, and showing them would not help.
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
