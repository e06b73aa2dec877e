//! Messages over TLS, with real sockets on loopback.
#![cfg(all(feature = "json", feature = "tls"))]

#[path = "tls/ends.rs"]
mod ends;
#[path = "tls/serve.rs"]
mod serve;

use std::io::{self, ErrorKind, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ends::Ends;
use jsonframe_std::protocol::{DecodeErrorKind, Event, Header, Message};
use jsonframe_std::{Connection, Error, Fill, Flush, Session, Timed, tls};
use rustls::{ClientConnection, ServerConnection, StreamOwned};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(60);

type Client = Connection<StreamOwned<ClientConnection, Timed<TcpStream>>>;
type Server = Connection<StreamOwned<ServerConnection, TcpStream>>;

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = listener.accept().unwrap().0;
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
    }
    (client, server)
}

fn pair() -> (Client, Server) {
    let ends = Ends::new().unwrap();
    let (client, server) = tcp();
    let mut client = ends.client(Timed::new(client)).unwrap();
    client.sock.set_deadline(Some(Instant::now() + PATIENCE));
    (Connection::new(client), Connection::new(ends.server(server).unwrap()))
}

/// An end that has answered once and then sees how its peer ends. The client's part gets the connection after the answer.
fn after_an_answer(rest: impl FnOnce(Client) + Send) -> (Vec<u8>, Result<Option<Vec<u8>>, Error>) {
    let (mut client, mut server) = pair();
    thread::scope(|scope| {
        scope.spawn(move || {
            client.send_json("request").unwrap();
            assert_eq!(client.receive().unwrap().unwrap().json::<String>().unwrap(), "answer");
            rest(client);
        });
        let request = server.receive().unwrap().unwrap().content().unwrap();
        server.send_json("answer").unwrap();
        let next = server.receive().and_then(|next| next.map(|mut message| message.content()).transpose());
        (request, next)
    })
}

fn header(length: usize) -> Header<'static> {
    Header::new("bytes", "binary", length as u64)
}

#[test]
fn messages_of_all_sizes_go_both_ways() {
    let (mut client, mut server) = pair();
    let echo = thread::spawn(move || {
        while let Some(mut request) = server.receive().unwrap() {
            let content = request.content().unwrap();
            server.send(&header(content.len()), &content).unwrap();
        }
    });
    for size in [0, 1, 100, 8_192, 16_384, 16_385, 1_000_000, 20_000_000] {
        let content: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
        client.send(&header(size), &content).unwrap();
        assert!(client.receive().unwrap().unwrap().content().unwrap() == content, "{size}");
    }
    tls::finish(&mut client).unwrap();
    echo.join().unwrap();
}

#[test]
fn content_is_streamed() {
    const LENGTH: u64 = 20_000_000;
    let (mut client, mut server) = pair();
    let sender = thread::spawn(move || {
        client.send_stream(&Header::new("zeros", "binary", LENGTH), &mut io::repeat(0)).unwrap();
        client.send_json("after").unwrap();
        assert_eq!(client.receive().unwrap().unwrap().json::<u64>().unwrap(), LENGTH);
        tls::finish(&mut client).unwrap();
    });
    let count = io::copy(&mut server.receive().unwrap().unwrap(), &mut io::sink()).unwrap();
    assert_eq!(count, LENGTH);
    assert_eq!(server.receive().unwrap().unwrap().json::<String>().unwrap(), "after");
    server.send_json(&count).unwrap();
    assert!(server.receive().unwrap().is_none());
    sender.join().unwrap();
}

#[test]
fn an_end_that_tls_has_announced_is_clean() {
    let (request, end) = after_an_answer(|mut client| tls::finish(&mut client).unwrap());
    assert_eq!(request, br#""request""#);
    assert!(end.unwrap().is_none());
}

/// Anybody on the way can end a TCP stream. Without `close_notify` that is no end, even between two messages.
#[test]
fn an_end_without_close_notify_is_not_clean() {
    let (_, end) = after_an_answer(drop);
    assert!(matches!(end, Err(Error::Io(error)) if error.kind() == ErrorKind::UnexpectedEof));
}

/// Inside a message both ends are the same: it is truncated, by so many bytes.
#[test]
fn an_end_inside_a_message_is_truncation_with_close_notify_and_without() {
    let content = vec![b'x'; 100_000];
    let message = Message::new(header(content.len()), &content).unwrap().to_vec().unwrap();
    let head = message.len() - content.len();
    for (sent, missing) in [(1, 1), (2, head - 2), (head - 1, 1), (head, 100_000), (message.len() - 3, 3)] {
        for announced in [true, false] {
            let part = &message[..sent];
            let (_, end) = after_an_answer(move |mut client| {
                let stream = client.get_mut();
                stream.write_all(part).unwrap();
                stream.flush().unwrap();
                if announced {
                    tls::finish(&mut client).unwrap();
                } else {
                    stream.sock.get_ref().shutdown(Shutdown::Write).unwrap();
                }
            });
            let Err(Error::Decode(error)) = end else { panic!("{end:?} after {sent} bytes") };
            let expected = DecodeErrorKind::Truncated { missing: missing as u64 };
            assert_eq!(error.kind(), expected, "after {sent} bytes, announced: {announced}");
        }
    }
}

#[test]
fn the_deadline_of_the_stream_below_counts() {
    let (mut client, server) = pair();
    client.get_mut().sock.set_deadline(Some(Instant::now() + Duration::from_millis(50)));
    let error = client.send_json("is anybody there?").and_then(|()| client.receive().map(drop)).unwrap_err();
    assert!(matches!(error, Error::Io(error) if error.kind() == ErrorKind::TimedOut));
    drop(server);
}

#[test]
fn a_handshake_that_stops_halfway_is_too_late_and_not_cut_off() {
    let ((client, mut server), folder) = (tcp(), tempfile::tempdir().unwrap());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, rcgen::generate_simple_self_signed(["localhost".into()]).unwrap().cert.pem()).unwrap();
    let config = tls::client_config(&ca, None).unwrap().into();
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    // The head of a record of 100 bytes.
    server.write_all(&[22, 3, 3, 0, 100]).unwrap();
    let error = tls::client(client, "localhost", &config).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock), "{error:?}");
    drop(server);
}

/// Each byte is a read of the socket that succeeds, and that has nothing yet for whoever reads from TLS.
#[test]
fn the_deadline_of_the_stream_below_is_one_for_a_record_that_comes_byte_by_byte() {
    let (mut client, mut server) = pair();
    thread::scope(|scope| {
        scope.spawn(move || {
            assert!(server.receive().unwrap().is_some());
            let StreamOwned { conn, sock } = server.get_mut();
            conn.writer().write_all(&[0; 1000]).unwrap();
            let mut record = Vec::new();
            conn.write_tls(&mut record).unwrap();
            let mut is_taken = |byte: &u8| {
                thread::sleep(Duration::from_millis(10));
                sock.write_all(&[*byte]).is_ok()
            };
            assert!(!record.iter().all(&mut is_taken), "the client has taken all of it");
        });
        client.send_json("request").unwrap();
        client.get_mut().sock.set_deadline(Some(Instant::now() + Duration::from_millis(100)));
        let error = client.receive().map(drop).unwrap_err();
        assert!(matches!(error, Error::Io(error) if error.kind() == ErrorKind::TimedOut));
        drop(client);
    });
}

/// A server that waits for ever can be held by anybody who connects.
#[test]
fn server_gives_up_a_client_that_falls_silent() {
    let is_late = |end: serve::Outcome| {
        let error = end.unwrap_err();
        let error = error.downcast_ref::<Error>().unwrap();
        assert!(matches!(error, Error::Io(error) if error.kind() == ErrorKind::TimedOut), "{error:?}");
    };
    let (ends, patience) = (Ends::new().unwrap(), Duration::from_millis(200));

    // Before the handshake.
    let (client, server) = tcp();
    is_late(serve::serve(&ends, server, 1_000, patience));
    drop(client);

    // Inside a message.
    let (client, server) = tcp();
    let mut client = Connection::new(ends.client(client).unwrap());
    thread::scope(|scope| {
        let serving = scope.spawn(|| serve::serve(&ends, server, 1_000, patience));
        // The server may have given up before the handshake is over.
        let _ = client.get_mut().write_all(b"\0").and_then(|()| client.get_mut().flush());
        is_late(serving.join().unwrap());
    });
}

#[test]
fn a_certificate_of_somebody_else_is_refused() {
    let (client, server) = tcp();
    let mut client = Connection::new(Ends::new().unwrap().client(client).unwrap());
    let mut server = Connection::new(Ends::new().unwrap().server(server).unwrap());
    let serving = thread::spawn(move || server.receive().map(drop).is_err());
    let error = client.send_json("secret").and_then(|()| client.receive().map(drop)).unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::InvalidData), "{error:?}");
    drop(client);
    assert!(serving.join().unwrap());
}

/// TLS takes more than the socket below does, and keeps it. What it keeps must go out although nothing is queued any more.
#[test]
fn a_session_over_tls_sends_all_when_the_socket_blocks() {
    const COUNT: usize = 400;
    let (mut client, server) = pair();
    let (server, _) = server.into_parts();
    server.sock.set_nonblocking(true).unwrap();
    let content = vec![b'x'; 50_000];
    let (blocked, go_on) = mpsc::channel();
    let receiver = thread::spawn({
        let content = content.clone();
        move || {
            client.send_json("begin").unwrap();
            go_on.recv_timeout(PATIENCE).unwrap();
            for _ in 0..COUNT {
                assert!(client.receive().unwrap().unwrap().content().unwrap() == content);
            }
            tls::finish(&mut client).unwrap();
        }
    });
    let start = Instant::now();
    let mut session = Session::new(server);
    loop {
        assert!(start.elapsed() < PATIENCE, "it does not end");
        while let Some(event) = session.next_event().unwrap() {
            if event == Event::End {
                for _ in 0..COUNT {
                    session.queue(&header(content.len()), content.clone()).unwrap();
                }
            }
        }
        if session.flush().unwrap() == Flush::Blocked {
            // Only then the other side begins to read.
            let _ = blocked.send(());
        }
        match session.fill().unwrap() {
            Fill::Data => {}
            Fill::Blocked => thread::sleep(Duration::from_millis(1)),
            Fill::Eof => break,
        }
    }
    assert_eq!(session.next_event().unwrap(), None);
    receiver.join().unwrap();
}
