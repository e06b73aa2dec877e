//! With `json`: content is read as one type and written as another.

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use jsonframe::{Assembler, ByteOrder, Growable, Header, Message};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Request {
    action: String,
    value: String,
}

#[derive(Serialize)]
struct Answer {
    result: String,
}

pub(crate) struct Server {
    assembler: Assembler<[u8; 128], Growable>,
    answer: Vec<u8>,
}

impl Server {
    pub(crate) const fn new() -> Self {
        Self { assembler: Assembler::new([0; 128], Growable::with_limit(1024)), answer: Vec::new() }
    }

    pub(crate) fn put(&mut self, byte: u8) -> Option<usize> {
        let mut input: &[u8] = &[byte];
        let Some(message) = self.assembler.decode(&mut input).ok()? else { return Some(0) };
        let request = message.json::<Request>().ok().filter(|request| request.action == "search")?;
        let result = ["No match for \"", &request.value, "\"."].concat();
        let content = jsonframe::to_json(&Answer { result }).ok()?;
        let header = Header::for_json(content.len() as u64).with_byte_order(ByteOrder::Little);
        self.answer = Message::new(header, &content).ok()?.to_vec().ok()?;
        Some(self.answer.len())
    }

    pub(crate) fn answer(&self) -> &[u8] {
        &self.answer
    }
}
