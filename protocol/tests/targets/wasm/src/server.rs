//! Without features: one request, one answer, constant memory.

use jsonframe::{ByteOrder, Decoder, Event, Header};

const REQUEST: &[u8] = b"{\"action\": \"search\", \"value\": \"needle\"}";
const ANSWER: &[u8] = b"{\"result\": \"No match for \\\"needle\\\".\"}";

pub(crate) struct Server {
    decoder: Decoder<[u8; 128]>,
    /// What the content under way must still be.
    due: &'static [u8],
    answer: [u8; 256],
    length: usize,
}

impl Server {
    pub(crate) const fn new() -> Self {
        Self { decoder: Decoder::new([0; 128]), due: REQUEST, answer: [0; 256], length: 0 }
    }

    pub(crate) fn put(&mut self, byte: u8) -> Option<usize> {
        let mut input: &[u8] = &[byte];
        let mut length = 0;
        while let Some(event) = self.decoder.decode(&mut input).ok()? {
            match event {
                Event::Header(header) if header.content_type() != "text/json" => return None,
                Event::Header(_) => self.due = REQUEST,
                Event::Content(piece) => self.due = self.due.strip_prefix(piece)?,
                Event::End => {
                    let header = Header::for_json(ANSWER.len() as u64).with_byte_order(ByteOrder::Little);
                    let head = header.encode(&mut self.answer).ok()?.len();
                    length = head + ANSWER.len();
                    self.answer.get_mut(head..length)?.copy_from_slice(ANSWER);
                    self.length = length;
                }
            }
        }
        Some(length)
    }

    pub(crate) fn answer(&self) -> &[u8] {
        self.answer.get(..self.length).unwrap_or_default()
    }
}
