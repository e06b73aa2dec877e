//! Decodes messages and answers them on fixed buffers, without an allocator: `cargo run --example no_alloc`.

use jsonframe::{ByteOrder, DecodeError, Decoder, EncodeError, Event, Header};

/// Answers the words of each message by how many they are.
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

    /// Takes what an interrupt, a DMA buffer or a radio has brought, however it is cut.
    fn take(&mut self, mut input: &[u8], mut send: impl FnMut(&[u8])) -> Result<(), DecodeError> {
        while let Some(event) = self.decoder.decode(&mut input)? {
            match event {
                Event::Header(_) => (self.words, self.in_word) = (0, false),
                // Content of any length passes by; nothing of it is kept.
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

    /// An answer without content: what there is to say stands in its header.
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
