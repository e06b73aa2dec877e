//! A stream looked at while it is under way.

use std::cell::Cell;
use std::io::{self, BufWriter, Write};

use jsonframe::Header;

use super::brief::Brief;
use super::drive::Stream;
use super::json::JsonLines;
use super::message::Message;
use super::report::{Fault, Report};
use super::{Options, Output};
use crate::encoded::Encoded;
use crate::hint::Cause;

/// How far a stream is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How many whole messages have come.
    pub(crate) messages: Cell<u64>,
    /// The offset after the last of them.
    pub(crate) whole: Cell<u64>,
    /// The offset at which the message under way ends, if its header is whole.
    pub(crate) end: Cell<Option<u64>>,
    /// The offset of the message of which it has been said why nothing more of it comes.
    pub(crate) explained: Cell<Option<u64>>,
}

/// What comes next of a stream.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Its next bytes.
    Bytes(Vec<u8>),
    /// The length of a part of a content that is not at hand, and what is known of the text of that content up to its end.
    Content(u64, Box<Encoded>),
    /// Whole messages that are not at hand, after a whole message.
    Unseen { messages: u64, bytes: u64 },
}

impl Piece {
    /// Of how many bytes of the stream it is.
    pub(crate) const fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Content(bytes, _) | Self::Unseen { bytes, .. } => *bytes,
        }
    }
}

/// Shows every message of a stream in a line or two, or, with [`Options::json`], in the lines of [`inspect`](super::inspect);
/// true if it is nothing but whole messages, and each content is in its encoding. Says how far it is. Whoever is asked for the
/// next piece may ask why it does not come.
///
/// # Errors
///
/// Those of the output.
pub(crate) fn watch(
    mut next: impl FnMut(&dyn Fn() -> Option<Cause>) -> Option<Piece>,
    output: &mut impl Write,
    options: &Options,
    progress: &Progress,
) -> io::Result<bool> {
    let output: Output<'_> = BufWriter::new(Box::new(output));
    let report: Box<dyn Report + '_> = if options.json {
        Box::new(JsonLines::new(output, options.dialect, None)?)
    } else {
        Box::new(Brief::new(output, progress))
    };
    let mut stream = Stream::new(Box::new(Counted { report, progress }), options, false);
    while stream.wants() {
        stream.flush()?;
        match next(&|| stream.cause(true)) {
            None => break,
            Some(Piece::Bytes(bytes)) => stream.feed(&bytes)?,
            Some(Piece::Content(count, encoded)) => stream.pass_content(count, *encoded)?,
            Some(Piece::Unseen { messages, bytes }) => {
                stream.pass_messages(messages, bytes);
                progress.messages.set(progress.messages.get() + messages);
                progress.whole.set(progress.whole.get() + bytes);
            }
        }
    }
    stream.finish()
}

struct Counted<'a> {
    report: Box<dyn Report + 'a>,
    progress: &'a Progress,
}

impl Report for Counted<'_> {
    fn header(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        self.progress.end.set(message.content_start().checked_add(header.content_length()));
        self.report.header(message, header)
    }

    fn end(&mut self, message: &Message, header: &Header<'_>) -> io::Result<()> {
        let Progress { messages, whole, end, .. } = self.progress;
        messages.set(message.number);
        whole.set(message.end());
        end.set(None);
        self.report.end(message, header)
    }

    fn fault(&mut self, fault: &Fault<'_>) -> io::Result<()> {
        self.report.fault(fault)
    }

    fn finish(&mut self, message: &Message) -> io::Result<()> {
        self.report.finish(message)
    }

    fn skipped(&mut self, offset: u64, length: u64, is_found: bool) -> io::Result<()> {
        self.report.skipped(offset, length, is_found)
    }

    fn gap(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.report.gap(offset, length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.report.flush()
    }
}
