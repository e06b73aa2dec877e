//! Peers that speak dialects: over a blocking connection, a session and a server.
#![cfg(feature = "server")]

mod running;

use std::io::{self, Cursor, Read, Write};
use std::net::Shutdown;

use jsonframe_std::protocol::{ByteOrder, Decoder, Dialect, Event, Header, ProtoHeader};
use jsonframe_std::server::{Limits, Server};
use jsonframe_std::{Connection, Fill, Session};
use running::{Echo, Running, wait_until};

/// Each way in which a dialect differs.
const DIALECTS: [&Dialect; 6] = [
    &Dialect::STANDARD,
    &Dialect::STANDARD
        .with_proto_header(ProtoHeader::U8)
        .content_type_or("text/json")
        .omit(jsonframe::Member::ContentType)
        .content_encoding_or("utf-8")
        .omit(jsonframe::Member::ContentEncoding),
    &Dialect::STANDARD.with_proto_header(ProtoHeader::U16(ByteOrder::Little)),
    &Dialect::STANDARD
        .with_proto_header(ProtoHeader::U32(ByteOrder::Little))
        .content_encoding_or("binary")
        .omit(jsonframe::Member::ContentEncoding),
    &Dialect::STANDARD
        .with_proto_header(ProtoHeader::U32(ByteOrder::Big))
        .byte_order_or(ByteOrder::Big)
        .omit(jsonframe::Member::ByteOrder),
    &Dialect::STANDARD.with_underscores(),
];

fn head(dialect: &Dialect, header: &Header<'_>) -> Vec<u8> {
    let mut head = Vec::new();
    dialect.append_to(header, &mut head).unwrap();
    head
}

/// Messages whose headers are short and long, with contents that are copied behind them and not.
fn each_message(dialect: &Dialect, mut check: impl FnMut(Header<'_>, Vec<u8>)) {
    let long = "x".repeat(if dialect.proto_header() == ProtoHeader::U8 { 100 } else { 3000 });
    for (content_type, length) in [("text/json", 2), (long.as_str(), 0), ("text/json", 300_000), ("other", 5)] {
        let header = Header::new(content_type, "utf-8", length as u64).with_byte_order(ByteOrder::Big);
        check(header, vec![b'x'; length]);
    }
}

#[test]
fn a_server_speaks_its_dialect() {
    for dialect in DIALECTS {
        let server = Server::bind("127.0.0.1:0", Limits::default()).unwrap().with_dialect(dialect);
        let echo = Echo::default();
        let handler = echo.clone();
        let server = Running::of(server, |server| server.run(handler));
        let mut connection = server.connect().with_dialect(dialect);
        each_message(dialect, |header, content| {
            connection.send(&header, &content).unwrap();
            let mut answer = connection.receive().unwrap().unwrap();
            assert_eq!(answer.header(), header);
            assert_eq!(answer.content().unwrap(), content);
        });
        wait_until(|| !echo.peers.lock().unwrap().is_empty());
        server.handle.broadcast(&Header::for_json(2), "{}").unwrap();
        assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"{}");
    }
}

#[test]
fn what_is_on_the_wire_is_the_dialect() {
    for dialect in DIALECTS {
        let server = Server::bind("127.0.0.1:0", Limits::default()).unwrap().with_dialect(dialect);
        let server = Running::of(server, |server| server.run(Echo::default()));
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
    const DIALECT: Dialect = Dialect::STANDARD.byte_order_or(ByteOrder::Big).content_type_or("application/json");

    let expected = b"\x002{\"content-encoding\": \"utf-8\", \"content-length\": 1}7";
    let mut connection = Connection::new(Cursor::new(Vec::new())).with_dialect(&DIALECT);
    connection.send_json(&7).unwrap();
    assert_eq!(connection.into_parts().0.into_inner(), expected);

    let mut session = Session::new(Cursor::new(Vec::new())).with_dialect(&DIALECT);
    session.queue_json(&7).unwrap();
    assert_eq!(session.flush().unwrap(), jsonframe_std::Flush::Done);
    assert_eq!(session.into_parts().0.into_inner(), expected);
}
