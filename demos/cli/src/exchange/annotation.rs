//! One direction of a connection, annotated as `inspect` does it while bytes go over it.

use std::io::{self, Read, Write};
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::dialect::DialectName;
use crate::inspect::{self, Live, Options};

/// Shows a stream to a person while it is being read or written. Dropped, it says how the stream ended, if it did. A fault is pointed to:
/// whoever reads the stream says what is wrong.
pub(crate) struct Annotation {
    shared: Arc<Shared>,
    live: Arc<Live>,
    thread: Option<JoinHandle<()>>,
}

impl Annotation {
    /// Gives whole lines of annotation, with their ends, to `write`, in another thread.
    pub(crate) fn start(
        dialect: DialectName,
        color: bool,
        write: impl FnMut(&str) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut source = Source(Arc::clone(&shared));
        let mut output = Lines { unwritten: Vec::new(), write };
        let live = Arc::new(Live::default());
        let options = Options { dialect, color, live: Some(Arc::clone(&live)), ..Options::default() };
        let thread = thread::Builder::new().name("annotation".into()).spawn(move || {
            // Neither side fails. What comes after a fault cannot be annotated.
            let _ = inspect::inspect(&mut source, &mut output, &options);
            source.0.lock().is_over = true;
            source.0.changed.notify_all();
        })?;
        Ok(Self { shared, live, thread: Some(thread) })
    }

    /// The stream is what this program sends: of one that never began nothing is shown.
    pub(crate) fn is_sent(&self) {
        self.live.is_sent.store(true, Ordering::Relaxed);
    }

    /// The stream is what the peer has sent, sent back.
    pub(crate) fn is_echo(&self) {
        self.live.is_echo.store(true, Ordering::Relaxed);
    }

    /// The peer has ended the stream.
    pub(crate) fn has_ended(&self) {
        self.live.has_ended.store(true, Ordering::Relaxed);
    }

    /// Shows the end of the stream before it is dropped.
    pub(crate) fn ending(&self) -> Ending {
        Ending(Arc::clone(&self.shared))
    }

    /// Shows the next bytes of the stream, and returns when that is done.
    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut state = self.shared.lock();
        if bytes.is_empty() || state.is_over {
            return;
        }
        (state.piece, state.taken, state.is_waiting) = (bytes.to_vec(), 0, false);
        self.shared.changed.notify_all();
        drop(self.shared.wait_while(state, |state| !state.is_waiting && !state.is_over));
    }
}

impl Drop for Annotation {
    fn drop(&mut self) {
        self.shared.lock().has_ended = true;
        self.shared.changed.notify_all();
        // It has nothing more to say if it has panicked.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Shows the end of an annotated stream from elsewhere.
pub(crate) struct Ending(Arc<Shared>);

impl Ending {
    /// Shows that the stream has ended, and returns when that is done. What comes after it is not shown.
    pub(crate) fn show(&self) {
        let mut state = self.0.lock();
        state.has_ended = true;
        self.0.changed.notify_all();
        drop(self.0.wait_while(state, |state| !state.is_over));
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    piece: Vec<u8>,
    /// How much of the piece has been read.
    taken: usize,
    /// Whether everything is shown, and more is waited for.
    is_waiting: bool,
    has_ended: bool,
    /// Whether nothing more is read.
    is_over: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        condition: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_while(state, condition).unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is pushed, to be read.
struct Source(Arc<Shared>);

impl Read for Source {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        if state.taken == state.piece.len() && !state.has_ended {
            state.is_waiting = true;
            self.0.changed.notify_all();
            state = self.0.wait_while(state, |state| state.is_waiting && !state.has_ended);
        }
        let count = (&state.piece[state.taken..]).read(place)?;
        state.taken += count;
        Ok(count)
    }
}

/// Collects what is written until lines are whole.
struct Lines<W> {
    unwritten: Vec<u8>,
    write: W,
}

impl<W: FnMut(&str)> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unwritten.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(end) = self.unwritten.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        let rest = self.unwritten.split_off(end + 1);
        let lines = mem::replace(&mut self.unwritten, rest);
        (self.write)(&String::from_utf8_lossy(&lines));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"\0\x61{\"byteorder\": \"little\", \"content-type\": \"text\", \"content-encoding\": \"utf-8\", \"content-length\": 2}hi";

    fn annotation() -> (Annotation, Arc<Mutex<String>>) {
        let shown = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&shown);
        let write = move |lines: &str| to.lock().unwrap().push_str(lines);
        (Annotation::start(DialectName::STANDARD, false, write).unwrap(), shown)
    }

    #[test]
    fn what_was_pushed_is_shown_when_it_returns() {
        let (annotation, shown) = annotation();
        annotation.push(MESSAGE);
        assert!(shown.lock().unwrap().contains("content, 2 bytes, text"), "{}", shown.lock().unwrap());
        annotation.push(&MESSAGE[..50]);
        drop(annotation);
        let shown = shown.lock().unwrap();
        assert!(shown.contains("message 2") && shown.contains("header, 48 of 97 bytes\n"), "{shown}");
    }

    #[test]
    fn after_a_fault_nobody_waits() {
        let (annotation, shown) = annotation();
        annotation.push(b"HTTP/1.1 200 OK\r\n");
        annotation.push(&vec![b'x'; 1 << 20]);
        annotation.push(b"x");
        drop(annotation);
        let shown = shown.lock().unwrap();
        assert!(shown.contains("proto-header 48 54, ") && shown.trim_end().ends_with('^'), "{shown}");
    }
}
