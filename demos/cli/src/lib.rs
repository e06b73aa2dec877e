//! The program `jsonframe`: a room for each of its commands, and what the demo programs share with them.
//!
//! This library is for the programs of this project. It promises nothing to others.

pub mod address;
mod call;
mod check;
pub mod connect;
pub mod console;
pub mod dial;
pub mod dialect;
mod exchange;
pub mod hint;
pub mod inspect;
pub mod limits;
mod listen;
mod load;
mod manners;
mod program;
pub mod signals;
mod stream;
pub mod text;
pub mod tls;
mod transfer;
pub mod watched;

pub use program::{command, main};
