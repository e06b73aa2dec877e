//! A stream that is followed while it is used: what is known of it when it is at fault, or when nothing more comes.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonframe::Header;

use super::Options;
use super::drive::Stream;
use super::message::Message;
use super::report::{Fault, Report};
use crate::dialect::DialectName;
use crate::hint::{Cause, SENDS_ALL};
use crate::text::count_of_bytes;

/// For how many streams a dialect was looked for, and for how many it is at most: the name of one that is found out is never
/// freed.
static LOOKED_FOR: AtomicUsize = AtomicUsize::new(0);
const MOST: usize = 256;

/// From how many bytes on a message may be cut because one call of `send` did not take all of it.
const LARGE: u64 = 64 * 1024;

/// A stream that is followed, in constant memory.
pub(crate) struct Followed<'r>(pub(super) Stream<'r>);

impl Followed<'_> {
    /// A stream of which nothing is reported.
    pub(crate) fn new(dialect: DialectName) -> Self {
        Self::of(&Options { dialect, ..Options::default() })
    }

    pub(super) fn of(options: &Options) -> Self {
        Self(Stream::new(Box::new(Unreported), options, false))
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        // Nothing is written, and so nothing fails.
        let _ = self.0.feed(bytes);
    }

    /// Whether nothing has come.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.received == 0
    }

    /// Whether something has come after the last whole message.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.is_faulty() || self.under_way().is_some()
    }

    /// What has come after the last whole message, or the beginning of that.
    pub(crate) fn rest(&self) -> Vec<u8> {
        self.0.rest()
    }

    /// The offset after the last whole message.
    pub(crate) const fn whole(&self) -> u64 {
        self.0.whole()
    }

    /// The likely cause of its fault, or of nothing more coming.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let may_guess = self.0.may_guess && LOOKED_FOR.fetch_add(1, Ordering::Relaxed) < MOST;
        if self.has_begun() { self.0.cause(may_guess) } else { None }
    }

    /// How far the message under way is, if there is one.
    pub(crate) fn under_way(&self) -> Option<UnderWay> {
        self.0.under_way()
    }
}

/// A message that is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnderWay {
    /// Its number, counted from 1.
    pub(crate) number: u64,
    /// The offset of its first byte.
    pub(crate) start: u64,
    /// How many of its bytes have come.
    pub(crate) received: u64,
    /// How many bytes of its header have come, and how many that has, if its length is known and it is not whole.
    pub(crate) header: Option<(u64, u64)>,
    /// How many bytes of its content are missing, if its header is whole.
    pub(crate) missing: Option<u64>,
}

/// What is awaited.
impl Display for UnderWay {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { number, received, missing, .. } = self;
        let come = if *received == 1 { "has come" } else { "have come" };
        write!(f, "waiting: of message {number} {} {come}, ", count_of_bytes(*received))?;
        let are_missing = |count, part| {
            let are = if count == 1 { "is" } else { "are" };
            format!("{} of its {part} {are} missing", count_of_bytes(count))
        };
        match (missing, self.header) {
            (Some(missing), _) => {
                f.write_str(&are_missing(*missing, "content"))?;
                if *received >= LARGE { write!(f, "; {SENDS_ALL}") } else { Ok(()) }
            }
            (None, Some((come, length))) => f.write_str(&are_missing(length - come, "header")),
            (None, None) => f.write_str("and its header is not whole"),
        }
    }
}

/// Reports nothing.
struct Unreported;

impl Report for Unreported {
    fn header(&mut self, _: &Message, _: &Header<'_>) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &Message, _: &Header<'_>) -> io::Result<()> {
        Ok(())
    }

    fn fault(&mut self, _: &Fault<'_>) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Message) -> io::Result<()> {
        Ok(())
    }

    fn skipped(&mut self, _: u64, _: u64, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn gap(&mut self, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(bytes: &[u8], dialect: &str) -> Option<String> {
        let mut stream = Followed::new(dialect.parse().unwrap());
        bytes.chunks(7).for_each(|piece| stream.push(piece));
        stream.cause().map(|cause| cause.words)
    }

    const HEADER: &str =
        r#"{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 9}"#;

    #[test]
    fn another_dialect_is_named() {
        let u32_form =
            [&u32::try_from(HEADER.len()).unwrap().to_be_bytes()[..], HEADER.as_bytes(), b"[1, 2, 3]"].concat();
        let named = "the header length has four bytes, and the protocol's has two: struct.pack(\">H\", n) in Python; to accept \
                     it as it is: --dialect u32";
        assert_eq!(hint(&u32_form, "standard").as_deref(), Some(named));
        // The content may not have come yet.
        assert_eq!(hint(&u32_form[..4 + HEADER.len()], "standard").as_deref(), Some(named));
        assert_eq!(hint(&u32_form, "u32"), None);
    }

    #[test]
    fn how_far_a_message_is_is_known() {
        let message = [&[0, 102][..], HEADER.as_bytes(), b"[1, 2, 3]"].concat();
        let mut stream = Followed::new(DialectName::STANDARD);
        for (index, byte) in message.repeat(2).into_iter().enumerate() {
            let come = index % message.len();
            let under_way = (come > 0).then(|| UnderWay {
                number: (index / message.len() + 1) as u64,
                start: (index - come) as u64,
                received: come as u64,
                header: (2..104).contains(&come).then(|| (come as u64 - 2, 102)),
                missing: come.checked_sub(104).map(|come| 9 - come as u64),
            });
            assert_eq!(stream.under_way(), under_way, "{index}");
            stream.push(&[byte]);
        }
    }

    #[test]
    fn text_is_shown() {
        let mend = "; a message begins with the length of its header in two bytes, and no greeting comes before it";
        let expected = format!(r#"this is text, not messages: "ERROR unknown command\r\n"{mend}"#);
        assert_eq!(hint(b"ERROR unknown command\r\nbye\r\n", "standard"), Some(expected));
        let long = hint(&b"no, ".repeat(25), "standard").unwrap();
        assert!(long.ends_with(&format!(": \"{}\"{mend}", "no, ".repeat(15))), "{long}");
        let tls = r#"these are not messages: the stream begins with "\x15\x03\x01\x00\x02\x02F", which looks like TLS"#;
        assert_eq!(hint(b"\x15\x03\x01\0\x02\x02\x46", "standard").as_deref(), Some(tls));
    }

    #[test]
    fn a_length_of_characters_is_recognised() {
        let content = "{\"é\": 11}";
        let short = [&[0, 102][..], HEADER.as_bytes(), content.as_bytes()].concat();
        assert_eq!(content.chars().count(), 9);
        assert!(hint(&short, "standard").unwrap().contains("content-length counts bytes, not characters"));
        assert_eq!(hint(b"", "standard"), None);
    }
}
