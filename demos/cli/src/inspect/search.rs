//! Looks for the next message of a stream of which the beginning is not known.

use jsonframe::{Decoder, Dialect, Event};

use super::message::Framing;

/// How many bytes may be decoded in vain for each byte that is looked at, and how many besides.
const TRIES: u64 = 8;
const FREE: u64 = 256 * 1024;

/// A search under way. What it keeps is not longer than a header, and the work is linear: where very much looks like the
/// beginning of a message and is none, the next message may be passed over.
pub(crate) struct Search {
    dialect: &'static Dialect,
    framing: Framing,
    /// What has come and has not been ruled out, and how much of that has.
    window: Vec<u8>,
    at: usize,
    /// How much is needed before it is tried again whether there is a message.
    needed: usize,
    /// The offset of the window in the stream.
    offset: u64,
    buffer: Vec<u8>,
    looked_at: u64,
    work: u64,
}

impl Search {
    /// A search from this offset on.
    pub(crate) fn new(dialect: &'static Dialect, max_header: u16, offset: u64) -> Self {
        let framing = Framing::of(dialect);
        let buffer = vec![0; framing.prefix + usize::from(max_header)];
        Self { dialect, framing, window: Vec::new(), at: 0, needed: 0, offset, buffer, looked_at: 0, work: 0 }
    }

    /// Looks at the next bytes: true if there is a message. The bytes from its first on are [`found`](Self::found).
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        self.take_passed();
        self.window.extend_from_slice(bytes);
        self.look(false)
    }

    /// Takes bytes in which there is no message, if they are most of what is kept.
    pub(crate) fn take_passed(&mut self) -> Vec<u8> {
        let count = if self.at > self.window.len() / 2 { std::mem::take(&mut self.at) } else { 0 };
        self.offset += count as u64;
        self.window.drain(..count).collect()
    }

    /// The end of the stream: true if there is a message that it cuts off.
    pub(crate) fn finish(&mut self) -> bool {
        self.look(true)
    }

    /// Some bytes of the stream are not there. Returns what is kept of those before.
    pub(crate) fn pass(&mut self, count: u64) -> Vec<u8> {
        self.offset += self.window.len() as u64 + count;
        (self.at, self.needed) = (0, 0);
        std::mem::take(&mut self.window)
    }

    /// The offset up to which there is no message.
    pub(crate) fn position(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// The offset after all that has come.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.window.len() as u64
    }

    /// What is kept of the bytes before the message, and what has come from its first byte on.
    pub(crate) fn found(mut self) -> (Vec<u8>, Vec<u8>) {
        let message = self.window.split_off(self.at);
        (self.window, message)
    }

    fn look(&mut self, is_end: bool) -> bool {
        let before = self.framing.len();
        while let Some([_, ..]) = self.window.get(self.at..) {
            let rest = &self.window[self.at..];
            let Some(first) = rest.get(before) else {
                if !is_end {
                    return false;
                }
                self.next();
                continue;
            };
            let length = self.framing.announced(&rest[self.framing.prefix..before]).map_or(0, |length| length as usize);
            let whole = before + length;
            if *first != b'{' || length < 2 || whole > self.buffer.len() + usize::from(self.framing.proto_header.len())
            {
                self.next();
                continue;
            }
            let available = rest.len();
            let is_whole = available >= whole;
            if !is_whole && !is_end && available < self.needed {
                return false;
            }
            match self.try_here(whole) {
                Some(true) => return true,
                Some(false) => self.next(),
                None if is_end => self.next(),
                None => {
                    // Twice as much each time, so that the work stays linear.
                    self.needed = 2 * available;
                    return false;
                }
            }
        }
        false
    }

    fn next(&mut self) {
        self.at += 1;
        self.needed = 0;
        self.looked_at += 1;
    }

    /// Whether there is a header here; nothing if that cannot be said yet.
    fn try_here(&mut self, whole: usize) -> Option<bool> {
        if self.work > FREE + TRIES * self.looked_at {
            return Some(false);
        }
        let rest = &self.window[self.at..];
        let mut input = &rest[..rest.len().min(whole)];
        let length = input.len();
        let mut decoder = Decoder::new(&mut self.buffer[..]).with_dialect(self.dialect);
        let outcome = match decoder.decode(&mut input) {
            Ok(Some(Event::Header(_))) => Some(true),
            Ok(None) => None,
            Ok(Some(_)) | Err(_) => Some(false),
        };
        self.work += (length - input.len()) as u64;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \
        \"utf-8\", \"content-length\": 39}";

    fn search() -> Search {
        Search::new(&Dialect::STANDARD, u16::MAX, 1000)
    }

    #[test]
    fn the_next_message_is_found_in_any_pieces() {
        let before = b"\x00\x05{\"a\"}\x01\x00{\"byteorder\": \0\0{ needle\"}";
        let stream = [before, MESSAGE, b"{"].concat();
        for size in 1..stream.len() {
            let mut search = search();
            let is_found = stream.chunks(size).any(|piece| search.push(piece)) || search.finish();
            assert!(is_found, "in pieces of {size}");
            assert_eq!(search.position(), 1000 + before.len() as u64);
            assert!(search.found().1.starts_with(&MESSAGE[..MESSAGE.len() / 2]));
        }
    }

    #[test]
    fn where_there_is_none_nothing_is_found() {
        let mut search = search();
        assert!(!search.push(&MESSAGE[1..]) && !search.push(&MESSAGE[..50]) && !search.finish());
        assert_eq!(search.position(), search.end());
    }

    #[test]
    fn the_work_is_linear_whatever_looks_like_a_message() {
        // Each of these begins a header that is right for as long as it is looked at.
        let near = br#"xx{"a":"#.repeat(100_000);
        let nested = b"  {\"\":".repeat(100_000);
        let text = [b"zz{\"".to_vec(), b"zz{\"zz{\"".repeat(100_000)].concat();
        for stream in [near, nested, text] {
            for size in [1000, 64 * 1024] {
                let mut search = search();
                assert!(!stream.chunks(size).any(|piece| search.push(piece)) && !search.finish());
                let most = FREE + (TRIES + 1) * stream.len() as u64 + u64::from(u16::MAX);
                assert!(search.work <= most, "{} for {}", search.work, stream.len());
                assert!(search.window.capacity() < 512 * 1024);
            }
        }
    }
}
