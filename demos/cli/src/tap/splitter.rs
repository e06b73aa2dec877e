//! What of a direction is handed over to whoever looks at it: heads, short contents, and the beginnings of long ones.

use jsonframe::{Decoder, Event};

use super::queue::{Queue, Space};
use crate::dialect::DialectName;
use crate::encoded::Encoded;
use crate::inspect::{BEGINNING, KEPT, Piece};

/// How much is handed over after a fault, in bytes: the rest of a header, and what may explain the fault.
const AFTER_FAULT: usize = 2 * 64 * 1024;

/// Follows the messages of a direction, so that long contents need not be copied, and whole messages can be left out when they
/// come too fast.
pub(super) struct Splitter {
    queue: Queue,
    decoder: Decoder<Vec<u8>>,
    mode: Mode,
    /// How much of the content under way is handed over as it is, and how much of it has come.
    kept: u64,
    received: u64,
    /// What is known of the text of a long content.
    encoded: Option<Box<Encoded>>,
    /// How many whole messages have come.
    pub(super) messages: u64,
}

enum Mode {
    Shown,
    /// Whole messages are left out: the head of the one under way, as far as it has come.
    LeftOut(Vec<u8>),
    /// Nothing can be told apart after a fault: how much more is handed over.
    Faulty(usize),
}

impl Splitter {
    pub(super) fn new(queue: Queue, dialect: &DialectName) -> Self {
        let dialect = dialect.leak();
        let buffer = vec![0; dialect.prefix().len() + usize::from(u16::MAX)];
        let decoder = Decoder::new(buffer).with_dialect(dialect);
        Self { queue, decoder, mode: Mode::Shown, kept: 0, received: 0, encoded: None, messages: 0 }
    }

    /// Hands over the next bytes, or what is needed of them.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        let space = self.queue.space();
        match space {
            Space::Closed => return self.queue.miss(bytes.len()),
            Space::Plenty => self.resume(),
            Space::Some | Space::None => {}
        }
        if let Mode::Faulty(_) = self.mode {
            return self.pass_faulty(bytes);
        }
        let mut rest = bytes;
        // What comes before this has been handed over or left out.
        let mut start = 0;
        let (mut messages, mut left_out) = (0, 0);
        loop {
            let before = bytes.len() - rest.len();
            let event = self.decoder.decode(&mut rest);
            let at = bytes.len() - rest.len();
            if let Mode::LeftOut(head) = &mut self.mode {
                if !matches!(event, Ok(Some(Event::Content(_)))) {
                    head.extend_from_slice(&bytes[before..at]);
                }
                start = at;
            }
            match event {
                Ok(None) => break,
                Ok(Some(Event::Header(header))) => {
                    let length = header.content_length();
                    let is_long = length > KEPT as u64;
                    self.kept = if is_long { BEGINNING as u64 } else { length };
                    self.encoded = is_long.then(|| Box::new(Encoded::of(&header)));
                }
                Ok(Some(Event::Content(piece))) => {
                    if let Some(encoded) = &mut self.encoded {
                        encoded.push(piece);
                    }
                    let space = self.kept.saturating_sub(self.received);
                    let kept = usize::try_from(space).unwrap_or(usize::MAX).min(piece.len());
                    self.received += piece.len() as u64;
                    if kept < piece.len() && matches!(self.mode, Mode::Shown) {
                        self.hand_over(&bytes[start..before + kept]);
                        let count = (piece.len() - kept) as u64;
                        self.queue.push(Piece::Content(count, self.encoded.clone().unwrap_or_default()));
                        start = at;
                    }
                }
                Ok(Some(Event::End)) => {
                    self.messages += 1;
                    let received = std::mem::take(&mut self.received);
                    if let Mode::LeftOut(head) = &mut self.mode {
                        messages += 1;
                        left_out += head.len() as u64 + received;
                        head.clear();
                    } else if space == Space::None {
                        self.hand_over(&bytes[start..at]);
                        start = at;
                        self.mode = Mode::LeftOut(Vec::new());
                    }
                }
                Err(_) => {
                    self.miss(messages, left_out);
                    self.resume();
                    self.mode = Mode::Faulty(at - start + AFTER_FAULT);
                    // In one piece, for the cause of the fault is looked for in what has come with it.
                    return self.pass_faulty(&bytes[start..]);
                }
            }
        }
        self.hand_over(&bytes[start..]);
        self.miss(messages, left_out);
    }

    /// Whether what has come is nothing but whole messages.
    pub(super) fn is_between_messages(&self) -> bool {
        self.decoder.finish().is_ok()
    }

    /// Whether something is no message.
    pub(super) const fn is_faulty(&self) -> bool {
        matches!(self.mode, Mode::Faulty(_))
    }

    /// The end of the direction.
    pub(super) fn end(&mut self) {
        self.resume();
        self.queue.end();
    }

    /// Leaves nothing more out, also of the message under way.
    fn resume(&mut self) {
        if let Mode::LeftOut(head) = &mut self.mode {
            let head = std::mem::take(head);
            self.hand_over(&head);
            if self.received > 0 {
                // Its beginning is lost, without which the rest is of no use.
                self.kept = 0;
                self.queue.push(Piece::Content(self.received, self.encoded.clone().unwrap_or_default()));
            }
            self.mode = Mode::Shown;
        }
    }

    fn hand_over(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.queue.push(Piece::Bytes(bytes.to_vec()));
        }
    }

    fn miss(&self, messages: u64, bytes: u64) {
        if messages > 0 {
            self.queue.push(Piece::Unseen { messages, bytes });
        }
    }

    fn pass_faulty(&mut self, bytes: &[u8]) {
        let Mode::Faulty(space) = &mut self.mode else { return };
        let (seen, unseen) = bytes.split_at(bytes.len().min(*space));
        *space -= seen.len();
        self.hand_over(seen);
        self.queue.miss(unseen.len());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jsonframe::{Dialect, Header};
    use serde_json::{Value, json};

    use super::*;
    use crate::inspect::{Explained, Options, inspect, watch};

    fn message(encoding: &str, content: &[u8]) -> Vec<u8> {
        let header = Header::new("text/json", encoding, content.len() as u64);
        let mut bytes = Vec::new();
        Dialect::STANDARD.append_to(&header, &mut bytes).unwrap();
        bytes.extend(content);
        bytes
    }

    fn splitter() -> (Queue, Splitter) {
        let [queue, _] = Queue::pair();
        (queue.clone(), Splitter::new(queue, &DialectName::STANDARD))
    }

    /// What is in the queue, after its end.
    fn pieces(queue: &Queue) -> impl FnMut() -> Option<Piece> {
        || queue.next_within(Duration::ZERO).expect("it has ended")
    }

    fn lines(mut next: impl FnMut() -> Option<Piece>) -> Vec<Value> {
        let options = Options { json: true, ..Options::default() };
        let mut output = Vec::new();
        watch(|_| next(), &mut output, &options, &Explained::default()).unwrap();
        parsed(&output)
    }

    fn parsed(lines: &[u8]) -> Vec<Value> {
        lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    #[test]
    fn what_is_handed_over_says_the_same_as_all_of_it() {
        let long = [b"\"".to_vec(), "ü".repeat(33_000).into_bytes(), b"\"".to_vec()].concat();
        let mut counted = message("utf-8", &long[..long.len() / 2]);
        counted.extend(&long[long.len() / 2..]);
        let is_whole =
            [message("utf-8", b"{}"), message("utf-8", &long), message("binary", &long), message("utf-8", b"")];
        let faults =
            [b"\0\x02[]".to_vec(), b"GET / HTTP/1.1".to_vec(), counted, is_whole[1][..66_000].to_vec(), vec![0]];
        for fault in faults {
            let stream = [is_whole.concat(), fault, vec![b'x'; 150_000]].concat();
            let mut output = Vec::new();
            let options = Options { json: true, ..Options::default() };
            inspect(&mut &*stream, &mut output, &options).unwrap();
            for size in [3, 1000, 64 * 1024, stream.len()] {
                let (queue, mut splitter) = splitter();
                stream.chunks(size).for_each(|piece| splitter.pass(piece));
                splitter.end();
                assert_eq!(lines(pieces(&queue)), parsed(&output), "in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_long_content_takes_no_space() {
        let (queue, mut splitter) = splitter();
        let whole = message("utf-8", &vec![b' '; 100_000]);
        for _ in 0..1000 {
            splitter.pass(&whole);
        }
        splitter.end();
        assert_eq!((queue.space(), queue.unseen()), (Space::Plenty, 0));
        assert_eq!(lines(pieces(&queue)).len(), 3000);
    }

    #[test]
    fn messages_are_left_out_whole_and_those_after_them_are_at_their_offsets() {
        let (queue, mut splitter) = splitter();
        let (short, long) = (message("utf-8", &[b' '; 2000]), message("utf-8", &vec![b' '; 200_000]));
        let mut total = 0;
        // Cut inside of heads, of contents and between messages.
        for size in [777, 64 * 1024].into_iter().cycle() {
            if total > 12 << 20 {
                break;
            }
            let stream = short.repeat(100);
            stream.chunks(size).for_each(|piece| splitter.pass(piece));
            total += stream.len() as u64;
        }
        assert!(queue.unseen() > 6 << 20, "{}", queue.unseen());
        // It is read up to the middle of a message, of which the head was left out.
        splitter.pass(&long[..100_000]);
        let mut read = Vec::new();
        while queue.space() != Space::Plenty {
            read.extend(queue.next_within(Duration::ZERO).unwrap());
        }
        splitter.pass(&long[100_000..]);
        splitter.pass(b"\0\x02[]");
        splitter.end();
        let mut read = read.into_iter();
        let lines = lines(|| read.next().or_else(pieces(&queue)));
        let [.., header, content, end, error] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((&header["offset"], &header["content_length"]), (&json!(total), &json!(200_000)));
        assert_eq!(content["length"], 200_000);
        total += long.len() as u64;
        assert_eq!(
            (&end["offset"], &error["offset"], &error["kind"]),
            (&json!(total), &json!(total + 2), &json!("not-an-object"))
        );
    }

    #[test]
    fn an_end_inside_of_a_message_that_was_left_out_is_seen() {
        let short = message("utf-8", &[b' '; 2000]);
        for cut in [1, 50, short.len() - 1] {
            let (queue, mut splitter) = splitter();
            let mut total = 0;
            while queue.unseen() == 0 {
                splitter.pass(&short.repeat(100));
                total += 100 * short.len();
            }
            splitter.pass(&short[..cut]);
            splitter.end();
            let last = lines(pieces(&queue)).pop().unwrap();
            assert_eq!((&last["event"], &last["offset"]), (&json!("truncated"), &json!(total + cut)), "{cut}");
        }
    }

    #[test]
    fn what_comes_after_a_fault_is_handed_over_in_part() {
        let (queue, mut splitter) = splitter();
        for _ in 0..100 {
            splitter.pass(&[b'x'; 64 * 1024]);
        }
        assert_eq!(queue.space(), Space::Plenty);
        assert!(queue.unseen() > 95 * 64 * 1024);
        queue.close();
        assert_eq!(queue.unseen(), 100 * 64 * 1024);
    }
}
