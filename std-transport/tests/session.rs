//! A session over a stream that does everything a stream may do.

mod common;

use std::io::{self, ErrorKind, IoSlice, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Scripted, Step, contents, message, steps, stream};
use jsonframe_std::protocol::{DecodeErrorKind, EncodeError, Event, Header, Message};
use jsonframe_std::{Content, Deadline, Error, Fill, Flush, Limits, Session};
use proptest::collection::vec;
use proptest::prelude::*;

/// What has been received of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Received {
    contents: Vec<Vec<u8>>,
    /// Of a message that is not whole yet.
    under_way: Option<Vec<u8>>,
}

impl Received {
    /// Takes all events there are.
    fn drain(&mut self, session: &mut Session<Scripted>) -> Result<(), Error> {
        while let Some(event) = session.next_event()? {
            match event {
                Event::Header(_) => assert_eq!(self.under_way.replace(Vec::new()), None),
                Event::Content(piece) => self.under_way.as_mut().unwrap().extend_from_slice(piece),
                Event::End => self.contents.push(self.under_way.take().unwrap()),
            }
        }
        Ok(())
    }
}

/// Receives to the end of the stream, as a loop would that is told at once when the stream is readable.
fn receive_all(session: &mut Session<Scripted>) -> (Received, Result<(), Error>) {
    let mut received = Received::default();
    loop {
        if let Err(error) = received.drain(session) {
            return (received, Err(error));
        }
        match session.fill() {
            Ok(Fill::Eof) => {
                let outcome = received.drain(session);
                return (received, outcome);
            }
            Ok(_) => {}
            Err(error) => return (received, Err(error.into())),
        }
    }
}

/// A session waits; a time-out is an error of the stream.
fn blocking_steps() -> impl Strategy<Value = Vec<Step>> {
    steps().prop_map(|mut steps| {
        steps.retain(|step| !matches!(step, Step::Fail(ErrorKind::TimedOut)));
        steps
    })
}

fn header(content: &[u8]) -> Header<'static> {
    Header::new("text/plain", "utf-8", content.len() as u64)
}

/// How a test hands content over.
#[derive(Clone, Copy, Debug)]
enum Sending {
    Owned,
    Shared,
    Borrowed,
}

fn sendings() -> impl Strategy<Value = Vec<(Sending, bool)>> {
    let sending = prop::sample::select(vec![Sending::Owned, Sending::Shared, Sending::Borrowed]);
    vec((sending, any::<bool>()), 5)
}

fn hand_over(session: &mut Session<Scripted>, content: &[u8], sending: Sending) -> Result<(), Error> {
    match sending {
        Sending::Owned => session.queue(&header(content), content.to_vec()),
        Sending::Shared => session.queue(&header(content), Arc::<[u8]>::from(content)),
        Sending::Borrowed => session.send(&header(content), content).map(drop),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_arrives_once_however_the_stream_reads(contents in contents(), steps in blocking_steps()) {
        let mut session =
            Session::new(Scripted { reads: steps.clone().into(), ..Scripted::reading(&stream(&contents)) });
        let (received, outcome) = receive_all(&mut session);
        outcome?;
        prop_assert_eq!(received, Received { contents, under_way: None });
        // Each call did something: no more of them than steps, reads of all the room, and the end.
        let input = session.get_ref();
        prop_assert!(input.calls <= steps.len() + 100_000 / 8_192 + 2);
    }

    #[test]
    fn every_byte_is_written_once_however_the_stream_writes(
        contents in contents(),
        steps in blocking_steps(),
        sendings in sendings(),
    ) {
        let mut session = Session::new(Scripted::writing(steps.clone()));
        for (content, (sending, flush)) in contents.iter().zip(sendings) {
            hand_over(&mut session, content, sending)?;
            if flush {
                let _ = session.flush()?;
            }
            let whole = stream(&contents);
            let written = session.get_ref().output.len();
            prop_assert!(whole.starts_with(&session.get_ref().output));
            prop_assert!(written + session.queued() <= whole.len());
        }
        let blocked = steps.len();
        let mut flushes = 0;
        while session.flush()? == Flush::Blocked {
            flushes += 1;
            prop_assert!(flushes <= blocked);
        }
        prop_assert_eq!(&session.get_ref().output, &stream(&contents));
        prop_assert_eq!(session.queued(), 0);
        prop_assert!(!session.interest().writable);
    }

    #[test]
    fn the_end_is_told_apart(contents in contents(), steps in blocking_steps(), end in any::<prop::sample::Index>()) {
        let whole = stream(&contents);
        let end = end.index(whole.len() + 1);
        let mut session = Session::new(Scripted { reads: steps.into(), ..Scripted::reading(&whole[..end]) });
        let (received, outcome) = receive_all(&mut session);
        let ends: Vec<_> = (0..=contents.len()).map(|count| stream(&contents[..count]).len()).collect();
        prop_assert_eq!(received.contents.len(), ends.iter().filter(|at| **at <= end).count() - 1);
        match outcome {
            Ok(()) => prop_assert!(ends.contains(&end)),
            Err(Error::Decode(error)) => {
                prop_assert!(!ends.contains(&end));
                let truncated = matches!(error.kind(), DecodeErrorKind::Truncated { .. });
                prop_assert!(truncated, "{}", error);
                prop_assert_eq!(error.offset(), end as u64);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[test]
fn many_messages_go_out_in_few_writes() {
    let mut session = Session::new(Scripted::default());
    for _ in 0..1000 {
        session.queue(&Header::for_json(2), b"{}").unwrap();
    }
    assert_eq!(session.flush().unwrap(), Flush::Done);
    let stream = session.get_ref();
    assert!(stream.calls <= 2, "{}", stream.calls);
    assert_eq!(stream.output.len(), 1000 * Header::for_json(2).encoded_len() + 2000);
}

/// Notes where the bytes lie that it is given, and takes so many at a time.
#[derive(Debug, Default)]
struct Witness {
    seen: Vec<Vec<(*const u8, usize)>>,
    takes: usize,
}

impl Write for Witness {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.seen.push(parts.iter().map(|part| (part.as_ptr(), part.len())).collect());
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        if self.takes == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(length.min(self.takes)) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn content_that_is_not_small_is_written_from_where_it_was() {
    let owned = vec![b'o'; 100_000];
    let shared: Arc<[u8]> = vec![b's'; 100_000].into();
    let borrowed = vec![b'b'; 100_000];
    let places = [owned.as_ptr(), shared.as_ptr(), borrowed.as_ptr()];
    let head = header(&borrowed).encoded_len();
    let mut session = Session::new(Witness::default());
    session.queue(&header(&owned), owned).unwrap();
    session.queue(&header(&shared), Arc::clone(&shared)).unwrap();
    assert_eq!(Arc::strong_count(&shared), 2);
    assert_eq!(session.flush().unwrap(), Flush::Blocked);
    let [ref parts] = session.get_ref().seen[..] else { panic!("{:?}", session.get_ref()) };
    assert_eq!(parts.iter().map(|part| part.1).collect::<Vec<_>>(), [head, 100_000, head, 100_000]);
    assert_eq!([parts[1].0, parts[3].0], places[..2]);
    // In the midst of it too.
    session.get_mut().takes = head + 40_000;
    while session.flush().unwrap() != Flush::Done {}
    assert!(session.get_ref().seen[2..].iter().flatten().any(|part| *part == (places[0].wrapping_add(40_000), 60_000)));
    assert_eq!(Arc::strong_count(&shared), 1);

    let mut session = Session::new(Witness { takes: usize::MAX, ..Witness::default() });
    assert_eq!(session.send(&header(&borrowed), &borrowed).unwrap(), Flush::Done);
    assert_eq!(session.get_ref().seen[0][1], (places[2], 100_000));
}

#[test]
fn small_content_goes_out_in_one_piece_with_its_head() {
    for length in [0, 1, 39, 16 * 1024] {
        let mut session = Session::new(Witness { takes: usize::MAX, ..Witness::default() });
        let content = vec![b'c'; length];
        session.queue(&header(&content), content.clone()).unwrap();
        assert_eq!(session.flush().unwrap(), Flush::Done);
        let [ref parts] = session.get_ref().seen[..] else { panic!("{:?}", session.get_ref()) };
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].1, header(&content).encoded_len() + length);
    }
}

#[test]
fn a_write_of_nothing_is_an_error_and_does_not_spin() {
    let mut session = Session::new(Scripted::writing([Step::Move(4), Step::Move(0)]));
    let error = session.send(&Header::for_json(2), b"{}").unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::WriteZero), "{error}");
    assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::WriteZero);
    assert_eq!(session.get_ref().calls, 2);
}

#[test]
fn after_a_time_out_of_the_stream_no_byte_is_lost_or_doubled() {
    let mut session = Session::new(Scripted::writing([Step::Move(10), Step::Fail(ErrorKind::TimedOut)]));
    let error = session.send(&header(b"first"), b"first").unwrap_err();
    assert!(error.is_timeout(), "{error}");
    session.queue(&header(b"second"), "second").unwrap();
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert_eq!(session.get_ref().output, [message(b"first"), message(b"second")].concat());
}

/// What was sent next was once said to be queued, and so was everything else.
#[test]
fn after_a_failure_every_send_and_flush_fails_and_nothing_is_written() {
    let mut session = Session::new(Scripted::writing([Step::Move(10), Step::Fail(ErrorKind::ConnectionReset)]));
    let mut send = || session.send(&header(b"content"), b"content").map(drop).unwrap_err().to_string();
    assert_eq!([send(), send()], ["connection reset"; 2]);
    let queued = session.queued();
    assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::ConnectionReset);
    session.queue(&header(b"more"), "more").unwrap();
    assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(!session.interest().writable && session.queued() > queued);
    assert_eq!((session.get_ref().calls, session.get_ref().output.len()), (2, 10));
}

/// A stream that was reset ends at the next read, which was once taken for a clean end.
#[test]
fn after_a_failure_a_session_does_not_end_cleanly() {
    for fault in [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof] {
        let whole = message(b"whole");
        let reads = [Step::Move(whole.len()), Step::Fail(fault)].into();
        let mut session = Session::new(Scripted { reads, ..Scripted::reading(&whole) });
        let (received, outcome) = receive_all(&mut session);
        assert_eq!(received.contents, [b"whole"]);
        assert!(matches!(outcome, Err(Error::Io(error)) if error.kind() == fault));
        for _ in 0..2 {
            assert_eq!(session.fill().unwrap_err().kind(), fault);
            assert_eq!(session.next_event().unwrap(), None);
            assert!(!session.interest().readable);
        }
        assert_eq!(session.get_ref().calls, 2);
    }
}

#[test]
fn it_wants_to_write_what_is_queued_and_not_to_read_while_that_is_too_much() {
    let blocked = [Step::Move(1000), Step::Fail(ErrorKind::WouldBlock)];
    let mut session = Session::new(Scripted::writing(blocked)).with_max_unread_replies(2000);
    assert!(session.interest().readable && !session.interest().writable);
    assert_eq!(session.send(&header(&[0; 2000]), &[0; 2000]).unwrap(), Flush::Blocked);
    assert!(session.interest().readable && session.interest().writable);
    session.queue(&header(&[0; 2000]), vec![0; 2000]).unwrap();
    assert!(session.queued() > 2000);
    assert!(!session.interest().readable && session.interest().writable);
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert!(session.interest().readable && !session.interest().writable);
}

#[test]
fn half_a_close_leaves_the_other_half_open() {
    let mut session = Session::new(Scripted::reading(&message(b"question")));
    let (received, outcome) = receive_all(&mut session);
    outcome.unwrap();
    assert_eq!(received.contents, [b"question"]);
    assert!(!session.interest().readable);
    let calls = session.get_ref().calls;
    assert_eq!(session.fill().unwrap(), Fill::Eof);
    assert_eq!(session.get_ref().calls, calls);
    assert_eq!(session.send(&header(b"answer"), b"answer").unwrap(), Flush::Done);
    assert_eq!(session.get_ref().output, message(b"answer"));
}

#[test]
fn a_fault_is_final_for_receiving_and_not_for_sending() {
    let mut session = Session::new(Scripted::reading(&[message(b"whole"), b"\x00\x02[]more".to_vec()].concat()));
    let (received, outcome) = receive_all(&mut session);
    assert_eq!(received.contents, [b"whole"]);
    let Err(Error::Decode(first)) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(session.next_event(), Err(Error::Decode(again)) if again == first));
    assert!(!session.interest().readable);
    session.queue(&header(b"sorry"), "sorry").unwrap();
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert_eq!(session.get_ref().output, message(b"sorry"));
}

#[test]
fn limits_are_applied_at_the_header() {
    let mut session = Session::new(Scripted::reading(&message(b"12345"))).with_max_content(4);
    let (received, outcome) = receive_all(&mut session);
    assert_eq!(received, Received::default());
    let Err(Error::Decode(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.kind(), DecodeErrorKind::ContentTooLong { length: 5, limit: 4 });
    assert_eq!(session.header().unwrap().content_length(), 5);

    for length in [300_u16, 1000, 65_535] {
        let input = [&length.to_be_bytes()[..], b"{"].concat();
        let mut session = Session::new(Scripted::reading(&input)).with_max_header(299);
        let Err(Error::Decode(error)) = receive_all(&mut session).1 else { panic!("accepted") };
        assert_eq!(error.kind(), DecodeErrorKind::HeaderTooLong { length: length.into(), capacity: 299 });
    }
}

#[test]
fn limits_are_by_default_what_is_documented() {
    assert_eq!(Session::<Scripted>::DEFAULT_MAX_CONTENT, 67_108_864);
    assert_eq!(Session::<Scripted>::DEFAULT_MAX_UNREAD_REPLIES, 262_144);
}

#[test]
fn headers_of_all_lengths_are_sent_behind_each_other() {
    let mut session = Session::new(Scripted::default());
    let mut expected = Vec::new();
    for padding in [1000, 0, 1000, 60_000, 200] {
        let kind = "x".repeat(padding);
        let header = Header::new(&kind, "", 0);
        expected.extend(Message::new(header, b"").unwrap().to_vec().unwrap());
        session.queue(&header, "").unwrap();
    }
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert_eq!(session.get_ref().output, expected);
}

#[test]
fn headers_of_all_lengths_are_received() {
    let mut input = Vec::new();
    for padding in [0_usize, 200, 10, 60_000, 0, 3_000] {
        let head = format!(
            "{{\"byteorder\": \"big\", \"content-type\": \"{padding}\", \"content-encoding\": \"\", \"content-length\": 0{}}}",
            " ".repeat(padding)
        );
        input.extend_from_slice(&u16::try_from(head.len()).unwrap().to_be_bytes());
        input.extend_from_slice(head.as_bytes());
    }
    for cut in [1, 2, 7, 1000, 8192] {
        let reads = std::iter::repeat_n(Step::Move(cut), input.len()).collect();
        let mut session = Session::new(Scripted { reads, ..Scripted::reading(&input) });
        let mut types = Vec::new();
        while session.fill().unwrap() != Fill::Eof {
            while let Some(event) = session.next_event().unwrap() {
                if let Event::Header(header) = event {
                    types.push(header.content_type().to_owned());
                }
            }
        }
        assert_eq!(types, ["0", "200", "10", "60000", "0", "3000"], "{cut}");
    }
}

#[test]
fn headers_alike_with_other_types_between_are_not_mixed_up() {
    let message = |content_type: &str| {
        let header = Header::new(content_type, "utf-8", 2);
        let mut head = vec![0; header.encoded_len()];
        header.encode(&mut head).unwrap();
        [head, b"{}".to_vec()].concat()
    };
    // The same lengths, so that an exchanged room could be taken for the other one.
    let types = ["text/aaaa", "text/bbbb", "text/bbbb", "text/aaaa"];
    let steps = types.map(|text| [Step::Move(message(text).len()), Step::Fail(ErrorKind::WouldBlock)]);
    let input: Vec<u8> = types.iter().flat_map(|text| message(text)).collect();
    let mut session =
        Session::new(Scripted { reads: steps.into_iter().flatten().collect(), ..Scripted::reading(&input) });
    let mut received = Vec::new();
    while session.fill().unwrap() != Fill::Eof {
        while let Some(event) = session.next_event().unwrap() {
            if let Event::Header(header) = event {
                received.push(header.content_type().to_owned());
            }
        }
    }
    assert_eq!(received, types);
}

#[test]
fn what_cannot_be_sent_leaves_the_queue_as_it_was() {
    let mut session = Session::new(Scripted::default());
    session.queue(&header(b"first"), "first").unwrap();
    let before = session.queued();
    let long = "x".repeat(70_000);
    let mismatch = session.queue(&Header::for_json(3), b"{}");
    assert!(matches!(mismatch, Err(Error::Encode(EncodeError::LengthMismatch { announced: 3, actual: 2 }))));
    assert!(matches!(session.queue(&Header::new(&long, "", 0), b""), Err(Error::Encode(_))));
    assert!(matches!(session.queue(&Header::new(&long, "", 20_000), vec![0; 20_000]), Err(Error::Encode(_))));
    assert!(matches!(session.send(&Header::new(&long, "", 0), b""), Err(Error::Encode(_))));
    assert_eq!(session.queued(), before);
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert!(matches!(session.send(&Header::new(&long, "", 0), b""), Err(Error::Encode(_))));
    assert_eq!(session.get_ref().output, message(b"first"));
}

#[test]
fn what_follows_a_message_can_be_had() {
    let mut session = Session::new(Scripted::reading(&[message(b"upgrade"), b"raw bytes".to_vec()].concat()));
    assert_eq!(session.fill().unwrap(), Fill::Data);
    while session.next_event().unwrap() != Some(Event::End) {}
    let (stream, unread) = session.into_parts();
    assert_eq!(unread, b"raw bytes");
    assert!(stream.input.is_empty());
}

#[test]
fn a_stream_with_a_buffer_of_its_own_is_flushed_after_the_last_byte() {
    let mut session = Session::new(Scripted::writing([Step::Move(5), Step::Fail(ErrorKind::WouldBlock)]));
    session.queue(&header(b"content"), "content").unwrap();
    assert_eq!(session.flush().unwrap(), Flush::Blocked);
    assert_eq!(session.get_ref().flushes, 0);
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert_eq!(session.get_ref().flushes, 1);
}

#[test]
fn every_kind_of_content_can_be_queued() {
    let kinds = [
        Content::from(vec![b'x'; 3]),
        Content::from(vec![b'x'; 3].into_boxed_slice()),
        Content::from("xxx".to_owned()),
        Content::from(Arc::<[u8]>::from(&b"xxx"[..])),
        Content::from(b"xxx"),
        Content::from(&b"xxx"[..]),
        Content::from("xxx"),
    ];
    let mut session = Session::new(Scripted::default());
    for content in kinds {
        session.queue(&header(b"xxx"), content).unwrap();
    }
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert_eq!(session.get_ref().output, message(b"xxx").repeat(7));
}

#[test]
fn a_stream_that_has_nothing_to_give_is_asked_once() {
    let reads = [Step::Fail(ErrorKind::Interrupted), Step::Fail(ErrorKind::WouldBlock)].into();
    let mut session = Session::new(Scripted { reads, ..Scripted::default() });
    assert_eq!(session.fill().unwrap(), Fill::Blocked);
    assert_eq!(session.get_ref().calls, 2);
    let error: io::Error = ErrorKind::ConnectionReset.into();
    session.get_mut().reads.push_back(Step::Fail(error.kind()));
    assert_eq!(session.fill().unwrap_err().kind(), ErrorKind::ConnectionReset);
}

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The time that a session has for what is to come, and the deadline that is missed then and not a moment before.
fn due(session: &mut Session<Scripted>, now: Instant) -> (Instant, Deadline) {
    let due = session.poll_timeout(now).unwrap();
    session.handle_timeout(due.checked_sub(Duration::from_nanos(1)).unwrap()).unwrap();
    (due, session.handle_timeout(due).unwrap_err())
}

#[test]
fn a_peer_has_the_time_that_the_limits_say_for_each_thing() {
    let limits = Limits::default().with_header_timeout(secs(1)).with_rate_window(secs(2)).with_idle_timeout(secs(3));
    let whole = message(&[b'x'; 1000]);
    let head = whole.len() - 1000;
    // A byte of a header, the rest of it, content in three pieces, of which the last comes with the next message's header.
    let input = [&whole[..], &whole[..=head]].concat();
    let reads = [1, head - 1, 255, 1, 744 + head + 1].map(Step::Move).into();
    let mut session = Session::new(Scripted { reads, ..Scripted::reading(&input) }).with_limits(limits);
    let receive = |session: &mut Session<Scripted>| {
        assert_eq!(session.fill().unwrap(), Fill::Data);
        while session.next_event().unwrap().is_some() {}
    };
    let start = Instant::now();
    let (idle, deadline) = due(&mut session, start);
    assert!(deadline == Deadline::Idle && idle <= start + secs(3));

    receive(&mut session);
    assert_eq!(due(&mut session, start), (start + secs(1), Deadline::Header));

    receive(&mut session);
    assert_eq!(due(&mut session, start), (start + secs(2), Deadline::Content));

    // 128 bytes a second are enough: 256 in two seconds, for which one is lacking.
    receive(&mut session);
    assert_eq!(session.handle_timeout(start + secs(2)), Err(Deadline::Content));
    receive(&mut session);
    assert_eq!(session.handle_timeout(start + secs(2)), Ok(()));
    assert_eq!(due(&mut session, start + secs(2)), (start + secs(4), Deadline::Content));

    // The content of the next message has its time from its own beginning.
    receive(&mut session);
    assert_eq!(session.poll_timeout(start + secs(3)), Some(start + secs(5)));
    assert_eq!(due(&mut session, start + secs(3)), (start + secs(5), Deadline::Content));
}

#[test]
fn an_idle_peer_has_its_time_from_what_happened_last() {
    let whole = message(b"content");
    let mut session = Session::new(Scripted::reading(&whole.repeat(2)));
    session.get_mut().reads = [Step::Move(whole.len()); 2].into();
    let start = Instant::now();
    for now in [start + secs(10), start + secs(20)] {
        assert_eq!(session.fill().unwrap(), Fill::Data);
        while session.next_event().unwrap().is_some() {}
        assert_eq!(session.poll_timeout(now), Some(now + secs(300)));
        // To be asked is not to do anything.
        assert_eq!(session.poll_timeout(now + secs(1)), Some(now + secs(300)));
    }
    assert_eq!(session.send(&header(b""), b"").unwrap(), Flush::Done);
    assert_eq!(session.poll_timeout(start + secs(30)), Some(start + secs(330)));
    assert_eq!(session.fill().unwrap(), Fill::Eof);
    assert_eq!(session.poll_timeout(start + secs(40)), None);
}

#[test]
fn a_peer_must_take_what_is_queued_and_is_asked_once_more_when_it_is_late() {
    let blocked = || [Step::Move(10), Step::Fail(ErrorKind::WouldBlock)];
    let mut session = Session::new(Scripted::writing(blocked().into_iter().chain(blocked())));
    let now = Instant::now();
    assert_eq!(session.send(&header(b"content"), b"content").unwrap(), Flush::Blocked);
    let late = session.poll_timeout(now).unwrap();
    assert_eq!(late, now + secs(120));
    // Ten bytes are not the rate there is to be.
    assert_eq!(session.handle_timeout(late), Err(Deadline::Write));
    assert_eq!(session.get_ref().output.len(), 20);
    assert_eq!(session.handle_timeout(late), Ok(()));
    assert_eq!((session.queued(), session.get_ref().output.len()), (0, message(b"content").len()));
}

#[test]
fn while_a_peer_does_not_read_its_replies_only_that_is_due() {
    let mut session = Session::new(Scripted::writing([Step::Fail(ErrorKind::WouldBlock)])).with_max_unread_replies(10);
    let now = Instant::now();
    assert_eq!(session.send(&header(b"content"), b"content").unwrap(), Flush::Blocked);
    assert_eq!(session.poll_timeout(now), Some(now + secs(120)));
    assert!(!session.interest().readable);
}

#[test]
fn shared_limits_are_those_of_each_session_and_changed_for_one() {
    let limits = Arc::new(Limits::default().with_max_content(4).with_max_header(200).with_max_unread_replies(10));
    for (session, accepts) in [
        (Session::new(Scripted::reading(&message(b"12345"))).with_limits(Arc::clone(&limits)), false),
        (
            Session::new(Scripted::reading(&message(b"12345"))).with_limits(Arc::clone(&limits)).with_max_content(5),
            true,
        ),
        (Session::new(Scripted::reading(&message(b"1234"))).with_limits(Arc::clone(&limits)), true),
        (Session::new(Scripted::reading(&message(b"1234"))).with_limits(Arc::clone(&limits)).with_max_header(9), false),
    ] {
        let mut session = session;
        assert_eq!(receive_all(&mut session).1.is_ok(), accepts);
        session.queue(&header(b"content"), b"content").unwrap();
        assert!(session.queued() > 10 && !session.interest().readable);
    }
    assert_eq!((limits.max_content, limits.max_header), (4, 200));
}
