//! A connection over real sockets on loopback.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::{DecodeErrorKind, Header};
use jsonframe_std::{Connection, Error};

/// Both ends of a connection.
fn pair() -> (Connection<TcpStream>, Connection<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Connection::connect(listener.local_addr().unwrap()).unwrap();
    let server = Connection::new(listener.accept().unwrap().0);
    for connection in [&client, &server] {
        connection.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        connection.get_ref().set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    (client, server)
}

#[test]
fn messages_of_all_sizes_go_both_ways() {
    let (mut client, mut server) = pair();
    let echo = thread::spawn(move || {
        while let Some(mut request) = server.receive().unwrap() {
            let content = request.content().unwrap();
            let header = Header::new("echo", "binary", content.len() as u64);
            server.send(&header, &content).unwrap();
        }
    });
    for size in [0, 1, 100, 8_191, 8_192, 8_193, 1_000_000] {
        let content: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
        client.send(&Header::new("request", "binary", size as u64), &content).unwrap();
        let mut answer = client.receive().unwrap().unwrap();
        assert_eq!(answer.header().content_type(), "echo");
        assert_eq!(answer.content().unwrap(), content);
    }
    drop(client);
    echo.join().unwrap();
}

#[test]
fn content_of_any_length_is_streamed() {
    const LENGTH: u64 = 50_000_000;
    let (mut client, mut server) = pair();
    let sender = thread::spawn(move || {
        let header = Header::new("stream", "binary", LENGTH);
        client.send_stream(&header, &mut std::io::repeat(b'x')).unwrap();
        client.send(&Header::new("after", "", 0), b"").unwrap();
    });
    let mut incoming = server.receive().unwrap().unwrap();
    let mut received = 0;
    let mut place = vec![0; 10_000];
    loop {
        match incoming.read(&mut place).unwrap() {
            0 => break,
            count => received += count as u64,
        }
    }
    assert_eq!(received, LENGTH);
    assert_eq!(server.receive().unwrap().unwrap().header().content_type(), "after");
    assert!(server.receive().unwrap().is_none());
    sender.join().unwrap();
}

#[test]
fn receiving_goes_on_after_a_time_out() {
    let (mut client, mut server) = pair();
    server.get_ref().set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let header = Header::for_json(2).to_string();
    let message = [&[0, u8::try_from(header.len()).unwrap()], header.as_bytes(), b"{}"].concat();
    for byte in &message[..message.len() - 2] {
        let error = server.receive().map(|_| ()).unwrap_err();
        // The system's own words are "Resource temporarily unavailable".
        assert!(error.is_timeout() && error.to_string() == "reading timed out", "{error}");
        client.get_mut().write_all(&[*byte]).unwrap();
        // The byte is there before the next attempt, which reads it and then times out.
    }
    client.get_mut().write_all(b"{}").unwrap();
    server.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(server.receive().unwrap().unwrap().content().unwrap(), b"{}");
}

/// The system reports a reset once, and the end from then on.
#[test]
fn a_reset_is_not_a_clean_end_when_asked_again() {
    let (mut client, mut server) = pair();
    client.send(&Header::for_json(2), b"{}").unwrap();
    assert_eq!(server.receive().unwrap().unwrap().content().unwrap(), b"{}");
    socket2::SockRef::from(client.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    let first = server.receive().map(drop).unwrap_err();
    assert!(matches!(&first, Error::Io(error) if error.kind() == ErrorKind::ConnectionReset), "{first}");
    let again = server.receive().map(drop).unwrap_err();
    assert_eq!(again.to_string(), first.to_string());
}

/// As documented: a message does not say what it answers.
#[test]
fn a_late_reply_is_received_as_that_to_the_next_request() {
    let (mut client, mut server) = pair();
    client.get_ref().set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    client.send(&Header::new("first", "", 0), b"").unwrap();
    assert!(client.receive().map(drop).unwrap_err().is_timeout());
    client.send(&Header::new("second", "", 0), b"").unwrap();

    for request in ["first", "second"] {
        assert_eq!(server.receive().unwrap().unwrap().header().content_type(), request);
        server.send(&Header::new(request, "", 0), b"").unwrap();
    }
    client.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Whoever has counted the requests that are still unanswered discards this one.
    assert_eq!(client.receive().unwrap().unwrap().header().content_type(), "first");
    assert_eq!(client.receive().unwrap().unwrap().header().content_type(), "second");
}

/// It was once waited for the 21 KB that the first two bytes announce, and then said that reading timed out.
#[test]
fn a_peer_that_speaks_another_protocol_is_named_at_once() {
    let (mut client, mut server) = pair();
    server.get_mut().write_all(b"SSH-2.0-x\r\n").unwrap();
    let error = client.receive().map(drop).unwrap_err();
    let Error::Decode(decode) = &error else { panic!("{error}") };
    assert!(!matches!(decode.kind(), DecodeErrorKind::Truncated { .. }), "{error}");
    assert!(error.to_string().contains("SSH"), "{error}");
    // The peer is still there.
    server.get_mut().write_all(b"x").unwrap();
}
