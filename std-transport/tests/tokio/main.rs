//! Connections over tokio's streams: messages, halves, limits, memory, and futures that are dropped at every point.
#![cfg(all(feature = "json", feature = "tokio"))]

#[cfg(feature = "client")]
mod calls;
mod dropped_receiving;
mod dropped_sending;
mod faults;
mod halting;
mod memory;
mod messages;
#[cfg(all(feature = "json", feature = "server"))]
mod server;
