//! Who sends, by a connection or a half of one.

use std::io::{self, ErrorKind};

use jsonframe_std::protocol::Header;
use jsonframe_std::{Connection, Error, SendingHalf};

use crate::common::message;
use crate::faulty::{Faulty, KINDS, at_every_call, bytes_of, exchanges, reported};

/// Sends a message, by one way or the other.
type Way<T> = fn(&mut T, &Header<'_>, &[u8]) -> Result<(), Error>;

fn check_sending<T>(over: impl Fn(Faulty) -> T, stream: impl Fn(&T) -> &Faulty, ways: [Way<T>; 2]) -> usize {
    let mut faults = 0;
    for (contents, portion) in exchanges() {
        let expected = bytes_of(&contents);
        for (way, kind) in ways.into_iter().flat_map(|way| KINDS.map(|kind| (way, kind))) {
            let case = format!("{portion} bytes at a time, {kind:?}");
            faults += at_every_call(|call| {
                let mut sender = over(Faulty::new(&[], portion, call, kind, kind != ErrorKind::Interrupted));
                let mut sent = Vec::new();
                let failure = contents.iter().find_map(|content| {
                    let header = Header::new("text/plain", "utf-8", content.len() as u64);
                    match way(&mut sender, &header, content) {
                        Ok(()) => sent.extend(message(content)),
                        Err(error) => return Some(error),
                    }
                    None
                });
                let has_failed = stream(&sender).has_failed();
                assert!(stream(&sender).output.starts_with(&sent), "{case}, call {call}");
                assert!(expected.starts_with(&stream(&sender).output), "{case}, call {call}");
                match failure {
                    None => {
                        assert!(!has_failed || kind == ErrorKind::Interrupted, "{case}, call {call}");
                        assert!(stream(&sender).output == expected, "{case}, call {call}");
                    }
                    Some(Error::Io(error)) => {
                        assert_eq!(error.kind(), reported(kind));
                        assert_ne!(kind, ErrorKind::Interrupted, "call {call}");
                        // What may have gone out in part can be followed by nothing.
                        let calls = stream(&sender).calls;
                        let again = way(&mut sender, &Header::for_json(2), b"{}").expect_err(&case);
                        assert!(matches!(again, Error::SendBroken), "{case}: {again}");
                        assert_eq!(stream(&sender).calls, calls);
                    }
                    Some(error) => panic!("{case}: {error}"),
                }
                has_failed
            });
        }
    }
    faults
}

#[test]
fn a_connection_sends_nothing_after_a_message_in_part() {
    let ways: [Way<_>; 2] =
        [Connection::send, |connection, header, mut content| connection.send_stream(header, &mut content)];
    println!("{} faults while a connection sent", check_sending(Connection::new, Connection::get_ref, ways));
}

#[test]
fn a_sending_half_sends_nothing_after_a_message_in_part() {
    let ways: [Way<_>; 2] = [SendingHalf::send, |half, header, mut content| half.send_stream(header, &mut content)];
    let over = |stream| {
        let unused = Faulty::new(&[], 0, 0, ErrorKind::Other, true);
        Connection::new(unused).split_with(stream).1
    };
    println!("{} faults while a sending half sent", check_sending(over, SendingHalf::get_ref, ways));
}

#[test]
fn the_source_of_a_content_may_fail_anywhere() {
    let mut faults = 0;
    for (contents, portion) in exchanges() {
        let content = contents.concat();
        let header = Header::new("text/plain", "utf-8", content.len() as u64);
        for kind in KINDS {
            faults += at_every_call(|call| {
                let mut connection = Connection::new(io::Cursor::new(Vec::new()));
                let mut source = Faulty::new(&content, portion, call, kind, false);
                let outcome = connection.send_stream(&header, &mut source);
                let failed = source.has_failed() && kind != ErrorKind::Interrupted;
                let output = connection.get_ref().get_ref().clone();
                assert!(message(&content).starts_with(&output));
                assert_eq!(failed, outcome.is_err(), "{kind:?}, call {call}");
                match outcome {
                    Ok(()) => assert!(output == message(&content)),
                    Err(Error::Io(error)) => assert_eq!(error.kind(), kind),
                    Err(error) => panic!("{error}"),
                }
                // Before the first byte nothing has gone out, and the connection is as good as new.
                let again = connection.send(&Header::for_json(2), b"{}");
                match again {
                    Ok(()) => assert!(!failed || output.is_empty(), "{kind:?}, call {call}"),
                    Err(Error::SendBroken) => assert!(failed && !output.is_empty(), "{kind:?}, call {call}"),
                    Err(error) => panic!("{error}"),
                }
                source.has_failed()
            });
        }
    }
    println!("{faults} faults of sources");
}

/// A stream that takes nothing and says so without an error.
#[test]
fn a_stream_that_takes_nothing_is_not_asked_for_ever() {
    let mut connection = Connection::new(Faulty::new(&[], 0, usize::MAX, ErrorKind::Other, false));
    let outcome = connection.send(&Header::for_json(2), b"{}");
    assert!(matches!(outcome, Err(Error::Io(error)) if error.kind() == ErrorKind::WriteZero));
    assert_eq!(connection.get_ref().calls, 1);
}
