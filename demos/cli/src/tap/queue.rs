//! What of a direction has been passed on, for whoever looks at it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::inspect::Piece;

/// How many bytes may wait to be looked at before messages are left out, about.
pub(super) const MOST: usize = 4 * 1024 * 1024;

/// Up to how many bytes pieces are put together, and what one takes besides its bytes, about.
const TOGETHER: usize = 64 * 1024;
const OVERHEAD: usize = 128;

/// A queue whose writer never waits: it asks whether there is space, and leaves out what there is none for.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Piece>,
    /// How much memory they take, about.
    held: usize,
    /// How many bytes have passed that nobody has looked at or will look at.
    unseen: u64,
    is_closed: bool,
    has_ended: bool,
}

/// How much more is to be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// There is enough again, if there was none.
    Plenty,
    Some,
    None,
    /// Nobody looks any more.
    Closed,
}

/// Nothing has come in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Silence;

impl Queue {
    pub(super) fn space(&self) -> Space {
        let state = self.state();
        match state.held {
            _ if state.is_closed => Space::Closed,
            held if held > MOST => Space::None,
            held if held > MOST / 2 => Space::Some,
            _ => Space::Plenty,
        }
    }

    /// Adds a piece, or counts it if nobody looks any more.
    pub(super) fn push(&self, piece: Piece) {
        let mut state = self.state();
        if state.is_closed {
            state.unseen += piece.len();
            return;
        }
        if let Piece::Unseen { bytes, .. } = piece {
            state.unseen += bytes;
        }
        let before = state.pieces.back().map_or(0, cost);
        let piece = match (state.pieces.back_mut(), piece) {
            (Some(Piece::Bytes(last)), Piece::Bytes(more)) if last.len() < TOGETHER => {
                last.extend(more);
                None
            }
            (Some(Piece::Content(last, text)), Piece::Content(more, with)) => {
                (*last, *text) = (*last + more, with);
                None
            }
            (Some(Piece::Unseen { messages, bytes }), Piece::Unseen { messages: more, bytes: long }) => {
                (*messages, *bytes) = (*messages + more, *bytes + long);
                None
            }
            (_, piece) => Some(piece),
        };
        match piece {
            Some(piece) => {
                state.held += cost(&piece);
                state.pieces.push_back(piece);
            }
            None => state.held = state.held - before + state.pieces.back().map_or(0, cost),
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// Counts bytes that nobody will look at.
    pub(super) fn miss(&self, count: usize) {
        self.state().unseen += count as u64;
    }

    /// Nothing more is pushed.
    pub(super) fn end(&self) {
        self.state().has_ended = true;
        self.0.changed.notify_one();
    }

    /// Nothing more is read. What is pushed from now on is counted.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let pieces = std::mem::take(&mut state.pieces);
        let is_counted = |piece: &&Piece| matches!(piece, Piece::Unseen { .. });
        state.unseen += pieces.iter().filter(|piece| !is_counted(piece)).map(Piece::len).sum::<u64>();
        state.held = 0;
    }

    /// How many bytes were passed on that nobody looked at.
    pub(super) fn unseen(&self) -> u64 {
        self.state().unseen
    }

    /// Waits for the next piece, for so long at the most; `None` at the end.
    pub(super) fn next_within(&self, time: Duration) -> Result<Option<Piece>, Silence> {
        let is_idle = |state: &mut State| state.pieces.is_empty() && !state.has_ended;
        let waited = self.0.changed.wait_timeout_while(self.state(), time, is_idle);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(Silence);
        }
        let piece = state.pieces.pop_front();
        state.held -= piece.as_ref().map_or(0, cost);
        Ok(piece)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn cost(piece: &Piece) -> usize {
    match piece {
        Piece::Bytes(bytes) => OVERHEAD + bytes.len(),
        Piece::Content(..) | Piece::Unseen { .. } => OVERHEAD,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn bytes(count: usize) -> Piece {
        Piece::Bytes(vec![7; count])
    }

    #[test]
    fn what_is_pushed_is_read_in_its_order_up_to_the_end() {
        let queue = Queue::default();
        let reader = thread::spawn({
            let queue = queue.clone();
            move || {
                let (mut read, mut passed) = (Vec::new(), 0);
                while let Ok(Some(piece)) = queue.next_within(Duration::from_mins(1)) {
                    match piece {
                        Piece::Bytes(bytes) => read.extend(bytes),
                        piece => passed += piece.len(),
                    }
                }
                (read, passed)
            }
        });
        (0..100).for_each(|byte| queue.push(Piece::Bytes(vec![byte])));
        queue.push(Piece::Content(5, Box::default()));
        queue.end();
        assert_eq!(reader.join().unwrap(), ((0..100).collect(), 5));
        assert_eq!((queue.unseen(), queue.space()), (0, Space::Plenty));
    }

    #[test]
    fn there_is_plenty_of_space_only_when_much_has_been_read_after_there_was_none() {
        let queue = Queue::default();
        while queue.space() != Space::None {
            queue.push(bytes(TOGETHER));
        }
        let mut count = 0;
        while queue.space() != Space::Plenty {
            queue.next_within(Duration::ZERO).unwrap();
            count += 1;
        }
        assert!((30..34).contains(&count), "{count} pieces of 64 KiB are half of it");
        while queue.next_within(Duration::ZERO).is_ok() {}
        assert_eq!(queue.state().held, 0);
    }

    #[test]
    fn small_pieces_and_those_without_bytes_are_put_together() {
        let queue = Queue::default();
        for _ in 0..10_000 {
            queue.push(bytes(10));
        }
        assert_eq!(queue.state().pieces.len(), 2);
        for _ in 0..10_000 {
            queue.push(Piece::Content(1 << 20, Box::default()));
        }
        for _ in 0..10_000 {
            queue.push(Piece::Unseen { messages: 1, bytes: 144 });
        }
        let state = queue.state();
        assert_eq!((state.pieces.len(), state.held), (4, 100_000 + 4 * OVERHEAD));
        assert_eq!(state.pieces.iter().map(Piece::len).collect::<Vec<_>>(), [65540, 34460, 10_000 << 20, 1_440_000]);
        assert_eq!(state.unseen, 1_440_000);
    }

    #[test]
    fn whoever_waits_for_nothing_waits_for_no_longer_than_it_may() {
        let queue = Queue::default();
        assert!(queue.next_within(Duration::from_millis(1)).is_err());
        queue.push(bytes(1));
        assert!(queue.next_within(Duration::ZERO).unwrap().is_some_and(|piece| piece.len() == 1));
    }

    #[test]
    fn a_closed_queue_holds_nothing_and_counts() {
        let queue = Queue::default();
        queue.push(Piece::Unseen { messages: 1, bytes: 3 });
        queue.push(bytes(4));
        queue.close();
        assert_eq!((queue.unseen(), queue.space()), (7, Space::Closed));
        queue.push(bytes(5));
        queue.miss(6);
        assert_eq!((queue.unseen(), queue.state().pieces.len()), (18, 0));
    }
}
