//! The async drivers, by an executor that polls: over streams that are pending at every call, and with futures that are
//! dropped whenever they are pending.
#![cfg(feature = "embedded-io-async")]

mod embedded_scripted;

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_io_async::{ErrorKind, Read, Write};
use embedded_scripted::{
    BEHAVIOURS, Drain, INTERRUPTED, Source, Step, Vector, content_events, fault, header_event, last_end, vectors, wire,
};
use jsonframe::embedded::{ReceiveError, Receiver, SendError, Sender};
use jsonframe::{DecodeErrorKind, Header};
use serde_json::Value as Json;

const PENDING: &[Step] = &[Step::Pending, Step::Pass(1)];
const PENDING_OFTEN: &[Step] = &[Step::Pending, Step::Pending, Step::Pass(40), Step::Pending, Step::Pass(3)];

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls until the future is ready. Returns its output, and whether it was pending before.
fn run<F: Future>(future: F) -> (F::Output, bool) {
    let mut future = pin!(future);
    let mut was_pending = false;
    for _ in 0..1_000_000 {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => return (output, was_pending),
            Poll::Pending => was_pending = true,
        }
    }
    panic!("it does not end");
}

/// The events of a vector. Every future that is pending is dropped, and another one made.
fn observe(vector: &Vector, steps: &[Step], whole: bool) -> Vec<Json> {
    let mut receiver = Receiver::new(Source::new(&vector.bytes, steps), vec![0; vector.header_capacity]);
    let mut events = Vec::new();
    loop {
        let Poll::Ready(received) = poll_once(receiver.receive_async()) else {
            continue;
        };
        let mut incoming = match received {
            Ok(Some(incoming)) => incoming,
            Ok(None) => return events,
            Err(ReceiveError::Reader(_)) => continue,
            Err(ReceiveError::Decode(error)) => {
                if events.last() != Some(&fault(error)) {
                    events.push(fault(error));
                }
                return events;
            }
            Err(error) => panic!("{error}"),
        };
        events.push(header_event(&incoming.header(), last_end(&events)));
        let mut content = Vec::new();
        let mut buffer = vec![0; if whole { usize::try_from(incoming.header().content_length()).unwrap() } else { 7 }];
        let outcome = match incoming.limit_content(vector.content_limit) {
            Err(error) => Err(error),
            Ok(()) => loop {
                let read = if whole {
                    poll_once(incoming.message_async(&mut buffer))
                        .map(|it| it.map(|message| (message.content().to_vec(), true)))
                } else {
                    let read = poll_once(incoming.read(&mut buffer));
                    read.map(|read| read.map(|count| (buffer[..count].to_vec(), count == 0)))
                };
                match read {
                    Poll::Pending | Poll::Ready(Err(ReceiveError::Reader(_))) => {}
                    Poll::Ready(Ok((piece, is_end))) => {
                        content.extend(piece);
                        if is_end {
                            break Ok(());
                        }
                    }
                    Poll::Ready(Err(ReceiveError::Decode(error))) => break Err(error),
                    Poll::Ready(Err(error)) => panic!("{error}"),
                }
            },
        };
        match outcome {
            Ok(()) => events.extend(content_events(&content, incoming.position())),
            Err(error) => events.push(fault(error)),
        }
        assert_eq!(receiver.reader_mut().taken as u64, receiver.position());
    }
}

#[test]
fn every_vector_is_received_though_every_pending_future_is_dropped() {
    for vector in vectors() {
        for steps in BEHAVIOURS.into_iter().chain([PENDING, PENDING_OFTEN]) {
            for whole in [false, true] {
                if whole && vector.events.iter().any(|event| event["content_length"].as_u64() > Some(100_000)) {
                    continue;
                }
                assert_eq!(observe(&vector, steps, whole), vector.events, "{}, {steps:?}, {whole}", vector.name);
            }
        }
    }
}

#[test]
fn a_future_waits_where_its_stream_does() {
    let stream = wire(&Header::for_json(9), b"[1, 2, 3]").repeat(3);
    for (steps, waits) in [(PENDING, true), (PENDING_OFTEN, true), (&[Step::Pass(5)], false)] {
        let mut receiver = Receiver::new(Source::new(&stream, steps), [0; 256]);
        let mut buffer = [0; 9];
        let mut messages = 0;
        loop {
            let (received, was_pending) = run(receiver.receive_async());
            let Some(mut incoming) = received.unwrap() else { break };
            assert_eq!(was_pending, waits);
            let (message, was_pending) = run(incoming.message_async(&mut buffer));
            assert_eq!((message.unwrap().content(), was_pending), (&b"[1, 2, 3]"[..], waits));
            messages += 1;
        }
        assert_eq!(messages, 3);
    }
}

#[test]
fn a_message_is_sent_once_though_every_pending_future_is_dropped() {
    for content in [&b""[..], b"[]", &[7; 300]] {
        let header = Header::new("text/plain", "utf-8", content.len() as u64);
        for steps in BEHAVIOURS.into_iter().chain([PENDING, PENDING_OFTEN]) {
            let mut sender = Sender::new(Drain::new(steps), [0; 256]);
            for _ in 0..2 {
                let mut sent = poll_once(sender.send_async(&header, content));
                while !matches!(sent, Poll::Ready(Ok(()))) {
                    assert!(!matches!(sent, Poll::Ready(Err(SendError::WriteZero | SendError::Encode(_)))), "{sent:?}");
                    sent = poll_once(sender.resume_async(content));
                }
                assert_eq!(sender.unsent(), 0);
            }
            assert_eq!(sender.into_writer().bytes, wire(&header, content).repeat(2), "{steps:?}");
        }
    }
}

#[test]
fn content_is_sent_in_pieces() {
    let content: Vec<u8> = (0..100).collect();
    let header = Header::new("text/plain", "utf-8", 100);
    for steps in [PENDING, PENDING_OFTEN, &[Step::Pending, INTERRUPTED, Step::Pass(6)]] {
        let mut sender = Sender::new(Drain::new(steps), [0; 128]);
        let _begun = poll_once(sender.begin_async(&header));
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            if let Poll::Ready(Ok(count)) = poll_once(sender.write(&rest[..rest.len().min(9)])) {
                rest = &rest[count..];
            }
        }
        // To write nothing is to wait for nothing, even if the writer has failed.
        assert_eq!(poll_once(sender.write(&[])), Poll::Ready(Ok(0)));
        run(sender.flush()).0.unwrap();
        assert_eq!(sender.writer_mut().flushes, 1);
        assert_eq!(sender.into_writer().bytes, wire(&header, &content), "{steps:?}");
    }
}

#[test]
fn a_writer_that_takes_nothing_is_an_error_at_once() {
    for taken in [0, 1, 110] {
        let mut sender = Sender::new(Drain::new(&[Step::Pass(taken), Step::Pass(0)]), [0; 128]);
        assert_eq!(run(sender.send_async(&Header::for_json(1000), &[b' '; 1000])).0, Err(SendError::WriteZero));
        assert!(sender.writer_mut().calls <= 3);
    }
}

#[test]
fn a_message_inside_another_is_refused() {
    let mut sender = Sender::new(Drain::new(PENDING), [0; 128]);
    run(sender.begin_async(&Header::for_json(4))).0.unwrap();
    run(sender.write_all(b"tr")).0.unwrap();
    assert_eq!(run(sender.send_async(&Header::for_json(0), b"")).0, Err(SendError::Unfinished { missing: 2 }));
    assert!(matches!(run(sender.write_all(b"ue!")).0, Err(SendError::Encode(_))));
    run(sender.resume_async(b"true")).0.unwrap();
    assert_eq!(sender.into_writer().bytes, wire(&Header::for_json(4), b"true"));
}

#[test]
fn a_stream_that_ends_inside_a_message_is_truncated_wherever() {
    let stream = wire(&Header::for_json(9), b"[1, 2, 3]");
    for end in 1..stream.len() {
        let mut receiver = Receiver::new(&stream[..end], [0; 256]);
        let error = match run(receiver.receive_async()).0 {
            Ok(Some(mut incoming)) => run(incoming.message_async(&mut [0; 9])).0.unwrap_err(),
            other => other.unwrap_err(),
        };
        let ReceiveError::Decode(truncated) = error else { panic!("{error}") };
        assert!(matches!(truncated.kind(), DecodeErrorKind::Truncated { .. }), "{error}");
        assert_eq!(truncated.offset(), end as u64);
    }
}

#[test]
fn slices_are_streams() {
    let mut memory = [0; 256];
    let mut sender = Sender::new(memory.as_mut_slice(), [0; 128]);
    run(sender.send_async(&Header::for_json(4), b"true")).0.unwrap();
    let left = sender.into_writer().len();
    let wire = &memory[..256 - left];
    let mut receiver = Receiver::new(wire, [0; 128]);
    let mut incoming = run(receiver.receive_async()).0.unwrap().unwrap();
    let mut content = [0; 4];
    run(incoming.read_exact(&mut content)).0.unwrap();
    assert_eq!(&content, b"true");
    assert!(run(receiver.receive_async()).0.unwrap().is_none());
    assert!(run(Receiver::new(Source::new(b"", PENDING), [0; 8]).receive_async()).0.unwrap().is_none());
}

#[test]
fn an_error_of_the_reader_is_returned() {
    let mut receiver = Receiver::new(Source::new(b"\0", &[Step::Fail(ErrorKind::ConnectionReset)]), [0; 8]);
    let error = run(receiver.receive_async()).0.unwrap_err();
    assert_eq!(error, ReceiveError::Reader(ErrorKind::ConnectionReset));
    assert_eq!(receiver.position(), 0);
}

#[test]
fn content_that_was_read_in_part_is_not_returned_as_a_message() {
    let stream = [wire(&Header::for_json(9), b"[1, 2, 3]"), wire(&Header::for_json(2), b"[]")].concat();
    let mut receiver = Receiver::new(Source::new(&stream, PENDING), [0; 256]);
    let mut incoming = run(receiver.receive_async()).0.unwrap().unwrap();
    let read = run(incoming.read(&mut [0; 4])).0.unwrap() as u64;
    let error = run(incoming.message_async(&mut [0; 9])).0.unwrap_err();
    assert_eq!(error, ReceiveError::AlreadyRead { read });
    let mut incoming = run(receiver.receive_async()).0.unwrap().unwrap();
    assert_eq!(run(incoming.message_async(&mut [0; 9])).0.unwrap().content(), b"[]");
}
