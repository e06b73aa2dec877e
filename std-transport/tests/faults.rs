//! A stream that fails once, or from then on, at every call there is, with every kind of error.

mod common;

use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};

use common::message;
use jsonframe_std::protocol::{DecodeErrorKind, Event, Header};
use jsonframe_std::{Connection, Error, Fill, Flush, Incoming, ReceivingHalf, SendingHalf, Session};

/// What streams fail with, passing or not.
const KINDS: [ErrorKind; 18] = [
    ErrorKind::Interrupted,
    ErrorKind::WouldBlock,
    ErrorKind::TimedOut,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::ConnectionRefused,
    ErrorKind::NotConnected,
    ErrorKind::BrokenPipe,
    ErrorKind::UnexpectedEof,
    ErrorKind::WriteZero,
    ErrorKind::HostUnreachable,
    ErrorKind::NetworkDown,
    ErrorKind::StorageFull,
    ErrorKind::PermissionDenied,
    ErrorKind::InvalidInput,
    ErrorKind::InvalidData,
    ErrorKind::OutOfMemory,
    ErrorKind::Other,
];

/// More calls than any exchange here needs. Whoever makes more of them spins.
const MOST_CALLS: usize = 10_000;

/// A stream that fails at one call, counted over reads, writes and flushes.
#[derive(Debug)]
struct Faulty {
    input: Vec<u8>,
    position: usize,
    output: Vec<u8>,
    /// How many bytes it moves at a time.
    portion: usize,
    calls: usize,
    fails_at: usize,
    with: ErrorKind,
    /// Whether it fails ever after.
    lasting: bool,
}

impl Faulty {
    fn new(input: &[u8], portion: usize, fails_at: usize, with: ErrorKind, lasting: bool) -> Self {
        Self { input: input.to_vec(), position: 0, output: Vec::new(), portion, calls: 0, fails_at, with, lasting }
    }

    fn call(&mut self) -> io::Result<()> {
        let number = self.calls;
        self.calls += 1;
        assert!(number < MOST_CALLS, "it spins");
        if number == self.fails_at || (self.lasting && number > self.fails_at) {
            return Err(self.with.into());
        }
        Ok(())
    }

    /// Whether the fault has come about.
    const fn has_failed(&self) -> bool {
        self.calls > self.fails_at
    }
}

impl Read for Faulty {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.call()?;
        let left = &self.input[self.position..];
        let count = left.len().min(place.len()).min(self.portion);
        place[..count].copy_from_slice(&left[..count]);
        self.position += count;
        Ok(count)
    }
}

impl Write for Faulty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.call()?;
        let before = self.output.len();
        self.output.extend(parts.iter().flat_map(|part| part.iter()).take(self.portion));
        Ok(self.output.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.call()
    }
}

/// Contents of messages, and the longest portions in which a stream moves them.
fn exchanges() -> Vec<(Vec<Vec<u8>>, usize)> {
    let contents = |lengths: &[usize]| {
        lengths.iter().zip(b'a'..).map(|(length, letter)| vec![letter; *length]).collect::<Vec<_>>()
    };
    vec![
        (contents(&[0, 1, 40]), 1),
        (contents(&[0, 300, 1, 0, 40]), 7),
        (contents(&[300, 20_000, 0, 40_000]), 1_000),
        (contents(&[300, 20_000, 0, 40_000]), usize::MAX),
    ]
}

fn bytes_of(contents: &[Vec<u8>]) -> Vec<u8> {
    contents.iter().flat_map(|content| message(content)).collect()
}

/// How many of the messages end within so many bytes, and whether one of them ends just there.
fn whole_within(contents: &[Vec<u8>], bytes: usize) -> (usize, bool) {
    let mut end = 0;
    let ends = contents.iter().map(|content| {
        end += message(content).len();
        end
    });
    let whole: Vec<_> = ends.take_while(|end| *end <= bytes).collect();
    (whole.len(), whole.last().copied().unwrap_or(0) == bytes)
}

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

/// Has a stream fail at every call of an exchange; how many faults there were.
fn at_every_call(mut exchange: impl FnMut(usize) -> bool) -> usize {
    (0..MOST_CALLS).take_while(|call| exchange(*call)).count()
}

fn check_receiving<R: Receives>(over: impl Fn(Faulty) -> R) -> usize {
    let mut faults = 0;
    for (contents, portion) in exchanges() {
        let input = bytes_of(&contents);
        for (reading, kind) in READINGS.into_iter().flat_map(|reading| KINDS.map(|kind| (reading, kind))) {
            let case = format!("{portion} bytes at a time, {reading:?}, {kind:?}");
            // Those that pass are met by calling again, and nothing is lost.
            if let ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut = kind {
                faults += at_every_call(|call| {
                    let mut receiver = over(Faulty::new(&input, portion, call, kind, false));
                    let mut received = Vec::new();
                    let passing: &[_] = if kind == ErrorKind::Interrupted { &[] } else { &[kind] };
                    receive_all(&mut receiver, reading, passing, &mut received).expect(&case);
                    assert!(received == contents, "{case}, call {call}");
                    receiver.stream().has_failed()
                });
            }
            // A stream that is interrupted for ever cannot be helped.
            if kind == ErrorKind::Interrupted {
                continue;
            }
            faults += at_every_call(|call| {
                let mut receiver = over(Faulty::new(&input, portion, call, kind, true));
                let mut received = Vec::new();
                let outcome = receive_all(&mut receiver, reading, &[], &mut received);
                let (whole, between) = whole_within(&contents, receiver.stream().position);
                assert!(received == contents[..whole], "{case}, call {call}");
                if !receiver.stream().has_failed() {
                    outcome.expect(&case);
                    return false;
                }
                check_kind(&outcome.expect_err(&case), kind, between, &case);
                // And so it stays, with one more call at the most.
                let calls = receiver.stream().calls;
                let again = receiver.next().map(drop).expect_err(&case);
                check_kind(&again, kind, between, &case);
                assert!(receiver.stream().calls <= calls + 1, "{case}, call {call}");
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
            assert_eq!(error.kind(), kind, "{case}");
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
                        assert_eq!(error.kind(), kind);
                        assert_ne!(kind, ErrorKind::Interrupted, "call {call}");
                        // What may have gone out in part can be followed by nothing.
                        let calls = stream(&sender).calls;
                        let again = way(&mut sender, &Header::json(2), b"{}").expect_err(&case);
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
                let again = connection.send(&Header::json(2), b"{}");
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

#[test]
fn a_session_goes_on_reading_where_it_was() {
    let mut faults = 0;
    for (contents, portion) in exchanges() {
        let input = bytes_of(&contents);
        for kind in KINDS {
            faults += at_every_call(|call| {
                let mut session = Session::new(Faulty::new(&input, portion, call, kind, false));
                let (mut received, mut content, mut seen) = (Vec::new(), Vec::new(), 0);
                loop {
                    while let Some(event) = session.next_event().unwrap() {
                        match event {
                            Event::Header(header) => {
                                assert!(content.is_empty() && header.content_type() == "text/plain");
                            }
                            Event::Content(piece) => content.extend_from_slice(piece),
                            Event::End => received.push(std::mem::take(&mut content)),
                        }
                    }
                    let (whole, _) = whole_within(&contents, session.get_ref().position);
                    assert!(received == contents[..whole], "{kind:?}, call {call}");
                    match session.fill() {
                        Ok(Fill::Data) => {}
                        Ok(Fill::Blocked) => {
                            assert_eq!(kind, ErrorKind::WouldBlock);
                            seen += 1;
                        }
                        Ok(Fill::Eof) => break,
                        Err(error) => {
                            assert_eq!(error.kind(), kind);
                            assert_ne!(kind, ErrorKind::Interrupted);
                            seen += 1;
                        }
                    }
                }
                assert!(received == contents, "{kind:?}, call {call}");
                let has_failed = session.get_ref().has_failed();
                assert_eq!(seen, usize::from(has_failed && kind != ErrorKind::Interrupted), "{kind:?}, call {call}");
                has_failed
            });
        }
    }
    println!("{faults} faults while a session read");
}

#[test]
fn a_session_writes_every_byte_once() {
    let mut faults = 0;
    for ((contents, portion), sends) in exchanges().into_iter().flat_map(|each| [(each.clone(), false), (each, true)]) {
        let expected = bytes_of(&contents);
        for kind in KINDS {
            faults += at_every_call(|call| {
                let mut session = Session::new(Faulty::new(&[], portion, call, kind, false));
                let mut seen = 0;
                let mut note = |outcome: Result<Flush, Error>| match outcome {
                    Ok(Flush::Done) => true,
                    Ok(Flush::Blocked) => {
                        assert_eq!(kind, ErrorKind::WouldBlock, "call {call}");
                        seen += 1;
                        false
                    }
                    Err(Error::Io(error)) => {
                        assert_eq!(error.kind(), kind, "call {call}");
                        assert_ne!(kind, ErrorKind::Interrupted, "call {call}");
                        seen += 1;
                        false
                    }
                    Err(error) => panic!("{error}"),
                };
                for content in &contents {
                    let header = Header::new("text/plain", "utf-8", content.len() as u64);
                    if sends {
                        // Behind what is blocked, it is queued, and whoever sends is told so again.
                        let blocked = session.queued() > 0;
                        let outcome = session.send(&header, content);
                        if !blocked {
                            note(outcome);
                        }
                    } else {
                        session.queue(&header, content.clone()).unwrap();
                    }
                }
                for _ in 0..2 {
                    let written = session.get_ref().output.len();
                    assert!(expected[..written] == session.get_ref().output, "{kind:?}, call {call}");
                    assert_eq!(written + session.queued(), expected.len(), "{kind:?}, call {call}");
                    let outcome = session.flush().map_err(Error::from);
                    if note(outcome) {
                        break;
                    }
                    assert!(session.interest().writable, "{kind:?}, call {call}");
                }
                assert!(session.get_ref().output == expected, "{kind:?}, call {call}");
                assert!(!session.interest().writable && session.queued() == 0);
                let has_failed = session.get_ref().has_failed();
                assert_eq!(seen, usize::from(has_failed && kind != ErrorKind::Interrupted), "{kind:?}, call {call}");
                has_failed
            });
        }
    }
    println!("{faults} faults while a session wrote");
}

/// A stream that takes nothing and says so without an error.
#[test]
fn a_stream_that_takes_nothing_is_not_asked_for_ever() {
    let nothing = || Faulty::new(&[], 0, usize::MAX, ErrorKind::Other, false);
    let mut connection = Connection::new(nothing());
    let outcome = connection.send(&Header::json(2), b"{}");
    assert!(matches!(outcome, Err(Error::Io(error)) if error.kind() == ErrorKind::WriteZero));
    assert_eq!(connection.get_ref().calls, 1);

    let mut session = Session::new(nothing());
    session.queue(&Header::json(2), "{}").unwrap();
    for calls in 1..=3 {
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::WriteZero);
        assert_eq!(session.get_ref().calls, calls);
    }
    assert!(session.interest().writable);
}
