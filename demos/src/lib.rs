//! What the demo programs share.

pub mod application;
pub mod client;
pub mod console;
pub mod inspect;
pub mod server;
mod slots;
pub mod text;
mod wire;
