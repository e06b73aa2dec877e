//! Everything that a decoder reports of a stream, and what can be said of it by looking at the stream alone.

use jsonframe::{DecodeError, DecodeErrorKind, Decoder, Event};

/// The shortest message there is: a proto-header, and a header with nothing in it but the four members.
const SHORTEST_MESSAGE: usize = 2 + 78;

/// How a stream is to be decoded.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub header_capacity: usize,
    pub content: u64,
}

/// Everything that a decoder reports of one stream.
#[derive(Debug, Default, PartialEq)]
pub struct Log {
    pub messages: Vec<Received>,
    pub fault: Option<DecodeError>,
}

/// A message as far as it was received.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Where the message begins.
    pub start: u64,
    pub header_length: u64,
    /// The header as it would be sent again, with its extensions.
    pub header: String,
    pub content_length: u64,
    pub content: Vec<u8>,
    /// Where the end was reported.
    pub end: Option<u64>,
}

impl Log {
    /// Decodes a stream that comes in these pieces, and checks on the way what holds for every stream.
    pub fn of<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        // A room that holds anything but zeros.
        let mut decoder = Decoder::new(vec![0xA5; limits.header_capacity]);
        let mut log = Self::default();
        let (mut given, mut calls, mut allowed) = (0, 0, 1);
        for piece in pieces {
            given += piece.len();
            // A piece ends with one call that has nothing to report, and may have one content more than its messages.
            allowed += 2;
            let mut input = piece;
            let outcome = log.decode(&mut decoder, limits, &mut input, &mut calls);
            assert!(calls <= allowed + 3 * (given / SHORTEST_MESSAGE), "{calls} calls for {given} bytes");
            if let Err(error) = outcome {
                assert_final(&mut decoder, error);
                log.fault = Some(error);
                return log;
            }
            assert!(input.is_empty(), "`None` means that the input is used up");
            assert_eq!(decoder.position(), given as u64);
            assert_eq!(decoder.decode(&mut input), Ok(None), "nothing comes of nothing");
        }
        log.fault = decoder.finish().err();
        log
    }

    fn decode(
        &mut self,
        decoder: &mut Decoder<Vec<u8>>,
        limits: Limits,
        input: &mut &[u8],
        calls: &mut usize,
    ) -> Result<(), DecodeError> {
        loop {
            *calls += 1;
            let (needs, before) = (decoder.needs(), input.len());
            let start = self.messages.last().map_or(Some(0), |message| message.end);
            let Some(event) = decoder.decode(input)? else {
                return Ok(());
            };
            let header = match event {
                Event::Header(header) => header.to_string(),
                Event::Content(piece) => {
                    assert!(!piece.is_empty() && piece.len() as u64 <= needs);
                    self.under_way().content.extend_from_slice(piece);
                    continue;
                }
                Event::End => {
                    assert!(needs == 0 && input.len() == before, "an end takes nothing");
                    self.under_way().end = Some(decoder.position());
                    continue;
                }
            };
            let start = start.expect("no header before the end of the message before");
            let content_length = decoder.header().expect("a header that was just reported").content_length();
            assert_eq!(decoder.needs(), content_length);
            self.messages.push(Received {
                start,
                header_length: decoder.position() - start - 2,
                header,
                content_length,
                content: Vec::new(),
                end: None,
            });
            decoder.limit_content(limits.content)?;
        }
    }

    fn under_way(&mut self) -> &mut Received {
        let message = self.messages.last_mut().expect("a header comes first");
        assert_eq!(message.end, None, "a header comes first");
        message
    }

    /// Checks every offset, length and byte of content by the rules of framing: SPEC 2.3, 5.3 and 5.5.
    pub fn assert_framed(&self, limits: Limits, stream: &[u8]) {
        let mut at = 0;
        for (index, message) in self.messages.iter().enumerate() {
            let length = announced(&stream[at..]).expect("a whole header has been reported");
            let content_at = at + 2 + length;
            assert_eq!(message.start, at as u64);
            assert_eq!(message.header_length, length as u64);
            assert!(length <= limits.header_capacity);
            assert!(stream[content_at..].starts_with(&message.content));
            let Some(end) = message.end else {
                assert_eq!(index + 1, self.messages.len());
                return self.assert_ends_in_content(limits, stream, content_at, message);
            };
            assert!(message.content_length <= limits.content);
            assert_eq!(message.content.len() as u64, message.content_length);
            assert_eq!(end, (content_at + message.content.len()) as u64);
            at = content_at + message.content.len();
        }
        self.assert_ends_before_content(limits, stream, at);
    }

    fn assert_ends_in_content(&self, limits: Limits, stream: &[u8], content_at: usize, message: &Received) {
        let announced = message.content_length;
        let missing = announced - message.content.len() as u64;
        let expected = if announced > limits.content {
            assert!(message.content.is_empty());
            (DecodeErrorKind::ContentTooLong { length: announced, limit: limits.content }, content_at)
        } else {
            assert_eq!(content_at + message.content.len(), stream.len());
            assert!(missing > 0);
            (DecodeErrorKind::Truncated { missing }, stream.len())
        };
        let fault = self.fault.expect("a message without an end ends in a fault");
        assert_eq!((fault.kind(), fault.offset()), (expected.0, expected.1 as u64));
    }

    fn assert_ends_before_content(&self, limits: Limits, stream: &[u8], at: usize) {
        let rest = stream.len() - at;
        let found = self.fault.map(|fault| (fault.kind(), fault.offset()));
        let truncated =
            |missing: usize| Some((DecodeErrorKind::Truncated { missing: missing as u64 }, stream.len() as u64));
        let expected = match announced(&stream[at..]) {
            None if rest == 0 => None,
            None => truncated(1),
            Some(0) => Some((DecodeErrorKind::EmptyHeader, at as u64)),
            Some(length) if length > limits.header_capacity => {
                let capacity = u32::try_from(limits.header_capacity).expect("less than an announced length");
                let length = u32::try_from(length).expect("announced by two bytes");
                Some((DecodeErrorKind::HeaderTooLong { length, capacity }, at as u64))
            }
            Some(length) if rest < 2 + length => match first_beyond_space(&stream[at + 2..]) {
                Some((offset, found)) if found.is_ascii() && found != b'{' => {
                    Some((DecodeErrorKind::NotAnObject { found }, (at + 2 + offset) as u64))
                }
                _ => truncated(2 + length - rest),
            },
            Some(length) => {
                // A header was refused, for a reason that the rules of framing do not know.
                let fault = self.fault.expect("a whole header is reported or refused");
                assert!((at + 2..=at + 2 + length).contains(&usize::try_from(fault.offset()).unwrap()));
                assert!(is_of_header(fault.kind()), "{fault}");
                found
            }
        };
        assert_eq!(found, expected);
    }
}

/// The header length that a message announces, if its proto-header is there.
fn announced(message: &[u8]) -> Option<usize> {
    message.first_chunk().map(|bytes| usize::from(u16::from_be_bytes(*bytes)))
}

/// The first byte that is not white space, and what is before it.
fn first_beyond_space(header: &[u8]) -> Option<(usize, u8)> {
    header.iter().copied().enumerate().find(|(_, byte)| !b" \t\n\r".contains(byte))
}

fn is_of_header(kind: DecodeErrorKind) -> bool {
    use DecodeErrorKind as Kind;
    !matches!(
        kind,
        Kind::EmptyHeader
            | Kind::HeaderTooLong { .. }
            | Kind::ContentTooLong { .. }
            | Kind::OutOfMemory
            | Kind::Truncated { .. }
    )
}

/// After an error there is nothing but the error.
fn assert_final(decoder: &mut Decoder<Vec<u8>>, error: DecodeError) {
    let position = decoder.position();
    for mut input in [&b""[..], b"\x00\x02{}"] {
        let given = input.len();
        assert_eq!(decoder.decode(&mut input), Err(error));
        assert_eq!(input.len(), given, "a failed decoder takes no input");
    }
    assert_eq!(decoder.finish(), Err(error));
    assert_eq!(decoder.limit_content(u64::MAX), Err(error));
    assert_eq!(decoder.content_bypassed(1), 0);
    assert_eq!((decoder.needs(), decoder.position()), (0, position));
    assert!(decoder.buffer_mut().is_none());
    assert!(!error.to_string().is_empty() && !error.kind().name().is_empty());
}
