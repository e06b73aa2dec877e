//! A connection over real sockets on loopback.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::Header;
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
    let header = Header::json(2).to_string();
    let message = [&[0, u8::try_from(header.len()).unwrap()], header.as_bytes(), b"{}"].concat();
    for byte in &message[..message.len() - 2] {
        let error = server.receive().map(|_| ()).unwrap_err();
        let Error::Io(error) = error else { panic!("{error}") };
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        client.get_mut().write_all(&[*byte]).unwrap();
        // The byte is there before the next attempt, which reads it and then times out.
    }
    client.get_mut().write_all(b"{}").unwrap();
    server.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(server.receive().unwrap().unwrap().content().unwrap(), b"{}");
}
