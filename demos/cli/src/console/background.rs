//! Lines that a thread of its own writes, so that nobody else waits for whoever reads them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Kind;
use super::seldom::Seldom;

/// How much may wait to be written, in bytes. As much again may be being written.
const MOST: usize = 1024 * 1024;

/// How often it is looked whether lines that were left out are to be told of.
const PAUSE: Duration = Duration::from_secs(1);

/// A stream that is written to by a thread of its own.
///
/// A line for which there is no memory left, because nobody reads those before it, is left out, and that is said in the
/// stream when it moves on. What becomes of the stream itself is of no concern: it may have no reader any more.
#[derive(Clone)]
pub(super) struct Background(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// There is something to write, or everything has been written.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Whole lines.
    bytes: Vec<u8>,
    /// How many lines were left out after those.
    missed: u64,
    is_writing: bool,
    kinds: BTreeMap<Kind, Seldom>,
}

impl Background {
    /// A stream in which this is said where lines were left out.
    pub(super) fn new(stream: impl Write + Send + 'static, left_out: fn(u64) -> String) -> Self {
        let this = Self(Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() }));
        let shared = Arc::clone(&this.0);
        // Without the thread nothing is written, which is no reason not to serve.
        let _ = thread::Builder::new().name("console".into()).spawn(move || shared.write_all(stream, left_out));
        this
    }

    /// Writes lines, with their ends, when it is their turn.
    pub(super) fn push(&self, lines: &[u8]) {
        self.0.queue().push(lines);
        self.0.changed.notify_all();
    }

    /// Writes a line of this kind, unless there have been too many; how many were left out is said later.
    pub(super) fn push_of(&self, kind: Kind, line: impl Display) {
        let mut queue = self.0.queue();
        if let Some(more) = queue.seldom(kind).admit(Instant::now()) {
            queue.push(super::printable(format_args!("{line}{more}")).as_bytes());
        }
        drop(queue);
        self.0.changed.notify_all();
    }

    /// Waits until everything is written, or for so long.
    pub(super) fn finish(&self, patience: Duration) {
        let mut queue = self.0.queue();
        queue.settle(|seldom| Some(seldom.rest()).filter(|unsaid| *unsaid > 0));
        self.0.changed.notify_all();
        let unwritten = |queue: &mut Queue| queue.is_writing || !queue.is_empty();
        drop(self.0.changed.wait_timeout_while(queue, patience, unwritten));
    }
}

/// How many lines were left out, for a person.
pub(super) fn in_words(missed: u64) -> String {
    format!("{missed} lines left out here, for nobody read those before\n")
}

impl Shared {
    fn write_all(&self, mut stream: impl Write, left_out: fn(u64) -> String) {
        let mut queue = self.queue();
        loop {
            queue.settle(|seldom| seldom.overdue(Instant::now()));
            if queue.is_empty() {
                self.changed.notify_all();
                queue = if queue.kinds.values().any(Seldom::owes) {
                    self.changed.wait_timeout(queue, PAUSE).unwrap_or_else(PoisonError::into_inner).0
                } else {
                    self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
                };
                continue;
            }
            let (mut bytes, missed) = (mem::take(&mut queue.bytes), mem::take(&mut queue.missed));
            queue.is_writing = true;
            drop(queue);
            if missed > 0 {
                bytes.extend(left_out(missed).as_bytes());
            }
            let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
            queue = self.queue();
            queue.is_writing = false;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Whole lines are pushed or none.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    const fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.missed == 0
    }

    fn push(&mut self, lines: &[u8]) {
        // After a line that was left out none may come before that has been said.
        if self.missed == 0 && self.bytes.len() + lines.len() <= MOST {
            self.bytes.extend_from_slice(lines);
        } else {
            self.missed += 1;
        }
    }

    fn seldom(&mut self, kind: Kind) -> &mut Seldom {
        self.kinds.entry(kind).or_insert_with(|| Seldom::new(kind.burst()))
    }

    /// Says of which kinds how many lines were left out.
    fn settle(&mut self, mut unsaid: impl FnMut(&mut Seldom) -> Option<u64>) {
        let mut kinds = mem::take(&mut self.kinds);
        for (kind, seldom) in &mut kinds {
            if let Some(count) = unsaid(seldom) {
                self.push(format!("error: {count} more since the last such line: {}\n", kind.words()).as_bytes());
            }
        }
        self.kinds = kinds;
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    /// A stream that says what it is to write, and waits until it may go on.
    struct Slow(Sender<String>, Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(String::from_utf8(bytes.to_vec()).unwrap());
            self.1.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Background, Receiver<String>, Sender<()>) {
        let (written, writes) = mpsc::channel();
        let (go, goes) = mpsc::channel();
        (Background::new(Slow(written, goes), in_words), writes, go)
    }

    #[test]
    fn nobody_waits_for_a_reader_and_lines_that_are_lost_are_counted() {
        let (background, writes, go) = slow();
        background.push(b"first\n");
        assert_eq!(writes.recv().unwrap(), "first\n");
        let line = "x".repeat(999) + "\n";
        (0..5000).for_each(|_| background.push(line.as_bytes()));
        background.finish(Duration::ZERO);
        go.send(()).unwrap();
        let kept = MOST / 1000;
        let text = writes.recv().unwrap();
        let (lines, note) = text.split_at(kept * 1000);
        assert!(lines.lines().all(|kept| kept.len() == 999));
        assert_eq!(note, format!("{} lines left out here, for nobody read those before\n", 5000 - kept));
        go.send(()).unwrap();
        background.finish(Duration::from_mins(1));
        background.push(b"last\n");
        assert_eq!(writes.recv().unwrap(), "last\n");
    }

    #[test]
    fn a_stream_that_fails_is_written_to_again() {
        let (background, writes, go) = slow();
        drop(go);
        for line in ["one\n", "two\n"] {
            background.push(line.as_bytes());
            assert_eq!(writes.recv().unwrap(), line);
            background.finish(Duration::from_mins(1));
        }
    }

    #[test]
    fn of_many_lines_of_a_kind_a_few_are_written_and_the_others_counted() {
        let (background, writes, go) = slow();
        (0..10_000).for_each(|_| go.send(()).unwrap());
        (0..1000).for_each(|number| background.push_of(Kind::Failed, format_args!("{number}")));
        background.push_of(Kind::Panicked, "another");
        background.finish(Duration::from_mins(1));
        drop(background);
        let text: String = writes.try_iter().collect();
        let mut unsaid = 1000;
        for line in text.lines().filter(|line| *line != "another") {
            let more = line.split_once("; ").or_else(|| line.split_once(": ")).map(|(_, rest)| rest);
            let more = more.and_then(|rest| rest.split_once(" more ")).map_or(0, |(count, _)| count.parse().unwrap());
            unsaid -= more + u32::from(!line.starts_with("error: "));
        }
        assert_eq!(unsaid, 0, "{text}");
        assert!(text.lines().count() < 100 && text.contains("another\n"), "{text}");
    }
}
