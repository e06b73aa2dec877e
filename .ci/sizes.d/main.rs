//! A program that uses the core of jsonframe, and one feature more. What it does is of no account, only that none of it
//! can be left out.

use std::hint::black_box;
use std::io::Read;

#[cfg(feature = "core")]
use jsonframe::Header;
#[cfg(feature = "core")]
use jsonframe::{Decoder, Event};

fn main() {
    let mut input = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut input);
    #[cfg(feature = "core")]
    core_alone(&input);
    #[cfg(feature = "alloc")]
    whole(&input, jsonframe::Growable::with_limit(black_box(1000)));
    #[cfg(feature = "heapless")]
    whole(&input, heapless::Vec::<u8, 512>::new());
    #[cfg(feature = "json")]
    json(&input);
    #[cfg(feature = "text")]
    text(&input);
    #[cfg(feature = "tokio")]
    tokio(&input);
    #[cfg(feature = "embedded-io")]
    embedded(&input);
    #[cfg(feature = "embedded-io-async")]
    embedded_async(&input);
    #[cfg(feature = "sha256")]
    sha256(&input);
    black_box(&input);
}

#[cfg(feature = "core")]
fn core_alone(mut input: &[u8]) {
    let mut decoder = Decoder::new([0; 256]);
    while let Ok(Some(event)) = decoder.decode(&mut input) {
        match event {
            Event::Header(header) => _ = black_box(header.content_type()),
            Event::Content(piece) => _ = black_box(piece),
            Event::End => {}
        }
    }
    let _ = black_box(decoder.finish());
    let mut buffer = [0; 256];
    let _ = black_box(Header::new(black_box("a"), black_box("b"), black_box(3)).encode(&mut buffer));
}

#[cfg(any(feature = "alloc", feature = "heapless"))]
fn whole(mut input: &[u8], storage: impl jsonframe::Storage) {
    let mut assembler = jsonframe::Assembler::new([0; 256], storage);
    while let Ok(Some(message)) = assembler.decode(&mut input) {
        black_box(message.content());
    }
}

#[cfg(feature = "json")]
fn json(input: &[u8]) {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Request {
        action: String,
        value: String,
    }
    if let Ok(message) = jsonframe::Message::new(Header::for_json(input.len() as u64), input)
        && let Ok(request) = message.json::<Request>()
    {
        let _ = black_box(jsonframe::to_json_message(&request));
    }
}

#[cfg(feature = "text")]
fn text(input: &[u8]) {
    let header = Header::new("text/plain", black_box("latin-1"), input.len() as u64);
    if let Ok(message) = jsonframe::Message::new(header, input) {
        let _ = black_box(message.text());
    }
}

#[cfg(feature = "tokio")]
fn tokio(input: &[u8]) {
    use tokio_util::codec::{Decoder as _, Encoder as _};
    let mut codec = jsonframe::Codec::new();
    let mut source = bytes::BytesMut::from(input);
    while let Ok(Some(message)) = codec.decode(&mut source) {
        let mut out = bytes::BytesMut::new();
        let _ = codec.encode(message, &mut out);
        black_box(out);
    }
}

#[cfg(feature = "embedded-io")]
fn embedded(input: &[u8]) {
    let mut receiver = jsonframe::embedded::Receiver::new(input, [0; 256]);
    let mut room = [0; 256];
    if let Ok(Some(mut incoming)) = receiver.receive() {
        let _ = black_box(incoming.message(&mut room));
    }
    let mut out = [0; 256];
    let mut sender = jsonframe::embedded::Sender::new(&mut out[..], [0; 128]);
    let _ = black_box(sender.send(&Header::for_json(1), black_box(b"1")));
}

#[cfg(feature = "embedded-io-async")]
fn embedded_async(input: &[u8]) {
    let future = async {
        let mut receiver = jsonframe::embedded::Receiver::new(input, [0; 256]);
        let mut room = [0; 256];
        if let Ok(Some(mut incoming)) = receiver.receive_async().await {
            let _ = black_box(incoming.message_async(&mut room).await);
        }
        let mut out = [0; 256];
        let mut sender = jsonframe::embedded::Sender::new(&mut out[..], [0; 128]);
        let _ = black_box(sender.send_async(&Header::for_json(1), black_box(b"1")).await);
    };
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = black_box(std::pin::pin!(future).as_mut().poll(&mut context));
}

#[cfg(feature = "sha256")]
fn sha256(input: &[u8]) {
    black_box(jsonframe::Checksum::of(input).to_hex());
}
