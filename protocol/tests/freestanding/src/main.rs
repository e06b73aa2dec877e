//! Decodes the golden request one byte at a time and answers it, with nothing under it but the kernel.
//!
//! Exits with 0 if request and answer are what they should be, and prints the answer; with the number of the check that
//! failed otherwise.
#![no_std]
#![no_main]

mod platform;

use jsonframe::{ByteOrder, Decoder, Event, Header, Outgoing};
use platform::{exit, print};

const REQUEST: &[u8] =
    b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \"content-encoding\": \"utf-8\", \
    \"content-length\": 39}{\"action\": \"search\", \"value\": \"needle\"}";

const ANSWER: &[u8] = b"{\"result\": \"No match for \\\"needle\\\".\"}";

#[unsafe(no_mangle)]
extern "C" fn run() -> ! {
    if let Err(check) = check() {
        exit(check);
    }
    #[cfg(feature = "heapless")]
    if let Err(check) = check_heapless() {
        exit(check);
    }
    exit(0)
}

fn check() -> Result<(), u8> {
    let mut decoder = Decoder::new([0; 128]);
    let (mut content, mut ends) = (0, 0);
    for byte in REQUEST {
        let mut input = core::slice::from_ref(byte);
        while let Some(event) = decoder.decode(&mut input).map_err(|_| 1)? {
            match event {
                Event::Header(header) if header.content_type() != "text/json" => return Err(2),
                Event::Header(_) => {}
                Event::Content(piece) => content += piece.len(),
                Event::End => ends += 1,
            }
        }
    }
    if (content, ends) != (39, 1) || decoder.finish().is_err() {
        return Err(3);
    }
    let mut refusing = Decoder::new([0; 128]);
    if refusing.decode(&mut &b"\x00\x02{}"[..]).is_ok() {
        return Err(4);
    }

    let header = Header::for_json(ANSWER.len() as u64).with_byte_order(ByteOrder::Little);
    let mut buffer = [0; 128];
    let mut answer = Outgoing::new(&header, ANSWER, &mut buffer).map_err(|_| 5)?;
    if answer.len() != 2 + 103 + 38 {
        return Err(6);
    }
    while !answer.is_empty() {
        let [head, content] = answer.parts();
        let written = print(if head.is_empty() { content } else { head }).ok_or(7)?;
        answer.advance(written);
    }
    Ok(())
}

#[cfg(feature = "heapless")]
fn check_heapless() -> Result<(), u8> {
    use jsonframe::{Assembler, OwnedHeader};

    let mut assembler = Assembler::new([0; 128], heapless::Vec::<u8, 64>::new());
    let mut kept = None;
    for mut input in REQUEST.chunks(50) {
        while let Some(message) = assembler.decode(&mut input).map_err(|_| 8)? {
            if !message.content().ends_with(b"\"needle\"}") {
                return Err(9);
            }
            kept = OwnedHeader::new(&message.header(), heapless::Vec::<u8, 128>::new()).ok();
        }
    }
    match kept {
        Some(kept) if kept.header().content_length() == 39 => Ok(()),
        _ => Err(10),
    }
}
