//! Who receives, by a connection or a half of one.

use std::io::{BufRead, ErrorKind, Read};

use jsonframe_std::protocol::DecodeErrorKind;
use jsonframe_std::{Connection, Error, Incoming, ReceivingHalf};

use crate::faulty::{Faulty, KINDS, PASSING, at_every_call, bytes_of, exchanges, reported, whole_within};

trait Receives {
    fn next(&mut self) -> Result<Option<Incoming<'_, Faulty>>, Error>;
    fn stream(&self) -> &Faulty;
}

impl Receives for Connection<Faulty> {
    fn next(&mut self) -> Result<Option<Incoming<'_, Faulty>>, Error> {
        self.receive()
    }

    fn stream(&self) -> &Faulty {
        self.get_ref()
    }
}

impl Receives for ReceivingHalf<Faulty> {
    fn next(&mut self) -> Result<Option<Incoming<'_, Faulty>>, Error> {
        self.receive()
    }

    fn stream(&self) -> &Faulty {
        self.get_ref()
    }
}

#[derive(Clone, Copy, Debug)]
enum Reading {
    Whole,
    Portions(usize),
    Buffered,
}

const READINGS: [Reading; 4] = [Reading::Whole, Reading::Portions(13), Reading::Portions(10_000), Reading::Buffered];

/// Reads a message's content, again after each of these errors.
fn content(mut incoming: Incoming<'_, Faulty>, reading: Reading, passing: &[ErrorKind]) -> Result<Vec<u8>, Error> {
    let mut received = Vec::new();
    let length = usize::try_from(incoming.header().content_length()).unwrap();
    loop {
        let outcome = match reading {
            Reading::Whole => incoming.content().map(|content| received = content),
            Reading::Portions(size) => {
                let mut place = vec![0; size];
                incoming.read(&mut place).map_err(Error::from).map(|count| received.extend_from_slice(&place[..count]))
            }
            Reading::Buffered => incoming.fill_buf().map(<[u8]>::to_vec).map_err(Error::from).map(|piece| {
                incoming.consume(piece.len());
                received.extend(piece);
            }),
        };
        match outcome {
            Err(Error::Io(error)) if passing.contains(&error.kind()) => {}
            Err(error) => return Err(error),
            Ok(()) if received.len() == length => return Ok(received),
            Ok(()) => assert!(received.len() < length),
        }
    }
}

/// Receives messages to the end of the stream, or to an error that does not pass.
fn receive_all(
    from: &mut impl Receives,
    reading: Reading,
    passing: &[ErrorKind],
    received: &mut Vec<Vec<u8>>,
) -> Result<(), Error> {
    loop {
        match from.next() {
            Ok(Some(incoming)) => received.push(content(incoming, reading, passing)?),
            Ok(None) => return Ok(()),
            Err(Error::Io(error)) if passing.contains(&error.kind()) => {}
            Err(error) => return Err(error),
        }
    }
}

fn check_receiving<R: Receives>(over: impl Fn(Faulty) -> R) -> usize {
    let mut faults = 0;
    for (contents, portion) in exchanges() {
        let input = bytes_of(&contents);
        for (reading, kind) in READINGS.into_iter().flat_map(|reading| KINDS.map(|kind| (reading, kind))) {
            let case = format!("{portion} bytes at a time, {reading:?}, {kind:?}");
            // Those that pass are met by calling again, and nothing is lost.
            if PASSING.contains(&kind) {
                faults += at_every_call(|call| {
                    let mut receiver = over(Faulty::new(&input, portion, call, kind, false));
                    let mut received = Vec::new();
                    let passing: &[_] = if kind == ErrorKind::Interrupted { &[] } else { &[ErrorKind::TimedOut] };
                    receive_all(&mut receiver, reading, passing, &mut received).expect(&case);
                    assert!(received == contents, "{case}, call {call}");
                    receiver.stream().has_failed()
                });
            }
            // A stream that is interrupted for ever cannot be helped.
            if kind == ErrorKind::Interrupted {
                continue;
            }
            // After one that lasts the stream would go on, if it were asked: it must not be.
            let passes = PASSING.contains(&kind);
            faults += at_every_call(|call| {
                let mut receiver = over(Faulty::new(&input, portion, call, kind, passes));
                let mut received = Vec::new();
                let outcome = receive_all(&mut receiver, reading, &[], &mut received);
                let (whole, between) = whole_within(&contents, receiver.stream().position);
                assert!(received == contents[..whole], "{case}, call {call}");
                if !receiver.stream().has_failed() {
                    outcome.expect(&case);
                    return false;
                }
                check_kind(&outcome.expect_err(&case), kind, between, &case);
                let calls = receiver.stream().calls;
                let again = receiver.next().map(drop).expect_err(&case);
                check_kind(&again, kind, between, &case);
                assert_eq!(receiver.stream().calls, calls + usize::from(passes), "{case}, call {call}");
                true
            });
        }
    }
    faults
}

/// A stream that knows it was cut off inside a message is as one that ended there.
fn check_kind(error: &Error, kind: ErrorKind, between_messages: bool, case: &str) {
    match error {
        Error::Decode(error) => {
            assert!(matches!(error.kind(), DecodeErrorKind::Truncated { .. }), "{case}: {error}");
            assert!(kind == ErrorKind::UnexpectedEof && !between_messages, "{case}: {error}");
        }
        Error::Io(error) => {
            assert_eq!(error.kind(), reported(kind), "{case}");
            assert!(kind != ErrorKind::UnexpectedEof || between_messages, "{case}: {error}");
        }
        error => panic!("{case}: {error}"),
    }
}

#[test]
fn a_connection_receives_what_was_whole_before_any_fault() {
    println!("{} faults while a connection received", check_receiving(Connection::new));
}

#[test]
fn a_receiving_half_receives_what_was_whole_before_any_fault() {
    let faults = check_receiving(|stream| {
        let unused = Faulty::new(&[], 0, 0, ErrorKind::Other, true);
        Connection::new(stream).split_with(unused).0
    });
    println!("{faults} faults while a receiving half received");
}
