//! Properties of jsonframe that hold for every input. Each `check` takes any bytes, and panics if they break its property.
//!
//! The fuzz targets call them with inputs that libFuzzer makes up. `cargo test` in the workspace calls the same files, by
//! path, with the vectors, the seeds and the regressions: [`crate::input`] and the rest must do without libFuzzer.

#![forbid(unsafe_code)]

pub mod decode;
pub mod differential;
pub mod engine;
pub mod input;
pub mod log;
pub mod pipe;
pub mod plan;
pub mod refusal;
pub mod replay;
pub mod roundtrip;
pub mod rules;
pub mod script;
pub mod seeds;
pub mod session;
pub mod spelling;
pub mod split;
