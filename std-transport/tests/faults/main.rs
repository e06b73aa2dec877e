//! A stream that fails once, or from then on, at every call there is, with every kind of error.

#[path = "../common/mod.rs"]
mod common;
mod faulty;
mod receiving;
mod sending;
mod sessions;
