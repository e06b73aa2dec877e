//! Futures that send, dropped at every point where they wait: a message that was begun goes out whole, and once.

use jsonframe_std::Error;
use jsonframe_std::tokio::Connection;

use crate::halting::{Halting, at_every_point, completed, header, polled, wire};

/// Longer than what is copied after its head.
const LONG: [u8; 20_000] = [b'l'; 20_000];

#[test]
fn a_dropped_send_goes_out_before_the_next_once_it_was_polled() {
    for is_vectored in [true, false] {
        let points = at_every_point(|times| {
            let mut connection = Connection::new(Halting::writing(is_vectored));
            let outcome = polled(times, connection.send(&header(b"first"), b"first"));
            completed(connection.send(&header(b"second"), b"second")).unwrap();
            let expected = if times == 0 { wire(&[b"second"]) } else { wire(&[b"first", b"second"]) };
            assert_eq!(connection.get_ref().output, expected, "after {times} polls");
            assert_eq!((connection.get_ref().flushed, connection.queued()), (expected.len(), 0));
            outcome.is_some()
        });
        assert!(points > wire(&[b"first"]).len(), "{points}");
    }
}

#[test]
fn a_flush_sends_what_a_dropped_send_has_left() {
    for content in [&b"short"[..], &LONG] {
        // Of the long one, some points will do.
        for times in (1..content.len() + 200).step_by(content.len() / 50 + 1) {
            let mut connection = Connection::new(Halting::writing(true));
            let outcome = polled(times, connection.send(&header(content), content));
            let left = wire(&[content]).len() - connection.get_ref().output.len();
            assert_eq!(connection.queued(), left);
            completed(connection.flush()).unwrap();
            assert_eq!(connection.get_ref().output, wire(&[content]), "after {times} polls");
            assert!(outcome.is_none() || left == 0);
        }
    }
}

#[test]
fn sends_that_are_all_dropped_go_out_in_their_order() {
    let mut connection = Connection::new(Halting::default());
    for content in [&b"a"[..], &LONG, b"b", b"c", &LONG] {
        assert!(polled(1, connection.send(&header(content), content)).is_none());
        drop(polled(1, connection.flush()));
    }
    completed(connection.finish()).unwrap();
    assert_eq!(connection.get_ref().output, wire(&[b"a", &LONG, b"b", b"c", &LONG]));
    assert!(connection.get_ref().is_shut_down);
}

#[test]
fn a_message_that_cannot_be_encoded_sends_nothing_whatever_is_queued() {
    let mut connection = Connection::new(Halting::default());
    assert!(polled(1, connection.send(&header(b"a"), b"a")).is_none());
    let error = completed(connection.send(&header(b"abc"), b"ab")).unwrap_err();
    assert!(matches!(error, Error::Encode(_)), "{error}");
    completed(connection.flush()).unwrap();
    assert_eq!(connection.get_ref().output, wire(&[b"a"]));
}

#[test]
fn a_leaked_send_breaks_the_connection_and_not_the_stream() {
    let mut connection = Connection::new(Halting::writing(true));
    let header = header(b"leaked");
    let mut future = Box::pin(connection.send(&header, b"leaked"));
    assert!(polled(10, future.as_mut()).is_none());
    std::mem::forget(future);
    let error = completed(connection.send(&header, b"leaked")).unwrap_err();
    assert!(matches!(error, Error::SendBroken), "{error}");
    assert!(wire(&[b"leaked"]).starts_with(&connection.get_ref().output));
}

#[test]
fn a_dropped_stream_is_resumed_where_it_was() {
    let content = b"content from a source that halts";
    let points = at_every_point(|times| {
        let mut connection = Connection::new(Halting::writing(true));
        let mut source = Halting::reading(content);
        let outcome = polled(times, connection.send_stream(&header(content), &mut source));
        if outcome.is_none() && times > 0 && !source.input.is_empty() {
            let error = completed(connection.send(&header(b"no"), b"no")).unwrap_err();
            assert!(matches!(error, Error::SendBroken), "{error}");
        }
        completed(connection.resume_stream(&mut source)).unwrap();
        completed(connection.send(&header(b"next"), b"next")).unwrap();
        let expected = if times == 0 { wire(&[b"next"]) } else { wire(&[content, b"next"]) };
        assert_eq!(connection.get_ref().output, expected, "after {times} polls");
        outcome.is_some()
    });
    assert!(points > content.len(), "{points}");
}

#[test]
fn a_stream_and_its_resumptions_may_all_be_dropped_after_one_poll() {
    let mut connection = Connection::new(Halting::default());
    let mut source = Halting::reading(&LONG);
    assert!(polled(1, connection.send_stream(&header(&LONG), &mut source)).is_none());
    let sent = (0..100_000).find_map(|_| polled(1, connection.resume_stream(&mut source)));
    sent.expect("it gets on").unwrap();
    assert_eq!(connection.get_ref().output, wire(&[&LONG]));
}

#[test]
fn a_dropped_forward_is_resumed_where_it_was() {
    let content = b"passed on";
    at_every_point(|times| {
        let mut from = Connection::new(Halting::reading(&wire(&[content, b"next"])));
        let mut to = Connection::new(Halting::writing(true));
        let mut message = completed(from.receive()).unwrap().expect("a message");
        let outcome = polled(times, to.forward(&mut message));
        if times == 0 {
            completed(to.forward(&mut message)).unwrap();
        }
        completed(to.resume_stream(&mut message)).unwrap();
        let mut next = completed(from.receive()).unwrap().expect("a message");
        completed(to.forward(&mut next)).unwrap();
        assert_eq!(to.get_ref().output, wire(&[content, b"next"]), "after {times} polls");
        outcome.is_some()
    });
}

#[test]
fn a_dropped_finish_can_be_called_again() {
    at_every_point(|times| {
        let mut connection = Connection::new(Halting::writing(true));
        assert!(polled(1, connection.send(&header(b"last"), b"last")).is_none());
        let outcome = polled(times, connection.finish());
        completed(connection.finish()).unwrap();
        assert_eq!(connection.get_ref().output, wire(&[b"last"]));
        assert!(connection.get_ref().is_shut_down);
        outcome.is_some()
    });
}

#[test]
fn what_a_slow_source_has_given_is_written_and_flushed_while_it_is_waited_for() {
    let (mut source, mut giving) = tokio::io::duplex(64);
    let mut connection = Connection::new(Halting::writing(true));
    let whole = wire(&[b"hello"]);
    let header = header(b"hello");
    let mut future = Box::pin(connection.send_stream(&header, &mut source));
    assert!(completed(tokio::io::AsyncWriteExt::write_all(&mut giving, b"he")).is_ok());
    assert!(polled(10_000, future.as_mut()).is_none(), "the source has not given all");
    drop(future);
    assert_eq!(connection.get_ref().output, whole[..whole.len() - 3]);
    assert_eq!(connection.get_ref().flushed, whole.len() - 3);
}
