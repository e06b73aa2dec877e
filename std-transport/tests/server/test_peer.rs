//! A peer without a connection behaves like one.

use std::thread;
use std::time::{Duration, Instant};

use jsonframe_std::Error;
use jsonframe_std::protocol::{Header, OwnedMessage};
use jsonframe_std::server::{Limits, TestPeer, To};

fn contents(messages: &[OwnedMessage]) -> Vec<&str> {
    messages.iter().map(|message| std::str::from_utf8(message.content()).unwrap()).collect()
}

#[test]
fn what_peer_reply_and_handle_send_is_there_in_order() {
    let mut test = TestPeer::new(Limits::default());
    let mut peer = test.peer();
    let (reply, handle, id) = (peer.reply_later(), peer.handle(), peer.id());
    peer.send(&Header::new("text", "utf-8", 4), b"sent").unwrap();
    // Longer than what is copied.
    let long = vec![b'x'; 100_000];
    peer.queue(&Header::new("text", "utf-8", 100_000), long).unwrap();
    thread::spawn(move || reply.send_json("later")).join().unwrap().unwrap();
    handle.send_json(id, "pushed").unwrap();
    handle.send_json(To::All, "to all").unwrap();
    handle.send_json(&[id, id], "twice").unwrap();
    let sent = test.take_sent().unwrap();
    let contents = contents(&sent);
    assert_eq!(contents[0], "sent");
    assert_eq!(contents[1].len(), 100_000);
    assert_eq!(contents[2..], ["\"later\"", "\"pushed\"", "\"to all\"", "\"twice\"", "\"twice\""]);
    assert_eq!(test.take_sent().unwrap(), []);
    assert!(!test.is_closed());
}

#[test]
fn what_is_sent_to_another_peer_is_not_there() {
    let [mut one, mut other] = [(); 2].map(|()| TestPeer::new(Limits::default()));
    one.peer().handle().send_json(other.peer().id(), "hello").unwrap();
    assert_eq!(one.take_sent().unwrap(), []);
    assert_eq!(other.take_sent().unwrap(), []);
}

#[test]
fn a_peer_that_is_closed_takes_nothing_more() {
    let mut test = TestPeer::new(Limits::default());
    let mut peer = test.peer();
    peer.send_json("last").unwrap();
    peer.close();
    assert!(matches!(peer.send_json("too late"), Err(Error::Closed)));
    assert!(test.is_closed());
    assert_eq!(contents(&test.take_sent().unwrap()), ["\"last\""]);

    let mut test = TestPeer::new(Limits::default());
    let (handle, id) = (test.peer().handle(), test.peer().id());
    handle.send_json(id, "last").unwrap();
    handle.close(id);
    handle.send_json(id, "too late").unwrap();
    assert!(test.is_closed());
    assert_eq!(contents(&test.take_sent().unwrap()), ["\"last\""]);
}

#[test]
fn a_lost_reply_closes_the_peer_and_a_dropped_one_does_not() {
    let mut test = TestPeer::new(Limits::default());
    drop(test.peer().reply_later());
    assert!(!test.is_closed());
    let reply = test.peer().reply_later();
    assert!(matches!(reply.send(&Header::for_json(3), b"{}"), Err(Error::Encode(_))));
    assert!(test.is_closed());
}

#[test]
fn the_deadline_that_was_set_last_is_there() {
    let mut test = TestPeer::new(Limits::default());
    assert_eq!(test.deadline(), None);
    let deadline = Instant::now() + Duration::from_secs(5);
    test.peer().set_deadline(Some(deadline));
    assert_eq!(test.deadline(), Some(deadline));
}
