//! However a stream is cut, whatever room there is: the same events, the same error at the same offset; and what was
//! decoded before changes nothing.
//!
//! The input: header capacity (2 bytes), content limit (1), number of sizes (1), the sizes of the pieces, the stream.

use crate::input::Input;
use crate::log::{Limits, Log, Received};

/// Longer streams are not cut at every byte.
const SHORT: usize = 512;

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let limits = Limits { header_capacity: input.word().into(), content: input.content_limit() };
    let count = input.byte();
    let sizes = input.take(count.into());
    let stream = input.rest();

    let whole = Log::of(limits, [stream]);
    whole.assert_framed(limits, stream);
    assert_eq!(Log::of(limits, cut(stream, sizes)), whole, "cut into {sizes:?}");
    if stream.len() <= SHORT {
        assert_eq!(Log::of(limits, stream.chunks(1)), whole, "one byte at a time");
    }
    if whole.fault.is_none() {
        twice(limits, stream, sizes, &whole);
    }
}

/// The same messages again are the same messages, though the decoder knows them now.
fn twice(limits: Limits, stream: &[u8], sizes: &[u8], once: &Log) {
    let stream = [stream, stream].concat();
    let log = Log::of(limits, cut(&stream, sizes));
    assert_eq!(log.fault, None);
    let half = (stream.len() / 2) as u64;
    let again = once.messages.iter().map(|message| Received {
        start: message.start + half,
        end: message.end.map(|end| end + half),
        ..message.clone()
    });
    let expected: Vec<_> = once.messages.iter().cloned().chain(again).collect();
    assert_eq!(log.messages, expected);
}

/// Pieces of these sizes, and again from the first size on; a size of 0 makes an empty piece.
fn cut<'a>(mut stream: &'a [u8], sizes: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut sizes = sizes.iter().copied().map(usize::from).cycle();
    let mut last = 1;
    while !stream.is_empty() {
        // Two empty pieces in a row would tell nothing more, and nothing but empty pieces would never end.
        let size = sizes.next().filter(|size| *size + last > 0).unwrap_or(stream.len());
        let (piece, rest) = stream.split_at(size.min(stream.len()));
        pieces.push(piece);
        (stream, last) = (rest, size);
    }
    pieces
}
