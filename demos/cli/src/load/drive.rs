//! The loop that sends requests and takes answers, on all connections at once.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::Plan;
use super::line::{Kind, Line};
use super::pace::Pace;
use super::request::Request;
use super::tally::{Failure, Tally};
use crate::wire::Place;

/// How long a connection that failed is not opened again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long to wait for events at the most.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// What is sent at a time to an echo of bytes, at the most.
const BATCH: usize = 256 * 1024;

/// A run against one server.
pub(super) struct Driver<'a> {
    plan: &'a Plan,
    request: &'a Request<'a>,
    place: Place,
    kind: Kind,
    poll: Poll,
    slots: Vec<Slot>,
    /// The slots that may take another request.
    available: VecDeque<usize>,
    /// The slots that have something to be written.
    unflushed: Vec<usize>,
    under_way: usize,
    /// Requests, one behind the other.
    batch: Vec<u8>,
    scrap: Vec<u8>,
    tally: Tally,
}

/// The place of a connection.
#[derive(Debug)]
struct Slot {
    line: Option<Line>,
    /// Without a connection, when to open one.
    open_at: Instant,
    is_available: bool,
}

impl<'a> Driver<'a> {
    pub(super) fn new(plan: &'a Plan, request: &'a Request<'a>, place: Place, kind: Kind) -> io::Result<Self> {
        let frame = request.frame();
        let repeated = plan.pipeline.get().min(BATCH / frame.len()).max(1);
        let now = Instant::now();
        let slots = (0..plan.connections.get()).map(|_| Slot { line: None, open_at: now, is_available: false });
        Ok(Self {
            plan,
            request,
            place,
            kind,
            poll: Poll::new()?,
            slots: slots.collect(),
            available: VecDeque::new(),
            unflushed: Vec::new(),
            under_way: 0,
            // One more than is sent at a time, for what begins within one.
            batch: frame.repeat(repeated + 1),
            scrap: vec![0; 64 * 1024],
            tally: Tally::default(),
        })
    }

    /// Sends for this long, and waits for the last answers; does neither any more when it is to stop.
    pub(super) fn run(mut self, duration: Duration, stop: &AtomicBool) -> io::Result<Tally> {
        let mut events = Events::with_capacity(1024);
        let start = Instant::now();
        self.tally.begin(start, self.plan.duration);
        let mut pace = Pace::new(start, duration, self.plan.rate);
        let give_up = pace.end() + self.plan.timeout;
        loop {
            let now = Instant::now();
            if stop.load(Ordering::Relaxed) {
                pace.stop(now);
                self.under_way = 0;
                break;
            }
            let is_over = now >= pace.end();
            if (is_over && self.under_way == 0) || now >= give_up {
                break;
            }
            if !is_over {
                self.open(now);
            }
            self.send(&mut pace);
            match self.poll.poll(&mut events, Some(self.patience(&pace))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                // Whoever waits for less than a millisecond waits here, on the processor.
                thread::yield_now();
            }
            for event in &events {
                let has_ended = event.is_read_closed() || event.is_error();
                self.proceed(event.token().0, has_ended, is_over);
            }
        }
        self.finish(&pace, start);
        Ok(self.tally)
    }

    /// How long to wait for events.
    fn patience(&self, pace: &Pace) -> Duration {
        let now = Instant::now();
        let mut until = now + LONGEST_WAIT;
        if !self.available.is_empty() && now < pace.end() {
            until = until.min(pace.next(now));
        }
        // Pollers count in milliseconds, and round up.
        Duration::from_millis(u64::try_from(until.saturating_duration_since(now).as_millis()).unwrap_or(0))
    }

    /// Opens the connections that are not there.
    fn open(&mut self, now: Instant) {
        for index in 0..self.slots.len() {
            if self.slots[index].line.is_none() && self.slots[index].open_at <= now {
                self.open_one(index);
            }
        }
    }

    fn open_one(&mut self, index: usize) {
        let left = self.plan.per_connection.map_or(u64::MAX, Into::into);
        let opened = self.place.connect().and_then(|wire| {
            let mut line = Line::new(wire, self.kind, left);
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(line.wire_mut().source(), Token(index), both)?;
            Ok(line)
        });
        match opened {
            Ok(line) => self.slots[index].line = Some(line),
            Err(_) => self.fail(index, Failure::Connect),
        }
    }

    /// Sends the requests that are due.
    fn send(&mut self, pace: &mut Pace) {
        let depth = self.plan.pipeline.get();
        while let Some(&index) = self.available.front() {
            let slot = &mut self.slots[index];
            if let Some(line) = slot.line.as_mut().filter(|line| line.has_room(depth)) {
                let Some(due) = pace.take(Instant::now()) else { break };
                if let Err(failure) = line.send(self.request, due) {
                    self.fail(index, failure);
                    continue;
                }
                self.tally.sent += 1;
                self.under_way += 1;
                self.unflushed.push(index);
                if line.has_room(depth) {
                    self.available.rotate_left(1);
                    continue;
                }
            }
            slot.is_available = false;
            self.available.pop_front();
        }
        while let Some(index) = self.unflushed.pop() {
            self.flush(index);
        }
    }

    fn flush(&mut self, index: usize) {
        let Some(line) = &mut self.slots[index].line else { return };
        if let Err(failure) = line.flush(&self.batch, self.request.frame().len()) {
            // What the server has sent before it closed may say more.
            let failure = self.receive(index, true).err().unwrap_or(failure);
            self.fail(index, failure);
        }
    }

    fn receive(&mut self, index: usize, has_ended: bool) -> Result<(), Failure> {
        let Some(line) = &mut self.slots[index].line else { return Ok(()) };
        let before = line.under_way();
        let outcome = line.receive(self.request.frame().len(), has_ended, &mut self.scrap, &mut self.tally);
        self.under_way -= before - line.under_way();
        outcome
    }

    /// Does what a connection is ready for.
    fn proceed(&mut self, index: usize, has_ended: bool, is_over: bool) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let Some(line) = &mut slot.line else { return };
        let is_new = !line.has_opened();
        match line.is_opened() {
            Ok(true) => self.tally.opened += u64::from(is_new),
            Ok(false) => return,
            Err(_) => return self.fail(index, Failure::Connect),
        }
        self.flush(index);
        if let Err(failure) = self.receive(index, has_ended) {
            return self.fail(index, failure);
        }
        let slot = &mut self.slots[index];
        let Some(line) = &slot.line else { return };
        if line.is_used_up() {
            slot.line = None;
            if !is_over {
                self.open_one(index);
            }
        } else if !slot.is_available && line.has_room(self.plan.pipeline.get()) {
            slot.is_available = true;
            self.available.push_back(index);
        }
    }

    /// Gives a connection up.
    fn fail(&mut self, index: usize, failure: Failure) {
        let slot = &mut self.slots[index];
        let lost = slot.line.take().map_or(0, |line| line.under_way());
        self.under_way -= lost;
        slot.open_at = Instant::now() + PAUSE;
        // A connection that fails with nothing under way is one failure too.
        self.tally.fail(failure, lost.max(1) as u64);
    }

    /// Counts what did not come to its end.
    fn finish(&mut self, pace: &Pace, start: Instant) {
        self.tally.fail(Failure::Timeout, self.under_way as u64);
        let unopened = self.slots.iter().filter_map(|slot| slot.line.as_ref()).filter(|line| !line.has_opened());
        let unopened = if self.plan.per_connection.is_none() { unopened.count() } else { 0 };
        self.tally.fail(Failure::Connect, unopened as u64);
        self.tally.unsent = pace.left();
        self.tally.finish(start, pace.end());
    }
}
