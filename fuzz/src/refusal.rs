//! Whether a header was refused for the right reason, at the right place: nothing is wrong to the left of the fault, and
//! what stands there is wrong in the way that the error says (SPEC 5.3 and 5.4).

use jsonframe::{DecodeErrorKind as Kind, Member};

use crate::rules::{self, DEEPEST, Outcome, REQUIRED};

/// Panics unless this is the first fault of the header, `at` bytes from its beginning.
pub fn check(header: &[u8], kind: Kind, at: usize) {
    let refusal = Refusal::new(header, at);
    refusal.nothing_is_wrong_before();
    assert!(refusal.is_of(kind), "{kind:?} at {at}: {}", header.escape_ascii());
}

/// The first fault of a header, by the decoder's word.
struct Refusal<'t> {
    header: &'t [u8],
    /// What is before the fault.
    before: &'t str,
    /// The fault, and what follows it.
    rest: &'t [u8],
}

impl<'t> Refusal<'t> {
    fn new(header: &'t [u8], at: usize) -> Self {
        let (before, rest) = header.split_at_checked(at).expect("a fault lies in the header, or at its end");
        let before = std::str::from_utf8(before).expect("UTF-8 before the fault");
        Self { header, before, rest }
    }

    /// The byte at fault.
    fn found(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn nothing_is_wrong_before(&self) {
        let before = self.before;
        let shown = self.header.escape_ascii();
        assert_ne!(rules::outcome(before.as_bytes()), Outcome::Wrong, "{before:?} of {shown}");
        let first = before.trim_start_matches([' ', '\t', '\n', '\r']).chars().next();
        assert!(matches!(first, None | Some('{')), "{shown}");
        assert!(rules::deepest(before) <= DEEPEST, "{shown}");
        assert!(rules::surrogates_are_paired(before), "{shown}");
        let (members, _) = rules::members(before);
        for (name, value) in &members {
            let Some(index) = REQUIRED.iter().position(|required| required == name) else { continue };
            assert!(rules::only(&members, name).is_some(), "{name} twice in {before:?} of {shown}");
            assert!(is_value_of(index, value), "{name} in {before:?} of {shown}");
        }
    }

    /// Whether what stands at the fault is wrong in this way.
    fn is_of(&self, kind: Kind) -> bool {
        match kind {
            Kind::ByteOrderMark => self.before.is_empty() && self.rest.starts_with("\u{FEFF}".as_bytes()),
            Kind::NotUtf8 => first_invalid(self.header) == Some(self.before.len()),
            Kind::NotAnObject { found } => {
                self.found() == Some(found) && found != b'{' && self.before.trim_ascii().is_empty()
            }
            Kind::UnexpectedByte { found, expected } => {
                self.found() == Some(found)
                    && !expected.is_empty()
                    && self.is_ungrammatical()
                    && !self.is_whole_before()
            }
            Kind::UnexpectedEnd { expected } => {
                self.rest.is_empty() && !expected.is_empty() && rules::outcome(self.header) == Outcome::Unfinished
            }
            Kind::TrailingData { found } => {
                self.found() == Some(found) && self.is_ungrammatical() && rules::read(self.before.as_bytes()).is_some()
            }
            Kind::ControlCharacter { found } => {
                self.found() == Some(found) && found < 0x20 && self.is_in_string() && self.is_ungrammatical()
            }
            Kind::InvalidEscape => self.is_in_string() && is_invalid_escape(self.rest),
            Kind::LoneSurrogate => self.is_in_string() && is_lone_surrogate(self.rest),
            Kind::TooDeep { limit } => {
                usize::from(limit) == DEEPEST
                    && matches!(self.found(), Some(b'[' | b'{'))
                    && !self.is_ungrammatical()
                    && rules::deepest(&[self.before, "["].concat()) == DEEPEST + 1
            }
            Kind::MissingMember { member } => self.lacks(member),
            Kind::DuplicateMember { member } => {
                self.before_and("\"\":0}").is_some_and(|members| has(&members, member))
                    && self.string_here().is_some_and(|name| name == member.as_str())
            }
            Kind::WrongType { member } => {
                member != Member::ContentLength
                    && matches!(self.found(), Some(b'{' | b'[' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9'))
                    && self.is_value_of(member)
            }
            Kind::InvalidByteOrder => {
                self.is_value_of(Member::ByteOrder)
                    && self.string_here().is_some_and(|order| order != "little" && order != "big")
            }
            Kind::InvalidContentLength => self.is_value_of(Member::ContentLength) && is_wrong_length(self.rest),
            _ => false,
        }
    }

    /// Whether no text that goes on with the byte at fault is JSON.
    fn is_ungrammatical(&self) -> bool {
        let end = (self.before.len() + 1).min(self.header.len());
        rules::outcome(&self.header[..end]) == Outcome::Wrong
    }

    /// Whether the object is closed before the fault.
    fn is_whole_before(&self) -> bool {
        rules::outcome(self.before.as_bytes()) == Outcome::Whole
    }

    /// Whether the fault stands in a string, and not behind a backslash: then a quote, and only a quote, ends it.
    fn is_in_string(&self) -> bool {
        let goes_on = |text: &str| rules::outcome([self.before, text].concat().as_bytes()) != Outcome::Wrong;
        goes_on("]]\\n") && goes_on("\\u0041") && !goes_on("\"\"")
    }

    /// The string that stands at the fault.
    fn string_here(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.rest[..first_invalid(self.rest).unwrap_or(self.rest.len())]).ok()?;
        serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
    }

    /// The members of the object that would be if it ended like this.
    fn before_and(&self, end: &str) -> Option<Vec<(String, String)>> {
        let text = [self.before, end].concat();
        let (members, complete) = rules::members(&text);
        complete.then(|| members.into_iter().map(|(name, value)| (name, value.to_owned())).collect())
    }

    /// Whether the fault stands where the value of this member should.
    fn is_value_of(&self, member: Member) -> bool {
        self.before_and("0}")
            .is_some_and(|members| members.last().is_some_and(|(name, value)| name == member.as_str() && value == "0"))
    }

    /// Whether the object that is closed at the fault lacks this member, and none of those to be named before it.
    fn lacks(&self, lacking: Member) -> bool {
        let Some(members) = self.before_and("}") else { return false };
        let first = Member::ALL.iter().copied().find(|member| !has(&members, *member));
        self.found() == Some(b'}') && first == Some(lacking)
    }
}

fn has(members: &[(String, String)], member: Member) -> bool {
    members.iter().any(|(name, _)| name == member.as_str())
}

/// Whether this may be the value of the required member of this index.
fn is_value_of(index: usize, json: &str) -> bool {
    match index {
        0 => matches!(rules::string(json).as_deref(), Some("little" | "big")),
        3 => rules::plain_integer(json).is_some(),
        _ => rules::string(json).is_some(),
    }
}

fn first_invalid(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes).err().map(|error| error.valid_up_to())
}

/// Whether a byte of the escape deviates before the text ends.
fn is_invalid_escape(text: &[u8]) -> bool {
    match text {
        [b'\\', b'u', rest @ ..] => rest.iter().take(4).any(|byte| !byte.is_ascii_hexdigit()),
        [b'\\', byte, ..] => !b"\"\\/bfnrt".contains(byte),
        _ => false,
    }
}

/// Whether the text begins with an escape for half of a pair, which lacks the other half for sure.
fn is_lone_surrogate(text: &[u8]) -> bool {
    let Some(unit) = code_unit(text) else { return false };
    let low = text.get(6..text.len().min(12)).unwrap_or_default();
    match unit {
        0xDC00..=0xDFFF => true,
        // Cut off at any place, the escape of a low surrogate could become whole with the bytes of one.
        0xD800..=0xDBFF => !["\\udc00", "\\uDC00"].iter().any(|pattern| {
            let whole = [low, pattern.as_bytes().get(low.len()..).unwrap_or_default()].concat();
            matches!(code_unit(&whole), Some(0xDC00..=0xDFFF))
        }),
        _ => false,
    }
}

/// The code unit of the escape that the text begins with.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

/// Whether the token that the text begins with is not a content length: SPEC 5.4.6.
fn is_wrong_length(text: &[u8]) -> bool {
    let token: String = text
        .iter()
        .copied()
        .map(char::from)
        .take_while(|character| character.is_ascii_alphanumeric() || "+-.".contains(*character))
        .collect();
    !text.is_empty() && first_invalid(text) != Some(0) && rules::plain_integer(&token).is_none()
}
