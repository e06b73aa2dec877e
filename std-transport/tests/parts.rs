//! What a connection, its halves, a session and a timed stream are made of comes out of them as it is.

mod common;

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use common::{Scripted, message};
use jsonframe_std::protocol::{Event, Header};
use jsonframe_std::{Connection, Fill, Session, Timed};

#[test]
fn halves_give_back_their_streams_and_what_was_read_ahead() {
    let stream = [message(b"first"), message(b"second")].concat();
    let connection = Connection::new(Scripted::reading(&stream));
    let (mut receiving, mut sending) = connection.split_with(Scripted::default());
    assert_eq!(receiving.receive().unwrap().unwrap().content().unwrap(), b"first");
    let (scripted, unread) = receiving.into_parts();
    assert_eq!([unread, scripted.input.into()].concat(), message(b"second"));

    sending.send(&Header::new("text/plain", "utf-8", 5), b"third").unwrap();
    assert_eq!(sending.into_inner().output, message(b"third"));
}

#[cfg(feature = "json")]
#[test]
fn values_are_sent_alike_by_all() {
    let value = ["a", "b"];
    let mut connection = Connection::new(Scripted::default());
    connection.send_json(&value).unwrap();
    let sent = connection.into_parts().0.output;
    assert!(sent.ends_with(br#""content-length": 10}["a", "b"]"#));

    let (_, mut half) = Connection::new(Scripted::default()).split_with(Scripted::default());
    half.send_json(&value).unwrap();
    assert_eq!(half.get_ref().output, sent);

    let mut session = Session::new(Scripted::default());
    assert_eq!(session.send_json(&value).unwrap(), jsonframe_std::Flush::Done);
    assert_eq!(session.get_ref().output, sent);
}

#[test]
fn a_session_reads_no_more_while_there_is_something_to_decode() {
    let stream = message(b"content");
    let mut session = Session::new(Scripted::reading(&stream));
    assert_eq!(session.needs(), 2);
    assert_eq!(session.fill().unwrap(), Fill::Data);
    let calls = session.get_ref().calls;
    assert_eq!(session.fill().unwrap(), Fill::Data);
    assert_eq!(session.get_ref().calls, calls);

    assert!(matches!(session.next_event().unwrap(), Some(Event::Header(_))));
    assert_eq!(session.needs(), 7);
    assert_eq!(session.next_event().unwrap(), Some(Event::Content(b"content")));
    assert_eq!(session.needs(), 0);
    assert_eq!(session.next_event().unwrap(), Some(Event::End));
    assert_eq!(session.needs(), 2);
}

#[test]
fn a_timed_stream_gives_back_the_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(7))).unwrap();
    let address = stream.local_addr().unwrap();
    let stream = Timed::new(stream).into_inner();
    assert_eq!(stream.local_addr().unwrap(), address);
    assert_eq!(stream.read_timeout().unwrap(), Some(Duration::from_secs(7)));
}
