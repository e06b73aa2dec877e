//! A plain model of a connection, and whatever can happen to one in whatever order, as the bytes of an input say.
//!
//! An input is bytes that proptest or a fuzzer makes up; when they are used up, every choice is 0. The fuzz target `engine`
//! is made of this file, too, with the engine's own types instead of those of the tests beside it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonframe::{Decoder, Dialect, Event as Decoded, Header, Message};

use super::{CloseReason, Content, ContentMode, Engine, Event, EventSlot, Limits, Scratch, Totals};

pub(super) const NANOSECOND: Duration = Duration::from_nanos(1);

pub(super) fn before(time: Instant) -> Instant {
    time.checked_sub(NANOSECOND).unwrap()
}

/// Gives back what is borrowed for a turn.
pub(super) fn give_back(engine: &mut Engine, scratch: &mut Scratch) {
    engine.give_back_inbox(scratch);
    engine.give_back_outbox(scratch);
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn engine(limits: Limits, start: Instant) -> Engine {
    let totals = Arc::new(Totals::new(&limits, 1));
    Engine::new(Arc::new(limits), totals, &Dialect::STANDARD, &Dialect::STANDARD, start)
}

pub(super) fn message(content: &[u8]) -> Vec<u8> {
    Message::new(header(content.len()), content).unwrap().to_vec().unwrap()
}

pub(super) fn header(content_length: usize) -> Header<'static> {
    Header::new("bytes", "binary", content_length as u64)
}

pub(super) const IDLE: &str = "nothing happened for too long";
pub(super) const HEADER: &str = "the header took too long";
pub(super) const CONTENT: &str = "the content came too slowly";
pub(super) const HANDLER: &str = "the time that the server has set is over";
pub(super) const WRITE: &str = "the peer took what was sent to it too slowly";

/// Does what an input says, with the engine and with the model. Panics if they differ.
///
/// The input: how connections take turns and end (1 byte), which contents are streamed (1), what the peer sends (1 for how
/// much, and then as [`Input::sent`] reads it), and happenings until its end.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input(data);
    let (how, streamed) = (input.byte(), input.byte());
    let wire: Vec<u8> = (0..input.byte() % 8).flat_map(|number| input.sent(number)).collect();
    let mut pair = Pair::new(Model::new(wire, streamed, Instant::now()), how % 2 == 1);
    while !input.0.is_empty() {
        if pair.take_turn(&input.happening()) {
            return pair.discount();
        }
    }
    if how % 4 < 2 { pair.finish() } else { pair.abandon() }
}

/// What is left of an input.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Mostly short, and up to longer than what is read at once, copied, or read ahead of content.
    fn length(&mut self) -> usize {
        match usize::from(self.byte()) {
            short @ 0..160 => short,
            long => (long - 159) * 512 + usize::from(self.byte()),
        }
    }

    /// Mostly a message of the peer's.
    fn sent(&mut self, number: u8) -> Vec<u8> {
        let kind = self.byte();
        if kind >= 224 {
            return self.take(usize::from(kind - 224)).to_vec();
        }
        let content = vec![b'a' + number; self.length()];
        match kind {
            0..160 => message(&content),
            160..192 => spelled_otherwise(&content, self.length() / 8),
            // Content that is much longer than what comes of it.
            _ => {
                let mut bytes = Vec::new();
                Dialect::STANDARD.append_to(&header(content.len() << (kind % 32)), &mut bytes).unwrap();
                bytes.extend(content);
                bytes
            }
        }
    }

    fn happening(&mut self) -> Happening {
        use Happening::*;
        match self.byte() % 32 {
            0..9 => Come(self.length()),
            9..15 => Take(self.length()),
            15 | 16 => Push(self.length(), self.byte()),
            17 => SendNow(self.length(), self.length()),
            18 => PushWrong(self.length()),
            19 => ReplyLater,
            20 => ReplyDone,
            21 => Deadline(u64::from(self.byte()).checked_sub(64).map(|time| 50 * time)),
            22..27 => Pass(16 * u64::from(self.byte())),
            27..30 => PassDeadline(u64::from(self.byte() % 3)),
            30 => End,
            _ => Close,
        }
    }
}

/// A message with other members, in another order and form, and with this much padding.
fn spelled_otherwise(content: &[u8], padding: usize) -> Vec<u8> {
    let (length, padding) = (content.len(), "x".repeat(padding));
    let header = format!(
        r#"{{"content-length":{length},"padding":["{padding}"],"content\u002dtype":"bytes", "byteorder":"big","content-encoding" :"binary"}}"#
    );
    [&u16::try_from(header.len()).unwrap().to_be_bytes()[..], header.as_bytes(), content].concat()
}

/// What happens, after which all that can be done is done.
#[derive(Clone, Debug)]
enum Happening {
    /// Up to this many bytes come.
    Come(usize),
    /// The stream ends.
    End,
    /// The stream takes up to this many bytes.
    Take(usize),
    /// A message with this much content is queued, in one of the ways there are.
    Push(usize, u8),
    /// A message with this much content is sent past the queue, if that is empty, and the stream takes up to this many bytes.
    SendNow(usize, usize),
    /// A message is queued whose content is not as long as its header says.
    PushWrong(usize),
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

fn limits() -> Limits {
    Limits::default()
        .with_max_header(2_000)
        .with_max_content(45_000)
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

/// A message that the peer sends, as far as it does.
struct Sent {
    begin: usize,
    /// Where its header ends and where it does, which may be beyond what is sent.
    header_end: usize,
    end: usize,
    content: Vec<u8>,
    mode: ContentMode,
    /// From where on it is refused, and why.
    fault: Option<(usize, String)>,
}

fn decoder(limits: &Limits) -> Decoder<Vec<u8>> {
    Decoder::new(vec![0; limits.max_header.into()])
}

/// The messages that the decoder finds, of which the last one is not whole.
fn decode(wire: &[u8], streamed: u8, limits: &Limits) -> Vec<Sent> {
    let (mut decoder, mut rest, mut found) = (decoder(limits), wire, Vec::new());
    let next = |begin, number: usize| {
        let mode = match streamed >> (number % 8) & 1 {
            0 => ContentMode::Whole,
            _ => ContentMode::Streamed { max: if number % 2 == 0 { u64::MAX } else { 30_000 } },
        };
        Sent { begin, header_end: usize::MAX, end: usize::MAX, content: Vec::new(), mode, fault: None }
    };
    let mut sent = next(0, 0);
    loop {
        match decoder.decode(&mut rest) {
            Ok(Some(Decoded::Header(header))) => {
                let length = header.content_length();
                sent.header_end = wire.len() - rest.len();
                sent.end = sent.header_end.saturating_add(length.try_into().unwrap_or(usize::MAX));
                let max = if let ContentMode::Streamed { max } = sent.mode { max } else { limits.max_content };
                if let Err(error) = decoder.limit_content(max) {
                    sent.fault = Some((sent.header_end, error.to_string()));
                    break;
                }
            }
            Ok(Some(Decoded::Content(piece))) => sent.content.extend_from_slice(piece),
            Ok(Some(Decoded::End)) => {
                let following = next(sent.end, found.len() + 1);
                found.push(std::mem::replace(&mut sent, following));
            }
            Ok(None) => break,
            Err(error) => {
                sent.fault = Some((fault_end(wire, sent.begin, limits), error.to_string()));
                break;
            }
        }
    }
    found.push(sent);
    found
}

/// Where the byte ends with which the header that begins here is refused.
fn fault_end(wire: &[u8], begin: usize, limits: &Limits) -> usize {
    let mut decoder = decoder(limits);
    (begin + 1..=wire.len()).find(|end| decoder.decode(&mut &wire[end - 1..*end]).is_err()).unwrap()
}

/// Why the stream may not end here, inside a message.
fn truncation(mut wire: &[u8], limits: &Limits) -> String {
    let mut decoder = decoder(limits);
    while decoder.decode(&mut wire).unwrap().is_some() {}
    decoder.finish().unwrap_err().to_string()
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
    fn new(wire: Vec<u8>, streamed: u8, start: Instant) -> Self {
        let limits = limits();
        Self {
            now: start,
            sent: decode(&wire, streamed, &limits),
            limits,
            wire,
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

    /// Handles messages as far as they have come: each is answered with its content. The error is why there can be no more.
    fn handle(&mut self) -> Result<(), String> {
        while self.closing.is_none() && !self.is_paused() {
            let Sent { begin, header_end, end, content, fault, .. } = &self.sent[self.handled];
            let (header_end, end) = (*header_end, *end);
            if self.come > *begin {
                self.decoded = self.come.min(end);
            }
            if let Some((_, reason)) = fault.as_ref().filter(|(at, _)| self.come >= *at) {
                return Err(reason.clone());
            }
            let answer = (self.come >= end).then(|| message(content));
            if self.come >= header_end && self.headers == self.handled {
                self.headers += 1;
                self.begin(Awaited::Content);
            }
            let Some(answer) = answer else {
                let is_truncated = self.ended && self.in_message() && self.decoded == self.come;
                return if is_truncated { Err(truncation(&self.wire[..self.come], &self.limits)) } else { Ok(()) };
            };
            self.queued.extend(answer);
            self.handled += 1;
            self.begin(Awaited::Message);
        }
        Ok(())
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
    totals: Arc<Totals>,
    /// The memory that connections use in turns, if they do.
    scratch: Option<Scratch>,
    /// Content that is queued several times, which counts once.
    shared: Arc<[u8]>,
    /// Whether all that is queued counts in full.
    counts_in_full: bool,
}

impl Pair {
    fn new(model: Model, has_scratch: bool) -> Self {
        let engine = engine(limits(), model.now);
        Self {
            totals: Arc::clone(&engine.sending.totals),
            engine,
            streamed: Vec::new(),
            messages: 0,
            taken: Vec::new(),
            scratch: has_scratch.then(Scratch::default),
            shared: vec![b's'; 20_000].into(),
            counts_in_full: true,
            model,
        }
    }

    /// True if the connection is over.
    fn take_turn(&mut self, happening: &Happening) -> bool {
        if let Some(scratch) = &mut self.scratch {
            self.engine.borrow(scratch);
        }
        let is_over = self.happen(happening);
        if let Some(scratch) = &mut self.scratch {
            give_back(&mut self.engine, scratch);
        }
        self.engine.count();
        self.compare_totals();
        is_over
    }

    /// What is held is counted, and what is no longer needed is not held.
    fn compare_totals(&self) {
        let (queued, collected) = (self.totals.queued.total(), self.totals.collected.total());
        let model = &self.model;
        assert!(queued >= model.queued.len() || !self.counts_in_full, "{queued}");
        let come = match model.sent[model.handled] {
            Sent { header_end, end, mode: ContentMode::Whole, .. } if model.closing.is_none() => {
                model.come.min(end).saturating_sub(header_end)
            }
            _ => 0,
        };
        if self.scratch.is_some() {
            assert!(queued == 0 || !model.queued.is_empty(), "{queued}");
            assert!(collected < 4 * (come + 1), "{collected} bytes are held for {come}");
        }
        assert_eq!(self.engine.sending.holding().collected, collected);
    }

    /// The connection has ended: nothing is counted any more.
    fn discount(self) {
        drop(self.engine);
        let Totals { queued, collected, .. } = &*self.totals;
        assert_eq!((queued.total(), queued.queued(), collected.total()), (0, 0, 0));
    }

    /// The connection is closed, if it is not, and is over after the peer's silence.
    fn finish(mut self) {
        let is_over = [Happening::Close, Happening::Take(usize::MAX), Happening::PassDeadline(1)]
            .iter()
            .any(|happening| self.take_turn(happening));
        assert!(is_over, "{:?}", self.engine);
        self.discount();
    }

    /// There is no more time for the connection.
    fn abandon(mut self) {
        let closing = self.model.closing.take().filter(|_| self.model.queued.is_empty());
        let expected = closing.map_or_else(|| CloseReason::Abandoned.to_string(), |closing| closing.reason);
        assert_eq!(self.engine.abandon().to_string(), expected);
        self.discount();
    }

    /// Takes all events there are, and answers each message with its content.
    fn events(&mut self) -> Result<(), CloseReason> {
        while !self.engine.is_closing() && !self.engine.sending.is_paused() {
            let Some(step) = self.engine.poll_step(self.model.now)? else { break };
            let mut slot = EventSlot::default();
            let (event, sending) = self.engine.event(step, &mut slot).unwrap();
            let sent = &self.model.sent[self.messages];
            let content = match event {
                Event::Header(header) => {
                    assert_eq!(header.content_length(), (sent.end - sent.header_end) as u64);
                    self.engine.set_mode(sent.mode)?;
                    continue;
                }
                Event::Content(piece) => {
                    assert!(!piece.is_empty());
                    self.streamed.extend_from_slice(piece);
                    continue;
                }
                Event::End => std::mem::take(&mut self.streamed),
                Event::Message(message) => message.content().to_vec(),
            };
            assert!(content == sent.content);
            sending.outbox.queue(&header(content.len()), content.into()).unwrap();
            self.engine.handled();
            self.messages += 1;
        }
        Ok(())
    }

    /// Takes all events there are, with the same outcome in both.
    fn go_on(&mut self) -> Result<(), CloseReason> {
        let expected = self.model.handle();
        let outcome = self.events();
        assert_eq!(outcome.as_ref().map_err(ToString::to_string), expected.as_ref().map_err(Clone::clone));
        outcome
    }

    /// Has bytes come, as far as they are read.
    fn come(&mut self, mut count: usize) -> Result<(), CloseReason> {
        let is_closing = self.engine.is_closing();
        while count > 0 && !self.engine.inbox.ended() && (is_closing || !self.engine.sending.is_paused()) {
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
            self.go_on()?;
        }
        Ok(())
    }

    /// Queues a message in one of the ways there are.
    fn push(&mut self, length: usize, how: u8) {
        static CONTENT: [u8; 50_000] = [b't'; 50_000];
        let mut content: Content = match how % 6 {
            0 => vec![b'v'; length].into(),
            1 => Arc::<[u8]>::from(vec![b'a'; length]).into(),
            2 => CONTENT[..length].into(),
            3 => Arc::clone(&self.shared).into(),
            4 => Content::from(Arc::clone(&self.shared)).charged(&self.totals.queued),
            _ => vec![b'p'; length].into(),
        };
        self.counts_in_full &= !matches!(how % 6, 2 | 4);
        self.model.queued.extend(message(content.as_ref()));
        let (header, outbox) = (header(content.as_ref().len()), &mut self.engine.sending.outbox);
        match how / 64 {
            0 => outbox.queue_copy(&header, content.as_ref()).unwrap(),
            1 => {
                outbox.queue_head(&header, &[]).unwrap();
                outbox.push(content);
            }
            2 => {
                content = content.share();
                outbox.queue(&header, content.clone()).unwrap();
            }
            _ => outbox.queue(&header, content).unwrap(),
        }
    }

    /// Sends a message past the queue, which is empty. Returns how many bytes the stream has taken.
    fn send_now(&mut self, length: usize, taken: usize) -> usize {
        let (content, header, outbox) = (vec![b'n'; length], header(length), &mut self.engine.sending.outbox);
        assert!(outbox.begin(&header, &vec![b'n'; length + 1], 4096).is_err());
        assert_eq!(outbox.queued(), 0);
        let rest = outbox.begin(&header, &content, 4096).unwrap();
        let bytes = [outbox.in_one_piece().unwrap(), rest].concat();
        assert!(bytes == message(&content));
        let taken = taken.min(bytes.len());
        self.taken.extend_from_slice(&bytes[..taken]);
        let past = taken.saturating_sub(outbox.queued());
        outbox.wrote(taken);
        outbox.wrote_past(past);
        outbox.keep(&rest[past..]).unwrap();
        outbox.unflushed = false;
        self.model.queued.extend(bytes);
        assert_eq!(self.model.take(taken), taken);
        taken
    }

    fn take(&mut self, count: usize) -> usize {
        let outbox = &self.engine.sending.outbox;
        let bytes: Vec<u8> = outbox.write_slices().flat_map(|slice| slice.to_vec()).collect();
        assert!(outbox.in_one_piece().is_none_or(|piece| piece == bytes));
        let count = count.min(bytes.len());
        self.taken.extend_from_slice(&bytes[..count]);
        if count > 0 {
            self.engine.sending.outbox.wrote(count);
            self.engine.sending.outbox.unflushed = false;
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
        let mut outcome = Ok(());
        let is_open = self.model.closing.is_none();
        match *happening {
            Happening::Come(count) => outcome = self.come(count),
            Happening::End => {
                self.engine.inbox.end();
                self.model.ended = true;
            }
            Happening::Take(count) => {
                taken = self.take(count);
                assert_eq!(self.model.take(count), taken);
            }
            Happening::Push(length, how) if is_open => self.push(length, how),
            Happening::SendNow(length, count) if is_open && self.model.queued.is_empty() => {
                taken = self.send_now(length, count);
            }
            Happening::PushWrong(length) if is_open => {
                let (header, content) = (header(length + 1), vec![b'w'; length]);
                assert!(self.engine.sending.outbox.queue_copy(&header, &content).is_err());
                assert!(self.engine.sending.outbox.queue(&header, content.into()).is_err());
            }
            Happening::ReplyLater if is_open => {
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
            Happening::Close if is_open => self.close(CloseReason::ByHandler),
            Happening::Pass(milliseconds) => self.model.now += Duration::from_millis(milliseconds),
            Happening::PassDeadline(nanoseconds) => {
                if let Some(due) = self.model.due() {
                    self.model.now = self.model.now.max(before(due)) + Duration::from_nanos(nanoseconds);
                }
            }
            _ => {}
        }
        // What had to wait may go on.
        if let Err(reason) = outcome.and_then(|()| self.go_on()) {
            if self.end(reason) {
                return true;
            }
        }
        self.settle(taken)
    }

    /// Compares the two, after all has been done that can be done now.
    fn settle(&mut self, taken: usize) -> bool {
        let mut is_half_closed = false;
        let close = || {
            is_half_closed = true;
            Ok(())
        };
        self.engine.half_close(self.model.now, close).unwrap();
        if is_half_closed {
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
        let (receiving, sending) = (model.receiving_due(), model.sending_due());
        let is_write_due = sending.is_some_and(|due| due <= model.now && receiving.is_none_or(|other| due < other));
        assert_eq!(engine.sending.is_write_due(model.now), is_write_due);
        assert_eq!(engine.sending.holding().unsent_since, model.unsent.map(|(since, _)| since));
        assert_eq!(engine.sending.outbox.queued(), model.queued.len());
        assert_eq!(self.messages, model.handled);
        assert!(self.taken == model.taken);
        assert_eq!(engine.inbox.ended(), model.ended);
        if model.closing.is_none() {
            assert_eq!(engine.sending.is_paused(), model.is_paused());
            assert_eq!(engine.inbox.in_message(), model.in_message());
            let is_quiet = model.queued.is_empty() && model.pending == 0 && (model.ended || !model.in_message());
            assert_eq!(engine.poll_quiet(true).is_some(), is_quiet);
        }
        let is_silent = model.awaited == Awaited::Message && model.now > model.since + model.limits.linger_silence;
        assert_eq!(engine.is_long_idle(model.now), is_silent && model.queued.is_empty());
    }
}
