use jsonframe::{Message, ProtoHeader};

use super::*;

static SHORT: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U8);

/// A message without content, whose header is so much longer than the shortest.
fn message(dialect: &Dialect, longer: usize) -> Vec<u8> {
    let kind = "x".repeat(longer);
    dialect.encode(&Header::new(&kind, "", 0), &mut [0; 4096]).unwrap().to_vec()
}

/// Reads all of the bytes, and decodes them.
fn receive(inbox: &mut Inbox, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        assert_eq!(inbox.fill(&mut bytes).unwrap(), Fill::Data);
        while inbox.next_step().unwrap().is_some() {}
    }
}

fn place_of_room(inbox: &mut Inbox) -> *const u8 {
    inbox.decoder.buffer_mut().unwrap().as_ptr()
}

struct Failing(ErrorKind);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

#[test]
fn the_first_byte_takes_room_for_the_longest_header_it_can_begin() {
    for (dialect, first, room) in [
        (&Dialect::STANDARD, &[0, 100][..], 255),
        (&Dialect::STANDARD, &[1], 300),
        (&SHORT, &[100], 100),
        (&SHORT, &[255], 255),
    ] {
        let mut inbox = Inbox::new(dialect, 300);
        assert_eq!(inbox.room, 0);
        receive(&mut inbox, first);
        assert_eq!(inbox.room, room, "{first:?}");
        assert!(inbox.in_message());
    }
}

#[test]
fn room_is_kept_while_messages_follow_each_other() {
    let mut inbox = Inbox::new(&Dialect::STANDARD, 200);
    receive(&mut inbox, &message(&Dialect::STANDARD, 0));
    let place = place_of_room(&mut inbox);
    receive(&mut inbox, &message(&Dialect::STANDARD, 50));
    assert_eq!((inbox.room, place_of_room(&mut inbox)), (200, place));
    // But not what is longer than a limit that was lowered.
    inbox.set_max_header(150);
    receive(&mut inbox, &message(&Dialect::STANDARD, 0));
    assert_eq!(inbox.room, 150);
}

#[test]
fn memory_is_given_back_between_messages() {
    let wire = message(&Dialect::STANDARD, 0);
    let mut inbox = Inbox::new(&Dialect::STANDARD, 200);
    receive(&mut inbox, &wire[..50]);
    inbox.release();
    assert_eq!((inbox.room_ahead(), inbox.room), (0, 200));
    receive(&mut inbox, &wire[50..]);
    assert_eq!(inbox.header().map(|header| header.content_length()), Some(0));
    inbox.release();
    assert_eq!((inbox.room_ahead(), inbox.room), (0, 0));
    assert_eq!(inbox.fill(&mut &wire[..]).unwrap(), Fill::Data);
    inbox.release();
    assert_eq!(inbox.unread(), wire);
}

#[test]
fn a_session_that_waits_holds_no_memory() {
    let wire = message(&Dialect::STANDARD, 0);
    let mut session = crate::Session::new((&wire[..]).chain(Failing(ErrorKind::WouldBlock)));
    assert_eq!(session.fill().unwrap(), Fill::Data);
    while session.next_event().unwrap().is_some() {}
    assert!(session.parts_mut().1.room > 0);
    assert_eq!(session.fill().unwrap(), Fill::Blocked);
    let (_, inbox, _) = session.parts_mut();
    assert_eq!((inbox.room_ahead(), inbox.room), (0, 0));
}

#[test]
fn rooms_are_lent_and_come_back_between_messages() {
    let wire = message(&Dialect::STANDARD, 0);
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    let (mut ahead, mut header) = (Box::from([0; 50_000]), Box::from([0; 512]));
    inbox.borrow_rooms(&mut ahead, &mut header);
    assert_eq!((inbox.room_ahead(), inbox.room), (50_000, 512));
    assert!(ahead.is_empty() && header.is_empty());

    // In a message it keeps the room for the header, and takes no other.
    receive(&mut inbox, &wire[..50]);
    inbox.return_rooms(&mut ahead, &mut header);
    assert_eq!((inbox.room_ahead(), inbox.room, ahead.len(), header.len()), (0, 512, 50_000, 0));
    let mut other = Box::from([0; 600]);
    inbox.borrow_rooms(&mut ahead, &mut other);
    assert_eq!((inbox.room_ahead(), inbox.room, other.len()), (50_000, 512, 600));

    receive(&mut inbox, &wire[50..]);
    inbox.return_rooms(&mut ahead, &mut header);
    assert_eq!((inbox.room_ahead(), inbox.room, ahead.len(), header.len()), (0, 0, 50_000, 512));
}

#[test]
fn the_lender_gets_no_room_that_is_shorter_than_its_own_or_too_long_for_others() {
    for (longer, lent) in [(0, 512), (1500, 512), (0, 0), (1500, 0)] {
        let mut inbox = Inbox::new(&Dialect::STANDARD, 2000);
        receive(&mut inbox, &message(&Dialect::STANDARD, longer));
        let (mut ahead, mut header) = (Box::default(), vec![0; lent].into_boxed_slice());
        inbox.return_rooms(&mut ahead, &mut header);
        let expected = if (longer, lent) == (0, 0) { 255 } else { lent };
        assert_eq!((inbox.room, header.len()), (0, expected), "{longer} {lent}");
    }
}

#[test]
fn content_is_read_straight_to_its_room() {
    let wire = Message::new(Header::new("text", "", 3), b"abc").unwrap().to_vec().unwrap();
    let (head, content) = wire.split_at(wire.len() - 3);
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    receive(&mut inbox, head);
    assert_eq!(inbox.needs(), 3);
    assert_eq!(inbox.fill_content(&mut Failing(ErrorKind::WouldBlock), &mut [0; 3]).unwrap(), (Fill::Blocked, 0));
    let mut room = [0; 3];
    assert_eq!(inbox.fill_content(&mut &content[..2], &mut room).unwrap(), (Fill::Data, 2));
    assert_eq!((&room, inbox.needs()), (b"ab\0", 1));
    assert_eq!(inbox.fill_content(&mut &[][..], &mut room).unwrap(), (Fill::Eof, 0));
    assert!(inbox.ended() && !inbox.wants());
}

#[test]
fn after_a_failure_content_is_not_read_either() {
    let wire = Message::new(Header::new("text", "", 3), b"abc").unwrap().to_vec().unwrap();
    let (head, content) = wire.split_at(wire.len() - 3);
    let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
    receive(&mut inbox, head);
    let mut room = [0; 3];
    for mut stream in [&mut Failing(ErrorKind::ConnectionReset) as &mut dyn Read, &mut &content[..], &mut &[][..]] {
        let error = inbox.fill_content(&mut stream, &mut room).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(inbox.fill(&mut stream).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    assert!(!inbox.wants() && !inbox.ended());
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
    assert_eq!(inbox.fill(&mut &wire[..]).unwrap(), Fill::Data);
    inbox.forget_unread();
    assert_eq!(inbox.unread(), b"");
    inbox.end();
    assert_eq!(inbox.fill(&mut &wire[..]).unwrap(), Fill::Eof);
    assert!(!inbox.wants());
}
