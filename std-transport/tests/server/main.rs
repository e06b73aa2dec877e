//! A server over real sockets.
//!
//! What measures a process has one to itself, in the programs `server_*`.
#![cfg(feature = "server")]

#[cfg(feature = "json")]
mod answers;
mod closing;
mod crowd;
mod fair;
mod figures;
mod hooks;
#[cfg(feature = "tls")]
mod layers;
mod limits;
#[cfg(unix)]
mod listeners;
#[cfg(feature = "json")]
mod messages;
mod panics;
mod places;
#[path = "../running/mod.rs"]
mod running;
mod slow;
mod state;
#[cfg(feature = "json")]
mod test_peer;
mod totals;
