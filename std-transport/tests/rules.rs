//! The rules of `SECURITY.md` that streams and servers keep, each by a short test that names it.
//!
//! Most have a fuller proof elsewhere, which `SECURITY.md` names; those of the protocol itself are in `jsonframe`.

mod common;
#[cfg(feature = "server")]
mod running;

use std::io::ErrorKind;

use common::{Scripted, Step, message};
use jsonframe_std::protocol::{DecodeErrorKind, Event, Header};
use jsonframe_std::{Connection, Error, Fill, Flush, Session, UNLIMITED};

/// A header that announces one byte more than this.
fn more_than(limit: u64) -> Scripted {
    let mut buffer = [0; 256];
    Scripted::reading(Header::new("", "", limit + 1).encode(&mut buffer).unwrap())
}

fn is_too_long(error: &Error) -> bool {
    matches!(error, Error::Decode(error) if matches!(error.kind(), DecodeErrorKind::ContentTooLong { .. }))
}

#[test]
fn r03_content_is_limited_unless_unlimited_is_said() {
    let limit = Connection::<Scripted>::DEFAULT_MAX_CONTENT;
    // As documented, and as SECURITY.md lists them.
    assert_eq!(limit, 1 << 26);
    assert!(is_too_long(&Connection::new(more_than(limit)).receive().unwrap_err()));
    let mut unlimited = Connection::new(more_than(limit)).with_max_content(UNLIMITED);
    assert!(unlimited.receive().unwrap().is_some());

    let limit = Session::<Scripted>::DEFAULT_MAX_CONTENT;
    assert_eq!((limit, Session::<Scripted>::DEFAULT_MAX_UNREAD_REPLIES), (1 << 26, 1 << 18));
    let first = |mut session: Session<Scripted>| {
        assert_eq!(session.fill().unwrap(), Fill::Data);
        let header = session.next_event().map(|event| matches!(event, Some(Event::Header(_))));
        header.and_then(|_| session.next_event().map(|_| ()))
    };
    assert!(is_too_long(&first(Session::new(more_than(limit))).unwrap_err()));
    first(Session::new(more_than(limit)).with_max_content(UNLIMITED)).unwrap();
}

#[cfg(feature = "server")]
#[test]
fn r03_every_limit_of_a_server_is_finite_by_default() {
    use std::time::Duration;

    use jsonframe_std::server::Limits;

    let limits = Limits::default();
    let counts = [
        limits.max_connections,
        limits.max_collected,
        limits.max_unread_replies,
        limits.max_queued,
        limits.max_queued_total,
    ];
    assert!(counts.iter().all(|count| (1..=1 << 30).contains(count)), "{limits:?}");
    assert!((1..=1 << 30).contains(&limits.max_content) && (1..=1 << 30).contains(&limits.linger_bytes), "{limits:?}");
    assert!((1..u16::MAX).contains(&limits.max_header) && (1..=1 << 16).contains(&limits.backlog), "{limits:?}");
    assert!((1..=1 << 16).contains(&limits.max_pending_replies), "{limits:?}");
    assert!(limits.min_rate > 0 && limits.min_write_rate > 0, "{limits:?}");
    let times = [
        limits.header_timeout,
        limits.rate_window,
        limits.idle_timeout,
        limits.write_timeout,
        limits.linger,
        limits.linger_silence,
    ];
    let hour = Duration::from_secs(3600);
    assert!(times.iter().all(|time| !time.is_zero() && *time <= hour), "{limits:?}");
}

#[test]
fn r10_a_flood_of_empty_messages_is_read_in_bounded_pieces() {
    const MESSAGES: usize = 10_000;
    let empty = message(b"");
    let mut session = Session::new(Scripted::reading(&empty.repeat(MESSAGES)));
    let mut messages = 0;
    loop {
        let before = messages;
        while let Some(event) = session.next_event().unwrap() {
            messages += usize::from(matches!(event, Event::End));
        }
        // Between two reads there is a chance for others; what one read brings has a bound.
        assert!(messages - before <= 64 * 1024 / empty.len() + 1, "{} at once", messages - before);
        if session.fill().unwrap() == Fill::Eof {
            break;
        }
    }
    assert_eq!(messages, MESSAGES);
}

#[test]
fn r11_r12_above_the_high_water_mark_nothing_more_is_read() {
    const LIMIT: usize = 1_000;
    let blocked = [Step::Fail(ErrorKind::WouldBlock)];
    let stream = Scripted { writes: blocked.into(), ..Scripted::reading(&message(b"one more request")) };
    let mut session = Session::new(stream).with_max_unread_replies(LIMIT);
    while session.queued() <= LIMIT {
        assert!(session.interest().readable);
        session.queue(&Header::new("", "", 100), vec![0; 100]).unwrap();
    }
    assert!(!session.interest().readable && session.interest().writable);
    assert_eq!(session.flush().unwrap(), Flush::Blocked);
    assert!(!session.interest().readable && session.interest().writable);
    assert_eq!(session.flush().unwrap(), Flush::Done);
    assert!(session.interest().readable && !session.interest().writable);
}

#[test]
fn r13_every_loop_ends_wherever_the_stream_does() {
    let stream = [message(b"abc"), message(b""), message(b"d")].concat();
    let lengths: Vec<_> = [&b"abc"[..], b"", b"d"].map(|content| message(content).len()).into();
    let ends = [0, lengths[0], lengths[0] + lengths[1], stream.len()];
    for end in 0..=stream.len() {
        let mut session = Session::new(Scripted::reading(&stream[..end]));
        let outcome = loop {
            match session.next_event().map(|event| event.is_some()) {
                Ok(false) if session.fill().unwrap() == Fill::Eof => break session.next_event().map(|_| ()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
            assert!(session.get_ref().calls < 100, "it spins at {end}");
        };
        assert_eq!(outcome.is_ok(), ends.contains(&end), "a session at {end}: {outcome:?}");

        let mut connection = Connection::new(Scripted::reading(&stream[..end]));
        let outcome = loop {
            match connection.receive() {
                Ok(Some(mut incoming)) => match incoming.content() {
                    Ok(_) => {}
                    Err(error) => break Err(error),
                },
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        assert_eq!(outcome.is_ok(), ends.contains(&end), "a connection at {end}: {outcome:?}");
        assert!(connection.get_ref().calls < 100, "it spins at {end}");
    }
}

#[test]
fn r13_a_write_that_takes_nothing_is_an_error() {
    let stream = || Scripted::writing(vec![Step::Move(0); 1_000]);
    let mut session = Session::new(stream());
    session.queue(&Header::for_json(2), "{}").unwrap();
    assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::WriteZero);
    assert!(session.get_ref().calls < 10);

    let mut connection = Connection::new(stream());
    let error = connection.send(&Header::for_json(2), b"{}").unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::WriteZero), "{error}");
    assert!(connection.get_ref().calls < 10);
}

/// A byte now and then is progress for each read, and none for the deadline.
#[cfg(feature = "server")]
#[test]
fn r15_the_deadline_is_for_the_whole_header() {
    use std::io::Write;
    use std::thread;
    use std::time::{Duration, Instant};

    use jsonframe_std::server::Limits;
    use running::driver::Driver;
    use running::{Echo, PATIENCE, exchange};

    Driver::run_all(|driver| {
        let short = Duration::from_millis(300);
        let limits = Limits::default().with_header_timeout(short).with_linger(short);
        let echo = Echo::default();
        let server = driver.start(limits, echo.clone());
        let mut slow = server.connect();
        slow.get_ref().set_nodelay(true).unwrap();
        let start = Instant::now();
        // A header that never ends: the announced length is the longest, at the rate of forty bytes a second.
        let mut bytes = [0x3f, 0xff].into_iter().chain(std::iter::repeat(b' '));
        while echo.noted().is_empty() {
            assert!(start.elapsed() < PATIENCE, "a byte now and then keeps the connection");
            // It fails once the server has closed.
            let _ = slow.get_mut().write_all(&[bytes.next().unwrap()]);
            thread::sleep(Duration::from_millis(25));
        }
        assert_eq!(echo.noted(), ["the header took too long"]);
        exchange(&mut server.connect(), "others are served");
    });
}
