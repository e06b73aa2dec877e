//! Measures how deep the codec goes: it paints the stack before each call, and looks afterwards how much paint is gone.
//!
//! What it measured it sends in one message, when the link has no more packets.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::mem::size_of;

use cortex_m_rt::entry;
use cortex_m_stack::{current_stack_in_use, repaint_stack, stack_painted, stack_size};
use jsonframe::{DecodeError, Decoder, EncodeError, Event, Header, Value};
use jsonframe_cortex_m::host::with_host;
use jsonframe_cortex_m::link::{Down, Packet, Receiver, Sender};
use semihosting::process::exit;

/// The deepest uses of the stack so far, in bytes.
#[derive(Default)]
struct Deepest {
    decode: u32,
    extensions: u32,
    encode: u32,
}

/// How many bytes of the stack [`known`] fills.
const KNOWN: usize = 400;

#[entry]
fn main() -> ! {
    static mut ROOM: [u8; 8192] = [0; 8192];
    static mut OUT: [u8; 8192] = [0; 8192];

    let outcome = with_host(|input, output| {
        let mut receiver = Receiver::new(input);
        let mut deepest = Deepest::default();
        while let Some(packet) = receiver.receive()? {
            let Packet::Open { header_capacity, .. } = packet else {
                return Err(Down);
            };
            let capacity = ROOM.len().min(usize::from(header_capacity));
            measure(ROOM.get_mut(..capacity).ok_or(Down)?, OUT, &mut receiver, &mut deepest)?;
        }
        report(&deepest, &mut Sender::new(output))
    });
    exit(i32::from(!matches!(outcome, Some(Ok(())))))
}

/// Decodes a peer's stream, goes through the extensions of each header and encodes it again.
fn measure(room: &mut [u8], out: &mut [u8], receiver: &mut Receiver<'_>, deepest: &mut Deepest) -> Result<(), Down> {
    let mut decoder = Decoder::new(room);
    loop {
        let Some(Packet::Data(bytes)) = receiver.receive()? else {
            return Ok(());
        };
        let mut input = bytes;
        loop {
            let (event, depth) = depth(|| decode(&mut decoder, &mut input));
            deepest.decode = deepest.decode.max(depth);
            match event {
                Err(_) | Ok(None) => break,
                Ok(Some(Event::Header(header))) => again(&header, out, deepest),
                Ok(Some(_)) => {}
            }
        }
    }
}

fn again(header: &Header<'_>, out: &mut [u8], deepest: &mut Deepest) {
    let (_, extensions) = depth(|| last(header));
    deepest.extensions = deepest.extensions.max(extensions);

    let mut members = heapless::Vec::<_, 100>::new();
    for member in header.extensions() {
        // More than these make no call go deeper.
        let _ = members.push(member);
    }
    let listed = Header::new(header.content_type(), header.content_encoding(), header.content_length())
        .with_extensions(&members);
    let (_, encoding) = depth(|| encode(&listed, out).is_ok());
    deepest.encode = deepest.encode.max(encoding);
}

#[inline(never)]
fn decode<'d, 'i>(
    decoder: &'d mut Decoder<&mut [u8]>,
    input: &mut &'i [u8],
) -> Result<Option<Event<'d, 'i>>, DecodeError> {
    decoder.decode(input)
}

#[inline(never)]
fn last<'a>(header: &Header<'a>) -> Option<Value<'a>> {
    header.extensions().last().map(|(_, value)| value)
}

#[inline(never)]
fn encode<'b>(header: &Header<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
    header.encode(buffer)
}

/// Uses as much of the stack as is known, to measure the measurement.
#[inline(never)]
fn known() -> u8 {
    let mut filled = [0xA5_u8; KNOWN];
    black_box(&mut filled).iter().fold(0, |sum, byte| byte.wrapping_add(sum))
}

/// Calls a function that is not inlined, and says how many bytes of the stack it used.
#[inline(never)]
fn depth<T>(call: impl FnOnce() -> T) -> (T, u32) {
    repaint_stack();
    let before = current_stack_in_use();
    let result = black_box(call());
    let untouched = stack_painted();
    // With no paint left there is no knowing how deep it went.
    let used = if untouched == 0 { u32::MAX } else { stack_size().saturating_sub(untouched).saturating_sub(before) };
    (result, used)
}

fn report(deepest: &Deepest, sender: &mut Sender<'_>) -> Result<(), Down> {
    let state = u32::try_from(size_of::<Decoder<[u8; 0]>>()).map_err(|_| Down)?;
    let (_, measured) = depth(known);
    let known = u32::try_from(KNOWN).map_err(|_| Down)?;
    let members = [
        ("known", known.into()),
        ("measured", measured.into()),
        ("decode", deepest.decode.into()),
        ("extensions", deepest.extensions.into()),
        ("encode", deepest.encode.into()),
        ("state", state.into()),
    ];
    sender.send(&Header::for_json(0).with_extensions(&members), b"").map_err(|_| Down)
}
