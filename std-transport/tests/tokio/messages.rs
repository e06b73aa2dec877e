//! Messages both ways, halves, limits and dialects.

use jsonframe_std::Error;
use jsonframe_std::protocol::{DecodeErrorKind, Dialect};
use jsonframe_std::tokio::{Connection, ReceivingHalf, SendingHalf};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};

use crate::halting::{header, wire};

#[test]
fn futures_can_go_to_other_threads() {
    fn is_send<F: Future + Send>(_: fn(&'static mut Connection<DuplexStream>) -> F) {}
    let futures = |connection: &'static mut Connection<DuplexStream>| async move {
        connection.send(&header(b""), b"").await?;
        connection.send_stream(&header(b""), &mut tokio::io::empty()).await?;
        let message = connection.receive().await?.expect("a message");
        drop(message.into_message().await?);
        connection.receive_message().await
    };
    is_send(futures);
}

async fn send<W: tokio::io::AsyncWrite + Unpin>(mut sending: SendingHalf<W>) {
    for number in 0..1000_u32 {
        let content = vec![b'x'; number as usize * 37];
        sending.send(&header(&content), &content).await.unwrap();
    }
    sending.finish().await.unwrap();
}

async fn receive<R: tokio::io::AsyncRead + Unpin>(mut receiving: ReceivingHalf<R>) {
    let mut count = 0;
    while let Some(message) = receiving.receive_message().await.unwrap() {
        assert_eq!(message.content().len(), count * 37);
        count += 1;
    }
    assert_eq!(count, 1000);
}

#[tokio::test]
async fn two_tasks_use_the_halves_of_both_ends_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Connection::connect(listener.local_addr().unwrap()).await.unwrap();
    assert!(client.get_ref().nodelay().unwrap());
    let server = Connection::new(listener.accept().await.unwrap().0);

    let (client_in, client_out) = client.split_with(TcpStream::into_split);
    let (server_in, server_out) = server.split();
    tokio::join!(send(client_out), send(server_out), receive(client_in), receive(server_in));
}

#[tokio::test]
async fn content_over_the_limit_is_refused_at_its_header() {
    let (mut peer, stream) = duplex(1024);
    let mut connection = Connection::new(stream).with_max_content(4);
    peer.write_all(&wire(&[b"1234"])).await.unwrap();
    peer.write_all(&wire(&[b"12345"])[..110]).await.unwrap();
    assert_eq!(connection.receive().await.unwrap().unwrap().content().await.unwrap(), b"1234");
    for _ in 0..2 {
        let Err(Error::Decode(error)) = connection.receive().await else { panic!("it is too long") };
        assert!(matches!(error.kind(), DecodeErrorKind::ContentTooLong { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_header_over_the_limit_is_refused_when_it_is_announced() {
    let (mut peer, stream) = duplex(1024);
    let mut connection = Connection::new(stream).with_max_header(50);
    peer.write_all(&wire(&[b""])[..2]).await.unwrap();
    assert!(matches!(connection.receive().await, Err(Error::Decode(_))));
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_message_is_an_error_with_what_is_missing() {
    let whole = wire(&[b"12345"]);
    for (cut, missing) in [(whole.len() - 2, 2), (whole.len() - 5, 5)] {
        let mut connection = Connection::new(&whole[..cut]);
        for _ in 0..2 {
            let Err(Error::Decode(error)) = connection.receive_message().await else { panic!("it is cut off") };
            assert!(error.to_string().contains(&format!("{missing} ")), "{error}");
        }
    }
    assert!(Connection::new(&whole[..1]).receive().await.is_err());
    assert!(Connection::new(&whole[..0]).receive().await.unwrap().is_none());
}

#[tokio::test]
async fn no_byte_after_the_message_is_lost_when_the_stream_is_given_back() {
    let bytes = [wire(&[b"hello"]), b"another protocol".to_vec()].concat();
    let mut connection = Connection::new(&bytes[..]);
    assert_eq!(connection.receive().await.unwrap().unwrap().content().await.unwrap(), b"hello");
    let (stream, mut unread) = connection.into_parts();
    unread.extend_from_slice(stream);
    assert_eq!(unread, b"another protocol");
}

#[tokio::test]
async fn content_of_which_some_was_read_cannot_be_had_whole() {
    let bytes = wire(&[b"hello", b"next"]);
    let (mut from, mut to) = (Connection::new(&bytes[..]), Connection::new(Vec::new()));
    let mut message = from.receive().await.unwrap().unwrap();
    tokio::io::AsyncReadExt::read_u8(&mut message).await.unwrap();
    assert!(matches!(message.content().await, Err(Error::AlreadyRead { read: 1 })));
    assert!(matches!(to.forward(&mut message).await, Err(Error::AlreadyRead { read: 1 })));
    assert!(matches!(message.into_parts(), Err(Error::AlreadyRead { read: 1 })));
    assert!(to.get_ref().is_empty());
    assert_eq!(from.receive_message().await.unwrap().unwrap().content(), b"next");
}

#[tokio::test]
async fn a_connection_speaks_its_dialect_both_ways() {
    static DIALECT: Dialect = Dialect::STANDARD;
    let (client, server) = duplex(1024);
    let mut client = Connection::new(client).with_dialect(&DIALECT);
    let mut server = Connection::new(server).with_dialect(&DIALECT);
    client.send_json("hello").await.unwrap();
    assert_eq!(server.receive().await.unwrap().unwrap().json::<String>().await.unwrap(), "hello");
}
