//! Text that stands for bytes, read as these bytes.

use std::io::{self, Read};

/// A way to write bytes as text.
pub(super) trait Notation {
    /// What it is called where it is wrong.
    const NAME: &'static str;

    /// Takes the next character, or a byte of one: appends the bytes that are complete now, or says what is wrong with it.
    fn take(&mut self, character: u8, bytes: &mut Vec<u8>) -> Result<(), String>;

    /// Takes the end of the text.
    fn end(&mut self, bytes: &mut Vec<u8>) -> Result<(), String>;

    /// Notes that `count` more of the bytes have been read.
    fn give(&mut self, count: usize) {
        let _ = count;
    }

    /// Appends some more of the bytes that a short text may stand for: false if there are no more.
    fn more(&mut self, _: &mut Vec<u8>) -> bool {
        false
    }
}

/// How much text is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// Reads text in a notation as the bytes it stands for.
pub(super) struct Decoded<R, N> {
    text: R,
    notation: N,
    /// Text that has been read, and how much of it has been taken.
    buffer: Vec<u8>,
    taken: usize,
    is_over: bool,
    /// Bytes that have not been given out yet, and how many have.
    bytes: Vec<u8>,
    given: usize,
    place: Place,
    /// The end of everything, once the bytes before it have been read.
    invalid: Option<String>,
}

/// The place of the next character, counted from 1.
struct Place {
    line: u64,
    column: u64,
}

impl<R: Read, N: Notation> Decoded<R, N> {
    pub(super) fn new(text: R, notation: N) -> Self {
        Self {
            text,
            notation,
            buffer: Vec::new(),
            taken: 0,
            is_over: false,
            bytes: Vec::new(),
            given: 0,
            place: Place { line: 1, column: 1 },
            invalid: None,
        }
    }

    fn fault(&mut self, fault: &str) {
        let Place { line, column } = self.place;
        self.invalid = Some(format!("the {} is wrong at line {line}, column {column}: {fault}", N::NAME));
    }

    /// Takes characters until there are enough bytes for now, or no more text is at hand.
    fn take(&mut self) {
        while self.bytes.len() < BUFFER && self.invalid.is_none() {
            if self.notation.more(&mut self.bytes) {
                continue;
            }
            let Some(character) = self.buffer.get(self.taken).copied() else { return };
            self.taken += 1;
            match self.notation.take(character, &mut self.bytes) {
                Err(fault) => self.fault(&fault),
                Ok(()) if character == b'\n' => self.place = Place { line: self.place.line + 1, column: 1 },
                Ok(()) => self.place.column += 1,
            }
        }
    }
}

impl<R: Read, N: Notation> Read for Decoded<R, N> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill()?;
        let count = ready.len().min(place.len());
        place[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        self.notation.give(count);
        Ok(count)
    }
}

impl<R: Read, N: Notation> Decoded<R, N> {
    /// The bytes that are ready to be read, for which more text is read if there are none: nothing at the end.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        loop {
            if self.given < self.bytes.len() {
                return Ok(&self.bytes[self.given..]);
            }
            self.bytes.clear();
            self.given = 0;
            if let Some(fault) = &self.invalid {
                return Err(io::Error::new(io::ErrorKind::InvalidData, fault.clone()));
            }
            self.take();
            if !self.bytes.is_empty() || self.invalid.is_some() {
                continue;
            }
            if self.is_over {
                return Ok(&[]);
            }
            self.buffer.resize(BUFFER, 0);
            self.taken = 0;
            let read = self.text.read(&mut self.buffer);
            self.buffer.truncate(*read.as_ref().unwrap_or(&0));
            if read? == 0 {
                self.is_over = true;
                if let Err(fault) = self.notation.end(&mut self.bytes) {
                    self.fault(&fault);
                }
            }
        }
    }
}

/// Has a notation decode the beginning of a text: the bytes, and whether nothing was wrong until then.
pub(super) fn beginning(mut notation: impl Notation, text: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let is_right = text.iter().all(|character| notation.take(*character, &mut bytes).is_ok());
    (bytes, is_right)
}

/// For the tests of notations: the bytes before anything wrong, and what is said about that, in pieces of any size.
#[cfg(test)]
pub(super) fn decoded<N: Notation>(notation: impl Fn() -> N, text: &str) -> (Vec<u8>, Option<String>) {
    let read = |size: usize| {
        let mut reader = Decoded::new(text.as_bytes(), notation());
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; size]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return (bytes, None),
                Ok(length) => bytes.extend_from_slice(&buffer[..length]),
                Err(error) => return (bytes, Some(error.to_string())),
            }
        }
    };
    let outcome = read(1000);
    for size in 1..5 {
        assert_eq!(read(size), outcome, "{text:?} in pieces of {size}");
    }
    outcome
}
