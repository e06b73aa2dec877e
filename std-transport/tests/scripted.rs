//! A connection over a stream that does everything a stream may do: short reads and writes, interruptions, time-outs.

mod common;

use std::io::{self, BufRead, ErrorKind, Read};

use common::{Scripted, Step, contents, message, steps, stream};
use jsonframe_std::protocol::{DecodeErrorKind, EncodeError, Header};
use jsonframe_std::{Connection, Error, Incoming, UNLIMITED};
use proptest::collection::vec;
use proptest::prelude::*;

/// Calls again for as long as the stream says that it cannot now.
fn insist<T>(mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    loop {
        match call() {
            Err(Error::Io(error)) if passes(&error) => {}
            outcome => return outcome,
        }
    }
}

/// How a test reads a message's content.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Whole,
    Portions(usize),
    Buffered(usize),
    /// So many bytes; the rest is skipped.
    Part(usize),
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        Just(Reading::Whole),
        prop_oneof![1_usize..300, Just(10_000)].prop_map(Reading::Portions),
        (1_usize..300).prop_map(Reading::Buffered),
        (0_usize..300).prop_map(Reading::Part),
    ]
}

/// Whether the stream can be asked again after the error.
fn passes(error: &io::Error) -> bool {
    error.kind() == ErrorKind::TimedOut
}

fn read(mut incoming: Incoming<'_, Scripted>, reading: Reading) -> io::Result<Vec<u8>> {
    let mut received = Vec::new();
    let mut wanted = incoming.header().content_length();
    assert_eq!(incoming.content_left(), wanted);
    if let Reading::Part(part) = reading {
        wanted = wanted.min(part as u64);
    }
    while (received.len() as u64) < wanted {
        let outcome = match reading {
            Reading::Whole => incoming.read_to_end(&mut received).map(drop),
            Reading::Portions(size) | Reading::Part(size) => {
                let mut place = vec![0; size];
                incoming.read(&mut place).map(|count| received.extend_from_slice(&place[..count]))
            }
            Reading::Buffered(size) => {
                let outcome = incoming.fill_buf().map(|bytes| bytes[..bytes.len().min(size)].to_vec());
                outcome.map(|bytes| {
                    incoming.consume(bytes.len());
                    received.extend(bytes);
                })
            }
        };
        match outcome {
            Err(error) if !passes(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(received)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_arrives_however_the_stream_reads(
        contents in contents(),
        steps in steps(),
        readings in vec(reading(), 5),
    ) {
        let mut connection =
            Connection::new(Scripted { reads: steps.into(), ..Scripted::reading(&stream(&contents)) });
        for (content, reading) in contents.iter().zip(readings) {
            let received = loop {
                match connection.receive() {
                    Ok(incoming) => break read(incoming.expect("a message"), reading)?,
                    Err(Error::Io(error)) => prop_assert!(passes(&error), "{error}"),
                    Err(error) => return Err(error.into()),
                }
            };
            prop_assert!(content.starts_with(&received));
            prop_assert!(matches!(reading, Reading::Part(_)) || received.len() == content.len());
        }
        prop_assert!(!insist(|| Ok(connection.receive()?.is_some()))?);
    }

    #[test]
    fn every_byte_is_sent_once_however_the_stream_writes(contents in contents(), mut steps in steps(), streamed in any::<bool>()) {
        steps.retain(|step| matches!(step, Step::Move(_) | Step::Fail(ErrorKind::Interrupted)));
        let mut connection = Connection::new(Scripted::writing(steps));
        for content in &contents {
            let header = Header::new("text/plain", "utf-8", content.len() as u64);
            if streamed {
                // The source may hold more than is announced, and may be interrupted.
                let more = [content.as_slice(), b"more"].concat();
                let reads = [Step::Move(1), Step::Fail(ErrorKind::Interrupted), Step::Move(100)].into();
                connection.send_stream(&header, &mut Scripted { reads, ..Scripted::reading(&more) })?;
            } else {
                connection.send(&header, content)?;
            }
        }
        prop_assert_eq!(&connection.get_ref().output, &stream(&contents));
    }
}

#[test]
fn the_end_is_told_apart_at_every_offset() {
    let first = message(b"first");
    let stream = [first.clone(), message(b"second")].concat();
    let head = stream.len() - b"second".len();
    for end in 0..=stream.len() {
        let mut connection = Connection::new(Scripted::reading(&stream[..end]));
        let mut whole = 0;
        let outcome = loop {
            match connection.receive().and_then(|incoming| incoming.map(|mut incoming| incoming.content()).transpose())
            {
                Ok(Some(_)) => whole += 1,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let expected = [first.len(), stream.len()].iter().filter(|message_end| end >= **message_end).count();
        assert_eq!(whole, expected, "{end}");
        match outcome {
            Ok(()) => assert!([0, first.len(), stream.len()].contains(&end), "{end}"),
            Err(Error::Decode(error)) => {
                let DecodeErrorKind::Truncated { missing } = error.kind() else { panic!("{error}") };
                assert_eq!(error.offset(), end as u64);
                if end >= head {
                    assert_eq!(missing, (stream.len() - end) as u64);
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_truncated_content_is_not_its_end() {
    let stream = message(b"content");
    let mut connection = Connection::new(Scripted::reading(&stream[..stream.len() - 3]));
    let mut incoming = connection.receive().unwrap().unwrap();
    let error = incoming.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("bytes missing: 3 (at byte "), "{error}");
}

#[test]
fn a_write_of_nothing_does_not_spin() {
    let mut connection = Connection::new(Scripted::writing([Step::Move(4), Step::Move(0)]));
    let header = Header::for_json(2);
    let error = connection.send(&header, b"{}").unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::WriteZero), "{error}");
    assert!(matches!(connection.send(&header, b"{}"), Err(Error::SendBroken)));
    assert_eq!(connection.get_ref().output.len(), 4);
}

#[test]
fn after_a_message_that_went_out_in_part_nothing_follows() {
    for fault in [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::BrokenPipe, ErrorKind::ConnectionReset] {
        let mut connection = Connection::new(Scripted::writing([Step::Move(10), Step::Fail(fault)]));
        let error = connection.send(&Header::for_json(2), b"{}").unwrap_err();
        assert_eq!(error.is_timeout(), matches!(fault, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        #[cfg(feature = "json")]
        assert!(matches!(connection.send_json(&1), Err(Error::SendBroken)));
        assert!(matches!(connection.send_stream(&Header::for_json(0), &mut io::empty()), Err(Error::SendBroken)));
        assert_eq!(connection.get_ref().output.len(), 10);
    }
}

#[test]
fn a_message_that_cannot_be_sent_does_no_harm() {
    let mut connection = Connection::new(Scripted::default());
    let error = connection.send(&Header::for_json(3), b"{}").unwrap_err();
    assert!(matches!(error, Error::Encode(EncodeError::LengthMismatch { announced: 3, actual: 2 })));
    let failing = &mut Scripted { reads: [Step::Fail(ErrorKind::NotFound)].into(), ..Scripted::default() };
    assert!(matches!(connection.send_stream(&Header::for_json(3), failing), Err(Error::Io(_))));
    assert!(matches!(
        connection.send_stream(&Header::for_json(3), &mut io::empty()),
        Err(Error::SourceTooShort { missing: 3 })
    ));
    assert!(connection.get_ref().output.is_empty());

    connection.send(&Header::for_json(2), b"{}").unwrap();
    let mut source = &b"12"[..];
    assert!(matches!(
        connection.send_stream(&Header::for_json(3), &mut source),
        Err(Error::SourceTooShort { missing: 1 })
    ));
    assert!(matches!(connection.send(&Header::for_json(2), b"{}"), Err(Error::SendBroken)));
}

#[test]
fn limits_are_applied_at_the_header() {
    let stream = message(b"12345");
    let receive = |connection: Connection<Scripted>, limit: Option<u64>| {
        let mut connection = match limit {
            Some(limit) => connection.with_max_content(limit),
            None => connection,
        };
        connection.receive().map(|incoming| incoming.map(|mut incoming| incoming.content().unwrap()))
    };
    let connection = || Connection::new(Scripted::reading(&stream));
    assert_eq!(receive(connection(), None).unwrap().unwrap(), b"12345");
    assert_eq!(receive(connection(), Some(5)).unwrap().unwrap(), b"12345");
    assert_eq!(receive(connection(), Some(UNLIMITED)).unwrap().unwrap(), b"12345");
    let error = receive(connection(), Some(4)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the content is 5 bytes long; this receiver takes at most 4 (at byte {})", stream.len() - 5)
    );
    let error = receive(connection().with_max_header(20), None).unwrap_err();
    assert!(error.to_string().ends_with("this decoder takes at most 20 (at byte 0)"), "{error}");

    let gib = 1 << 30;
    let header = Header::for_json(gib).to_string();
    let stream = [&u16::try_from(header.len()).unwrap().to_be_bytes(), header.as_bytes()].concat();
    let error = Connection::new(Scripted::reading(&stream)).receive().map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("takes at most 67108864"), "{error}");
}

/// What a stream is asked to do is what it would be asked to do for bare bytes.
#[test]
fn a_request_takes_one_write_and_one_read() {
    let reply = message(b"content");
    let mut connection = Connection::new(Scripted::default());
    for requests in 1..=3 {
        connection.get_mut().input.extend(&reply);
        connection.send(&Header::for_json(2), b"{}").unwrap();
        assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"content");
        assert_eq!(connection.get_ref().calls, 2 * requests);
    }
}

#[test]
fn long_content_is_read_straight_to_where_it_belongs() {
    const LENGTH: usize = 1_000_000;
    let stream = message(&vec![b'x'; LENGTH]);
    for room in [LENGTH, 65_536, 8_192] {
        let mut connection = Connection::new(Scripted::reading(&stream));
        let mut incoming = connection.receive().unwrap().unwrap();
        let mut place = vec![0; room];
        while incoming.read(&mut place).unwrap() > 0 {}
        // The first read is that of the header and of what comes with it.
        assert!(connection.get_ref().calls <= 2 + LENGTH / room, "{room}");
    }
    // Memory for the whole grows, and so do the reads.
    let mut connection = Connection::new(Scripted::reading(&stream));
    assert_eq!(connection.receive().unwrap().unwrap().content().unwrap().len(), LENGTH);
    assert!(connection.get_ref().calls < 20, "{}", connection.get_ref().calls);
}

/// A stream that knows that it was cut off says so with the kind that a truncated message has.
#[test]
fn a_stream_that_was_cut_off_is_truncated_inside_a_message_and_at_fault_between_two() {
    let stream = message(b"content");
    for length in 0..=stream.len() {
        let cut_off = [Step::Move(length.max(1)), Step::Fail(ErrorKind::UnexpectedEof)];
        let reads = if length == 0 { cut_off[1..].to_vec() } else { cut_off.to_vec() };
        let mut connection = Connection::new(Scripted { reads: reads.into(), ..Scripted::reading(&stream) });
        let mut receive = || -> Result<(), Error> {
            while let Some(mut incoming) = connection.receive()? {
                assert_eq!(incoming.content()?, b"content");
            }
            panic!("the end is clean");
        };
        match receive().unwrap_err() {
            Error::Io(error) => {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                assert!([0, stream.len()].contains(&length), "{length}");
            }
            Error::Decode(error) => {
                assert!(matches!(error.kind(), DecodeErrorKind::Truncated { .. }), "{error}");
                assert_eq!(error.offset(), length as u64);
            }
            error => panic!("{error}"),
        }
    }
}

#[test]
fn what_follows_a_message_can_be_had() {
    let stream = [message(b"upgrade"), b"raw bytes".to_vec()].concat();
    for taken in 0..=7 {
        let mut connection = Connection::new(Scripted::reading(&stream));
        let mut incoming = connection.receive().unwrap().unwrap();
        incoming.read_exact(&mut vec![0; taken]).unwrap();
        assert_eq!(incoming.content_left(), 7 - taken as u64);
        let (stream, unread) = connection.into_parts();
        assert_eq!(unread, [&b"upgrade"[taken..], b"raw bytes"].concat());
        assert!(stream.input.is_empty());
    }
}

#[test]
fn an_error_comes_after_what_was_whole() {
    let stream = [message(b"whole"), b"\x00\x02[]".to_vec()].concat();
    let mut connection = Connection::new(Scripted::reading(&stream));
    assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"whole");
    for _ in 0..2 {
        let error = connection.receive().map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{error}");
    }
}

/// What had come before a time-out was once lost, and the rest taken for all of it.
#[test]
fn content_is_whole_after_a_time_out() {
    let stream = message(b"content");
    let timed_out = [Step::Move(stream.len() - 3), Step::Fail(ErrorKind::TimedOut)];
    let mut connection = Connection::new(Scripted { reads: timed_out.into(), ..Scripted::reading(&stream) });
    let mut incoming = connection.receive().unwrap().unwrap();
    assert!(matches!(incoming.content(), Err(Error::Io(error)) if error.kind() == ErrorKind::TimedOut));
    assert_eq!(incoming.content().unwrap(), b"content");
}

/// A reader that claims more than there was room for, and a caller that consumes more than there is.
#[test]
fn false_counts_are_not_believed() {
    struct Boasting;
    impl Read for Boasting {
        fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
            Ok(place.len() + 1)
        }
    }

    let mut connection = Connection::new(Scripted::default());
    connection.send_stream(&Header::for_json(100_000), &mut Boasting).unwrap();

    let stream = message(b"content");
    let mut connection = Connection::new(Scripted::reading(&[stream.clone(), stream].concat()));
    let mut incoming = connection.receive().unwrap().unwrap();
    incoming.consume(usize::MAX);
    assert_eq!(incoming.content_left(), 0);
    assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"content");
}

#[test]
fn an_error_says_what_it_is_once_and_the_same_however_content_is_read() {
    use std::error::Error as _;

    let stream = message(b"content");
    for read in [
        (|mut incoming| incoming.content().map(drop)) as fn(Incoming<'_, Scripted>) -> Result<(), Error>,
        |mut incoming| Ok(io::copy(&mut incoming, &mut io::sink()).map(drop)?),
    ] {
        let mut connection = Connection::new(Scripted::reading(&stream[..stream.len() - 3]));
        let error = read(connection.receive().unwrap().unwrap()).unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{error:?}");
        assert!(error.source().is_none());
    }
}

/// What was read before was once missing from all of the content, and nothing said so.
#[test]
fn content_that_was_read_before_is_not_given_as_if_it_were_all() {
    let wire = message(b"\"content\"").repeat(2);
    let mut connection = Connection::new(Scripted::reading(&wire));
    let mut incoming = connection.receive().unwrap().unwrap();
    assert_eq!(incoming.content().unwrap(), b"\"content\"");
    for _ in 0..2 {
        let error = incoming.content().unwrap_err();
        assert!(matches!(error, Error::AlreadyRead { read: 9 }), "{error}");
        assert_eq!(error.to_string(), "bytes of the content already read: 9");
    }

    let mut incoming = connection.receive().unwrap().unwrap();
    incoming.read_exact(&mut [0; 3]).unwrap();
    assert!(matches!(incoming.content(), Err(Error::AlreadyRead { read: 3 })));
    let mut rest = Vec::new();
    incoming.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"ntent\"");

    // Of no content nothing can have been read.
    let mut connection = Connection::new(Scripted::reading(&message(b"")));
    let mut incoming = connection.receive().unwrap().unwrap();
    assert_eq!([incoming.content().unwrap(), incoming.content().unwrap()], [b"", b""]);
}

#[test]
#[cfg(feature = "json")]
fn json_of_which_a_part_was_read_before_is_refused_for_that() {
    let wire = message(b"1234");
    let readings: [fn(&mut Incoming<'_, Scripted>); 4] = [
        |incoming| incoming.read_exact(&mut [0; 2]).unwrap(),
        |incoming| {
            incoming.fill_buf().unwrap();
            incoming.consume(1);
        },
        |incoming| assert_eq!(incoming.read_to_end(&mut Vec::new()).unwrap(), 4),
        |incoming| drop(incoming.content().unwrap()),
    ];
    for read in readings {
        let mut connection = Connection::new(Scripted::reading(&wire));
        let mut incoming = connection.receive().unwrap().unwrap();
        read(&mut incoming);
        assert!(matches!(incoming.json::<u32>(), Err(Error::AlreadyRead { .. })));
    }
    let mut connection = Connection::new(Scripted::reading(&wire));
    let mut incoming = connection.receive().unwrap().unwrap();
    assert_eq!(incoming.fill_buf().unwrap().len(), 4, "looked at, and not read");
    assert_eq!(incoming.json::<u32>().unwrap(), 1234);
}

/// What `content` had collected before a time-out was once left out by all other ways of reading.
#[test]
fn after_a_time_out_content_can_be_read_in_another_way() {
    type Way = fn(&mut Incoming<'_, Scripted>, &mut Vec<u8>);

    let wire = [message(&[b'a'; 20_000]), message(b"next")].concat();
    let collected = wire.len() - message(b"next").len() - 5_000;
    let interrupted = || {
        let reads = [Step::Move(collected), Step::Move(5_000), Step::Fail(ErrorKind::WouldBlock)];
        Connection::new(Scripted { reads: reads.into(), ..Scripted::reading(&wire) })
    };
    let readings: [Way; 3] = [
        |incoming, content| assert_eq!(incoming.read_to_end(content).unwrap(), 20_000),
        |incoming, content| {
            let mut place = [0; 9_000];
            while incoming.content_left() > 0 {
                let count = incoming.read(&mut place).unwrap();
                content.extend_from_slice(&place[..count]);
            }
        },
        |incoming, content| {
            while let piece @ [_, ..] = incoming.fill_buf().unwrap() {
                content.extend_from_slice(&piece[..piece.len().min(7)]);
                incoming.consume(7);
            }
        },
    ];
    for read in readings {
        let mut connection = interrupted();
        let mut incoming = connection.receive().unwrap().unwrap();
        assert!(incoming.content().unwrap_err().is_timeout());
        assert_eq!(incoming.content_left(), 20_000);
        let mut content = Vec::new();
        read(&mut incoming, &mut content);
        assert!(content == [b'a'; 20_000], "{} bytes", content.len());
        assert!(matches!(incoming.content(), Err(Error::AlreadyRead { read: 20_000 })));
        assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"next");
    }
    // It is skipped with the rest, and is among what has not been read.
    let mut connection = interrupted();
    connection.receive().unwrap().unwrap().content().unwrap_err();
    assert_eq!(connection.receive().unwrap().unwrap().content().unwrap(), b"next");
    let mut connection = interrupted();
    let mut incoming = connection.receive().unwrap().unwrap();
    incoming.content().unwrap_err();
    incoming.read_exact(&mut [0; 100]).unwrap();
    let (stream, unread) = connection.into_parts();
    assert_eq!(unread.len() + stream.input.len(), 19_900 + message(b"next").len());
}

/// A stream that was reset ends at the next read, which was once taken for a clean end.
#[test]
fn after_a_failure_every_call_returns_the_same_error_and_none_a_clean_end() {
    let wire = message(b"content");
    for fault in [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof, ErrorKind::Other] {
        // Between two messages, and inside one.
        for position in [wire.len(), wire.len() - 3] {
            let reads = [Step::Move(position), Step::Fail(fault)].into();
            let mut connection = Connection::new(Scripted { reads, ..Scripted::reading(&wire) });
            let mut incoming = connection.receive().unwrap().unwrap();
            let mut errors = Vec::new();
            if position < wire.len() {
                errors.push(incoming.content().unwrap_err());
                errors.push(incoming.read_to_end(&mut Vec::new()).unwrap_err().into());
                errors.push(incoming.read(&mut [0; 10_000]).unwrap_err().into());
                errors.push(incoming.fill_buf().unwrap_err().into());
            }
            errors.extend([connection.receive().map(drop).unwrap_err(), connection.receive().map(drop).unwrap_err()]);
            let texts: Vec<_> = errors.iter().map(Error::to_string).collect();
            assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
            let is_truncated = matches!(errors[0], Error::Decode(_));
            assert_eq!(is_truncated, position < wire.len() && fault == ErrorKind::UnexpectedEof, "{texts:?}");
            assert_eq!(connection.get_ref().calls, 2);
        }
    }
}

/// A file to which more is appended, for one.
#[test]
fn what_a_stream_gives_after_its_end_is_not_received() {
    let wire = message(b"content");
    for end in [0, 5, wire.len() - 3, wire.len()] {
        let mut connection = Connection::new(Scripted::reading(&wire[..end]));
        let receive = |connection: &mut Connection<Scripted>| {
            match connection.receive() {
                Ok(Some(mut incoming)) => incoming.content().map(|content| content.len().to_string()),
                Ok(None) => Ok("the end".to_owned()),
                Err(error) => Err(error),
            }
            .unwrap_or_else(|error| error.to_string())
        };
        if end == wire.len() {
            assert_eq!(receive(&mut connection), "7");
        }
        let first = receive(&mut connection);
        connection.get_mut().input.extend(&wire[end..]);
        connection.get_mut().input.extend(&wire);
        assert_eq!(receive(&mut connection), first);
        assert_eq!(first == "the end", end == 0 || end == wire.len(), "{first}");
    }
}

#[test]
fn a_time_out_says_what_has_timed_out() {
    for fault in [ErrorKind::WouldBlock, ErrorKind::TimedOut] {
        let (reads, writes) = ([Step::Fail(fault)].into(), [Step::Fail(fault)].into());
        let mut connection = Connection::new(Scripted { reads, writes, ..Scripted::default() });
        let receiving = connection.receive().map(drop).unwrap_err();
        let sending = connection.send(&Header::for_json(2), b"{}").unwrap_err();
        assert!(receiving.is_timeout() && sending.is_timeout());
        if fault == ErrorKind::WouldBlock {
            assert_eq!([receiving.to_string(), sending.to_string()], ["reading timed out", "writing timed out"]);
        } else {
            // A stream that says it in its own words is not corrected.
            assert_eq!([receiving.to_string(), sending.to_string()], ["timed out", "timed out"]);
        }
    }
    assert!(!Error::SendBroken.is_timeout() && !Error::Io(ErrorKind::ConnectionReset.into()).is_timeout());
}

/// The system's word for a connection that it has given up. Its next read is the end, and would be clean.
#[test]
#[cfg(target_os = "linux")]
fn a_connection_that_the_system_gave_up_is_not_one_that_may_be_asked_again() {
    const ETIMEDOUT: i32 = 110;
    struct GivenUp(bool);
    impl Read for GivenUp {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) { Ok(0) } else { Err(io::Error::from_raw_os_error(ETIMEDOUT)) }
        }
    }
    let mut connection = Connection::new(GivenUp(false));
    for _ in 0..2 {
        let error = connection.receive().map(drop).unwrap_err();
        assert!(!error.is_timeout(), "{error}");
        assert!(matches!(error, Error::Io(error) if error.raw_os_error() == Some(ETIMEDOUT)));
    }
}
