//! What the demo programs share.

pub mod application;
pub mod client;
pub mod console;
pub mod dial;
pub mod dialect;
pub mod echo;
pub mod hint;
pub mod inspect;
pub mod limits;
mod linger;
pub mod listen;
pub mod load;
mod metrics;
pub mod multiconn;
pub mod server;
pub mod signals;
mod slots;
pub mod text;
mod threads;
pub mod tls;
pub mod transfer;
mod watched;
mod wire;

/// The examples of the pages beside the crates, run as tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../MIGRATION.md")]
    struct Migration;
}
