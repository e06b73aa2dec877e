//! From the input, through the decoder, to a report.

use std::io::{self, Read};
use std::num::NonZeroUsize;

use jsonframe::{DecodeError, DecodeErrorKind, Decoder, Event, Header};

use super::Options;
use super::first_bytes::FirstBytes;
use super::input::{self, Input};
use super::length::{LengthHint, json_end};
use super::message::{Framing, Message};

/// How many bytes after a content are read, at most, to find out what its length should have been.
const AHEAD: usize = 64 * 1024;

/// What is made of a stream. Both reports are told the same, so that they cannot disagree.
pub(super) trait Report {
    /// A header is whole and valid.
    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()>;

    /// The message of this header is whole.
    fn end(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()>;

    /// The stream is at fault, or ends too early.
    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()>;

    /// The stream has ended after a whole message: before this one, of which nothing has come.
    fn finish(&mut self, message: &Message) -> io::Result<()>;

    /// Makes everything visible that has been reported.
    fn flush(&mut self) -> io::Result<()>;
}

/// What is wrong with the stream, and what may help to see why.
pub(super) struct Fault<'a> {
    pub(super) error: DecodeError,
    pub(super) message: &'a Message,
    /// The header of the message, if it has been reported.
    pub(super) header: Option<Header<'a>>,
    pub(super) hint: Option<String>,
    /// The first bytes of the stream, if it does not begin with the header of a message.
    pub(super) first_bytes: Option<FirstBytes>,
}

/// Reports the whole input: true if it is nothing but whole messages.
pub(super) fn drive<R: Report>(reader: &mut dyn Read, report: R, options: &Options) -> io::Result<bool> {
    let dialect = options.dialect.leak();
    let decoder = Decoder::new(vec![0; dialect.prefix().len() + usize::from(options.max_header)]).with_dialect(dialect);
    let mut driver = Driver { decoder, message: Message::first(Framing::of(dialect)), report };
    let mut input = Input::new(reader);
    let whole = match driver.run(&mut input, options) {
        Ok(()) => true,
        Err(Stop::Fault(error)) => {
            driver.complete_header(error, &mut input);
            let first_bytes = driver.first_bytes(&input);
            let hint = driver.length_hint(error, &mut input)?.map(|hint| hint.to_string());
            let hint = hint.or_else(|| driver.header_length_hint(&input));
            if options.hex {
                input::check_rest(reader)?;
            }
            let Driver { decoder, message, report } = &mut driver;
            report.fault(&Fault { error, message, header: decoder.header(), hint, first_bytes })?;
            false
        }
        Err(Stop::Io(error)) => return Err(error),
    };
    driver.report.flush()?;
    Ok(whole)
}

struct Driver<R> {
    decoder: Decoder<Vec<u8>>,
    message: Message,
    report: R,
}

/// Why there is nothing more to report.
enum Stop {
    Fault(DecodeError),
    Io(io::Error),
}

impl<R: Report> Driver<R> {
    fn run(&mut self, input: &mut Input<'_>, options: &Options) -> Result<(), Stop> {
        loop {
            self.report.flush()?;
            if !input.read()? {
                break;
            }
            while !input.pending().is_empty() {
                self.decode(input, options.chunk, options.max_content)?;
            }
        }
        self.decoder.finish()?;
        Ok(self.report.finish(&self.message)?)
    }

    /// Decodes a piece of what has been read.
    fn decode(&mut self, input: &mut Input<'_>, chunk: NonZeroUsize, max_content: u64) -> Result<(), Stop> {
        let piece = input.pending();
        let piece = &piece[..piece.len().min(chunk.get())];
        let mut rest = piece;
        let outcome = self.decode_piece(&mut rest, max_content);
        let taken = piece.len() - rest.len();
        input.take(taken);
        outcome
    }

    fn decode_piece(&mut self, input: &mut &[u8], max_content: u64) -> Result<(), Stop> {
        loop {
            let before = *input;
            let event = self.decoder.decode(input);
            if !matches!(event, Ok(Some(Event::Content(_)))) {
                // The decoder keeps the header it fails on to itself.
                let taken = before.len() - input.len();
                self.message.receive_head(&before[..taken]);
            }
            match event? {
                None => return Ok(()),
                Some(Event::Header(header)) => {
                    self.message.content.expect(&header);
                    self.report.header(&self.message, &header)?;
                    self.decoder.limit_content(max_content)?;
                }
                Some(Event::Content(piece)) => self.message.content.receive(piece),
                Some(Event::End) => {
                    if let Some(header) = self.decoder.header() {
                        self.report.end(&self.message, &header)?;
                    }
                    self.message.advance();
                }
            }
        }
    }

    /// Has what was read of a header that was refused for how it begins, as if it had been refused when it was whole.
    fn complete_header(&mut self, error: DecodeError, input: &mut Input<'_>) {
        if error.offset() < self.message.header_start() || self.decoder.header().is_some() {
            return;
        }
        if let Some(length) = self.message.framing.announced(self.message.proto_header_bytes()) {
            let lacking = (length as usize).saturating_sub(self.message.header().len());
            let lacking = lacking.min(input.pending().len());
            self.message.receive_head(&input.pending()[..lacking]);
            input.take(lacking);
        }
    }

    /// The first bytes of the stream, if there are some of a header and they are not those of an object.
    fn first_bytes(&self, input: &Input<'_>) -> Option<FirstBytes> {
        let Message { number, framing, .. } = self.message;
        let bytes = [self.message.head(), input.pending()].concat();
        let header = bytes.get(framing.len()..)?.trim_ascii_start();
        let is_other = number == 1 && header.first().is_some_and(|first| *first != b'{');
        is_other.then(|| FirstBytes::of(&bytes))
    }

    /// Whether a header is there of whose length only the lowest byte was written, as far as it has been read.
    fn header_length_hint(&self, input: &Input<'_>) -> Option<String> {
        let Message { framing, .. } = self.message;
        if self.decoder.header().is_some() || framing.proto_header.len() < 2 {
            return None;
        }
        let announced = framing.announced(self.message.proto_header_bytes())?;
        let length = json_end(&[self.message.header(), input.pending()].concat())?;
        (length > 0xFF && u32::try_from(length & 0xFF) == Ok(announced)).then(|| {
            format!(
                "the header looks {length} bytes long: of that number only the lowest byte, {announced}, was written"
            )
        })
    }

    /// Finds out whether the last content length was wrong, after which the stream is at fault. Bytes that the stream may
    /// have in store are waited for only while characters are yet to be counted.
    fn length_hint(&mut self, error: DecodeError, input: &mut Input<'_>) -> io::Result<Option<LengthHint>> {
        let Message { number, framing, content, previous, .. } = &self.message;
        if self.decoder.header().is_some() {
            let ended = matches!(error.kind(), DecodeErrorKind::Truncated { .. });
            return Ok(if ended { content.hint(*number, &[], *framing) } else { None });
        }
        let Some(previous) = previous else { return Ok(None) };
        let mut after = [self.message.head(), input.pending()].concat();
        if let Some(mut text) = previous.short_text() {
            text.push(&after);
            while text.has_fewer_than(previous.announced) && after.len() < AHEAD && input.read()? {
                text.push(input.pending());
                after.extend_from_slice(input.pending());
            }
        }
        Ok(previous.hint(number - 1, &after, *framing))
    }
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Fault(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
