//! A server over real sockets: messages in and out, in every way there is.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::running::driver::{Driver, on_each_driver};
use crate::running::{Echo, GRACE, PATIENCE, exchange, message, receive, wait_until};
use jsonframe_std::protocol::{Header, Message};
use jsonframe_std::server::{ContentMode, Handler, Limits, Peer, Reply, Server, To};
use jsonframe_std::{Error, UNLIMITED};

on_each_driver! {
    contents_of_all_sizes_come_back,
    long_contents_are_told_from_what_follows_them_however_they_are_cut,
    long_content_that_ends_too_early_is_answered_with_how_much_is_missing,
    a_thousand_messages_in_one_write_are_answered_in_order,
    a_request_followed_by_a_half_close_is_answered,
    messages_are_pushed_to_one_and_to_all_from_another_thread,
    a_message_for_a_peer_that_has_gone_is_dropped_and_a_handle_outlives_its_server,
    streamed_content_comes_in_pieces_of_any_total_length,
    a_reply_sent_later_from_another_thread_arrives,
    a_peer_that_is_owed_a_reply_is_not_idle,
    a_connection_closed_by_handler_or_handle_ends_after_its_replies,
    what_follows_an_urgent_byte_is_handled_at_once,
    a_message_after_an_urgent_byte_between_messages_is_handled_without_another_event,
    a_message_for_several_peers_reaches_those_and_no_other,
    values_are_sent_with_extension_members_by_peer_reply_and_handle_alike,
}

fn header(content: &[u8]) -> Header<'static> {
    Header::new("bytes", "binary", content.len() as u64)
}

fn contents_of_all_sizes_come_back(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
    let (mut receiving, mut sending) = server.connect().split().unwrap();
    for size in [0_usize, 1, 100, 8_192, 16_384, 16_385, 65_536, 1_000_000, 10_000_000] {
        let content: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
        let thread = thread::spawn({
            let content = content.clone();
            move || sending.send(&header(&content), &content).map(|()| sending).unwrap()
        });
        let mut answer = receiving.receive().unwrap().unwrap();
        assert_eq!(answer.header().content_type(), "bytes");
        assert!(answer.content().unwrap() == content, "{size}");
        sending = thread.join().unwrap();
    }
    sending.finish().unwrap();
    server.wait_until(|server| server.handle.stats().connections == 0);
    let stats = server.handle.stats();
    assert_eq!((stats.accepted, stats.queued, stats.collected), (1, 0, 0));
}

fn long_contents_are_told_from_what_follows_them_however_they_are_cut(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
    let sizes = [70_000_usize, 3, 0, 65_536, 16_383, 16_384, 16_385, 300_000, 1, 131_072, 1_200_000, 5, 65_400, 82_000];
    let contents: Vec<Vec<u8>> = (0..).zip(sizes).map(|(kind, size)| vec![kind; size]).collect();
    let stream: Vec<u8> = contents.iter().flat_map(|content| message(content)).collect();
    for cut in [1_000, 16_384, 65_537, 100_000, 5_000_000] {
        let (mut receiving, sending) = server.connect().split().unwrap();
        let stream = stream.clone();
        let thread = thread::spawn(move || {
            for piece in stream.chunks(cut) {
                sending.get_ref().write_all(piece).unwrap();
                // So that some pieces are read one at a time.
                thread::sleep(Duration::from_micros(if cut > 10_000 { 500 } else { 10 }));
            }
            sending.finish().unwrap();
        });
        for content in &contents {
            let mut answer = receiving.receive().unwrap().expect("an answer to each");
            assert!(answer.content().unwrap() == *content, "of {} bytes, cut to {cut}", content.len());
        }
        assert!(receiving.receive().unwrap().is_none());
        thread.join().unwrap();
    }
    server.wait_until(|server| server.handle.stats().connections == 0);
    assert_eq!((server.handle.stats().queued, server.handle.stats().collected), (0, 0));
}

fn long_content_that_ends_too_early_is_answered_with_how_much_is_missing(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
    let whole = message(&vec![b'x'; 1_000_000]);
    for missing in [1, 100_000, 900_000, 999_999, 1_000_000] {
        let mut connection = server.connect();
        let there = whole.len() - missing;
        connection.get_mut().write_all(&whole[..there]).unwrap();
        connection.get_ref().shutdown(Shutdown::Write).unwrap();
        let text = format!("the stream ends inside a message; bytes missing: {missing} (at byte {there})");
        assert_eq!(receive(&mut connection), Some(text));
        assert_eq!(receive(&mut connection), None);
    }
    server.wait_until(|server| server.handle.stats().collected == 0);
}

fn a_thousand_messages_in_one_write_are_answered_in_order(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
    let mut connection = server.connect();
    let mut stream = Vec::new();
    for number in 0..1000 {
        let text = number.to_string();
        let message = Message::new(header(text.as_bytes()), text.as_bytes()).unwrap().to_vec().unwrap();
        stream.extend(message);
    }
    connection.get_mut().write_all(&stream).unwrap();
    for number in 0..1000 {
        assert_eq!(receive(&mut connection), Some(number.to_string()));
    }
    connection.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive(&mut connection), None);
}

fn a_request_followed_by_a_half_close_is_answered(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut connection = server.connect();
    connection.send(&Header::for_json(2), b"{}").unwrap();
    connection.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive(&mut connection).as_deref(), Some("{}"));
    assert_eq!(receive(&mut connection), None);
    wait_until(|| !echo.notes.lock().unwrap().is_empty());
    assert_eq!(*echo.notes.lock().unwrap(), ["the peer has ended the connection"]);
}

fn messages_are_pushed_to_one_and_to_all_from_another_thread(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut connections = server.connect_in_order(10, &echo);
    let peers = echo.peers.lock().unwrap().clone();
    let handle = server.handle.clone();
    let pusher = thread::spawn(move || {
        for (number, id) in peers.iter().enumerate() {
            let text = number.to_string();
            handle.queue(*id, &header(text.as_bytes()), text).unwrap();
        }
        for round in 0..100 {
            let text = format!("round {round}");
            handle.queue(To::All, &header(text.as_bytes()), text).unwrap();
        }
        let long = Arc::<[u8]>::from(vec![b'x'; 100_000]);
        handle.queue(To::All, &header(&long), long).unwrap();
    });
    for (number, connection) in connections.iter_mut().enumerate() {
        assert_eq!(receive(connection), Some(number.to_string()));
        for round in 0..100 {
            assert_eq!(receive(connection), Some(format!("round {round}")));
        }
        assert_eq!(receive(connection).unwrap().len(), 100_000);
    }
    pusher.join().unwrap();
    server.wait_until(|server| server.handle.stats().queued == 0);
}

fn a_message_for_a_peer_that_has_gone_is_dropped_and_a_handle_outlives_its_server(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    exchange(&mut server.connect(), "hello");
    server.wait_until(|server| server.handle.stats().connections == 0);
    let id = echo.peers.lock().unwrap()[0];
    server.handle.queue(id, &Header::for_json(2), b"{}").unwrap();
    exchange(&mut server.connect(), "the slot is used again");
    server.wait_until(|server| server.handle.stats().queued == 0);
    let mismatch = server.handle.queue(id, &Header::for_json(3), b"{}");
    assert!(matches!(mismatch, Err(Error::Encode(_))));
    let handle = server.handle.clone();
    handle.shutdown(GRACE);
    server.join();
    assert!(matches!(handle.queue(id, &Header::for_json(2), b"{}"), Err(Error::Closed)));
    assert!(matches!(handle.queue(To::All, &Header::for_json(2), b"{}"), Err(Error::Closed)));
}

/// Adds the lengths of the pieces of each peer, and says their sum and the greatest of them.
#[derive(Clone)]
struct Adder;

impl Handler for Adder {
    type State = (u64, usize);

    fn header(&mut self, _: &mut Peer<'_>, _: &mut (u64, usize), header: &Header<'_>) -> ContentMode {
        if header.content_type() == "streamed" { ContentMode::Streamed { max: UNLIMITED } } else { ContentMode::Whole }
    }

    fn message(&mut self, peer: &mut Peer<'_>, _: &mut (u64, usize), message: Message<'_>) {
        peer.send(&message.header(), message.content()).unwrap();
    }

    fn content(&mut self, _: &mut Peer<'_>, (sum, longest): &mut (u64, usize), piece: &[u8]) {
        assert!(!piece.is_empty());
        *sum += piece.len() as u64;
        *longest = piece.len().max(*longest);
    }

    fn end(&mut self, peer: &mut Peer<'_>, state: &mut (u64, usize)) {
        peer.send_json(state).unwrap();
    }
}

fn streamed_content_comes_in_pieces_of_any_total_length(driver: Driver) {
    const LENGTH: u64 = 100_000_000;
    let server = driver.start(Limits::default(), Adder);
    let mut connection = server.connect();
    connection.send_stream(&Header::new("streamed", "binary", LENGTH), &mut std::io::repeat(0)).unwrap();
    let (sum, longest): (u64, usize) = connection.receive().unwrap().unwrap().json().unwrap();
    assert_eq!(sum, LENGTH);
    assert!(longest <= 65_536, "{longest}");
    exchange(&mut connection, "and then whole");
    connection.send(&Header::new("streamed", "binary", 0), b"").unwrap();
    let (sum, _): (u64, usize) = connection.receive().unwrap().unwrap().json().unwrap();
    assert_eq!(sum, LENGTH);
}

/// Passes replies on to be sent later.
#[derive(Clone)]
struct Later(mpsc::Sender<Reply>);

impl Handler for Later {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        self.0.send(peer.reply_later()).unwrap();
    }
}

fn a_reply_sent_later_from_another_thread_arrives(driver: Driver) {
    let (sender, replies) = mpsc::channel();
    let limits = Limits::default().with_idle_timeout(Duration::from_millis(100));
    let server = driver.start(limits, Later(sender));
    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send(&Header::for_json(2), b"{}").unwrap();
    }
    // The peer is owed something, so neither its idleness nor its half close ends the connection, nor does a shutdown.
    connection.get_ref().shutdown(Shutdown::Write).unwrap();
    let first = replies.recv_timeout(PATIENCE).unwrap();
    let second = replies.recv_timeout(PATIENCE).unwrap();
    thread::sleep(Duration::from_millis(300));
    server.handle.shutdown(GRACE);
    thread::sleep(Duration::from_millis(100));
    drop(first);
    let thread = thread::spawn(move || second.queue(&header(b"at last"), "at last").unwrap());
    assert_eq!(receive(&mut connection).as_deref(), Some("at last"));
    assert_eq!(receive(&mut connection), None);
    thread.join().unwrap();
    server.join();
}

fn a_peer_that_is_owed_a_reply_is_not_idle(driver: Driver) {
    let (sender, replies) = mpsc::channel();
    let limits = Limits::default().with_idle_timeout(Duration::from_millis(100));
    let server = driver.start(limits, Later(sender));
    let mut connection = server.connect();
    connection.send(&Header::for_json(2), b"{}").unwrap();
    let reply = replies.recv_timeout(PATIENCE).unwrap();
    thread::sleep(Duration::from_millis(500));
    reply.queue(&header(b"at last"), "at last").unwrap();
    assert_eq!(receive(&mut connection).as_deref(), Some("at last"));
    // From here on it is.
    assert_eq!(receive(&mut connection), None);
}

#[test]
fn a_server_without_handlers_is_an_error() {
    let server = Server::bind("127.0.0.1:0", Limits::default()).unwrap();
    assert_eq!(server.run_workers(Vec::<Echo>::new()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// Closes after the first message.
#[derive(Clone)]
struct OneReply;

impl Handler for OneReply {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        peer.send(&message.header(), message.content()).unwrap();
        peer.close();
        assert!(matches!(peer.send(&Header::for_json(2), b"{}"), Err(Error::Closed)));
    }
}

fn a_connection_closed_by_handler_or_handle_ends_after_its_replies(driver: Driver) {
    let server = driver.start(Limits::default(), OneReply);
    let mut connection = server.connect();
    for _ in 0..3 {
        connection.send(&Header::for_json(2), b"{}").unwrap();
    }
    assert_eq!(receive(&mut connection).as_deref(), Some("{}"));
    assert_eq!(receive(&mut connection), None);
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut connection = server.connect();
    exchange(&mut connection, "before");
    server.handle.close(echo.peers.lock().unwrap()[0]);
    assert_eq!(receive(&mut connection), None);
}

/// A TCP peer may send a byte as urgent. It is not part of the stream, and what follows it is there at once.
fn what_follows_an_urgent_byte_is_handled_at_once(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
    for round in 0..20 {
        let mut connection = server.connect();
        if round % 2 == 0 {
            exchange(&mut connection, "before");
        }
        let whole = message(b"whole");
        let socket = socket2::SockRef::from(connection.get_ref());
        // A read ends before the urgent byte, whatever follows it.
        let cut = round * whole.len() / 20;
        socket.send(&whole[..cut]).unwrap();
        socket.send_out_of_band(b"!").unwrap();
        socket.send(&whole[cut..]).unwrap();
        assert_eq!(receive(&mut connection).as_deref(), Some("whole"), "{round}");
    }
}

/// A read that ends with a message is short, though another message has come after the urgent byte.
fn a_message_after_an_urgent_byte_between_messages_is_handled_without_another_event(driver: Driver) {
    let server = driver.start(Limits::default(), Echo::default());
    let mut connection = server.connect();
    exchange(&mut connection, "before");
    for _ in 0..50 {
        // All may have come when the server reads, or only a part.
        let socket = socket2::SockRef::from(connection.get_ref());
        socket.send(&message(b"one")).unwrap();
        socket.send_out_of_band(b"!").unwrap();
        socket.send(&message(b"two")).unwrap();
        assert_eq!([receive(&mut connection), receive(&mut connection)].map(Option::unwrap), ["one", "two"]);
    }
}

fn a_message_for_several_peers_reaches_those_and_no_other(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut connections = server.connect_in_order(9, &echo);
    let ids = echo.peers.lock().unwrap().clone();
    let long = vec![b'l'; 100_000];
    server.handle.queue(&ids[2..6], &header(&long), long).unwrap();
    server.handle.send(&[ids[8], ids[8]], &header(b"twice"), b"twice").unwrap();
    server.handle.send(&Vec::new(), &header(b"nobody"), b"nobody").unwrap();
    server.handle.queue(To::All, &header(b"all"), "all").unwrap();
    for (number, connection) in connections.iter_mut().enumerate() {
        match number {
            2..6 => assert_eq!(receive(connection).unwrap().len(), 100_000),
            8 => assert_eq!([receive(connection), receive(connection)].map(Option::unwrap), ["twice", "twice"]),
            _ => {}
        }
        assert_eq!(receive(connection).as_deref(), Some("all"), "{number}");
    }
}

/// Sends a value with a member of its own in each way there is.
#[derive(Clone)]
struct Extending;

impl Handler for Extending {
    type State = ();

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        let (reply, handle, id) = (peer.reply_later(), peer.handle(), peer.id());
        let extensions = [("id", 7.into())];
        peer.send_json_with(&["value"], &extensions).unwrap();
        reply.send_json_with(&["value"], &extensions).unwrap();
        handle.send_json_with(id, &["value"], &extensions).unwrap();
        // A name that the header has already.
        let twice = handle.send_json_with(id, "value", &[("content-type", 7.into())]);
        assert!(matches!(twice, Err(Error::Encode(_))));
    }
}

fn values_are_sent_with_extension_members_by_peer_reply_and_handle_alike(driver: Driver) {
    let server = driver.start(Limits::default(), Extending);
    let mut connection = server.connect();
    connection.send_json_with("request", &[("id", 7.into())]).unwrap();
    let mut received = Vec::new();
    for _ in 0..3 {
        received.push(connection.receive().unwrap().unwrap().into_message().unwrap());
    }
    assert_eq!(received[0].header().extension("id"), Some(7.into()));
    assert_eq!(received[0].content(), b"[\"value\"]");
    assert!(received.iter().all(|message| *message == received[0]));
}
