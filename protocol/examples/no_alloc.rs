//! Decodes messages and answers them, with fixed buffers and no allocator: `cargo run -p jsonframe --example no_alloc`.

use jsonframe::{ByteOrder, DecodeError, Decoder, EncodeError, Event, Header};

/// Answers each message with the number of its words.
struct Device {
    decoder: Decoder<[u8; 256]>,
    words: u64,
    in_word: bool,
    out: [u8; 256],
}

impl Device {
    const fn new() -> Self {
        Self { decoder: Decoder::new([0; 256]), words: 0, in_word: false, out: [0; 256] }
    }

    /// Takes bytes from an interrupt, a DMA buffer or a radio, however they are cut.
    fn take(&mut self, mut input: &[u8], mut send: impl FnMut(&[u8])) -> Result<(), DecodeError> {
        while let Some(event) = self.decoder.decode(&mut input)? {
            match event {
                Event::Header(_) => (self.words, self.in_word) = (0, false),
                // Content may be of any length, because none of it is kept.
                Event::Content(piece) => {
                    for byte in piece {
                        let is_letter = byte.is_ascii_alphanumeric();
                        self.words += u64::from(is_letter && !self.in_word);
                        self.in_word = is_letter;
                    }
                }
                Event::End => match self.answer() {
                    Ok(head) => send(head),
                    Err(error) => eprintln!("no answer: {error}"),
                },
            }
        }
        Ok(())
    }

    /// Encodes an answer without content: the header says everything.
    fn answer(&mut self) -> Result<&[u8], EncodeError> {
        let members = [("words", self.words.into())];
        let header = Header::new("text/plain", "utf-8", 0).with_byte_order(ByteOrder::Big).with_extensions(&members);
        header.encode(&mut self.out)
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut device = Device::new();
    for text in ["to be, or not to be", "", "that is the question"] {
        let mut head = [0; 128];
        let head = Header::new("text/plain", "utf-8", text.len() as u64).encode(&mut head)?;
        for piece in head.chunks(16).chain(text.as_bytes().chunks(3)) {
            device.take(piece, |answer| println!("{text:?}: {}", answer[2..].escape_ascii()))?;
        }
    }
    device.decoder.finish()?;
    Ok(())
}
