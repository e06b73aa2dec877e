use jsonframe::Message;
use proptest::collection::vec;
use proptest::prelude::*;

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use super::*;
use crate::io::{flush, send};

/// A stream that takes `free` bytes, and then blocks.
struct Sink {
    taken: Vec<u8>,
    free: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.free);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.free -= count;
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..300_usize, 1 => 10_000..40_000_usize]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// In each turn memory is lent, messages are queued in one of three ways, and so many bytes are taken.
    #[test]
    fn every_byte_is_written_once_from_memory_that_is_lent(
        turns in vec((vec((0..3_u8, lengths()), 0..4), prop_oneof![0..1_000_usize, 0..60_000_usize]), 1..20),
    ) {
        let (mut outbox, mut lent) = (Outbox::new(&Dialect::STANDARD), Vec::new());
        let mut sink = Sink { taken: Vec::new(), free: 0 };
        let mut expected = Vec::new();
        for (messages, free) in turns {
            outbox.borrow(&mut lent);
            sink.free = free;
            for (way, length) in messages {
                let content = vec![b'a' + way; length];
                let header = Header::new("text", "utf-8", length as u64);
                expected.extend(Message::new(header, &content).unwrap().to_vec().unwrap());
                match way {
                    0 => outbox.queue(&header, content.into()).unwrap(),
                    1 => outbox.queue_copy(&header, &content).unwrap(),
                    _ => send(&mut outbox, &mut sink, &header, &content).unwrap(),
                }
            }
            flush(&mut outbox, &mut sink, usize::MAX).unwrap();
            outbox.give_back(&mut lent);
            prop_assert_eq!(sink.taken.len() + outbox.queued(), expected.len());
            prop_assert!(expected.starts_with(&sink.taken));
            // Who has nothing queued keeps nothing, and who has little does not keep much.
            prop_assert!(outbox.queued() > 0 || outbox.segments.is_none() && outbox.tail.capacity() == 0);
            prop_assert!(outbox.tail.capacity() / 4 <= outbox.tail.len());
            prop_assert!(lent.len() <= Outbox::TOGETHER);
            prop_assert!(lent.iter().all(|tail| tail.is_empty() && tail.capacity() <= 2 * Outbox::SMALL));
        }
        sink.free = usize::MAX;
        flush(&mut outbox, &mut sink, usize::MAX).unwrap();
        prop_assert!(sink.taken == expected);
    }
}

/// A stream that fails whenever it is flushed.
struct Unflushable(ErrorKind);

impl Write for Unflushable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

fn header(content_length: usize) -> Header<'static> {
    Header::new("text", "utf-8", content_length as u64)
}

/// An outbox whose tail is so long, and has so much memory.
fn with_tail(length: usize, capacity: usize) -> Outbox {
    let mut outbox = Outbox::new(&Dialect::STANDARD);
    outbox.borrow(&mut vec![Vec::with_capacity(capacity)]);
    let content = (0..length).find(|content| header(*content).encoded_len() + content == length).unwrap();
    outbox.queue(&header(content), vec![b'x'; content].into()).unwrap();
    assert_eq!((outbox.tail.len(), outbox.tail.capacity()), (length, capacity));
    outbox
}

fn segments(outbox: &Outbox) -> Vec<usize> {
    outbox.segments.iter().flat_map(|segments| &segments.queue).map(|segment| segment.as_ref().len()).collect()
}

#[test]
fn messages_are_counted_until_they_are_asked_for() {
    let mut outbox = Outbox::new(&Dialect::STANDARD);
    assert_eq!(outbox.take_counts().0, 0);
    for count in [2, 3] {
        for _ in 0..count {
            outbox.count_message();
        }
        assert_eq!(outbox.take_counts().0, count);
    }
}

#[test]
fn no_bytes_are_nothing_to_write() {
    let mut outbox = Outbox::new(&Dialect::STANDARD);
    outbox.push(Vec::new().into());
    assert!(outbox.segments.is_none() && outbox.is_done());
}

#[test]
fn shared_content_is_counted_as_queued_and_as_shared_until_it_is_written() {
    let charges = Arc::default();
    let shared: Arc<[u8]> = vec![b'x'; 20_000].into();
    let content = || Content::from(Arc::clone(&shared)).charged(&charges);
    let mut outbox = Outbox::new(&Dialect::STANDARD);
    for count in 1..=2 {
        outbox.queue(&header(20_000), content()).unwrap();
        assert_eq!((outbox.shared(), charges.queued()), (count * 20_000, 20_000));
        assert!(outbox.held() < 2_000, "{}", outbox.held());
    }
    outbox.wrote(header(20_000).encoded_len() + 20_000);
    assert_eq!((outbox.shared(), charges.total()), (20_000, 20_000));
    outbox.wrote(usize::MAX);
    assert_eq!((outbox.shared(), charges.total()), (0, 0));
}

#[test]
fn content_is_held_until_all_of_it_is_written() {
    let mut outbox = Outbox::new(&Dialect::STANDARD);
    for _ in 0..2 {
        outbox.push(vec![b'x'; 20_000].into());
    }
    let each = 20_000 + size_of::<Content>();
    for (count, held) in [(0, 2 * each), (19_999, 2 * each), (1, each), (20_000, 0)] {
        outbox.wrote(count);
        assert_eq!(outbox.held(), held);
    }
}

#[test]
fn what_the_stream_does_not_take_is_put_together_if_it_is_small() {
    for (content, expected) in [(Outbox::SMALL, 0), (Outbox::SMALL + 1, 2)] {
        let mut outbox = Outbox::new(&Dialect::STANDARD);
        let mut blocked = Sink { taken: Vec::new(), free: 0 };
        send(&mut outbox, &mut blocked, &header(content), &vec![b'x'; content]).unwrap();
        assert_eq!(segments(&outbox).len(), expected, "{content}");
        assert_eq!(outbox.queued(), header(content).encoded_len() + content);
    }
}

#[test]
fn messages_are_put_together_up_to_a_length() {
    for (content, expected) in [(Outbox::SMALL - 1000, vec![]), (Outbox::SMALL - 999, vec![1000])] {
        let mut outbox = with_tail(1000, 32 * 1024);
        outbox.queue_copy(&header(content), &vec![b'x'; content]).unwrap();
        assert_eq!(segments(&outbox), expected, "{content}");
        let in_one_piece = expected.is_empty().then_some(outbox.queued());
        assert_eq!(outbox.in_one_piece().map(<[u8]>::len), in_one_piece);
    }
}

#[test]
fn about_as_much_is_written_as_is_asked_for() {
    let mut outbox = with_tail(1000, 4096);
    let mut sink = Sink { taken: Vec::new(), free: 10 };
    assert!(!flush(&mut outbox, &mut sink, 10).unwrap(), "the stream was not asked whether it takes more");
    assert!(flush(&mut outbox, &mut sink, 10).unwrap(), "the stream takes no more now");
    assert_eq!((sink.taken.len(), outbox.queued()), (10, 990));
}

#[test]
fn a_stream_that_cannot_pass_on_what_it_has_is_asked_again() {
    let mut outbox = with_tail(1000, 4096);
    assert!(flush(&mut outbox, &mut Unflushable(ErrorKind::WouldBlock), usize::MAX).unwrap());
    assert_eq!((outbox.queued(), outbox.is_done()), (0, false));
    let error = flush(&mut outbox, &mut Unflushable(ErrorKind::TimedOut), usize::MAX).unwrap_err();
    assert_eq!((error.kind(), outbox.is_done()), (ErrorKind::TimedOut, false));
    assert!(!flush(&mut outbox, &mut Sink { taken: Vec::new(), free: 0 }, usize::MAX).unwrap());
    assert!(outbox.is_done());
}

#[test]
fn what_waits_before_other_bytes_takes_no_more_memory_than_it_needs() {
    // The tail is copied if it would wait in more than four times the memory.
    for (length, capacity) in [(1023, 4096), (1024, 0)] {
        let mut outbox = with_tail(length, 4096);
        outbox.push(vec![b'x'; 100].into());
        assert_eq!((segments(&outbox), outbox.tail.capacity()), (vec![length, 100], capacity));
    }
}

#[test]
fn memory_is_given_back_when_nothing_is_queued() {
    let mut outbox = with_tail(1000, 4096);
    outbox.release();
    assert_eq!((outbox.queued(), outbox.tail.len(), outbox.tail.capacity()), (1000, 1000, 4096));
    assert!(!flush(&mut outbox, &mut io::sink(), usize::MAX).unwrap());
    assert_eq!(outbox.tail.capacity(), 4096);
    outbox.release();
    assert_eq!(outbox.tail.capacity(), 0);
}

#[test]
fn lent_memory_comes_back_unless_what_is_queued_needs_most_of_it() {
    let capacities = |lender: &[Vec<u8>]| lender.iter().map(Vec::capacity).collect::<Vec<_>>();
    for (length, kept, lent) in [(1024, 1024, &[4096][..]), (1025, 4096, &[])] {
        let (mut outbox, mut lender) = (with_tail(length, 4096), Vec::new());
        outbox.give_back(&mut lender);
        assert_eq!((outbox.tail.len(), outbox.tail.capacity(), &*capacities(&lender)), (length, kept, lent));
    }
    // Nobody gets more than most need, nor more pieces than are borrowed together.
    let (large, most) = (2 * Outbox::SMALL, Outbox::TOGETHER);
    for (capacity, had, has) in [(large, 0, 1), (large + 1, 0, 0), (4096, most - 1, most), (4096, most, most)] {
        let (mut outbox, mut lender) = (with_tail(250, capacity), vec![Vec::with_capacity(capacity); had]);
        outbox.give_back(&mut lender);
        assert_eq!((outbox.tail.len(), lender.len()), (250, has), "{capacity} {had}");
        assert!(lender.iter().all(Vec::is_empty));
    }
}

#[test]
fn it_says_how_much_was_written_since_it_was_last_asked() {
    let mut outbox = with_tail(1000, 4096);
    assert_eq!(outbox.take_counts().1, 0);
    outbox.wrote(10);
    outbox.wrote(5);
    assert_eq!((outbox.take_counts().1, outbox.take_counts().1), (15, 0));
    outbox.wrote(usize::MAX);
    assert_eq!((outbox.take_counts().1, outbox.queued()), (985, 0));
    let mut sink = Sink { taken: Vec::new(), free: 20_000 };
    send(&mut outbox, &mut sink, &header(30_000), &[b'x'; 30_000]).unwrap();
    assert_eq!(outbox.take_counts().1, 20_000);
}

#[test]
fn what_is_appended_is_queued_and_makes_the_tail_no_longer_than_asked_for() {
    let mut outbox = Outbox::new(&Dialect::STANDARD);
    let fill = |tail: &mut Vec<u8>, space: usize| tail.resize(tail.len() + space, b'x');
    for (size, wanted, appends, queued) in [
        (10, 4, true, 4),
        (10, 100, true, 10),
        (10, 1, false, 10),
        (5, 1, false, 10),
        (20, 0, false, 10),
        (11, 1, true, 11),
    ] {
        assert_eq!(outbox.append(size, wanted, fill).is_some(), appends, "{size} {wanted}");
        assert_eq!((outbox.queued(), outbox.tail.capacity()), (queued, queued));
    }
    assert!(outbox.append(20, 9, |_, space| assert_eq!(space, 9)).is_some());
    assert_eq!(outbox.queued(), 11, "nothing was appended");
}
