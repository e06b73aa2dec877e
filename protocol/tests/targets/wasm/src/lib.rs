//! A server in WebAssembly, without std. Its host gives it a request byte by byte and takes the answer byte by byte, so that
//! neither looks into the other's memory.
#![no_std]

#[cfg(feature = "json")]
mod memory;
#[cfg_attr(feature = "json", path = "json.rs")]
mod server;

use core::cell::UnsafeCell;

use server::Server;

struct Only(UnsafeCell<Server>);

// SAFETY: a module without shared memory has one thread.
unsafe impl Sync for Only {}

static SERVER: Only = Only(UnsafeCell::new(Server::new()));

/// Takes a byte of a request. Returns the length of the answer if one is due now, 0 if none is, and -1 for a byte that is
/// refused.
#[unsafe(no_mangle)]
pub extern "C" fn put(byte: u8) -> i32 {
    // SAFETY: neither of these functions is called by the other.
    let server = unsafe { &mut *SERVER.0.get() };
    server.put(byte).and_then(|length| i32::try_from(length).ok()).unwrap_or(-1)
}

/// A byte of the answer; 0 after its end.
#[unsafe(no_mangle)]
pub extern "C" fn take(index: usize) -> u8 {
    // SAFETY: as above.
    let server = unsafe { &*SERVER.0.get() };
    server.answer().get(index).copied().unwrap_or(0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
