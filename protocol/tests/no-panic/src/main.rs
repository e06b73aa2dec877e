//! Links only if no function it lists can panic; then it prints the list.
//!
//! Each function is marked `#[no_panic]`: on its way out by a panic it would call a function that does not exist. If the
//! optimiser cannot show that there is no such way, the program does not link.

mod array;
mod assembler;
mod content;
mod decoder;
mod derived;
mod dialect;
mod embedded;
mod error;
mod header;
mod message;
mod planted;
mod prove;
mod value;

use std::collections::BTreeMap;
use std::hint::black_box;

fn main() {
    let lists = [
        decoder::array::proven(),
        decoder::largest::proven(),
        decoder::slice::proven(),
        decoder::boxed::proven(),
        assembler::array::proven(),
        assembler::vec::proven(),
        assembler::slice::proven(),
        assembler::storage::proven(),
        content::proven(),
        dialect::proven(),
        embedded::array::proven(),
        embedded::slice::proven(),
        embedded::copied::proven(),
        embedded::errors::proven(),
        embedded::receive_error::proven(),
        embedded::send_error::proven(),
        header::proven(),
        value::proven(),
        message::proven(),
        error::proven(),
        derived::byte_order::proven(),
        derived::decode_error::proven(),
        derived::decode_error_kind::proven(),
        derived::dialect::proven(),
        derived::encode_error::proven(),
        derived::encoding::proven(),
        derived::event::proven(),
        derived::header::proven(),
        derived::invalid_byte_order::proven(),
        derived::invalid_content_type::proven(),
        derived::invalid_json::proven(),
        derived::member::proven(),
        derived::message::proven(),
        derived::proto_header::proven(),
        derived::storage_full::proven(),
        derived::unknown_encoding::proven(),
        derived::value::proven(),
        derived::copied::proven(),
        derived::hashed::proven(),
        #[cfg(feature = "planted-index")]
        planted::index::proven(),
        #[cfg(feature = "planted-slice")]
        planted::slice::proven(),
        #[cfg(feature = "planted-overflow")]
        planted::overflow::proven(),
        #[cfg(feature = "planted-storage")]
        planted::storage::proven(),
    ];
    let mut items = BTreeMap::<_, Vec<_>>::new();
    let mut count = 0;
    for proven in lists.into_iter().flatten() {
        black_box(proven.address);
        items.entry(proven.item).or_default().push(proven.with);
        count += 1;
    }
    for (item, with) in &items {
        println!("{item}\t{}", with.join("; "));
    }
    eprintln!("{count} functions, {} public items", items.len());
}
