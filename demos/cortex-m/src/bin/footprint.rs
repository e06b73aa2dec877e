//! A firmware to be linked with and without the codec: what differs in size is the codec's.
//!
//! It sends back what it receives. With the feature `decoder` it sends back the content of the messages it receives and
//! their types, and with `extensions` an extension member too. With the feature `encoder` what it sends are messages, and
//! with `extensions` they have two extension members. With `drivers` it does both through those for `embedded-io`.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use embedded_io::{Read, Write};
use jsonframe_cortex_m::host::{Input, Output, with_host};
use semihosting::process::exit;

#[entry]
fn main() -> ! {
    exit(i32::from(with_host(run).flatten().is_none()))
}

#[cfg(feature = "drivers")]
fn run(input: Input<'_>, output: Output<'_>) -> Option<()> {
    use jsonframe::embedded::{Receiver, Sender};

    let mut receiver = Receiver::new(input, [0; 256]);
    let mut sender = Sender::new(output, [0; 256]);
    let mut buffer = [0; 128];
    while let Some(mut incoming) = receiver.receive().ok()? {
        sender
            .send(&header(incoming.header().content_type().len()), incoming.header().content_type().as_bytes())
            .ok()?;
        loop {
            let piece = match incoming.read(&mut buffer).ok()? {
                0 => break,
                count => buffer.get(..count)?,
            };
            sender.send(&header(piece.len()), piece).ok()?;
        }
    }
    None
}

#[cfg(not(feature = "drivers"))]
fn run(mut input: Input<'_>, mut output: Output<'_>) -> Option<()> {
    let mut buffer = [0; 128];
    #[cfg(feature = "decoder")]
    let mut decoder = jsonframe::Decoder::new([0; 256]);
    loop {
        let count = input.read(&mut buffer).ok()?;
        let mut bytes = buffer.get(..count).filter(|bytes| !bytes.is_empty())?;
        #[cfg(feature = "decoder")]
        while let Some(event) = decoder.decode(&mut bytes).ok()? {
            match event {
                jsonframe::Event::Header(header) => {
                    send(header.content_type().as_bytes(), &mut output)?;
                    #[cfg(feature = "extensions")]
                    if let Some(id) = header.extension(black_box("id")).and_then(|id| id.as_str()) {
                        send(id.as_bytes(), &mut output)?;
                    }
                }
                jsonframe::Event::Content(piece) => send(piece, &mut output)?,
                jsonframe::Event::End => {}
            }
        }
        send(core::mem::take(&mut bytes), &mut output)?;
    }
}

#[cfg(any(feature = "drivers", feature = "encoder"))]
fn header(length: usize) -> jsonframe::Header<'static> {
    jsonframe::Header::new(black_box("text/plain"), black_box("utf-8"), length as u64)
}

#[cfg(not(any(feature = "drivers", feature = "encoder")))]
fn send(bytes: &[u8], output: &mut Output<'_>) -> Option<()> {
    output.write(black_box(bytes)).ok()?;
    Some(())
}

#[cfg(all(feature = "encoder", not(feature = "drivers")))]
fn send(bytes: &[u8], output: &mut Output<'_>) -> Option<()> {
    let header = header(bytes.len());
    #[cfg(feature = "extensions")]
    let members = [("id", black_box("\u{1F436}").into()), ("count", black_box(7_u64).into())];
    #[cfg(feature = "extensions")]
    let header = header.with_extensions(&members);
    let mut buffer = [0; 256];
    let head = header.encode(&mut buffer).ok()?;
    output.write(head).ok()?;
    output.write(black_box(bytes)).ok()?;
    Some(())
}
