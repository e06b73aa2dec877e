//! Takes the steps of a rule over a connection.

use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use jsonframe_std::Timeouts;

use super::seen::{End, Flood, Reader, Seen};
use super::step::Step;
use crate::connect::Stream;

/// How often a [`Step::Trickle`] waits for a millisecond at the most.
const TRICKLE: usize = 256;

/// How many times the timeout it may take to send the bytes of a step.
const SENDING: u32 = 3;

/// How much is read of what a program sends on one connection, in bytes.
pub(super) const MOST_READ: u64 = 64 << 20;

/// How much is sent to a program that need not take it, in bytes.
const MOST_SENT: u64 = 64 << 20;

/// How long is waited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// After this time without a byte, it is silence.
    pub(super) timeout: Duration,
    /// How long a peer may take to end a connection on which nothing happens.
    pub(super) deadline: Duration,
}

impl Patience {
    /// How long a [`Step::Pause`] is: long enough for a peer to read what has been sent.
    fn pause(self) -> Duration {
        self.timeout / 20
    }

    /// How long is waited for more, where something has come.
    fn for_more(self) -> Duration {
        self.timeout / 4
    }
}

/// A connection, and what has been seen of it.
pub(super) struct Line<'a> {
    stream: Stream,
    patience: Patience,
    /// Asks for a good message on another connection.
    ask: &'a dyn Fn() -> Seen,
    reader: Reader,
    read: u64,
    has_ended: bool,
    seen: Seen,
}

impl<'a> Line<'a> {
    pub(super) fn new(stream: Stream, patience: Patience, ask: &'a dyn Fn() -> Seen) -> Self {
        let (reader, seen) = (Reader::default(), Seen::default());
        Self { stream, patience, ask, reader, read: 0, has_ended: false, seen }
    }

    /// Takes the steps, and returns what was seen.
    pub(super) fn play(mut self, steps: Vec<Step>) -> Seen {
        for step in steps {
            self.step(step);
        }
        self.seen
    }

    /// Waits for no more of what is not whole, and returns what was seen.
    pub(super) fn give_up(mut self) -> Seen {
        if self.seen.end == End::Silence {
            self.reader.give_up(&mut self.seen);
        }
        self.seen
    }

    /// What has been seen until now.
    pub(super) const fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn step(&mut self, step: Step) {
        let timeout = self.patience.timeout;
        match step {
            Step::Send(bytes) => self.send(&bytes, Instant::now() + SENDING * timeout),
            Step::Trickle(bytes) => {
                let until = Instant::now() + SENDING * timeout;
                for (index, byte) in bytes.iter().enumerate() {
                    self.send(&[*byte], until);
                    if index % bytes.len().div_ceil(TRICKLE) == 0 && !self.seen.is_cut_off {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            }
            Step::Pause => thread::sleep(self.patience.pause()),
            // A peer that has ended the connection has done so before.
            Step::EndSending => self.seen.is_cut_off |= self.stream.end_sending().is_err(),
            Step::Await(count) => self.receive(timeout, timeout, |seen| seen.answers.len() >= count),
            Step::Watch => self.receive(timeout, self.patience.for_more(), |_| false),
            Step::WatchForDeadline => {
                let deadline = self.patience.deadline;
                self.receive(deadline, deadline, |_| false);
            }
            Step::AskOnAnother => self.seen.others = Some(Box::new((self.ask)())),
            Step::Flood(bytes) => self.flood(&bytes),
        }
    }

    /// Sends all of it until then, or nothing more at all.
    fn send(&mut self, mut bytes: &[u8], until: Instant) {
        while !self.seen.is_cut_off && !bytes.is_empty() {
            let time = until.saturating_duration_since(Instant::now());
            if time.is_zero() {
                self.seen.is_cut_off = true;
                return;
            }
            match self.stream.set_write_timeout(Some(time)).and_then(|()| self.stream.write(bytes)) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.seen.is_cut_off = true,
            }
        }
        if !self.seen.is_cut_off {
            self.seen.is_cut_off = self.stream.flush().is_err();
        }
    }

    fn flood(&mut self, bytes: &[u8]) {
        let (mut sent, mut at) = (0, 0);
        // With a large buffer it takes longer, and shows the same.
        let _ = self.stream.shrink_receive_buffer();
        // A peer that still takes a little from time to time has stopped to read all the same.
        let until = Instant::now() + 4 * self.patience.timeout;
        let flood = loop {
            if sent >= MOST_SENT {
                break Flood::TookAll(sent);
            }
            let time = self.patience.for_more().min(until.saturating_duration_since(Instant::now()));
            if time.is_zero() {
                break Flood::Blocked(sent);
            }
            // Only part of it may be written, and what follows has to fit to that.
            let written = self.stream.set_write_timeout(Some(time)).and_then(|()| self.stream.write(&bytes[at..]));
            match written {
                Ok(0) => break Flood::Blocked(sent),
                Ok(count) => {
                    sent += count as u64;
                    at = (at + count) % bytes.len();
                }
                Err(error) if is_time_out(&error) => break Flood::Blocked(sent),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break Flood::Ended,
            }
        };
        self.seen.flooded = Some(flood);
    }

    /// Reads until it is done, the connection ends, or nothing comes: for this time at first, and for that one once a
    /// message has come. All of it is over in three times the first.
    fn receive(&mut self, first: Duration, more: Duration, is_done: impl Fn(&Seen) -> bool) {
        let mut buffer = [0; 16 * 1024];
        let messages_before = self.seen.answers.len();
        let until = Instant::now() + 3 * first;
        while !self.has_ended && !is_done(&self.seen) {
            let time = if self.seen.answers.len() > messages_before { more } else { first };
            let time = time.min(until.saturating_duration_since(Instant::now()));
            if time.is_zero() {
                return;
            }
            let limited = self.stream.set_read_timeout(Some(time));
            match limited.and_then(|()| self.stream.read(&mut buffer)) {
                Ok(0) => self.end(End::Closed),
                Ok(count) => {
                    self.read += count as u64;
                    self.reader.push(&buffer[..count], &mut self.seen);
                    if self.read > MOST_READ {
                        self.end(End::TooMuch);
                    }
                }
                Err(error) if is_time_out(&error) => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.end(End::WithoutNotice),
                Err(_) => self.end(End::Reset),
            }
        }
    }

    fn end(&mut self, end: End) {
        (self.has_ended, self.seen.end) = (true, end);
        // What a reset has cut off is no fault of a message.
        if matches!(end, End::Closed | End::WithoutNotice) {
            self.reader.finish(&mut self.seen);
        }
    }
}

fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
