//! The receiving side of a session: from reads that may have nothing to give, to headers and pieces of content.

use std::io::{self, ErrorKind, Read};

use jsonframe::{DecodeError, Decoder, Dialect, Event, Header, ProtoHeader};

use crate::ahead::Ahead;
#[cfg(feature = "server")]
use crate::ahead::retry;
use crate::session::Fill;

/// A decoder and the bytes read ahead for it. Holds memory only for a message that is under way.
#[derive(Debug)]
pub(crate) struct Inbox {
    decoder: Decoder<Box<[u8]>>,
    proto_header: ProtoHeader,
    ahead: Ahead,
    /// The size of the decoder's room, which cannot be asked for without exchanging it.
    room: u16,
    max_header: u16,
    in_message: bool,
    /// Whether the stream has ended.
    ended: bool,
    failed: bool,
}

/// An [`Event`] that borrows nothing.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// [`Inbox::header`] has it.
    Header,
    /// So many bytes of content, which [`Inbox::piece`] has.
    Content(usize),
    End,
}

impl From<Event<'_, '_>> for Step {
    fn from(event: Event<'_, '_>) -> Self {
        match event {
            Event::Header(_) => Self::Header,
            Event::Content(piece) => Self::Content(piece.len()),
            Event::End => Self::End,
        }
    }
}

impl Inbox {
    pub(crate) fn new(dialect: &'static Dialect, max_header: u16) -> Self {
        Self {
            decoder: Decoder::in_dialect(Box::default(), dialect),
            proto_header: dialect.proto_header(),
            ahead: Ahead::default(),
            room: 0,
            max_header,
            in_message: false,
            ended: false,
            failed: false,
        }
    }

    /// The same in another dialect; nothing may have been received yet.
    pub(crate) fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self::new(dialect, self.max_header)
    }

    /// Changes the limit, which counts from the next header on.
    pub(crate) const fn set_max_header(&mut self, bytes: u16) {
        self.max_header = bytes;
    }

    /// Reads once, if nothing is unread.
    pub(crate) fn fill(&mut self, stream: &mut impl Read) -> io::Result<Fill> {
        if !self.ahead.is_empty() {
            return Ok(Fill::Data);
        }
        if self.ended {
            return Ok(Fill::Eof);
        }
        match self.ahead.fill(stream) {
            Ok(0) => {
                self.ended = true;
                Ok(Fill::Eof)
            }
            Ok(_) => Ok(Fill::Data),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Fill::Blocked),
            Err(error) => Err(error),
        }
    }

    /// Decodes from what has been read.
    pub(crate) fn next_step(&mut self) -> Result<Option<Step>, DecodeError> {
        self.make_room();
        let mut input = self.ahead.unread();
        let step = self.decoder.decode(&mut input).map(|event| event.map(Step::from));
        let left = input.len();
        self.ahead.leave(left);
        self.failed |= step.is_err();
        match step? {
            Some(Step::End) => self.in_message = false,
            None if self.ended => self.decoder.finish()?,
            _ => {}
        }
        step
    }

    /// The piece of content of the last step, which was so long.
    pub(crate) fn piece(&self, length: usize) -> &[u8] {
        self.ahead.last(length)
    }

    /// Refuses the message whose header has just been decoded, if its content is longer than this.
    pub(crate) fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        let outcome = self.decoder.limit_content(limit);
        self.failed |= outcome.is_err();
        outcome
    }

    /// The header of the message under way, or of the one that has just ended.
    pub(crate) fn header(&self) -> Option<Header<'_>> {
        self.decoder.header()
    }

    /// How many bytes the part of the message under way still lacks.
    pub(crate) const fn needs(&self) -> u64 {
        self.decoder.needs()
    }

    /// Whether there is any use in reading.
    pub(crate) const fn wants(&self) -> bool {
        !self.ended && !self.failed
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.ahead.unread()
    }

    /// Takes room for the header of a message that begins.
    ///
    /// Its first byte says how long the header is, but for up to 255 bytes; in a dialect it may say less.
    fn make_room(&mut self) {
        let wanted = match self.ahead.unread() {
            [first, ..] if !self.in_message && self.proto_header == ProtoHeader::STANDARD => {
                u16::from_be_bytes([*first, u8::MAX])
            }
            first @ [_, ..] if !self.in_message => self.proto_header.longest(first),
            _ => return,
        };
        self.in_message = true;
        let wanted = wanted.min(self.max_header);
        // A room that has served is kept while messages follow each other: the decoder knows its way through them.
        if (self.room < wanted || self.room > self.max_header)
            && let Some(room) = self.decoder.buffer_mut()
        {
            *room = vec![0; usize::from(wanted)].into();
            self.room = wanted;
        }
    }

    /// Gives memory back to the allocator: that for what is read ahead, if nothing is, and that for a header, between
    /// messages.
    pub(crate) fn release(&mut self) {
        if self.ahead.is_empty() {
            self.ahead.release();
        }
        if self.room > 0
            && !self.in_message
            && let Some(room) = self.decoder.buffer_mut()
        {
            *room = Box::default();
            self.room = 0;
        }
    }
}

/// For who reads for many, one after the other, into the same rooms.
#[cfg(feature = "server")]
impl Inbox {
    /// The longest room for a header that is given to others.
    const COMMON: usize = 1024;

    /// Takes room from who has some to lend: to read ahead, when nothing is unread, and for a header, between messages.
    pub(crate) fn borrow_rooms(&mut self, ahead: &mut Box<[u8]>, header: &mut Box<[u8]>) {
        self.ahead.borrow_room(ahead);
        if self.room == 0
            && !header.is_empty()
            && let Some(room) = self.decoder.buffer_mut()
        {
            std::mem::swap(room, header);
            self.room = u16::try_from(room.len()).unwrap_or(0);
        }
    }

    /// Gives the rooms back, but for what a message under way needs.
    pub(crate) fn return_rooms(&mut self, ahead: &mut Box<[u8]>, header: &mut Box<[u8]>) {
        self.ahead.return_room(ahead);
        if self.room > 0
            && !self.in_message
            && let Some(room) = self.decoder.buffer_mut()
        {
            let room = std::mem::take(room);
            self.room = 0;
            if room.len() > header.len() && room.len() <= Self::COMMON {
                *header = room;
            }
        }
    }

    /// Reads content once, straight to where it belongs, if nothing is unread: what came of it, and how many bytes. There
    /// must be no room for more bytes than the content still lacks.
    pub(crate) fn fill_content(&mut self, stream: &mut impl Read, room: &mut [u8]) -> io::Result<(Fill, usize)> {
        match retry(|| stream.read(room)) {
            Ok(0) => {
                self.ended = true;
                Ok((Fill::Eof, 0))
            }
            Ok(count) => {
                let count = self.decoder.content_bypassed(count.min(room.len()) as u64);
                Ok((Fill::Data, usize::try_from(count).unwrap_or(0)))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok((Fill::Blocked, 0)),
            Err(error) => Err(error),
        }
    }

    /// How many bytes are read ahead at a time.
    pub(crate) const fn room_ahead(&self) -> usize {
        self.ahead.size()
    }

    /// Drops what is unread.
    pub(crate) fn forget_unread(&mut self) {
        self.ahead.forget();
    }

    /// Takes the stream for ended.
    pub(crate) const fn end(&mut self) {
        self.ended = true;
    }

    /// Whether a byte of a message has been taken and its end not been reported yet.
    pub(crate) const fn in_message(&self) -> bool {
        self.in_message
    }

    /// Whether the stream has ended, which says nothing of what is unread.
    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use jsonframe::Message;

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
    fn rooms_are_lent_and_come_back_between_messages() {
        let wire = message(&Dialect::STANDARD, 0);
        let mut inbox = Inbox::new(&Dialect::STANDARD, 1000);
        let (mut ahead, mut header) = (Box::from([0; 100_000]), Box::from([0; 512]));
        inbox.borrow_rooms(&mut ahead, &mut header);
        assert_eq!((inbox.room_ahead(), inbox.room), (100_000, 512));
        assert!(ahead.is_empty() && header.is_empty());

        // In a message it keeps the room for the header, and takes no other.
        receive(&mut inbox, &wire[..50]);
        inbox.return_rooms(&mut ahead, &mut header);
        assert_eq!((inbox.room_ahead(), inbox.room, ahead.len(), header.len()), (0, 512, 100_000, 0));
        let mut other = Box::from([0; 600]);
        inbox.borrow_rooms(&mut ahead, &mut other);
        assert_eq!((inbox.room_ahead(), inbox.room, other.len()), (100_000, 512, 600));

        receive(&mut inbox, &wire[50..]);
        inbox.return_rooms(&mut ahead, &mut header);
        assert_eq!((inbox.room_ahead(), inbox.room, ahead.len(), header.len()), (0, 0, 100_000, 512));
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
        let error = inbox.fill_content(&mut Failing(ErrorKind::ConnectionReset), &mut [0; 3]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let mut room = [0; 3];
        assert_eq!(inbox.fill_content(&mut &content[..2], &mut room).unwrap(), (Fill::Data, 2));
        assert_eq!((&room, inbox.needs()), (b"ab\0", 1));
        assert_eq!(inbox.fill_content(&mut &[][..], &mut room).unwrap(), (Fill::Eof, 0));
        assert!(inbox.ended() && !inbox.wants());
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
}
