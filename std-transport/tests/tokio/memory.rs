//! Content of any length takes constant memory, with small messages on the same stream.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::{cmp, io};

use jsonframe_std::UNLIMITED;
use jsonframe_std::protocol::Header;
use jsonframe_std::tokio::Connection;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// More than all the memory together that may hold content on its way.
const LENGTH: u64 = 16 * 1024 * 1024;
/// What the sender holds, what the stream holds, and what the receiver reads ahead.
const HELD: u64 = (64 + 16 + 8) * 1024;

/// A source that counts what it has given, each byte of which says where it belongs.
struct Counting(Arc<AtomicU64>);

impl AsyncRead for Counting {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let given = self.0.load(Ordering::Relaxed);
        let piece: Vec<u8> = (given..).take(buffer.remaining()).map(byte).collect();
        buffer.put_slice(&piece);
        self.0.fetch_add(piece.len() as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

fn byte(position: u64) -> u8 {
    (position % 251) as u8
}

#[tokio::test]
async fn long_content_is_never_held_in_more_than_constant_memory() {
    let (client, server) = tokio::io::duplex(16 * 1024);
    let given = Arc::new(AtomicU64::new(0));
    let mut source = Counting(Arc::clone(&given));
    let sender = tokio::spawn(async move {
        let mut client = Connection::new(client);
        client.send_json("before").await.unwrap();
        client.send_stream(&Header::new("text/plain", "utf-8", LENGTH), &mut source).await.unwrap();
        client.send_json("after").await.unwrap();
        assert_eq!(client.queued(), 0);
        client.finish().await.unwrap();
    });

    let mut server = Connection::new(server).with_max_content(UNLIMITED);
    assert_eq!(server.receive().await.unwrap().unwrap().json::<String>().await.unwrap(), "before");
    let mut message = server.receive().await.unwrap().unwrap();
    let mut buffer = vec![0; 10_000];
    let (mut received, mut most) = (0, 0);
    loop {
        let count = message.read(&mut buffer).await.unwrap();
        if count == 0 {
            break;
        }
        assert!((received..).zip(&buffer[..count]).all(|(position, read)| byte(position) == *read));
        received += count as u64;
        most = cmp::max(most, given.load(Ordering::Relaxed) - received);
    }
    assert_eq!((received, given.load(Ordering::Relaxed)), (LENGTH, LENGTH));
    assert!(most <= HELD, "{most} bytes were on their way");
    assert_eq!(server.receive().await.unwrap().unwrap().json::<String>().await.unwrap(), "after");
    assert!(server.receive().await.unwrap().is_none());
    sender.await.unwrap();
}
