//! The codecs under tokio-util's `FramedRead`, `FramedWrite` and `Framed`.
#![cfg(feature = "tokio")]

mod content;
mod end;
mod events;
mod json;
mod linear;
mod memory;
mod pieces;
mod sending;
mod vectors;

use jsonframe::{Header, Message};

/// Returns an encoded message.
fn wire(content: &[u8]) -> Vec<u8> {
    Message::new(Header::new("x/y", "binary", content.len() as u64), content).unwrap().to_vec().unwrap()
}

/// Returns the head of a message that announces `claim` bytes of content.
fn head(claim: u64) -> Vec<u8> {
    let mut buffer = [0; 256];
    Header::new("x/y", "binary", claim).encode(&mut buffer).unwrap().to_vec()
}
