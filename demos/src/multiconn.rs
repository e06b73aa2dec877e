//! The multi-connection pair of the tutorial: bytes over many connections at once, in one thread.
//!
//! Both sides wait on one readiness poller for all their connections, and do what each is ready for without ever waiting
//! for one of them. The poller is [`mio`]'s, for every operation of it is safe; it tells of a change of readiness once,
//! so a connection is served until it blocks, or else remembered for the next turn.

mod client;
mod dialogue;
mod echo;
mod idle;
mod listen;
mod server;
mod unsent;

pub use client::converse;
pub use server::Server;
