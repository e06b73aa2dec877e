//! Every deadline to the nanosecond. Time is only ever added up.

use std::io::ErrorKind;
use std::path::Path;
use std::{fs, panic};

use jsonframe::DecodeErrorKind;
use proptest::collection::vec;
use proptest::prelude::*;

use self::model::{
    CONTENT, HANDLER, HEADER, IDLE, NANOSECOND, WRITE, before, engine, give_back, header, message, secs,
};
use super::*;
use crate::engine::{Content, Deadline, REQUEST_ID};

mod model;

/// Takes these bytes as received, and all events: how many messages have ended.
fn receive(engine: &mut Engine, mut bytes: &[u8], now: Instant) -> Result<usize, CloseReason> {
    let mut ended = 0;
    loop {
        while let Some(step) = engine.poll_step(now)? {
            if matches!(step, Step::End) {
                ended += 1;
                engine.handled();
            }
        }
        if bytes.is_empty() {
            engine.update(now);
            return Ok(ended);
        }
        let space = engine.read_buf(usize::MAX)?;
        let count = space.len().min(bytes.len());
        space[..count].copy_from_slice(&bytes[..count]);
        engine.received(count, now);
        bytes = &bytes[count..];
    }
}

/// The next event, if there is one.
fn poll_event<'e>(
    engine: &'e mut Engine,
    now: Instant,
    slot: &'e mut EventSlot<'e>,
) -> Result<Option<(Event<'e>, &'e mut Sending)>, CloseReason> {
    let step = engine.poll_step(now)?;
    Ok(step.map(|step| engine.event(step, slot).unwrap()))
}

fn queue(engine: &mut Engine, content_length: usize, now: Instant) {
    engine.sending.outbox.queue(&header(content_length), vec![b'x'; content_length].into()).unwrap();
    engine.update(now);
}

fn wrote(engine: &mut Engine, count: usize, now: Instant) {
    engine.sending.outbox.wrote(count);
    engine.sending.outbox.unflushed = false;
    engine.update(now);
}

/// Closes this side's half of the stream, which is possible at once.
fn half_close(engine: &mut Engine, now: Instant) {
    engine.half_close(now, || Ok(())).unwrap();
}

/// Whether this side's half of the stream is still to be closed, in which it is blocked.
fn is_half_close_blocked(engine: &mut Engine, now: Instant) -> bool {
    let outcome = engine.half_close(now, || Err(ErrorKind::WouldBlock.into()));
    outcome.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// The deadline is this one, is not over a nanosecond before it, and ends the connection for this reason.
#[track_caller]
fn ends_at(engine: &mut Engine, due: Instant, reason: &str) {
    assert_eq!(engine.poll_timeout(), Some(due));
    engine.handle_timeout(before(due)).unwrap();
    assert_eq!(engine.poll_timeout(), Some(due));
    assert_eq!(engine.handle_timeout(due).unwrap_err().to_string(), reason);
}

#[test]
fn a_request_with_an_id_is_handled_from_its_header_to_its_end_and_no_longer() {
    let start = Instant::now();
    let extensions = [(REQUEST_ID, 7.into())];
    let header = header(2).with_extensions(&extensions);
    let wire = Message::new(header, b"ab").unwrap().to_vec().unwrap();
    for streams in [false, true] {
        let mut engine = engine(Limits::default(), start);
        let count = wire.len() - 1;
        assert!(poll_event(&mut engine, start, &mut EventSlot::default()).unwrap().is_none());
        engine.read_buf(usize::MAX).unwrap()[..count].copy_from_slice(&wire[..count]);
        engine.received(count, start);
        assert!(matches!(
            poll_event(&mut engine, start, &mut EventSlot::default()),
            Ok(Some((Event::Header(_), Sending { request: Some(_), .. })))
        ));
        if streams {
            engine.set_mode(ContentMode::Streamed { max: 2 }).unwrap();
            assert!(matches!(
                poll_event(&mut engine, start, &mut EventSlot::default()),
                Ok(Some((Event::Content(b"a"), _)))
            ));
        }
        assert!(poll_event(&mut engine, start, &mut EventSlot::default()).unwrap().is_none());
        engine.update(start);
        assert!(engine.sending.request.is_some(), "it is under way");

        engine.read_buf(usize::MAX).unwrap()[0] = b'b';
        engine.received(1, start);
        let is_end = |event: &Event<'_>| matches!(event, Event::End | Event::Message(_));
        while !poll_event(&mut engine, start, &mut EventSlot::default())
            .unwrap()
            .is_some_and(|(event, _)| is_end(&event))
        {}
        engine.update(start);
        assert!(engine.sending.request.is_some(), "its end is being handled");
        engine.handled();
        assert!(engine.sending.request.is_none());
    }
}

#[test]
fn a_peer_that_sends_nothing_ends_after_the_idle_timeout() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    ends_at(&mut engine, start + secs(300), IDLE);
}

#[test]
fn the_idle_timeout_begins_anew_with_each_message_and_with_what_the_peer_takes() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    assert_eq!(receive(&mut engine, &message(b"{}"), start + secs(7)).unwrap(), 1);
    assert_eq!(engine.poll_timeout(), Some(start + secs(307)));
    queue(&mut engine, 10, start + secs(8));
    // While something is queued, the write timeout runs instead.
    assert_eq!(engine.poll_timeout(), Some(start + secs(8 + 120)));
    wrote(&mut engine, usize::MAX, start + secs(9));
    ends_at(&mut engine, start + secs(309), IDLE);
}

#[test]
fn nothing_is_due_while_a_reply_is_pending_and_the_idle_timeout_begins_when_it_is_done() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    engine.sending.reply_later();
    engine.sending.reply_later();
    engine.update(start);
    assert_eq!(engine.poll_timeout(), None);
    engine.sending.replies_done(1);
    engine.update(start + secs(1));
    assert_eq!(engine.poll_timeout(), None);
    engine.sending.replies_done(1);
    engine.update(start + secs(2));
    ends_at(&mut engine, start + secs(302), IDLE);
}

#[test]
fn the_header_timeout_begins_with_the_first_byte_and_no_byte_puts_it_off() {
    let start = Instant::now();
    let wire = message(b"{}");
    for byte in 1..wire.len() - 2 {
        let mut engine = engine(Limits::default(), start);
        receive(&mut engine, &wire[..1], start + secs(3)).unwrap();
        receive(&mut engine, &wire[1..byte], start + secs(4)).unwrap();
        ends_at(&mut engine, start + secs(13), HEADER);
    }
}

#[test]
fn content_must_come_at_the_least_rate_in_every_window() {
    let start = Instant::now();
    let wire = message(&[b'x'; 10_000]);
    let (head, content) = wire.split_at(wire.len() - 10_000);
    // 128 bytes a second for ten seconds, and one byte less.
    for (count, is_enough) in [(1280, true), (1279, false)] {
        let mut engine = engine(Limits::default(), start);
        receive(&mut engine, head, start + secs(1)).unwrap();
        receive(&mut engine, &content[..count], start + secs(2)).unwrap();
        if is_enough {
            engine.handle_timeout(start + secs(11)).unwrap();
            // What came in the last window does not count in this one.
            ends_at(&mut engine, start + secs(21), CONTENT);
        } else {
            ends_at(&mut engine, start + secs(11), CONTENT);
        }
    }
}

#[test]
fn content_that_goes_straight_to_where_it_is_collected_counts() {
    let start = Instant::now();
    let wire = message(&vec![b'x'; 100_000]);
    let limits = Limits::default().with_min_rate(5_000);
    for (count, is_enough) in [(50_000, true), (49_999, false)] {
        let mut engine = engine(limits.clone(), start);
        let begun = wire.len() - 99_999;
        receive(&mut engine, &wire[..begun], start).unwrap();
        let space = engine.read_buf(100).unwrap();
        assert!((1..=100).contains(&space.len()), "it is read straight, within the budget");
        receive(&mut engine, &wire[begun..begun + count], start + secs(5)).unwrap();
        assert_eq!(engine.handle_timeout(start + secs(10)).is_ok(), is_enough);
        assert_eq!(receive(&mut engine, &wire[begun + count..], start + secs(11)).unwrap(), 1);
    }
}

#[test]
fn only_content_of_which_much_is_to_come_is_read_straight() {
    let start = Instant::now();
    for (left, is_straight) in [(16 * 1024, true), (16 * 1024 - 1, false)] {
        let mut engine = engine(Limits::default(), start);
        let wire = message(&vec![b'x'; left + 1]);
        receive(&mut engine, &wire[..wire.len() - left], start).unwrap();
        assert_eq!(engine.read_buf(100).unwrap().len() <= 100, is_straight);
    }
}

#[test]
fn the_rate_is_not_measured_while_nothing_is_read() {
    let start = Instant::now();
    let limits = Limits::default().with_max_unread_replies(100);
    let mut engine = engine(limits, start);
    let wire = message(&[b'x'; 10_000]);
    receive(&mut engine, &wire[..200], start).unwrap();
    queue(&mut engine, 1000, start + secs(1));
    assert!(engine.sending.is_paused());
    assert_eq!(engine.poll_timeout(), Some(start + secs(121)), "only the write timeout runs");
    wrote(&mut engine, usize::MAX, start + secs(100));
    ends_at(&mut engine, start + secs(110), CONTENT);
}

#[test]
fn a_peer_must_take_what_is_queued_at_the_least_rate_in_every_window() {
    let start = Instant::now();
    // 128 bytes a second for two minutes, and one byte less.
    for (count, is_enough) in [(15_360, true), (15_359, false)] {
        let mut engine = engine(Limits::default(), start);
        queue(&mut engine, 100_000, start + secs(5));
        wrote(&mut engine, count, start + secs(6));
        assert!(!engine.sending.is_write_due(before(start + secs(125))));
        assert!(engine.sending.is_write_due(start + secs(125)));
        if is_enough {
            engine.handle_timeout(start + secs(125)).unwrap();
            ends_at(&mut engine, start + secs(245), WRITE);
        } else {
            ends_at(&mut engine, start + secs(125), WRITE);
        }
    }
}

#[test]
fn the_deadline_that_the_handler_sets_is_kept_whatever_happens() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    engine.sending.deadline = Some(start + secs(5));
    receive(&mut engine, &message(b"{}"), start + secs(4)).unwrap();
    engine.sending.reply_later();
    engine.update(start + secs(4));
    ends_at(&mut engine, start + secs(5), HANDLER);
    engine.sending.deadline = None;
    engine.update(start + secs(5));
    assert_eq!(engine.poll_timeout(), None);
}

#[test]
fn a_closed_connection_sends_what_is_queued_and_is_over_when_the_peer_ends() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    queue(&mut engine, 100, start);
    engine.read_buf(1).unwrap();
    engine.received(20, start);
    engine.close(CloseReason::Shutdown, start + secs(1));
    engine.update(start + secs(1));
    assert!(engine.is_closing() && !is_half_close_blocked(&mut engine, start + secs(1)));
    assert!(engine.inbox.unread().is_empty(), "what was not handled is dropped");
    assert_eq!(engine.poll_timeout(), Some(start + secs(120)), "the peer must still take what is queued");
    wrote(&mut engine, usize::MAX, start + secs(2));
    assert!(is_half_close_blocked(&mut engine, start + secs(2)));
    half_close(&mut engine, start + secs(3));
    assert!(!is_half_close_blocked(&mut engine, start + secs(3)));
    engine.inbox.end();
    assert!(matches!(engine.poll_closed(), Some(CloseReason::Shutdown)));
}

#[test]
fn a_peer_that_ends_first_still_gets_what_is_queued() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    queue(&mut engine, 100, start);
    engine.close(CloseReason::Shutdown, start);
    engine.inbox.end();
    assert!(engine.poll_closed().is_none());
    wrote(&mut engine, 10, start);
    assert!(engine.poll_closed().is_none());
    wrote(&mut engine, usize::MAX, start);
    assert!(engine.poll_closed().is_none(), "it has not been told that this was all");
    half_close(&mut engine, start);
    assert!(engine.poll_closed().is_some());
}

#[test]
fn a_half_close_that_takes_the_stream_some_time_is_waited_for_as_long_as_a_peer_that_sends() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    engine.close(CloseReason::ByHandler, start);
    for second in 0..3 {
        assert!(is_half_close_blocked(&mut engine, start + secs(second)));
    }
    assert_eq!(engine.poll_timeout(), Some(start + secs(10)));
    half_close(&mut engine, start + secs(3));
    assert_eq!(engine.poll_timeout(), Some(start + secs(4)), "from now on the peer must not be silent");
}

#[test]
fn what_a_stream_has_taken_and_not_passed_on_must_be_passed_on_in_time() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    queue(&mut engine, 100, start);
    engine.sending.outbox.wrote(usize::MAX);
    engine.update(start);
    ends_at(&mut engine, start + secs(120), "the peer took what was sent to it too slowly");
}

#[test]
fn the_peer_of_a_half_closed_connection_may_be_silent_for_a_second_and_send_for_ten() {
    let start = Instant::now();
    for (sends, due) in [(0, 1), (3, 4), (8, 9), (9, 10), (12, 10)] {
        let mut engine = engine(Limits::default(), start);
        engine.close(CloseReason::ByHandler, start);
        half_close(&mut engine, start);
        for second in 1..=sends {
            let now = start + secs(second);
            if engine.poll_timeout().is_some_and(|due| due < now) {
                break;
            }
            engine.read_buf(1).unwrap();
            engine.received(1, now);
            engine.update(now);
        }
        ends_at(&mut engine, start + secs(due), "closed by the server");
    }
}

#[test]
fn a_half_closed_connection_is_over_when_too_much_has_been_discarded() {
    let start = Instant::now();
    let mut engine = engine(Limits::default().with_linger_bytes(10_000), start);
    engine.close(CloseReason::ByHandler, start);
    half_close(&mut engine, start);
    for count in [5_000, 4_999] {
        engine.read_buf(count).unwrap();
        engine.received(count, start);
        assert!(engine.poll_closed().is_none());
    }
    engine.read_buf(1).unwrap();
    engine.received(1, start);
    assert!(engine.inbox.ended() && engine.poll_closed().is_some());
}

#[test]
fn a_peer_that_was_silent_for_longer_than_it_would_be_waited_for_need_not_be_told() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    receive(&mut engine, &message(b"{}"), start).unwrap();
    assert!(!engine.is_long_idle(start + secs(1)));
    assert!(engine.is_long_idle(start + secs(1) + NANOSECOND));
    queue(&mut engine, 1, start);
    assert!(!engine.is_long_idle(start + secs(2)));
}

#[test]
fn a_quiet_connection_is_over_when_its_peer_has_ended_or_the_server_stops() {
    let start = Instant::now();
    let fresh = || engine(Limits::default(), start);
    let quiet = |engine: &Engine, stops| engine.poll_quiet(stops).map(|reason| reason.to_string());
    assert_eq!(quiet(&fresh(), false), None);
    assert_eq!(quiet(&fresh(), true).as_deref(), Some("the server has been shut down"));
    for is_stopping in [false, true] {
        let mut ended = fresh();
        ended.inbox.end();
        assert_eq!(quiet(&ended, is_stopping).as_deref(), Some("the peer has ended the connection"));
        ended.sending.reply_later();
        assert_eq!(quiet(&ended, is_stopping), None);
        ended.sending.replies_done(1);
        queue(&mut ended, 1, start);
        assert_eq!(quiet(&ended, is_stopping), None);
    }
    let mut busy = fresh();
    receive(&mut busy, &message(b"{}")[..1], start).unwrap();
    assert_eq!(quiet(&busy, true), None);
}

#[test]
fn when_there_is_no_more_time_the_reason_stands_if_the_last_word_has_been_sent() {
    let start = Instant::now();
    let closing = |queued| {
        let mut engine = engine(Limits::default(), start);
        if queued {
            queue(&mut engine, 1, start);
        }
        engine.close(CloseReason::ByHandler, start);
        engine
    };
    assert!(matches!(closing(false).abandon(), CloseReason::ByHandler));
    assert!(matches!(closing(true).abandon(), CloseReason::Abandoned));
    assert!(matches!(engine(Limits::default(), start).abandon(), CloseReason::Abandoned));
}

#[test]
fn too_long_content_is_refused_after_its_header() {
    let start = Instant::now();
    for (mode, length) in [(ContentMode::Whole, 10), (ContentMode::Streamed { max: 20 }, 20)] {
        for (length, is_accepted) in [(length, true), (length + 1, false)] {
            let mut engine = engine(Limits::default().with_max_content(10), start);
            let wire = message(&vec![b'x'; length]);
            engine.read_buf(wire.len()).unwrap()[..wire.len()].copy_from_slice(&wire);
            engine.received(wire.len(), start);
            assert!(matches!(
                poll_event(&mut engine, start, &mut EventSlot::default()),
                Ok(Some((Event::Header(_), _)))
            ));
            match engine.set_mode(mode) {
                Ok(()) => assert!(is_accepted),
                Err(CloseReason::Protocol(error)) => {
                    assert!(matches!(error.kind(), DecodeErrorKind::ContentTooLong { .. }) && !is_accepted);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn replies_that_are_pending_or_queued_pause_receiving_up_to_the_limit() {
    let start = Instant::now();
    let mut engine = engine(Limits::default().with_max_pending_replies(2).with_max_unread_replies(1000), start);
    for is_paused in [false, true, true] {
        engine.sending.reply_later();
        assert_eq!(engine.sending.is_paused(), is_paused);
    }
    engine.sending.replies_done(2);
    assert!(!engine.sending.is_paused());
    engine.sending.replies_done(5);
    assert_eq!(engine.sending.pending_replies, 0);
    let head = header(900).encoded_len();
    queue(&mut engine, 900, start);
    wrote(&mut engine, head - 100, start);
    assert!(!engine.sending.is_paused(), "1000 bytes are queued");
    engine.sending.outbox.push(b"x".to_vec().into());
    assert!(engine.sending.is_paused());
}

#[test]
fn a_peer_that_reads_can_be_answered_at_any_length_and_another_only_up_to_the_limit() {
    let start = Instant::now();
    let mut engine = engine(Limits::default().with_max_queued(5000).with_max_unread_replies(1000), start);
    assert!(engine.sending.fits(usize::MAX));
    engine.sending.outbox.push(vec![b'x'; 1000].into());
    assert!(engine.sending.fits(usize::MAX));
    engine.sending.outbox.push(vec![b'x'].into());
    assert!(engine.sending.fits(5000 - 1001));
    assert!(!engine.sending.fits(5000 - 1000));
}

#[test]
fn the_first_reason_to_end_counts() {
    let mut engine = engine(Limits::default(), Instant::now());
    assert!(!engine.sending.is_ending());
    engine.sending.end(CloseReason::ReplyLost);
    engine.sending.end(CloseReason::ByHandler);
    assert!(engine.sending.is_ending());
    assert!(matches!(engine.sending.take_reason(), Some(CloseReason::ReplyLost)));
}

#[test]
fn a_failure_counts_more_than_a_close_that_came_before_it() {
    let mut engine = engine(Limits::default(), Instant::now());
    engine.sending.end(CloseReason::ByHandler);
    engine.sending.end(CloseReason::QueueFull);
    assert!(matches!(engine.sending.take_reason(), Some(CloseReason::QueueFull)));
}

#[test]
fn a_peer_that_does_not_read_or_has_no_messages_yet_is_not_told_why_the_connection_ends() {
    for deadline in [Deadline::Header, Deadline::Content, Deadline::Idle, Deadline::Handler] {
        assert!(CloseReason::Deadline(deadline).can_be_told(), "{deadline:?}");
    }
    for deadline in [Deadline::Write, Deadline::Handshake] {
        assert!(!CloseReason::Deadline(deadline).can_be_told(), "{deadline:?}");
    }
}

#[test]
fn a_connection_opens_from_when_it_begins_to_until_its_stream_is_ready() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    assert!(!engine.is_opening());
    engine.begin(Phase::Opening, start);
    assert!(engine.is_opening());
    engine.begin(Phase::Idle, start);
    assert!(!engine.is_opening());
}

#[test]
fn without_pending_replies_a_limit_of_none_pauses_nothing() {
    let mut engine = engine(Limits::default().with_max_pending_replies(0), Instant::now());
    assert!(!engine.sending.is_paused());
    engine.sending.reply_later();
    assert!(engine.sending.is_paused());
}

#[test]
fn only_another_reason_than_a_close_by_the_handler_is_a_failure() {
    let mut engine = engine(Limits::default(), Instant::now());
    for (reason, is_failing) in
        [(None, false), (Some(CloseReason::ByHandler), false), (Some(CloseReason::Panicked), true)]
    {
        if let Some(reason) = reason {
            engine.sending.end(reason);
        }
        assert_eq!(engine.sending.is_failing(), is_failing);
    }
}

#[test]
fn no_time_to_receive_runs_while_it_is_suspended() {
    let start = Instant::now();
    let mut engine = engine(Limits::default(), start);
    engine.sending.suspend(start);
    assert_eq!(engine.poll_timeout(), None);
    engine.update(start + secs(1));
    ends_at(&mut engine, start + secs(301), IDLE);
}

#[test]
fn memory_is_counted_while_it_is_held() {
    let start = Instant::now();
    let (mut engine, mut scratch) = (engine(Limits::default(), start), Scratch::default());
    let totals = Arc::clone(&engine.sending.totals);
    let wire = message(&[b'x'; 1000]);
    engine.borrow(&mut scratch);
    receive(&mut engine, &wire[..wire.len() - 500], start).unwrap();
    queue(&mut engine, 100, start);
    give_back(&mut engine, &mut scratch);
    engine.count();
    let (queued, collected) = (totals.queued.total(), totals.collected.total());
    assert!((100..1000).contains(&queued), "{queued}");
    assert!((500..=1000).contains(&collected), "{collected}");
    let holding = engine.sending.holding();
    assert_eq!((holding.alone, holding.shared, engine.sending.holding().collected), (queued, 0, collected));

    engine.borrow(&mut scratch);
    assert_eq!(receive(&mut engine, &wire[wire.len() - 500..], start).unwrap(), 1);
    wrote(&mut engine, usize::MAX, start);
    give_back(&mut engine, &mut scratch);
    engine.count();
    assert_eq!((totals.queued.total(), totals.collected.total()), (0, 0));

    queue(&mut engine, 100, start);
    engine.count();
    receive(&mut engine, &wire[..wire.len() - 500], start).unwrap();
    engine.count();
    assert_ne!((totals.queued.total(), totals.collected.total()), (0, 0));
    drop(engine);
    assert_eq!((totals.queued.total(), totals.collected.total()), (0, 0));
}

#[test]
fn all_memory_of_a_turn_is_borrowed_and_given_back() {
    let start = Instant::now();
    let (mut engine, mut scratch) = (engine(Limits::default(), start), Scratch::default());
    let lent = |scratch: &Scratch| {
        [scratch.ahead.len(), scratch.header.len(), scratch.tails.len(), scratch.content.len()].map(|bytes| bytes > 0)
    };
    let wire = message(&[b'x'; 1000]);
    for _ in 0..2 {
        engine.borrow(&mut scratch);
        assert_eq!(lent(&scratch), [false; 4]);
        assert_eq!(engine.read_buf(usize::MAX).unwrap().len(), 64 * 1024);
        receive(&mut engine, &wire[..wire.len() - 1], start).unwrap();
        assert_eq!(receive(&mut engine, &wire[wire.len() - 1..], start).unwrap(), 1);
        queue(&mut engine, 100, start);
        wrote(&mut engine, usize::MAX, start);
        give_back(&mut engine, &mut scratch);
        assert_eq!((lent(&scratch), held(&engine)), ([true; 4], 0));
    }
}

/// How much memory it holds between its turns.
fn held(engine: &Engine) -> usize {
    engine.inbox.memory() + engine.content.held() + engine.sending.outbox.held()
}

#[test]
fn memory_follows_the_content_that_has_come_whatever_its_header_says() {
    let start = Instant::now();
    for claim in [50_000, 1 << 32, u64::MAX] {
        let mut head = Vec::new();
        Dialect::STANDARD.append_to(&Header::new("bytes", "binary", claim), &mut head).unwrap();
        let mut scratch = Scratch::default();
        let mut engine = engine(Limits::default().with_max_content(u64::MAX), start);
        let mut come = 0;
        for piece in [head, vec![b'x'], vec![b'x'; 99], vec![b'x'; 10_000], vec![b'x'; 30_000]] {
            engine.borrow(&mut scratch);
            receive(&mut engine, &piece, start).unwrap();
            come += piece.len();
            // In its turn, it has the memory of earlier turns.
            assert!(engine.content.held() <= 2 * come, "{} bytes are held for {come}", engine.content.held());
            give_back(&mut engine, &mut scratch);
            // The buffer of a header is as long as its first byte says it can be.
            assert!(held(&engine) < 255 + 4 * come, "{} bytes are held for {come}", held(&engine));
        }
    }
}

#[test]
fn a_header_in_pieces_takes_its_buffer_once_and_no_more_than_the_limit() {
    let start = Instant::now();
    for (first, most) in [(0, 255), (3, 1023), (u8::MAX, 5000)] {
        let mut scratch = Scratch::default();
        let mut engine = engine(Limits::default().with_max_header(5000), start);
        for byte in [first, u8::MAX].into_iter().chain([b' '; 200]) {
            engine.borrow(&mut scratch);
            // What is refused is refused with its second byte.
            let is_refused = receive(&mut engine, &[byte], start).is_err();
            give_back(&mut engine, &mut scratch);
            assert!(held(&engine) <= most, "{} bytes are held", held(&engine));
            if is_refused {
                assert_eq!(first, u8::MAX);
                break;
            }
        }
        assert!(held(&engine) == most || first == u8::MAX, "{} bytes are held", held(&engine));
    }
}

/// What it holds of its own, beside what it borrows for its turns.
#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Engine>() <= 400, "{}", size_of::<Engine>());
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: ProptestConfig::default().cases.max(1000),
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_in_whatever_order_the_engine_does_what_the_model_does(data in vec(any::<u8>(), 0..200)) {
        model::check(&data);
    }
}

/// The inputs that the fuzz target `engine` begins with, and those that once failed, which are no part of the package.
#[test]
fn what_fuzzing_has_found_worth_keeping_happens_as_in_the_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    if !folder.exists() {
        return;
    }
    let kept = fs::read_to_string(folder.join("seeds/engine.txt")).unwrap();
    let regressions = fs::read_dir(folder.join("regressions/engine")).into_iter().flatten();
    let regressions = regressions.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let inputs: Vec<_> = kept.lines().map(unescaped).chain(regressions).collect();
    assert!(inputs.len() > 100);
    for input in inputs {
        if let Err(panicked) = panic::catch_unwind(|| model::check(&input)) {
            eprintln!("the engine differs from the model for {}", input.escape_ascii());
            panic::resume_unwind(panicked);
        }
    }
}

/// The bytes of a line of seeds, in which `\xHH` is a byte.
fn unescaped(line: &str) -> Vec<u8> {
    let mut parts = line.split("\\x").map(str::as_bytes);
    let plain = parts.next().unwrap_or_default().to_vec();
    parts.fold(plain, |mut bytes, part| {
        let digits = std::str::from_utf8(&part[..2]).unwrap();
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(&part[2..]);
        bytes
    })
}
