//! Messages that are received, or sent on, with their header and content together; and errors as those of `io`.

mod common;

use std::io::{self, ErrorKind, Read};

use common::{Scripted, Step, message};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::{Connection, Error};

fn extended(content: &[u8]) -> Vec<u8> {
    let extensions = [("id", 7.into())];
    let header = Header::new("text/plain", "latin-1", content.len() as u64).with_extensions(&extensions);
    Message::new(header, content).unwrap().to_vec().unwrap()
}

#[test]
fn a_borrowed_message_can_be_borrowed_and_read_again() {
    let stream = [extended(b"first"), message(b"second")].concat();
    let mut connection = Connection::new(Scripted::reading(&stream));
    let mut incoming = connection.receive().unwrap().unwrap();
    for _ in 0..2 {
        let message = incoming.message().unwrap();
        assert_eq!(message.content(), b"first");
        assert_eq!(message.header().extension("id"), Some(7.into()));
    }
    assert_eq!(incoming.content_left(), 5);
    assert_eq!(incoming.content().unwrap(), b"first");
    assert_eq!(incoming.content_left(), 0);
    assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"second");
}

#[test]
fn a_borrowed_message_is_complete_after_a_time_out() {
    let content = vec![b'x'; 100_000];
    let whole = message(&content);
    let mut stream = Scripted::reading(&whole);
    stream.reads = [Step::Move(whole.len() - 50_000), Step::Fail(ErrorKind::TimedOut)].into();
    let mut connection = Connection::new(stream);
    let mut incoming = connection.receive().unwrap().unwrap();
    assert!(incoming.message().unwrap_err().is_timeout());
    assert_eq!(incoming.message().unwrap().content(), content);
}

#[test]
fn a_message_of_which_some_was_read_is_not_given_whole() {
    let stream = extended(b"content").repeat(3);
    let mut connection = Connection::new(Scripted::reading(&stream));
    let mut to = Connection::new(Scripted::default());
    for in_parts in [false, true, false] {
        let mut incoming = connection.receive().unwrap().unwrap();
        incoming.read_exact(&mut [0; 3]).unwrap();
        assert!(matches!(incoming.message(), Err(Error::AlreadyRead { read: 3 })));
        assert!(matches!(to.forward(&mut incoming), Err(Error::AlreadyRead { read: 3 })));
        let outcome = if in_parts { incoming.into_parts().map(drop) } else { incoming.into_message().map(drop) };
        assert!(matches!(outcome, Err(Error::AlreadyRead { read: 3 })));
    }
    assert_eq!(to.get_ref().calls, 0);
}

#[test]
fn an_owned_message_outlives_its_connection() {
    let mut connection = Connection::new(Scripted::reading(&extended(b"kept")));
    let message = connection.receive().unwrap().unwrap().into_message().unwrap();
    drop(connection);
    assert_eq!(message.message().to_vec().unwrap(), extended(b"kept"));
}

#[cfg(feature = "text")]
#[test]
fn text_is_decoded_and_text_of_no_known_encoding_is_an_error() {
    let unknown = Message::new(Header::new("text/plain", "gzip", 1), b"x").unwrap().to_vec().unwrap();
    let mut connection = Connection::new(Scripted::reading(&[extended(b"caf\xE9"), unknown].concat()));
    assert_eq!(connection.receive().unwrap().unwrap().text().unwrap(), "café");
    let error = connection.receive().unwrap().unwrap().text().unwrap_err();
    assert!(matches!(error, Error::Text(_)));
    assert_eq!(error.to_string(), "the content-encoding is \"gzip\", which is not known as an encoding of text");
}

#[test]
fn a_forwarded_message_arrives_as_it_was_with_its_extensions() {
    let long = vec![b'x'; 200_000];
    let stream = [extended(b""), message(&long), extended(b"last")].concat();
    let mut from = Connection::new(Scripted::reading(&stream));
    let (_, mut to) = Connection::new(Scripted::default()).split_with(Scripted::default());
    while let Some(mut message) = from.receive().unwrap() {
        // What has been collected is sent on too.
        if message.header().content_length() == 4 {
            assert_eq!(message.message().unwrap().content(), b"last");
        }
        to.forward(&mut message).unwrap();
    }
    assert!(to.get_ref().output == stream);
}

#[test]
fn the_parts_of_a_message_are_a_header_and_all_of_its_content() {
    let stream = [extended(b"streamed"), extended(b"kept")].concat();
    let mut from = Connection::new(Scripted::reading(&stream));
    let mut to = Connection::new(Scripted::default());
    while let Some(mut message) = from.receive().unwrap() {
        if message.header().content_length() == 4 {
            message.message().unwrap();
        }
        let (header, mut content) = message.into_parts().unwrap();
        assert_eq!(content.header(), header.header());
        to.send_stream(&header.header(), &mut content).unwrap();
    }
    assert_eq!(to.get_ref().output, stream);
}

#[test]
fn a_message_that_is_truncated_while_it_is_forwarded_breaks_the_sending_connection() {
    let whole = message(b"content");
    let mut from = Connection::new(Scripted::reading(&whole[..whole.len() - 1]));
    let mut to = Connection::new(Scripted::default());
    let error = to.forward(&mut from.receive().unwrap().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error}");
    assert!(matches!(to.send(&Header::for_json(2), b"{}"), Err(Error::SendBroken)));
}

#[test]
fn errors_become_those_of_io_and_themselves_again() {
    fn receive(bytes: &[u8]) -> Error {
        Connection::new(Scripted::reading(bytes)).receive().map(drop).unwrap_err()
    }
    let mut connection = Connection::new(Scripted::default());
    let timeout = io::Error::new(ErrorKind::TimedOut, "reading timed out");
    for (error, kind) in [
        (receive(b"\0\x02[]"), ErrorKind::InvalidData),
        (receive(b"\0\x02"), ErrorKind::UnexpectedEof),
        (connection.send(&Header::for_json(3), b"{}").unwrap_err(), ErrorKind::InvalidInput),
        (Error::AlreadyRead { read: 1 }, ErrorKind::InvalidInput),
        (Error::SourceTooShort { missing: 1 }, ErrorKind::UnexpectedEof),
        (Error::SendBroken, ErrorKind::BrokenPipe),
        (Error::Io(timeout), ErrorKind::TimedOut),
    ] {
        let (text, variant) = (error.to_string(), format!("{error:?}"));
        let error = io::Error::from(error);
        assert_eq!((error.kind(), error.to_string()), (kind, text));
        assert_eq!(format!("{:?}", Error::from(error)), variant);
    }
}
