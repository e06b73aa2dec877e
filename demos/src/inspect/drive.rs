//! From the input, through the decoder, to a report.

use std::io::{self, Read};
use std::num::NonZeroUsize;

use jsonframe::{DecodeError, DecodeErrorKind, Decoder, Event, Header, ProtoHeader};

use super::Options;

/// How much is read at a time, in bytes.
pub(super) const BUFFER: NonZeroUsize = NonZeroUsize::new(64 * 1024).expect("it is not zero");

/// What is made of a stream. Both reports are told the same, so that they cannot disagree.
pub(super) trait Report {
    /// How much of a content it wants to see, from its beginning, in bytes.
    const KEPT: usize;

    /// A header is whole and valid.
    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()>;

    /// The message of this header is whole.
    fn end(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()>;

    /// The stream is at fault, or ends too early, in a message whose header may have been reported.
    fn fault(&mut self, error: &DecodeError, message: &Message, header: Option<&Header<'_>>) -> io::Result<()>;

    /// The stream has ended after a whole message.
    fn finish(&mut self, offset: u64) -> io::Result<()>;

    /// Makes everything visible that has been reported.
    fn flush(&mut self) -> io::Result<()>;
}

/// The message under way, as far as it has come.
pub(super) struct Message {
    /// How long its proto-header is when it is whole.
    proto_header_length: usize,
    /// The offset of its first byte in the stream.
    pub(super) start: u64,
    /// Its proto-header and its header: 65,535 bytes and a few at most.
    head: Vec<u8>,
    /// The beginning of its content.
    pub(super) content: Vec<u8>,
    /// How many bytes of content have come.
    pub(super) received: u64,
}

impl Message {
    /// The first one, of which nothing has come.
    fn first(proto_header: ProtoHeader) -> Self {
        let proto_header_length = proto_header.len().into();
        Self { proto_header_length, start: 0, head: Vec::new(), content: Vec::new(), received: 0 }
    }

    /// The proto-header, as far as it has come.
    pub(super) fn proto_header(&self) -> &[u8] {
        &self.head[..self.head.len().min(self.proto_header_length)]
    }

    pub(super) fn header(&self) -> &[u8] {
        &self.head[self.proto_header().len()..]
    }

    /// The offset of the header in the stream.
    pub(super) fn header_start(&self) -> u64 {
        self.start + self.proto_header().len() as u64
    }

    /// The offset of the content in the stream.
    pub(super) fn content_start(&self) -> u64 {
        self.start + self.head.len() as u64
    }

    /// The offset behind the last byte that has come.
    pub(super) fn end(&self) -> u64 {
        self.content_start() + self.received
    }

    fn receive(&mut self, piece: &[u8], kept: usize) {
        let room = kept - self.content.len();
        self.content.extend_from_slice(&piece[..piece.len().min(room)]);
        self.received += piece.len() as u64;
    }

    /// Becomes the message behind this one.
    fn advance(&mut self) {
        self.start = self.end();
        self.received = 0;
        self.head.clear();
        self.content.clear();
    }
}

/// Reports the whole input: true if it is nothing but whole messages.
pub(super) fn drive<R: Report>(input: &mut dyn Read, report: R, options: &Options) -> io::Result<bool> {
    let dialect = options.dialect.leak();
    let decoder = Decoder::in_dialect(vec![0; options.max_header.into()], dialect);
    let mut driver = Driver { decoder, message: Message::first(dialect.proto_header()), report };
    let whole = match driver.run(input, options) {
        Ok(()) => true,
        Err(Stop::Fault(error)) => {
            driver.report.fault(&error, &driver.message, driver.decoder.header().as_ref())?;
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
    fn run(&mut self, input: &mut dyn Read, options: &Options) -> Result<(), Stop> {
        let mut buffer = vec![0; BUFFER.get()];
        loop {
            self.report.flush()?;
            let bytes = match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => &buffer[..length],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(io::Error::new(error.kind(), format!("cannot read the input: {error}")).into());
                }
            };
            for piece in bytes.chunks(options.chunk.get()) {
                self.decode(piece, options.max_content)?;
            }
        }
        self.decoder.finish()?;
        Ok(self.report.finish(self.message.start)?)
    }

    fn decode(&mut self, mut input: &[u8], max_content: u64) -> Result<(), Stop> {
        loop {
            let before = input;
            let event = self.decoder.decode(&mut input);
            if !matches!(event, Ok(Some(Event::Content(_)))) {
                // The decoder keeps the header it fails on to itself.
                let taken = before.len() - input.len();
                self.message.head.extend_from_slice(&before[..taken]);
            }
            if let Err(error) = &event
                && let DecodeErrorKind::NotAnObject { .. } = error.kind()
            {
                // The decoder fails on the first byte of this header, whether or not more of it has come.
                let shown = usize::try_from(error.offset() - self.message.start).unwrap_or(usize::MAX);
                self.message.head.truncate(shown.saturating_add(1));
            }
            match event? {
                None => return Ok(()),
                Some(Event::Header(header)) => {
                    self.report.header(&self.message, &header)?;
                    self.decoder.limit_content(max_content)?;
                }
                Some(Event::Content(piece)) => self.message.receive(piece, R::KEPT),
                Some(Event::End) => {
                    if let Some(header) = self.decoder.header() {
                        self.report.end(&self.message, &header)?;
                    }
                    self.message.advance();
                }
            }
        }
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
