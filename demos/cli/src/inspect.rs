//! A captured byte stream, annotated for a person or as JSON lines.
//!
//! ```text
//! input --> (hex) --> drive --> json       one JSON object a line
//!                 |   |   \---> annotate   for a person: content, pretty, excerpt, spelling
//!                 |   \-------> length     whether a content length was wrong
//!                 \---> guess               which dialect it is: spelling
//! ```

mod annotate;
mod brief;
pub mod command;
mod content;
mod drive;
mod excerpt;
mod first_bytes;
mod guess;
mod hex;
mod input;
mod json;
mod length;
mod message;
mod pretty;
mod spelling;
mod watch;

use std::io::{self, BufWriter, Read, Write};
use std::num::NonZeroUsize;

use self::annotate::Annotated;
use self::drive::drive;
use self::hex::HexText;
use self::json::JsonLines;
use crate::dialect::DialectName;

pub use self::guess::guess;
pub(crate) use self::watch::{Progress, watch};

/// How a stream is read and shown.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the stream is in.
    pub dialect: DialectName,
    /// Whether the input is hex text. Text that is not is an error of kind [`io::ErrorKind::InvalidData`].
    pub hex: bool,
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
}

/// Plain text for a person, from raw bytes, with nothing refused that the protocol allows.
impl Options {
    /// The bytes of the input, as they are or written as text.
    fn bytes_of<'a>(&self, input: &'a mut impl Read) -> Box<dyn Read + 'a> {
        if self.hex { Box::new(HexText::new(input)) } else { Box::new(input) }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dialect: DialectName::STANDARD,
            hex: false,
            json: false,
            color: false,
            chunk: input::BUFFER,
            max_header: u16::MAX,
            max_content: u64::MAX,
        }
    }
}

/// Shows everything that the input holds: true if it is nothing but whole messages.
///
/// Memory is bounded, whatever the input. What has been received is shown before more of it is waited for, but for a fault:
/// it is shown when as many bytes have been seen as it takes to explain it, and all of the input if that is hex text, which
/// may be wrong further on. Nothing that a peer sent can act on a terminal.
///
/// # Errors
///
/// Those of the input and of the output. A fault in the stream is no error here, but shown.
pub fn inspect(input: &mut impl Read, output: &mut impl Write, options: &Options) -> io::Result<bool> {
    let input = &mut *options.bytes_of(input);
    let output: Output<'_> = BufWriter::new(output);
    if options.json {
        drive(input, JsonLines::new(output, options.dialect), options)
    } else {
        drive(input, Annotated::new(output, options.dialect, options.color), options)
    }
}

/// Where a report goes: the small pieces it is written in are put together.
type Output<'a> = BufWriter<&'a mut dyn Write>;
