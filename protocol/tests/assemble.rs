//! Whole messages, over storage of fixed capacity and over storage that grows.
#![cfg(all(feature = "alloc", feature = "heapless"))]

mod common;

use common::random::{Parts, cuts, message};
use common::{cut, framed};
use jsonframe::{
    Assembler, ByteOrder, DecodeError, DecodeErrorKind, EncodeError, Growable, Header, Message, OwnedHeader, Storage,
};
use proptest::collection::vec;
use proptest::prelude::*;

const LIMIT: usize = 300;

/// Returns the messages of a stream in these pieces, each encoded again, and the error after them.
fn assemble<S: Storage>(pieces: &[&[u8]], content: S) -> (Vec<Vec<u8>>, Result<(), DecodeError>) {
    let mut assembler = Assembler::new([0; 65_535], content);
    let mut messages = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match assembler.decode(&mut input) {
                Ok(Some(message)) => messages.push(message.to_vec().unwrap()),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(assembler.decode(&mut input), Err(error));
                    return (messages, Err(error));
                }
            }
        }
        assert!(input.is_empty());
    }
    (messages, assembler.finish())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_storages_give_the_messages_that_were_sent(messages in vec(message(), 0..5), sizes in cuts()) {
        let sent: Vec<Vec<u8>> = messages.iter().map(Parts::encoded).collect();
        let stream = sent.concat();
        let pieces = cut(&stream, &sizes);
        prop_assert_eq!(assemble(&pieces, heapless::Vec::<u8, LIMIT>::new()), (sent.clone(), Ok(())));
        prop_assert_eq!(assemble(&pieces, Growable::with_limit(LIMIT)), (sent, Ok(())));
    }

    #[test]
    fn content_over_the_limit_is_refused_at_its_header(message in message(), sizes in cuts()) {
        prop_assume!(message.content.len() > 8);
        let sent = message.encoded();
        let (length, head) = (message.content.len() as u64, sent.len() - message.content.len());
        let stream = [Header::for_json(0), Header::for_json(0)].map(|header| header_bytes(&header)).concat();
        let before = stream.len();
        let stream = [stream, sent].concat();
        for outcome in [
            assemble(&cut(&stream, &sizes), heapless::Vec::<u8, 8>::new()),
            assemble(&cut(&stream, &sizes), Growable::with_limit(8)),
            // The header alone is enough to refuse it.
            assemble(&[&stream[..before + head]], Growable::with_limit(8)),
        ] {
            prop_assert_eq!(outcome.0.len(), 2);
            let error = outcome.1.unwrap_err();
            prop_assert_eq!(error.kind(), DecodeErrorKind::ContentTooLong { length, limit: 8 });
            prop_assert_eq!(error.offset(), (before + head) as u64);
        }
    }

    #[test]
    fn an_owned_header_is_the_header(message in message()) {
        let extensions = message.extensions();
        let header = message.header(&extensions);
        let kept = OwnedHeader::new(&header, Growable::with_limit(65_535))?;
        prop_assert_eq!(kept.header(), header);
        let again = OwnedHeader::new(&kept.header(), heapless::Vec::<u8, 65_535>::new())?;
        prop_assert_eq!(again.header(), header);
    }
}

fn header_bytes(header: &Header<'_>) -> Vec<u8> {
    let mut bytes = vec![0; header.encoded_len()];
    header.encode(&mut bytes).unwrap();
    bytes
}

/// Nested JSON was once spaced anew, which changed the header, and could make it too long to keep.
#[test]
fn a_received_header_is_kept_as_it_was_received() {
    let before = r#"{"byteorder":"big","content-type":"a\u002fb","content-encoding":"y","content-length":0"#;
    let numbers = "0,".repeat(32_000);
    let header = format!("{before},\"caf\\u00e9\":\"\\n\",\"x\":[{numbers}0]}}");
    let stream = framed(header.as_bytes());
    let mut assembler = Assembler::new([0; 65_535], Growable::with_limit(0));
    let received = assembler.decode(&mut stream.as_slice()).unwrap().unwrap().header();

    let kept = OwnedHeader::new(&received, Growable::with_limit(70_000)).unwrap();
    assert_eq!(kept.header(), received);
    assert_eq!(kept.header().content_type(), "a/b");
    assert_eq!(kept.header().extension("café").and_then(|value| value.as_str()), Some("\n"));
    assert_eq!(OwnedHeader::new(&kept.header(), Growable::with_limit(70_000)).unwrap().header(), received);
    assert!(matches!(
        OwnedHeader::new(&received, Growable::with_limit(1000)),
        Err(EncodeError::BufferTooSmall { available: 1000, .. })
    ));
}

#[test]
fn earlier_bytes_in_a_storage_are_not_content() {
    let mut storage = heapless::Vec::<u8, 16>::new();
    storage.extend_from_slice(b"stale").unwrap();
    let stream = Message::new(Header::for_json(2), b"{}").unwrap().to_vec().unwrap();
    let (messages, outcome) = assemble(&stream.chunks(1).collect::<Vec<_>>(), storage);
    assert_eq!((messages, outcome), (vec![stream], Ok(())));
}

#[test]
fn headers_that_differ_in_any_member_are_not_equal() {
    let extensions = [("a", 1.into())];
    let header = Header::new("x", "y", 1).with_extensions(&extensions);
    assert_eq!(header, Header::new("x", "y", 1).with_extensions(&extensions));
    for other in [
        Header::new("z", "y", 1).with_extensions(&extensions),
        Header::new("x", "z", 1).with_extensions(&extensions),
        Header::new("x", "y", 2).with_extensions(&extensions),
        Header::new("x", "y", 1),
        header.with_byte_order(if ByteOrder::NATIVE == ByteOrder::Big { ByteOrder::Little } else { ByteOrder::Big }),
    ] {
        assert_ne!(header, other);
    }
}

#[test]
fn content_in_one_piece_is_borrowed_from_the_input() {
    let stream = Message::new(Header::for_json(2), b"{}").unwrap().to_vec().unwrap();
    let mut assembler = Assembler::new([0; 256], Growable::with_limit(2));
    let mut input = stream.as_slice();
    let message = assembler.decode(&mut input).unwrap().unwrap();
    assert_eq!(message.content().as_ptr_range().end, stream.as_ptr_range().end);
    assert_eq!(assembler.position(), stream.len() as u64);
}

#[test]
fn memory_never_exceeds_the_limit_however_it_is_filled() {
    for step in 1..=120 {
        let mut storage = Growable::with_limit(1000);
        while storage.append(&vec![0; step]).is_ok() {
            assert!(storage.capacity() <= 1000, "{} in steps of {step}", storage.capacity());
        }
        assert_eq!(storage.as_ref().len(), 1000 / step * step);
    }
}

#[test]
fn a_growable_storage_gives_its_bytes_away() {
    let mut storage = Growable::with_limit(8);
    storage.append(b"kept").unwrap();
    assert_eq!(storage.into_vec(), b"kept");
}

/// A storage that is below its limit, but out of memory.
#[derive(Default)]
struct Exhausted([u8; 0]);

impl AsRef<[u8]> for Exhausted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Exhausted {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Storage for Exhausted {
    fn limit(&self) -> usize {
        usize::MAX
    }

    fn clear(&mut self) {}

    fn append(&mut self, _: &[u8]) -> Result<(), jsonframe::StorageFull> {
        Err(jsonframe::StorageFull)
    }
}

#[test]
fn a_storage_without_memory_is_an_error() {
    let stream = Message::new(Header::for_json(2), b"{}").unwrap().to_vec().unwrap();
    let (messages, outcome) = assemble(&stream.chunks(1).collect::<Vec<_>>(), Exhausted::default());
    assert!(messages.is_empty());
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.kind().name()), (DecodeErrorKind::OutOfMemory, "out-of-memory"));
}

/// Law 4: no allocation follows an announced length.
#[test]
fn an_announced_length_reserves_nothing() {
    let announced = u64::MAX.to_string();
    let json = header_bytes(&Header::for_json(0));
    let json = String::from_utf8(json[2..].to_vec()).unwrap();
    let stream = framed(json.replace(": 0}", &format!(": {announced}}}")).as_bytes());

    let mut content = Growable::with_limit(usize::MAX);
    content.append(b"kept from before").unwrap();
    content.clear();
    let capacity = content.capacity();
    let mut assembler = Assembler::new([0; 256], content.clone());
    let mut input = stream.as_slice();
    assert_eq!(assembler.decode(&mut input), Ok(None));
    assert_eq!(assembler.needs(), u64::MAX);
    assert_eq!(assembler.decode(&mut &b"one"[..]), Ok(None));
    assert_eq!(assembler.finish().unwrap_err().kind(), DecodeErrorKind::Truncated { missing: u64::MAX - 3 });
    assert!(capacity < 64);
}

#[test]
fn a_header_that_does_not_fit_is_not_kept() {
    let header = Header::new("text/plain", "utf-8", 12);
    let error = OwnedHeader::new(&header, heapless::Vec::<u8, 14>::new()).unwrap_err();
    assert_eq!(error, EncodeError::BufferTooSmall { needed: 15, available: 14 });
    assert_eq!(OwnedHeader::new(&header, heapless::Vec::<u8, 15>::new()).unwrap().header(), header);

    let extensions = [("x", 1_u64.into())];
    let header = header.with_extensions(&extensions);
    let length = header.to_string().len();
    let error = OwnedHeader::new(&header, heapless::Vec::<u8, 64>::new()).unwrap_err();
    assert_eq!(error, EncodeError::BufferTooSmall { needed: length, available: 64 });

    let long = "x".repeat(60_000);
    let header = Header::new(&long, "y", 0);
    assert_eq!(OwnedHeader::new(&header, Growable::with_limit(65_535)).unwrap().header(), header);
    let longer = "x".repeat(70_000);
    let error = OwnedHeader::new(&Header::new(&longer, "y", 0), Growable::with_limit(100_000)).unwrap_err();
    assert!(matches!(error, EncodeError::HeaderTooLong { .. }));

    let extensions = [("byteorder", "big".into())];
    let error = OwnedHeader::new(&header.with_extensions(&extensions), Growable::with_limit(1000)).unwrap_err();
    assert!(matches!(error, EncodeError::ReservedName { .. }));
}

/// While `append` had the name of a method of heapless that panics, that method was called.
#[test]
fn appending_to_a_full_heapless_storage_is_an_error_and_no_panic() {
    let mut storage = heapless::Vec::<u8, 4>::new();
    assert_eq!(storage.append(b"abcd"), Ok(()));
    assert_eq!(storage.append(b"e"), Err(jsonframe::StorageFull));
    assert_eq!(storage, b"abcd");
}
