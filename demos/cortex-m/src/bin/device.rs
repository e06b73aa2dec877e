//! The device: decodes what the link brings and answers it.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use jsonframe_cortex_m::host::with_host;
use jsonframe_cortex_m::link::{Receiver, Sender};
use jsonframe_cortex_m::serve;
use semihosting::process::exit;

#[entry]
fn main() -> ! {
    static mut ROOM: [u8; 8192] = [0; 8192];

    #[cfg(feature = "planted-panic")]
    core::hint::black_box(ROOM[core::hint::black_box(0)]);

    let outcome = with_host(|input, output| serve(ROOM, &mut Receiver::new(input), &mut Sender::new(output)));
    exit(i32::from(!matches!(outcome, Some(Ok(())))))
}
