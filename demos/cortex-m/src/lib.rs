//! A device on a Cortex-M4 that decodes messages and answers them, without an allocator, a panic or `unsafe`.
//!
//! [`serve`] is the application, [`link`] what it hangs on. The programs in `bin` put them together.
#![no_std]

mod answer;
mod by_reader;
mod digest;
pub mod host;
pub mod link;
mod serve;

pub use serve::serve;

/// Compiled because a program without std must have one. It is in no image: nothing here panics.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    semihosting::process::exit(101)
}
