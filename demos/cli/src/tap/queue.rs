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
///
/// There is one for each direction of a connection, and each piece is read after those that came before it in the other
/// direction have been looked at.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    both: Arc<Both>,
    side: usize,
}

#[derive(Debug, Default)]
struct Both {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    sides: [Side; 2],
    /// The number of the last piece, of either side.
    last: u64,
}

#[derive(Debug, Default)]
struct Side {
    /// Each with its number.
    pieces: VecDeque<(u64, Piece)>,
    /// The number of the piece that is being looked at.
    looked_at: Option<u64>,
    /// How much memory they take, about.
    held: usize,
    /// How many bytes have passed that nobody has looked at or will look at.
    unseen: u64,
    is_closed: bool,
    has_ended: bool,
}

impl Side {
    /// The number of the first piece that has not been looked at.
    fn first(&self) -> Option<u64> {
        self.looked_at.or_else(|| self.pieces.front().map(|(number, _)| *number))
    }
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
    /// Those of both directions.
    pub(super) fn pair() -> [Self; 2] {
        let both = Arc::<Both>::default();
        [0, 1].map(|side| Self { both: Arc::clone(&both), side })
    }

    pub(super) fn space(&self) -> Space {
        let side = &self.state().sides[self.side];
        match side.held {
            _ if side.is_closed => Space::Closed,
            held if held > MOST => Space::None,
            held if held > MOST / 2 => Space::Some,
            _ => Space::Plenty,
        }
    }

    /// Adds a piece, or counts it if nobody looks any more.
    pub(super) fn push(&self, piece: Piece) {
        let mut state = self.state();
        let last = state.last;
        let side = &mut state.sides[self.side];
        if side.is_closed {
            side.unseen += piece.len();
            return;
        }
        if let Piece::Unseen { bytes, .. } = piece {
            side.unseen += bytes;
        }
        // What the other side has after it must not come before it.
        let back = side.pieces.back_mut().filter(|(number, _)| *number == last).map(|(_, piece)| piece);
        let before = back.as_deref().map_or(0, cost);
        let piece = match (back, piece) {
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
                side.held += cost(&piece);
                side.pieces.push_back((last + 1, piece));
                state.last += 1;
            }
            None => side.held = side.held - before + side.pieces.back().map_or(0, |(_, piece)| cost(piece)),
        }
        drop(state);
        self.both.changed.notify_all();
    }

    /// Counts bytes that nobody will look at.
    pub(super) fn miss(&self, count: usize) {
        self.state().sides[self.side].unseen += count as u64;
    }

    /// Nothing more is pushed.
    pub(super) fn end(&self) {
        self.state().sides[self.side].has_ended = true;
        self.both.changed.notify_all();
    }

    /// Nothing more is read. What is pushed from now on is counted.
    pub(super) fn close(&self) {
        let mut state = self.state();
        let side = &mut state.sides[self.side];
        side.is_closed = true;
        let pieces = std::mem::take(&mut side.pieces);
        let is_counted = |piece: &&(u64, Piece)| matches!(piece.1, Piece::Unseen { .. });
        side.unseen += pieces.iter().filter(|piece| !is_counted(piece)).map(|(_, piece)| piece.len()).sum::<u64>();
        (side.held, side.looked_at) = (0, None);
        drop(state);
        self.both.changed.notify_all();
    }

    /// How many bytes were passed on that nobody looked at.
    pub(super) fn unseen(&self) -> u64 {
        self.state().sides[self.side].unseen
    }

    /// Waits for the next piece, for so long at the most; `None` at the end. The piece before it has been looked at.
    pub(super) fn next_within(&self, time: Duration) -> Result<Option<Piece>, Silence> {
        let mut state = self.state();
        if state.sides[self.side].looked_at.take().is_some() {
            self.both.changed.notify_all();
        }
        let must_wait = |state: &mut State| {
            let (side, other) = (&state.sides[self.side], &state.sides[1 - self.side]);
            match side.first() {
                None => !side.has_ended,
                Some(number) => other.first().is_some_and(|earlier| earlier < number),
            }
        };
        let waited = self.both.changed.wait_timeout_while(state, time, must_wait);
        (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let side = &mut state.sides[self.side];
        let Some((number, piece)) = side.pieces.pop_front() else {
            return if side.has_ended { Ok(None) } else { Err(Silence) };
        };
        side.looked_at = Some(number);
        side.held -= cost(&piece);
        Ok(Some(piece))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.both.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn queue() -> Queue {
        let [queue, _] = Queue::pair();
        queue
    }

    fn bytes(count: usize) -> Piece {
        Piece::Bytes(vec![7; count])
    }

    #[test]
    fn what_is_pushed_is_read_in_its_order_up_to_the_end() {
        let queue = queue();
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
        let queue = queue();
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
        assert_eq!(queue.state().sides[0].held, 0);
    }

    #[test]
    fn small_pieces_and_those_without_bytes_are_put_together() {
        let queue = queue();
        for _ in 0..10_000 {
            queue.push(bytes(10));
        }
        assert_eq!(queue.state().sides[0].pieces.len(), 2);
        for _ in 0..10_000 {
            queue.push(Piece::Content(1 << 20, Box::default()));
        }
        for _ in 0..10_000 {
            queue.push(Piece::Unseen { messages: 1, bytes: 144 });
        }
        let state = &queue.state().sides[0];
        assert_eq!((state.pieces.len(), state.held), (4, 100_000 + 4 * OVERHEAD));
        assert_eq!(
            state.pieces.iter().map(|(_, piece)| piece.len()).collect::<Vec<_>>(),
            [65540, 34460, 10_000 << 20, 1_440_000]
        );
        assert_eq!(state.unseen, 1_440_000);
    }

    #[test]
    fn a_piece_is_read_after_those_before_it_in_the_other_direction_were_looked_at() {
        let [one, other] = Queue::pair();
        one.push(bytes(1));
        other.push(bytes(2));
        one.push(bytes(3));
        one.push(bytes(4));
        let reader = thread::spawn({
            let other = other.clone();
            move || other.next_within(Duration::from_mins(1)).unwrap().unwrap().len()
        });
        assert_eq!(one.next_within(Duration::ZERO).unwrap().unwrap().len(), 1);
        thread::sleep(Duration::from_millis(20));
        assert!(!reader.is_finished(), "the first is still looked at");
        let next = thread::spawn(move || (one.next_within(Duration::from_mins(1)).unwrap().unwrap().len(), one));
        assert_eq!(reader.join().unwrap(), 2);
        thread::sleep(Duration::from_millis(20));
        assert!(!next.is_finished(), "the second is still looked at");
        // Nobody waits for whoever looks at nothing more.
        other.close();
        assert_eq!(next.join().unwrap().0, 7);
    }

    #[test]
    fn whoever_waits_for_nothing_waits_for_no_longer_than_it_may() {
        let queue = queue();
        assert!(queue.next_within(Duration::from_millis(1)).is_err());
        queue.push(bytes(1));
        assert!(queue.next_within(Duration::ZERO).unwrap().is_some_and(|piece| piece.len() == 1));
    }

    #[test]
    fn a_closed_queue_holds_nothing_and_counts() {
        let queue = queue();
        queue.push(Piece::Unseen { messages: 1, bytes: 3 });
        queue.push(bytes(4));
        queue.close();
        assert_eq!((queue.unseen(), queue.space()), (7, Space::Closed));
        queue.push(bytes(5));
        queue.miss(6);
        assert_eq!((queue.unseen(), queue.state().sides[0].pieces.len()), (18, 0));
    }
}
