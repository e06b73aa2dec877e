//! One direction of a connection: segments in any order, put into that of the stream.

use std::collections::BTreeMap;
use std::io;

/// How much is kept of what came before its turn, at most, in bytes and in segments.
const KEPT: usize = 1024 * 1024;
const SEGMENTS: usize = 4096;

/// What comes next in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Bytes(&'a [u8]),
    /// The number of bytes that are not in the capture.
    Gap(u64),
}

type Emit<'e> = &'e mut dyn FnMut(Piece<'_>) -> io::Result<()>;

/// A stream being put together. Its memory is bounded.
#[derive(Default)]
pub(super) struct Order {
    /// The number of the next byte, once one is known.
    next: Option<u32>,
    /// How many bytes came before that.
    position: u64,
    /// What came before its turn, by its place.
    ahead: BTreeMap<u64, Part>,
    kept: usize,
    /// The place after the last byte.
    end: Option<u64>,
}

struct Part {
    bytes: Vec<u8>,
    /// How many bytes after these were not captured.
    cut: u64,
}

impl Order {
    /// A stream whose first byte has this number.
    pub(super) fn from(number: u32) -> Self {
        Self { next: Some(number), ..Self::default() }
    }

    /// The number of the first byte, while that is the next.
    pub(super) fn begins_at(&self, number: u32) -> bool {
        self.next.is_some_and(|next| next.wrapping_sub(truncated(self.position)) == number)
    }

    /// Whether all of the stream has come.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some_and(|end| self.position >= end)
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.next.is_some()
    }

    /// Takes a segment: the number of its first byte, its bytes, how many of them are not there, and whether it is the last.
    pub(super) fn take(&mut self, number: u32, bytes: &[u8], cut: u64, fin: bool, emit: Emit<'_>) -> io::Result<()> {
        let next = *self.next.get_or_insert(number);
        let distance = i64::from(number.wrapping_sub(next).cast_signed());
        let Some(place) = self.position.checked_add_signed(distance) else {
            // It was sent before the capture began.
            let before = usize::try_from(distance.unsigned_abs() - self.position).unwrap_or(usize::MAX);
            let rest = bytes.get(before..).unwrap_or_default();
            return if rest.is_empty() { Ok(()) } else { self.take_at(0, rest, cut, fin, emit) };
        };
        self.take_at(place, bytes, cut, fin, emit)
    }

    fn take_at(&mut self, place: u64, bytes: &[u8], cut: u64, fin: bool, emit: Emit<'_>) -> io::Result<()> {
        if fin {
            self.end.get_or_insert(place + bytes.len() as u64 + cut);
        }
        if place <= self.position {
            self.advance(place, bytes, cut, emit)?;
            self.drain(emit)?;
        } else if !bytes.is_empty() {
            self.keep(place, bytes, cut);
            while self.kept > KEPT || self.ahead.len() > SEGMENTS {
                self.pass_gap(emit)?;
            }
        }
        Ok(())
    }

    /// Passes on what is new of a part that begins at the next byte, or before it.
    fn advance(&mut self, place: u64, bytes: &[u8], cut: u64, emit: Emit<'_>) -> io::Result<()> {
        let known = usize::try_from(self.position - place).unwrap_or(usize::MAX);
        let new = bytes.get(known..).unwrap_or_default();
        if !new.is_empty() {
            self.step(new.len() as u64);
            emit(Piece::Bytes(new))?;
        }
        let end = place + bytes.len() as u64 + cut;
        if cut > 0 && end > self.position {
            let gap = end - self.position;
            self.step(gap);
            emit(Piece::Gap(gap))?;
        }
        Ok(())
    }

    fn step(&mut self, count: u64) {
        self.position += count;
        self.next = self.next.map(|next| next.wrapping_add(truncated(count)));
    }

    fn keep(&mut self, place: u64, bytes: &[u8], cut: u64) {
        let known = self.ahead.get(&place).map(|part| part.bytes.len());
        if known.is_some_and(|known| known >= bytes.len()) {
            return;
        }
        self.kept = self.kept + bytes.len() - known.unwrap_or_default();
        self.ahead.insert(place, Part { bytes: bytes.into(), cut });
    }

    fn drain(&mut self, emit: Emit<'_>) -> io::Result<()> {
        while let Some(first) = self.ahead.first_entry()
            && *first.key() <= self.position
        {
            let (place, part) = first.remove_entry();
            self.kept -= part.bytes.len();
            self.advance(place, &part.bytes, part.cut, emit)?;
        }
        Ok(())
    }

    /// Gives up what is missing before the first part that is there.
    fn pass_gap(&mut self, emit: Emit<'_>) -> io::Result<()> {
        if let Some((place, _)) = self.ahead.first_key_value() {
            let gap = place - self.position;
            self.step(gap);
            emit(Piece::Gap(gap))?;
        }
        self.drain(emit)
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self, emit: Emit<'_>) -> io::Result<()> {
        while !self.ahead.is_empty() {
            self.pass_gap(emit)?;
        }
        if let Some(missing) = self.end.and_then(|end| end.checked_sub(self.position)).filter(|missing| *missing > 0) {
            self.step(missing);
            emit(Piece::Gap(missing))?;
        }
        Ok(())
    }
}

/// Numbers begin anew after 2^32.
fn truncated(count: u64) -> u32 {
    u32::try_from(count & u64::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Stream {
        order: Order,
        bytes: Vec<u8>,
        gaps: Vec<(usize, u64)>,
    }

    impl Stream {
        fn from(number: u32) -> Self {
            Self { order: Order::from(number), ..Self::default() }
        }

        fn take(&mut self, number: u32, bytes: &[u8], cut: u64, fin: bool) {
            let Self { order, bytes: all, gaps } = self;
            order
                .take(number, bytes, cut, fin, &mut |piece| {
                    emit(piece, all, gaps);
                    Ok(())
                })
                .unwrap();
        }

        fn finish(&mut self) {
            let Self { order, bytes: all, gaps } = self;
            order
                .finish(&mut |piece| {
                    emit(piece, all, gaps);
                    Ok(())
                })
                .unwrap();
        }
    }

    fn emit(piece: Piece<'_>, all: &mut Vec<u8>, gaps: &mut Vec<(usize, u64)>) {
        match piece {
            Piece::Bytes(bytes) => all.extend_from_slice(bytes),
            Piece::Gap(count) => gaps.push((all.len(), count)),
        }
    }

    #[test]
    fn segments_in_any_order_repeated_and_overlapping_are_one_stream() {
        let text: Vec<u8> = (0..=255).collect();
        // The numbers begin anew within it.
        let first = u32::MAX - 100;
        let mut state = 7_u32;
        for _ in 0..200 {
            let mut stream = Stream::from(first);
            let mut segments: Vec<(usize, usize)> = (0..256).step_by(16).map(|at| (at, 16)).collect();
            for _ in 0..40 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % 256;
                segments.insert((state >> 20) as usize % segments.len(), (at, 1 + (state >> 3) as usize % (256 - at)));
            }
            for (at, length) in segments {
                let number = first.wrapping_add(u32::try_from(at).unwrap());
                stream.take(number, &text[at..at + length], 0, at + length == 256);
            }
            assert_eq!((&stream.bytes, stream.gaps.len(), stream.order.is_over()), (&text, 0, true));
        }
    }

    #[test]
    fn what_is_missing_is_said_when_it_will_not_come() {
        let mut stream = Stream::from(0);
        stream.take(0, b"ab", 0, false);
        stream.take(5, b"fg", 0, true);
        assert_eq!((stream.bytes.as_slice(), stream.gaps.len()), (&b"ab"[..], 0));
        stream.finish();
        assert_eq!((stream.bytes.as_slice(), stream.gaps.as_slice()), (&b"abfg"[..], &[(2, 3)][..]));
        // What was cut off by the capture.
        let mut stream = Stream::from(0);
        stream.take(0, b"ab", 3, false);
        stream.take(5, b"f", 0, false);
        stream.take(6, b"", 0, true);
        assert_eq!((stream.bytes.as_slice(), stream.gaps.as_slice()), (&b"abf"[..], &[(2, 3)][..]));
        assert!(stream.order.is_over());
    }

    #[test]
    fn what_comes_before_its_turn_is_kept_up_to_a_limit() {
        let mut stream = Stream::from(0);
        let segment = [7; 1000];
        for index in 1..=3000_u32 {
            stream.take(index * 1000, &segment, 0, false);
            assert!(stream.order.kept <= KEPT);
        }
        assert_eq!(stream.gaps, [(0, 1000)]);
        stream.finish();
        assert_eq!(stream.bytes.len(), 3_000_000);
        // Tiny ones, with holes between.
        let mut stream = Stream::from(0);
        (1..20_000).for_each(|index| stream.take(index * 2, b"x", 0, false));
        assert!(stream.order.ahead.len() <= SEGMENTS);
    }
}
