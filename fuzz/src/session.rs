//! Two sessions over a transport that shortens, splits, delays, reorders readiness, interrupts, fails and cuts: every whole
//! message arrives once and in order, the end is told apart, and no call is made that cannot help.
//!
//! The input: the messages of each side (2 bytes, and 2 each), a cut (4), the write limit (2), whether one side answers
//! (1), and the script, which both the sessions' calls and the order of the turns follow.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::Arc;

use jsonframe_std::protocol::{DecodeErrorKind, Event};
use jsonframe_std::{Error, Fill, Flush, Session};

use crate::input::Input;
use crate::pipe::{Cut, End, Shared, pipe};
use crate::plan::Planned;
use crate::script::Script;

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let counts = [input.pick(8), input.pick(8)];
    let [first, second] = counts.map(|count| (0..count).map(|number| Planned::new(&mut input, number)).collect());
    let plans: [Vec<Planned>; 2] = [first, second];
    let (cut_side, cut_at, write_limit) = (input.pick(8), input.word().into(), input.word().into());
    let how = if input.pick(2) == 0 { Cut::End } else { Cut::Reset };
    let answers = input.pick(2) == 1;

    let script = Rc::new(RefCell::new(Script::new(input.rest())));
    let ends = pipe(&script);
    let cuts = [0, 1].map(|side| (side == cut_side).then_some((cut_at, how)));
    for (end, cut) in ends.iter().zip(cuts) {
        if let Some((at, how)) = cut {
            end.outgoing.borrow_mut().cut(at, how);
        }
    }
    let [left, right] = ends;
    let mut sides = [
        Side::new(left, &plans[0], &plans[1], cuts[1], write_limit, false),
        Side::new(right, &plans[1], &plans[0], cuts[0], write_limit, answers),
    ];
    run(&mut sides, &script);
    for side in sides {
        side.assert_complete();
    }
}

/// Gives the sides their turns, in the script's order and then by turns, until they are done.
fn run(sides: &mut [Side<'_, '_>; 2], script: &Shared<Script<'_>>) {
    let mut turns_left = 64;
    let mut turn = 0;
    while !sides.iter().all(Side::is_done) {
        let over = script.borrow().is_over();
        let order = if over { turn } else { usize::from(script.borrow_mut().byte()) };
        let side = &mut sides[order & 1];
        if over {
            // Nothing holds them up any more: each pair of turns must bring them forward by a message at least.
            assert!(turns_left > 0, "they do not come to an end: {:?}", script.borrow().calls);
            turns_left -= 1;
            side.hand_over(usize::MAX);
            side.flush();
            side.deliver(usize::MAX);
            side.receive(usize::MAX);
        } else {
            for place in 0..4 {
                // Each operation or not, and beginning with any of them.
                if order >> 1 & 1 << place != 0 {
                    match (place + (order >> 5)) % 4 {
                        0 => side.hand_over(1),
                        1 => side.deliver(100),
                        2 => side.flush(),
                        _ => side.receive(4),
                    }
                }
            }
        }
        turn += 1;
    }
}

/// How far sending has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sending {
    UnderWay,
    /// All has been written, and the stream ended.
    Done,
    /// The stream takes nothing any more.
    Broken,
}

/// How receiving has come to its end.
#[derive(Debug, PartialEq)]
enum Ended {
    Clean,
    Truncated { missing: u64, offset: u64 },
    Reset,
}

/// One side: what it sends, and what it expects.
struct Side<'a, 'p> {
    session: Session<End<'a>>,
    write_limit: usize,
    /// What is still to be handed over.
    to_send: &'p [Planned],
    /// How many messages may be handed over: where they are answers, one for each received, and the rest in the end.
    allowed: usize,
    answers: bool,
    sending: Sending,
    expected: &'p [Planned],
    cut: Option<(usize, Cut)>,
    received: usize,
    under_way: Option<Vec<u8>>,
    /// Whether the session has seen the end of the stream.
    seen_end: bool,
    ended: Option<Ended>,
}

impl<'a, 'p> Side<'a, 'p> {
    fn new(
        end: End<'a>,
        to_send: &'p [Planned],
        expected: &'p [Planned],
        cut: Option<(usize, Cut)>,
        write_limit: usize,
        answers: bool,
    ) -> Self {
        Self {
            session: Session::new(end).with_max_unread_replies(write_limit),
            write_limit,
            to_send,
            allowed: if answers { 0 } else { usize::MAX },
            answers,
            sending: Sending::UnderWay,
            expected,
            cut,
            received: 0,
            under_way: None,
            seen_end: false,
            ended: None,
        }
    }

    fn is_done(&self) -> bool {
        self.sending != Sending::UnderWay && self.ended.is_some()
    }

    /// Calls the session, which must call its stream no more often than can help.
    fn called<T>(&mut self, call: impl FnOnce(&mut Session<End<'a>>) -> T) -> T {
        let before = self.session.get_ref().script.borrow().calls;
        let outcome = call(&mut self.session);
        let after = self.session.get_ref().script.borrow().calls;
        assert!(after.useless - before.useless <= 1, "called again though it could not help");
        outcome
    }

    /// Hands over messages to be sent.
    fn hand_over(&mut self, limit: usize) {
        for _ in 0..limit {
            let Some((message, rest)) =
                self.to_send.split_first().filter(|_| self.allowed > 0 && self.sending == Sending::UnderWay)
            else {
                return;
            };
            self.to_send = rest;
            self.allowed = self.allowed.saturating_sub(1);
            let (header, content) = (message.header(), message.content());
            let queued = self.session.queued();
            let outcome = match message.how {
                0 => self.session.queue(&header, content.to_vec()).map(|()| Flush::Blocked),
                1 => self.session.queue(&header, Arc::<[u8]>::from(content)).map(|()| Flush::Blocked),
                _ => self.called(|session| session.send(&header, content)),
            };
            match outcome {
                Ok(_) => {}
                Err(Error::Io(error)) => self.failed(&error),
                Err(error) => panic!("{error}"),
            }
            assert!(self.session.queued() <= queued + message.encoded_len());
        }
    }

    /// Lets bytes that were sent arrive at the other side.
    fn deliver(&mut self, count: usize) {
        self.session.get_ref().outgoing.borrow_mut().deliver(count);
    }

    /// Writes what is queued, and ends the stream if there is no more to be sent.
    fn flush(&mut self) {
        match self.called(Session::flush) {
            Ok(Flush::Done) => {
                assert!(!self.session.interest().writable);
                if self.to_send.is_empty() {
                    self.sending = Sending::Done;
                    self.session.get_ref().outgoing.borrow_mut().end();
                }
            }
            Ok(Flush::Blocked) => assert!(self.session.interest().writable),
            Err(error) => self.failed(&error),
        }
    }

    /// A stream that failed for good takes nothing more; other failures pass.
    fn failed(&mut self, error: &std::io::Error) {
        match error.kind() {
            ErrorKind::BrokenPipe => self.sending = Sending::Broken,
            ErrorKind::TimedOut => assert!(self.session.interest().writable),
            _ => panic!("{error}"),
        }
    }

    /// Takes all there is to be received, in so many reads at most.
    fn receive(&mut self, reads: usize) {
        for _ in 0..reads {
            if self.ended.is_some() || !self.take_events() {
                return;
            }
            if self.seen_end {
                return self.ended(Ended::Clean);
            }
            assert!(self.session.interest().readable || self.sending == Sending::Broken);
            match self.called(Session::fill) {
                Ok(Fill::Data) => {}
                Ok(Fill::Blocked) => return,
                Ok(Fill::Eof) => {
                    self.seen_end = true;
                    assert!(!self.session.interest().readable);
                }
                Err(error) if error.kind() == ErrorKind::TimedOut => return,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => self.ended(Ended::Reset),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn ended(&mut self, how: Ended) {
        self.ended = Some(how);
        self.allowed = usize::MAX;
    }

    /// Takes the events that there are: whether there is to be another read, or the stream has ended well.
    fn take_events(&mut self) -> bool {
        loop {
            // What is queued for a stream that is broken is never written; there may be something to read all the same.
            if self.session.queued() > self.write_limit && self.sending != Sending::Broken {
                assert!(!self.session.interest().readable);
                return false;
            }
            match self.session.next_event() {
                Ok(None) => return true,
                Ok(Some(Event::Header(header))) => {
                    let message = &self.expected[self.received];
                    assert_eq!(header, message.header());
                    assert!(self.under_way.replace(Vec::new()).is_none());
                }
                Ok(Some(Event::Content(piece))) => {
                    assert!(!piece.is_empty());
                    self.under_way.as_mut().expect("a header comes first").extend_from_slice(piece);
                }
                Ok(Some(Event::End)) => {
                    let content = self.under_way.take().expect("a header comes first");
                    assert!(content == self.expected[self.received].content(), "other content");
                    self.received += 1;
                    if self.answers {
                        self.allowed = self.allowed.saturating_add(1);
                        self.hand_over(1);
                    }
                }
                Err(Error::Decode(error)) => {
                    let DecodeErrorKind::Truncated { missing } = error.kind() else { panic!("{error}") };
                    let again = self.session.next_event();
                    assert!(matches!(again, Err(Error::Decode(again)) if again == error));
                    self.ended(Ended::Truncated { missing, offset: error.offset() });
                    return false;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Checks that every message that was whole before the cut has arrived, and that the end was told apart.
    fn assert_complete(self) {
        let total = self.expected.iter().map(Planned::encoded_len).sum();
        let cut = self.cut.filter(|(at, _)| *at <= total);
        let end = cut.map_or(total, |(at, _)| at);
        let (mut start, mut whole) = (0, 0);
        while let Some(message) = self.expected.get(whole).filter(|message| start + message.encoded_len() <= end) {
            start += message.encoded_len();
            whole += 1;
        }
        assert_eq!(self.received, whole, "of {} messages", self.expected.len());
        let expected = match cut {
            Some((_, Cut::Reset)) => Ended::Reset,
            _ if start == end => Ended::Clean,
            _ => {
                let missing = self.expected[whole].missing(end - start);
                Ended::Truncated { missing: missing as u64, offset: end as u64 }
            }
        };
        assert_eq!(self.ended, Some(expected));
        let (_, unread) = self.session.into_parts();
        assert!(unread.is_empty());
    }
}
