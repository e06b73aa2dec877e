//! The codec in tokio-util's own hands: `FramedRead`, `FramedWrite` and `Framed`.
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

/// A message as it is sent.
fn wire(content: &[u8]) -> Vec<u8> {
    Message::new(Header::new("x/y", "binary", content.len() as u64), content).unwrap().to_vec().unwrap()
}

/// The head of a message that announces this much content.
fn head(claim: u64) -> Vec<u8> {
    let mut buffer = [0; 256];
    Header::new("x/y", "binary", claim).encode(&mut buffer).unwrap().to_vec()
}
