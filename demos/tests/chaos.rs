//! A client and a server with a network between them that delays, splits, and cuts off at every byte.

mod certificates;
mod common;
#[path = "chaos/proxy.rs"]
mod proxy;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certificates::{Files, words};
use common::{AppServer, PATIENCE, Server, on_each_server};
use jsonframe::{DecodeErrorKind, Dialect};
use jsonframe_demos::application::{Draft, JSON, answer_binary, answer_json, request};
use jsonframe_std::tls::{self, TlsStream};
use jsonframe_std::{Connection, Error};
use proxy::{Chaos, End, Proxy, Way};
use rustls::ClientConfig;
use rustls::client::Resumption;

on_each_server! {
    an_exchange_cut_off_at_any_byte_ends_with_whole_answers_or_an_error,
    an_exchange_delayed_and_split_is_whole,
    an_exchange_over_tls_cut_off_anywhere_ends_with_whole_answers_or_an_error,
    an_exchange_over_tls_delayed_and_split_is_whole,
}

/// What a client asks, and what it should be answered.
fn exchanges() -> Vec<(Draft<'static>, Draft<'static>)> {
    let asked = [request("search", "ring"), request("", ""), request("dance", "!")].map(Result::unwrap);
    let answer = |request: &Draft<'_>| match request.header.content_type() {
        JSON => Draft::json(&answer_json(str::from_utf8(&request.content).unwrap()).unwrap()).unwrap(),
        _ => answer_binary(&request.content),
    };
    asked
        .into_iter()
        .map(|request| {
            let answer = answer(&request);
            (request, answer)
        })
        .collect()
}

/// Where the messages end on the wire, one way.
fn ends(way: Way) -> Vec<usize> {
    let mut end = 0;
    let length = |draft: &Draft<'_>| draft.frame(&Dialect::STANDARD).unwrap().len();
    exchanges()
        .iter()
        .map(|(request, answer)| {
            end += length(if way == Way::ToServer { request } else { answer });
            end
        })
        .collect()
}

fn connect(address: SocketAddr) -> Connection<TcpStream> {
    Connection::connect(address).unwrap().with_timeouts(Some(PATIENCE), Some(PATIENCE)).unwrap()
}

/// What a client has got: answers, and complaints; and how it ended.
struct Outcome {
    answers: usize,
    complaints: usize,
    sent: Result<(), Error>,
    end: Result<(), Error>,
}

/// Sends all requests, then receives until the end.
fn exchange(connection: &mut Connection<impl Read + Write>) -> Outcome {
    let exchanges = exchanges();
    let sent = exchanges.iter().try_for_each(|(request, _)| connection.send(&request.header, &request.content));
    let (mut answers, mut complaints) = (0, 0);
    let end = loop {
        let mut incoming = match connection.receive() {
            Ok(Some(incoming)) => incoming,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        match incoming.content() {
            Ok(content) if content.starts_with(b"{\"error\"") => complaints += 1,
            // Not one byte of an answer is other than it should be.
            Ok(content) => {
                assert_eq!(content, exchanges[answers].1.content);
                answers += 1;
            }
            Err(error) => break Err(error),
        }
        if answers == exchanges.len() {
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
    let ends = ends(way);
    let whole = ends.iter().filter(|end| **end <= offset).count();
    let between = offset == 0 || ends.contains(&offset);
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
            Ok(()) => assert!(outcome.sent.is_err() || outcome.answers == ends.len(), "{case}"),
            Err(error) => {
                let is_told = is_reset(error) || (is_truncation(error) && outcome.sent.is_err());
                assert!(is_told, "{case}: {error}; sending: {:?}", outcome.sent);
            }
        },
    }
}

fn an_exchange_cut_off_at_any_byte_ends_with_whole_answers_or_an_error(on: AppServer) {
    for server in on.start_with_threads(&["--quiet"]) {
        let mut bystander = connect(server.address);
        let still_there = request("still", "there?").unwrap();

        let mut cuts = 0;
        for way in [Way::ToServer, Way::ToClient] {
            let total = ends(way).last().copied().unwrap();
            for end in [End::Fin, End::Rst] {
                for offset in 0..=total {
                    let cut = (way, offset, end);
                    let portion = [1, 7, usize::MAX][offset % 3];
                    let proxy = Proxy::start(server.address, Chaos { cut: Some(cut), portion, delay: Duration::ZERO });
                    check(&exchange(&mut connect(proxy.address)), cut);
                    proxy.join();
                    // Whatever has become of it, the others are served.
                    bystander.send(&still_there.header, &still_there.content).unwrap();
                    let answer = bystander.receive().unwrap().unwrap().content().unwrap();
                    assert_eq!(answer, b"First 10 bytes of request: stillthere");
                    cuts += 1;
                }
            }
        }
        println!("{cuts} exchanges cut off, at every byte, both ways, with FIN and with RST");
    }
}

const DELAYS: [Chaos; 6] =
    [delayed(1, 0), delayed(1, 1), delayed(2, 0), delayed(7, 1), delayed(100, 20), delayed(usize::MAX, 50)];

const fn delayed(portion: usize, milliseconds: u64) -> Chaos {
    Chaos { cut: None, portion, delay: Duration::from_millis(milliseconds) }
}

fn an_exchange_delayed_and_split_is_whole(on: AppServer) {
    for server in on.start_with_threads(&["--quiet"]) {
        for chaos in DELAYS {
            let proxy = Proxy::start(server.address, chaos);
            let outcome = exchange(&mut connect(proxy.address));
            assert_eq!((outcome.answers, outcome.complaints), (exchanges().len(), 0));
            outcome.sent.and(outcome.end).unwrap();
            proxy.join();
        }
        assert!(server.errors.so_far().is_empty());
    }
}

/// A server that speaks TLS, and who trusts it.
fn start_with_tls(on: AppServer) -> (Server, Arc<ClientConfig>) {
    let files = Files::new();
    let server = on.start(&[&["--quiet"], &words(&files.of_server())[..]].concat());
    let mut config = tls::client_config(Path::new(&files.path("ca.pem")), None).unwrap();
    // Each handshake is a whole one.
    config.resumption = Resumption::disabled();
    (server, config.into())
}

fn connect_over_tls(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Connection<TlsStream>> {
    tls::client(connect(address).into_parts().0, "localhost", config)
}

/// Checks what came out of an exchange over TLS that was cut off.
fn check_over_tls(outcome: &io::Result<Outcome>, (way, offset, end): (Way, usize, End)) {
    let case = format!("{way:?}, {end:?} after {offset} bytes");
    // If it ends in the handshake, that is an error.
    let Ok(outcome) = outcome else { return };
    assert_eq!(outcome.complaints, 0, "{case}");
    // However it is cut off, it is never taken for an end; unless the server, which knows that it was, says that it goes.
    let may_end = (way, end) == (Way::ToServer, End::Fin) || outcome.answers == exchanges().len();
    assert!(outcome.end.is_err() || may_end, "{case}, {} answers", outcome.answers);
}

fn an_exchange_over_tls_cut_off_anywhere_ends_with_whole_answers_or_an_error(on: AppServer) {
    let (server, config) = start_with_tls(on);
    let mut bystander = connect_over_tls(server.address, &config).unwrap();
    let still_there = request("still", "there?").unwrap();
    let mut cuts = [0; 4];
    for way in [Way::ToServer, Way::ToClient] {
        for end in [End::Fin, End::Rst] {
            // On until nothing is cut off any more.
            let mut offsets = (0..10_000).step_by(23);
            let mut is_whole = false;
            while !is_whole {
                let offset = offsets.next().expect("so much does not go either way");
                let cut = (way, offset, end);
                let portion = [1, 7, usize::MAX][offset % 3];
                let proxy = Proxy::start(server.address, Chaos { cut: Some(cut), portion, delay: Duration::ZERO });
                let outcome = connect_over_tls(proxy.address, &config).map(|mut connection| exchange(&mut connection));
                check_over_tls(&outcome, cut);
                proxy.join();
                let answers = outcome.map_or(0, |outcome| outcome.answers);
                is_whole = answers == exchanges().len();
                cuts[answers] += 1;
                // Whatever has become of it, the others are served.
                bystander.send(&still_there.header, &still_there.content).unwrap();
                let answer = bystander.receive().unwrap().unwrap().content().unwrap();
                assert_eq!(answer, b"First 10 bytes of request: stillthere");
            }
        }
    }
    println!("exchanges over TLS cut off after none, one, two and all of three answers: {cuts:?}");
    assert!(cuts.iter().all(|count| *count > 0), "{cuts:?}");
}

fn an_exchange_over_tls_delayed_and_split_is_whole(on: AppServer) {
    let (server, config) = start_with_tls(on);
    for chaos in DELAYS {
        let proxy = Proxy::start(server.address, chaos);
        let mut connection = connect_over_tls(proxy.address, &config).unwrap();
        let outcome = exchange(&mut connection);
        assert_eq!((outcome.answers, outcome.complaints), (exchanges().len(), 0));
        outcome.sent.and(outcome.end).unwrap();
        tls::finish(&mut connection).unwrap();
        assert!(connection.receive().unwrap().is_none());
        drop(connection);
        proxy.join();
    }
    assert!(server.errors.so_far().is_empty());
}
