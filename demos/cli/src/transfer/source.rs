//! A file on its way out, watched for changes and for an early answer.

use std::fs::File;
use std::io::{self, Read};

use jsonframe::{Checksum, ContentHasher};

use crate::connect::Stream;
use crate::watched::Watched;

/// How much is read at a time for the summary, in bytes.
const CHUNK: usize = 64 * 1024;

/// The length and the checksum of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) length: u64,
    pub(super) sum: Checksum,
}

/// Reads a file to its end.
pub(super) fn summarize(source: &mut impl Read) -> io::Result<Summary> {
    let mut hasher = ContentHasher::new();
    let mut length = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return Ok(Summary { length, sum: hasher.checksum() }),
            Ok(count) => {
                hasher.update(&chunk[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Why a source gave up.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file is not what it was when it was summarized.
    Changed,
    /// The receiver has answered, or closed the connection, before it had the whole file.
    Answered,
    /// The file cannot be read.
    Unreadable(io::Error),
}

/// The content of a file that was summarized.
///
/// What comes out of it whole is what the summary says: the last bytes come only when that is certain. So a receiver
/// never takes a file for whole that has changed meanwhile, not even one that does not look at the checksum.
pub(super) struct Source<'a> {
    file: File,
    expected: Summary,
    left: u64,
    hasher: ContentHasher,
    receiver: &'a Watched<Stream>,
    stop: Option<Stop>,
}

impl<'a> Source<'a> {
    /// The file from where it stands, on its way to this receiver.
    pub(super) fn new(file: File, expected: Summary, receiver: &'a Watched<Stream>) -> Self {
        Self { file, expected, left: expected.length, hasher: ContentHasher::new(), receiver, stop: None }
    }

    /// Why the source gave up, if it did.
    pub(super) fn into_stop(self) -> Option<Stop> {
        self.stop
    }

    fn give_up(&mut self, stop: Stop) -> io::Error {
        self.stop = Some(stop);
        io::Error::other("there is no more to be sent")
    }

    fn read_file(&mut self, place: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(place) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| self.give_up(Stop::Unreadable(error))),
            }
        }
    }

    /// Whether the file ends here and was what was expected.
    fn is_unchanged(&mut self) -> io::Result<bool> {
        let ends = self.read_file(&mut [0])? == 0;
        Ok(ends && self.hasher.checksum() == self.expected.sum)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        if self.receiver.with(Stream::has_something_to_read)? {
            return Err(self.give_up(Stop::Answered));
        }
        let wanted = usize::try_from(self.left).map_or(place.len(), |left| left.min(place.len()));
        let count = self.read_file(&mut place[..wanted])?;
        self.hasher.update(&place[..count]);
        self.left -= count as u64;
        let ends_early = count == 0 && wanted > 0;
        if ends_early || (self.left == 0 && !self.is_unchanged()?) {
            return Err(self.give_up(Stop::Changed));
        }
        Ok(count)
    }
}
