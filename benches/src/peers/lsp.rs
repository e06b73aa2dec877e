//! [lsp-server](https://docs.rs/lsp-server), which frames the messages of the Language Server Protocol by a
//! `Content-Length` header as HTTP does.
//!
//! Its framing cannot be had without its reading of the content, so both sides read the same content into its type.

use std::hint::black_box;

use jsonframe::{Decoder, Event};
use lsp_server::Message;

use crate::ours::room;
use crate::sink::Sink;
use crate::work::Work;

const CONTENT: &str = r#"{"jsonrpc":"2.0","method":"search","params":"needle"}"#;

/// Decodes so many messages in the form of the Language Server Protocol.
#[derive(Debug)]
pub struct Theirs(Vec<u8>);

impl Theirs {
    /// So many messages.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(format!("Content-Length: {}\r\n\r\n{CONTENT}", CONTENT.len()).repeat(count).into_bytes())
    }
}

impl Work for Theirs {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let mut input = black_box(self.0.as_slice());
        while let Some(message) = Message::read(&mut input).expect("a valid stream") {
            look(&message, sink);
        }
    }
}

/// Decodes so many messages with the same content in our form.
#[derive(Debug)]
pub struct Ours {
    stream: Vec<u8>,
    decoder: Decoder<Box<[u8]>>,
}

impl Ours {
    /// So many messages.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let header = jsonframe::Header::for_json(CONTENT.len() as u64);
        let mut message = vec![0; header.encoded_len()];
        header.encode(&mut message).expect("a header that can be sent");
        message.extend_from_slice(CONTENT.as_bytes());
        Self { stream: message.repeat(count), decoder: Decoder::new(room()) }
    }
}

impl Work for Ours {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let mut input = black_box(self.stream.as_slice());
        while let Some(event) = self.decoder.decode(&mut input).expect("a valid stream") {
            if let Event::Content(content) = event {
                look(&serde_json::from_slice(content).expect("a valid message"), sink);
            }
        }
    }
}

fn look<S: Sink>(message: &Message, sink: &mut S) {
    let Message::Notification(notification) = message else { panic!("a notification was sent") };
    sink.content(notification.method.as_bytes());
    sink.content(notification.params.as_str().expect("a text").as_bytes());
    sink.end();
}
