//! The drivers over `embedded-io`, over streams that follow a script, and over the slices that are streams.
#![cfg(feature = "embedded-io")]

mod embedded_scripted;

use core::convert::Infallible;

use embedded_io::{Error, ErrorKind, Read, SliceWriteError, Write};
use embedded_scripted::{
    BEHAVIOURS, Drain, INTERRUPTED, Source, Step, Vector, content_events, fault, header_event, last_end, vectors, wire,
};
use jsonframe::embedded::{Incoming, ReceiveError, Receiver, SendError, Sender};
use jsonframe::{ByteOrder, DecodeErrorKind, Dialect, EncodeError, Header, Member, ProtoHeader};
use serde_json::Value as Json;

/// How content is read.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// In pieces of at most this number of bytes.
    Pieces(usize),
    /// Whole, into a buffer.
    Whole,
}

/// The events of a vector, received from a reader that behaves like this.
fn observe(vector: &Vector, steps: &[Step], way: Way) -> Vec<Json> {
    let mut receiver = Receiver::new(Source::new(&vector.bytes, steps), vec![0; vector.header_capacity]);
    let mut events = Vec::new();
    loop {
        match receiver.receive() {
            Ok(Some(mut incoming)) => {
                events.push(header_event(&incoming.header(), last_end(&events)));
                let read = incoming.limit_content(vector.content_limit).map_err(ReceiveError::from);
                match read.and_then(|()| read_content(&mut incoming, way)) {
                    Ok(content) => {
                        assert_eq!(incoming.content_left(), 0);
                        events.extend(content_events(&content, incoming.position()));
                    }
                    Err(ReceiveError::Decode(error)) => events.push(fault(error)),
                    Err(error) => panic!("{error}"),
                }
            }
            Ok(None) => return events,
            Err(ReceiveError::Decode(error)) => {
                if events.last() != Some(&fault(error)) {
                    events.push(fault(error));
                }
                return events;
            }
            Err(ReceiveError::Reader(ErrorKind::Interrupted | ErrorKind::TimedOut)) => {}
            Err(error) => panic!("{error}"),
        }
        // Nothing is read ahead.
        assert_eq!(receiver.reader_mut().taken as u64, receiver.position());
    }
}

fn read_content<R: Read<Error = ErrorKind>>(
    incoming: &mut Incoming<'_, R, Vec<u8>>,
    way: Way,
) -> Result<Vec<u8>, ReceiveError<ErrorKind>> {
    let mut content = Vec::new();
    match way {
        Way::Pieces(size) => loop {
            let mut piece = vec![0; size];
            match incoming.read(&mut piece) {
                Ok(0) => return Ok(content),
                Ok(count) => content.extend_from_slice(&piece[..count]),
                Err(ReceiveError::Reader(_)) => {}
                Err(error) => return Err(error),
            }
        },
        Way::Whole => {
            let mut buffer =
                vec![0; usize::try_from(incoming.header().content_length()).unwrap_or(100_000).min(100_000)];
            loop {
                match incoming.message(&mut buffer) {
                    Ok(message) => return Ok(message.content().to_vec()),
                    Err(ReceiveError::Reader(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

#[test]
fn every_vector_is_received_however_the_reader_behaves() {
    for vector in vectors() {
        for steps in BEHAVIOURS {
            for way in [Way::Pieces(1000), Way::Pieces(3), Way::Whole] {
                // No buffer is that large.
                let is_huge = vector.events.iter().any(|event| event["content_length"].as_u64() > Some(100_000));
                if is_huge && matches!(way, Way::Whole) {
                    continue;
                }
                assert_eq!(observe(&vector, steps, way), vector.events, "{}, {steps:?}, {way:?}", vector.name);
            }
        }
    }
}

#[test]
fn content_that_is_not_read_is_skipped() {
    let stream = [
        wire(&Header::for_json(300), &[b' '; 300]),
        wire(&Header::for_json(0), b""),
        wire(&Header::for_json(2), b"[]"),
    ]
    .concat();
    for steps in BEHAVIOURS {
        for read in [0, 1, 299, 300] {
            let mut receiver = Receiver::new(Source::new(&stream, steps), [0; 256]);
            let mut lengths = Vec::new();
            loop {
                match receiver.receive() {
                    Ok(Some(mut incoming)) => {
                        lengths.push(incoming.header().content_length());
                        let mut left = read;
                        while left > 0 && incoming.content_left() > 0 {
                            left -= incoming.read(&mut vec![0; left]).unwrap_or(0);
                        }
                    }
                    Ok(None) => break,
                    Err(ReceiveError::Reader(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(lengths, [300, 0, 2], "{steps:?}, {read}");
            assert_eq!(receiver.into_reader().taken, stream.len());
        }
    }
}

#[test]
fn a_stream_that_ends_inside_a_message_is_truncated_wherever() {
    let stream = wire(&Header::for_json(9), b"[1, 2, 3]");
    for end in 1..stream.len() {
        let mut receiver = Receiver::new(&stream[..end], [0; 256]);
        let received =
            receiver.receive().map(|incoming| incoming.map(|mut incoming| incoming.message(&mut [0; 9]).err()));
        let error = match received {
            Ok(Some(Some(error))) | Err(error) => error,
            other => panic!("{end}: {other:?}"),
        };
        let ReceiveError::Decode(truncated) = error else { panic!("{error}") };
        assert!(matches!(truncated.kind(), DecodeErrorKind::Truncated { .. }), "{error}");
        assert_eq!(truncated.offset(), end as u64);
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}

#[test]
fn a_reader_that_goes_on_after_its_end_is_read_on() {
    let stream = wire(&Header::for_json(4), b"true");
    let mut receiver = Receiver::new(Source::new(&stream, &[Step::Pass(20), Step::Pass(0)]), [0; 256]);
    let mut ends = 0;
    loop {
        match receiver.receive() {
            Ok(None) => assert_eq!(receiver.position(), 0),
            Err(ReceiveError::Decode(error)) if matches!(error.kind(), DecodeErrorKind::Truncated { .. }) => ends += 1,
            Ok(Some(mut incoming)) => {
                let mut buffer = [0; 4];
                while incoming.message(&mut buffer).is_err() {}
                assert_eq!(&buffer, b"true");
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(ends > 1);
}

#[test]
fn content_longer_than_the_buffer_is_refused_for_good() {
    let stream = [wire(&Header::for_json(9), b"[1, 2, 3]"), wire(&Header::for_json(2), b"[]")].concat();
    let mut receiver = Receiver::new(stream.as_slice(), [0; 256]);
    let mut incoming = receiver.receive().unwrap().unwrap();
    let error = incoming.message(&mut [0; 8]).unwrap_err();
    let ReceiveError::Decode(refused) = error else { panic!("{error}") };
    assert_eq!(refused.kind(), DecodeErrorKind::ContentTooLong { length: 9, limit: 8 });
    assert_eq!(incoming.read(&mut [0; 8]).unwrap_err(), error);
    assert_eq!(receiver.receive().unwrap_err(), error);
}

#[test]
fn a_buffer_too_small_is_refused_even_after_all_content_was_read() {
    let stream = wire(&Header::for_json(2), b"[]");
    let mut receiver = Receiver::new(stream.as_slice(), [0; 256]);
    let mut incoming = receiver.receive().unwrap().unwrap();
    assert_eq!(incoming.message(&mut [0; 2]).unwrap().content(), b"[]");
    let Err(ReceiveError::Decode(error)) = incoming.message(&mut [0; 1]) else { panic!("it does not fit") };
    assert_eq!(error.kind(), DecodeErrorKind::ContentTooLong { length: 2, limit: 1 });
}

#[test]
fn a_reader_that_lies_is_not_believed() {
    let stream = [wire(&Header::for_json(9), b"[1, 2, 3]"), wire(&Header::for_json(2), b"[]")].concat();
    let mut receiver = Receiver::new(Source::new(&stream, &[Step::Lie]), [0; 256]);
    let mut buffer = [0; 9];
    assert_eq!(receiver.receive().unwrap().unwrap().message(&mut buffer).unwrap().content(), b"[1, 2, 3]");
    let mut incoming = receiver.receive().unwrap().unwrap();
    assert_eq!(incoming.read(&mut buffer), Ok(2));
    assert_eq!(incoming.read(&mut buffer), Ok(0));
}

#[test]
fn the_reader_is_not_called_for_an_empty_buffer() {
    let stream = wire(&Header::for_json(2), b"[]");
    // The source panics if it is asked for 0 bytes.
    let mut receiver = Receiver::new(Source::new(&stream, &[Step::Pass(usize::MAX)]), [0; 256]);
    let mut incoming = receiver.receive().unwrap().unwrap();
    assert_eq!(incoming.read(&mut []), Ok(0));
    assert_eq!(incoming.content_left(), 2);
}

#[test]
fn a_message_is_sent_once_however_the_writer_behaves() {
    let extensions = [("filename", "a\u{e9}.txt".into()), ("count", 7.into())];
    for content in [&b""[..], b"[]", &[7; 1000]] {
        let header = Header::new("text/plain", "utf-8", content.len() as u64).with_extensions(&extensions);
        let expected = wire(&header, content).repeat(2);
        for steps in BEHAVIOURS {
            let mut sender = Sender::new(Drain::new(steps), [0; 256]);
            for _ in 0..2 {
                let mut sent = sender.send(&header, content);
                while let Err(error) = sent {
                    assert!(
                        matches!(error, SendError::Writer(ErrorKind::Interrupted | ErrorKind::TimedOut)),
                        "{error}"
                    );
                    sent = sender.resume(content);
                }
                assert_eq!(sender.unsent(), 0);
            }
            assert_eq!(sender.writer_mut().flushes, 0);
            assert_eq!(sender.into_writer().bytes, expected, "{steps:?}");
        }
    }
}

#[test]
fn content_is_sent_in_pieces_however_the_writer_behaves() {
    let header = Header::new("text/plain", "utf-8", 100);
    for steps in BEHAVIOURS {
        let mut sender = Sender::new(Drain::new(steps), [0; 128]);
        let begun = sender.begin(&header);
        assert!(matches!(begun, Ok(()) | Err(SendError::Writer(_))));
        let content: Vec<u8> = (0..100).collect();
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            match sender.write(&rest[..rest.len().min(9)]) {
                Ok(count) => rest = &rest[count..],
                Err(error) => assert!(matches!(error, SendError::Writer(_)), "{error}"),
            }
        }
        sender.flush().unwrap();
        assert_eq!((sender.unsent(), sender.writer_mut().flushes), (0, 1));
        assert_eq!(sender.into_writer().bytes, wire(&header, &content), "{steps:?}");
    }
}

#[test]
fn a_head_that_was_interrupted_goes_out_with_a_flush() {
    let steps = [Step::Pass(10), INTERRUPTED, Step::Pass(1000)];
    let mut sender = Sender::new(Drain::new(&steps), [0; 128]);
    assert_eq!(sender.send(&Header::for_json(0), b""), Err(SendError::Writer(ErrorKind::Interrupted)));
    assert!(sender.unsent() > 0);
    sender.flush().unwrap();
    assert_eq!(sender.into_writer().bytes, wire(&Header::for_json(0), b""));
}

#[test]
fn a_writer_that_takes_nothing_is_an_error_at_once() {
    for taken in [0, 1, 110] {
        let mut sender = Sender::new(Drain::new(&[Step::Pass(taken), Step::Pass(0)]), [0; 128]);
        let error = sender.send(&Header::for_json(1000), &[b' '; 1000]).unwrap_err();
        assert_eq!((error, error.kind()), (SendError::WriteZero, ErrorKind::WriteZero));
        assert!(sender.writer_mut().calls <= 3);
    }
}

#[test]
fn a_writer_that_lies_is_not_believed() {
    let mut sender = Sender::new(Drain::new(&[Step::Lie]), [0; 128]);
    sender.send(&Header::for_json(2), b"[]").unwrap();
    assert_eq!(sender.unsent(), 0);
    assert_eq!(sender.into_writer().bytes, wire(&Header::for_json(2), b"[]"));
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is_written() {
    let mut sender = Sender::new(Drain::new(&[Step::Pass(usize::MAX)]), [0; 105]);
    let reserved = [("byteorder", "big".into())];
    for (header, content, error) in [
        (Header::for_json(3), &b"[]"[..], EncodeError::LengthMismatch { announced: 3, actual: 2 }),
        (
            Header::for_json(2).with_extensions(&reserved),
            b"[]",
            EncodeError::ReservedName { member: Member::ByteOrder },
        ),
        (
            Header::for_json(2).with_extensions(&[("a", jsonframe::Value::NULL)]),
            b"[]",
            EncodeError::BufferTooSmall { needed: 115, available: 105 },
        ),
    ] {
        let header = header.with_byte_order(ByteOrder::Little);
        assert_eq!(sender.send(&header, content), Err(SendError::Encode(error)));
    }
    assert_eq!(
        SendError::<Infallible>::from(EncodeError::LengthMismatch { announced: 3, actual: 2 }).kind(),
        ErrorKind::InvalidInput
    );
    // Nor has a message begun.
    sender.send(&Header::for_json(2), b"[]").unwrap();
    assert_eq!(sender.into_writer().bytes, wire(&Header::for_json(2), b"[]"));
}

#[test]
fn more_content_than_announced_is_refused_and_so_is_a_message_inside_another() {
    let mut sender = Sender::new(Drain::new(&[Step::Pass(usize::MAX)]), [0; 128]);
    sender.begin(&Header::for_json(4)).unwrap();
    sender.write_all(b"tr").unwrap();
    assert_eq!(sender.begin(&Header::for_json(0)), Err(SendError::Unfinished { missing: 2 }));
    let mismatch = EncodeError::LengthMismatch { announced: 4, actual: 5 };
    assert_eq!(sender.write_all(b"ue!"), Err(SendError::Encode(mismatch)));
    assert_eq!(sender.resume(b"truer"), Err(SendError::Encode(mismatch)));
    assert_eq!(sender.write(b""), Ok(0));
    sender.resume(b"true").unwrap();
    // Between messages there is nothing to resume.
    assert_eq!(sender.resume(b""), Ok(()));
    assert!(matches!(sender.resume(b"true"), Err(SendError::Encode(EncodeError::LengthMismatch { announced: 0, .. }))));
    assert_eq!(sender.into_writer().bytes, wire(&Header::for_json(4), b"true"));
}

#[test]
fn a_slice_is_a_writer_until_it_is_full() {
    let expected = wire(&Header::for_json(4), b"true");
    let mut memory = [0; 256];
    let mut sender = Sender::new(&mut memory[..expected.len() + 50], [0; 128]);
    sender.send(&Header::for_json(4), b"true").unwrap();
    assert_eq!(sender.send(&Header::for_json(4), b"true"), Err(SendError::Writer(SliceWriteError::Full)));
    assert_eq!(SendError::from_writer_kind(), ErrorKind::WriteZero);
    assert_eq!(memory[..expected.len()], expected);
    assert_eq!(memory[expected.len()..][..50], expected[..50]);
}

/// To name the kind of a writer's own error.
trait FromWriterKind {
    fn from_writer_kind() -> ErrorKind;
}

impl FromWriterKind for SendError<SliceWriteError> {
    fn from_writer_kind() -> ErrorKind {
        Self::Writer(SliceWriteError::Full).kind()
    }
}

#[test]
fn a_dialect_is_spoken_both_ways() {
    const PEER: Dialect = Dialect::STANDARD
        .with_proto_header(ProtoHeader::U32(ByteOrder::Little))
        .with_underscores()
        .byte_order_or(ByteOrder::Big)
        .omit(Member::ByteOrder);
    const NUMBERED: Dialect =
        PEER.with_prefix(b"\0\0").with_name(Member::ContentLength, "len").content_length_or_zero();
    let header = Header::for_json(4).with_byte_order(ByteOrder::Big);
    for (dialect, header, start) in [
        (&PEER, header, &b"O\0\0\0{\"content_type\""[..]),
        (&NUMBERED, header.with_prefix(b"\xFF{"), b"\xFF{D\0\0\0{\"content_type\""),
    ] {
        assert_spoken_both_ways(dialect, header, start);
    }
}

fn assert_spoken_both_ways(dialect: &'static Dialect, header: Header<'_>, start: &[u8]) {
    for steps in BEHAVIOURS {
        let mut sender = Sender::new(Drain::new(steps), [0; 128]).with_dialect(dialect);
        let mut sent = sender.send(&header, b"true");
        while sent.is_err() {
            sent = sender.resume(b"true");
        }
        let bytes = sender.into_writer().bytes;
        assert!(bytes.starts_with(start), "{}", bytes.escape_ascii());

        let mut receiver = Receiver::new(Source::new(&bytes, steps), [0; 128]).with_dialect(dialect);
        let mut buffer = [0; 4];
        loop {
            match receiver.receive() {
                Ok(Some(mut incoming)) => {
                    assert_eq!(incoming.header(), header);
                    while incoming.message(&mut buffer).is_err() {}
                    break;
                }
                Err(ReceiveError::Reader(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(&buffer, b"true");
    }
}

#[test]
fn errors_say_what_they_are_about() {
    use std::error::Error as _;

    let reader = ReceiveError::Reader(ErrorKind::TimedOut);
    assert_eq!(reader.to_string(), "cannot read: TimedOut");
    assert_eq!(reader.source().unwrap().to_string(), "TimedOut");
    assert_eq!(reader.kind(), ErrorKind::TimedOut);
    let writer = SendError::Writer(ErrorKind::BrokenPipe);
    assert_eq!(writer.to_string(), "cannot write: BrokenPipe");
    assert_eq!(writer.source().unwrap().to_string(), "BrokenPipe");
    assert_eq!(writer.kind(), ErrorKind::BrokenPipe);
    assert_eq!(SendError::<Infallible>::WriteZero.to_string(), "the writer has written 0 bytes");
    let unfinished = SendError::<Infallible>::Unfinished { missing: 3 };
    assert_eq!(
        (unfinished.to_string().as_str(), unfinished.kind()),
        ("an earlier message still lacks 3 bytes", ErrorKind::InvalidInput)
    );
    let truncated = Receiver::new(&b"\0"[..], [0; 8]).receive().unwrap_err();
    assert_eq!(truncated.to_string(), "the stream ends inside a message; bytes missing: at least 1 (at byte 1)");
}

/// The bytes that `read` had returned were missing in the buffer, whose stale bytes were taken for them.
#[test]
fn content_that_was_read_in_part_is_not_returned_as_a_message() {
    let stream = [wire(&Header::for_json(9), b"[1, 2, 3]"), wire(&Header::for_json(2), b"[]")].concat();
    for count in [1, 4, 9] {
        let mut receiver = Receiver::new(stream.as_slice(), [0; 256]);
        let mut incoming = receiver.receive().unwrap().unwrap();
        assert_eq!(incoming.read(&mut vec![0; count]), Ok(count));
        let mut buffer = *b"stale text";
        let error = incoming.message(&mut buffer).unwrap_err();
        assert_eq!(error, ReceiveError::AlreadyRead { read: count as u64 });
        assert_eq!(error.to_string(), format!("bytes of the content already read: {count}"));
        assert_eq!((error.kind(), &buffer), (ErrorKind::InvalidInput, b"stale text"));

        // The rest can be read, and the next message received.
        assert_eq!(incoming.read(&mut [0; 20]), Ok(9 - count));
        let mut incoming = receiver.receive().unwrap().unwrap();
        assert_eq!(incoming.read(&mut []), Ok(0));
        assert_eq!(incoming.message(&mut buffer).unwrap().content(), b"[]");
    }
}
