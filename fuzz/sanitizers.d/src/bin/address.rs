//! A read of memory that has been given back.

use std::hint::black_box;

fn main() {
    let bytes = vec![1_u8; 16];
    let place = black_box(bytes.as_ptr());
    drop(bytes);
    // SAFETY: there is none, for the memory is no longer the vector's. That is what is to be found.
    println!("{}", unsafe { place.read() });
}
