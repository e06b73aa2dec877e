//! The host at the other end of the serial line: the first USART of the ATmega1280.

use core::marker::PhantomData;
use core::ptr::{read_volatile, with_exposed_provenance, with_exposed_provenance_mut, write_volatile};

use embedded_io::{ErrorKind, ErrorType, Read, Write};

/// Status and control, and data.
const UCSR0A: usize = 0xC0;
const UCSR0B: usize = 0xC1;
const UDR0: usize = 0xC6;

/// A byte has been received.
const RXC: u8 = 1 << 7;
/// A byte can be sent.
const UDRE: u8 = 1 << 5;
/// Both directions are on.
const RXEN_TXEN: u8 = 1 << 4 | 1 << 3;

fn get(register: usize) -> u8 {
    // SAFETY: the callers name registers of the USART, which are there and may be read at any time.
    unsafe { read_volatile(with_exposed_provenance(register)) }
}

fn set(register: usize, value: u8) {
    // SAFETY: the callers name registers of the USART, which are there and belong to nothing else.
    unsafe { write_volatile(with_exposed_provenance_mut(register), value) }
}

/// What the device receives.
pub struct Input<'h>(PhantomData<&'h ()>);

/// What the device sends.
pub struct Output<'h>(PhantomData<&'h ()>);

/// Both directions of the line.
pub(crate) fn line() -> (Input<'static>, Output<'static>) {
    set(UCSR0B, RXEN_TXEN);
    (Input(PhantomData), Output(PhantomData))
}

impl ErrorType for Input<'_> {
    type Error = ErrorKind;
}

/// Waits for one byte: the line keeps no more.
impl Read for Input<'_> {
    fn read(&mut self, place: &mut [u8]) -> Result<usize, ErrorKind> {
        let Some(byte) = place.first_mut() else { return Ok(0) };
        while get(UCSR0A) & RXC == 0 {}
        *byte = get(UDR0);
        Ok(1)
    }
}

impl ErrorType for Output<'_> {
    type Error = ErrorKind;
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        for byte in bytes {
            while get(UCSR0A) & UDRE == 0 {}
            set(UDR0, *byte);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        while get(UCSR0A) & UDRE == 0 {}
        Ok(())
    }
}
