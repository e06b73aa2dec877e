//! The program `jsonframe`: a room for each of its commands, and what the demo programs share with them.
//!
//! This library is for the programs of this project. It promises nothing to others.

pub mod address;
mod call;
pub mod capture;
mod check;
pub mod connect;
pub mod console;
mod convert;
pub mod dial;
pub mod dialect;
mod dialer;
pub mod encoded;
pub mod exchange;
pub mod hint;
pub mod inspect;
pub mod limits;
mod listen;
mod listener;
mod load;
mod manners;
mod program;
mod reading;
mod served;
pub mod signals;
mod slots;
mod socket;
mod stream;
mod tap;
pub mod text;
mod threads;
pub mod tls;
mod transfer;
pub mod watched;
mod wire;

pub use program::{command, main};
