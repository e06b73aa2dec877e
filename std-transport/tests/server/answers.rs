//! Which of the messages that a server sends answers a request with an id.

use std::io::Write;
use std::thread;
use std::time::Duration;

use jsonframe_std::protocol::{Header, Message, OwnedMessage};
use jsonframe_std::server::{CloseReason, ContentMode, Handler, Limits, Peer, TestPeer};
use jsonframe_std::{REPLY_TO, REQUEST_ID};

use crate::running::driver::{Driver, on_each_driver};

on_each_driver! {
    the_first_message_sent_while_a_request_is_handled_is_its_reply,
    last_words_answer_a_request_that_is_under_way_and_no_other,
}

/// Does what it is asked to, step by step.
#[derive(Clone, Copy)]
struct Obeying;

impl Handler for Obeying {
    type State = ();

    fn header(&mut self, _: &mut Peer<'_>, (): &mut (), header: &Header<'_>) -> ContentMode {
        if header.content_type() == "streamed" { ContentMode::Streamed { max: 1000 } } else { ContentMode::Whole }
    }

    fn message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        for step in message.json::<Vec<&str>>().unwrap() {
            match step {
                "send" => peer.send_json(step).unwrap(),
                "queue" => peer.queue(&Header::new("text", "", 5), "queue").unwrap(),
                "long" => {
                    let content = vec![b'x'; 20_000];
                    peer.send(&Header::new("text", "", 20_000), &content).unwrap();
                }
                "own" => peer.send_json_with(step, &[(REPLY_TO, 99.into())]).unwrap(),
                "handle" => peer.handle().send_json(peer.id(), step).unwrap(),
                "later" => {
                    let reply = peer.reply_later();
                    thread::spawn(move || reply.send_json("later").unwrap()).join().unwrap();
                }
                "later, long" => {
                    let reply = peer.reply_later();
                    thread::spawn(move || reply.queue(&Header::new("text", "", 4), "long").unwrap()).join().unwrap();
                }
                "later, own" => {
                    let reply = peer.reply_later();
                    thread::spawn(move || reply.send_json_with("own", &[(REPLY_TO, 98.into())]).unwrap())
                        .join()
                        .unwrap();
                }
                _ => panic!("{step}"),
            }
        }
    }

    fn end(&mut self, peer: &mut Peer<'_>, (): &mut ()) {
        peer.send_json("end").unwrap();
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, (): &mut (), _: &CloseReason) {
        let _ = peer.send_json("farewell");
    }
}

fn reply_to(message: &OwnedMessage) -> Option<u64> {
    message.header().extension(REPLY_TO).map(|id| id.as_u64().unwrap())
}

fn the_first_message_sent_while_a_request_is_handled_is_its_reply(driver: Driver) {
    let server = driver.start(Limits::default(), Obeying);
    let mut connection = server.connect();
    let cases: [(&[&str], &[Option<u64>]); 10] = [
        (&["send"], &[Some(0)]),
        (&["queue", "send"], &[Some(1), None]),
        (&["long", "queue", "send"], &[Some(2), None, None]),
        (&["own", "send"], &[Some(99), None]),
        // What is sent by other ways comes after what the handler sends.
        (&["handle", "send"], &[Some(4), None]),
        (&["later"], &[Some(5)]),
        (&["later, long", "send"], &[None, Some(6)]),
        (&["send", "later"], &[Some(7), None]),
        (&["later, own"], &[Some(98)]),
        (&[], &[]),
    ];
    for (id, (steps, expected)) in (0_u64..).zip(cases) {
        connection.send_json_with(steps, &[("a", 1.into()), (REQUEST_ID, id.into())]).unwrap();
        for expected in expected {
            let sent = connection.receive().unwrap().unwrap().into_message().unwrap();
            assert_eq!(reply_to(&sent), *expected, "{steps:?}: {sent:?}");
        }
    }
    // Without an id, or with none that may be one, there is nothing to be named; nor does it remember one.
    for id in [None, Some((1_u64 << 53).into()), Some((-1).into()), Some("7".into()), Some(true.into())] {
        let members: Vec<_> = id.map(|id| (REQUEST_ID, id)).into_iter().collect();
        connection.send_json_with(&["send"], &members).unwrap();
        let sent = connection.receive().unwrap().unwrap().into_message().unwrap();
        assert_eq!(reply_to(&sent), None, "{id:?}");
    }
    let greatest = (1_u64 << 53) - 1;
    let members = [(REQUEST_ID, greatest.into())];
    connection.send(&Header::new("streamed", "", 3).with_extensions(&members), b"abc").unwrap();
    let sent = connection.receive().unwrap().unwrap().into_message().unwrap();
    assert_eq!(reply_to(&sent), Some(greatest));
}

fn last_words_answer_a_request_that_is_under_way_and_no_other(driver: Driver) {
    let limits =
        Limits::default().with_rate_window(Duration::from_millis(50)).with_idle_timeout(Duration::from_millis(50));
    let server = driver.start(limits, Obeying);
    let members = [(REQUEST_ID, 7.into())];
    for (content, expected) in [(&b"a"[..], Some(7)), (b"[]", None)] {
        let mut connection = server.connect();
        let header = if expected.is_some() { Header::new("streamed", "", 3) } else { Header::for_json(2) };
        let message = [&encode(&header.with_extensions(&members))[..], content].concat();
        connection.get_mut().write_all(&message).unwrap();
        let sent = connection.receive().unwrap().unwrap().into_message().unwrap();
        assert_eq!((sent.json::<String>().unwrap().as_str(), reply_to(&sent)), ("farewell", expected));
    }
}

fn encode(header: &Header<'_>) -> Vec<u8> {
    let mut buffer = vec![0; header.encoded_len()];
    header.encode(&mut buffer).unwrap().to_vec()
}

#[test]
fn a_test_peer_names_the_request_that_it_is_lent_for_and_no_other() {
    let mut peer = TestPeer::new(Limits::default());
    let members = [(REQUEST_ID, 7.into())];
    let header = Header::for_json(2).with_extensions(&members);
    let mut lent = peer.peer_for(&header);
    let reply = lent.reply_later();
    lent.send_json("a push").unwrap();
    reply.send_json("the reply").unwrap();
    let _ = peer.peer_for(&header);
    peer.peer().send_json("a push").unwrap();
    let sent: Vec<_> = peer.take_sent().unwrap().iter().map(reply_to).collect();
    // A reply from elsewhere comes after what the handler has sent.
    assert_eq!(sent, [None, None, Some(7)]);
}

/// Both ends, which know each other's ids without a word of their users.
#[cfg(feature = "client")]
#[test]
fn a_client_with_ids_is_answered_out_of_order_by_handlers_that_know_nothing_of_them() {
    use jsonframe_std::client::{Client, Options};
    use jsonframe_std::server::{Reply, from_fn};
    use std::sync::{Arc, Mutex};

    let held = Arc::new(Mutex::new(Vec::<(Reply, u64)>::new()));
    let handler = from_fn(move |peer: &mut Peer<'_>, message: Message<'_>| {
        let mut held = held.lock().unwrap();
        held.push((peer.reply_later(), message.json::<u64>().unwrap()));
        if held.len() == 8 {
            for (reply, number) in held.drain(..).rev() {
                reply.send_json(&number).unwrap();
            }
        }
    });
    let server = Driver::Workers(1).start(Limits::default(), handler);
    let client = Client::connect(server.address, Options::default().with_ids()).unwrap();
    let threads = [0, 1, 2, 3, 4, 5, 6, 7].map(|thread| {
        let client = client.clone();
        thread::spawn(move || {
            for number in (0..50).map(|call| thread * 50 + call) {
                assert_eq!(client.call_json::<u64>(&number).unwrap(), number, "the answer to another call");
            }
        })
    });
    let _ = threads.map(|thread| thread.join().unwrap());
    assert_eq!(client.stats().dropped_pushes, 0);
}
