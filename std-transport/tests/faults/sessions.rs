//! Sessions, which go on after what passes.

use std::io::{self, ErrorKind};

use jsonframe_std::protocol::{Event, Header};
use jsonframe_std::{Error, Fill, Flush, Session};

use crate::faulty::{Faulty, KINDS, PASSING, at_every_call, bytes_of, exchanges, whole_within};

#[test]
fn a_session_goes_on_reading_where_it_was() {
    let mut faults = 0;
    for (contents, portion) in exchanges() {
        let input = bytes_of(&contents);
        for kind in PASSING {
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
        for kind in PASSING {
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
    let mut session = Session::new(Faulty::new(&[], 0, usize::MAX, ErrorKind::Other, false));
    session.queue(&Header::for_json(2), "{}").unwrap();
    for _ in 1..=3 {
        assert_eq!(session.flush().unwrap_err().kind(), ErrorKind::WriteZero);
        assert_eq!(session.get_ref().calls, 1);
    }
    assert!(!session.interest().writable);
}

#[test]
fn a_session_does_not_try_again_by_itself_what_fails_for_good() {
    let mut faults = 0;
    for (contents, portion) in exchanges() {
        let bytes = bytes_of(&contents);
        // Interruptions that never end are for nobody to get past.
        for kind in KINDS.into_iter().filter(|kind| *kind != ErrorKind::Interrupted) {
            // After one that lasts the stream would go on, if it were asked: it must not be.
            let passes = PASSING.contains(&kind);
            faults += at_every_call(|call| {
                let mut session = Session::new(Faulty::new(&bytes, portion, call, kind, passes));
                for content in &contents {
                    session.queue(&Header::new("text/plain", "utf-8", content.len() as u64), content.clone()).unwrap();
                }
                let mut ends = 0;
                let mut read = loop {
                    let read = session.fill();
                    while let Some(event) = session.next_event().unwrap() {
                        ends += usize::from(event == Event::End);
                    }
                    if !matches!(read, Ok(Fill::Data)) {
                        break read;
                    }
                };
                let mut written = session.flush();
                for _ in 0..3 {
                    let (is_read, is_written) = (matches!(read, Ok(Fill::Eof)), matches!(written, Ok(Flush::Done)));
                    assert!(is_read || is_fault(read, &Fill::Blocked, kind), "{kind:?}, call {call}");
                    assert!(is_written || is_fault(written, &Flush::Blocked, kind), "{kind:?}, call {call}");
                    let calls = session.get_ref().calls;
                    (read, written) = (session.fill(), session.flush());
                    let lacking = usize::from(!is_read) + usize::from(!is_written);
                    let asked = if passes { lacking } else { 0 };
                    assert_eq!(session.get_ref().calls - calls, asked, "{kind:?}, call {call}");
                }
                let Faulty { position, output, .. } = session.get_ref();
                assert_eq!(ends, whole_within(&contents, *position).0, "{kind:?}, call {call}");
                assert!(bytes.starts_with(output) && output.len() + session.queued() == bytes.len());
                session.get_ref().has_failed()
            });
        }
    }
    println!("{faults} faults of a session that last");
}

fn is_fault<T: PartialEq>(outcome: io::Result<T>, blocked: &T, kind: ErrorKind) -> bool {
    match outcome {
        Ok(outcome) => kind == ErrorKind::WouldBlock && outcome == *blocked,
        Err(error) => error.kind() == kind,
    }
}
