//! A device that logs what it receives, through defmt.
//!
//! Each thing is logged twice: as it formats itself for defmt, in words that are not in the image, and as it displays
//! itself, spelt out by the device. Both must read the same.
#![no_std]
#![no_main]

use cortex_m as _; // Its critical section is the logger's.
use cortex_m_rt::entry;
use defmt::{Display2Format, println};
use defmt_semihosting as _;
use embedded_io::{ErrorKind, Read};
use jsonframe::embedded::{ReceiveError, Receiver, SendError};
use jsonframe::{ByteOrder, EncodeError, Event, Header, Member, Message, StorageFull, Value};
use jsonframe_cortex_m::host::with_host;
use jsonframe_cortex_m::link::{self, Down, Packet, Stream};
use semihosting::process::exit;

macro_rules! log {
    ($thing:expr) => {
        println!("{}", $thing);
        println!("{}", Display2Format(&$thing));
    };
}

#[entry]
fn main() -> ! {
    static mut ROOM: [u8; 8192] = [0; 8192];

    log_samples();
    let outcome = with_host(|input, _| {
        let mut link = link::Receiver::new(input);
        while let Some(packet) = link.receive()? {
            let Packet::Open { header_capacity, content_limit, .. } = packet else {
                return Err(Down);
            };
            let capacity = ROOM.len().min(usize::from(header_capacity));
            serve(ROOM.get_mut(..capacity).ok_or(Down)?, content_limit, &mut link)?;
        }
        Ok(())
    });
    exit(i32::from(!matches!(outcome, Some(Ok(())))))
}

/// Logs a peer's headers, and the fault that its stream ends with.
fn serve(room: &mut [u8], content_limit: u64, link: &mut link::Receiver<'_>) -> Result<(), Down> {
    let mut receiver = Receiver::new(Stream::new(link), room);
    loop {
        let fault = match receiver.receive() {
            Ok(None) => return Ok(()),
            Ok(Some(mut incoming)) => {
                log!(incoming.header());
                incoming.limit_content(content_limit).err().map(ReceiveError::from)
            }
            Err(error) => Some(error),
        };
        match fault {
            None => {}
            Some(ReceiveError::Decode(error)) => {
                log!(error);
                let mut stream = receiver.into_reader();
                while stream.read(&mut [0; 50])? > 0 {}
                return Ok(());
            }
            Some(_) => return Err(Down),
        }
    }
}

/// Logs what no stream brings forth.
fn log_samples() {
    for member in Member::ALL.iter().copied() {
        log!(member);
        log!(EncodeError::ReservedName { member });
    }
    for order in [ByteOrder::Little, ByteOrder::Big] {
        println!("{}", order);
        println!("{=str}", order.as_str());
    }
    for value in [Value::NULL, true.into(), u64::MAX.into(), i64::MIN.into(), "a\"\u{1F436}\n".into()] {
        log!(value);
    }
    if let Ok(value) = Value::from_json("[1,{\"a\" :2.50}]") {
        log!(value);
    }
    if let Err(error) = Value::from_json("[1,]") {
        log!(error);
    }
    log!(EncodeError::HeaderTooLong { length: 65_536, limit: 65_535 });
    log!(EncodeError::BufferTooSmall { needed: 105, available: 104 });
    log!(EncodeError::LengthMismatch { announced: u64::MAX, actual: 0 });
    log!(StorageFull);
    log!(ReceiveError::Reader(ErrorKind::TimedOut));
    log!(SendError::Writer(ErrorKind::BrokenPipe));
    log!(SendError::<ErrorKind>::WriteZero);
    log!(SendError::<ErrorKind>::Encode(EncodeError::LengthMismatch { announced: 1, actual: 2 }));
    log!(SendError::<ErrorKind>::Unfinished { missing: 3 });
    let header = Header::for_json(2);
    if let Ok(message) = Message::new(header, b"[]") {
        println!("{}", message);
        println!("{} and 2 bytes", Display2Format(&header));
    }
    for (event, words) in [(Event::Content(b"[]"), "Content(2 bytes)"), (Event::End, "End")] {
        println!("{}", event);
        println!("{=str}", words);
    }
    println!("{}", Event::Header(header));
    println!("Header({})", Display2Format(&header));
}
