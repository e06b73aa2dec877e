//! The host at the other end of the serial line: the first USART of the ATmega2560.

use core::marker::PhantomData;
use core::ptr::{read_volatile, with_exposed_provenance, with_exposed_provenance_mut, write_volatile};

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

/// The line from the host.
pub struct Input<'h>(PhantomData<&'h ()>);

/// The line to the host.
pub struct Output<'h>(PhantomData<&'h ()>);

impl Input<'_> {
    /// Switches the line on.
    pub fn new() -> Self {
        set(UCSR0B, RXEN_TXEN);
        Self(PhantomData)
    }

    /// Waits for bytes and puts them to the beginning of this place: how many.
    pub fn read(&mut self, place: &mut [u8]) -> Option<usize> {
        for byte in place.iter_mut() {
            while get(UCSR0A) & RXC == 0 {}
            *byte = get(UDR0);
        }
        Some(place.len())
    }
}

impl Output<'_> {
    /// Switches the line on.
    pub fn new() -> Self {
        set(UCSR0B, RXEN_TXEN);
        Self(PhantomData)
    }

    /// Writes these bytes: how many.
    pub fn write(&mut self, bytes: &[u8]) -> Option<usize> {
        for byte in bytes {
            while get(UCSR0A) & UDRE == 0 {}
            set(UDR0, *byte);
        }
        Some(bytes.len())
    }
}
