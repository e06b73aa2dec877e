//! What the demo programs share.

pub mod application;
pub mod client;
pub mod console;
mod dial;
pub mod echo;
pub mod inspect;
pub mod limits;
mod linger;
pub mod load;
pub mod multiconn;
pub mod server;
mod slots;
pub mod text;
mod threads;
pub mod transfer;
mod wire;
