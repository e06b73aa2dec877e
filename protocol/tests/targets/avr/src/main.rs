//! The device of `demos/cortex-m`, its link and its application unchanged, on a machine of 8 bits.
//!
//! Its addresses and its `usize` have 16 bits, and it has 8 KiB of memory in all.
#![no_std]
#![no_main]

#[path = "../../../../../demos/cortex-m/src/answer.rs"]
mod answer;
#[path = "../../../../../demos/cortex-m/src/by_reader.rs"]
mod by_reader;
#[path = "../../../../../demos/cortex-m/src/digest.rs"]
mod digest;
mod host;
#[path = "../../../../../demos/cortex-m/src/link.rs"]
pub mod link;
#[path = "../../../../../demos/cortex-m/src/serve.rs"]
mod serve;

use link::{Receiver, Sender};

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    let (input, output) = host::line();
    // A device has nowhere to return to. What is wrong with the link, the host sees by the answers that do not come.
    let _ = serve::serve(&mut [0; 1536], &mut Receiver::new(input), &mut Sender::new(output));
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
