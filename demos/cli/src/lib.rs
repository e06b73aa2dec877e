//! The program `jsonframe`: a room for each of its commands, and what the demo programs share with them.
//!
//! This library is for the programs of this project. It promises nothing to others.

pub mod address;
pub mod capture;
pub mod connect;
pub mod console;
mod convert;
pub mod dial;
pub mod dialect;
pub mod hint;
pub mod inspect;
pub mod limits;
mod load;
mod program;
pub mod signals;
mod stream;
pub mod text;
pub mod tls;
mod transfer;
pub mod watched;

pub use program::{command, main};
