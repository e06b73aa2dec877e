//! Text in UTF-16, as PowerShell writes what it redirects to a file.

use std::io::{self, Read};

use jsonframe::{Encoding, TextDecoder};

use super::invalid;

/// How much is read at a time, in bytes.
const BUFFER: usize = 8 * 1024;

/// Whether an input is such text: it begins with a byte order mark, and then with a character of ASCII.
pub(super) fn is_utf16(beginning: &[u8]) -> bool {
    let text = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    matches!(beginning, [0xFF, 0xFE, byte, 0, ..] | [0xFE, 0xFF, 0, byte, ..] if text(*byte))
}

/// The same text in UTF-8.
pub(super) struct Utf16<R> {
    input: R,
    decoder: TextDecoder,
    text: String,
    given: usize,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(input: R) -> io::Result<Self> {
        let encoding: Encoding = "utf-16".parse().map_err(io::Error::other)?;
        Ok(Self { input, decoder: TextDecoder::new(encoding), text: String::new(), given: 0 })
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            self.text.clear();
            self.given = 0;
            let mut buffer = [0; BUFFER];
            let count = self.input.read(&mut buffer)?;
            if count == 0 {
                return Ok(0);
            }
            let outcome = self.decoder.decode(&buffer[..count], &mut self.text);
            outcome.map_err(|error| invalid(format!("the input begins as text in UTF-16, and is not: {error}")))?;
        }
        let count = (&self.text.as_bytes()[self.given..]).read(place)?;
        self.given += count;
        Ok(count)
    }
}
