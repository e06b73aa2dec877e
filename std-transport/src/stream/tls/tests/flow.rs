//! Messages, and the end of the stream.

use super::*;
use crate::stream::tls::BUFFER;

/// More than one record.
const LENGTH: usize = 17_000;

/// Opens, exchanges and ends, over a stream that is cut like this.
fn exchange(ends: &Ends, role: Role, at_once: usize, balks: bool) {
    let mut pair = ends.pair(role);
    (pair.stream.get_mut().at_once, pair.stream.get_mut().balks) = (at_once, balks);
    pair.open().unwrap();

    let content = pattern(LENGTH);
    pair.send(&content);
    assert!(pair.receive(LENGTH).unwrap() == content);
    pair.write(&content).unwrap();
    assert!(!pair.stream.wants_write());
    assert!(pair.received == content);

    pair.drive(Stream::shut_down_sending).unwrap();
    assert_eq!(pair.stream.get_ref().half, Half::Closed);
    assert_eq!(pair.peer.reader().read(&mut [0]).unwrap(), 0, "the peer sees the end");
    pair.send(b"last");
    pair.peer.send_close_notify();
    pair.carry();
    assert_eq!(pair.receive(usize::MAX).unwrap(), b"last");
    assert_eq!(pair.receive(usize::MAX).unwrap(), b"", "the end stays the end");
}

#[test]
fn messages_are_the_same_however_the_stream_is_cut() {
    let ends = Ends::new();
    for role in ROLES {
        for at_once in [1, 2, 5, 100, 5_000, usize::MAX] {
            for balks in [false, true] {
                exchange(&ends, role, at_once, balks);
            }
        }
    }
}

#[test]
fn handshake_goes_on_after_a_block_at_every_byte() {
    let ends = Ends::forgetful();
    for role in ROLES {
        let length = ends.opened(role).carried;
        for cut in 0..length {
            let mut pair = ends.pair(role);
            (pair.cut, pair.held) = (cut, Some(Vec::new()));
            while let Err(error) = pair.stream.open() {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                if !pair.carry() {
                    break;
                }
            }
            let held = pair.held.take().unwrap_or_default();
            pair.cut = usize::MAX;
            pair.carried += held.len();
            pair.stream.get_mut().incoming.extend(held);
            pair.open().unwrap();
            pair.write(b"message").unwrap();
            assert_eq!(pair.received, b"message", "{role:?} {cut}");
        }
    }
}

#[test]
fn no_byte_is_lost_when_the_stream_blocks_at_any_byte() {
    let ends = Ends::new();
    let mut pair = ends.opened(Role::Server);
    let content = pattern(300);
    for capacity in 0..700 {
        pair.stream.get_mut().capacity = capacity;
        let mut left = content.as_slice();
        while !left.is_empty() {
            let (head, tail) = left.split_at(left.len().min(10));
            match pair.stream.write_vectored(&[IoSlice::new(head), IoSlice::new(tail)]) {
                Ok(count) => left = &left[count..],
                Err(error) => panic!("the buffer has space for all of it: {error}"),
            }
        }
        let is_blocked = pair.stream.flush().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        assert_eq!(pair.stream.wants_write(), is_blocked);
        assert!(pair.stream.get_ref().outgoing.len() <= capacity);
        pair.carry();
        pair.stream.get_mut().capacity = usize::MAX;
        pair.stream.flush().unwrap();
        pair.carry();
        assert!(std::mem::take(&mut pair.received) == content, "{capacity}");
    }
}

#[test]
fn blocked_stream_takes_no_more_than_its_buffer() {
    for role in ROLES {
        let mut pair = Ends::new().opened(role);
        pair.stream.get_mut().capacity = 0;
        let content = pattern(3 * BUFFER);
        let mut taken = 0;
        let error = loop {
            match pair.stream.write(&content[taken..taken + 1_000]) {
                Ok(count) => taken += count,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(taken <= BUFFER, "{taken}");
        assert_eq!(pair.stream.write(&content).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(pair.stream.flush().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(pair.stream.shut_down_sending().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(pair.stream.wants_write() && pair.stream.get_ref().half == Half::Open);

        pair.stream.get_mut().capacity = usize::MAX;
        pair.stream.shut_down_sending().unwrap();
        pair.carry();
        assert!(pair.received == content[..taken]);
        assert_eq!(pair.peer.reader().read(&mut [0]).unwrap(), 0, "the end comes after it");
    }
}

#[test]
fn short_write_is_one_and_empty_write_leaves_nothing() {
    let mut pair = Ends::new().opened(Role::Server);
    assert_eq!(pair.stream.write(b"short").unwrap(), 5);
    pair.carry();
    assert_eq!(pair.received, b"short");
    assert_eq!(pair.stream.write(b"").unwrap(), 0);
    assert_eq!(pair.stream.write_vectored(&[]).unwrap(), 0);
    assert!(!pair.stream.wants_write());
}

#[test]
fn peer_that_has_ended_still_receives() {
    for role in ROLES {
        let mut pair = Ends::new().opened(role);
        pair.peer.send_close_notify();
        pair.carry();
        assert_eq!(pair.receive(usize::MAX).unwrap(), b"");
        pair.write(b"answer").unwrap();
        assert_eq!(pair.received, b"answer");
    }
}

#[test]
fn plain_stream_grows_by_one_pointer() {
    assert_eq!(size_of::<Stream<usize>>(), 2 * size_of::<usize>());
}

#[test]
fn read_of_a_record_in_parts_leaves_the_rest_until_it_would_block() {
    let mut pair = Ends::new().opened(Role::Server);
    pair.send(b"parts");
    let mut space = [0; 3];
    assert_eq!(pair.stream.read(&mut space).unwrap(), 3);
    assert!(pair.stream.is_drained());
    // Before the next read of the raw stream something may have come that has been reported already.
    assert_eq!(pair.stream.read(&mut []).unwrap(), 0);
    pair.send(b"more");
    assert_eq!(pair.stream.read(&mut space).unwrap(), 2);
    assert!(!pair.stream.is_drained());
    let mut space = [0; 5];
    assert_eq!(pair.stream.read(&mut space).unwrap(), 4);
    assert!(pair.stream.is_drained());
    assert_eq!(pair.stream.read(&mut space).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn end_that_comes_with_a_message_is_still_to_be_read() {
    for role in ROLES {
        let mut pair = Ends::new().opened(role);
        pair.peer.writer().write_all(b"last").unwrap();
        pair.peer.send_close_notify();
        pair.carry();
        let mut space = [0; 10];
        assert_eq!(pair.stream.read(&mut space).unwrap(), 4);
        assert!(!pair.stream.is_drained());
        assert_eq!(pair.stream.read(&mut space).unwrap(), 0);
    }
}

#[test]
fn raw_read_that_gets_all_it_can_does_not_drain_the_stream() {
    for at_once in [1, 100] {
        let mut pair = Ends::new().opened(Role::Server);
        let content = pattern(LENGTH);
        pair.send(&content);
        pair.stream.get_mut().at_once = at_once;
        let mut space = vec![0; 2 * LENGTH];
        let mut got = 0;
        while got < LENGTH {
            got += pair.stream.read(&mut space).unwrap();
            // The stream gives less than the buffer takes.
            assert!(pair.stream.is_drained());
        }
        // A full buffer: 4 KiB of a longer record.
        pair.stream.get_mut().at_once = usize::MAX;
        pair.send(&content[..5_000]);
        let incoming = pair.stream.get_mut().incoming.split_off(4_096);
        assert_eq!(pair.stream.read(&mut space).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(!pair.stream.is_drained());
        pair.stream.get_mut().incoming = incoming;
        assert_eq!(pair.stream.read(&mut space).unwrap(), 5_000);
    }
}
