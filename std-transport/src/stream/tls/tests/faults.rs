//! Peers that speak something else, break off, or are corrupted on the way.

use rustls::{AlertDescription, Error};

use super::*;

#[test]
fn stream_cut_off_at_any_byte_is_an_error_and_only_a_close_notify_the_end() {
    let ends = Ends::forgetful();
    for role in ROLES {
        // In a session of the same course, which is cut off after so many bytes.
        let run = |cut| {
            let mut pair = ends.pair(role);
            pair.cut = cut;
            let opened = pair.open();
            let is_open = opened.is_ok();
            let outcome = opened.and_then(|()| {
                pair.send(b"message");
                pair.peer.send_close_notify();
                pair.carry();
                pair.receive(usize::MAX)
            });
            (outcome, is_open, pair.carried)
        };
        let (outcome, _, length) = run(usize::MAX);
        assert_eq!(outcome.unwrap(), b"message");
        let mut after_handshake = 0;
        // Signatures differ in their length by a few bytes.
        for cut in 0..length - 5 {
            let (outcome, is_open, _) = run(cut);
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{role:?} {cut}: {error}");
            let expected = match (cut, is_open) {
                (0, _) => "the stream ended before the TLS handshake",
                (_, false) => "the stream ended inside the TLS handshake",
                (_, true) => "the stream was cut off: it ended without TLS's close_notify",
            };
            assert_eq!(error.to_string(), expected, "{role:?} {cut}");
            after_handshake += usize::from(is_open);
        }
        assert!((10..length / 2).contains(&after_handshake), "{role:?} {after_handshake} of {length}");
    }
}

#[test]
fn whatever_is_not_tls_is_refused_by_name_and_told() {
    for (bytes, expected) in [
        (&b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"[..], "GET / HT\", which looks like HTTP"),
        (b"\0g{\"byteorder\": \"little\"}", "\\x00g{\\\"byte\", which looks like a message of jsonframe"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n", "PROXY TC\", which looks like a PROXY header"),
        (b"SSH-2.0-OpenSSH_10.0\r\n", "SSH-2.0-\", which looks like SSH"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\""),
    ] {
        for at_once in [1, usize::MAX] {
            let mut stream = Ends::new().pair(Role::Server).stream;
            stream.get_mut().incoming.extend(bytes);
            stream.get_mut().at_once = at_once;
            let error = stream.open().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            if at_once > 1 {
                assert_eq!(error.to_string(), format!("expected TLS; the stream begins with \"{expected}"));
            }
            assert!(error.to_string().starts_with("expected TLS"), "{error}");
            assert!(stream.get_ref().outgoing.starts_with(b"\x15\x03"), "an alert: {:?}", stream.get_ref().outgoing);
            assert_eq!(stream.open().unwrap_err().to_string(), error.to_string());
        }
    }
}

#[test]
fn message_of_tls_that_is_not_valid_is_refused_as_such() {
    let mut stream = Ends::new().pair(Role::Server).stream;
    stream.get_mut().incoming.extend(b"\x16\x03\x01\0\x05\x01\0\0\x01\0");
    let error = stream.open().unwrap_err();
    assert!(error.to_string().starts_with("the TLS handshake failed: received corrupt message"), "{error}");
}

#[test]
fn what_came_before_a_corrupted_record_is_received_however_the_stream_is_cut() {
    for role in ROLES {
        for at_once in [1, 7, usize::MAX] {
            let mut pair = Ends::new().opened(role);
            pair.send(b"whole");
            pair.send(b"broken");
            let wire = pair.stream.get_mut();
            wire.at_once = at_once;
            *wire.incoming.back_mut().unwrap() ^= 1;
            assert_eq!(pair.receive(5).unwrap(), b"whole");
            for _ in 0..2 {
                let error = pair.receive(1).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&Error::DecryptError));
            }
            assert_eq!(pair.failure, Some(Error::AlertReceived(AlertDescription::BadRecordMac)));
            assert!(pair.stream.write(b"more").is_err());
        }
    }
}

#[test]
fn write_that_takes_nothing_is_an_error() {
    let mut pair = Ends::new().opened(Role::Server);
    pair.stream.get_mut().at_once = 0;
    assert_eq!(pair.stream.write(b"message").unwrap_err().kind(), ErrorKind::WriteZero);
    assert_eq!(pair.stream.flush().unwrap_err().kind(), ErrorKind::WriteZero);
}
