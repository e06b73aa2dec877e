//! A client and a server with a network between them that delays, splits, and cuts off at every byte.

#[path = "chaos/proxy.rs"]
mod proxy;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use jsonframe::{DecodeErrorKind, Header, Message};
use jsonframe_std::server::{Closed, Handler, Limits, Peer, Server};
use jsonframe_std::{Connection, Error};
use proxy::{Chaos, End, Proxy, Way};

const CONTENTS: [&str; 3] = ["needle", "", "in a haystack"];
const PLAIN: &str = "text/plain";
const COMPLAINT: &str = "complaint";

/// Sends back what it gets, and says what was wrong with it.
struct Echo;

impl Handler for Echo {
    fn message(&mut self, peer: &mut Peer<'_>, message: Message<'_>) {
        // Why it cannot be sent, is for the client to find out.
        let _ = peer.send(message.header(), message.content());
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, why: &Closed) {
        let text = why.to_string();
        let _ = peer.send(&Header::new(COMPLAINT, "utf-8", text.len() as u64), text.as_bytes());
    }
}

fn header(content: &str) -> Header<'static> {
    Header::new(PLAIN, "utf-8", content.len() as u64)
}

/// Where the messages end on the wire.
fn ends() -> Vec<usize> {
    let mut end = 0;
    let length = |content: &str| Message::new(header(content), content.as_bytes()).unwrap().to_vec().unwrap().len();
    CONTENTS.iter().map(|content| (end += length(content), end).1).collect()
}

fn connect(address: SocketAddr) -> Connection<TcpStream> {
    let patience = Some(Duration::from_secs(60));
    Connection::connect(address).unwrap().with_timeouts(patience, patience).unwrap()
}

/// What a client has got: answers, and complaints; and how it ended.
struct Outcome {
    answers: usize,
    complaints: usize,
    sent: Result<(), Error>,
    end: Result<(), Error>,
}

/// Sends all requests, then receives until the end.
fn exchange(address: SocketAddr) -> Outcome {
    let mut connection = connect(address);
    let sent = CONTENTS.iter().try_for_each(|content| connection.send(&header(content), content.as_bytes()));
    let (mut answers, mut complaints) = (0, 0);
    let end = loop {
        let mut incoming = match connection.receive() {
            Ok(Some(incoming)) => incoming,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let complains = incoming.header().content_type() == COMPLAINT;
        match incoming.content() {
            Ok(_) if complains => complaints += 1,
            // Not one byte of an answer is other than it should be.
            Ok(content) => {
                assert_eq!(content, CONTENTS[answers].as_bytes());
                answers += 1;
            }
            Err(error) => break Err(error),
        }
        if answers == CONTENTS.len() {
            // All is well: it has no more to ask, and nothing that was not cut could come.
            break Ok(());
        }
    };
    Outcome { answers, complaints, sent, end }
}

fn is_reset(error: &Error) -> bool {
    let kinds =
        [ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted, ErrorKind::BrokenPipe, ErrorKind::NotConnected];
    matches!(error, Error::Io(error) if kinds.contains(&error.kind()))
}

fn is_truncation(error: &Error) -> bool {
    matches!(error, Error::Decode(error) if matches!(error.kind(), DecodeErrorKind::Truncated { .. }))
}

/// Checks what came out of an exchange that was cut off, as far as TCP itself promises anything.
fn check(outcome: &Outcome, (way, offset, end): (Way, usize, End)) {
    let case = format!("{way:?}, {end:?} after {offset} bytes");
    let whole = ends().iter().filter(|end| **end <= offset).count();
    let between = offset == 0 || ends().contains(&offset);
    assert!(outcome.answers <= whole, "{case}");
    if let Err(error) = &outcome.sent {
        assert!(is_reset(error), "{case}: {error}");
    }
    match (end, way) {
        (End::Fin, Way::ToServer) => {
            assert_eq!(outcome.answers, whole, "{case}");
            assert_eq!(outcome.complaints, usize::from(!between), "{case}");
            assert!(outcome.end.is_ok(), "{case}: {:?}", outcome.end);
        }
        (End::Fin, Way::ToClient) => {
            assert_eq!((outcome.answers, outcome.complaints), (whole, 0), "{case}");
            match &outcome.end {
                Ok(()) => assert!(between, "{case}"),
                Err(error) => assert!(is_truncation(error) && !between, "{case}: {error}"),
            }
        }
        // The system may throw away what had come before a reset, and tells of it once: maybe who was still sending.
        (End::Rst, _) => match &outcome.end {
            Ok(()) => assert!(outcome.sent.is_err() || outcome.answers == CONTENTS.len(), "{case}"),
            Err(error) => assert!(is_reset(error), "{case}: {error}"),
        },
    }
}

#[test]
fn an_exchange_cut_off_at_any_byte_ends_with_whole_answers_or_an_error() {
    let server = Server::bind("127.0.0.1:0", Limits::default()).unwrap();
    let (address, handle) = (server.address(), server.handle());
    let thread = thread::spawn(move || server.run(Echo));
    let mut bystander = connect(address);

    let total = ends().last().copied().unwrap();
    let mut exchanges = 0;
    for way in [Way::ToServer, Way::ToClient] {
        for end in [End::Fin, End::Rst] {
            for offset in 0..=total {
                let cut = (way, offset, end);
                let portion = [1, 7, usize::MAX][offset % 3];
                let proxy = Proxy::start(address, Chaos { cut: Some(cut), portion, delay: Duration::ZERO });
                check(&exchange(proxy.address), cut);
                proxy.join();
                // Whatever has become of it, the others are served.
                bystander.send(&header("still there?"), b"still there?").unwrap();
                assert_eq!(bystander.receive().unwrap().unwrap().content().unwrap(), b"still there?");
                exchanges += 1;
            }
        }
    }
    drop(bystander);
    handle.shutdown(Duration::from_secs(60));
    thread.join().unwrap().unwrap();
    println!("{exchanges} exchanges cut off, at every one of {total} bytes, both ways, with FIN and with RST");
}

#[test]
fn an_exchange_delayed_and_split_is_whole() {
    let server = Server::bind("127.0.0.1:0", Limits::default()).unwrap();
    let (address, handle) = (server.address(), server.handle());
    let thread = thread::spawn(move || server.run(Echo));
    for (portion, milliseconds) in [(1, 0), (1, 1), (2, 0), (7, 1), (100, 20), (usize::MAX, 50)] {
        let delay = Duration::from_millis(milliseconds);
        let proxy = Proxy::start(address, Chaos { cut: None, portion, delay });
        let outcome = exchange(proxy.address);
        assert_eq!((outcome.answers, outcome.complaints), (CONTENTS.len(), 0));
        outcome.sent.and(outcome.end).unwrap();
        proxy.join();
    }
    handle.shutdown(Duration::from_secs(60));
    thread.join().unwrap().unwrap();
}
