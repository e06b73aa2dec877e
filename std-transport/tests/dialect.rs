//! Peers that speak dialects: over a blocking connection, a session and a server.
#![cfg(feature = "server")]

mod running;

use std::io::{self, Cursor, Read, Write};
use std::net::Shutdown;

use jsonframe_std::protocol::{ByteOrder, Decoder, Dialect, EncodeError, Event, Header, Member, Message, ProtoHeader};
use jsonframe_std::server::{Handler, Limits, Peer, To};
use jsonframe_std::{Connection, Error, Fill, Flush, Session};
use running::driver::{Driver, on_each_driver};
use running::{Echo, wait_until};

on_each_driver! {
    a_server_speaks_its_dialect,
    what_is_on_the_wire_is_the_dialect,
    a_handler_sees_the_prefix_of_a_request_and_chooses_that_of_its_reply,
    each_direction_has_a_dialect_of_its_own,
    the_longest_header_may_come_after_a_prefix,
}

/// Each way in which a dialect differs.
const DIALECTS: [&Dialect; 8] = [
    &Dialect::STANDARD,
    &Dialect::STANDARD
        .with_proto_header(ProtoHeader::U8)
        .content_type_or("text/json")
        .omit(Member::ContentType)
        .content_encoding_or("utf-8")
        .omit(Member::ContentEncoding),
    &Dialect::STANDARD.with_proto_header(ProtoHeader::U16(ByteOrder::Little)),
    &Dialect::STANDARD
        .with_proto_header(ProtoHeader::U32(ByteOrder::Little))
        .content_encoding_or("binary")
        .omit(Member::ContentEncoding),
    &Dialect::STANDARD
        .with_proto_header(ProtoHeader::U32(ByteOrder::Big))
        .byte_order_or(ByteOrder::Big)
        .omit(Member::ByteOrder),
    &Dialect::STANDARD.with_underscores(),
    &PREFIXED,
    &Dialect::STANDARD
        .with_name(Member::ContentLength, "content-len")
        .content_length_or_zero()
        .omit(Member::ContentLength)
        .byte_order_or(ByteOrder::Little)
        .with_raw_json(),
];

/// The length of the message and the number of a request before the length of the header.
const PREFIXED: Dialect =
    Dialect::STANDARD.with_prefix(b"total num ").with_proto_header(ProtoHeader::U32(ByteOrder::Little));

fn head(dialect: &Dialect, header: &Header<'_>) -> Vec<u8> {
    let mut head = Vec::new();
    dialect.append_to(header, &mut head).unwrap();
    head
}

/// Messages whose headers are short and long, with contents that are copied behind them and not.
fn each_message(dialect: &Dialect, mut check: impl FnMut(Header<'_>, Vec<u8>)) {
    let long = "x".repeat(if dialect.proto_header() == ProtoHeader::U8 { 100 } else { 3000 });
    for (content_type, length) in [("text/json", 2), (long.as_str(), 0_usize), ("text/json", 300_000), ("other", 5)] {
        // Each message has a prefix of its own.
        let prefix: Vec<u8> = dialect.prefix().iter().zip(length.to_le_bytes().repeat(2)).map(|(a, b)| a ^ b).collect();
        let header = Header::new(content_type, "utf-8", length as u64).with_byte_order(ByteOrder::Big);
        check(header.with_prefix(&prefix), vec![b'x'; length]);
    }
}

fn a_server_speaks_its_dialect(driver: Driver) {
    for dialect in DIALECTS {
        let echo = Echo::default();
        let server = driver.speak(Limits::default(), [dialect; 2], echo.clone());
        let mut connection = server.connect().with_dialect(dialect);
        each_message(dialect, |header, content| {
            connection.send(&header, &content).unwrap();
            let mut answer = connection.receive().unwrap().unwrap();
            assert_eq!(answer.header(), header);
            assert_eq!(answer.content().unwrap(), content);
        });
        wait_until(|| !echo.peers.lock().unwrap().is_empty());
        server.handle.queue(To::All, &Header::for_json(2), "{}").unwrap();
        assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"{}");
    }
}

fn what_is_on_the_wire_is_the_dialect(driver: Driver) {
    for dialect in DIALECTS {
        let server = driver.speak(Limits::default(), [dialect; 2], Echo::default());
        let mut wire = Vec::new();
        each_message(dialect, |header, content| wire.extend([head(dialect, &header), content].concat()));
        let (mut stream, _) = server.connect().into_parts();
        for piece in wire.chunks(7_001) {
            stream.write_all(piece).unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer == wire, "{dialect:?}");
    }
}

#[test]
fn a_session_speaks_its_dialect_a_byte_at_a_time() {
    /// Gives one byte at a read.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut room[..1])
        }
    }

    for dialect in DIALECTS {
        let mut wire = Vec::new();
        each_message(dialect, |header, content| wire.extend([head(dialect, &header), content].concat()));
        let mut session = Session::new(Slow(&wire)).with_max_header(4096).with_dialect(dialect);
        let mut received = Vec::new();
        loop {
            while let Some(event) = session.next_event().unwrap() {
                match event {
                    Event::Header(header) => received.extend(head(dialect, &header)),
                    Event::Content(piece) => received.extend_from_slice(piece),
                    Event::End => {}
                }
            }
            if session.fill().unwrap() == Fill::Eof {
                break;
            }
        }
        assert!(session.next_event().unwrap().is_none());
        assert!(received == wire, "{dialect:?}");
    }
}

#[test]
fn a_header_that_is_longer_than_any_may_be_is_refused_by_its_length_alone() {
    const DIALECT: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U32(ByteOrder::Big));
    let dialect = &DIALECT;
    let header = Header::for_json(0);
    let wire = head(dialect, &header);
    let mut session = Session::new(wire.as_slice()).with_dialect(dialect);
    assert_eq!(session.fill().unwrap(), Fill::Data);
    assert_eq!(session.next_event().unwrap(), Some(Event::Header(header)));

    // One that is longer than any header may be is refused by its length alone.
    let mut session = Session::new(&b"\0\x01\0\0"[..]).with_dialect(dialect);
    assert_eq!(session.fill().unwrap(), Fill::Data);
    let error = session.next_event().unwrap_err();
    assert_eq!(error.to_string(), "the header is 65536 bytes long; this decoder takes at most 65535 (at byte 0)");
}

#[test]
fn content_is_streamed_in_a_dialect() {
    let dialect = DIALECTS[4];
    let header = Header::new("bulk", "binary", 200_000);
    let mut connection = Connection::new(Cursor::new(Vec::new())).with_dialect(dialect);
    connection.send_stream(&header, &mut io::repeat(7)).unwrap();
    let wire = connection.into_parts().0.into_inner();
    let mut decoder = Decoder::new([0; 256]).with_dialect(dialect);
    let mut input = wire.as_slice();
    assert_eq!(decoder.decode(&mut input).unwrap(), Some(Event::Header(header)));
    assert_eq!(decoder.decode(&mut input).unwrap(), Some(Event::Content(&vec![7; 200_000])));
}

#[cfg(feature = "json")]
#[test]
fn json_is_sent_with_the_defaults_of_the_dialect() {
    const DIALECT: Dialect = Dialect::STANDARD
        .byte_order_or(ByteOrder::Big)
        .omit(Member::ByteOrder)
        .content_type_or("application/json")
        .omit(Member::ContentType);

    let expected = b"\x002{\"content-encoding\": \"utf-8\", \"content-length\": 1}7";
    let mut connection = Connection::new(Cursor::new(Vec::new())).with_dialect(&DIALECT);
    connection.send_json(&7).unwrap();
    assert_eq!(connection.into_parts().0.into_inner(), expected);

    let mut session = Session::new(Cursor::new(Vec::new())).with_dialect(&DIALECT);
    assert_eq!(session.send_json(&7).unwrap(), Flush::Done);
    assert_eq!(session.into_parts().0.into_inner(), expected);
}

/// A message that is received has a prefix, and a message that is sent without one has the dialect's.
fn a_handler_sees_the_prefix_of_a_request_and_chooses_that_of_its_reply(driver: Driver) {
    /// Says what the prefix was: at once with the same prefix, and later without one of its own.
    #[derive(Clone)]
    struct Saying;

    impl Handler for Saying {
        type State = ();

        fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
            let prefix = message.header().prefix();
            let header = Header::new("prefix", "binary", prefix.len() as u64);
            peer.queue(&header.with_prefix(prefix), prefix.to_vec()).unwrap();
            peer.reply_later().queue(&header, prefix.to_vec()).unwrap();
        }
    }

    let server = driver.speak(Limits::default(), [&PREFIXED; 2], Saying);
    let mut connection = server.connect().with_dialect(&PREFIXED);
    for prefix in [b"0123456789", b"\0\xFF\0\xFF\0\xFF\0\xFF\0\xFF", b"total num "] {
        connection.send(&Header::for_json(2).with_prefix(prefix), b"{}").unwrap();
        for expected in [prefix, PREFIXED.prefix()] {
            let mut answer = connection.receive().unwrap().unwrap();
            assert_eq!(answer.header().prefix(), expected);
            assert_eq!(answer.content().unwrap(), prefix);
        }
    }
    // One of another length cannot be sent.
    let refused = connection.send(&Header::for_json(2).with_prefix(b"short"), b"{}");
    let mismatch = EncodeError::PrefixMismatch { expected: 10, actual: 5 };
    assert!(matches!(refused, Err(Error::Encode(error)) if error == mismatch));
}

fn each_direction_has_a_dialect_of_its_own(driver: Driver) {
    let theirs = DIALECTS[7];
    for ours in DIALECTS {
        let echo = Echo::default();
        let server = driver.speak(Limits::default(), [theirs, ours], echo.clone());
        let mut wire = Vec::new();
        for content in ["a", "bc"] {
            let header = Header::new("text", "utf-8", content.len() as u64).with_byte_order(ByteOrder::Big);
            wire.extend([head(ours, &header), content.into()].concat());
        }

        // What is on the wire, and what a connection makes of it.
        let mut connection = server.connect().with_dialect(ours).with_sending_dialect(theirs);
        for content in ["a", "bc"] {
            let header = Header::new("text", "utf-8", content.len() as u64).with_byte_order(ByteOrder::Big);
            connection.send(&header, content.as_bytes()).unwrap();
            let mut answer = connection.receive().unwrap().unwrap();
            assert_eq!(answer.header(), header.with_prefix(ours.prefix()));
            assert_eq!(answer.content().unwrap(), content.as_bytes());
        }
        let (mut stream, _) = server.connect().into_parts();
        for content in ["a", "bc"] {
            let header = Header::new("text", "utf-8", content.len() as u64).with_byte_order(ByteOrder::Big);
            stream.write_all(&[head(theirs, &header), content.into()].concat()).unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer == wire, "{ours:?}");

        // What others than the handler send goes the same way.
        wait_until(|| !echo.peers.lock().unwrap().is_empty());
        server.handle.queue(To::All, &Header::for_json(2), "{}").unwrap();
        assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"{}");

        let mut session = Session::new(Cursor::new(wire)).with_dialect(ours).with_sending_dialect(theirs);
        assert_eq!(session.fill().unwrap(), Fill::Data);
        let Some(Event::Header(header)) = session.next_event().unwrap() else { panic!("no header") };
        assert_eq!((header.content_type(), header.prefix()), ("text", ours.prefix()));
        let mut session = Session::new(Cursor::new(Vec::new())).with_dialect(ours).with_sending_dialect(theirs);
        session.queue(&Header::for_json(0), "").unwrap();
        assert_eq!(session.flush().unwrap(), Flush::Done);
        assert_eq!(session.get_ref().get_ref(), &head(theirs, &Header::for_json(0)));
    }
}

/// The prefix takes nothing away from the headers that a limit allows, or that can be announced.
fn the_longest_header_may_come_after_a_prefix(driver: Driver) {
    let longest = |limit: usize| {
        let bare = head(&PREFIXED, &Header::new("", "binary", 0)).len() - 10 - 4;
        "x".repeat(limit - bare)
    };
    for limit in [200, u16::MAX] {
        let limits = Limits::default().with_max_header(limit);
        let server = driver.speak(limits, [&PREFIXED; 2], Echo::default());
        let mut connection = server.connect().with_dialect(&PREFIXED).with_max_header(limit);
        let text = longest(limit.into());
        let header = Header::new(&text, "binary", 0).with_prefix(b"0123456789");
        connection.send(&header, b"").unwrap();
        assert_eq!(connection.receive().unwrap().unwrap().header(), header);
        server.handle.queue(To::All, &header, "").unwrap();
        assert_eq!(connection.receive().unwrap().unwrap().header(), header);
    }
}
