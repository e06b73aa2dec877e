//! A stream looked at while it is under way.

use std::cell::Cell;
use std::io::{self, BufWriter, Write};

use super::brief::Brief;
use super::drive::Stream;
use super::followed::Followed;
use super::json::JsonLines;
use super::report::Report;
use super::{Options, Output};
use crate::encoded::Encoded;

/// The offset of the message of which it has been said why nothing more of it comes.
pub(crate) type Explained = Cell<Option<u64>>;

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
/// true if it is nothing but whole messages, and each content is in its encoding. `next` may ask
/// what is known of the stream.
///
/// # Errors
///
/// Those of the output.
pub(crate) fn watch(
    mut next: impl FnMut(&Followed<'_>) -> Option<Piece>,
    output: &mut impl Write,
    options: &Options,
    explained: &Explained,
) -> io::Result<bool> {
    let output: Output<'_> = BufWriter::new(Box::new(output));
    let report: Box<dyn Report + '_> = if options.json {
        Box::new(JsonLines::new(output, options.dialect, None)?)
    } else {
        Box::new(Brief::new(output, explained))
    };
    let mut followed = Followed(Stream::new(report, options, false));
    while followed.0.wants() {
        followed.0.flush()?;
        match next(&followed) {
            None => break,
            Some(Piece::Bytes(bytes)) => followed.0.feed(&bytes)?,
            Some(Piece::Content(count, encoded)) => followed.0.pass_content(count, *encoded)?,
            Some(Piece::Unseen { messages, bytes }) => followed.0.pass_messages(messages, bytes),
        }
    }
    followed.0.finish()
}
