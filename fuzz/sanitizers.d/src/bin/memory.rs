//! A decision by memory that nobody has written.

use std::hint::black_box;
use std::mem::MaybeUninit;

fn main() {
    let mut bytes = Box::new([MaybeUninit::<u8>::uninit(); 16]);
    bytes[0].write(1);
    let bytes = black_box(bytes);
    // SAFETY: there is none, for only the first byte is written. That is what is to be found.
    if unsafe { bytes[7].assume_init() } == 7 {
        println!("seven");
    }
}
