//! What a handler is told of its connections, in which order, and what its last words are good for.

use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::running::driver::{Driver, on_each_driver};
use crate::running::{GRACE, exchange, message, receive, wait_until};
use jsonframe_std::Error;
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{
    Address, AtLimit, CloseReason, ContentMode, Deadline, Handler, Id, Limits, NotAccepted, Peer, To,
};

on_each_driver! {
    hooks_are_called_in_the_documented_order,
    last_words_arrive_whatever_the_server_ends_the_connection_for,
    a_connection_ends_in_silence_without_last_words,
    a_peer_that_cannot_be_told_is_not_offered_last_words,
    last_words_beyond_the_limit_are_refused_and_the_reason_stays,
    a_refused_connection_is_told_to_the_handler,
}

const SHORT: Duration = Duration::from_millis(200);

/// Whom it is about, if that is known, and what there was.
type Entry = (Option<Address>, String);

/// Writes down all that it is told.
#[derive(Clone, Default)]
struct Diary {
    entries: Arc<Mutex<Vec<Entry>>>,
    /// What it says at the end.
    farewell: Option<&'static str>,
}

impl Diary {
    fn write(&self, address: Address, text: impl Into<String>) {
        self.entries.lock().unwrap().push((Some(address), text.into()));
    }

    /// What was written about this peer, once its end is there.
    fn about(&self, address: SocketAddr) -> Vec<String> {
        let of = || {
            let entries = self.entries.lock().unwrap();
            entries
                .iter()
                .filter(|(of, _)| *of == Some(address.into()))
                .map(|(_, text)| text.clone())
                .collect::<Vec<_>>()
        };
        wait_until(|| of().last().is_some_and(|last| last.starts_with("disconnected")));
        of()
    }
}

impl Handler for Diary {
    type State = ();

    fn connected(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        self.write(peer.address(), "connected");
    }

    fn header(&mut self, peer: &mut Peer<'_>, (): &mut (), header: &Header<'_>) -> ContentMode {
        self.write(peer.address(), "header");
        if header.content_type() == "streamed" { ContentMode::Streamed { max: 1000 } } else { ContentMode::Whole }
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self.write(peer.address(), "message");
        match message.content() {
            b"close" => peer.close(),
            content => peer.send(&message.header(), content).unwrap(),
        }
    }

    fn content(&mut self, peer: &mut Peer<'_>, (): &mut (), piece: &[u8]) {
        self.write(peer.address(), format!("{} bytes", piece.len()));
    }

    fn end(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        self.write(peer.address(), "end");
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, (): &mut (), why: &CloseReason) {
        self.write(peer.address(), format!("farewell: {why}"));
        if let Some(text) = self.farewell {
            peer.send(&Header::new("farewell", "utf-8", text.len() as u64), text.as_bytes()).unwrap();
        }
    }

    fn disconnected(&mut self, _: Id, address: Address, (): (), why: &CloseReason) {
        self.write(address, format!("disconnected: {why}"));
    }

    fn not_accepted(&mut self, why: &NotAccepted) {
        let address = match why {
            NotAccepted::AtLimit(address) => Some(*address),
            _ => None,
        };
        self.entries.lock().unwrap().push((address, format!("not accepted: {why}")));
    }
}

fn hooks_are_called_in_the_documented_order(driver: Driver) {
    let diary = Diary::default();
    let server = driver.start(Limits::default(), diary.clone());
    let mut connection = server.connect();
    let address = connection.get_ref().local_addr().unwrap();
    exchange(&mut connection, "whole");
    connection.send(&Header::new("streamed", "binary", 5), b"piece").unwrap();
    connection.send(&Header::new("streamed", "binary", 0), b"").unwrap();
    connection.get_mut().write_all(b"\0\0").unwrap();
    assert_eq!(receive(&mut connection), None);
    drop(connection);
    let fault = "the header length is 0; a header is at least a JSON object (at byte 317)";
    assert_eq!(
        diary.about(address),
        [
            "connected",
            "header",
            "message",
            "header",
            "5 bytes",
            "end",
            "header",
            "end",
            &format!("farewell: {fault}"),
            &format!("disconnected: {fault}"),
        ]
    );
}

/// Brings a connection to an end by what it sends, after one exchange, while the server is asked for something.
fn ends_by(driver: Driver, limits: Limits, sent: &[u8], shutdown: bool, why: &str) {
    let diary = Diary { farewell: Some("last words"), ..Diary::default() };
    let server = driver.start(limits, diary.clone());
    let mut connection = server.connect();
    let address = connection.get_ref().local_addr().unwrap();
    exchange(&mut connection, "hello");
    connection.get_mut().write_all(sent).unwrap();
    if shutdown {
        server.handle.shutdown(GRACE);
    }
    assert_eq!(receive(&mut connection).as_deref(), Some("last words"), "{why}");
    assert_eq!(receive(&mut connection), None, "{why}");
    drop(connection);
    let told = diary.about(address);
    let [.., farewell, disconnected] = &told[..] else { panic!("{told:?}") };
    assert!(farewell.starts_with(&format!("farewell: {why}")), "{farewell}");
    assert!(disconnected.starts_with(&format!("disconnected: {why}")), "{disconnected}");
    assert_eq!(told.iter().filter(|entry| entry.starts_with("farewell")).count(), 1);
}

fn last_words_arrive_whatever_the_server_ends_the_connection_for(driver: Driver) {
    let short = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let long = message(&vec![b'x'; 5_000_000]);
    ends_by(
        driver,
        Limits::default(),
        &[b"\0\x02[]".to_vec(), vec![0; 5_000_000]].concat(),
        false,
        "the header begins with `[`; expected a JSON object, `{`",
    );
    ends_by(
        driver,
        short(|limits| limits.max_content = 4_999_999),
        &long,
        false,
        "the content is 5000000 bytes long; this receiver takes at most 4999999",
    );
    ends_by(
        driver,
        short(|limits| limits.max_collected = 1_000_000),
        &long,
        false,
        "too much content is being collected",
    );
    ends_by(driver, short(|limits| limits.header_timeout = SHORT), &long[..9], false, "the header took too long");
    ends_by(driver, short(|limits| limits.rate_window = SHORT), &long[..999], false, "the content came too slowly");
    ends_by(driver, short(|limits| limits.idle_timeout = SHORT), b"", false, "nothing happened for too long");
    ends_by(driver, Limits::default(), b"", true, "the server has been shut down");
}

fn a_connection_ends_in_silence_without_last_words(driver: Driver) {
    let (diary, limits) = (Diary::default(), Limits::default().with_idle_timeout(SHORT));
    let server = driver.start(limits, diary.clone());
    let connection = server.connect();
    let address = connection.get_ref().local_addr().unwrap();
    let why = "nothing happened for too long";
    assert_eq!(diary.about(address), ["connected", &format!("farewell: {why}"), &format!("disconnected: {why}")]);
    drop(connection);
}

fn a_peer_that_cannot_be_told_is_not_offered_last_words(driver: Driver) {
    let (diary, limits) =
        (Diary { farewell: Some("last words"), ..Diary::default() }, Limits::default().with_write_timeout(SHORT));
    let server = driver.start(limits, diary.clone());

    // It has ended the connection itself, by half or by a reset.
    let mut ended = server.connect();
    ended.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive(&mut ended), None);
    let reset = server.connect();
    socket2::SockRef::from(reset.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    let resets = reset.get_ref().local_addr().unwrap();
    drop(reset);
    // The handler has closed it.
    let mut closed = server.connect();
    closed.send(&Header::new("text", "utf-8", 5), b"close").unwrap();
    assert_eq!(receive(&mut closed), None);
    // It does not read.
    let deaf = server.connect();
    let deafs = deaf.get_ref().local_addr().unwrap();
    let much = vec![0; 20_000_000];
    wait_until(|| diary.entries.lock().unwrap().iter().filter(|(_, text)| text == "connected").count() == 4);
    server.handle.queue(To::All, &Header::new("much", "binary", 20_000_000), much).unwrap();

    let [ended, closed] = [ended, closed].map(|connection| connection.get_ref().local_addr().unwrap());
    for (address, why) in [
        (ended, "the peer has ended the connection"),
        (closed, "closed by the server"),
        (deafs, "the peer took what was sent to it too slowly"),
    ] {
        assert_eq!(diary.about(address).last(), Some(&format!("disconnected: {why}")));
    }
    assert!(diary.about(resets).last().unwrap().contains("reset"));
    let entries = diary.entries.lock().unwrap();
    assert!(entries.iter().all(|(_, text)| !text.starts_with("farewell")), "{entries:?}");
}

/// Says more at the end than fits.
#[derive(Clone)]
struct Verbose(Arc<Mutex<Vec<String>>>);

impl Handler for Verbose {
    type State = ();

    fn message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}

    fn farewell(&mut self, peer: &mut Peer<'_>, (): &mut (), why: &CloseReason) {
        assert!(matches!(why, CloseReason::Deadline(Deadline::Header)));
        let content = vec![b'!'; 1_000_000];
        let header = Header::new("farewell", "utf-8", 1_000_000);
        let refused = (0..1000).map(|_| peer.send(&header, &content)).find_map(Result::err);
        assert!(matches!(refused, Some(Error::QueueFull)));
        self.0.lock().unwrap().push("told".to_owned());
    }

    fn disconnected(&mut self, _: Id, _: Address, (): (), why: &CloseReason) {
        self.0.lock().unwrap().push(why.to_string());
    }
}

fn last_words_beyond_the_limit_are_refused_and_the_reason_stays(driver: Driver) {
    let (ends, limits) = (Arc::default(), Limits::default().with_header_timeout(SHORT));
    let server = driver.start(limits, Verbose(Arc::clone(&ends)));
    let mut connection = server.connect();
    connection.get_mut().write_all(b"\0").unwrap();
    // Who reads as fast as it is told would be told everything.
    wait_until(|| *ends.lock().unwrap() == ["told"]);
    let mut received = 0;
    while let Some(text) = receive(&mut connection) {
        assert_eq!(text.len(), 1_000_000);
        received += 1;
    }
    assert!((1..1000).contains(&received), "{received}");
    drop(connection);
    wait_until(|| *ends.lock().unwrap() == ["told", "the header took too long"]);
}

fn a_refused_connection_is_told_to_the_handler(driver: Driver) {
    let (diary, limits) = (Diary::default(), Limits::default().with_max_connections(1).with_at_limit(AtLimit::Refuse));
    let server = driver.start(limits, diary.clone());
    let mut first = server.connect();
    exchange(&mut first, "hello");
    let mut refused: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for connection in &mut refused {
        assert_eq!(receive(connection), None);
        let address = connection.get_ref().local_addr().unwrap();
        let entry = (Some(address.into()), "not accepted: there are as many connections as there may be".to_owned());
        wait_until(|| diary.entries.lock().unwrap().contains(&entry));
    }
    assert_eq!(server.handle.stats().refused, 3);
}
