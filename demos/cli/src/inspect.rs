//! A captured byte stream, or those of a capture of packets or of a log, annotated for a person or as JSON lines.
//!
//! ```text
//! capture --> drive ---------> json       one JSON object a line
//!    |   \    | | \----------> annotate   for a person: content, pretty, excerpt, spelling
//!    |    \   | \-> search     the next message of a stream that begins anywhere
//!    |     \  \---> hint       the likely cause of a fault: length, guess
//!    |      \-> followed       a drive for a stream that is in use
//!    |      \-> streams        a drive for each direction of each connection
//!    \---> guess               which dialect it is: spelling
//! ```

mod annotate;
mod brief;
pub mod command;
mod content;
mod drive;
mod excerpt;
mod first_bytes;
mod followed;
pub(crate) mod guess;
mod hint;
mod input;
pub(crate) mod json;
mod length;
pub(crate) mod message;
mod pretty;
mod report;
pub(crate) mod search;
pub(crate) mod spelling;
mod streams;
mod watch;

use std::io::{self, BufWriter, Read, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::annotate::Annotated;
use self::drive::drive;
use self::json::JsonLines;
use self::message::Framing;
use self::report::Report;
use crate::capture::{self, Format, Source};
use crate::dialect::{DialectName, FORMS};

pub(crate) use self::content::BEGINNING;
pub(crate) use self::followed::{Followed, UnderWay};
pub use self::guess::guess;
pub(crate) use self::json::{Extensions, Harmless, quoted};
pub(crate) use self::length::KEPT;
pub(crate) use self::pretty::pretty;
pub(crate) use self::watch::{Explained, Piece, watch};

/// How a stream is read and shown.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the stream is in.
    pub dialect: DialectName,
    /// What the input is. Text that is wrong is an error of kind [`io::ErrorKind::InvalidData`].
    pub format: Format,
    /// How many bytes of each stream are passed over.
    pub from: u64,
    /// Whether the next message is looked for, which is a guess.
    pub find: bool,
    /// Of which port connections are shown, of a capture of packets or of a log.
    pub port: Option<u16>,
    /// Whether the output is one JSON object a line, instead of text for a person.
    pub json: bool,
    /// Whether text for a person is coloured, with ANSI escape codes.
    pub color: bool,
    /// How many bytes the decoder is fed at a time, at most.
    pub chunk: NonZeroUsize,
    /// The longest header that is accepted, in bytes.
    pub max_header: u16,
    /// The longest content that is accepted, in bytes.
    pub max_content: u64,
    /// There if the stream is shown while it is used. Text for a person then only points to a fault, because somebody else
    /// says what is wrong.
    pub live: Option<Arc<Live>>,
}

/// What is known of a stream while it is used.
#[derive(Debug, Default)]
pub struct Live {
    /// Whether it is what this program sends, and so ends as it likes.
    pub(crate) is_sent: AtomicBool,
    /// Whether it is what the peer has sent, sent back: what is wrong with a content has been said there.
    pub(crate) is_echo: AtomicBool,
    /// Whether the peer has ended it.
    pub(crate) has_ended: AtomicBool,
}

impl Options {
    /// The input, as what it stands for.
    pub(crate) fn open<'a>(&self, input: &'a mut dyn Read) -> io::Result<Source<'a>> {
        let framing = Framing { prefix: self.dialect.prefix.len(), proto_header: self.dialect.proto_header };
        capture::open(input, self.format, &|bytes| framing.begins_message(bytes) || begins_in_any_form(bytes))
            .map_err(input::named)
    }
}

/// Whether a message seems to begin here, in any form of a proto-header.
fn begins_in_any_form(bytes: &[u8]) -> bool {
    FORMS.iter().any(|(_, proto_header)| Framing { prefix: 0, proto_header: *proto_header }.begins_message(bytes))
}

/// Plain text for a person, from raw bytes, with nothing refused that the protocol allows.
impl Default for Options {
    fn default() -> Self {
        Self {
            dialect: DialectName::STANDARD,
            format: Format::Raw,
            from: 0,
            find: false,
            port: None,
            json: false,
            color: false,
            chunk: input::BUFFER,
            max_header: u16::MAX,
            max_content: u64::MAX,
            live: None,
        }
    }
}

/// Shows everything that the input holds: true if it is nothing but whole messages, and each content is in its encoding.
///
/// Memory is bounded, whatever the input. What has been received is shown before more of it is waited for, but for a fault:
/// it is shown when as many bytes have been seen as it takes to explain it, and all of the input if that is text that stands
/// for bytes, which may be wrong further on. The messages of a capture of packets, and of a log that names connections, are shown
/// when they are whole. Nothing that a peer sent can act on a terminal.
///
/// # Errors
///
/// Those of the input and of the output. A fault in the stream is no error here, but shown.
pub fn inspect(input: &mut impl Read, output: &mut impl Write, options: &Options) -> io::Result<bool> {
    match options.open(input)? {
        Source::Stream { mut bytes, is_text, resembles, places } => {
            let shown: Output<'_> = BufWriter::new(Box::new(&mut *output));
            let report: Box<dyn Report + '_> = if options.json {
                Box::new(JsonLines::new(shown, options.dialect, None)?)
            } else {
                let mut report = Annotated::new(shown, options.dialect, options.color, None)?;
                report.live = options.live.as_deref();
                Box::new(report)
            };
            let is_whole = drive(&mut *bytes, report, options, (is_text, resembles, places.as_ref()))?;
            let counts = places.map(|places| places.counts()).filter(|counts| counts.other_lines > 0);
            counts.map_or(Ok(()), |counts| streams::summary_of_log(output, options, counts))?;
            Ok(is_whole)
        }
        Source::Several(several) => {
            streams::inspect(several, &mut BufWriter::new(output), options).map_err(input::named)
        }
    }
}

/// Where a report goes: the small pieces it is written in are put together.
type Output<'a> = BufWriter<Box<dyn Write + 'a>>;
