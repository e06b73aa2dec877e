//! How much memory is reserved for a peer.

use bytes::BytesMut;
use futures_util::{FutureExt, StreamExt};
use jsonframe::{Codec, CodecError, DecodeErrorKind};
use tokio::io::AsyncWriteExt;
use tokio_util::codec::{Decoder, Framed};

use crate::{head, wire};

/// The capacity that tokio-util begins with.
const BEGINNING: usize = 8 * 1024;

/// An announced length reserves nothing, neither at the header nor as content arrives.
#[test]
fn memory_follows_the_bytes_that_come_and_no_claim() {
    let (mut peer, stream) = tokio::io::duplex(1 << 20);
    let mut framed = Framed::new(stream, Codec::new().with_max_content(u64::MAX));
    peer.write_all(&head(u64::MAX)).now_or_never().unwrap().unwrap();
    let mut received = 0;
    while received < 10_000_000 {
        assert!(framed.next().now_or_never().is_none());
        let capacity = framed.read_buffer().capacity();
        assert!(capacity <= BEGINNING + 2 * received, "{capacity} bytes for {received}");
        let piece = vec![0; 1 + received / 3];
        received += piece.len().min(1 << 20);
        peer.write_all(&piece[..piece.len().min(1 << 20)]).now_or_never().unwrap().unwrap();
    }
    assert_eq!(framed.codec().header().unwrap().content_length(), u64::MAX);
}

#[test]
fn decoding_reserves_nothing_at_all() {
    for claim in [1, 100, 1 << 20, 1 << 40, u64::MAX] {
        let mut codec = Codec::new().with_max_content(u64::MAX);
        let mut source = BytesMut::from(head(claim).as_slice());
        let before = source.capacity();
        assert!(codec.decode(&mut source).unwrap().is_none());
        assert!(source.capacity() <= before);
    }
}

#[test]
fn every_limit_is_finite_and_can_be_moved() {
    let refused = |codec: Codec, stream: &[u8]| match codec.clone().decode(&mut BytesMut::from(stream)) {
        Err(CodecError::Decode(error)) => Some(error.kind()),
        _ => None,
    };
    let mib = 16 << 20;
    let codec = Codec::default();
    assert_eq!(refused(codec.clone(), &head(mib)), None);
    let error = DecodeErrorKind::ContentTooLong { length: mib + 1, limit: mib };
    assert_eq!(refused(codec.clone(), &head(mib + 1)), Some(error));
    assert_eq!(refused(codec.clone().with_max_content(u64::MAX), &head(u64::MAX)), None);
    let error = DecodeErrorKind::ContentTooLong { length: 1, limit: 0 };
    assert_eq!(refused(codec.clone().with_max_content(0), &head(1)), Some(error));
    assert_eq!(refused(codec.clone().with_max_content(0), &head(0)), None);

    assert_eq!(refused(codec.clone(), &[0x40, 0]), None);
    let error = DecodeErrorKind::HeaderTooLong { length: 0x4001, capacity: 0x4000 };
    assert_eq!(refused(codec.clone(), &[0x40, 1]), Some(error));
    assert_eq!(refused(codec.clone().with_max_header(u16::MAX), &[0xFF, 0xFF]), None);
    let error = DecodeErrorKind::HeaderTooLong { length: 10, capacity: 9 };
    assert_eq!(refused(codec.with_max_header(9), &[0, 10]), Some(error));
}

/// Otherwise a stream would keep the memory of its largest message.
#[test]
fn the_memory_of_a_large_content_goes_with_it() {
    let large = vec![1; 5_000_000];
    let stream = [wire(&large), wire(b"and a small one")].concat();
    let (mut peer, there) = tokio::io::duplex(64 * 1024);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let sending = tokio::spawn(async move { peer.write_all(&stream).await.map(|()| peer) });
        let mut framed = Framed::new(there, Codec::new());
        let message = framed.next().await.unwrap().unwrap();
        assert_eq!(message.content(), large);
        let capacity = framed.read_buffer().capacity();
        assert!(capacity <= 128 * 1024, "{capacity} bytes stay reserved");
        drop(message);
        let message = framed.next().await.unwrap().unwrap();
        assert_eq!(message.content(), b"and a small one");
        let capacity = framed.read_buffer().capacity();
        assert!(capacity <= 64 * 1024, "{capacity} bytes are kept");
        // The peer is still there, so this is not the end.
        let peer = sending.await.unwrap().unwrap();
        assert!(framed.next().now_or_never().is_none());
        drop(peer);
    });
}

/// The rest of the buffer is moved after a large message.
#[test]
fn messages_after_large_content_are_kept() {
    let contents: Vec<Vec<u8>> = [70_000, 3, 200_000, 0, 65_536, 65_535, 90_000]
        .iter()
        .enumerate()
        .map(|(number, length)| vec![u8::try_from(number).unwrap(); *length])
        .collect();
    let stream: Vec<u8> = contents.iter().flat_map(|content| wire(content)).collect();
    let mut source = BytesMut::from(stream.as_slice());
    let mut codec = Codec::new();
    for content in &contents {
        assert_eq!(codec.decode(&mut source).unwrap().unwrap().content(), content);
    }
    assert!(source.is_empty());
}
