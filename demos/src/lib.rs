//! What the demo programs share.

pub mod application;
pub mod client;
pub mod echo;
pub mod listen;
mod metrics;
pub mod multiconn;
pub mod server;

/// The examples of the pages beside the crates, run as tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../MIGRATION.md")]
    struct Migration;
}
