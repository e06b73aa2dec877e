//! The stream that fails, and what it carries.

use std::io::{self, ErrorKind, IoSlice, Read, Write};

use crate::common::message;

/// What streams fail with, passing or not.
pub(crate) const KINDS: [ErrorKind; 38] = [
    ErrorKind::Interrupted,
    ErrorKind::WouldBlock,
    ErrorKind::TimedOut,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::ConnectionRefused,
    ErrorKind::NotConnected,
    ErrorKind::BrokenPipe,
    ErrorKind::UnexpectedEof,
    ErrorKind::WriteZero,
    ErrorKind::AddrInUse,
    ErrorKind::AddrNotAvailable,
    ErrorKind::AlreadyExists,
    ErrorKind::ArgumentListTooLong,
    ErrorKind::CrossesDevices,
    ErrorKind::Deadlock,
    ErrorKind::DirectoryNotEmpty,
    ErrorKind::ExecutableFileBusy,
    ErrorKind::FileTooLarge,
    ErrorKind::HostUnreachable,
    ErrorKind::InvalidData,
    ErrorKind::InvalidInput,
    ErrorKind::IsADirectory,
    ErrorKind::NetworkDown,
    ErrorKind::NetworkUnreachable,
    ErrorKind::NotADirectory,
    ErrorKind::NotFound,
    ErrorKind::NotSeekable,
    ErrorKind::Other,
    ErrorKind::OutOfMemory,
    ErrorKind::PermissionDenied,
    ErrorKind::QuotaExceeded,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::ResourceBusy,
    ErrorKind::StaleNetworkFileHandle,
    ErrorKind::StorageFull,
    ErrorKind::TooManyLinks,
    ErrorKind::Unsupported,
];

/// Those after which the stream can be asked again.
pub(crate) const PASSING: [ErrorKind; 3] = [ErrorKind::Interrupted, ErrorKind::WouldBlock, ErrorKind::TimedOut];

/// The kind that a connection reports: systems differ in that of a time-out.
pub(crate) fn reported(kind: ErrorKind) -> ErrorKind {
    if kind == ErrorKind::WouldBlock { ErrorKind::TimedOut } else { kind }
}

/// More calls than any exchange here needs. Whoever makes more of them spins.
pub(crate) const MOST_CALLS: usize = 10_000;

/// A stream that fails at one call, counted over reads, writes and flushes.
#[derive(Debug)]
pub(crate) struct Faulty {
    input: Vec<u8>,
    pub(crate) position: usize,
    pub(crate) output: Vec<u8>,
    /// How many bytes it moves at a time.
    portion: usize,
    pub(crate) calls: usize,
    fails_at: usize,
    with: ErrorKind,
    /// Whether it fails ever after.
    lasting: bool,
}

impl Faulty {
    pub(crate) fn new(input: &[u8], portion: usize, fails_at: usize, with: ErrorKind, lasting: bool) -> Self {
        Self { input: input.to_vec(), position: 0, output: Vec::new(), portion, calls: 0, fails_at, with, lasting }
    }

    fn call(&mut self) -> io::Result<()> {
        let number = self.calls;
        self.calls += 1;
        assert!(number < MOST_CALLS, "it spins");
        if number == self.fails_at || (self.lasting && number > self.fails_at) {
            return Err(self.with.into());
        }
        Ok(())
    }

    /// Whether the fault has come about.
    pub(crate) const fn has_failed(&self) -> bool {
        self.calls > self.fails_at
    }
}

impl Read for Faulty {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.call()?;
        let left = &self.input[self.position..];
        let count = left.len().min(place.len()).min(self.portion);
        place[..count].copy_from_slice(&left[..count]);
        self.position += count;
        Ok(count)
    }
}

impl Write for Faulty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.call()?;
        let before = self.output.len();
        self.output.extend(parts.iter().flat_map(|part| part.iter()).take(self.portion));
        Ok(self.output.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.call()
    }
}

/// Contents of messages, and the longest portions in which a stream moves them.
pub(crate) fn exchanges() -> Vec<(Vec<Vec<u8>>, usize)> {
    let contents = |lengths: &[usize]| {
        lengths.iter().zip(b'a'..).map(|(length, letter)| vec![letter; *length]).collect::<Vec<_>>()
    };
    vec![
        (contents(&[0, 1, 40]), 1),
        (contents(&[0, 300, 1, 0, 40]), 7),
        (contents(&[300, 20_000, 0, 40_000]), 1_000),
        (contents(&[300, 20_000, 0, 40_000]), usize::MAX),
    ]
}

pub(crate) fn bytes_of(contents: &[Vec<u8>]) -> Vec<u8> {
    contents.iter().flat_map(|content| message(content)).collect()
}

/// How many of the messages end within so many bytes, and whether one of them ends just there.
pub(crate) fn whole_within(contents: &[Vec<u8>], bytes: usize) -> (usize, bool) {
    let mut end = 0;
    let ends = contents.iter().map(|content| {
        end += message(content).len();
        end
    });
    let whole: Vec<_> = ends.take_while(|end| *end <= bytes).collect();
    (whole.len(), whole.last().copied().unwrap_or(0) == bytes)
}

/// Has a stream fail at every call of an exchange; how many faults there were.
pub(crate) fn at_every_call(mut exchange: impl FnMut(usize) -> bool) -> usize {
    (0..MOST_CALLS).take_while(|call| exchange(*call)).count()
}
