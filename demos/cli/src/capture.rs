//! What people have of a stream, and the bytes that it stands for.
//!
//! ```text
//! input (utf16) --> recognise --> decode: hex, array, dump (row), python, base64 --> one stream
//!                           |         \--> log: literals of lines (python) --> those of connections
//!                            \--> packets: frames of a file or of a dump --> segments --> connections
//! ```

mod array;
mod base64;
mod decode;
mod dump;
mod hex;
pub(crate) mod log;
pub(crate) mod packets;
mod python;
mod recognise;
mod row;
mod utf16;

use std::io::{self, Cursor, Read};

use clap::ValueEnum;

use self::array::Array;
use self::base64::Base64;
use self::decode::Decoded;
use self::dump::Dump;
use self::hex::Hex;
use self::log::{Counts, Log, Places};
use self::packets::{Connections, Packets, Passed, Streams};
use self::recognise::{Kind, sample};
use self::utf16::Utf16;

pub(crate) use self::log::PRINT_BYTES;
pub(crate) use self::recognise::Resembled;

/// How a stream is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One of the others, by what the input begins with; the bytes themselves if that is not sure
    #[default]
    Auto,
    /// The bytes of the stream themselves
    Raw,
    /// Hex text: digits with spaces, colons, commas, `0x` or `\x` between; dumps of xxd, hexdump, od, tcpdump -X and
    /// Wireshark; arrays in source text
    Hex,
    /// Python's bytes literals amid any other text; all of them in their order are the stream, or those of each connection and
    /// direction if the first one's line names these, as `Sending b'…' to ('127.0.0.1', 65432)` does
    Python,
    /// Base64, in either alphabet
    Base64,
    /// A capture file, pcap or pcapng, with TCP over IPv4 or IPv6
    Pcap,
}

impl Format {
    /// What is to be given with `--format`.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().into())
    }
}

/// An input, as what it stands for.
pub(crate) enum Source<'a> {
    /// One stream.
    Stream {
        /// Its bytes. Text that is wrong is an error of kind [`io::ErrorKind::InvalidData`].
        bytes: Box<dyn Read + 'a>,
        /// Whether they are written as text, which may be wrong further on.
        is_text: bool,
        /// What the input looks like although it is taken for the bytes themselves.
        resembles: Option<Resembled>,
        /// Where in a log they are written.
        places: Option<Places>,
    },
    /// The streams of any number of connections.
    Several(Several<'a>),
}

/// What holds the streams of several connections.
pub(crate) enum Several<'a> {
    Packets(Packets<'a>),
    Log(Log<'a>),
}

/// What is known at the end of it.
pub(crate) struct Ended {
    pub connections: u64,
    pub kind: EndOf,
}

pub(crate) enum EndOf {
    Packets(Passed),
    Log(Counts),
}

impl Several<'_> {
    /// Tells of all the streams, or of those of connections with this port.
    ///
    /// # Errors
    ///
    /// Those of the input and of `streams`.
    pub(crate) fn visit<S: Streams>(self, port: Option<u16>, streams: S) -> io::Result<(S, Ended)> {
        Ok(match self {
            Self::Packets(packets) => {
                let (streams, passed, connections) = Connections::visit(packets, port, streams)?;
                (streams, Ended { connections, kind: EndOf::Packets(passed) })
            }
            Self::Log(log) => {
                let (streams, counts, connections) = log.visit(port, streams)?;
                (streams, Ended { connections, kind: EndOf::Log(counts) })
            }
        })
    }
}

/// Opens an input in this format, or in the one that is recognised.
///
/// `begins_message` says whether a message seems to begin with these bytes: an input that does is never taken for text.
///
/// # Errors
///
/// Those of the input, whose beginning is read; and an input that is not in the format that it should be in.
pub(crate) fn open<'a>(
    input: &'a mut dyn Read,
    format: Format,
    begins_message: &dyn Fn(&[u8]) -> bool,
) -> io::Result<Source<'a>> {
    if format == Format::Raw {
        let beginning = sample(input, |sample| sample.len() >= 16 || recognise::is_binary(sample))?;
        let resembles = recognise::resembles(&beginning).filter(|_| !begins_message(&beginning));
        return Ok(stream(Cursor::new(beginning).chain(input), resembles));
    }
    let beginning = sample(input, |sample| !matches!(sample, [] | [0xFE | 0xFF, ..]) || sample.len() >= 4)?;
    let is_text = utf16::is_utf16(&beginning) && !begins_message(&beginning);
    let input = Cursor::new(beginning).chain(input);
    let mut input: Box<dyn Read + 'a> = if is_text { Box::new(Utf16::new(input)?) } else { Box::new(input) };
    let beginning = sample(&mut *input, |sample| recognise::is_enough(sample, format, begins_message))?;
    let kind = recognise::kind(&beginning, format, begins_message)?;
    let resembles = recognise::resembles(&beginning).filter(|_| !begins_message(&beginning));
    let input = Cursor::new(beginning).chain(input);
    Ok(match kind {
        Kind::Raw => stream(input, resembles),
        Kind::Hex => text(Decoded::new(input, Hex::default())),
        Kind::Array(open) => text(Decoded::new(input, Array::new(open))),
        Kind::Dump => text(Decoded::new(input, Dump::default())),
        Kind::Python | Kind::Log => log::open(input)?,
        Kind::Base64 => text(Decoded::new(input, Base64::default())),
        Kind::Packets(link) => Source::Several(Several::Packets(Packets::of_dump(Box::new(input), link))),
        Kind::File => Source::Several(Several::Packets(Packets::of_file(Box::new(input))?)),
    })
}

fn stream<'a>(bytes: impl Read + 'a, resembles: Option<Resembled>) -> Source<'a> {
    Source::Stream { bytes: Box::new(bytes), is_text: false, resembles, places: None }
}

fn text<'a>(bytes: impl Read + 'a) -> Source<'a> {
    Source::Stream { bytes: Box::new(bytes), is_text: true, resembles: None, places: None }
}

pub(crate) fn invalid(fault: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault.into())
}
