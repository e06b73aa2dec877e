use jsonframe::{Message, ProtoHeader};

use super::*;

impl Inbox {
    /// How many bytes of memory its buffers take.
    pub(crate) fn memory(&self) -> usize {
        self.ahead.held() + self.capacity
    }
}

static SHORT: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U8);

/// A message without content, whose header is so much longer than the shortest.
fn message(dialect: &Dialect, longer: usize) -> Vec<u8> {
    let kind = "x".repeat(longer);
    dialect.encode(&Header::new(&kind, "", 0), &mut [0; 4096]).unwrap().to_vec()
}

/// Takes all of the bytes as received, and decodes them.
fn receive(inbox: &mut Inbox, bytes: &[u8]) {
    let space = inbox.read_buf();
    space[..bytes.len()].copy_from_slice(bytes);
    inbox.received(bytes.len());
    while inbox.next_step().unwrap().is_some() {}
}

fn place_of_buffer(inbox: &mut Inbox) -> *const u8 {
    inbox.decoder.buffer_mut().unwrap().as_ptr()
}

#[test]
fn the_first_byte_allocates_a_buffer_for_the_longest_header_it_can_begin() {
    for (dialect, first, capacity) in [
        (&Dialect::STANDARD, &[0, 100][..], 255),
        (&Dialect::STANDARD, &[1], 300),
        (&SHORT, &[100], 100),
        (&SHORT, &[255], 255),
    ] {
        let mut inbox = Inbox::new(dialect, 300);
        assert_eq!(inbox.capacity, 0);
        receive(&mut inbox, first);
        assert_eq!(inbox.capacity, capacity, "{first:?}");
        assert!(inbox.in_message());
    }
}

#[test]
fn the_header_buffer_is_kept_while_messages_follow_each_other() {
    let mut inbox = Inbox::new(&Dialect::STANDARD, 200);
    receive(&mut inbox, &message(&Dialect::STANDARD, 0));
    let place = place_of_buffer(&mut inbox);
    receive(&mut inbox, &message(&Dialect::STANDARD, 50));
    assert_eq!((inbox.capacity, place_of_buffer(&mut inbox)), (200, place));
    // But not a longer one than a limit allows that was lowered.
    inbox.max_header = 150;
    receive(&mut inbox, &message(&Dialect::STANDARD, 0));
    assert_eq!(inbox.capacity, 150);
}

#[test]
fn memory_is_given_back_between_messages() {
    let wire = message(&Dialect::STANDARD, 0);
    let mut inbox = Inbox::new(&Dialect::STANDARD, 200);
    receive(&mut inbox, &wire[..50]);
    inbox.release();
    assert_eq!((inbox.ahead.held(), inbox.capacity), (0, 200));
    receive(&mut inbox, &wire[50..]);
    assert_eq!(inbox.header().map(|header| header.content_length()), Some(0));
    inbox.release();
    assert_eq!((inbox.ahead.held(), inbox.capacity), (0, 0));
    inbox.read_buf()[..wire.len()].copy_from_slice(&wire);
    inbox.received(wire.len());
    inbox.release();
    assert_eq!(inbox.unread(), wire);
}

#[test]
fn buffers_are_borrowed_and_given_back_between_messages() {
    let wire = message(&Dialect::STANDARD, 0);
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    let (mut ahead, mut header) = (Box::from([0; 50_000]), Box::from([0; 512]));
    inbox.borrow(&mut ahead, &mut header);
    assert_eq!((inbox.ahead.held(), inbox.capacity), (50_000, 512));
    assert!(ahead.is_empty() && header.is_empty());

    // In a message it keeps the buffer for the header, and borrows no other.
    receive(&mut inbox, &wire[..50]);
    inbox.give_back(&mut ahead, &mut header);
    assert_eq!((inbox.ahead.held(), inbox.capacity, ahead.len(), header.len()), (0, 512, 50_000, 0));
    let mut other = Box::from([0; 600]);
    inbox.borrow(&mut ahead, &mut other);
    assert_eq!((inbox.ahead.held(), inbox.capacity, other.len()), (50_000, 512, 600));

    receive(&mut inbox, &wire[50..]);
    inbox.give_back(&mut ahead, &mut header);
    assert_eq!((inbox.ahead.held(), inbox.capacity, ahead.len(), header.len()), (0, 0, 50_000, 512));
}

#[test]
fn the_lender_gets_no_buffer_that_is_shorter_than_its_own_or_too_long_for_others() {
    for (longer, lent) in [(0, 512), (1500, 512), (0, 0), (1500, 0)] {
        let mut inbox = Inbox::new(&Dialect::STANDARD, 2000);
        receive(&mut inbox, &message(&Dialect::STANDARD, longer));
        let (mut ahead, mut header) = (Box::default(), vec![0; lent].into_boxed_slice());
        inbox.give_back(&mut ahead, &mut header);
        let expected = if (longer, lent) == (0, 0) { 255 } else { lent };
        assert_eq!((inbox.capacity, header.len()), (0, expected), "{longer} {lent}");
    }
    let shortest = message(&Dialect::STANDARD, 0).len() - 2;
    for (length, given) in [(1024, 1024), (1025, 0)] {
        let mut inbox = Inbox::new(&Dialect::STANDARD, length);
        receive(&mut inbox, &message(&Dialect::STANDARD, usize::from(length) - shortest));
        let (mut ahead, mut header) = (Box::default(), Box::default());
        inbox.give_back(&mut ahead, &mut header);
        assert_eq!(header.len(), given);
    }
}

#[test]
fn content_that_was_read_past_the_inbox_counts() {
    let wire = Message::new(Header::new("text", "", 3), b"abc").unwrap().to_vec().unwrap();
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    receive(&mut inbox, &wire[..wire.len() - 3]);
    inbox.content_bypassed(2);
    assert_eq!(inbox.needs(), 1);
    inbox.content_bypassed(2);
    assert_eq!(inbox.needs(), 0);
    assert!(matches!(inbox.next_step(), Ok(Some(Step::End))));
}

#[test]
fn after_a_refusal_or_the_end_nothing_more_is_wanted() {
    let wire = Message::new(Header::new("text", "", 3), b"abc").unwrap().to_vec().unwrap();
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    receive(&mut inbox, &wire[..wire.len() - 3]);
    inbox.limit_content(3).unwrap();
    assert!(inbox.wants());
    inbox.limit_content(2).unwrap_err();
    assert!(!inbox.wants());

    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    inbox.read_buf()[..wire.len()].copy_from_slice(&wire);
    inbox.received(wire.len());
    inbox.forget_unread();
    assert_eq!(inbox.unread(), b"");
    inbox.end();
    assert!(inbox.ended() && !inbox.wants());
}

#[test]
fn after_two_errors_nothing_is_wanted_either() {
    let mut inbox = Inbox::new(&Dialect::STANDARD, 100);
    inbox.read_buf()[..2].copy_from_slice(&[1, 0]);
    assert_eq!(inbox.received(2), 2);
    for _ in 0..2 {
        assert!(inbox.next_step().is_err(), "its header is longer than the limit");
        assert!(!inbox.wants());
    }

    let wire = Message::new(Header::new("text", "", 3), b"abc").unwrap().to_vec().unwrap();
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    receive(&mut inbox, &wire[..wire.len() - 3]);
    for _ in 0..2 {
        inbox.limit_content(2).unwrap_err();
        assert!(!inbox.wants());
    }
}

#[test]
fn the_stream_may_end_only_between_messages() {
    let wire = message(&Dialect::STANDARD, 0);
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    inbox.finish().unwrap();
    receive(&mut inbox, &wire[..50]);
    inbox.finish().unwrap_err();
    inbox.end();
    assert!(inbox.next_step().is_err());

    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    receive(&mut inbox, &wire);
    inbox.finish().unwrap();
    inbox.end();
    assert!(inbox.next_step().unwrap().is_none());
}

#[test]
fn only_unread_bytes_of_the_content_are_consumed() {
    let wire = Message::new(Header::new("text", "", 5), b"abcde").unwrap().to_vec().unwrap();
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    receive(&mut inbox, &wire[..wire.len() - 5]);
    for (piece, count, consumed, unread) in
        [(&b"abc"[..], 2, 2, &b"c"[..]), (b"c", 9, 1, b""), (b"de and", 9, 2, b" and")]
    {
        inbox.read_buf()[..piece.len()].copy_from_slice(piece);
        assert_eq!(inbox.received(piece.len()), piece.len());
        assert_eq!((inbox.consume_content(count), inbox.unread()), (consumed, unread));
    }
    assert_eq!(inbox.content_needs(), 0);
}

#[test]
fn a_prefix_of_the_dialect_adds_to_the_longest_header() {
    static PREFIXED: Dialect = Dialect::STANDARD.with_prefix(b"three");
    let mut inbox = Inbox::new(&PREFIXED, 300);
    receive(&mut inbox, b"three\x01");
    assert_eq!(inbox.capacity, 305);
}

#[test]
fn content_lacks_nothing_before_its_header_has_come_and_after_its_end() {
    let head = Header::new("bytes", "binary", 10);
    let mut wire = Dialect::STANDARD.encode(&head, &mut [0; 256]).unwrap().to_vec();
    let mut inbox = Inbox::new(&Dialect::STANDARD, 200);
    receive(&mut inbox, &wire[..1]);
    receive(&mut inbox, &wire[1..50]);
    assert_eq!(inbox.content_needs(), 0);
    receive(&mut inbox, &wire.split_off(50));
    assert_eq!(inbox.content_needs(), 10);
    receive(&mut inbox, &[b'x'; 10]);
    assert!(inbox.header().is_some());
    assert_eq!(inbox.content_needs(), 0);
}
