//! The device of `demos/cortex-m`, its link and its application unchanged, on a machine of 8 bits.
//!
//! Its addresses and its `usize` have 16 bits, and it has 8 KiB of memory in all.
#![no_std]
#![no_main]

#[path = "../../../../../demos/cortex-m/src/answer.rs"]
mod answer;
#[path = "../../../../../demos/cortex-m/src/digest.rs"]
mod digest;
mod host;
#[path = "../../../../../demos/cortex-m/src/link.rs"]
pub mod link;
#[path = "../../../../../demos/cortex-m/src/serve.rs"]
mod serve;

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    let mut room = [0; 1536];
    let _ = serve::serve(&mut room, &mut link::Receiver::new(host::Input::new()), &mut link::Sender::new(host::Output::new()));
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
