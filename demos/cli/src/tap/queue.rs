//! Bytes that have been passed on, for whoever looks at them.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many bytes may wait to be looked at.
const MOST: usize = 4 * 1024 * 1024;

/// A queue whose writer never waits. Who reads it slower than it is written to has lost the rest as soon as it is full.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    /// How many have been pushed that nobody will look at.
    unseen: u64,
    is_full: bool,
    is_closed: bool,
    has_ended: bool,
}

impl Queue {
    /// Adds bytes, or counts them if nobody looks at them any more.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.is_full |= !state.is_closed && state.bytes.len() + bytes.len() > MOST;
        if state.is_closed || state.is_full {
            state.unseen += bytes.len() as u64;
        } else {
            state.bytes.extend(bytes);
        }
        drop(state);
        self.0.changed.notify_one();
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
        state.unseen += state.bytes.len() as u64;
        state.bytes = VecDeque::new();
    }

    /// Whether bytes are lost because the queue was full.
    pub(super) fn was_full(&self) -> bool {
        self.state().is_full
    }

    /// How many bytes were pushed that nobody looked at.
    pub(super) fn unseen(&self) -> u64 {
        self.state().unseen
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Waits for bytes, for so long at the most: none if none have come. An error if some are lost that would be next.
    pub(super) fn read_within(&self, space: &mut [u8], time: Duration) -> io::Result<Option<usize>> {
        let is_idle = |state: &mut State| state.bytes.is_empty() && !state.has_ended && !state.is_full;
        let waited = self.0.changed.wait_timeout_while(self.state(), time, is_idle);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Ok(None);
        }
        if state.bytes.is_empty() && state.is_full {
            return Err(io::Error::other("more has passed than could be looked at"));
        }
        state.bytes.read(space).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Everything up to the end, and whether nothing is lost.
    fn read_all(queue: &Queue) -> (Vec<u8>, bool) {
        let (mut read, mut space) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            match queue.read_within(&mut space, Duration::from_mins(1)) {
                Ok(Some(0)) => return (read, true),
                Ok(Some(count)) => read.extend(&space[..count]),
                Ok(None) => panic!("there is no end"),
                Err(_) => return (read, false),
            }
        }
    }

    #[test]
    fn what_is_pushed_is_read_up_to_the_end() {
        let queue = Queue::default();
        let reader = thread::spawn({
            let queue = queue.clone();
            move || read_all(&queue)
        });
        (0..100).for_each(|byte| queue.push(&[byte]));
        queue.end();
        assert_eq!(reader.join().unwrap(), ((0..100).collect(), true));
        assert_eq!((queue.unseen(), queue.was_full()), (0, false));
    }

    #[test]
    fn a_full_queue_does_not_wait_but_loses_the_rest_and_says_so() {
        let queue = Queue::default();
        let piece = vec![7; MOST / 2];
        (0..5).for_each(|_| queue.push(&piece));
        let (read, is_whole) = read_all(&queue);
        assert_eq!((read.len(), is_whole), (MOST, false));
        assert_eq!((queue.unseen(), queue.was_full()), (3 * MOST as u64 / 2, true));
    }

    #[test]
    fn whoever_waits_for_nothing_waits_for_no_longer_than_it_may() {
        let queue = Queue::default();
        assert_eq!(queue.read_within(&mut [0], Duration::from_millis(1)).unwrap(), None);
        queue.push(b"1");
        assert_eq!(queue.read_within(&mut [0], Duration::ZERO).unwrap(), Some(1));
    }

    #[test]
    fn a_closed_queue_holds_nothing_and_counts() {
        let queue = Queue::default();
        queue.push(b"1234");
        queue.close();
        let piece = vec![7; MOST];
        (0..5).for_each(|_| queue.push(&piece));
        assert_eq!((queue.unseen(), queue.was_full()), (4 + 5 * MOST as u64, false));
    }
}
