//! Every interleaving of what can happen to a connection, against a plain model of it.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What happens, after which all that can be done is done.
#[derive(Clone, Debug)]
enum Happening {
    /// Up to this many bytes come.
    Come(usize),
    /// The stream ends.
    End,
    /// Bytes come that are no message.
    Rubbish,
    /// The stream takes up to this many bytes.
    Take(usize),
    /// A message with this much content is pushed.
    Push(usize),
    ReplyLater,
    ReplyDone,
    /// The handler sets a deadline, in milliseconds from now, or none.
    Deadline(Option<u64>),
    /// The driver closes the connection.
    Close,
    /// Time passes, in milliseconds.
    Pass(u64),
    /// Time passes until this long after the next deadline, in nanoseconds.
    PassDeadline(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    prop_oneof![
        8 => prop_oneof![1..200_usize, 1..70_000_usize].prop_map(Come),
        6 => prop_oneof![1..200_usize, 1..70_000_usize].prop_map(Take),
        2 => prop_oneof![0..500_usize, 0..40_000_usize].prop_map(Push),
        1 => Just(ReplyLater),
        1 => Just(ReplyDone),
        1 => proptest::option::of(0..9_000_u64).prop_map(Deadline),
        4 => (0..4_000_u64).prop_map(Pass),
        2 => (0..3_u64).prop_map(PassDeadline),
        1 => prop_oneof![3 => Just(End), 1 => Just(Rubbish), 2 => Just(Close)],
    ]
}

fn limits() -> Limits {
    Limits::default()
        .with_max_unread_replies(3_000)
        .with_max_pending_replies(2)
        .with_header_timeout(Duration::from_millis(2_500))
        .with_rate_window(secs(3))
        .with_min_rate(100)
        .with_idle_timeout(secs(5))
        .with_write_timeout(secs(4))
        .with_min_write_rate(1_000)
        .with_linger(secs(6))
        .with_linger_silence(secs(2))
        .with_linger_bytes(20_000)
}

/// A message that the peer sends.
struct Sent {
    begin: usize,
    header_end: usize,
    end: usize,
    content: Vec<u8>,
}

/// What the peer is to send next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Awaited {
    Message,
    Header,
    Content,
    Nothing,
}

/// The model: what must be true of a connection, told without buffers.
struct Model {
    limits: Limits,
    now: Instant,
    wire: Vec<u8>,
    sent: Vec<Sent>,
    /// How many bytes of the wire have come, how many of them have been decoded, and how many messages have been handled.
    come: usize,
    decoded: usize,
    handled: usize,
    /// The number of the last message whose header has been handled, counted from 1.
    headers: usize,
    ended: bool,
    /// What is queued, and what the stream has taken.
    queued: VecDeque<u8>,
    taken: Vec<u8>,
    pending: u32,
    deadline: Option<Instant>,
    awaited: Awaited,
    since: Instant,
    come_since: usize,
    unsent: Option<(Instant, usize)>,
    closing: Option<Closing>,
}

struct Closing {
    reason: String,
    discarded: u64,
    half_closed: Option<Instant>,
    last_byte: Instant,
}

impl Model {
    fn new(contents: &[usize], start: Instant) -> Self {
        let (mut wire, mut sent) = (Vec::new(), Vec::new());
        for (number, length) in contents.iter().enumerate() {
            let content = vec![b'a' + u8::try_from(number).unwrap(); *length];
            let (begin, bytes) = (wire.len(), message(&content));
            wire.extend_from_slice(&bytes);
            sent.push(Sent { begin, header_end: wire.len() - length, end: wire.len(), content });
        }
        Self {
            limits: limits(),
            now: start,
            wire,
            sent,
            come: 0,
            decoded: 0,
            handled: 0,
            headers: 0,
            ended: false,
            queued: VecDeque::new(),
            taken: Vec::new(),
            pending: 0,
            deadline: None,
            awaited: Awaited::Message,
            since: start,
            come_since: 0,
            unsent: None,
            closing: None,
        }
    }

    fn is_paused(&self) -> bool {
        self.queued.len() > self.limits.max_unread_replies || self.pending >= self.limits.max_pending_replies
    }

    fn begin(&mut self, awaited: Awaited) {
        (self.awaited, self.since, self.come_since) = (awaited, self.now, 0);
    }

    /// Bytes have come from the stream, of a message or to be discarded.
    fn came(&mut self, count: usize) {
        self.come_since += count;
        if self.awaited == Awaited::Message {
            self.since = self.now;
        }
        if let Some(closing) = &mut self.closing {
            closing.discarded += count as u64;
            closing.last_byte = self.now;
            self.ended |= closing.discarded >= self.limits.linger_bytes;
        }
    }

    /// Handles messages as far as they have come: each is answered with its content.
    fn handle(&mut self) {
        while !self.is_paused() && self.handled < self.sent.len() {
            let Sent { begin, header_end, end, .. } = self.sent[self.handled];
            if self.come > begin {
                self.decoded = self.come.min(end);
            }
            if self.come >= header_end && self.headers == self.handled {
                self.headers += 1;
                self.begin(Awaited::Content);
            }
            if self.come < end {
                break;
            }
            let answer = message(&self.sent[self.handled].content);
            self.queued.extend(answer);
            self.handled += 1;
            self.begin(Awaited::Message);
        }
    }

    fn take(&mut self, count: usize) -> usize {
        let count = count.min(self.queued.len());
        self.taken.extend(self.queued.drain(..count));
        count
    }

    fn in_message(&self) -> bool {
        self.sent.get(self.handled).is_some_and(|sent| self.decoded > sent.begin)
    }

    /// Notes what is waited for now that everything has been done, the peer having taken so much.
    fn update(&mut self, taken: usize) {
        if self.closing.is_none() {
            let awaited = if self.is_paused() || self.ended || (!self.in_message() && self.pending > 0) {
                Awaited::Nothing
            } else if !self.in_message() {
                Awaited::Message
            } else if self.headers > self.handled {
                Awaited::Content
            } else {
                Awaited::Header
            };
            if awaited != self.awaited {
                self.begin(awaited);
            }
        }
        if taken > 0 && self.awaited == Awaited::Message {
            self.since = self.now;
        }
        self.unsent = match self.unsent {
            _ if self.queued.is_empty() => None,
            None => Some((self.now, taken)),
            Some((since, before)) => Some((since, before + taken)),
        };
    }

    fn close(&mut self, reason: &str) {
        self.begin(Awaited::Nothing);
        let last_byte = self.now;
        self.closing = Some(Closing { reason: reason.into(), discarded: 0, half_closed: None, last_byte });
    }

    /// The next deadline for what is received, and that for what is sent.
    fn receiving_due(&self) -> Option<Instant> {
        match self.awaited {
            Awaited::Message if self.unsent.is_some() => None,
            Awaited::Message => Some(self.since + self.limits.idle_timeout),
            Awaited::Header => Some(self.since + self.limits.header_timeout),
            Awaited::Content => Some(self.since + self.limits.rate_window),
            Awaited::Nothing => None,
        }
    }

    fn sending_due(&self) -> Option<Instant> {
        self.unsent.map(|(since, _)| since + self.limits.write_timeout)
    }

    fn lingering_due(&self) -> Option<Instant> {
        let closing = self.closing.as_ref()?;
        let half_closed = closing.half_closed?;
        let silent = closing.last_byte.max(half_closed) + self.limits.linger_silence;
        Some(silent.min(half_closed + self.limits.linger))
    }

    fn due(&self) -> Option<Instant> {
        let handlers = self.deadline.filter(|_| self.closing.is_none());
        let others = self.receiving_due().into_iter().chain(self.sending_due()).chain(handlers);
        self.lingering_due().or_else(|| others.min())
    }

    /// Does the first thing that is due: why the connection ends, if it does.
    fn expire(&mut self) -> Option<String> {
        if self.lingering_due().is_some_and(|due| due <= self.now) {
            return Some(self.closing.as_ref()?.reason.clone());
        }
        if self.closing.is_none() && self.deadline.is_some_and(|deadline| deadline <= self.now) {
            return Some(HANDLER.into());
        }
        let due = self.due().filter(|due| *due <= self.now)?;
        if self.receiving_due() == Some(due) {
            let reason = match self.awaited {
                Awaited::Message => IDLE,
                Awaited::Header => HEADER,
                // 100 bytes a second for three seconds.
                _ if self.come_since < 300 => CONTENT,
                _ => {
                    self.begin(Awaited::Content);
                    return None;
                }
            };
            return Some(reason.into());
        }
        // 1,000 bytes a second for four seconds.
        match self.unsent {
            Some((_, 4_000..)) => self.unsent = Some((self.now, 0)),
            _ => return Some(WRITE.into()),
        }
        None
    }
}

/// The engine, driven as a driver would drive it, and the model beside it.
struct Pair {
    engine: Engine,
    model: Model,
    /// The content of the message under way, if it is streamed.
    streamed: Vec<u8>,
    messages: usize,
    taken: Vec<u8>,
}

impl Pair {
    /// Takes all events there are, and answers each message with its content.
    fn events(&mut self) -> Result<(), CloseReason> {
        while !self.engine.is_closing() && !self.engine.sending.is_paused() {
            let Some((event, sending)) = self.engine.poll_event(self.model.now)? else { break };
            let content = match event {
                // Every other message is streamed.
                Event::Header(_) if self.messages % 2 == 1 => {
                    self.engine.set_mode(ContentMode::Streamed { max: u64::MAX });
                    continue;
                }
                Event::Header(_) => continue,
                Event::Content(piece) => {
                    assert!(!piece.is_empty());
                    self.streamed.extend_from_slice(piece);
                    continue;
                }
                Event::End => std::mem::take(&mut self.streamed),
                Event::Message(message) => message.content().to_vec(),
            };
            assert_eq!(content, self.model.sent[self.messages].content);
            sending.outbox.queue(&header(content.len()), content.into()).unwrap();
            self.messages += 1;
        }
        Ok(())
    }

    /// Has bytes come, as far as they are read.
    fn come(&mut self, mut count: usize) -> Result<(), CloseReason> {
        self.events()?;
        let is_closing = self.engine.is_closing();
        while count > 0 && !self.engine.has_ended() && (is_closing || !self.engine.sending.is_paused()) {
            let rest = &self.model.wire[self.model.come..];
            let space = self.engine.read_buf(count)?;
            let read = space.len().min(count).min(if is_closing { usize::MAX } else { rest.len() });
            if read == 0 {
                break;
            }
            if !is_closing {
                space[..read].copy_from_slice(&rest[..read]);
                self.model.come += read;
            }
            count -= read;
            self.engine.received(read, self.model.now);
            self.model.came(read);
            self.model.handle_unless_closing();
            self.events()?;
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> usize {
        let bytes: Vec<u8> = self.engine.sending.outbox.write_slices().flat_map(|slice| slice.to_vec()).collect();
        let count = count.min(bytes.len());
        self.taken.extend_from_slice(&bytes[..count]);
        if count > 0 {
            self.engine.sending.outbox.wrote(count);
            self.engine.sending.outbox.flushed();
        }
        count
    }

    fn close(&mut self, reason: CloseReason) {
        self.model.close(&reason.to_string());
        self.engine.close(reason, self.model.now);
    }

    /// Ends the connection for a reason, at once or after its last words: true if it is over.
    fn end(&mut self, reason: CloseReason) -> bool {
        let is_over = self.engine.is_closing() || !reason.can_be_told();
        if !is_over {
            self.close(reason);
        }
        is_over
    }

    /// True if the connection is over.
    fn happen(&mut self, happening: &Happening) -> bool {
        let mut taken = 0;
        let mut failure = None;
        match *happening {
            Happening::Come(count) => failure = self.come(count).err(),
            Happening::End => {
                self.engine.ended();
                self.model.ended = true;
                failure = self.events().err();
                let is_inside = self.model.in_message() && self.model.decoded == self.model.come;
                let is_expected = self.model.closing.is_none() && !self.model.is_paused() && is_inside;
                assert_eq!(failure.is_some(), is_expected, "{failure:?}");
            }
            Happening::Rubbish => self.rubbish(&mut failure),
            Happening::Take(count) => {
                taken = self.take(count);
                assert_eq!(self.model.take(count), taken);
            }
            Happening::Push(length) if self.model.closing.is_none() => {
                let content = vec![b'p'; length];
                self.model.queued.extend(message(&content));
                self.engine.sending.outbox.queue_copy(&header(length), &content).unwrap();
            }
            Happening::ReplyLater if self.model.closing.is_none() => {
                self.engine.sending.reply_later();
                self.model.pending += 1;
            }
            Happening::ReplyDone => {
                self.engine.sending.replies_done(1);
                self.model.pending = self.model.pending.saturating_sub(1);
            }
            Happening::Deadline(milliseconds) => {
                // While the connection is being closed, no handler is called.
                let milliseconds = milliseconds.filter(|_| self.model.closing.is_none());
                let deadline = milliseconds.map(|milliseconds| self.model.now + Duration::from_millis(milliseconds));
                (self.engine.sending.deadline, self.model.deadline) = (deadline, deadline);
            }
            Happening::Close if self.model.closing.is_none() => self.close(CloseReason::ByHandler),
            Happening::Pass(milliseconds) => self.model.now += Duration::from_millis(milliseconds),
            Happening::PassDeadline(nanoseconds) => {
                if let Some(due) = self.model.due() {
                    self.model.now = self.model.now.max(before(due)) + Duration::from_nanos(nanoseconds);
                }
            }
            Happening::Push(_) | Happening::ReplyLater | Happening::Close => {}
        }
        if failure.is_none() {
            // What had to wait may go on.
            self.model.handle_unless_closing();
            failure = self.events().err();
        }
        if failure.is_some_and(|failure| self.end(failure)) {
            return true;
        }
        self.settle(taken)
    }

    /// Bytes come that are no message, if one may begin.
    fn rubbish(&mut self, failure: &mut Option<CloseReason>) {
        let model = &self.model;
        let is_between = model.come == model.decoded && !model.in_message();
        if model.closing.is_some() || model.ended || model.is_paused() || !is_between {
            return;
        }
        self.engine.read_buf(2).unwrap()[..2].copy_from_slice(&[0, 0]);
        self.engine.received(2, self.model.now);
        self.model.came(2);
        *failure = self.events().err();
        assert!(matches!(failure, Some(CloseReason::Protocol(_))));
    }

    /// Compares the two, after all has been done that can be done now.
    fn settle(&mut self, taken: usize) -> bool {
        if self.engine.is_half_close_due() {
            self.engine.half_closed(self.model.now);
            let model = &mut self.model;
            assert!(model.queued.is_empty());
            model.closing.as_mut().unwrap().half_closed = Some(model.now);
        }
        self.engine.update(self.model.now);
        self.model.update(taken);
        self.compare();
        if let Some(reason) = self.engine.poll_closed() {
            assert!(self.model.ended && self.model.queued.is_empty());
            assert_eq!(reason.to_string(), self.model.closing.as_ref().unwrap().reason);
            return true;
        }
        while self.model.due().is_some_and(|due| due <= self.model.now) {
            let expected = self.model.expire();
            let outcome = self.engine.handle_timeout(self.model.now);
            assert_eq!(outcome.as_ref().err().map(ToString::to_string), expected);
            if let Err(reason) = outcome {
                // A connection that was being closed is over, and it no longer knows that.
                if self.model.closing.is_some() || self.end(reason) {
                    return true;
                }
                return self.settle(0);
            }
            self.compare();
        }
        self.engine.handle_timeout(self.model.now).unwrap();
        false
    }

    fn compare(&self) {
        let (engine, model) = (&self.engine, &self.model);
        assert_eq!(engine.poll_timeout(), model.due());
        assert_eq!(engine.sending.outbox.queued(), model.queued.len());
        assert_eq!(self.messages, model.handled);
        assert!(self.taken == model.taken);
        assert_eq!(engine.has_ended(), model.ended);
        if model.closing.is_none() {
            assert_eq!(engine.sending.is_paused(), model.is_paused());
            assert_eq!(engine.in_message(), model.in_message());
            let is_quiet = model.queued.is_empty() && model.pending == 0 && (model.ended || !model.in_message());
            assert_eq!(engine.poll_quiet(true).is_some(), is_quiet);
        }
    }
}

impl Model {
    fn handle_unless_closing(&mut self) {
        if self.closing.is_none() {
            self.handle();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: ProptestConfig::default().cases.max(1000),
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_in_whatever_order_the_engine_does_what_the_model_does(
        contents in vec(prop_oneof![2 => 0..300_usize, 1 => 0..60_000_usize], 0..8),
        happenings in vec(happening(), 0..60),
    ) {
        let start = Instant::now();
        let model = Model::new(&contents, start);
        let mut pair = Pair { engine: engine(limits(), start), model, streamed: Vec::new(), messages: 0, taken: Vec::new() };
        for happening in &happenings {
            if pair.happen(happening) {
                break;
            }
        }
    }
}
