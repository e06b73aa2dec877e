//! What was seen of the program under test over one connection.

use std::fmt::{self, Display, Formatter};

use jsonframe::{DecodeErrorKind, Decoder, Event, Header, Value};
use serde_json::Value as Json;

use crate::text::{ByteString, Printable, count_of_bytes};

/// How much of a message's content is kept, in bytes.
const KEPT: usize = 1 << 20;

/// How many messages are kept: more are never asked for.
const MOST: usize = 16;

/// What came, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) answers: Vec<Answer>,
    /// Why what came is no message.
    pub(super) fault: Option<String>,
    pub(super) end: End,
    /// Whether something could not be sent.
    pub(super) is_cut_off: bool,
    /// What others saw who asked meanwhile.
    pub(super) others: Option<Box<Seen>>,
    /// How many bytes were taken from a peer that read nothing, if not all were.
    pub(super) flooded: Option<Flood>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flood {
    /// No more was taken after this many bytes.
    Blocked(u64),
    /// As many were taken as were sent.
    TookAll(u64),
    /// The connection ended.
    Ended,
}

/// How a connection ended, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// It has not, and nothing came any more.
    #[default]
    Silence,
    /// In an orderly way.
    Closed,
    /// By a reset.
    Reset,
    /// Without TLS's `close_notify`.
    WithoutNotice,
    /// So much came that no more was read.
    TooMuch,
    /// No connection was made.
    NotConnected,
}

impl End {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::WithoutNotice => "closed without TLS's close_notify",
            Self::TooMuch => "more than is read",
            Self::NotConnected => "no connection",
        }
    }
}

/// A message that came.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    content_type: String,
    content_encoding: String,
    content: Vec<u8>,
    length: u64,
    /// Whether its header is in the form of a sender.
    pub(super) is_emitted_form: bool,
    /// Its member `reply-to`, if there is one that counts.
    pub(super) reply_to: Option<u64>,
}

impl Answer {
    /// A message with this header, which came as `head` with its proto-header. Its content is still to come.
    fn new(header: &Header<'_>, head: &[u8]) -> Self {
        let mut buffer = vec![0; header.encoded_len()];
        Self {
            content_type: header.content_type().to_owned(),
            content_encoding: header.content_encoding().to_owned(),
            content: Vec::new(),
            length: header.content_length(),
            is_emitted_form: header.encode(&mut buffer).is_ok_and(|emitted| emitted == head),
            reply_to: header.extension("reply-to").as_ref().and_then(Value::as_u64),
        }
    }

    /// Whether this answer has the same content, of the same type.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        self.has_type_of(other) && self.length == other.length && self.content == other.content
    }

    /// Whether this answer says the same kind of thing: of the same type and, if it is a JSON object, with members of the
    /// same names.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.has_type_of(other) && self.names() == other.names()
    }

    fn has_type_of(&self, other: &Self) -> bool {
        self.content_type == other.content_type && self.content_encoding == other.content_encoding
    }

    fn names(&self) -> Option<Vec<String>> {
        let Ok(Json::Object(object)) = serde_json::from_slice(&self.content) else {
            return None;
        };
        let mut names: Vec<_> = object.into_iter().map(|(name, _)| name).collect();
        names.sort();
        Some(names)
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 120;
        let shown = &self.content[..self.content.len().min(SHOWN)];
        match str::from_utf8(shown) {
            Ok(text) => Printable(text).fmt(f)?,
            Err(_) => ByteString(shown).fmt(f)?,
        }
        if self.length > SHOWN as u64 { write!(f, " … ({} bytes)", self.length) } else { Ok(()) }
    }
}

impl Display for Seen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.answers.iter().take(3).map(ToString::to_string).collect();
        if self.answers.len() > 3 {
            parts.push(format!("{} more messages", self.answers.len() - 3));
        }
        parts.extend(self.fault.as_ref().map(|fault| format!("bytes that are no message: {fault}")));
        if let Some(Flood::Blocked(bytes) | Flood::TookAll(bytes)) = self.flooded {
            parts.push(format!("{bytes} bytes were taken"));
        }
        if let Some(others) = &self.others {
            parts.push(format!("on another connection: {others}"));
        }
        parts.push(self.end.words().into());
        f.write_str(&parts.join("; "))
    }
}

/// Makes messages of the bytes that come.
#[derive(Debug)]
pub(super) struct Reader {
    decoder: Decoder<Box<[u8]>>,
    /// The bytes of the header that is under way, and then nothing.
    head: Vec<u8>,
    current: Option<Answer>,
}

impl Default for Reader {
    fn default() -> Self {
        let decoder = Decoder::new(vec![0; Header::MAX_LEN].into_boxed_slice());
        Self { decoder, head: Vec::new(), current: None }
    }
}

impl Reader {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8], seen: &mut Seen) {
        while seen.fault.is_none() && seen.answers.len() < MOST {
            let before = bytes;
            let is_in_header = self.current.is_none();
            match self.decoder.decode(&mut bytes) {
                Ok(event) => {
                    if is_in_header {
                        self.head.extend(&before[..before.len() - bytes.len()]);
                    }
                    match event {
                        None => return,
                        Some(Event::Header(header)) => {
                            self.current = Some(Answer::new(&header, &self.head));
                            self.head.clear();
                        }
                        Some(Event::Content(piece)) => {
                            if let Some(answer) = &mut self.current {
                                let space = KEPT - answer.content.len();
                                answer.content.extend(piece.iter().take(space));
                            }
                        }
                        Some(Event::End) => seen.answers.extend(self.current.take()),
                    }
                }
                Err(error) => seen.fault = Some(error.to_string()),
            }
        }
    }

    /// Counts what is not whole as a fault, for nothing more comes.
    pub(super) fn give_up(&self, seen: &mut Seen) {
        if let Err(DecodeErrorKind::Truncated { missing }) = self.decoder.finish().map_err(|error| error.kind()) {
            let missing = count_of_bytes(missing);
            let words = || format!("it is not whole, and nothing more of it comes: at least {missing} missing");
            seen.fault.get_or_insert_with(words);
        }
    }

    /// Takes the end.
    pub(super) fn finish(&self, seen: &mut Seen) {
        if let Err(error) = self.decoder.finish() {
            seen.fault.get_or_insert_with(|| error.to_string());
        }
    }
}
