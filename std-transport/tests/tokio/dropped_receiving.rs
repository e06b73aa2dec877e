//! Futures that receive, dropped at every point where they wait: no byte is lost.

use std::future::poll_fn;
use std::pin::Pin;

use jsonframe_std::tokio::{Connection, Incoming};
use tokio::io::{AsyncBufRead, AsyncReadExt};

use crate::halting::{Halting, at_every_point, completed, polled, wire};

const CONTENTS: [&[u8]; 4] = [b"first", b"", b"the third", b"last"];

fn connection() -> Connection<Halting> {
    Connection::new(Halting::reading(&wire(&CONTENTS)))
}

/// Receives messages until the end, after this many.
fn rest_comes(connection: &mut Connection<Halting>, after: usize) {
    for content in &CONTENTS[after..] {
        let mut message = completed(connection.receive()).unwrap().expect("a message");
        assert_eq!(completed(message.content()).unwrap(), *content);
    }
    assert!(completed(connection.receive()).unwrap().is_none());
}

#[test]
fn a_dropped_receive_loses_nothing() {
    let points = at_every_point(|times| {
        let mut connection = connection();
        let outcome = polled(times, connection.receive());
        let is_ready = outcome.is_some();
        if let Some(message) = outcome {
            assert_eq!(completed(message.unwrap().unwrap().content()).unwrap(), CONTENTS[0]);
        }
        rest_comes(&mut connection, usize::from(is_ready));
        is_ready
    });
    assert!(points > 80, "{points}");
}

#[test]
fn a_dropped_receive_past_unread_content_loses_nothing() {
    at_every_point(|times| {
        let mut connection = connection();
        assert!(completed(connection.receive()).unwrap().is_some(), "a message, which is skipped");
        let is_ready = polled(times, connection.receive()).is_some();
        rest_comes(&mut connection, 1 + usize::from(is_ready));
        is_ready
    });
}

#[test]
fn a_dropped_receive_of_a_whole_message_loses_nothing() {
    let points = at_every_point(|times| {
        let mut connection = connection();
        let outcome = polled(times, connection.receive_message());
        let is_ready = outcome.is_some();
        if let Some(message) = outcome {
            assert_eq!(message.unwrap().unwrap().content(), CONTENTS[0]);
        }
        for content in &CONTENTS[usize::from(is_ready)..] {
            let message = completed(connection.receive_message()).unwrap().expect("a message");
            assert_eq!(message.content(), *content);
        }
        assert!(completed(connection.receive_message()).unwrap().is_none());
        is_ready
    });
    assert!(points > 80 + CONTENTS[0].len(), "{points}");
}

#[test]
fn what_a_dropped_receive_of_a_whole_message_has_begun_the_next_receive_returns() {
    at_every_point(|times| {
        let mut connection = connection();
        let is_ready = polled(times, connection.receive_message()).is_some();
        rest_comes(&mut connection, usize::from(is_ready));
        is_ready
    });
}

#[test]
fn every_receive_may_be_dropped_after_one_poll() {
    let mut connection = connection();
    for content in CONTENTS {
        let message = (0..1000).find_map(|_| polled(1, connection.receive_message())).expect("it gets on");
        assert_eq!(message.unwrap().unwrap().content(), content);
    }
    assert!(completed(connection.receive_message()).unwrap().is_none());
}

/// Drops a future that reads the first message's content, at every point, and goes on in another way.
fn dropped_reading(
    mut read: impl AsyncFnMut(&mut Incoming<'_, Halting>, &mut Vec<u8>),
    mut go_on: impl FnMut(&mut Incoming<'_, Halting>, &mut Vec<u8>),
) {
    let points = at_every_point(|times| {
        let mut connection = connection();
        let mut message = completed(connection.receive()).unwrap().expect("a message");
        let mut had = Vec::new();
        let is_ready = polled(times, read(&mut message, &mut had)).is_some();
        go_on(&mut message, &mut had);
        assert_eq!((&had[..], message.content_left()), (CONTENTS[0], 0));
        rest_comes(&mut connection, 1);
        is_ready
    });
    assert!(points > 0);
}

fn read_on(message: &mut Incoming<'_, Halting>, had: &mut Vec<u8>) {
    completed(message.read_to_end(had)).unwrap();
}

#[test]
fn a_dropped_content_is_returned_by_the_next_call() {
    dropped_reading(
        async |message, had| had.extend(message.content().await.unwrap()),
        |message, had| {
            if had.is_empty() {
                had.extend(completed(message.content()).unwrap());
            }
        },
    );
}

#[test]
fn what_a_dropped_content_has_collected_can_be_read() {
    dropped_reading(async |message, had| had.extend(message.content().await.unwrap()), read_on);
}

#[test]
fn a_dropped_message_is_returned_by_the_next_call() {
    dropped_reading(
        async |message, _| assert_eq!(message.message().await.unwrap().content(), CONTENTS[0]),
        |message, had| {
            assert_eq!(completed(message.message()).unwrap().content(), CONTENTS[0]);
            had.extend(completed(message.content()).unwrap());
        },
    );
}

#[test]
fn a_dropped_read_has_read_nothing() {
    dropped_reading(
        async |message, had| {
            let mut buffer = [0; 100];
            let count = message.read(&mut buffer).await.unwrap();
            had.extend_from_slice(&buffer[..count]);
        },
        read_on,
    );
}

#[test]
fn a_dropped_read_into_a_large_buffer_has_read_nothing() {
    dropped_reading(
        async |message, had| {
            let mut buffer = [0; 10_000];
            let count = message.read(&mut buffer).await.unwrap();
            had.extend_from_slice(&buffer[..count]);
        },
        read_on,
    );
}

#[test]
fn a_dropped_fill_buf_has_consumed_nothing() {
    dropped_reading(
        async |message, had| {
            let mut message = Pin::new(message);
            let count = poll_fn(|context| {
                message.as_mut().poll_fill_buf(context).map(|piece| {
                    let piece = piece.unwrap();
                    had.extend_from_slice(piece);
                    piece.len()
                })
            });
            let count = count.await;
            message.consume(count);
        },
        read_on,
    );
}

#[test]
fn a_dropped_into_message_drops_its_message_alone() {
    at_every_point(|times| {
        let mut connection = connection();
        let message = completed(connection.receive()).unwrap().expect("a message");
        let is_ready = polled(times, message.into_message()).is_some();
        rest_comes(&mut connection, 1);
        is_ready
    });
}
